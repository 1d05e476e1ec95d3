/* Several pairs of one mapping that change in one go, in every layout. */
#include "schema/rewrite.h"
#include "tests/cmocka.h"

#include <string.h>

/* Changes the pairs of the mapping `p` of the root. The result is in *out; -1 when it was refused. */
static int change(const char *before, const struct pair *pairs, size_t n, struct buf *out)
{
	struct arena *a = arena_new();
	struct rewrite w = {0};
	struct diags d = {0};
	int rc;

	assert_int_equal(rewrite_open(&w, a, span_str(before), 0, &d), 0);
	rc = rewrite_pairs(&w, node_find(w.root, "p")->next, pairs, n) || rewrite_finish(&w, out) ? -1 : 0;
	assert_int_equal(rc ? 1 : 0, d.n_errors);
	rewrite_close(&w);
	diags_free(&d);
	arena_free(a);
	return rc;
}

static void changes(const char *before, const struct pair *pairs, size_t n, const char *after)
{
	struct buf out = {0};

	assert_int_equal(change(before, pairs, n, &out), 0);
	assert_string_equal(out.p, after);
	buf_free(&out);
}
#define PAIR(key_, text_)                                                                                              \
	{                                                                                                              \
		{.key = key_, .kind = VALUE_WORD, .text = text_}, NULL                                                 \
	}
#define PAIR_AFTER(key_, text_, k)                                                                                     \
	{                                                                                                              \
		{.key = key_, .kind = VALUE_WORD, .text = text_}, k                                                    \
	}
#define CHANGES(before, after, ...)                                                                                    \
	changes(before, (const struct pair[]){__VA_ARGS__},                                                            \
		sizeof((const struct pair[]){__VA_ARGS__}) / sizeof(struct pair), after)

static void test_come(void **state)
{
	(void)state;
	CHANGES("p: { a: 1 } # x\n", "p: { a: 1, b: 2, c: 3 } # x\n", PAIR("b", "2"), PAIR("c", "3"));
	CHANGES("p: {a: 1,}\n", "p: {a: 1, b: 2, c: 3,}\n", PAIR("b", "2"), PAIR("c", "3"));
	CHANGES("p: {\n  a: 1 # x\n}\n", "p: {\n  a: 1, # x\n  b: 2,\n  c: 3\n}\n", PAIR("b", "2"), PAIR("c", "3"));
	CHANGES("p: {\n  a: 1, # x\n}\n", "p: {\n  a: 1, # x\n  b: 2,\n  c: 3,\n}\n", PAIR("b", "2"), PAIR("c", "3"));
	CHANGES("p:\n  a: 1\n  # x\n\nq: 1\n", "p:\n  a: 1\n  # x\n  b: 2\n  c: 3\n\nq: 1\n", PAIR("b", "2"),
		PAIR("c", "3"));
	CHANGES("p:\r\n    a: 1", "p:\r\n    a: 1\r\n    b: 2\r\n    c: 3", PAIR("b", "2"), PAIR("c", "3"));
	CHANGES("{\"p\": {\"a\": 1}}", "{\"p\": {\"a\": 1, \"b\": \"2\", \"c\": \"3\"}}", PAIR("b", "2"),
		PAIR("c", "3"));
	/* In different places, in any order of the call. */
	CHANGES("p: {a: 1, z: 9}\n", "p: {a: 1, b: 2, d: 4, z: 9, c: 3}\n", PAIR_AFTER("b", "2", "a"), PAIR("c", "3"),
		PAIR_AFTER("d", "4", "a"));
	CHANGES("p:\n  a: 1 # x\n  z: 9\n", "p:\n  a: 1 # x\n  b: 2\n  d: 4\n  z: 9\n  c: 3\n", PAIR("c", "3"),
		PAIR_AFTER("b", "2", "a"), PAIR_AFTER("d", "4", "a"));
	/* Where the named key is not, the last one. */
	CHANGES("p: {a: 1, z: 9}\n", "p: {a: 1, z: 9, b: 2}\n", PAIR_AFTER("b", "2", "y"));
}

static void test_go(void **state)
{
	(void)state;
	CHANGES("p: { a: 1, b: 2, c: 3 }\n", "p: { a: 1 }\n", PAIR("b", NULL), PAIR("c", NULL));
	CHANGES("p: { a: 1, b: 2, c: 3 }\n", "p: { b: 2 }\n", PAIR("a", NULL), PAIR("c", NULL));
	CHANGES("p: { a: 1, b: 2, c: 3 }\n", "p: { c: 3 }\n", PAIR("b", NULL), PAIR("a", NULL));
	CHANGES("p: {a: 1, b: 2, c: 3,}\n", "p: {a: 1,}\n", PAIR("b", NULL), PAIR("c", NULL));
	CHANGES("p: {a: 1, b: 2}\n", "p: {}\n", PAIR("a", NULL), PAIR("b", NULL));
	CHANGES("p: {\n  a: 1,\n  b: 2, # x\n  c: 3\n}\n", "p: {\n  a: 1\n}\n", PAIR("b", NULL), PAIR("c", NULL));
	CHANGES("p: {\n  a: 1, # x\n  b: 2, # y\n  c: 3}\n", "p: {\n  a: 1 # x\n  }\n", PAIR("b", NULL),
		PAIR("c", NULL));
	CHANGES("p:\n  a: 1\n  # x\n  b: 2 # y\n  # z\n  c: 3\nq: 1\n", "p:\n  a: 1\n  # x\n  # z\nq: 1\n",
		PAIR("b", NULL), PAIR("c", NULL));
	CHANGES("p:\n  a: 1\n  b: 2\n  c: 3", "p:\n  a: 1", PAIR("b", NULL), PAIR("c", NULL));
	CHANGES("p:\r\n  a: 1\r\n  b: 2\r\n  c: 3", "p:\r\n  b: 2", PAIR("a", NULL), PAIR("c", NULL));
	/* What is not there need not go. */
	CHANGES("p: {a: 1}\n", "p: {a: 2}\n", PAIR("b", NULL), PAIR("a", "2"));
}

static void test_change_places(void **state)
{
	(void)state;
	/* The first that comes takes the place of the first that goes. */
	CHANGES("p: {a: 1, b: 2, c: 3}\n", "p: {u: 8, b: 2, v: 9}\n", PAIR("a", NULL), PAIR("u", "8"), PAIR("v", "9"),
		PAIR("c", NULL));
	CHANGES("p:\n  a: 1 # one\n  b: 2\n", "p:\n  u: 8 # one\n  b: 2\n  v: 9\n", PAIR("u", "8"), PAIR("a", NULL),
		PAIR("v", "9"));
	CHANGES("p:\n  a: 1\n  b: 2\n  c: 3 # three\n", "p:\n  u: 8\n", PAIR("a", NULL), PAIR("b", NULL),
		PAIR("c", NULL), PAIR("u", "8"));
	/* Behind the one that came. */
	CHANGES("p: {a: 1, b: 2}\n", "p: {u: 8, v: 9, b: 2}\n", PAIR("a", NULL), PAIR("u", "8"),
		PAIR_AFTER("v", "9", "u"));
	/* A mapping over several lines that would be empty is none any more. */
	struct buf out = {0};
	assert_int_equal(change("p:\n  a: 1\n", (const struct pair[]){PAIR("a", NULL)}, 1, &out), -1);
	buf_free(&out);
}

/* Every subset of the pairs goes, and up to three come: in each layout the file is then what it should be. */
static void put_layout(struct buf *out, unsigned layout, unsigned n)
{
	static const char *const open[] = {"{ ", "{", "{\n    ", "{\n    ", "{\n    ", "{ ", "\n    ", "\n  # x\n  "};
	static const char *const apart[] = {", ",     ",",          ",\n    ", ", # x\n    ",
					    "\n  , ", " , # x\n  ", "\n    ",  " # y\n\n  # x\n  "};
	static const char *const close[] = {" }", ",}", "\n  }", ",\n}", "}", " # x\n}", "\n", ""};

	buf_printf(out, "# top\np: %s", open[layout]);
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%s%c: %u", i ? apart[layout] : "", 'a' + (int)i, i);
	buf_printf(out, "%s%s", close[layout], layout == 6 ? "q: 1\n" : "");
}
#define LAYOUTS 8

static void check_pairs(const char *text, const struct pair *pairs, size_t n)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct node *root = NULL;

	assert_int_equal(yaml_read(a, span_str(text), 0, &root, &d), 0);
	for (size_t i = 0; i < n; i++) {
		struct node *key = node_find(node_find(root, "p")->next, pairs[i].value.key);
		assert_true(!key == !pairs[i].value.text);
		if (key)
			assert_string_equal(key->next->text, pairs[i].value.text);
	}
	assert_non_null(strstr(text, "# top"));
	diags_free(&d);
	arena_free(a);
}

static void test_every_subset(void **state)
{
	static const char *const names[] = {"a", "b", "c", "d", "u", "v", "w"};

	(void)state;
	for (unsigned c = 0; c < LAYOUTS * 16 * 4; c++) {
		unsigned layout = c / 64, gone = c / 4 % 16, come = c % 4;
		struct buf before = {0}, after = {0};
		struct pair pairs[7] = {{{0}, NULL}};
		size_t n = 0;
		for (unsigned i = 0; i < 4; i++)
			if (gone >> i & 1)
				pairs[n++] = (struct pair)PAIR(names[i], NULL);
		for (unsigned i = 0; i < come; i++)
			pairs[n++] = (struct pair)PAIR_AFTER(names[4 + i], "9", i == 1 ? "b" : NULL);
		put_layout(&before, layout, 4);
		if (gone == 15 && !come && layout >= 6) /* nothing would be left of it */
			assert_int_equal(change(before.p, pairs, n, &after), -1);
		else if (change(before.p, pairs, n, &after))
			fail_msg("layout %u, gone %x, come %u is refused:\n%s", layout, gone, come, before.p);
		else
			check_pairs(after.p, pairs, n);
		buf_free(&before);
		buf_free(&after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_come),
	    cmocka_unit_test(test_go),
	    cmocka_unit_test(test_change_places),
	    cmocka_unit_test(test_every_subset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
