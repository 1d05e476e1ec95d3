#include "reconcile/edge/base/file_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define SLOW_POLL_MS 10000

struct file_watch {
	struct loop *loop;
	int fd;
	struct loop_timer quiet, slow;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_quiet(void *ctx)
{
	struct file_watch *w = ctx;

	w->fn(w->ctx);
}

static void on_slow(void *ctx)
{
	struct file_watch *w = ctx;

	loop_timer_set(w->loop, &w->slow, SLOW_POLL_MS);
	w->fn(w->ctx);
}

static void on_events(void *ctx, int fd, uint32_t events)
{
	char chunk[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)events;
	while (read(fd, chunk, sizeof(chunk)) > 0)
		;
	file_watch_again(ctx);
}

void file_watch_again(struct file_watch *w)
{
	loop_timer_set(w->loop, &w->quiet, FILE_WATCH_QUIET_MS);
}

void file_watch_folder(struct file_watch *w, const char *folder)
{
	inotify_add_watch(w->fd, folder,
			  IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR);
}

struct file_watch *file_watch_new(struct loop *l, void (*fn)(void *ctx), void *ctx, struct diags *d)
{
	struct file_watch *w = calloc(1, sizeof(*w));

	if (!w) {
		diags_out_of_memory(d);
		return NULL;
	}
	*w = (struct file_watch){.loop = l, .fn = fn, .ctx = ctx, .fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
	w->quiet = (struct loop_timer){.fn = on_quiet, .ctx = w};
	w->slow = (struct loop_timer){.fn = on_slow, .ctx = w};
	if (w->fd >= 0 && loop_fd_set(l, w->fd, EPOLLIN, on_events, w) == 0 &&
	    loop_timer_set(l, &w->slow, SLOW_POLL_MS) == 0)
		return w;
	diag_error(d, "watch-failed", NULL, "cannot watch files: %s", strerror(errno));
	file_watch_free(w);
	return NULL;
}

void file_watch_free(struct file_watch *w)
{
	if (!w)
		return;
	loop_timer_del(w->loop, &w->quiet);
	loop_timer_del(w->loop, &w->slow);
	if (w->fd >= 0) {
		loop_fd_del(w->loop, w->fd);
		close(w->fd);
	}
	free(w);
}
