/* Which peers reach each other, one rule at a time, and what a definition's own tests say. */
#include "tests/unit/network.h"

static const char definition[] =
    "network: corp\n"
    "cidr: 10.60.0.0/16\n"
    "cidrs:\n"
    "  infra: 10.60.0.0/24\n"
    "  humans: 10.60.64.0/22\n"
    "  night: 10.60.65.0/24\n"
    "  machines: 10.60.80.0/20\n"
    "  ci: 10.60.81.0/24\n"
    "  guests: { cidr: 10.60.82.0/24, isolated: true }\n"
    "  empty: 10.60.90.0/24\n"
    "associations:\n"
    "  - [humans, ci]\n"
    "  - [night, guests]\n"
    "  - [machines, empty]\n"
    "peers:\n"
    "  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"a.example:1\", server: true }\n"
    "  alice: { ip: 10.60.64.2, public_key: \"%s\" }\n"
    "  bob: { ip: 10.60.64.3, public_key: \"%s\" }\n"
    "  nora: { ip: 10.60.65.2, public_key: \"%s\" }\n"
    "  build: { ip: 10.60.81.2, public_key: \"%s\" }\n"
    "  gina: { ip: 10.60.82.2, public_key: \"%s\" }\n"
    "  gus: { ip: 10.60.82.3, public_key: \"%s\" }\n"
    "  off: { ip: 10.60.64.9, public_key: \"%s\", disabled: true }\n"
    "  mac: { ip: 10.60.80.2, public_key: \"%s\" }\n";

static void open_tests(struct net *n, const char *tests)
{
	static const char *const names[] = {"hub", "alice", "bob", "nora", "build", "gina", "gus", "off", "mac"};
	char key[9][KEY_B64_LEN + 1];
	struct buf yaml = {0};

	for (unsigned i = 0; i < 9; i++) {
		struct key k = wg_of(names[i]);

		key_format(&k, key[i]);
	}
	buf_printf(&yaml, definition, key[0], key[1], key[2], key[3], key[4], key[5], key[6], key[7], key[8]);
	buf_str(&yaml, tests);
	net_open(n, yaml.p, 1);
	buf_free(&yaml);
}

static enum reach_rule rule(const struct net *n, const char *a, const char *b)
{
	uint32_t p = model_peer_by_name(n->m, a), q = model_peer_by_name(n->m, b);
	struct reach one = reach_peers(n->x, p, q), other = reach_peers(n->x, q, p);

	assert_int_equal(one.rule, other.rule);
	assert_int_equal(one.association, other.association);
	assert_int_equal(one.cidr, other.cidr);
	return one.rule;
}

static void each_rule(void **state)
{
	struct net n;
	uint32_t k;
	(void)state;

	open_tests(&n, "");
	assert_int_equal(rule(&n, "hub", "gina"), REACH_INFRA);
	assert_int_equal(rule(&n, "alice", "bob"), REACH_SAME_CIDR);
	assert_int_equal(rule(&n, "gina", "gus"), REACH_NONE);
	assert_int_equal(rule(&n, "alice", "build"), REACH_ASSOCIATION);
	/* Under an end counts, above it does not. */
	assert_int_equal(rule(&n, "nora", "build"), REACH_ASSOCIATION);
	assert_int_equal(rule(&n, "nora", "gina"), REACH_ASSOCIATION);
	assert_int_equal(rule(&n, "alice", "gina"), REACH_NONE);
	/* Nesting joins nothing. */
	assert_int_equal(rule(&n, "alice", "nora"), REACH_NONE);
	assert_int_equal(rule(&n, "build", "gina"), REACH_NONE);
	/* What both ends cover is joined with itself. */
	assert_int_equal(rule(&n, "mac", "build"), REACH_NONE);
	assert_string_equal(n.m->cidrs[reach_subtrees(n.x, model_cidr_by_name(n.m, "night"), &k)[0]].name, "ci");
	assert_int_equal(k, 2);
	assert_int_equal(reach_infra(n.x, &k)[0], model_cidr_by_name(n.m, "infra"));
	assert_int_equal(k, 1);
	net_close(&n);
}

static void check_test(const char *test, const char *message, const char *note)
{
	struct buf yaml = {0};
	struct diags d = {0};
	struct net n;

	buf_printf(&yaml, "tests:\n  - %s\n", test);
	open_tests(&n, yaml.p);
	reach_run_tests(n.x, &d);
	if (!message) {
		if (d.first)
			say_diags(&d);
		assert_null(d.first);
	} else {
		assert_non_null(d.first);
		assert_string_equal(d.first->code, "test-failed");
		assert_string_equal(d.first->message, message);
		assert_string_equal(d.first->notes->text, note);
		assert_null(d.first->next);
	}
	diags_free(&d);
	net_close(&n);
	buf_free(&yaml);
}

static void tests_of_a_definition(void **state)
{
	(void)state;
	check_test("{ from: humans, can_reach: [ci, hub], cannot_reach: [mac] }", NULL, NULL);
	check_test("{ from: [alice, bob], can_reach: [infra, build], cannot_reach: [guests, nora] }", NULL, NULL);
	check_test("{ from: corp, can_reach: [hub, infra] }", NULL, NULL);
	/* A CIDR stands for the peers that could be added to it. */
	check_test("{ from: humans, cannot_reach: [empty] }", NULL, NULL);
	check_test("{ from: corp, cannot_reach: [empty] }",
		   "expected that 'corp' cannot reach 'empty', but 'hub' reaches a peer that is added to 'empty'",
		   "'infra' holds a server: every peer reaches its peers");
	check_test("{ from: empty, can_reach: [humans] }",
		   "expected that 'empty' can reach 'humans', but a peer that is added to 'empty' cannot reach 'alice'",
		   "no association joins 'empty' and 'humans'");
	check_test("{ from: guests, cannot_reach: [guests, ci, alice] }", NULL, NULL);
	check_test("{ from: off, cannot_reach: [corp] }", NULL, NULL);
	/* An address is the peer that has it, or a peer that would. */
	check_test("{ from: 10.60.64.77, can_reach: [alice, 10.60.81.2, 10.60.81.99], cannot_reach: [10.60.82.9] }",
		   NULL, NULL);
	check_test("{ from: humans, can_reach: [guests] }",
		   "expected that 'humans' can reach 'guests', but 'alice' cannot reach 'gina'",
		   "no association joins 'humans' and 'guests'");
	check_test("{ from: guests, can_reach: [guests] }",
		   "expected that 'guests' can reach 'guests', but 'gina' cannot reach 'gus'",
		   "both are in 'guests', which is isolated");
	check_test("{ from: humans, cannot_reach: [humans] }",
		   "expected that 'humans' cannot reach 'humans', but 'alice' reaches 'bob'",
		   "both are in 'humans', which is not isolated");
	check_test("{ from: humans, cannot_reach: [machines] }",
		   "expected that 'humans' cannot reach 'machines', but 'alice' reaches 'build'",
		   "the association [humans, ci] joins them");
	check_test("{ from: guests, cannot_reach: [corp] }",
		   "expected that 'guests' cannot reach 'corp', but 'gina' reaches 'hub'",
		   "'infra' holds a server: every peer reaches its peers");
	check_test("{ from: alice, can_reach: [off] }", "expected that 'alice' can reach 'off'",
		   "'off' is disabled, and reaches no peer");
	check_test("{ from: alice, cannot_reach: [10.60.81.77] }",
		   "expected that 'alice' cannot reach '10.60.81.77', but 'alice' reaches '10.60.81.77'",
		   "the association [humans, ci] joins them");
}

/* Is there an address of the CIDR that none of its children has? Tried address by address, from each child's edges. */
static bool has_room(const struct model *m, uint32_t c)
{
	for (unsigned i = 0; i < m->cidrs[c].n_prefixes; i++) {
		const struct prefix *p = &m->cidrs[c].prefix[i];
		const struct addr last = prefix_last(p);

		if (model_cidr_of_addr(m, &p->base) == c || model_cidr_of_addr(m, &last) == c)
			return true;
		for (uint32_t k = m->cidrs[c].first_child; k != NONE; k = m->cidrs[k].next_sibling)
			for (unsigned a = 0; a < m->cidrs[k].n_prefixes; a++) {
				struct addr next = prefix_last(&m->cidrs[k].prefix[a]);
				for (int b = 15; b >= 0 && !++next.b[b]; b--)
					;
				if (prefix_has(p, &next) && model_cidr_of_addr(m, &next) == c)
					return true;
			}
	}
	return false;
}

/* Where a peer of a group could be, as the tests mean it: in or under a CIDR, or where the one peer is. */
static bool could_be(const struct model *m, uint32_t c, const struct ref *r)
{
	if (r->kind == REF_CIDR)
		return model_cidr_under(m, c, r->index) && has_room(m, c);
	return !m->peers[r->index].disabled && m->peers[r->index].cidr == c;
}

static bool holds(const struct net *n, const struct ref *from, const struct ref *to, bool wanted)
{
	const struct model *m = n->m;
	const struct ref *one = from->kind == REF_CIDR ? to : from;

	if (wanted && ((one->kind == REF_PEER && m->peers[one->index].disabled) ||
		       (to->kind == REF_PEER && m->peers[to->index].disabled)))
		return false;
	for (uint32_t c = 0; c < m->n_cidrs; c++)
		for (uint32_t k = 0; k < m->n_cidrs; k++) {
			/* The same peer on both sides is not asked. */
			bool same = from->kind == REF_PEER && to->kind == REF_PEER && from->index == to->index;
			if (!same && could_be(m, c, from) && could_be(m, k, to) &&
			    (reach_cidrs(n->x, c, k).rule != REACH_NONE) != wanted)
				return false;
		}
	return true;
}

/* The counting in reach.c against every pair of peers. snapshot.c checks reach_peers() itself by brute force. */
static void tests_count_as_pairs_do(void **state)
{
	uint64_t seed = test_seed(0x7e57);
	(void)state;

	for (uint64_t i = 0; i < 300; i++) {
		struct buf yaml = {0};
		struct diags d = {0};
		struct gen g;
		struct net n;
		size_t failing = 0;
		unsigned peers;

		gen_open(&g, seed + i, &yaml);
		gen_peer(&g, &yaml, true, false);
		peers = 1 + rng_below(&g.r, 60);
		for (unsigned k = 0; k < peers; k++)
			gen_peer(&g, &yaml, false, true);
		buf_str(&yaml, "tests:\n");
		for (unsigned k = 0; k < 60; k++) {
			char from[16], to[16];

			snprintf(from, sizeof(from), "%c%u", k % 3 ? 'c' : 'p',
				 k % 3 ? 1 + rng_below(&g.r, g.n - 1) : rng_below(&g.r, peers));
			snprintf(to, sizeof(to), "%c%u", k % 4 ? 'c' : 'p',
				 k % 4 ? 1 + rng_below(&g.r, g.n - 1) : rng_below(&g.r, peers));
			if (k % 5 == 0)
				strcpy(to, "corp");
			buf_printf(&yaml, "  - { from: %s, %s: [%s] }\n", from, k % 2 ? "can_reach" : "cannot_reach",
				   to);
		}
		net_open(&n, yaml.p, 1);
		reach_run_tests(n.x, &d);
		for (uint32_t k = 0; k < n.m->n_tests; k++) {
			const struct reach_test *t = &n.m->tests[k];

			failing += t->n_can ? !holds(&n, t->from, t->can, true) : !holds(&n, t->from, t->cannot, false);
		}
		if (failing != d.n_errors)
			say_diags(&d);
		assert_int_equal(d.n_errors, failing);
		diags_free(&d);
		net_close(&n);
		buf_free(&yaml);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule),
	    cmocka_unit_test(tests_of_a_definition),
	    cmocka_unit_test(tests_count_as_pairs_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
