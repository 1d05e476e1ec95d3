/* The event loop: order of timers, descriptors that come and go while events wait, signals. */
#include "reconcile/edge/base/loop.h"
#include "tests/cmocka.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

struct trace {
	struct loop *l;
	char seen[64];
	struct loop_timer timers[8];
	int pipes[2][2];
};

static void note(struct trace *t, char c)
{
	size_t n = strlen(t->seen);

	t->seen[n] = c;
	t->seen[n + 1] = '\0';
}

static void on_a(void *ctx)
{
	note(ctx, 'a');
}

static void on_b(void *ctx)
{
	struct trace *t = ctx;

	note(t, 'b');
	loop_timer_del(t->l, &t->timers[2]); /* c never comes */
}

static void on_c(void *ctx)
{
	note(ctx, 'c');
}

static void on_end(void *ctx)
{
	struct trace *t = ctx;

	note(t, '.');
	loop_stop(t->l);
}

static void timers_in_order(void **state)
{
	struct diags d = {0};
	struct trace t = {.l = loop_new(&d)};
	void (*fns[])(void *) = {on_a, on_b, on_c, on_end};
	const int ms[] = {2, 1, 3, 4};

	(void)state;
	for (int i = 0; i < 4; i++) {
		t.timers[i] = (struct loop_timer){.fn = fns[i], .ctx = &t};
		assert_int_equal(loop_timer_set(t.l, &t.timers[i], 50), 0);
		assert_int_equal(loop_timer_set(t.l, &t.timers[i], ms[i]), 0); /* setting it again moves it */
	}
	assert_int_equal(loop_run(t.l), 0);
	assert_string_equal(t.seen, "ba.");
	loop_free(t.l);
}

static void many_timers(void **state)
{
	struct diags d = {0};
	struct loop *l = loop_new(&d);
	static struct loop_timer timers[1000];
	struct trace t = {.l = l};
	struct loop_timer end = {.fn = on_end, .ctx = &t};
	uint32_t x = 12345;

	(void)state;
	memset(timers, 0, sizeof(timers));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(loop_timer_set(l, &timers[i], 100000), 0);
	for (int i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		if (x & 0x80000)
			loop_timer_del(l, &timers[x % 1000]);
		else
			assert_int_equal(loop_timer_set(l, &timers[x % 1000], 100000 + (x >> 20)), 0);
	}
	for (int i = 0; i < 1000; i++)
		loop_timer_del(l, &timers[i]);
	assert_int_equal(loop_timer_set(l, &end, 0), 0);
	assert_int_equal(loop_run(l), 0);
	assert_string_equal(t.seen, ".");
	loop_free(l);
}

/* Both pipes are readable in one turn; the one that runs first removes the other, closed and all. */
static void on_pipe(void *ctx, int fd, uint32_t events)
{
	struct trace *t = ctx;
	int other = fd == t->pipes[0][0] ? t->pipes[1][0] : t->pipes[0][0];

	(void)events;
	note(t, 'p');
	loop_fd_del(t->l, other);
	close(other);
	loop_fd_del(t->l, fd);
	loop_stop(t->l);
}

static void a_removed_descriptor_gets_no_event(void **state)
{
	struct diags d = {0};
	struct trace t = {.l = loop_new(&d)};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(t.pipes[i]), 0);
		assert_int_equal(loop_fd_set(t.l, t.pipes[i][0], EPOLLIN, on_pipe, &t), 0);
		assert_int_equal(write(t.pipes[i][1], "x", 1), 1);
	}
	assert_int_equal(loop_run(t.l), 0);
	assert_string_equal(t.seen, "p");
	loop_free(t.l);
	for (int i = 0; i < 2; i++) {
		close(t.pipes[i][0]);
		close(t.pipes[i][1]);
	}
}

static void on_signo(void *ctx, int signo)
{
	struct trace *t = ctx;

	note(t, signo == SIGUSR1 ? '1' : '?');
	loop_stop(t->l);
}

static void signals_come_through_the_loop(void **state)
{
	struct diags d = {0};
	struct trace t = {.l = loop_new(&d)};
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(loop_signals(t.l, &set, on_signo, &t), 0);
	raise(SIGUSR1);
	assert_int_equal(loop_run(t.l), 0);
	assert_string_equal(t.seen, "1");
	loop_free(t.l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(timers_in_order),
	    cmocka_unit_test(many_timers),
	    cmocka_unit_test(a_removed_descriptor_gets_no_event),
	    cmocka_unit_test(signals_come_through_the_loop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
