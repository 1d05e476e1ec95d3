/* The event loop: descriptors (epoll), timers (a heap of deadlines, without timerfd), signals (signalfd). */
#ifndef EDGE_LOOP_H
#define EDGE_LOOP_H

#include "schema/diag.h"
#include <signal.h>
#include <sys/epoll.h>

struct loop;
struct loop *loop_new(struct diags *d);
void loop_free(struct loop *l);

/* Called with the epoll events of a descriptor. It may add and remove any watch, also its own. */
typedef void loop_fd_fn(void *ctx, int fd, uint32_t events);
int loop_fd_set(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn,
		void *ctx); /* adds or changes; -1 with errno */
void loop_fd_del(struct loop *l, int fd);

/* One-shot timers, in milliseconds of CLOCK_BOOTTIME. Setting one again moves it. */
struct loop_timer {
	int64_t due; /* the loop's; initialise to zero */
	size_t slot; /* 1-based place in the heap; 0: not armed */
	void (*fn)(void *ctx);
	void *ctx;
};
int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t in_ms);
void loop_timer_del(struct loop *l, struct loop_timer *t);

/* Blocks these signals and calls `fn` for each from the loop. Returns -1 with errno. */
int loop_signals(struct loop *l, const sigset_t *set, void (*fn)(void *ctx, int signo), void *ctx);

int loop_run(struct loop *l); /* runs until loop_stop(); returns 0, or -1 with errno */
void loop_stop(struct loop *l);

/* Clocks. The rest of the program reads no other clock. */
int64_t clock_unix(void);      /* wall clock, Unix time in seconds */
void clock_set(int64_t fixed); /* tests: a fixed wall clock; -1: the real one */
int64_t clock_boot_ms(void);   /* monotonic, in milliseconds; counts the time of a system suspend */
void clock_skip(int64_t ms);   /* tests: moves both clocks forward, and timers with them */

#endif
