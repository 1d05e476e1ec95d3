/*
 * Guards: what one revision may not do unasked, at the very edge of each limit; and the trailer that acknowledges it.
 */
#include "reconcile/impact/guard.h"
#include "schema/load.h"
#include "tests/cmocka.h"

#include <string.h>

static bool accepted(const char *message)
{
	return guard_accepted(span_str(message), "3f9a-01c2-88ab-7d10");
}

static void test_trailer(void **state)
{
	(void)state;
	assert_true(accepted("Move the office\n\nInnernet-Accept: 3f9a-01c2-88ab-7d10\n"));
	assert_true(accepted("Move the office\n\nWhy: it burned.\nIt burned.\n\n"
			     "Signed-off-by: Ann <ann@example.com>\ninnernet-accept:3f9a01c288ab7d10  \r\n\n\n"));
	assert_true(accepted("a\n\nInnernet-Accept: 0000-0000-0000-0000\nInnernet-Accept: 3f9a-01c2-88ab-7d10"));
	/* The subject is no trailer, nor is a paragraph before the last one. */
	assert_false(accepted("Innernet-Accept: 3f9a-01c2-88ab-7d10"));
	assert_false(accepted("a\n\nInnernet-Accept: 3f9a-01c2-88ab-7d10\n\nSigned-off-by: Ann"));
	assert_false(accepted("a\n\n> Innernet-Accept: 3f9a-01c2-88ab-7d10\n"));
	assert_false(accepted("a\n\nInnernet-Accept: 3f9a-01c2-88ab-7d1\n"));
	assert_false(accepted("a\n\nInnernet-Accept: 3f9a-01c2-88ab-7d100\n"));
	assert_false(accepted("a\n\nInnernet-Accept:\n"));
	assert_false(accepted(""));
	assert_false(accepted("\n\n\n"));
}

/* Empty models: what is judged is the impact's numbers. */
static const struct cidr root = {.name = "corp", .parent = NONE};
static const struct model published = {.network = "corp", .epoch = 3, .n_cidrs = 1, .cidrs = (struct cidr *)&root};

static struct impact impact_of(uint32_t cut, uint32_t peers, uint64_t lost, uint64_t pairs)
{
	struct impact im = {.before = &published,
			    .after = &published,
			    .n_cut = cut,
			    .peers_before = peers,
			    .pairs_lost = lost,
			    .pairs_before = pairs};

	strcpy(im.id, "3f9a-01c2-88ab-7d10");
	return im;
}

/* The codes of all that was said, each with its severity's letter. */
static void assert_codes(const struct guard_limits *g, const struct impact *im, bool accept, const char *expected)
{
	struct diags d = {0};
	struct buf codes = {0};
	unsigned n = guard_check(g, im, accept, &d);

	assert_int_equal(n, d.n_errors);
	for (const struct diag *e = d.first; e; e = e->next)
		buf_printf(&codes, "%s%c:%s", codes.n ? " " : "", e->severity == SEVERITY_ERROR ? 'e' : 'w', e->code);
	assert_string_equal(codes.p ? codes.p : "", expected);
	buf_free(&codes);
	diags_free(&d);
}

static void test_limits(void **state)
{
	const struct guard_limits g = {.peers = {.most = 10, .percent = 20, .free = 2},
				       .pairs = {.most = 1000, .percent = 50, .free = 0}};
	struct impact im;

	(void)state;
	im = impact_of(0, 0, 0, 0);
	assert_codes(&g, &im, false, "");
	/* A few are never too many, however small the network. */
	im = impact_of(2, 3, 0, 3);
	assert_codes(&g, &im, false, "");
	im = impact_of(3, 14, 0, 91);
	assert_codes(&g, &im, false, "e:guard-peers");
	im = impact_of(3, 15, 0, 91);
	assert_codes(&g, &im, false, "");
	/* Nor is a small part, until it is too many. */
	im = impact_of(10, 1000, 0, 5000);
	assert_codes(&g, &im, false, "");
	im = impact_of(11, 1000, 0, 5000);
	assert_codes(&g, &im, false, "e:guard-peers");
	im = impact_of(0, 10, 22, 45);
	assert_codes(&g, &im, false, "");
	im = impact_of(0, 10, 23, 45);
	assert_codes(&g, &im, false, "e:guard-pairs");
	im = impact_of(0, 100, 1001, 4950);
	assert_codes(&g, &im, false, "e:guard-pairs");
	/* Numbers near the end of their range do not wrap. */
	im = impact_of(0, 2000000, 999999000000, 1999999000000);
	assert_codes(&(struct guard_limits){.pairs = {.most = UINT64_MAX, .percent = 50}, .peers = g.peers}, &im, false,
		     "");
	/* The trailer turns limits, and trust, into warnings. */
	im = impact_of(11, 1000, 1001, 4950);
	im.trust_changed = true;
	assert_codes(&g, &im, false, "e:guard-trust e:guard-peers e:guard-pairs");
	assert_codes(&g, &im, true, "w:guard-trust w:guard-peers w:guard-pairs");
	/* Nothing is published yet. */
	im.before = NULL;
	assert_codes(&g, &im, false, "");
}

static void test_never(void **state)
{
	struct impact im = impact_of(0, 10, 0, 45);
	struct guard_limits g = guard_defaults;

	(void)state;
	im.server_lost = im.admin_lost = true;
	assert_codes(&g, &im, false, "e:guard-server e:guard-admin");
	assert_codes(&g, &im, true, "e:guard-server e:guard-admin");
	assert_codes(NULL, &im, true, "e:guard-server e:guard-admin");
	g.keep_admin = false;
	assert_codes(&g, &im, false, "e:guard-server");
	/* Without limits none are applied. */
	im = impact_of(10, 10, 45, 45);
	im.trust_changed = true;
	assert_codes(NULL, &im, false, "");
}

static void test_words(void **state)
{
	struct impact im = impact_of(60, 1000, 60, 100);
	struct diags d = {0};
	struct buf b = {0};

	(void)state;
	guard_check(&guard_defaults, &im, false, &d);
	diags_render_human(&b, &d, NULL, false);
	assert_string_equal(
	    b.p, "error[guard-peers]: this revision cuts off 60 peers of 1000, and 50 is the most\n"
		 "  help: when this is meant, say so in the last paragraph of the commit's message: Innernet-Accept: "
		 "3f9a-01c2-88ab-7d10\n\n"
		 "error[guard-pairs]: this revision parts 60 pairs of peers of 100, more than 30 %\n"
		 "  help: when this is meant, say so in the last paragraph of the commit's message: Innernet-Accept: "
		 "3f9a-01c2-88ab-7d10\n");
	buf_free(&b);
	diags_free(&d);
}

static void assert_outright(const struct model *m, const char *expected)
{
	struct diags d = {0};

	guard_outright(&published, m, &d);
	if (expected) {
		assert_int_equal(d.n_errors, 1);
		assert_string_equal(d.first->code, expected);
	} else {
		assert_int_equal(d.n_errors, 0);
	}
	diags_free(&d);
}

static void test_outright(void **state)
{
	struct model m = published;

	(void)state;
	assert_outright(&m, NULL);
	m.epoch = 4;
	assert_outright(&m, NULL);
	m.epoch = 5;
	assert_outright(&m, "epoch-jump");
	m.epoch = 2;
	assert_outright(&m, "epoch-back");
	m.epoch = 3;
	m.network = "lab";
	assert_outright(&m, "network-changed");
}

static struct peer peer_of(uint8_t key, const char *name, const char *ip4, const char *ip6, bool server)
{
	struct peer p = {.name = name, .key.b = {key}, .server = server};

	if (ip4)
		assert_int_equal(addr_parse(ip4, strlen(ip4), &p.ip[p.n_ips++]), 0);
	if (ip6)
		assert_int_equal(addr_parse(ip6, strlen(ip6), &p.ip[p.n_ips++]), 0);
	return p;
}

/* A server leaves a family that some peers have alone. */
static void test_server_family(void **state)
{
	struct peer was[] = {peer_of(1, "hub", "10.0.0.1", "fd00::1", true),
			     peer_of(2, "four", "10.0.0.2", NULL, false),
			     peer_of(3, "both", "10.0.0.3", "fd00::3", false)};
	struct peer is[] = {peer_of(1, "hub", NULL, "fd00::1", true), was[1], was[2]};
	struct model before = published, after = published;

	(void)state;
	before.peers = was;
	after.peers = is;
	before.n_peers = after.n_peers = 3;
	struct diags d = {0};
	guard_outright(&before, &after, &d);
	assert_int_equal(d.n_errors, 1);
	assert_string_equal(d.first->message,
			    "'four' has IPv4 addresses alone, and this revision leaves no server with one");
	diags_free(&d);
	d = (struct diags){0};
	/* Disabled, it polls nobody; and what was so before is no change. */
	is[1].disabled = true;
	guard_outright(&before, &after, &d);
	assert_int_equal(d.n_errors, 0);
	is[1].disabled = false;
	before.peers = is;
	guard_outright(&before, &after, &d);
	assert_int_equal(d.n_errors, 0);
	diags_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_trailer), cmocka_unit_test(test_limits),   cmocka_unit_test(test_never),
	    cmocka_unit_test(test_words),   cmocka_unit_test(test_outright), cmocka_unit_test(test_server_family),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
