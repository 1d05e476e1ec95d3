/* Rows that need a server: simulated peers in a network namespace whose lo has all of 10.0.0.0/8. */
#include "tests/bench/peers.h"
#include "reconcile/wire/verify.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Peer 0 is the server, peer 1 the probe, which is in no generated file of its own. */
#define FIRST 2

/* --- push --- */

struct spread {
	struct series p50, p99, max;
	struct series own; /* p99, had each peer a machine of its own to verify with */
};

/* From the start of `git push` to each peer that has it. */
static void push_once(struct site *s, struct peers *p, struct spread *out)
{
	double *v = need(calloc(p->n, sizeof(*v))), start;

	s->net.probe++;
	site_commit(s);
	if (p->rival) {
		/* Its loops turn once a second: at any moment of that. */
		uint64_t state = s->net.seed + s->net.probe;
		poll(NULL, 0, (int)(draw(&state) % 1000));
	}
	peers_expect(p);
	start = now_ms();
	site_push(s);
	peers_await(p);
	for (uint32_t i = 0; i < p->n; i++)
		v[i] = p->results[i].at_ms - start;
	series_add(&out->p50, percentile(v, p->n, 50));
	series_add(&out->p99, percentile(v, p->n, 99));
	series_add(&out->max, percentile(v, p->n, 100));
	for (uint32_t i = 0; i < p->n; i++)
		v[i] = p->results[i].came_ms + p->results[i].verify_ms - start;
	series_add(&out->own, percentile(v, p->n, 99));
	free(v);
}

static void push_n(const struct bench *b, uint32_t n)
{
	const struct network net = {.shape = SHAPE_FLAT, .n = n + FIRST, .seed = b->seed};
	struct spread ours = {.p50 = {.n = 0}}, rival = {.p50 = {.n = 0}};
	const unsigned runs = n > 1000 && b->runs > 3 ? 3 : b->runs;
	char count[32], work[128];
	bool has_rival;
	struct peers p;
	struct site s;

	site_open(&s, b, &net);
	site_serve(&s);
	peers_start(&p, &s, FIRST, n, false);
	for (unsigned i = 0; i < runs; i++)
		push_once(&s, &p, &ours);
	peers_stop(&p);
	site_close(&s);

	/* Not in turn: what one lot polls would slow the other down. */
	site_open(&s, b, &net);
	has_rival = site_serve_static(&s);
	if (has_rival) {
		pid_t loop = site_pull_and_render(&s);

		peers_start(&p, &s, FIRST, n, true);
		for (unsigned i = 0; i < runs; i++)
			push_once(&s, &p, &rival);
		peers_stop(&p);
		kill(loop, SIGKILL);
		waitpid(loop, NULL, 0);
	}
	site_close(&s);

	const struct {
		const char *name;
		const struct series *ours, *rival;
	} lines[] = {{"p50", &ours.p50, &rival.p50},
		     {"p99", &ours.p99, &rival.p99},
		     {"the last", &ours.max, &rival.max},
		     {"p99, each verifying on a machine of its own", &ours.own, &rival.own}};
	thousands(n, count);
	for (unsigned i = 0; i < 4; i++) {
		const bool judged = i == 1 && n == 1000;
		snprintf(work, sizeof(work), "%s peers, %s", count, lines[i].name);
		figure_say(&(struct figure){"push", work, "ms",
					    has_rival ? "git pull and static files, each second" : NULL,
					    series_median(lines[i].ours), series_median(lines[i].rival),
					    judged ? GOAL_OURS_MAX : GOAL_NONE, 250});
	}
}

void rows_push(const struct bench *b)
{
	if (b->small) {
		push_n(b, 40);
		return;
	}
	for (uint32_t n = 100; n <= 10000; n *= 10)
		push_n(b, n);
}

/* --- bytes, join --- */

/* The rival's answer: a whole file, with what nginx says before it. */
#define STATIC_HEADERS 240

static double rendered_size(const struct site *s, uint32_t peer)
{
	struct arena *a = need(arena_new());
	struct buf text = {0};
	double n;

	render_peer(&text, network_compile(a, s->model), peer);
	n = (double)text.n + STATIC_HEADERS;
	buf_free(&text);
	arena_free(a);
	return n;
}

void rows_bytes(const struct bench *b)
{
	const struct network net = {.shape = SHAPE_HUGE, .n = b->small ? 200 : 10000, .seed = b->seed};
	struct series change = {.n = 0};
	char count[32], work[128];
	double full;
	struct peers p;
	struct site s;

	site_open(&s, b, &net);
	site_serve(&s);
	full = rendered_size(&s, FIRST);
	peers_start(&p, &s, FIRST, 1, false);
	thousands(net.n, count);
	snprintf(work, sizeof(work), "first contact, %s visible: bytes", count);
	figure_say(&(struct figure){"join", work, "KiB", "its wg-quick file", (double)p.results[0].received / 1024,
				    full / 1024, GOAL_NONE, 0});
	snprintf(work, sizeof(work), "first contact, %s visible: verification", count);
	figure_say(&(struct figure){"join", work, "ms", NULL, p.results[0].verify_ms, NAN, GOAL_OURS_MAX, 1000});
	for (unsigned i = 0; i < b->runs; i++) {
		const uint64_t before = p.results[0].received;

		s.net.touched++;
		site_commit(&s);
		peers_expect(&p);
		site_push(&s);
		peers_await(&p);
		series_add(&change, (double)(p.results[0].received - before));
	}
	snprintf(work, sizeof(work), "a one-peer change among %s", count);
	figure_say(&(struct figure){"bytes", work, "bytes", "full state on each poll", series_median(&change), full,
				    GOAL_OURS_MAX, 6144});
	peers_stop(&p);
	site_close(&s);
}

/* --- memory, and an idle minute --- */

void rows_idle(const struct bench *b)
{
	const uint32_t n = b->small ? 100 : 10000;
	const struct network net = {.shape = SHAPE_FLAT, .n = n + FIRST, .seed = b->seed};
	const int idle_ms = b->small ? 500 : 60000;
	uint64_t cpu, bytes = 0;
	char count[32], work[128];
	struct peers p;
	struct site s;

	site_open(&s, b, &net);
	site_serve(&s);
	peers_start(&p, &s, FIRST, n, false);
	thousands(n, count);
	snprintf(work, sizeof(work), "server, %s peers waiting", count);
	figure_say(&(struct figure){"memory", work, "MiB", NULL, (double)process_status(s.server, "VmRSS") / 1024, NAN,
				    GOAL_OURS_MAX, 64});
	for (uint32_t i = 0; i < n; i++)
		bytes += p.results[i].received;
	cpu = process_cpu_ms(s.server);
	/* The minute itself is what is measured. */
	poll(NULL, 0, idle_ms);
	cpu = process_cpu_ms(s.server) - cpu;
	for (uint32_t i = 0; i < n; i++)
		bytes -= p.results[i].received;
	snprintf(work, sizeof(work), "server, %s peers waiting: CPU of an idle %s", count,
		 b->small ? "moment" : "minute");
	figure_say(&(struct figure){"memory", work, "%", NULL, 100 * (double)cpu / idle_ms, NAN, GOAL_OURS_MAX, 0.1});
	snprintf(work, sizeof(work), "an idle %s", b->small ? "moment" : "minute");
	figure_say(&(struct figure){"bytes", work, "bytes", "a 304 each second", (double)-bytes / n, 60 * 180.0,
				    GOAL_OURS_MAX, 300});
	s.net.probe++;
	site_commit(&s);
	peers_expect(&p);
	site_push(&s);
	peers_await(&p);
	snprintf(work, sizeof(work), "server, %s peers: at most, with a push to all", count);
	figure_say(&(struct figure){"memory", work, "MiB", NULL, (double)process_status(s.server, "VmHWM") / 1024, NAN,
				    GOAL_NONE, 0});
	peers_stop(&p);
	site_close(&s);
}

/* --- serve --- */

#define CLIENTS   64
#define ANSWER_MS 60000 /* no peer waits longer than this, on the slowest machine */

/* One request after the other on each connection, for so long. Answers a second. */
static double hammer(const struct site *s, uint16_t port, const struct buf *request, int status, int ms,
		     double *answer_bytes)
{
	struct connection c[CLIENTS];
	struct pollfd fds[CLIENTS];
	uint64_t answers = 0, bytes = 0;
	double start, end;

	for (unsigned i = 0; i < CLIENTS; i++) {
		connection_open(&c[i], &s->model->peers[FIRST + i].ip[0], port);
		fds[i] = (struct pollfd){.fd = c[i].fd, .events = POLLIN};
		connection_send(&c[i], request->p, request->n);
	}
	for (start = end = now_ms(); end - start < ms; end = now_ms()) {
		if (poll(fds, CLIENTS, ANSWER_MS) <= 0)
			die("no answer");
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (!fds[i].revents || !connection_read(&c[i]))
				continue;
			if (c[i].status != status)
				die("answered: %.*s", (int)c[i].in.n, c[i].in.p);
			answers++;
			bytes += c[i].need;
			connection_next(&c[i]);
			connection_send(&c[i], request->p, request->n);
		}
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		connection_close(&c[i]);
	*answer_bytes = (double)bytes / (double)answers;
	return (double)answers / (end - start) * 1000;
}

/* What one peer runs now, as it would say it; the answer's body too. */
static void poll_now(const struct site *s, const char *have, struct buf *body, char now[static 256])
{
	struct key id = network_id(s->net.seed);
	struct arena *a = need(arena_new());
	struct buf request = {0};
	struct connection c;
	struct hash name;
	struct diags d = {0};
	struct bundle b;
	char hex[HASH_HEX_LEN + 1];

	poll_request(&request, &id, have, 10);
	connection_open(&c, &s->model->peers[FIRST].ip[0], SITE_PORT);
	connection_send(&c, request.p, request.n);
	while (!connection_read(&c))
		poll(&(struct pollfd){.fd = c.fd, .events = POLLIN}, 1, 1000);
	buf_reset(body);
	buf_add(body, c.in.p + c.head, c.in.n - c.head);
	if (c.status != 200 || bundle_parse(a, buf_span(body), &b, &d) < 0 || !b.statement.text.p)
		die("a poll was answered %d without a statement", c.status);
	hash_bytes(b.statement.text.p, b.statement.text.n, &name);
	hash_hex(&name, hex);
	snprintf(now, 256, "%s.%s.%llu", hex, b.ledger[0] ? b.ledger : "-", (unsigned long long)b.hints_position);
	connection_close(&c);
	buf_free(&request);
	arena_free(a);
}

static void file_request(struct buf *out, const char *name, const char *etag)
{
	buf_reset(out);
	buf_printf(out, "GET /%s HTTP/1.1\r\nHost: " NETWORK_SERVER "\r\n", name);
	if (etag)
		buf_printf(out, "If-None-Match: %s\r\n", etag);
	buf_str(out, "\r\n");
}

static void etag_of(const struct site *s, const char *name, char out[static 128])
{
	struct buf request = {0};
	struct connection c;
	struct span etag;

	file_request(&request, name, NULL);
	connection_open(&c, &s->model->peers[FIRST].ip[0], STATIC_PORT);
	connection_send(&c, request.p, request.n);
	while (!connection_read(&c))
		poll(&(struct pollfd){.fd = c.fd, .events = POLLIN}, 1, 1000);
	etag = connection_header(&c, "ETag");
	snprintf(out, 128, "%.*s", (int)etag.n, (const char *)etag.p);
	connection_close(&c);
	buf_free(&request);
}

void rows_serve(const struct bench *b)
{
	const struct network net = {.shape = SHAPE_FLAT, .n = b->small ? 200 : 10000, .seed = b->seed};
	struct key id = network_id(b->seed);
	struct buf body = {0}, ask_new = {0}, ask_same = {0}, ask_file = {0}, ask_etag = {0};
	char old[256], now[256], etag[128] = "";
	const int ms = b->small ? 50 : 1000;
	struct series rate[4] = {{.n = 0}};
	double size, body_bytes = 0;
	bool has_rival;
	struct site s;

	site_open(&s, b, &net);
	site_serve(&s);
	has_rival = site_serve_static(&s);
	poll_now(&s, "-.-.-", &body, old);
	s.net.probe++;
	site_commit(&s);
	site_push(&s);
	poll_now(&s, old, &body, now);
	body_bytes = (double)body.n;
	file_put(&body, "%s/" SITE_STATIC "/bundle", s.folder);
	/* A poll that does not wait is answered at once, and told that there is nothing newer. */
	poll_request(&ask_new, &id, old, 0);
	poll_request(&ask_same, &id, now, 0);
	if (has_rival) {
		etag_of(&s, "bundle", etag);
		file_request(&ask_file, "bundle", NULL);
		file_request(&ask_etag, "bundle", etag);
	}
	for (unsigned i = 0; i < b->runs; i++) {
		series_add(&rate[2], hammer(&s, SITE_PORT, &ask_new, 200, ms, &size));
		if (has_rival)
			series_add(&rate[3], hammer(&s, STATIC_PORT, &ask_file, 200, ms, &size));
		series_add(&rate[0], hammer(&s, SITE_PORT, &ask_same, 200, ms, &size));
		if (has_rival)
			series_add(&rate[1], hammer(&s, STATIC_PORT, &ask_etag, 304, ms, &size));
	}
	figure_say(&(struct figure){"serve", "polls that find nothing new", "1/s",
				    has_rival ? "nginx, 304 by ETag" : NULL, series_median(&rate[0]),
				    series_median(&rate[1]), GOAL_RATIO_MIN, 0.5});
	char work[128];
	snprintf(work, sizeof(work), "polls that find a change (%.1f KiB)", body_bytes / 1024);
	figure_say(&(struct figure){"serve", work, "1/s", has_rival ? "nginx, the same bytes" : NULL,
				    series_median(&rate[2]), series_median(&rate[3]), GOAL_RATIO_MIN, 0.5});
	buf_free(&body);
	buf_free(&ask_new);
	buf_free(&ask_same);
	buf_free(&ask_file);
	buf_free(&ask_etag);
	site_close(&s);
}
