#include "tests/bench/peers.h"
#include "reconcile/edge/peer/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_S  60
#define TURN_MS 1000 /* between two looks of a rival's peer */
#define EVENTS  512

struct peers_shared {
	atomic_uint turn;  /* counts up with each revision that is expected */
	char expected[64]; /* the text of a rival's file that shows that it is the one */
	struct peers_result results[];
};

struct sim {
	struct connection c;
	const struct peer *self;
	struct peers_result *result;
	struct kept *held;
	/* Verified, and not put away yet: where it is, with the bytes that it points into. */
	struct arena *arena;
	struct bundle *merged;
	struct buf bytes;
	unsigned turn; /* that it has */
	char have[3 * 64 + 32];
	char ledger[POSITION_LEN + 1];
	char etag[64];
	double came;
	double due; /* rival: when it looks again */
	bool asked;
	bool waits; /* an answer that has not been looked at */
};

struct worker {
	const struct peers *p;
	struct sim *sims;
	uint32_t n, n_done;
	uint32_t *queue, n_queue, at; /* peers with an answer that waits */
	struct verifier verifier;
	unsigned turn;
	int ep, say;
};

/* --- ours --- */

static void ask(const struct worker *w, struct sim *s, unsigned wait_s)
{
	struct buf request = {0};

	poll_request(&request, &w->verifier.pinned.id, s->have, wait_s);
	connection_send(&s->c, request.p, request.n);
	buf_free(&request);
}

static struct verifier verifier_of(const struct worker *w, const struct sim *s)
{
	struct verifier v = w->verifier;

	v.own_key = s->self->key;
	if (s->held) {
		v.held = s->held->bundle;
		v.held_view = s->held->view;
		v.current = s->held->view->statement.trust;
	}
	return v;
}

static void done_one(struct worker *w, struct sim *s)
{
	s->turn = w->turn;
	w->n_done++;
}

/* As a peer does it: bounded, parsed, verified against what it holds. */
static void take_bundle(struct worker *w, struct sim *s)
{
	const double start = now_ms();
	const struct verifier v = verifier_of(w, s);
	struct diags d = {0};
	struct view *view = NULL;
	enum verify_result result;
	struct bundle b;
	char hex[HASH_HEX_LEN + 1];

	arena_free(s->arena);
	buf_free(&s->bytes);
	s->arena = need(arena_new());
	s->bytes = s->c.in;
	s->c.in = (struct buf){0};
	if (bundle_parse(s->arena, (struct span){(uint8_t *)s->bytes.p + s->c.head, s->bytes.n - s->c.head}, &b, &d) <
	    0)
		die("an answer that is no bundle: %s", d.first ? d.first->message : "out of memory");
	result = snapshot_verify(s->arena, &v, &b, time(NULL), &view, &s->merged, &d);
	if (result != VERIFY_OK && result != VERIFY_UNCHANGED)
		die("a peer does not believe its server: %s", d.first ? d.first->message : "out of memory");
	if (b.ledger[0])
		memcpy(s->ledger, b.ledger, sizeof(s->ledger));
	if (result == VERIFY_OK) {
		s->result->came_ms = s->came;
		s->result->at_ms = now_ms();
		s->result->verify_ms = s->result->at_ms - start;
		s->result->body = s->c.need - s->c.head;
		hash_hex(&view->statement.name, hex);
		snprintf(s->have, sizeof(s->have), "%s.%s.%" PRIu64, hex, s->ledger[0] ? s->ledger : "-",
			 b.hints_position);
		done_one(w, s);
	}
	diags_free(&d);
}

/* What a peer writes to its disk, and reads again from there: after the clock has stopped, since each has a disk. */
static void put_away(const struct worker *w, struct sim *s)
{
	const struct verifier v = verifier_of(w, s);
	struct diags d = {0};
	struct buf whole = {0};
	struct kept *g;

	if (!s->merged)
		return;
	bundle_write(&whole, s->merged);
	g = whole.failed ? NULL : kept_make(&whole, &v, time(NULL), &d);
	if (!g)
		die("a snapshot cannot be kept: %s", d.first ? d.first->message : "out of memory");
	diags_free(&d);
	kept_free(s->held);
	s->held = g;
	arena_free(s->arena);
	buf_free(&s->bytes);
	s->arena = NULL;
	s->merged = NULL;
}

/* --- the rival --- */

static void ask_file(struct sim *s)
{
	struct buf request = {0};

	buf_printf(&request, "GET /%s.conf HTTP/1.1\r\nHost: " NETWORK_SERVER "\r\n", s->self->name);
	if (s->etag[0])
		buf_printf(&request, "If-None-Match: %s\r\n", s->etag);
	buf_str(&request, "\r\n");
	connection_send(&s->c, request.p, request.n);
	buf_free(&request);
	s->asked = true;
}

static void take_file(struct worker *w, struct sim *s)
{
	const struct span etag = connection_header(&s->c, "ETag");
	const char *expected = w->p->shared->expected;

	snprintf(s->etag, sizeof(s->etag), "%.*s", (int)etag.n, (const char *)etag.p);
	if (s->turn != w->turn && memmem(s->c.in.p, s->c.in.n, expected, strlen(expected))) {
		s->result->came_ms = s->result->at_ms = s->came;
		s->result->body = s->c.need - s->c.head;
		done_one(w, s);
	}
}

/* Each peer that is due looks again. Returns how long until the next one is due. */
static int ask_files(struct worker *w)
{
	const double now = now_ms();
	double next = now + TURN_MS;

	for (uint32_t i = 0; i < w->n; i++) {
		struct sim *s = &w->sims[i];

		if (s->asked)
			continue;
		if (s->due <= now) {
			s->due += TURN_MS;
			if (s->due < now)
				s->due = now + TURN_MS;
			ask_file(s);
		} else if (s->due < next) {
			next = s->due;
		}
	}
	return next <= now ? 0 : (int)(next - now) + 1;
}

/* --- the loop --- */

static void answered(struct worker *w, struct sim *s)
{
	const bool first = !s->held && !s->merged;

	if (s->c.status != 200 && s->c.status != 204 && s->c.status != 304)
		die("a peer was answered: %.*s", (int)s->c.in.n, s->c.in.p);
	s->result->received += s->c.need;
	s->asked = false;
	if (w->p->rival) {
		if (s->c.status == 200)
			take_file(w, s);
		connection_next(&s->c);
		return;
	}
	if (s->c.status == 200)
		take_bundle(w, s);
	connection_next(&s->c);
	if (first)
		put_away(w, s);
	ask(w, s, WAIT_S);
}

/* All have the revision: tells so, after what is left to do. */
static void all_done(struct worker *w)
{
	if (!w->p->rival)
		for (uint32_t i = 0; i < w->n; i++)
			put_away(w, &w->sims[i]);
	w->n_done = 0;
	if (write(w->say, "r", 1) != 1)
		_exit(1);
}

static _Noreturn void work(struct worker *w)
{
	struct epoll_event events[EVENTS];
	unsigned said = 0;

	for (;;) {
		int wait = w->at < w->n_queue ? 0 : w->p->rival ? ask_files(w) : -1;
		int n = epoll_wait(w->ep, events, EVENTS, wait);
		unsigned turn = atomic_load(&w->p->shared->turn);

		if (n < 0 && errno != EINTR)
			die("epoll: %s", strerror(errno));
		w->turn = turn;
		for (int i = 0; i < n; i++) {
			struct sim *s = &w->sims[events[i].data.u32];
			if (s->waits || !connection_read(&s->c))
				continue;
			s->came = now_ms();
			s->waits = true;
			w->queue[w->n_queue++] = events[i].data.u32;
		}
		/* What arrives comes first: each peer would have a machine of its own to read it with. */
		if (n == 0 && w->at < w->n_queue) {
			w->sims[w->queue[w->at]].waits = false;
			answered(w, &w->sims[w->queue[w->at++]]);
		}
		if (w->at == w->n_queue)
			w->at = w->n_queue = 0;
		if (w->n_done == w->n && said != w->turn) {
			said = w->turn;
			all_done(w);
		}
	}
}

static _Noreturn void worker_main(const struct peers *p, uint32_t first, uint32_t n, int say)
{
	struct worker w = {.p = p, .n = n, .say = say, .turn = 1, .verifier = {.pinned = p->site->model->trust}};
	uint64_t state = p->site->net.seed + first;
	const double now = now_ms();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	w.verifier.current = w.verifier.pinned;
	w.sims = need(calloc(n, sizeof(*w.sims)));
	w.queue = need(calloc(n, sizeof(*w.queue)));
	w.ep = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < n; i++) {
		struct sim *s = &w.sims[i];
		struct epoll_event e = {.events = EPOLLIN, .data.u32 = i};

		s->self = &p->site->model->peers[first + i];
		s->result = &p->shared->results[first + i - p->first];
		s->due = now + (double)(draw(&state) % TURN_MS);
		snprintf(s->have, sizeof(s->have), "-.-.-");
		connection_open(&s->c, &s->self->ip[0], p->rival ? STATIC_PORT : SITE_PORT);
		if (epoll_ctl(w.ep, EPOLL_CTL_ADD, s->c.fd, &e) < 0)
			die("epoll: %s", strerror(errno));
		if (!p->rival)
			ask(&w, s, WAIT_S);
	}
	work(&w);
}

void peers_expect(struct peers *p)
{
	snprintf(p->shared->expected, sizeof(p->shared->expected), "Endpoint = 192.0.2.2:%u\n",
		 10000 + p->site->net.probe);
	atomic_fetch_add(&p->shared->turn, 1);
}

void peers_await(struct peers *p)
{
	char c;

	for (unsigned i = 0; i < PEERS_WORKERS; i++) {
		if (p->worker[i] && read(p->said[i], &c, 1) != 1)
			die("simulated peers failed");
	}
}

void peers_start(struct peers *p, const struct site *site, uint32_t first, uint32_t n, bool rival)
{
	const size_t size = sizeof(*p->shared) + n * sizeof(*p->shared->results);
	const uint32_t each = (n + PEERS_WORKERS - 1) / PEERS_WORKERS;

	*p = (struct peers){.site = site, .first = first, .n = n, .rival = rival};
	if (first + n > site->model->n_peers)
		die("more peers than the network has");
	p->shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->shared == MAP_FAILED)
		die("out of memory");
	p->results = p->shared->results;
	raise_descriptors();
	peers_expect(p);
	fflush(stdout);
	for (unsigned i = 0; i < PEERS_WORKERS && i * each < n; i++) {
		const uint32_t count = n - i * each < each ? n - i * each : each;
		int fd[2];

		if (pipe2(fd, O_CLOEXEC) < 0 || (p->worker[i] = fork()) < 0)
			die("cannot start a process");
		if (!p->worker[i])
			worker_main(p, first + i * each, count, fd[1]);
		close(fd[1]);
		p->said[i] = fd[0];
	}
	peers_await(p);
}

void peers_stop(struct peers *p)
{
	int status;

	for (unsigned i = 0; i < PEERS_WORKERS; i++) {
		if (!p->worker[i])
			continue;
		kill(p->worker[i], SIGKILL);
		waitpid(p->worker[i], &status, 0);
		close(p->said[i]);
	}
	munmap(p->shared, sizeof(*p->shared) + p->n * sizeof(*p->shared->results));
}
