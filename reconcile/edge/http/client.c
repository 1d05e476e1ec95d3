#include "reconcile/edge/http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_MS 10000
#define FIRST_MS   10000
#define LINGER_MS  200 /* for our last bytes to be acknowledged (library facts: the handover) */

/* One transfer. */
struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	struct client_answer answer;
	size_t max, head;   /* bytes: of the body at most, of headers so far */
	int64_t first_due;  /* boot milliseconds: given up when the first byte is not there by then */
	int64_t first_byte; /* boot milliseconds; 0: none yet */
	unsigned deadline_ms;
	bool too_late, too_slow;
	client_fn *fn;
	void *ctx;
};

struct client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer;   /* curl's */
	struct loop_timer due;     /* ours: the transfer's own deadlines */
	struct transfer *transfer; /* NULL: none under way */
	char ifname[NETWORK_MAX_LEN + 1];
	char id[KEY_B64_LEN + 1];
};

/* Is it over, because nothing has come, or not all of it, in its time? */
static bool is_overdue(struct transfer *t)
{
	int64_t now = clock_boot_ms();

	if (!t->first_byte)
		t->too_late = now >= t->first_due;
	else
		t->too_slow = now - t->first_byte > t->deadline_ms;
	return t->too_late || t->too_slow;
}

/* For the commands: curl calls it at least once a second. */
static int look_at_clock(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e)
{
	(void)a;
	(void)b;
	(void)c;
	(void)e;
	return is_overdue(ctx);
}

/* The whole answer, head and body, has its time from its first byte on. */
static bool in_time(struct transfer *t)
{
	if (!t->first_byte)
		t->first_byte = clock_boot_ms();
	return !is_overdue(t);
}

static size_t take_header(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	(void)p;
	/* libcurl keeps them all, and not every version of it has a limit (CVE-2023-38039). */
	t->head += size * n;
	if (t->head > RESPONSE_HEAD_MAX)
		t->answer.too_large = true;
	return in_time(t) && !t->answer.too_large ? size * n : 0;
}

static size_t take_body(char *p, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	n *= size;
	if (!in_time(t))
		return 0;
	if (n > t->max - t->answer.body.n) {
		t->answer.too_large = true;
		return 0;
	}
	buf_add(&t->answer.body, p, n);
	return t->answer.body.failed ? 0 : n;
}

/*
 * Waits until all that we sent is acknowledged, or the other side has closed. A caller that switches keys right
 * after an answer would otherwise take the way back from its last acknowledgement.
 */
static int close_socket(void *ctx, curl_socket_t fd)
{
	int64_t end = clock_boot_ms() + LINGER_MS;
	int left = 0;

	(void)ctx;
	if (shutdown(fd, SHUT_WR) == 0) {
		while (ioctl(fd, SIOCOUTQ, &left) == 0 && left > 0 && clock_boot_ms() < end) {
			struct pollfd p = {.fd = fd, .events = POLLRDHUP};
			if (poll(&p, 1, 1) > 0)
				break;
		}
	}
	return close(fd);
}

static void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	if (t->easy)
		curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	buf_free(&t->answer.body);
	free(t);
}

static bool add_header(struct transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	if (!more)
		return false;
	t->headers = more;
	return true;
}

static bool set_headers(const struct client *c, const char *authority, struct transfer *t)
{
	char line[128];

	snprintf(line, sizeof(line), "Host: %s", authority);
	if (!add_header(t, line))
		return false;
	snprintf(line, sizeof(line), NETWORK_HEADER ": %s", c->id);
	/* No "Expect: 100-continue": it would cost a round trip. */
	return add_header(t, line) && add_header(t, "Expect:") && add_header(t, "Content-Type: text/plain");
}

/* Options that do not change from one request to the next: the protocols and the addresses that are allowed. */
static bool set_fixed(const struct client *c, struct transfer *t)
{
	CURL *e = t->easy;
	char device[NETWORK_MAX_LEN + 4];
	bool ok = true;

	ok = ok && !curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http");
	ok = ok && !curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
	ok = ok && !curl_easy_setopt(e, CURLOPT_PROXY, "");
	ok = ok && !curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	ok = ok && !curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_NETRC, CURL_NETRC_IGNORED);
	ok = ok && !curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
	/* A server that was rebooted, or whose interface was made again, knows nothing of a poll that it held. */
	ok = ok && !curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 15L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 5L);
	ok = ok && !curl_easy_setopt(e, CURLOPT_USERAGENT, "innernet/" INNERNET_VERSION);
	ok = ok && !curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
	ok = ok && !curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	ok = ok && !curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
	ok = ok && !curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	if (!c->loop) /* a loop never waits; and only a command switches keys after an answer */
		ok = ok && !curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	ok = ok && !curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	if (c->ifname[0]) {
		snprintf(device, sizeof(device), "if!%s", c->ifname);
		ok = ok && !curl_easy_setopt(e, CURLOPT_INTERFACE, device);
	}
	return ok;
}

static struct transfer *transfer_new(const struct client *c, const struct client_request *q, struct diags *d)
{
	struct transfer *t = calloc(1, sizeof(*t));
	char url[1024], address[ADDR_STR_LEN], authority[ADDR_STR_LEN + 16];
	unsigned connect_ms = q->connect_ms ? q->connect_ms : CONNECT_MS;
	unsigned first_ms = q->first_ms ? q->first_ms : FIRST_MS;
	bool ok;

	if (!t || !(t->easy = curl_easy_init())) {
		transfer_free(t);
		diags_out_of_memory(d);
		return NULL;
	}
	t->max = q->max;
	t->deadline_ms = q->deadline_ms ? q->deadline_ms : TRANSFER_SECONDS * 1000;
	t->first_due = clock_boot_ms() + connect_ms + first_ms;
	addr_format(&q->server, address);
	snprintf(authority, sizeof(authority), addr_is_v4(&q->server) ? "%s:%u" : "[%s]:%u", address,
		 q->port ? q->port : SERVER_PORT);
	snprintf(url, sizeof(url), "http://%s%s", authority, q->path);
	ok = set_headers(c, authority, t) && set_fixed(c, t);
	ok = ok && !curl_easy_setopt(t->easy, CURLOPT_URL, url);
	ok = ok && !curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	ok = ok && !curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	/* Our own deadlines come first; this one holds whatever happens. */
	ok = ok && !curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)connect_ms + first_ms + t->deadline_ms + 1000);
	if (!c->loop) {
		ok = ok && !curl_easy_setopt(t->easy, CURLOPT_XFERINFOFUNCTION, look_at_clock);
		ok = ok && !curl_easy_setopt(t->easy, CURLOPT_XFERINFODATA, t);
		ok = ok && !curl_easy_setopt(t->easy, CURLOPT_NOPROGRESS, 0L);
	}
	if (ok && q->body.p) {
		ok = !curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)q->body.n);
		ok = ok && !curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, q->body.p);
		ok = ok && (!q->put || !curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, "PUT"));
	}
	if (!ok) {
		diag_error(d, "http-failed", NULL, "cannot make the HTTP request");
		transfer_free(t);
		return NULL;
	}
	return t;
}

/* What went wrong, as one phrase that a person can act on. */
static const char *phrase(CURLcode code, const struct transfer *t)
{
	if (t->too_late)
		return "no answer in time";
	if (t->too_slow)
		return "the answer took too long";
	if (t->answer.too_large)
		return "the answer is too large";
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return "no connection";
	case CURLE_OPERATION_TIMEDOUT:
		return "no answer in time";
	case CURLE_INTERFACE_FAILED:
		return "cannot bind to the interface (is it there, and are you root?)";
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return "the server closed the connection";
	case CURLE_OUT_OF_MEMORY:
		return "out of memory";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return "the answer is not HTTP";
	default:
		return curl_easy_strerror(code);
	}
}

static void finish(struct transfer *t, CURLcode code)
{
	t->answer.status = 0;
	t->answer.error = NULL;
	if (code == CURLE_OK)
		curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->answer.status);
	if (code != CURLE_OK || t->answer.status == 0) {
		t->answer.status = 0;
		t->answer.error = phrase(code, t);
	}
}

/* Detaches the transfer before the call: the callback may start the next one, or free the client. */
static void deliver(struct client *c, CURLcode code)
{
	struct transfer *t = c->transfer;

	c->transfer = NULL;
	loop_timer_del(c->loop, &c->due);
	curl_multi_remove_handle(c->multi, t->easy);
	finish(t, code);
	t->fn(t->ctx, &t->answer);
	transfer_free(t);
}

static void collect(struct client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		if (m->msg == CURLMSG_DONE && c->transfer && m->easy_handle == c->transfer->easy) {
			deliver(c, m->data.result);
			return;
		}
	}
}

/* A server that says nothing, or that stopped in the middle, causes no event of its own. */
static void on_due(void *ctx)
{
	struct client *c = ctx;
	struct transfer *t = c->transfer;

	if (!t)
		return;
	if (is_overdue(t))
		deliver(c, CURLE_OPERATION_TIMEDOUT);
	else
		loop_timer_set(c->loop, &c->due, t->first_byte + t->deadline_ms + 1 - clock_boot_ms());
}

static void on_socket_event(void *ctx, int fd, uint32_t events)
{
	struct client *c = ctx;
	int running, what = 0;

	what |= events & (EPOLLIN | EPOLLRDHUP) ? CURL_CSELECT_IN : 0;
	what |= events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	what |= events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(c->multi, fd, what, &running);
	collect(c);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct client *c = ctx;
	uint32_t events = 0;

	(void)easy;
	(void)socket_ctx;
	if (what == CURL_POLL_REMOVE) {
		loop_fd_del(c->loop, fd);
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		events |= EPOLLOUT;
	return loop_fd_set(c->loop, fd, events, on_socket_event, c);
}

static void on_timer(void *ctx)
{
	struct client *c = ctx;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(c);
}

static int want_timer(CURLM *multi, long ms, void *ctx)
{
	struct client *c = ctx;

	(void)multi;
	if (ms < 0)
		loop_timer_del(c->loop, &c->timer);
	else if (loop_timer_set(c->loop, &c->timer, ms) < 0)
		return -1;
	return 0;
}

struct client *client_new(struct loop *loop, const char *ifname, const struct key *id, struct diags *d)
{
	struct client *c = calloc(1, sizeof(*c));

	/* Counted: each client_free() takes one back. No TLS: WireGuard is around all of this. */
	if (!c || curl_global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
		free(c);
		diags_out_of_memory(d);
		return NULL;
	}
	c->loop = loop;
	c->timer.fn = on_timer;
	c->timer.ctx = c;
	c->due.fn = on_due;
	c->due.ctx = c;
	if (ifname)
		snprintf(c->ifname, sizeof(c->ifname), "%s", ifname);
	key_format(id, c->id);
	if (!loop)
		return c;
	c->multi = curl_multi_init();
	if (!c->multi) {
		client_free(c);
		diags_out_of_memory(d);
		return NULL;
	}
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

void client_cancel(struct client *c)
{
	struct transfer *t = c->transfer;

	if (!t)
		return;
	c->transfer = NULL;
	loop_timer_del(c->loop, &c->due);
	curl_multi_remove_handle(c->multi, t->easy);
	transfer_free(t);
}

void client_free(struct client *c)
{
	if (!c)
		return;
	client_cancel(c);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	if (c->loop)
		loop_timer_del(c->loop, &c->timer);
	free(c);
	curl_global_cleanup();
}

int client_start(struct client *c, const struct client_request *q, client_fn *fn, void *ctx, struct diags *d)
{
	struct transfer *t;

	client_cancel(c);
	t = transfer_new(c, q, d);
	if (!t)
		return -1;
	t->fn = fn;
	t->ctx = ctx;
	if (loop_timer_set(c->loop, &c->due, t->first_due - clock_boot_ms()) < 0 ||
	    curl_multi_add_handle(c->multi, t->easy) != CURLM_OK) {
		loop_timer_del(c->loop, &c->due);
		transfer_free(t);
		return diags_out_of_memory(d);
	}
	c->transfer = t;
	return 0;
}

int client_once(struct client *c, const struct client_request *q, struct client_answer *answer, struct diags *d)
{
	struct transfer *t = transfer_new(c, q, d);

	*answer = (struct client_answer){0};
	if (!t)
		return -1;
	finish(t, curl_easy_perform(t->easy));
	*answer = t->answer;
	t->answer.body = (struct buf){0};
	transfer_free(t);
	return 0;
}
