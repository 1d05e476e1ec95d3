#include "reconcile/edge/http/http_state.h"
#include "reconcile/edge/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POOL_BYTES 2048 /* of one connection: request line, headers, reply headers; 10,000 held ones take 31 MB */

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

void http_out_of_memory(struct http_request *r)
{
	http_refuse(r, 500, "out-of-memory", "out of memory");
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
	r->rule = (struct http_body_rule){.max = REQUEST_MAX, .ms = http_transfer_ms(c->server)};
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
		if ((!r->rule.in_file || spool_make(r)) && r->rule.ms != http_transfer_ms(s))
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

	r->woken = false;
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
	/* The call that holds it may wake it, too. */
	return r->gone || (!r->answered && !r->held && !r->woken && !r->stream.end) ? MHD_NO : MHD_YES;
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
	http_hold_forget(r); /* it is held when the daemon stops */
	if (r->acknowledged)
		http_drain_start(r);
	if (r->stream.end)
		r->stream.end(r->stream.ctx);
	r->conn->request = NULL;
	loop_fd_del(s->loop, r->conn->fd);
	loop_timer_set(s->loop, &r->conn->deadline, http_transfer_ms(s));
	s->n_spools -= r->spool != NULL;
	http_spool_free(r->spool);
	free(r->data);
	free(r->path);
	buf_free(&r->body);
	free(r);
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

	if (!s) {
		diags_out_of_memory(d);
		return NULL;
	}
	s->loop = l;
	s->o = *o;
	s->listener = -1;
	s->mhd_fd = -1;
	s->rest = (struct loop_timer){.fn = http_rest_over, .ctx = s};
#if MHD_VERSION >= 0x00097707
	/* One thread. Else it takes a connection in later than it is given it, when the caps have been looked at. */
	flags |= MHD_USE_NO_THREAD_SAFETY;
#endif
	s->mhd =
	    MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log, s,
			     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT,
			     o->max_connections ? o->max_connections : (unsigned)CONNECTIONS_MAX,
			     MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_CONNECTION, http_connection_changed, s,
			     MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
	if (!s->mhd || http_turns_start(s) < 0) {
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
		http_unhold(s->held);
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
