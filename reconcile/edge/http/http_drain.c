/* When the other side has an answer: NOTIFY_COMPLETED of libmicrohttpd means "in the kernel's buffer". */
#include "reconcile/edge/http/http_state.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ACK_STEP_MS  2
#define ACK_LIMIT_MS 200

static void drain_end(struct drain *w)
{
	loop_timer_del(w->server->loop, &w->step);
	*(w->prev ? &w->prev->next : &w->server->drains) = w->next;
	if (w->next)
		w->next->prev = w->prev;
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

static void on_drain(void *ctx)
{
	struct drain *w = ctx;
	int unsent = 0;

	if (w->fd >= 0 && !ioctl(w->fd, SIOCOUTQ, &unsent) && unsent > 0 && clock_boot_ms() < w->until) {
		loop_timer_set(w->server->loop, &w->step, ACK_STEP_MS);
		return;
	}
	void (*fn)(void *) = w->fn;
	void *fn_ctx = w->ctx;
	drain_end(w);
	fn(fn_ctx);
}

/* The answer is in the kernel's buffer, or the connection broke: from here on we ask whether it was acknowledged. */
void http_drain_start(struct http_request *r)
{
	struct http_server *s = r->conn->server;
	struct drain *w = calloc(1, sizeof(*w));

	if (!w) {
		r->acknowledged(r->ack_ctx);
		return;
	}
	*w = (struct drain){.server = s,
			    .step = {.fn = on_drain, .ctx = w},
			    .fd = fcntl(r->conn->fd, F_DUPFD_CLOEXEC, 0),
			    .until = clock_boot_ms() + ACK_LIMIT_MS,
			    .fn = r->acknowledged,
			    .ctx = r->ack_ctx,
			    .next = s->drains};
	if (w->next)
		w->next->prev = w;
	s->drains = w;
	loop_timer_set(s->loop, &w->step, 0);
}

void http_drains_end(struct http_server *s)
{
	while (s->drains)
		drain_end(s->drains);
}
