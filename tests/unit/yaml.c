/* The YAML reader: each node where a person would point, in columns and in bytes, and what is refused. */
#include "tests/unit/schema_test.h"

#include "schema/limits.h"
#include "schema/yaml.h"

#include <stdio.h>

struct read {
	struct arena *arena;
	struct diags diags;
	struct node *root;
	int rc;
};

static struct read read_text(const char *text, size_t n)
{
	static const char *const files[] = {"f.yaml"};
	struct read r = {.arena = arena_new(), .diags = {.files = files, .n_files = 1}};

	r.rc = yaml_read(r.arena, (struct span){(const uint8_t *)text, n}, 0, &r.root, &r.diags);
	return r;
}

static void done(struct read *r)
{
	diags_free(&r->diags);
	arena_free(r->arena);
}

/* Line and column of a byte, counted the slow way. */
static void where(const char *text, size_t byte, uint32_t *line, uint32_t *column)
{
	size_t i = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	*line = *column = 1;
	for (; i < byte; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

/* Every node of a tree: its places and its bytes agree, and plain scalars are the bytes they point at. */
static unsigned check_places(const char *text, const struct node *n)
{
	uint32_t line, column;
	unsigned count = 1;

	where(text, n->start, &line, &column);
	assert_int_equal(n->line, line);
	assert_int_equal(n->column, column);
	where(text, n->end, &line, &column);
	assert_int_equal(n->end_line, line);
	assert_int_equal(n->end_column, column);
	if (n->kind == NODE_SCALAR) {
		if (n->style == NODE_PLAIN && n->line == n->end_line) {
			assert_int_equal(n->end - n->start, n->n);
			assert_memory_equal(text + n->start, n->text, n->n);
		}
		return count;
	}
	for (const struct node *i = n->first; i; i = i->next)
		count += check_places(text, i);
	return count;
}

static void places_and_bytes_agree(void **state)
{
	static const char *const texts[] = {
	    "a: b\nc: [d, e, {f: g}]\n",
	    "\xef\xbb\xbf"
	    "a: b\nc: d\n",
	    "caf\xc3\xa9: \"\xe6\x9d\xb1\xe4\xba\xac\"\nb: {\xc3\xa9: \xf0\x9f\x98\x80, x: 'y\xc3\xa9'} # \xc3\xa9\nc: "
	    "\xc3\xa9\n",
	    "a:\r\n  b: \xc3\xa9\r\n  c:\r\n    - d\r\n    - e\r\nf: g\r\n",
	    "a:\n- b\n- c\n\n\nd:\n\n  e: f # g\n\n  # h\ni: j",
	    "a:\nb: ~\nc: ''\n\xc3\xa9:\nd:",
	    "a: one\n  two \xc3\xa9\n  three\nb: |\n  \xc3\xa9t\xc3\xa9\n\nc: >-\n  x\n",
	    "- [a, [b, [c]], {}]\n- {}\n- []\n",
	};
	unsigned count = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct read r = read_text(texts[i], strlen(texts[i]));

		assert_int_equal(r.rc, 0);
		assert_non_null(r.root);
		assert_int_equal(r.diags.n_errors, 0);
		count += check_places(texts[i], r.root);
		done(&r);
	}
	assert_true(count > 70);
}

static void blocks_end_with_their_last_value(void **state)
{
	static const char text[] = "a:\n  b: c\n  d: e   # why\n\n# about f\nf: g\n";
	struct read r = read_text(text, sizeof(text) - 1);
	const struct node *a = r.root->first->next;

	(void)state;
	assert_int_equal(a->kind, NODE_MAP);
	assert_false(a->flow);
	assert_int_equal(a->n, 2);
	assert_int_equal(a->start, 5);
	assert_int_equal(a->end, strstr(text, "e   #") + 1 - text);
	assert_int_equal(a->end_line, 3);
	assert_int_equal(a->end_column, 7);
	done(&r);
}

static void scalars_keep_their_style(void **state)
{
	static const char text[] = "[plain, 'single ''q''', \"double \\u00e9\", {a: b}]";
	struct read r = read_text(text, sizeof(text) - 1);
	const struct node *n = r.root->first;

	(void)state;
	assert_true(r.root->flow);
	assert_int_equal(r.root->n, 4);
	assert_int_equal(n->style, NODE_PLAIN);
	n = n->next;
	assert_int_equal(n->style, NODE_SINGLE_QUOTED);
	assert_string_equal(n->text, "single 'q'");
	n = n->next;
	assert_int_equal(n->style, NODE_DOUBLE_QUOTED);
	assert_string_equal(n->text, "double \xc3\xa9");
	assert_int_equal(n->n, 9);
	done(&r);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *code;
		uint32_t line, column;
		int rc;
	} cases[] = {
	    {"a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1, 0},
	    {"x: {a: 1, 'a': 2}\n", "duplicate-key", 1, 11, 0},
	    {"a: &x 1\n", "yaml-alias", 1, 4, 0},
	    {"a: *x\n", "yaml-alias", 1, 4, 0},
	    {"a: !!str 1\n", "yaml-tag", 1, 4, 0},
	    {"--- !x\na: 1\n", "yaml-tag", 1, 5, 0},
	    {"a: 1\n---\nb: 2\n", "second-document", 2, 1, -1},
	    {"a: 1\n...\n---\n", "second-document", 3, 1, -1},
	    {"a: \xff\n", "not-utf8", 1, 4, -1},
	    {"\xc3\xa9: 1\nb: \xc3\xa9\xc3\n", "not-utf8", 2, 5, -1},
	    {"a: \xed\xa0\x80\n", "not-utf8", 1, 4, -1}, /* a surrogate */
	    {"a: \xc0\xaf\n", "not-utf8", 1, 4, -1},     /* overlong */
	    {"a: \xf4\x90\x80\x80\n", "not-utf8", 1, 4, -1},
	    {"a: \x1b[1m\n", "bad-character", 1, 4, -1},
	    {"a: \xc2\x85 b\n", "bad-character", 1, 4, -1},
	    {"a: b\xef\xbb\xbf\n", "bad-character", 1, 5, -1},
	    {"a: b\rc: d\n", "bad-character", 1, 5, -1},
	    {"a: \"\\0\"\n", "bad-character", 1, 4, 0},
	    {"? {a: b}\n: c\n", "bad-type", 1, 3, 0},
	    {"a: [b\n", "yaml-syntax", 2, 1, -1},
	    {"a: \"\\q\"\n", "yaml-syntax", 1, 5, -1},
	    {"a: b: c\n", "yaml-syntax", 1, 5, -1},
	    {"%YAML 3.0\n---\na: b\n", "yaml-syntax", 1, 1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct read r = read_text(cases[i].text, strlen(cases[i].text));

		assert_int_equal(r.rc, cases[i].rc);
		assert_non_null(r.diags.first);
		assert_string_equal(r.diags.first->code, cases[i].code);
		assert_int_equal(r.diags.first->at.line, cases[i].line);
		assert_int_equal(r.diags.first->at.column, cases[i].column);
		done(&r);
	}
}

static void bounded(void **state)
{
	struct buf b = {0};
	struct read r;

	(void)state;
	for (int i = 0; i < YAML_DEPTH_MAX; i++)
		buf_char(&b, '[');
	for (int i = 0; i < YAML_DEPTH_MAX; i++)
		buf_char(&b, ']');
	r = read_text(b.p, b.n);
	assert_int_equal(r.rc, 0);
	done(&r);
	/* As deep as it goes: refused at once, whatever its size. */
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_str(&b, i % 2 ? "[" : "{a: ");
	r = read_text(b.p, b.n);
	assert_int_equal(r.rc, -1);
	assert_string_equal(r.diags.first->code, "too-deep");
	done(&r);
	buf_reset(&b);
	buf_str(&b, "a: ");
	for (int i = 0; i <= YAML_SCALAR_MAX; i++)
		buf_char(&b, 'x');
	r = read_text(b.p, b.n);
	assert_string_equal(r.diags.first->code, "too-large");
	done(&r);
	buf_free(&b);
}

/* A map with many keys, two of which are the same, far apart. */
static void duplicates_in_large_maps(void **state)
{
	struct buf b = {0};
	struct read r;

	(void)state;
	for (int i = 0; i < 50000; i++)
		buf_printf(&b, "k%d: v\n", i == 49998 ? 3 : i);
	r = read_text(b.p, b.n);
	assert_int_equal(r.diags.n_errors, 1);
	assert_int_equal(r.diags.first->at.line, 49999);
	assert_int_equal(r.diags.first->notes->at.line, 4);
	done(&r);
	buf_free(&b);
}

static void nothing_in_it(void **state)
{
	static const char *const texts[] = {"", "\n\n", "# only this\n", "\xef\xbb\xbf"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct read r = read_text(texts[i], strlen(texts[i]));

		assert_int_equal(r.rc, 0);
		assert_null(r.root);
		assert_null(r.diags.first);
		done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(places_and_bytes_agree),
	    cmocka_unit_test(blocks_end_with_their_last_value),
	    cmocka_unit_test(scalars_keep_their_style),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(bounded),
	    cmocka_unit_test(duplicates_in_large_maps),
	    cmocka_unit_test(nothing_in_it),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
