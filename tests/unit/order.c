/* Sorting by bytes, and finding what occurs twice, against the plain way. */
#include "tests/unit/schema_test.h"

#include "schema/order.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
	state = state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)state * below) >> 32);
}

/* Every item after the one before it, and of equal ones the earlier first: that is the stable order. */
static void sorts(void **state_)
{
	uint8_t keys[300][4];
	uint32_t order[300];

	(void)state_;
	for (unsigned round = 0; round < 200; round++) {
		uint32_t n = draw(301), seen = 0;

		for (uint32_t i = 0; i < n; i++)
			for (unsigned j = 0; j < 4; j++)
				keys[i][j] = (uint8_t)(j == round % 4 ? 7 : draw(round % 3 ? 3 : 256));
		assert_int_equal(order_by_bytes(order, n, 4, keys[0]), 0);
		for (uint32_t i = 0; i < n; i++) {
			int c = i ? memcmp(keys[order[i - 1]], keys[order[i]], 4) : -1;

			assert_true(order[i] < n && (c < 0 || (c == 0 && order[i - 1] < order[i])));
			seen += order[i];
		}
		assert_int_equal(seen, n ? n * (n - 1) / 2 : 0);
	}
}

static struct span text_item(const void *ctx, uint32_t i)
{
	return span_str(((const char *const *)ctx)[i]);
}

static void finds_twins(void **state_)
{
	static char texts[1000][24];
	const char *items[1000];

	(void)state_;
	for (uint32_t i = 0; i < 1000; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s-%u", i % 2 ? "machine" : "a", i);
		items[i] = texts[i];
	}
	assert_false(order_maybe_twice(0, text_item, items));
	assert_false(order_maybe_twice(1, text_item, items));
	assert_false(order_maybe_twice(1000, text_item, items));
	for (unsigned round = 0; round < 100; round++) {
		uint32_t i = draw(1000), j = draw(1000);
		const char *kept = items[i];

		if (i == j)
			continue;
		items[i] = items[j];
		assert_true(order_maybe_twice(1000, text_item, items));
		items[i] = kept;
	}
	/* What ends where another goes on is another, zeros or not. */
	items[0] = "";
	items[1] = "a";
	assert_false(order_maybe_twice(2, text_item, items));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sorts), cmocka_unit_test(finds_twins)};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
