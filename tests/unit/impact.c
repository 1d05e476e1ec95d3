/* The impact of a change: against a brute-force reading of network.yaml(5) over random networks, and word for word. */
#include "reconcile/impact/impact.h"
#include "tests/unit/network.h"
#include "reconcile/show/impact_render.h"

#define MAX_CIDRS 14
#define MAX_PEERS 40
#define MAX_LINKS 8

/* A network as a generator thinks of it; writing it gives YAML. */
struct sketch {
	struct {
		bool there, isolated;
		unsigned x, y; /* 10.x.0.0/16, or under that 10.x.y.0/24 when y is not 0 */
		unsigned name;
	} cidrs[MAX_CIDRS];
	struct {
		bool there, disabled, server, invite;
		unsigned cidr, host, key, name;
	} peers[MAX_PEERS];
	unsigned links[MAX_LINKS][2];
	unsigned n_links;
};

static struct rng rng;

static unsigned roll(unsigned n)
{
	return rng_below(&rng, n);
}

static void put_net_key(struct buf *out, unsigned number, bool invite)
{
	uint8_t seed[32] = {8, (uint8_t)number, (uint8_t)(number >> 8), 1}, secret[64];
	char text[ED25519_STR_LEN + 1];
	struct key k;

	crypto_sign_seed_keypair(k.b, secret, seed);
	if (invite) {
		ed25519_format(&k, text);
	} else {
		x25519_public(seed, &k);
		key_format(&k, text);
	}
	buf_str(out, text);
}

static bool cidr_usable(const struct sketch *n, unsigned c)
{
	if (!n->cidrs[c].there)
		return false;
	for (unsigned i = 0; i < c; i++)
		if (n->cidrs[i].there && n->cidrs[i].x == n->cidrs[c].x && n->cidrs[i].y == n->cidrs[c].y)
			return false;
	return true;
}

static void write_net(struct buf *out, const struct sketch *n)
{
	bool isolated[MAX_CIDRS], used[MAX_CIDRS][256] = {{false}};

	buf_str(out, "network: corp\ncidr: 10.0.0.0/8\ncidrs:\n  base: 10.250.0.0/24\n");
	for (unsigned c = 0; c < MAX_CIDRS; c++) {
		isolated[c] = n->cidrs[c].isolated;
		for (unsigned p = 0; p < MAX_PEERS; p++)
			if (n->peers[p].there && n->peers[p].server && n->peers[p].cidr == c)
				isolated[c] = false;
		for (unsigned l = 0; l < n->n_links; l++)
			if (n->links[l][0] == c && n->links[l][1] == c)
				isolated[c] = false;
		if (cidr_usable(n, c))
			buf_printf(out, "  c%u: { cidr: 10.%u.%u.0/%u%s }\n", n->cidrs[c].name, n->cidrs[c].x,
				   n->cidrs[c].y, n->cidrs[c].y ? 24 : 16, isolated[c] ? ", isolated: true" : "");
	}
	buf_str(out, "peers:\n  hub: { ip: 10.250.0.1, server: true, endpoint: \"h.example:1\", public_key: \"");
	put_net_key(out, 9999, false);
	buf_str(out, "\" }\n");
	for (unsigned p = 0; p < MAX_PEERS; p++) {
		unsigned c = n->peers[p].cidr;
		if (!n->peers[p].there || !cidr_usable(n, c) || used[c][n->peers[p].host])
			continue;
		used[c][n->peers[p].host] = true;
		/* The upper half of a /16, so that no /24 below it has the address. */
		buf_printf(out, "  p%u: { ip: 10.%u.%u.%u, %s: \"", n->peers[p].name, n->cidrs[c].x,
			   n->cidrs[c].y ? n->cidrs[c].y : 200, n->peers[p].host,
			   n->peers[p].invite ? "invite" : "public_key");
		put_net_key(out, n->peers[p].key, n->peers[p].invite);
		buf_printf(out, "\"%s%s }\n", n->peers[p].disabled ? ", disabled: true" : "",
			   n->peers[p].server ? ", server: true, endpoint: \"s.example:1\"" : "");
	}
	buf_str(out, "associations:\n");
	for (unsigned l = 0, put = 0; l < n->n_links || !put; l++) {
		if (l >= n->n_links) {
			buf_str(out, "  - [base, base]\n");
			break;
		}
		unsigned x = n->links[l][0], y = n->links[l][1];
		bool twice = false;
		for (unsigned k = 0; k < l; k++)
			twice |= (n->links[k][0] == x && n->links[k][1] == y) ||
				 (n->links[k][0] == y && n->links[k][1] == x);
		if (!twice && cidr_usable(n, x) && cidr_usable(n, y)) {
			buf_printf(out, "  - [c%u, c%u]\n", n->cidrs[x].name, n->cidrs[y].name);
			put++;
		}
	}
}

static void random_net(struct sketch *n)
{
	*n = (struct sketch){0};
	for (unsigned c = 0; c < MAX_CIDRS; c++) {
		n->cidrs[c].there = roll(4) > 0;
		n->cidrs[c].isolated = roll(5) == 0;
		n->cidrs[c].x = 1 + roll(4);
		n->cidrs[c].y = roll(3) ? 1 + roll(3) : 0;
		n->cidrs[c].name = c;
	}
	for (unsigned p = 0; p < MAX_PEERS; p++) {
		n->peers[p].there = roll(4) > 0;
		n->peers[p].disabled = roll(8) == 0;
		n->peers[p].server = roll(30) == 0;
		n->peers[p].invite = roll(8) == 0;
		n->peers[p].cidr = roll(MAX_CIDRS);
		n->peers[p].host = 1 + roll(200);
		n->peers[p].key = p;
		n->peers[p].name = p;
	}
	n->n_links = roll(MAX_LINKS);
	for (unsigned l = 0; l < n->n_links; l++) {
		n->links[l][0] = roll(MAX_CIDRS);
		n->links[l][1] = roll(MAX_CIDRS);
	}
}

static void change_net(struct sketch *n)
{
	for (unsigned times = roll(6); times > 0; times--) {
		unsigned c = roll(MAX_CIDRS), p = roll(MAX_PEERS);
		switch (roll(12)) {
		case 0:
			n->cidrs[c].there = !n->cidrs[c].there;
			break;
		case 1:
			n->cidrs[c].isolated = !n->cidrs[c].isolated;
			break;
		case 2:
			n->cidrs[c].x = 1 + roll(4);
			break;
		case 3:
			n->cidrs[c].name += 100;
			break;
		case 4:
			n->peers[p].there = !n->peers[p].there;
			break;
		case 5:
			n->peers[p].disabled = !n->peers[p].disabled;
			break;
		case 6:
			n->peers[p].server = !n->peers[p].server;
			break;
		case 7:
			n->peers[p].key += 1000;
			break;
		case 8:
			n->peers[p].cidr = c;
			break;
		case 9:
			n->peers[p].name += 100;
			break;
		case 10:
			n->n_links += n->n_links < MAX_LINKS;
			break;
		default:
			n->n_links -= n->n_links > 0;
			break;
		}
	}
}

static struct model *load(struct arena *a, const char *yaml)
{
	struct diags d = {0};
	struct source_file *file = arena_alloc(a, sizeof(*file));
	struct model *m;

	*file = (struct source_file){"network.yaml", span_str(arena_strdup(a, yaml))};
	m = definition_load(a, file, NULL, false, &d);
	if (!m)
		say_diags(&d);
	diags_free(&d);
	assert_non_null(m);
	return m;
}

static struct model *load_net(struct arena *a, const struct sketch *n)
{
	struct buf b = {0};
	struct model *m;

	write_net(&b, n);
	m = load(a, b.p);
	buf_free(&b);
	return m;
}

/* The rule of network.yaml(5), CIDR by CIDR. */
static bool brute_under(const struct model *m, uint32_t c, uint32_t top)
{
	for (; c != NONE; c = m->cidrs[c].parent)
		if (c == top)
			return true;
	return false;
}

static bool brute(const struct model *m, uint32_t p, uint32_t q)
{
	if (!m || p == NONE || q == NONE || m->peers[p].disabled || m->peers[q].disabled)
		return false;
	uint32_t c = m->peers[p].cidr, d = m->peers[q].cidr;
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].server && (m->peers[i].cidr == c || m->peers[i].cidr == d))
			return true;
	if (c == d)
		return !m->cidrs[c].isolated || false; /* in one isolated CIDR associations join nothing */
	for (uint32_t i = 0; i < m->n_associations; i++) {
		uint32_t x = m->associations[i].a, y = m->associations[i].b;
		if ((brute_under(m, c, x) && brute_under(m, d, y)) || (brute_under(m, c, y) && brute_under(m, d, x)))
			return true;
	}
	return false;
}

/* What each class tells in full: all its targets' counts add up to what it gains and loses. */
static void check_effects(const struct impact *im)
{
	for (uint32_t i = 0; i < im->n_effects; i++) {
		const struct impact_effect *e = &im->effects[i];
		const struct impact_class *k = &im->classes[e->class];
		uint64_t gained = e->gained_left, lost = e->lost_left;
		for (uint32_t t = 0; t < e->n_gained; t++)
			gained += e->gained[t].n_peers;
		for (uint32_t t = 0; t < e->n_lost; t++)
			lost += e->lost[t].n_peers;
		assert_int_equal(gained, e->gained_left + e->gained_shown);
		if (!k->same) {
			assert_int_equal(gained, k->gained);
			assert_int_equal(lost, k->lost);
		} else {
			assert_true(gained <= k->gained && lost <= k->lost);
		}
	}
}

static void check_counts(const struct impact *im)
{
	uint64_t before = 0, after = 0, gained = 0, lost = 0;

	for (uint32_t c = 0; c < im->n_classes; c++) {
		const struct impact_class *k = &im->classes[c];
		for (uint32_t i = k->first; i < k->first + k->n_peers; i++) {
			uint64_t mine = 0, gone = 0;
			for (uint32_t j = 0; j < im->n_peers; j++) {
				if (i == j)
					continue;
				bool b = brute(im->before, im->peers[i].before, im->peers[j].before);
				bool a = brute(im->after, im->peers[i].after, im->peers[j].after);
				before += b && i < j;
				after += a && i < j;
				gained += a && !b && i < j;
				lost += b && !a && i < j;
				mine += a && !b;
				gone += b && !a;
			}
			assert_int_equal(mine, k->gained);
			assert_int_equal(gone, k->lost);
		}
	}
	assert_int_equal(before, im->pairs_before);
	assert_int_equal(after, im->pairs_after);
	assert_int_equal(gained, im->pairs_gained);
	assert_int_equal(lost, im->pairs_lost);
	check_effects(im);
}

static void test_random(void **state)
{
	uint64_t seed = test_seed(0x13a);

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct arena *a = arena_new();
		struct sketch before, after;
		rng.state = seed + round;
		random_net(&before);
		after = before;
		if (round % 5 == 4)
			random_net(&after);
		else
			change_net(&after);
		struct model *b = load_net(a, &before), *n = load_net(a, &after);
		struct impact *im = impact_new(a, b, n, NULL), *back = impact_new(a, n, b, NULL);
		struct impact *fresh = impact_new(a, NULL, n, NULL), *gone = impact_new(a, b, NULL, NULL);
		struct impact *same = impact_new(a, n, n, NULL);
		assert_non_null(im);
		check_counts(im);
		check_counts(fresh);
		check_counts(gone);
		check_counts(same);
		assert_int_equal(same->n_items + same->n_effects + same->n_cut + same->n_addresses, 0);
		assert_int_equal(back->pairs_gained, im->pairs_lost);
		assert_int_equal(back->n_add, im->n_remove);
		assert_int_equal(back->n_change, im->n_change);
		assert_int_equal(fresh->pairs_gained, fresh->pairs_after);
		assert_int_equal(gone->pairs_lost, gone->pairs_before);
		arena_free(a);
	}
}

/* A network of many CIDRs, all of them new, or all of them changed: the comment still fits, and counts the rest. */
static struct model *large(struct arena *a, unsigned cidrs, bool associated)
{
	struct buf b = {0};
	struct model *m;

	buf_str(&b, "network: corp\ncidr: 10.0.0.0/8\ncidrs:\n  base: 10.250.0.0/24\n  all: 10.0.0.0/9\n");
	for (unsigned c = 0; c < cidrs; c++)
		buf_printf(&b, "  a-cidr-with-a-rather-long-name-%u: 10.%u.%u.0/24\n", c, c / 200, c % 200);
	buf_str(&b, "associations:\n");
	buf_str(&b, associated ? "  - [all, all]\n" : "  - [base, base]\n");
	buf_str(&b, "peers:\n  hub: { ip: 10.250.0.1, server: true, endpoint: \"h.example:1\", public_key: \"");
	put_net_key(&b, 9999, false);
	buf_str(&b, "\" }\n");
	for (unsigned c = 0; c < cidrs; c++) {
		buf_printf(&b, "  a-peer-with-a-rather-long-name-%u: { ip: 10.%u.%u.1, public_key: \"", c, c / 200,
			   c % 200);
		put_net_key(&b, c, false);
		buf_str(&b, "\" }\n");
	}
	m = load(a, b.p);
	buf_free(&b);
	return m;
}

static void test_markdown_fits(void **state)
{
	struct arena *a = arena_new();
	struct model *parted = large(a, 3000, false), *joined = large(a, 3000, true);
	const struct model *pairs[][2] = {{NULL, joined}, {joined, NULL}, {parted, joined}, {joined, parted}};
	struct diags d = {0};
	struct buf b = {0};

	(void)state;
	for (unsigned i = 0; i < 1200; i++)
		diag_error(&d, "test-failed", NULL, "*%u* expected that 'one' can reach 'another', <b>but</b>", i);
	for (unsigned i = 0; i < 4; i++) {
		struct impact *im = impact_new(a, pairs[i][0], pairs[i][1], NULL);
		buf_reset(&b);
		impact_render_markdown(&b, im, &d);
		assert_false(b.failed);
		assert_in_range(b.n, 10000, IMPACT_MARKDOWN_MAX);
		assert_non_null(strstr(b.p, " more"));
		assert_non_null(strstr(b.p, "Plan id: `"));
		assert_non_null(strstr(b.p, "\\*0\\* expected that 'one' can reach 'another', \\<b\\>but"));
		if (i == 2) {
			assert_int_equal(im->pairs_gained, 3000u * 2999 / 2);
			assert_int_equal(im->n_items, 2);
		}
	}
	buf_free(&b);
	diags_free(&d);
	arena_free(a);
}

#define TWO_PEERS(extra)                                                                                               \
	"network: corp\ncidr: 10.60.0.0/16\ncidrs: { infra: 10.60.0.0/24, humans: 10.60.1.0/24 }\npeers:\n"            \
	"  hub: { ip: 10.60.0.1, public_key: \"CNM1A+4n1MEwVdDO/sXnML5O8uQc1s/OQ0k27B58nUs=\", server: true, "         \
	"endpoint: \"h.example:1\" }\n" extra

/* An invite became a key: the same peer, and no peer is cut off, when the ledger says that it is this key. */
static void test_folded(void **state)
{
	static const char invited[] =
	    TWO_PEERS("  bob: { ip: 10.60.1.2, invite: \"ed25519:2YiDUN6ZCyEaKrZg0/Q0YUnQwDgUKa4izIMFrVEBBnY=\" }\n");
	static const char keyed[] =
	    TWO_PEERS("  robert: { ip: 10.60.1.2, public_key: \"SQMgtzeXCFYowk33Ai0nMgcMoIphi1Yw6uWUXVbB4w0=\" }\n");
	struct arena *a = arena_new();
	struct model *before = load(a, invited), *after = load(a, keyed);
	struct enrolment e = {0};
	struct ledger_facts facts = {.enrolments = &e, .n_enrolments = 1};
	struct impact *im = impact_new(a, before, after, NULL);

	(void)state;
	/* Without the ledger: another name and another key is another peer. */
	assert_int_equal(im->n_add, 1);
	assert_int_equal(im->n_remove, 1);
	assert_int_equal(im->n_cut, 1);
	e.invite = before->peers[model_peer_by_name(before, "bob")].key;
	e.key = after->peers[model_peer_by_name(after, "robert")].key;
	struct impact *known = impact_new(a, before, after, &facts);
	assert_int_equal(known->n_change, 1);
	assert_int_equal(known->n_add + known->n_remove + known->n_cut + known->n_addresses, 0);
	assert_int_equal(known->n_voided, 0);
	assert_int_equal(known->n_folded, 1);
	assert_string_equal(after->peers[known->folded[0]].name, "robert");
	/* The id is of the definitions alone. */
	assert_string_equal(im->id, known->id);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_markdown_fits),
	    cmocka_unit_test(test_folded),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
