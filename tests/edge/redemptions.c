/* Redemptions that wait for the remote: each is answered, and one invite does not take the room of all. */
#include "reconcile/edge/state/redemptions.h"
#include "tests/cmocka.h"

#include <string.h>

struct fixture {
	struct redemptions *r;
	const struct enrolment *late; /* a request that comes while those that wait are answered; NULL: none */
	const struct enrolment *early;
	int64_t left; /* of `early`, as its request finds it when it is woken */
};

static void on_wake(void *ctx)
{
	struct fixture *f = ctx;
	bool added;

	f->left = redemptions_left(f->r, f->early);
	if (f->late)
		assert_in_range(redemptions_begin(f->r, f->late, &added), 1, REDEEM_SECONDS * 1000);
}

static void on_handed_over(void *ctx)
{
	(void)ctx;
}

static struct enrolment enrolment_of(uint32_t invite, uint32_t key)
{
	struct enrolment e = {.time = 1};

	memcpy(e.invite.b, &invite, sizeof(invite));
	memcpy(e.key.b, &key, sizeof(key));
	return e;
}

static struct redemptions *make(struct fixture *f)
{
	const struct redemptions_calls calls = {.wake = on_wake, .handed_over = on_handed_over, .ctx = f};

	assert_non_null(f->r = redemptions_new(NULL, NULL, &calls));
	return f->r;
}

/* The request of one that comes in between is held: its redemption must wait too. */
static void test_one_that_comes_late_waits(void **state)
{
	const struct enrolment early = enrolment_of(1, 1), late = enrolment_of(2, 2);
	struct fixture f = {.early = &early};
	struct redemptions *r = make(&f);
	bool added;
	(void)state;

	for (int i = 0; i < 2; i++) {
		f.late = NULL;
		assert_in_range(redemptions_begin(r, &early, &added), 1, REDEEM_SECONDS * 1000);
		f.late = &late;
		if (i)
			redemptions_fail(r);
		else
			redemptions_decided(r);
		assert_int_equal(f.left, -1);
		assert_int_equal(redemptions_left(r, &early), -1);
		assert_in_range(redemptions_left(r, &late), 1, REDEEM_SECONDS * 1000);
		f.late = NULL;
		redemptions_decided(r);
		assert_false(redemptions_waiting(r));
	}
	redemptions_free(r);
}

static void test_one_invite_does_not_take_all_the_room(void **state)
{
	struct fixture f = {0};
	struct redemptions *r = make(&f);
	const struct enrolment first = enrolment_of(1, 0), other = enrolment_of(2, 0);
	unsigned n = 0;
	bool added;
	(void)state;

	for (uint32_t key = 0; key < 10000; key++) {
		const struct enrolment e = enrolment_of(1, key);

		n += redemptions_begin(r, &e, &added) > 0;
	}
	assert_int_equal(n, 4);
	/* The same once more is no further one. */
	assert_true(redemptions_begin(r, &first, &added) > 0);
	assert_false(added);
	assert_true(redemptions_begin(r, &other, &added) > 0);
	assert_true(added);
	redemptions_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_that_comes_late_waits),
	    cmocka_unit_test(test_one_invite_does_not_take_all_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
