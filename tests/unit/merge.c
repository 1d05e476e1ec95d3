/* Merging two versions of a definition by its members, in every layout; what cannot be merged is refused. */
#include "schema/merge.h"
#include "tests/cmocka.h"

#include <string.h>

static int merge(const char *base, const char *ours, const char *theirs, struct buf *out, struct buf *said)
{
	const struct span version[N_MERGE_VERSIONS] = {span_str(base), span_str(ours), span_str(theirs)};
	struct diags d = {0};
	int rc = definition_merge(version, out, &d);

	for (const struct diag *g = d.first; said && g; g = g->next)
		buf_printf(said, "%s\n", g->message);
	assert_int_equal(rc, d.n_errors ? 0 : 1);
	diags_free(&d);
	return rc;
}

static void merges(const char *base, const char *ours, const char *theirs, const char *result)
{
	struct buf out = {0}, said = {0};

	merge(base, ours, theirs, &out, &said);
	if (said.n)
		fail_msg("refused: %s%s%s%s", said.p, base, ours, theirs);
	assert_string_equal(out.p, result);
	buf_free(&out);
	buf_free(&said);
}

static void conflicts(const char *base, const char *ours, const char *theirs, const char *said_of_it)
{
	struct buf out = {0}, said = {0};

	if (merge(base, ours, theirs, &out, &said))
		fail_msg("merged: %s", out.p);
	assert_string_equal(said.p, said_of_it);
	buf_free(&out);
	buf_free(&said);
}

#define HEAD "# the network\nnetwork: corp\n"

static void test_both_add(void **state)
{
	(void)state;
	merges(HEAD "peers:\n  hub: { ip: a }\n", HEAD "peers:\n  hub: { ip: a }\n  # Bob's\n  bob: { ip: b }\n",
	       HEAD "peers:\n  hub: { ip: a }\n  carl:\n    ip: c # his\n    # end\n",
	       HEAD "peers:\n  hub: { ip: a }\n  # Bob's\n  bob: { ip: b }\n  carl:\n    ip: c # his\n    # end\n");
	/* Before what follows the section, with its comments; in the middle; at the beginning. */
	merges("peers:\n  hub: a\n\n# tests\ntests:\n  - x: 1\n",
	       "peers:\n  hub: a\n  bob: b\n\n# tests\ntests:\n  - x: 1\n",
	       "peers:\n  hub: a\n  carl: c\n\n# tests\ntests:\n  - x: 1\n  - x: 2\n",
	       "peers:\n  hub: a\n  bob: b\n  carl: c\n\n# tests\ntests:\n  - x: 1\n  - x: 2\n");
	merges("p:\n  a: 1\n  z: 9\n", "p:\n  a: 1\n  b: 2\n  z: 9\n", "p:\n  a: 1\n  c: 3\n  z: 9\n",
	       "p:\n  a: 1\n  b: 2\n  c: 3\n  z: 9\n");
	merges("p:\n  z: 9\n", "p:\n  b: 2\n  z: 9\n", "p:\n  c: 3\n  z: 9\n", "p:\n  b: 2\n  c: 3\n  z: 9\n");
	/* A section that both add; one that was empty. */
	merges("n: x\n", "n: x\np:\n  a: 1\n", "n: x\np:\n  b: 2\n", "n: x\np:\n  a: 1\n  b: 2\n");
	merges("n: x\np:\n", "n: x\np:\n  a: 1\n", "n: x\np:\n  b: 2\n", "n: x\np:\n  a: 1\n  b: 2\n");
	merges("n: x\n", "n: x\np:\n  a: 1\n", "n: x\nq:\n  b: 2\n", "n: x\np:\n  a: 1\nq:\n  b: 2\n");
	/* Behind the same comment. */
	merges("p:\n  a: 1\n  # c\n", "p:\n  a: 1\n  # c\n  b: 2\n", "p:\n  a: 1\n  # c\n  # of d\n  d: 3\n",
	       "p:\n  a: 1\n  # c\n  b: 2\n  # of d\n  d: 3\n");
	merges("p:\n  a: 1\n  # c\n", "p:\n  a: 2\n  # c\n", "p:\n  a: 1\n  # c\n  d: 3\n",
	       "p:\n  a: 2\n  # c\n  d: 3\n");
	/* The same peer, by both. */
	merges("p:\n  a: 1\n", "p:\n  a: 1\n  b: 2\n", "p:\n  a: 1\n  b: 2\n", "p:\n  a: 1\n  b: 2\n");
	/* No line end at the end; lines that end in CR LF. */
	merges("p:\n  a: 1", "p:\n  a: 1\n  b: 2", "p:\n  a: 1\n  c: 3", "p:\n  a: 1\n  b: 2\n  c: 3");
	merges("p:\r\n  a: 1\r\n", "p:\r\n  a: 1\r\n  b: 2\r\n", "p:\r\n  a: 1\r\n  c: 3\r\n",
	       "p:\r\n  a: 1\r\n  b: 2\r\n  c: 3\r\n");
}

static void test_both_change(void **state)
{
	(void)state;
	/* Other peers; other keys of one peer, in block style and in brackets. */
	merges("p:\n  a: { x: 1 }\n  b: { x: 1 }\n", "p:\n  a: { x: 2 }\n  b: { x: 1 }\n",
	       "p:\n  a: { x: 1 }\n  b: { x: 3 }\n", "p:\n  a: { x: 2 }\n  b: { x: 3 }\n");
	merges("p:\n  a:\n    x: 1 # one\n    y: 1\n", "p:\n  a:\n    x: 2 # one\n    y: 1\n",
	       "p:\n  a:\n    x: 1 # one\n    y: 3\n    z: 4\n", "p:\n  a:\n    x: 2 # one\n    y: 3\n    z: 4\n");
	merges("p:\n  a: { x: 1, y: 1 } # a\n", "p:\n  a: { x: 2, y: 1 } # a\n", "p:\n  a: { x: 1, y: 3, z: 4 } # a\n",
	       "p:\n  a: { x: 2, y: 3, z: 4 } # a\n");
	merges("p:\n  a: { x: 1, y: 1 }\n", "p:\n  a: { x: 1, y: 1, q: true }\n", "p:\n  a: { y: 1 } # theirs\n",
	       "p:\n  a: { y: 1, q: true } # theirs\n");
	/* One takes out, the other one changes something else. */
	merges("p:\n  a: 1\n  b: 2\n  # last\nq: 1\n", "p:\n  b: 2\n  # last\nq: 1\n",
	       "p:\n  a: 1\n  b: 2\n  c: 3\n  # last\nq: 1\n", "p:\n  b: 2\n  c: 3\n  # last\nq: 1\n");
	merges("p:\n  a: 1\n", "p:\n", "p:\n  a: 1\n  b: 2\n", "p:\n  b: 2\n");
	/* A comment here, a value there. */
	merges("# x\np:\n  a: 1\n", "# y\np:\n  a: 1\n", "# x\np:\n  a: 2\n", "# y\np:\n  a: 2\n");
}

static void test_lists(void **state)
{
	(void)state;
	merges("l:\n  - [a, b]\n", "l:\n  - [a, b]\n  - [a, c]\n", "l:\n  - [a, b]\n  - [b, d] # new\n",
	       "l:\n  - [a, b]\n  - [a, c]\n  - [b, d] # new\n");
	merges("l:\n  - [a, b]\n  - [c, d]\n", "l:\n  - [c, d]\n", "l:\n  - [a, b]\n  - [c, d]\n  - [e, f]\n",
	       "l:\n  - [c, d]\n  - [e, f]\n");
	merges("l: [a, b]\n", "l: [a, b, c]\n", "l: [b, d]\n", "l: [b, c, d]\n");
	merges("l:\n- from: a\n  to: b\n", "l:\n- from: a\n  to: b\n- from: c\n  to: d\n",
	       "l:\n- from: e\n  to: f\n- from: a\n  to: b\n",
	       "l:\n- from: e\n  to: f\n- from: a\n  to: b\n- from: c\n  to: d\n");
	/* Both add the same one; equal ones are counted. */
	merges("l:\n  - a\n", "l:\n  - a\n  - b\n", "l:\n  - a\n  - b\n  - c\n", "l:\n  - a\n  - b\n  - c\n");
	merges("l:\n  - a\n  - a\n", "l:\n  - a\n", "l:\n  - a\n  - a\n  - c\n", "l:\n  - a\n  - c\n");
}

static void test_conflicts(void **state)
{
	(void)state;
	conflicts("p:\n  a: { x: 1 }\n", "p:\n  a: { x: 2 }\n", "p:\n  a: { x: 3 }\n",
		  "both sides changed this in different ways: p.a.x\n");
	conflicts(
	    "p:\n  a:\n    x: 1\n  b: 1\n", "p:\n  a:\n    x: 2\n", "p:\n  a:\n    x: 3\n  b: 2\n",
	    "both sides changed this in different ways: p.a.x\none side removed this, the other one changed it: p.b\n");
	conflicts("p:\n  a: 1\n", "p:\n  a: 1\n  b: 2\n", "p:\n  a: 1\n  b: 3\n",
		  "both sides changed this in different ways: p.b\n");
	conflicts("p:\n  a: 1\n", "# x\np:\n  a: 1\n", "# y\np:\n  a: 1\n",
		  "both sides changed this in different ways\n");
	conflicts("n: 1\n", "n: 2\n", "n: 3\n", "both sides changed this in different ways: n\n");
	/* Layouts and texts in which nothing is guessed. */
	conflicts("{p: {a: 1}}\n", "{p: {a: 1, b: 2}}\n", "{p: {a: 1, c: 3}}\n",
		  "both sides changed this, and it is not written as a block, a member a line\n");
	conflicts("p: 1\n", "p: [\n", "p: 2\n",
		  "our side is not a definition: this is not YAML: did not find expected node content\n");
	conflicts("p:\n  a: 1\n", "p:\n    a: 1\n    b: 2\n", "p:\n  a: 1\n  c: 3\n",
		  "the changes of both sides cannot be put together as they are written\n");
}

/* All ways in which two sides add, change and take out members: what comes out is what a merge is to say, or nothing. */
static void put_version(struct buf *out, unsigned bits, const char *own)
{
	buf_str(out, "network: corp\npeers:\n  hub: { ip: 1 }\n");
	for (unsigned i = 0; i < 2; i++, bits /= 4)
		if (bits % 4)
			buf_printf(out, "  # of %c\n  %c: { ip: %u }\n", 'a' + (int)i, 'a' + (int)i, bits % 4);
	buf_printf(out, "%s# end\n", own);
}

static void test_every_change(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 16 * 16 * 16; c++) {
		struct buf v[N_MERGE_VERSIONS] = {{0}}, out = {0};
		put_version(&v[MERGE_BASE], c % 16, "");
		put_version(&v[MERGE_OURS], c / 16 % 16, "  ours: { ip: 8 }\n");
		put_version(&v[MERGE_THEIRS], c / 256, "  theirs: { ip: 9 }\n");
		bool clash = false;
		unsigned want = 0;
		for (unsigned shift = 0; shift < 4; shift += 2) {
			unsigned was = c >> shift & 3, o = c >> (4 + shift) & 3, t = c >> (8 + shift) & 3;
			clash |= was != o && was != t && o != t;
			want |= (was == o ? t : o) << shift;
		}
		int rc = merge(v[0].p, v[1].p, v[2].p, &out, NULL);
		assert_int_equal(rc, !clash);
		if (rc) {
			struct buf w = {0};
			put_version(&w, want, "  ours: { ip: 8 }\n  theirs: { ip: 9 }\n");
			/* The order is that of ours. */
			for (const char *line = w.p; *line; line = strchr(line, '\n') + 1) {
				char text[64] = "";
				memcpy(text, line, (size_t)(strchr(line, '\n') + 1 - line));
				assert_non_null(strstr(out.p, text));
			}
			assert_int_equal(out.n, w.n);
			buf_free(&w);
		}
		for (int i = 0; i < N_MERGE_VERSIONS; i++)
			buf_free(&v[i]);
		buf_free(&out);
	}
}

static void test_readdress(void **state)
{
	struct merge_address moves[2] = {{.peer = "bob"}, {.peer = "carl"}};
	struct buf out = {0};
	struct diags d = {0};

	(void)state;
	addr_parse("10.0.0.1", 8, &moves[0].from);
	addr_parse("10.0.0.7", 8, &moves[0].to);
	addr_parse("fd00::1", 7, &moves[1].from);
	addr_parse("fd00::2", 7, &moves[1].to);
	assert_int_equal(
	    definition_readdress(
		span_str("peers:\n  bob: { ip: 10.0.0.1 } # b\n  carl:\n    ip: [10.0.0.1, \"fd00::1\"]\n"), moves, 2,
		&out, &d),
	    0);
	assert_string_equal(out.p, "peers:\n  bob: { ip: 10.0.0.7 } # b\n  carl:\n    ip: [10.0.0.1, \"fd00::2\"]\n");
	assert_int_equal(definition_readdress(span_str("peers:\n  bob: { ip: 10.0.0.2 }\n"), moves, 1, &out, &d), 1);
	assert_int_equal(d.n_errors, 0);
	buf_free(&out);
	diags_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_add),  cmocka_unit_test(test_both_change),  cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_conflicts), cmocka_unit_test(test_every_change), cmocka_unit_test(test_readdress),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
