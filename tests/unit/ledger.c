/* What only the ledger knows: addresses that were given out, invites that are spent, keys that were enrolled. */
#include "reconcile/wire/ledger.h"
#include "tests/unit/network.h"

struct fixture {
	struct net n;
	struct ledger_facts f;
	struct diags d;
};

static void open_model(struct fixture *x, const char *peers, const char *more)
{
	struct buf b = {0};
	char hub[KEY_B64_LEN + 1];
	struct key k = wg_of("hub");

	memset(x, 0, sizeof(*x));
	key_format(&k, hub);
	yaml_head(&b, "10.60.0.0/16", (const char *const[]){"signer"}, 1, 1);
	buf_printf(&b,
		   "%scidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/29\npeers:\n"
		   "  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"a.example:1\", server: true }\n%s",
		   more, hub, peers);
	net_open(&x->n, b.p, 1);
	x->f.addresses = arena_array(x->n.a, 8, sizeof(*x->f.addresses));
	x->f.enrolments = arena_array(x->n.a, 8, sizeof(*x->f.enrolments));
	x->f.spent = arena_array(x->n.a, 8, sizeof(*x->f.spent));
	buf_free(&b);
}

static void close_model(struct fixture *x)
{
	diags_free(&x->d);
	net_close(&x->n);
}

static char *line(char out[static 200], const char *name, const char *ip, const char *key, bool invite)
{
	struct key k = invite ? ed_of(key) : wg_of(key);
	char text[ED25519_STR_LEN + 1];

	if (invite)
		ed25519_format(&k, text);
	else
		key_format(&k, text);
	snprintf(out, 200, "  %s: { ip: %s, %s: \"%s\" }\n", name, ip, invite ? "invite" : "public_key", text);
	return out;
}

static void recorded(struct fixture *x, const char *ip, struct key mark, const char *name)
{
	struct ledger_address *a = &x->f.addresses[x->f.n_addresses++];

	assert_int_equal(addr_parse(ip, strlen(ip), &a->addr), 0);
	a->mark = mark;
	a->name = name;
}

static void expect(struct fixture *x, const char *code, const char *message, const char *help)
{
	diags_free(&x->d);
	ledger_check(x->n.m, &x->f, &x->d);
	if (!code) {
		if (x->d.first)
			say_diags(&x->d);
		assert_null(x->d.first);
		return;
	}
	assert_non_null(x->d.first);
	assert_string_equal(x->d.first->code, code);
	assert_string_equal(x->d.first->message, message);
	if (help)
		assert_string_equal(x->d.first->help, help);
	assert_null(x->d.first->next);
}

static void an_address_is_one_peers_for_ever(void **state)
{
	struct fixture x;
	char text[200];
	(void)state;

	open_model(&x, line(text, "bob", "10.60.64.1", "bob", false), "");
	recorded(&x, "10.60.64.1", wg_of("alice"), "alice");
	recorded(&x, "10.60.64.2", wg_of("anna"), "anna");
	expect(
	    &x, "address-reused", "10.60.64.1 was given to peer 'alice' and is not free for 'bob'",
	    "the next free address in 'humans' is 10.60.64.3; to give this one away anyway, add 'reuse: [10.60.64.1]'");
	/* The same key under another name: renamed. The same name with another key: re-keyed. */
	x.f.addresses[0].mark = wg_of("bob");
	expect(&x, NULL, NULL, NULL);
	x.f.addresses[0].mark = wg_of("alice");
	x.f.addresses[0].name = "bob";
	expect(&x, NULL, NULL, NULL);
	/* What its invite became. */
	x.f.addresses[0].name = "alice";
	x.f.addresses[0].mark = ed_of("alice");
	x.f.addresses[0].enrolled = wg_of("bob");
	expect(&x, NULL, NULL, NULL);
	close_model(&x);

	static const char *const reuse[] = {"[10.60.64.1]", "[10.60.64.0/24]",
					    "[10.60.0.7, 10.60.64.0/30, 10.60.99.0/24]"};
	for (size_t i = 0; i < sizeof(reuse) / sizeof(reuse[0]); i++) {
		char line_of_it[80];
		snprintf(line_of_it, sizeof(line_of_it), "reuse: %s\n", reuse[i]);
		open_model(&x, line(text, "bob", "10.60.64.1", "bob", false), line_of_it);
		recorded(&x, "10.60.64.1", wg_of("alice"), "alice");
		expect(&x, NULL, NULL, NULL);
		close_model(&x);
	}
	open_model(&x, line(text, "bob", "10.60.64.1", "bob", false), "reuse: [10.60.63.0/24, 10.60.65.0/24]\n");
	recorded(&x, "10.60.64.1", wg_of("alice"), "alice");
	expect(&x, "address-reused", "10.60.64.1 was given to peer 'alice' and is not free for 'bob'", NULL);
	close_model(&x);

	/* Back from a folded key to its invite. */
	open_model(&x, line(text, "bob", "10.60.64.1", "bob", true), "");
	recorded(&x, "10.60.64.1", wg_of("folded"), "alice");
	x.f.enrolments[0] = (struct enrolment){.invite = ed_of("bob"), .key = wg_of("folded")};
	x.f.n_enrolments = 1;
	expect(&x, NULL, NULL, NULL);
	close_model(&x);
}

static void next_free_passes_over_both(void **state)
{
	struct fixture x;
	char text[200], ip[ADDR_STR_LEN];
	uint32_t humans;
	struct addr a;
	(void)state;

	open_model(&x, line(text, "bob", "10.60.64.2", "bob", false), "");
	humans = model_cidr_by_name(x.n.m, "humans");
	recorded(&x, "10.60.64.1", wg_of("a"), "a");
	recorded(&x, "10.60.64.3", wg_of("c"), "c");
	assert_int_equal(ledger_next_free(x.n.m, &x.f, humans, 0, &a), 0);
	addr_format(&a, ip);
	assert_string_equal(ip, "10.60.64.4");
	recorded(&x, "10.60.64.4", wg_of("d"), "d");
	recorded(&x, "10.60.64.5", wg_of("e"), "e");
	recorded(&x, "10.60.64.6", wg_of("f"), "f");
	assert_int_equal(ledger_next_free(x.n.m, &x.f, humans, 0, &a), -1);
	assert_int_equal(ledger_next_free(x.n.m, &x.f, humans, 1, &a), -1);
	x.n.m->reuse = (struct prefix[]){prefix_host(&x.f.addresses[2].addr)};
	x.n.m->n_reuse = 1;
	assert_int_equal(ledger_next_free(x.n.m, &x.f, humans, 0, &a), 0);
	addr_format(&a, ip);
	assert_string_equal(ip, "10.60.64.4");
	/* In the network itself, past the CIDRs under it. */
	assert_int_equal(ledger_next_free(x.n.m, &x.f, 0, 0, &a), 0);
	addr_format(&a, ip);
	assert_string_equal(ip, "10.60.1.0");
	close_model(&x);
}

static void a_spent_invite_is_void(void **state)
{
	struct fixture x;
	char text[200];
	(void)state;

	open_model(&x, line(text, "bob", "10.60.64.1", "bob", true), "");
	x.f.spent[0] = ed_of("bob");
	x.f.n_spent = 1;
	expect(&x, "invite-spent", "the invite of peer 'bob' was replaced once, and is void for ever",
	       "make a new one: innernet invite-peer --name bob");
	x.f.spent[0] = ed_of("carol");
	expect(&x, NULL, NULL, NULL);
	close_model(&x);
}

static void an_enrolled_key_is_nobody_elses(void **state)
{
	struct fixture x;
	char one[200], two[200], both[400];
	(void)state;

	snprintf(both, sizeof(both), "%s%s", line(one, "bob", "10.60.64.1", "bob", true),
		 line(two, "carol", "10.60.64.2", "carol", false));
	open_model(&x, both, "");
	x.f.enrolments[0] = (struct enrolment){.invite = ed_of("bob"), .key = wg_of("k")};
	x.f.n_enrolments = 1;
	expect(&x, NULL, NULL, NULL);
	x.f.enrolments[0].key = wg_of("carol");
	expect(&x, "key-twice", "the key that peer 'bob' enrolled is also that of peer 'carol'", NULL);
	/* Void, its invite being gone: that is how a key is folded into the definition. */
	x.f.enrolments[0].invite = ed_of("gone");
	expect(&x, NULL, NULL, NULL);
	close_model(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_address_is_one_peers_for_ever),
	    cmocka_unit_test(next_free_passes_over_both),
	    cmocka_unit_test(a_spent_invite_is_void),
	    cmocka_unit_test(an_enrolled_key_is_nobody_elses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
