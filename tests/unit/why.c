/* Why two reach each other, over random networks: the answer is that of every pair, and following the advice turns it. */
#include "reconcile/net/why.h"
#include "tests/unit/network.h"

static bool belongs(const struct model *m, uint32_t p, const struct ref *r)
{
	if (m->peers[p].disabled)
		return false;
	return r->kind == REF_CIDR ? model_cidr_under(m, m->peers[p].cidr, r->index) : p == r->index;
}

/* All pairs: how many reach each other, and how many do not. */
static void count(const struct net *n, const struct why *w, unsigned out[2])
{
	const struct model *m = n->m;

	out[0] = out[1] = 0;
	for (uint32_t p = 0; p < m->n_peers; p++)
		for (uint32_t q = 0; q < m->n_peers; q++)
			if (p != q && belongs(m, p, &w->a.ref) && belongs(m, q, &w->b.ref))
				out[reach_peers(n->x, p, q).rule != REACH_NONE]++;
}

/* The definition without the lines that are to go, or with the one that is to be added. */
static void follow_advice(const struct why *w, const char *yaml, struct buf *out)
{
	unsigned line = 1;
	bool headed = false;

	for (const char *p = yaml, *end; *p; p = end + 1, line++) {
		bool gone = strncmp(p, "associations:", 13) == 0;
		end = strchr(p, '\n');
		for (unsigned i = 0; i < w->n_lines; i++)
			gone |= w->cause == WHY_ASSOCIATION && w->lines[i].at.line == line;
		if (!headed && ((!gone && p[4] == '[') || (gone && w->add))) {
			buf_printf(out, "associations:\n%s%s", w->add ? w->add : "", w->add ? "\n" : "");
			headed = true;
		}
		if (!gone)
			buf_add(out, p, (size_t)(end - p) + 1);
	}
}

static void check_advice(const struct net *n, const struct why *w, const char *yaml)
{
	bool joined = w->cause == WHY_NO_ASSOCIATION;
	struct buf text = {0};
	struct net after;

	if ((!joined && w->cause != WHY_ASSOCIATION) || w->more_lines)
		return;
	follow_advice(w, yaml, &text);
	net_open(&after, text.p, 2);
	uint32_t c1 = model_cidr_by_name(after.m, n->m->cidrs[w->c1].name);
	uint32_t c2 = model_cidr_by_name(after.m, n->m->cidrs[w->c2].name);
	assert_int_equal(reach_cidrs(after.x, c1, c2).rule, joined ? REACH_ASSOCIATION : REACH_NONE);
	net_close(&after);
	buf_free(&text);
}

static void check(const struct net *n, const char *one, const char *other, const char *yaml)
{
	struct diags d = {0};
	struct why_end a, b;
	struct why w;
	unsigned pairs[2];

	assert_int_equal(why_find(n->m, one, &a, &d), 0);
	assert_int_equal(why_find(n->m, other, &b, &d), 0);
	if (why_ask(n->a, n->x, n->m, &a, &b, &w, &d) < 0) {
		assert_string_equal(d.first->code, "same-peer");
		assert_string_equal(one, other);
		diags_free(&d);
		return;
	}
	count(n, &w, pairs);
	if (pairs[0] + pairs[1])
		assert_int_equal(w.answer, !pairs[0] ? WHY_YES : !pairs[1] ? WHY_NO : WHY_PARTLY);
	assert_int_equal(w.n_lines > 0, w.cause != WHY_NO_ASSOCIATION);
	assert_int_equal(w.add != NULL, w.cause == WHY_NO_ASSOCIATION);
	assert_int_equal(d.n_errors, 0);
	check_advice(n, &w, yaml);
	diags_free(&d);
}

static void test_random(void **state)
{
	uint64_t seed = test_seed(0x3417);

	(void)state;
	for (uint64_t i = 0; i < 60; i++) {
		struct buf yaml = {0};
		struct gen g;
		struct net n;
		unsigned peers;

		gen_open(&g, seed + i, &yaml);
		gen_peer(&g, &yaml, true, false);
		peers = 1 + rng_below(&g.r, 30);
		for (unsigned k = 0; k < peers; k++)
			gen_peer(&g, &yaml, false, true);
		net_open(&n, yaml.p, 1);
		for (unsigned k = 0; k < 30; k++) {
			char one[16], other[16];
			snprintf(one, sizeof(one), "%c%u", k % 2 ? 'c' : 'p',
				 k % 2 ? 1 + rng_below(&g.r, g.n - 1) : rng_below(&g.r, peers));
			snprintf(other, sizeof(other), "%c%u", k % 3 ? 'c' : 'p',
				 k % 3 ? 1 + rng_below(&g.r, g.n - 1) : rng_below(&g.r, peers));
			if (k % 10 == 0)
				strcpy(other, "corp");
			check(&n, one, other, yaml.p);
		}
		net_close(&n);
		buf_free(&yaml);
	}
}

static void test_not_found(void **state)
{
	struct buf yaml = {0};
	struct diags d = {0};
	struct why_end e;
	struct gen g;
	struct net n;

	(void)state;
	gen_open(&g, 1, &yaml);
	gen_peer(&g, &yaml, true, false);
	net_open(&n, yaml.p, 1);
	assert_int_equal(why_find(n.m, "nobody", &e, &d), -1);
	assert_string_equal(d.first->code, "unknown-name");
	assert_string_equal(d.first->message, "there is no peer or CIDR 'nobody' in 'corp'");
	assert_string_equal(d.first->help, "give the name of a peer or of a CIDR, or an address");
	diags_free(&d);
	assert_int_equal(why_find(n.m, "corpp", &e, &d), -1);
	assert_string_equal(d.first->help, "did you mean 'corp'?");
	diags_free(&d);
	assert_int_equal(why_find(n.m, "203.0.113.9", &e, &d), -1);
	assert_string_equal(d.first->code, "address-outside");
	diags_free(&d);
	net_close(&n);
	buf_free(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
