/* Answers that are made while they are sent. A connection whose answer has nothing to say sleeps, and is watched. */
#include "reconcile/edge/http/http_state.h"

#define PIECE 65536 /* bytes that are asked for at once, where they fit */

static void wake(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	r->asleep = false;
	loop_fd_del(s->loop, r->conn->fd);
	MHD_resume_connection(r->mhd);
	http_again(s);
}

void http_stream_wake_gone(struct http_request *r)
{
	r->gone = true;
	if (r->asleep)
		wake(r);
}

/* No bytes are made for a connection that is closed. */
static void on_hang_up(void *ctx, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	http_stream_wake_gone(ctx);
}

static void fall_asleep(struct http_request *r)
{
	r->asleep = true;
	MHD_suspend_connection(r->mhd);
	if (loop_fd_set(r->conn->server->loop, r->conn->fd, EPOLLRDHUP | EPOLLONESHOT, on_hang_up, r) < 0)
		http_stream_wake_gone(r); /* without the watch it could sleep for ever: end it now */
}

void http_stream(struct http_request *r, const struct http_stream *stream)
{
	r->stream = *stream;
	fall_asleep(r);
}

void http_stream_ready(struct http_request *r)
{
	if (r->asleep)
		wake(r);
}

void http_stream_begin(struct http_request *r)
{
	r->stream.begin(r->stream.ctx, r);
	if (!r->answered && !r->gone)
		fall_asleep(r);
}

static ssize_t on_read(void *cls, uint64_t position, char *to, size_t max)
{
	struct http_request *r = cls;
	ssize_t n = r->gone ? HTTP_STREAM_BROKEN : r->stream.read(r->stream.ctx, to, max);

	(void)position;
	switch (n) {
	case HTTP_STREAM_END:
		return MHD_CONTENT_READER_END_OF_STREAM;
	case HTTP_STREAM_BROKEN:
		return MHD_CONTENT_READER_END_WITH_ERROR;
	case HTTP_STREAM_WAIT:
		fall_asleep(r);
		return 0;
	default:
		r->conn->server->counts.sent_bytes += (uint64_t)n;
		return n;
	}
}

void http_stream_answer(struct http_request *r, unsigned status, const char *content_type)
{
	struct MHD_Response *resp = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, on_read, r, NULL);

	r->answered = true;
	if (!resp) {
		r->gone = true;
		return;
	}
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
	MHD_add_response_header(resp, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache, max-age=0, must-revalidate");
	if (MHD_queue_response(r->mhd, status, resp) != MHD_YES)
		r->gone = true;
	r->conn->server->counts.answers++;
	MHD_destroy_response(resp);
}
