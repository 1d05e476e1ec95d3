/* What stands at a place of a text that a person is typing. */
#include "reconcile/lsp/lsp_context.h"
#include "tests/cmocka.h"

#include <stdio.h>
#include <string.h>

/* The place is marked by `|` in the text. */
static void expect(const char *marked, const char *want)
{
	static const char *const at[] = {"nothing", "key", "name", "value"};
	static const char *const places[] = {"root", "defaults", "trust", "cidr", "peer", "test"};
	const char *mark = strchr(marked, '|');
	struct lsp_context c;
	char text[512], said[128];

	assert_non_null(mark);
	snprintf(text, sizeof(text), "%.*s%s", (int)(mark - marked), marked, mark + 1);
	lsp_context_at(span_str(text), (size_t)(mark - marked), false, &c);
	snprintf(said, sizeof(said), "%s%s%s%s%s%s%s", at[c.at], c.at ? " " : "", c.at ? places[c.place] : "",
		 c.at && c.key ? " " : "", c.at && c.key ? c.key->name : "", *c.word ? " " : "", c.word);
	if (strcmp(said, want) != 0)
		fail_msg("%s\nis:     %s\nwanted: %s", marked, said, want);
}

static void test_block(void **state)
{
	(void)state;
	expect("|", "key root");
	expect("network: corp\npe|", "key root pe");
	expect("network: |", "value root network");
	expect("peers:\n  bo|", "name peer peers bo");
	expect("peers:\n  bob:\n    i|", "key peer i");
	expect("peers:\n  alice:\n    ip: 1\n\n  # x\n  bob:\n    ip: 2\n    ad|", "key peer ad");
	expect("peers:\n  bob:\n    admin: t|", "value peer admin t");
	expect("peers:\n  bob:\n    via: h|", "value peer via h");
	expect("peers:\n  bob:\n    routes:\n      - 1|", "value peer routes 1");
	expect("defaults:\n  m|", "key defaults m");
	expect("cidrs:\n  eng:\n    is|", "key cidr is");
	expect("tests:\n  - fr|", "key test fr");
	expect("tests:\n- from: a|", "value test from a");
	expect("tests:\n  - from: a\n    can|", "key test can");
	expect("tests:\n- from: a\n  can_reach:\n  - x\n  - |", "value test can_reach");
	expect("tests:\n  - from: a\n    can_reach: [x, b|", "value test can_reach b");
	expect("associations:\n  - [a, b|", "value root associations b");
	expect("associations: [[a, b], [c|", "value root associations c");
	expect("associations:\n  - - a\n    - b|", "value root associations b");
	expect("reuse:\n  - 10|", "value root reuse 10");
}

static void test_brackets(void **state)
{
	(void)state;
	expect("peers:\n  bob: { i|", "key peer i");
	expect("peers:\n  bob: { ip: 1, |", "key peer");
	expect("peers:\n  bob: { ip: 1, admin: t| }", "value peer admin t");
	expect("peers:\n  bob: { ip: [1, 2], v|", "key peer v");
	expect("tests:\n  - { from: a, can_reach: [b, c|] }", "value test can_reach c");
	expect("tests: [{ from: a|", "value test from a");
	expect("tests: [{ from: a }, { |", "key test");
	expect("defaults: { m|", "key defaults m");
	expect("peers: { bob: { ip|", "key peer ip");
	expect("peers:\n  \"bob\": { \"ip\": 1, e|", "key peer e");
}

static void test_nothing(void **state)
{
	(void)state;
	expect("# pe|", "nothing pe");
	expect("network: corp # pe|", "nothing pe");
	expect("peers:\n  bob: { description: \"a, i|", "nothing i");
	expect("unknown:\n  x|", "nothing x");
	expect("peers:\n  bob:\n    unknown: x|", "nothing x");
	expect("peers:\n  bob: |", "nothing");
	expect("a:\n b:\n  c:\n   d:\n    e:\n     f:\n      g:\n       h:\n        i:\n         j|", "nothing j");
}

static bool put(void *ctx, struct span name)
{
	buf_printf(ctx, "%.*s ", (int)name.n, (const char *)name.p);
	return true;
}

static void test_names(void **state)
{
	struct buf b = {0};

	(void)state;
	lsp_context_names(
	    span_str("cidrs:\n  eng: 1\npeers:\n  # x\n  bob: {\n  alice:\n    ip: 1\n\"peers2\":\n  x: 1\n"), "peers",
	    put, &b);
	assert_string_equal(b.p, "bob alice ");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_block),
	    cmocka_unit_test(test_brackets),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
