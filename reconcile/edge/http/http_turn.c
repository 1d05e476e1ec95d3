/* libmicrohttpd's turns in our loop: when its descriptors, its timers or a resumed connection want one. */
#include "reconcile/edge/http/http_state.h"

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

/* Something happened in MHD's epoll. */
static void on_mhd(void *ctx, int fd, uint32_t events)
{
	(void)fd;
	(void)events;
	http_run(ctx);
}

int http_turns_start(struct http_server *s)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	s->turn = (struct loop_timer){.fn = on_turn, .ctx = s};
	s->mhd_fd = info ? info->epoll_fd : -1;
	return s->mhd_fd < 0 ? -1 : loop_fd_set(s->loop, s->mhd_fd, EPOLLIN, on_mhd, s);
}
