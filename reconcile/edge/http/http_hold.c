/* Requests that wait: their connection is suspended until the caller wakes it, its time is over, or the peer hangs up. */
#include "reconcile/edge/http/http_state.h"

#define WAIT_STEP_MS 250 /* long waits end at a multiple of this */

void http_hold_forget(struct http_request *r)
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
}

void http_unhold(struct http_request *r)
{
	struct http_server *s = r->conn->server;

	if (!r->held)
		return;
	http_hold_forget(r);
	r->woken = true;
	loop_fd_del(s->loop, r->conn->fd);
	loop_timer_set(s->loop, &r->conn->deadline, http_transfer_ms(s));
	MHD_resume_connection(r->mhd);
	http_again(s);
}

static void on_wait_over(void *ctx)
{
	struct http_request *r = ctx;

	r->why = HTTP_TIMEOUT;
	http_unhold(r);
	/* After the requests that end with the same time. */
	loop_timer_set(r->conn->server->loop, &r->conn->server->turn, 1);
}

/*
 * libmicrohttpd walks all suspended connections whenever one is resumed. So long waits end together, on the
 * quarter of a second: one walk for many of them.
 */
static int64_t wait_rounded(int64_t ms)
{
	int64_t over = (clock_boot_ms() + ms) % WAIT_STEP_MS;

	return ms < 4 * WAIT_STEP_MS || !over ? ms : ms + WAIT_STEP_MS - over;
}

/* Only this epoll watches a suspended connection: without it, one whose peer hung up would stay for a minute. */
static void on_hang_up(void *ctx, int fd, uint32_t events)
{
	struct http_request *r = ctx;

	(void)fd;
	(void)events;
	r->gone = true;
	http_unhold(r);
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
		r->gone = true; /* without the watch it could be held for ever: end it now */
		http_unhold(r);
	}
}

void http_wake(struct http_request *r)
{
	if (!r->held)
		return;
	r->why = HTTP_WOKEN;
	http_unhold(r);
}

void http_each_held(struct http_server *s, void (*fn)(void *ctx, struct http_request *r), void *ctx)
{
	for (struct http_request *r = s->held, *next; r; r = next) {
		next = r->next_held;
		fn(ctx, r);
	}
}
