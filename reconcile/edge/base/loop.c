#include "reconcile/edge/base/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

/* One watched descriptor. `generation` tells an event of a closed and re-used descriptor from a live one. */
struct watch {
	loop_fd_fn *fn;
	void *ctx;
	uint32_t generation;
};

struct loop {
	int epoll;
	int signal_fd;
	void (*signal_fn)(void *ctx, int signo);
	void *signal_ctx;
	struct watch *watches; /* by descriptor */
	size_t n_watches;
	uint32_t generation;
	struct loop_timer **heap; /* a binary heap by `due`; slot s is heap[s - 1] */
	size_t n_heap, cap_heap;
	bool stop;
};

static int64_t fixed_time = -1;
static int64_t skipped_ms;

int64_t clock_unix(void)
{
	struct timespec ts;

	if (fixed_time >= 0)
		return fixed_time;
	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + (ts.tv_nsec / 1000000 + skipped_ms) / 1000;
}

void clock_set(int64_t fixed)
{
	fixed_time = fixed;
}

int64_t clock_boot_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + skipped_ms;
}

void clock_skip(int64_t ms)
{
	skipped_ms += ms;
}

struct loop *loop_new(struct diags *d)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l) {
		diags_out_of_memory(d);
		return NULL;
	}
	l->signal_fd = -1;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		diag_error(d, "event-loop", NULL, "cannot make an epoll descriptor: %s", strerror(errno));
		free(l);
		return NULL;
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_heap; i++)
		l->heap[i]->slot = 0;
	if (l->signal_fd >= 0)
		close(l->signal_fd);
	close(l->epoll);
	free(l->watches);
	free(l->heap);
	free(l);
}

static int watches_reserve(struct loop *l, size_t n)
{
	if (n <= l->n_watches)
		return 0;
	size_t cap = l->n_watches ? l->n_watches : 64;
	while (cap < n)
		cap *= 2;
	struct watch *w = realloc(l->watches, cap * sizeof(*w));
	if (!w)
		return -1;
	memset(w + l->n_watches, 0, (cap - l->n_watches) * sizeof(*w));
	l->watches = w;
	l->n_watches = cap;
	return 0;
}

int loop_fd_set(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn, void *ctx)
{
	struct watch *w;
	struct epoll_event ev = {.events = events};
	bool is_new;

	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	if (watches_reserve(l, (size_t)fd + 1) < 0) {
		errno = ENOMEM;
		return -1;
	}
	w = &l->watches[fd];
	is_new = !w->fn;
	if (is_new)
		w->generation = ++l->generation;
	ev.data.u64 = (uint64_t)w->generation << 32 | (uint32_t)fd;
	/* The kernel removes a closed descriptor from epoll: if it was closed without loop_fd_del(), add it again. */
	if (is_new || (epoll_ctl(l->epoll, EPOLL_CTL_MOD, fd, &ev) < 0 && errno == ENOENT)) {
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
			return -1;
	}
	w->fn = fn;
	w->ctx = ctx;
	return 0;
}

void loop_fd_del(struct loop *l, int fd)
{
	if (fd < 0 || (size_t)fd >= l->n_watches || !l->watches[fd].fn)
		return;
	l->watches[fd].fn = NULL;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
	l->heap[i] = t;
	t->slot = i + 1;
}

/* Moves the timer at i up or down to its place in the heap. */
static void heap_sift(struct loop *l, size_t i)
{
	struct loop_timer *t = l->heap[i];

	while (i > 0 && l->heap[(i - 1) / 2]->due > t->due) {
		heap_put(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		size_t child = 2 * i + 1;
		if (child + 1 < l->n_heap && l->heap[child + 1]->due < l->heap[child]->due)
			child++;
		if (child >= l->n_heap || l->heap[child]->due >= t->due)
			break;
		heap_put(l, i, l->heap[child]);
		i = child;
	}
	heap_put(l, i, t);
}

int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t in_ms)
{
	if (!t->slot) {
		if (l->n_heap == l->cap_heap) {
			size_t cap = l->cap_heap ? 2 * l->cap_heap : 16;
			struct loop_timer **h = realloc(l->heap, cap * sizeof(struct loop_timer *));
			if (!h)
				return -1;
			l->heap = h;
			l->cap_heap = cap;
		}
		heap_put(l, l->n_heap++, t);
	}
	t->due = clock_boot_ms() + (in_ms > 0 ? in_ms : 0);
	heap_sift(l, t->slot - 1);
	return 0;
}

void loop_timer_del(struct loop *l, struct loop_timer *t)
{
	size_t i = t->slot - 1;

	if (!t->slot)
		return;
	t->slot = 0;
	l->n_heap--;
	if (i < l->n_heap) {
		heap_put(l, i, l->heap[l->n_heap]);
		heap_sift(l, i);
	}
}

static void on_signal(void *ctx, int fd, uint32_t events)
{
	struct loop *l = ctx;
	struct signalfd_siginfo si;

	(void)events;
	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		l->signal_fn(l->signal_ctx, (int)si.ssi_signo);
}

int loop_signals(struct loop *l, const sigset_t *set, void (*fn)(void *ctx, int signo), void *ctx)
{
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -1;
	fd = signalfd(l->signal_fd, set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -1;
	l->signal_fd = fd;
	l->signal_fn = fn;
	l->signal_ctx = ctx;
	return loop_fd_set(l, fd, EPOLLIN, on_signal, l);
}

static int run_timers(struct loop *l)
{
	int64_t now = clock_boot_ms();

	/* Runs at most the timers armed at the start: one that re-arms itself for now must not starve the descriptors. */
	for (size_t left = l->n_heap; left && l->n_heap && l->heap[0]->due <= now && !l->stop; left--) {
		struct loop_timer *t = l->heap[0];
		loop_timer_del(l, t);
		t->fn(t->ctx);
	}
	if (l->stop || !l->n_heap)
		return -1;
	int64_t wait = l->heap[0]->due - clock_boot_ms();
	return wait < 0 ? 0 : wait > 3600000 ? 3600000 : (int)wait;
}

int loop_run(struct loop *l)
{
	struct epoll_event ev[64];

	l->stop = false;
	for (;;) {
		int wait = run_timers(l);
		if (l->stop)
			return 0;
		int n = epoll_wait(l->epoll, ev, 64, wait);
		if (n < 0 && errno != EINTR)
			return -1;
		for (int i = 0; i < n && !l->stop; i++) {
			uint32_t fd = (uint32_t)ev[i].data.u64;
			uint32_t generation = (uint32_t)(ev[i].data.u64 >> 32);
			struct watch *w = &l->watches[fd];
			if (w->fn && w->generation == generation)
				w->fn(w->ctx, (int)fd, ev[i].events);
		}
	}
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
