/* Lists at the width of a terminal. */
#include "reconcile/text/wrap.h"
#include "tests/cmocka.h"

#include <string.h>

static void assert_wrapped(const char *text, unsigned width, const char *expected)
{
	struct buf out = {0};

	text_wrap(&out, span_str(text), width);
	assert_false(out.failed);
	assert_string_equal(out.p ? out.p : "", expected);
	buf_free(&out);
}

static void test_wrap(void **state)
{
	(void)state;
	assert_wrapped("", 10, "");
	assert_wrapped("a, b\n", 10, "a, b\n");
	assert_wrapped("a, b", 10, "a, b");
	assert_wrapped("Peers: one, two, three.\nNext\n", 12, "Peers: one,\n    two,\n    three.\nNext\n");
	/* A line that fits to the last column is whole. */
	assert_wrapped("one, two, three\n", 15, "one, two, three\n");
	assert_wrapped("one, two, three\n", 14, "one, two,\n    three\n");
	/* No limit, and entries that are wider than the limit. */
	assert_wrapped("one, two, three\n", 0, "one, two, three\n");
	assert_wrapped("abcdefghijkl, mnopqrstuvwx, y", 5, "abcdefghijkl,\n    mnopqrstuvwx,\n    y");
}

static void test_columns(void **state)
{
	(void)state;
	/* Colours have no width, and a character of two bytes has one column. */
	assert_wrapped("\033[1mone:\033[0m a, b\n", 9, "\033[1mone:\033[0m a, b\n");
	assert_wrapped("\xc3\xa4\xc3\xb6, \xc3\xbc\n", 5, "\xc3\xa4\xc3\xb6, \xc3\xbc\n");
	/* An escape sequence that does not end, and a comma at the end. */
	assert_wrapped("abcdefgh\033[", 4, "abcdefgh\033[");
	assert_wrapped("abcd, efgh, ", 6, "abcd,\n    efgh, ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
