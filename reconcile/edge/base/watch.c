#include "reconcile/edge/base/watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLDERS_MAX 4096 /* watched folders below refs; the slow poll covers the rest */

/* IN_CREATE: libgit2 creates a ref with link(2). IN_MOVED_TO: git renames its lock file to the ref. */
#define REF_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR | IN_EXCL_UNLINK)

struct watch {
	struct loop *loop;
	int fd;
	int root;     /* descriptor of the repository's root */
	char *folder; /* with a trailing slash */
	struct loop_timer slow;
	unsigned poll_ms;
	void (*fn)(void *ctx);
	void *ctx;
};

/* Watches a folder and the folders below it. Adding an existing watch has no effect. */
static void add_folders(struct watch *w, const char *path, unsigned depth, unsigned *n)
{
	DIR *dir;
	struct dirent *e;

	if (depth > 16 || *n >= FOLDERS_MAX || inotify_add_watch(w->fd, path, REF_EVENTS) < 0)
		return;
	(*n)++;
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		struct buf sub = {0};
		if (e->d_name[0] == '.' || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
			continue;
		buf_printf(&sub, "%s/%s", path, e->d_name);
		if (!sub.failed)
			add_folders(w, sub.p, depth + 1, n);
		buf_free(&sub);
	}
	if (dir)
		closedir(dir);
}

static int watch_all(struct watch *w)
{
	struct buf path = {0};
	unsigned n = 0;

	w->root =
	    inotify_add_watch(w->fd, w->folder, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_CLOSE_WRITE | IN_ONLYDIR);
	buf_printf(&path, "%srefs", w->folder);
	if (!path.failed)
		add_folders(w, path.p, 0, &n);
	buf_free(&path);
	return w->root < 0 || !n ? -1 : 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* Returns whether the event may be a change of a ref. A lock file's events are not. */
static bool concerns_refs(const struct watch *w, const struct inotify_event *e)
{
	const char *name = e->len ? e->name : "";

	if (e->mask & (IN_Q_OVERFLOW | IN_IGNORED))
		return true;
	if (e->wd == w->root)
		return !strcmp(name, "packed-refs") || !strcmp(name, "HEAD") || !strcmp(name, "refs");
	return !ends_with(name, ".lock");
}

static void on_events(void *ctx, int fd, uint32_t events)
{
	struct watch *w = ctx;
	_Alignas(struct inotify_event) char buf[16384];
	bool look = false, folders = false;
	ssize_t n;

	(void)events;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (const struct inotify_event *)p;
			look |= concerns_refs(w, e);
			folders |= (e->mask & (IN_ISDIR | IN_Q_OVERFLOW | IN_IGNORED)) != 0;
			p += sizeof(*e) + e->len;
		}
	}
	/* A race: a ref may be created in a new folder before the folder is watched. So add the watches before calling `fn`. */
	if (folders)
		watch_all(w);
	if (look)
		w->fn(w->ctx);
}

static void on_slow_poll(void *ctx)
{
	struct watch *w = ctx;

	watch_all(w);
	loop_timer_set(w->loop, &w->slow, w->poll_ms);
	w->fn(w->ctx);
}

struct watch *watch_new(struct loop *l, const char *folder, unsigned poll_ms, void (*fn)(void *ctx), void *ctx,
			struct diags *d)
{
	struct watch *w = calloc(1, sizeof(*w));
	struct diag *g;

	if (!w || !(w->folder = strdup(folder))) {
		free(w);
		diags_out_of_memory(d);
		return NULL;
	}
	w->loop = l;
	w->fn = fn;
	w->ctx = ctx;
	w->poll_ms = poll_ms;
	w->slow = (struct loop_timer){.fn = on_slow_poll, .ctx = w};
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0 || watch_all(w) < 0 || loop_fd_set(l, w->fd, EPOLLIN, on_events, w) < 0 ||
	    loop_timer_set(l, &w->slow, poll_ms) < 0) {
		g = diag_error(d, "watch-failed", NULL, "cannot watch %s: %s", folder, strerror(errno));
		if (errno == ENOSPC || errno == EMFILE)
			diag_help(d, g, "raise fs.inotify.max_user_watches or fs.inotify.max_user_instances");
		watch_free(w);
		return NULL;
	}
	return w;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	loop_timer_del(w->loop, &w->slow);
	if (w->fd >= 0) {
		loop_fd_del(w->loop, w->fd);
		close(w->fd);
	}
	free(w->folder);
	free(w);
}
