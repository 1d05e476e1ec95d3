/* One event loop: descriptors, timers, signals. epoll, timerfd-free (deadlines in a heap), signalfd. */
#ifndef EDGE_LOOP_H
#define EDGE_LOOP_H

#include "schema/diag.h"
#include <signal.h>
#include <sys/epoll.h>

struct loop;
struct loop *loop_new(struct diags *d);
void loop_free(struct loop *l);

/* Called with the epoll events of a descriptor. It may add and remove any watch, its own too. */
typedef void loop_fd_fn(void *ctx, int fd, uint32_t events);
int loop_fd_set(struct loop *l, int fd, uint32_t events, loop_fd_fn *fn,
		void *ctx); /* adds or changes; -1 with errno */
void loop_fd_del(struct loop *l, int fd);

/* One-shot timers, in milliseconds of CLOCK_BOOTTIME. Setting one again moves it. */
struct loop_timer {
	int64_t due; /* loop's own; zero-initialise */
	size_t slot; /* 1-based place in the heap; 0: not armed */
	void (*fn)(void *ctx);
	void *ctx;
};
int loop_timer_set(struct loop *l, struct loop_timer *t, int64_t in_ms);
void loop_timer_del(struct loop *l, struct loop_timer *t);

/* Blocks these signals and hands them to `fn` from the loop. */
int loop_signals(struct loop *l, const sigset_t *set, void (*fn)(void *ctx, int signo), void *ctx);

int loop_run(struct loop *l); /* until loop_stop(); 0, or -1 with errno */
void loop_stop(struct loop *l);

/* Clocks: the only ones in the program. */
int64_t clock_unix(void);      /* seconds */
void clock_set(int64_t fixed); /* tests: a fixed wall clock; -1: the real one */
int64_t clock_boot_ms(void);   /* monotonic, counts suspend */
void clock_skip(int64_t ms);   /* tests: both clocks go on from so much later, timers with them */

#endif
