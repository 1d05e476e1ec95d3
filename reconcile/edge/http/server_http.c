#include "reconcile/edge/http/http_state.h"
#include "reconcile/edge/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES   2048 /* of one connection: request line, headers, reply headers; 10,000 held ones take 31 MB */
#define WAIT_STEP_MS 250  /* long waits end at a multiple of this */

/* --- the turn of MHD in our loop --- */

static void schedule(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (s->again)
		loop_timer_set(s->loop, &s->turn, 0);
	else if (MHD_get_timeout(s->mhd, &ms) == MHD_YES)
		loop_timer_set(s->loop, &s->turn, ms > 60000 ? 60000 : (int64_t)ms);
	else
		loop_timer_del(s->loop, &s->turn);
}

void http_again(struct http_server *s)
{
	s->again = true;
	loop_timer_set(s->loop, &s->turn, 0);
}

void http_run(struct http_server *s)
{
	if (s->running)
		return;
	s->running = true;
	s->again = false;
	MHD_run(s->mhd);
	s->running = false;
	schedule(s);
}

static void on_turn(void *ctx)
{
	http_run(ctx);
}

static void on_mhd(void *ctx, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	http_run(ctx);
}

/* --- connections --- */

static struct conn **bucket_of(struct http_server *s, const struct addr *a)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (int i = 0; i < 16; i++)
		h = (h ^ a->b[i]) * 16777619u;
	return &s->buckets[h & (BUCKETS - 1)];
}

static struct addr peer_of(const struct http_server *s, const struct addr *from)
{
	return s->o.peer ? s->o.peer(s->o.ctx, from) : *from;
}

unsigned http_count_from(struct http_server *s, const struct addr *from)
{
	const struct addr peer = peer_of(s, from);
	unsigned n = 0;

	for (struct conn *c = *bucket_of(s, &peer); c; c = c->same_bucket)
		n += !addr_cmp(&c->peer, &peer);
	return n;
}

static int64_t transfer_ms(const struct http_server *s)
{
	return s->o.transfer_ms ? s->o.transfer_ms : TRANSFER_SECONDS * 1000;
}

/* MHD's own time-out is for inactivity: a byte a second would live for ever. */
static void on_deadline(void *ctx)
{
	struct conn *c = ctx;

	shutdown(c->fd, SHUT_RDWR);
	if (c->request)
		http_stream_wake_gone(c->request);
	http_run(c->server);
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	struct conn *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		/* From libmicrohttpd 1.0 on, each of these overwrites what the one before it returned. */
		const int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		const struct sockaddr *from =
		    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
		c = calloc(1, sizeof(*c));
		*context = c;
		if (!c)
			return; /* its requests are refused */
		c->server = s;
		c->fd = fd;
		c->from = http_addr_of(from);
		c->peer = peer_of(s, &c->from);
		c->deadline = (struct loop_timer){.fn = on_deadline, .ctx = c};
		loop_timer_set(s->loop, &c->deadline, transfer_ms(s));
		c->next = s->conns;
		if (c->next)
			c->next->prev = c;
		s->conns = c;
		struct conn **bucket = bucket_of(s, &c->peer);
		c->same_bucket = *bucket;
		*bucket = c;
		s->n_conns++;
	} else if (c) {
		struct conn **p = bucket_of(s, &c->peer);
		while (*p != c)
			p = &(*p)->same_bucket;
		*p = c->same_bucket;
		*(c->prev ? &c->prev->next : &s->conns) = c->next;
		if (c->next)
			c->next->prev = c->prev;
		loop_timer_del(s->loop, &c->deadline);
		loop_fd_del(s->loop, c->fd);
		s->n_conns--;
		free(c);
		*context = NULL;
	}
}

/* --- held requests --- */

static void unhold(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	if (!r->held)
		return;
	r->held = false;
	*(r->prev_held ? &r->prev_held->next_held : &s->held) = r->next_held;
	if (r->next_held)
		r->next_held->prev_held = r->prev_held;
	r->next_held = r->prev_held = NULL;
	loop_timer_del(s->loop, &r->wait);
	loop_fd_del(s->loop, r->conn->fd);
	loop_timer_set(s->loop, &r->conn->deadline, transfer_ms(s));
	MHD_resume_connection(r->mhd);
	http_again(s);
}

static void on_wait_over(void *ctx)
{
	struct http_request *r = ctx;

	r->why = HTTP_TIMEOUT;
	unhold(r);
	/* After the others that end with it. */
	loop_timer_set(r->conn->server->loop, &r->conn->server->turn, 1);
}

/*
 * libmicrohttpd goes through all suspended connections whenever one is resumed. So long waits end together, on the
 * quarter of a second: once for many of them.
 */
static int64_t wait_rounded(int64_t ms)
{
	int64_t over = (clock_boot_ms() + ms) % WAIT_STEP_MS;

	return ms < 4 * WAIT_STEP_MS || !over ? ms : ms + WAIT_STEP_MS - over;
}

/* A suspended connection is in nobody's epoll but this one: without it, one that went would stay for a minute. */
static void on_hang_up(void *ctx, int fd, uint32_t events)
{
	struct http_request *r = ctx;

	(void)fd;
	(void)events;
	r->gone = true;
	unhold(r);
}

void http_hold(struct http_request *r, int64_t ms)
{
	struct http_server *s = r->conn->server;

	if (r->held || r->answered)
		return;
	r->held = true;
	r->wait = (struct loop_timer){.fn = on_wait_over, .ctx = r};
	r->prev_held = NULL;
	r->next_held = s->held;
	if (r->next_held)
		r->next_held->prev_held = r;
	s->held = r;
	MHD_suspend_connection(r->mhd);
	loop_timer_del(s->loop, &r->conn->deadline);
	if (loop_timer_set(s->loop, &r->wait, wait_rounded(ms)) < 0 ||
	    loop_fd_set(s->loop, r->conn->fd, EPOLLRDHUP | EPOLLONESHOT, on_hang_up, r) < 0) {
		r->gone = true; /* better gone than held without an end */
		unhold(r);
	}
}

void http_wake(struct http_request *r)
{
	if (!r->held)
		return;
	r->why = HTTP_WOKEN;
	unhold(r);
}

void http_each_held(struct http_server *s, void (*fn)(void *ctx, struct http_request *r), void *ctx)
{
	for (struct http_request *r = s->held, *next; r; r = next) {
		next = r->next_held;
		fn(ctx, r);
	}
}

void http_close_others(struct http_server *s, bool (*keep)(void *ctx, const struct addr *from), void *ctx)
{
	for (struct conn *c = s->conns; c; c = c->next) {
		if (keep(ctx, &c->from))
			continue;
		shutdown(c->fd, SHUT_RDWR);
		if (c->request && c->request->held) {
			c->request->gone = true;
			unhold(c->request);
		}
		if (c->request && c->request->stream.end)
			http_stream_wake_gone(c->request);
	}
	loop_timer_set(s->loop, &s->turn, 0);
}

/* --- answers --- */

static void count_answer(struct MHD_Connection *mhd, unsigned status, size_t bytes)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const struct conn *c = info ? info->socket_context : NULL;

	if (!c)
		return;
	c->server->counts.answers++;
	c->server->counts.refused += status >= 400;
	c->server->counts.sent_bytes += bytes;
}

struct http_counts http_counts(const struct http_server *s)
{
	return s->counts;
}

static enum MHD_Result queue(struct MHD_Connection *mhd, unsigned status, const char *type, struct buf *body,
			     bool close)
{
	struct MHD_Response *resp;
	enum MHD_Result ok;

	count_answer(mhd, status, body->failed ? 0 : body->n);
	if (body->failed || !body->n) {
		resp = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
		buf_free(body);
	} else {
		resp = MHD_create_response_from_buffer(body->n, body->p, MHD_RESPMEM_MUST_FREE);
		if (!resp)
			buf_free(body);
	}
	*body = (struct buf){0};
	if (!resp)
		return MHD_NO;
	if (type)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (close)
		MHD_add_response_header(resp, MHD_HTTP_HEADER_CONNECTION, "close");
	ok = MHD_queue_response(mhd, status, resp);
	MHD_destroy_response(resp);
	return ok;
}

void http_answer(struct http_request *r, unsigned status, const char *content_type, struct buf *body,
		 void (*acknowledged)(void *ctx), void *ctx)
{
	r->answered = true;
	r->acknowledged = acknowledged;
	r->ack_ctx = ctx;
	if (body->failed)
		status = 500;
	if (queue(r->mhd, status, content_type, body, r->early && r->method != HTTP_GET) != MHD_YES)
		r->gone = true;
}

void http_refuse(struct http_request *r, unsigned status, const char *code, const char *fmt, ...)
{
	struct buf body = {0};
	va_list ap;

	buf_printf(&body, "%s: ", code);
	va_start(ap, fmt);
	buf_vprintf(&body, fmt, ap);
	va_end(ap);
	buf_char(&body, '\n');
	http_answer(r, status, "text/plain", &body, NULL, NULL);
}

/* --- requests --- */

enum http_method http_method(const struct http_request *r)
{
	return r->method;
}

const char *http_path(const struct http_request *r)
{
	return r->path;
}

const char *http_header(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name);
}

const char *http_argument(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name);
}

struct span http_body(const struct http_request *r)
{
	return buf_span(&r->body);
}

int http_body_file(const struct http_request *r)
{
	return r->spool ? http_spool_file(r->spool) : -1;
}

const struct addr *http_from(const struct http_request *r)
{
	return &r->conn->from;
}

void **http_data(struct http_request *r)
{
	return &r->data;
}

const char *http_method_name(enum http_method m)
{
	static const char *const names[] = {[HTTP_GET] = "GET", [HTTP_POST] = "POST", [HTTP_PUT] = "PUT"};

	return m < HTTP_OTHER ? names[m] : "?";
}

static struct http_request *request_new(struct conn *c, struct MHD_Connection *mhd, const char *url, const char *method)
{
	struct http_request *r = calloc(1, sizeof(*r));

	if (!r || !(r->path = strdup(url))) {
		free(r);
		return NULL;
	}
	r->conn = c;
	r->mhd = mhd;
	r->method = HTTP_OTHER;
	for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++)
		if (!strcmp(method, http_method_name(m)))
			r->method = m;
	r->why = HTTP_NEW;
	r->rule = (struct http_body_rule){.max = REQUEST_MAX, .ms = transfer_ms(c->server)};
	c->request = r;
	return r;
}

static bool spool_make(struct http_request *r)
{
	const char *coding = http_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING);
	const bool packed = coding && (!strcasecmp(coding, "gzip") || !strcasecmp(coding, "x-gzip"));

	if (coding && !packed && strcasecmp(coding, "identity")) {
		http_refuse(r, 415, "bad-request", "a body is sent as it is, or as gzip");
		return false;
	}
	r->spool = http_spool_new(r->conn->server->o.spool_dir, r->rule.max, packed);
	if (!r->spool)
		http_refuse(r, 507, "no-room", "the server has no room for it: %s", strerror(errno));
	r->conn->server->n_spools += r->spool != NULL;
	return r->spool != NULL;
}

/* The headers are there. Answered when it is refused. */
static enum MHD_Result request_begin(struct http_server *s, struct MHD_Connection *mhd, const char *url,
				     const char *method, const char *version, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct conn *c = info ? info->socket_context : NULL;
	struct http_framing framing;
	struct http_request *r;
	struct buf text = {0};
	const char *problem;
	unsigned status;

	if (!c)
		return MHD_NO;
	http_framing_read(mhd, version, &framing);
	if ((problem = http_framing_problem(&framing))) {
		buf_printf(&text, "bad-request: %s\n", problem);
		return queue(mhd, 400, "text/plain", &text, true);
	}
	if (!(r = *state = request_new(c, mhd, url, method)))
		return MHD_NO;
	r->early = true;
	if (!s->o.admit || s->o.admit(s->o.ctx, r, &r->rule)) {
		if (!http_framing_allowed(&framing, method, &r->rule, &status, &text)) {
			r->answered = true;
			return queue(mhd, status, "text/plain", &text, true);
		}
		if ((!r->rule.in_file || spool_make(r)) && r->rule.ms != transfer_ms(s))
			loop_timer_set(s->loop, &c->deadline, r->rule.ms);
	}
	r->early = false;
	return r->gone ? MHD_NO : MHD_YES;
}

static bool body_add(struct http_request *r, const char *bytes, size_t n)
{
	if (r->spool)
		return http_spool_add(r->spool, bytes, n);
	if (r->body.n + n > REQUEST_MAX)
		return false;
	buf_add(&r->body, bytes, n);
	return !r->body.failed;
}

/* All of it is there. */
static void request_answer(struct http_server *s, struct http_request *r)
{
	const char *problem;
	unsigned status = r->spool && !r->stream.end ? http_spool_end(r->spool, &problem) : 0;

	if (status)
		http_refuse(r, status,
			    status == 413   ? "too-large"
			    : status == 507 ? "no-room"
					    : "bad-request",
			    "%s", problem);
	else if (r->stream.end)
		http_stream_begin(r);
	else
		s->o.request(s->o.ctx, r, r->why);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
				  const char *version, const char *upload, size_t *n_upload, void **state)
{
	struct http_server *s = cls;
	struct http_request *r = *state;

	if (!r)
		return request_begin(s, mhd, url, method, version, state);
	if (*n_upload) {
		bool taken = r->answered || body_add(r, upload, *n_upload);
		*n_upload = 0;
		return taken ? MHD_YES : MHD_NO;
	}
	if (r->gone)
		return MHD_NO;
	if (r->answered)
		return MHD_YES;
	request_answer(s, r);
	return r->gone || (!r->answered && !r->held && !r->stream.end) ? MHD_NO : MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **state, enum MHD_RequestTerminationCode code)
{
	struct http_server *s = cls;
	struct http_request *r = *state;

	(void)mhd;
	(void)code;
	if (!r)
		return;
	*state = NULL;
	if (r->held) { /* the daemon stops */
		r->held = false;
		*(r->prev_held ? &r->prev_held->next_held : &s->held) = r->next_held;
		if (r->next_held)
			r->next_held->prev_held = r->prev_held;
		loop_timer_del(s->loop, &r->wait);
	}
	if (r->acknowledged)
		http_drain_start(r);
	if (r->stream.end)
		r->stream.end(r->stream.ctx);
	r->conn->request = NULL;
	loop_fd_del(s->loop, r->conn->fd);
	loop_timer_set(s->loop, &r->conn->deadline, transfer_ms(s));
	s->n_spools -= r->spool != NULL;
	http_spool_free(r->spool);
	free(r->data);
	free(r->path);
	buf_free(&r->body);
	free(r);
}

unsigned http_connections(const struct http_server *s)
{
	return s->n_conns;
}

unsigned http_bodies_in_files(struct http_server *s, const struct addr *from)
{
	struct addr peer;
	unsigned n = 0;

	if (!from)
		return s->n_spools;
	peer = peer_of(s, from);
	for (const struct conn *c = *bucket_of(s, &peer); c; c = c->same_bucket)
		n += c->request && c->request->spool && !addr_cmp(&c->peer, &peer);
	return n;
}

/* MHD's own words, which quote what peers sent, are for debugging alone. */
static void on_mhd_log(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(text, sizeof(text), fmt, ap);
#pragma GCC diagnostic pop
	log_debug("http", "%.*s", (int)strcspn(text, "\r\n"), text);
}

struct http_server *http_new(struct loop *l, const struct http_options *o, struct diags *d)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
	struct http_server *s = calloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;

	if (!s) {
		d->out_of_memory = true;
		diag_error(d, "out-of-memory", NULL, "out of memory");
		return NULL;
	}
	s->loop = l;
	s->o = *o;
	s->listener = -1;
	s->turn = (struct loop_timer){.fn = on_turn, .ctx = s};
	s->rest = (struct loop_timer){.fn = http_rest_over, .ctx = s};
#if MHD_VERSION >= 0x00097707
	/* One thread. Else it takes a connection in later than it is given it, when the caps have been looked at. */
	flags |= MHD_USE_NO_THREAD_SAFETY;
#endif
	s->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, s,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT,
				  o->max_connections ? o->max_connections : (unsigned)CONNECTIONS_MAX,
				  MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
				  MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
	info = s->mhd ? MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	s->mhd_fd = info ? info->epoll_fd : -1;
	if (s->mhd_fd < 0 || loop_fd_set(l, s->mhd_fd, EPOLLIN, on_mhd, s) < 0) {
		diag_error(d, "http-failed", NULL, "cannot start the HTTP server: %s", strerror(errno));
		http_free(s);
		return NULL;
	}
	return s;
}

void http_free(struct http_server *s)
{
	if (!s)
		return;
	http_stop_listening(s);
	while (s->held) {
		s->held->gone = true;
		unhold(s->held);
	}
	for (struct conn *c = s->conns; c; c = c->next)
		if (c->request)
			http_stream_wake_gone(c->request);
	if (s->mhd_fd >= 0)
		loop_fd_del(s->loop, s->mhd_fd);
	if (s->mhd)
		MHD_stop_daemon(s->mhd);
	http_drains_end(s);
	loop_timer_del(s->loop, &s->turn);
	loop_timer_del(s->loop, &s->rest);
	free(s);
}
