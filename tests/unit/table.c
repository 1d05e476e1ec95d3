/* Tables as wide as the terminal, and trees of any shape. */
#include "reconcile/text/table.h"
#include "reconcile/text/tree.h"
#include "tests/unit/schema_test.h"

static const char *const titles[] = {"NAME", "ADDRESSES", "NOTES"};

/* `cells`: three a row, up to NULL. */
static void assert_table(unsigned width, const char *const *cells, const char *expected)
{
	struct table t = {.titles = titles, .n_columns = 3};
	struct buf out = {0};

	for (; *cells; cells++) {
		buf_str(&t.cells, *cells);
		table_cell_end(&t);
	}
	table_render(&out, &t, width);
	assert_false(out.failed);
	assert_string_equal(out.p, expected);
	table_free(&t);
	buf_free(&out);
}

static const char *const rows[] = {"a", "10.0.0.1, fd00::1", "server, admin", "bücher", "10.0.0.2", "", NULL};

static void as_wide_as_its_cells(void **state)
{
	(void)state;
	const char *whole = "NAME    ADDRESSES          NOTES\n"
			    "a       10.0.0.1, fd00::1  server, admin\n"
			    "bücher  10.0.0.2\n";
	assert_table(0, rows, whole);
	assert_table(40, rows, whole);
}

static void wrapped_at_spaces(void **state)
{
	(void)state;
	assert_table(39, rows,
		     "NAME    ADDRESSES         NOTES\n"
		     "a       10.0.0.1,         server, admin\n"
		     "        fd00::1\n"
		     "bücher  10.0.0.2\n");
}

static void wrapped_within_words_at_last(void **state)
{
	(void)state;
	const char *const cells[] = {"a", "fd00:1111:2222:3333::1", "x", NULL};
	assert_table(20, cells,
		     "NAME  ADDRESSES     NOTES\n"
		     "a     fd00:1111:22  x\n"
		     "      22:3333::1\n");
}

static void what_is_empty_is_left_out(void **state)
{
	(void)state;
	const char *const none[] = {NULL}, *const cells[] = {"a", "", "x", "b", "", "", NULL};
	assert_table(0, none, "NAME  ADDRESSES  NOTES\n");
	assert_table(0, cells,
		     "NAME  NOTES\n"
		     "a     x\n"
		     "b\n");
}

static void put_number(struct buf *out, uint32_t i, const void *ctx)
{
	buf_printf(out, "%s%u", (const char *)ctx, i);
}

static void a_chain_as_deep_as_there_can_be(void **state)
{
	(void)state;
	enum { DEPTH = ANCESTORS_MAX + 1 };
	const struct tree_lines lines = {.cidr = put_number, .peer = put_number, .ctx = "n"};
	struct buf out = {0};
	struct tree t;
	const char *last;

	assert_int_equal(tree_init(&t, DEPTH, 1, 0), 0);
	for (uint32_t i = 1; i < DEPTH; i++)
		t.parent[i] = i - 1;
	t.cidr[0] = DEPTH - 1;
	tree_link(&t);
	tree_render(&out, &t, TREE_ASCII, 2, &lines);
	assert_false(out.failed);
	last = strrchr(out.p, '`');
	assert_non_null(last);
	assert_string_equal(last, "`-- n0\n");
	while (last > out.p && last[-1] != '\n')
		last--;
	assert_int_equal(strlen(last), 2 + 4 * DEPTH + strlen("n0\n"));
	tree_free(&t);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_wide_as_its_cells),
	    cmocka_unit_test(wrapped_at_spaces),
	    cmocka_unit_test(wrapped_within_words_at_last),
	    cmocka_unit_test(what_is_empty_is_left_out),
	    cmocka_unit_test(a_chain_as_deep_as_there_can_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
