/* A program beside the loop: whatever it says, and however much, the loop goes on, and it is ended in time. */
#include "reconcile/edge/base/child.h"
#include "tests/edge/git_test.h"

#include <signal.h>

struct seen {
	struct loop *loop;
	bool ended, late, cut;
	int status;
	size_t out, err;
	unsigned ticks;
	struct loop_timer tick;
};

static void on_tick(void *ctx)
{
	struct seen *s = ctx;

	s->ticks++;
	loop_timer_set(s->loop, &s->tick, 20);
}

static void on_ended(void *ctx, const struct child_result *result)
{
	struct seen *s = ctx;

	s->ended = true;
	s->late = result->late;
	s->cut = result->cut;
	s->status = result->status;
	s->out = result->out.n;
	s->err = result->err.n;
	loop_stop(s->loop);
}

static struct seen run(const char *script, int64_t deadline_ms)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct diags d = {0};
	struct seen s = {.loop = loop_new(&d)};
	const struct child_options o = {
	    .argv = argv, .output_max = 1000, .deadline_ms = deadline_ms, .ended = on_ended, .ctx = &s};

	assert_non_null(s.loop);
	s.tick = (struct loop_timer){.fn = on_tick, .ctx = &s};
	loop_timer_set(s.loop, &s.tick, 20);
	assert_non_null(child_start(s.loop, &o, &d));
	assert_int_equal(loop_run(s.loop), 0);
	loop_timer_del(s.loop, &s.tick);
	assert_true(s.ended);
	loop_free(s.loop);
	return s;
}

static void test_says(void **state)
{
	struct seen s = run("echo out; echo error >&2; exit 3", 10000);

	(void)state;
	assert_int_equal(s.status, 3);
	assert_int_equal(s.out, 4);
	assert_int_equal(s.err, 6);
	assert_false(s.late);
	assert_false(s.cut);
	s = run("head -c 1000 /dev/zero", 10000);
	assert_int_equal(s.out, 1000);
	assert_false(s.cut);
	s = run("head -c 1001 /dev/zero; echo error >&2", 10000);
	assert_int_equal(s.out, 1000);
	assert_int_equal(s.err, 6);
	assert_true(s.cut);
}

/* git repeats whatever its remote says, without end, faster than it is read. */
static void test_flood(void **state)
{
	struct seen s = run("cat /dev/zero & cat /dev/zero & cat /dev/zero & exec cat /dev/zero >&2", 500);

	(void)state;
	assert_true(s.late);
	assert_true(s.cut);
	assert_int_equal(s.status, 128 + SIGTERM);
	assert_true(s.ticks >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_says),
	    cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
