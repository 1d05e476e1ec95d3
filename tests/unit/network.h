/* Networks for tests: loaded from YAML, made at random from a seed, and a bundle for any of their peers. */
#ifndef TESTS_UNIT_NETWORK_H
#define TESTS_UNIT_NETWORK_H

#include "reconcile/wire/verify.h"
#include "schema/load.h"
#include "tests/cmocka.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* splitmix64: small, seeded, the same everywhere. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(rng_next(r) % n);
}

static inline bool rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

/* INNERNET_SEED, or `otherwise`; always said, so that a failure can be had again. */
static inline uint64_t test_seed(uint64_t otherwise)
{
	const char *s = getenv("INNERNET_SEED");
	uint64_t seed = s ? strtoull(s, NULL, 0) : otherwise;

	print_message("# INNERNET_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

/* Secret and public halves that depend on a word alone. */
static inline void seed_of(const char *word, uint8_t seed[static KEY_LEN])
{
	crypto_generichash(seed, KEY_LEN, (const uint8_t *)word, strlen(word), NULL, 0);
}

static inline struct key ed_of(const char *word)
{
	uint8_t seed[KEY_LEN], sk[crypto_sign_SECRETKEYBYTES];
	struct key k;

	seed_of(word, seed);
	crypto_sign_seed_keypair(k.b, sk, seed);
	return k;
}

/* A public key without a known private half. */
static inline struct key wg_of(const char *word)
{
	struct key k;

	seed_of(word, k.b);
	k.b[KEY_LEN - 1] &= 0x3f;
	return k;
}

static inline struct key id_of_tests(void)
{
	struct key k;

	seed_of("network", k.b);
	return k;
}

/* The lines of `network`, `cidr` and `trust` that most definitions begin with. */
static inline void yaml_head(struct buf *b, const char *cidr, const char *const *signers, unsigned n,
			     unsigned threshold)
{
	struct key id = id_of_tests(), k;
	char text[ED25519_STR_LEN + 1];

	key_format(&id, text);
	buf_printf(b, "network: corp\ncidr: %s\ntrust:\n  id: %s\n  threshold: %u\n  signers: [", cidr, text,
		   threshold);
	for (unsigned i = 0; i < n; i++) {
		k = ed_of(signers[i]);
		ed25519_format(&k, text);
		buf_printf(b, "%s\"%s\"", i ? ", " : "", text);
	}
	buf_str(b, "]\n");
}

struct net {
	struct arena *a;
	struct diags d;
	struct model *m;
	struct reach_index *x;
	struct snapshot *s;
};

static inline void say_diags(const struct diags *d)
{
	struct buf out = {0};

	diags_render_human(&out, d, NULL, false);
	if (out.p)
		print_error("%s\n", out.p);
	buf_free(&out);
}

/* Copies the YAML into the net's arena, loads and compiles it. */
static inline void net_open(struct net *n, const char *yaml, uint64_t number)
{
	struct commit_info commit = {.number = number, .time = 1700000000};
	struct source_file f = {.name = "network.yaml"};

	assert_true(sodium_init() >= 0);
	memset(n, 0, sizeof(*n));
	n->a = arena_new();
	f.bytes = arena_span(n->a, span_str(yaml));
	/* Without a server too: that such a definition compiles is `apply -f`'s to use. */
	n->m = definition_load(n->a, &f, NULL, true, &n->d);
	if (!n->m) {
		say_diags(&n->d);
		fail_msg("the definition does not load");
	}
	memset(commit.sha, 'a', 40);
	n->x = reach_index_new(n->a, n->m);
	assert_non_null(n->x);
	n->s = snapshot_compile(n->a, n->m, n->x, &commit, &n->d);
	if (!n->s)
		say_diags(&n->d);
	assert_non_null(n->s);
}

static inline void net_close(struct net *n)
{
	diags_free(&n->d);
	arena_free(n->a);
}

/* Signs a text with the keys of some words. */
static inline struct signed_text sign_with(struct arena *a, const char *type, struct span text, const char *const *by,
					   unsigned n)
{
	struct signed_text s = {.text = text, .n_signatures = (uint8_t)n};
	struct key id = id_of_tests();

	s.signatures = arena_array(a, n ? n : 1, sizeof(*s.signatures));
	for (unsigned i = 0; i < n; i++) {
		struct signature sig;
		struct buf b = {0};
		uint8_t seed[KEY_LEN];

		seed_of(by[i], seed);
		assert_int_equal(signature_make(type, &id, text, seed, &sig), 0);
		signature_write(&b, &sig);
		s.signatures[i] = arena_span(a, buf_span(&b));
		buf_free(&b);
	}
	return s;
}

/* What a server sends to a peer that has what `old` had for it (NULL: nothing). */
static inline struct bundle *bundle_for(struct arena *a, const struct net *n, uint32_t peer, const struct net *old,
					uint32_t old_peer)
{
	static const char *const signer = "signer";
	struct bundle *b = arena_alloc(a, sizeof(*b));
	uint32_t view = n->s->view_of_peer[peer];
	const struct object **objects;

	assert_int_not_equal(view, NONE);
	assert_int_equal(snapshot_view_objects(a, n->s, view, old ? old->s : NULL,
					       old ? old->s->view_of_peer[old_peer] : 0, &objects, &b->n_objects),
			 0);
	b->objects = arena_array(a, b->n_objects, sizeof(*b->objects));
	for (size_t i = 0; i < b->n_objects; i++)
		b->objects[i] = *objects[i];
	b->statement = sign_with(a, "statement", n->s->statement, &signer, 1);
	b->has_path = true;
	b->path_index = view;
	b->path_count = n->s->n_views;
	b->n_path = snapshot_path(n->s, view, b->path);
	return b;
}

/* The verifier of a peer that has just been invited, or that knows itself by its key. */
static inline struct verifier verifier_for(const struct net *n, uint32_t peer)
{
	struct verifier v = {.pinned = n->m->trust, .current = n->m->trust};

	if (n->m->peers[peer].is_invite)
		v.invite = n->m->peers[peer].key;
	else
		v.own_key = n->m->peers[peer].key;
	return v;
}

static inline struct view *verify_ok(struct arena *a, const struct verifier *v, const struct bundle *b,
				     struct bundle **merged)
{
	struct diags d = {0};
	struct bundle *m = NULL;
	struct view *view = NULL;
	enum verify_result r = snapshot_verify(a, v, b, 0, &view, &m, &d);

	if (r != VERIFY_OK)
		say_diags(&d);
	assert_int_equal(r, VERIFY_OK);
	diags_free(&d);
	if (merged)
		*merged = m;
	return view;
}

/* A network at random. */

#define GEN_CIDRS 24
struct gen {
	struct rng r;
	struct prefix v4[GEN_CIDRS], v6[GEN_CIDRS];
	bool has4[GEN_CIDRS], has6[GEN_CIDRS], isolated[GEN_CIDRS];
	int parent[GEN_CIDRS];
	uint32_t n, serial;
};

/* The i-th prefix that is `bits` longer. */
static inline struct prefix sub_prefix(const struct prefix *p, unsigned bits, uint32_t i)
{
	struct prefix out = {p->base, (uint8_t)(p->len + bits)};

	for (unsigned k = 0; k < bits; k++)
		if (i >> (bits - 1 - k) & 1)
			out.base.b[(p->len + k) / 8] |= (uint8_t)(0x80 >> (p->len + k) % 8);
	return out;
}

static inline bool gen_add_cidr(struct gen *g)
{
	uint32_t p = rng_below(&g->r, g->n), i = rng_below(&g->r, 15);
	struct prefix v4 = sub_prefix(&g->v4[p], 4, i), v6 = sub_prefix(&g->v6[p], 8, i);
	bool has4 = g->has4[p] && !(g->has6[p] && rng_percent(&g->r, 20));
	bool has6 = g->has6[p] && !(has4 && rng_percent(&g->r, 40));

	if (g->n == GEN_CIDRS || v4.len > 112)
		return false;
	for (uint32_t k = 0; k < g->n; k++)
		if ((has4 && g->has4[k] && g->parent[k] == (int)p && prefix_overlaps(&g->v4[k], &v4)) ||
		    (has6 && g->has6[k] && g->parent[k] == (int)p && prefix_overlaps(&g->v6[k], &v6)))
			return false;
	g->v4[g->n] = v4;
	g->v6[g->n] = v6;
	g->has4[g->n] = has4;
	g->has6[g->n] = has6;
	g->isolated[g->n] = g->n > 1 && rng_percent(&g->r, 25);
	g->parent[g->n++] = (int)p;
	return true;
}

static inline void gen_cidrs(struct gen *g, struct buf *out)
{
	char text[2][PREFIX_STR_LEN];
	unsigned want = 1 + rng_below(&g->r, GEN_CIDRS - 1);

	assert_int_equal(prefix_parse("10.0.0.0/8", 10, &g->v4[0]), PREFIX_OK);
	assert_int_equal(prefix_parse("fd00::/32", 9, &g->v6[0]), PREFIX_OK);
	g->n = 1;
	g->has4[0] = true;
	g->has6[0] = true;
	g->parent[0] = -1;
	for (unsigned i = 0; i < want || g->n < 2; i++)
		gen_add_cidr(g);
	buf_str(out, "cidrs:\n");
	for (uint32_t c = 1; c < g->n; c++) {
		prefix_format(&g->v4[c], text[0]);
		prefix_format(&g->v6[c], text[1]);
		buf_printf(out, "  c%u: { cidr: [", c);
		if (g->has4[c])
			buf_printf(out, "%s", text[0]);
		if (g->has6[c])
			buf_printf(out, "%s\"%s\"", g->has4[c] ? ", " : "", text[1]);
		buf_printf(out, "]%s }\n", g->isolated[c] ? ", isolated: true" : "");
	}
}

/*
 * Children take the first fifteen sixteenths of a CIDR (of IPv6, the first fifteen of 256 parts), its own
 * peers the last. The serial number in the low byte keeps addresses apart.
 */
static inline void gen_addr(struct gen *g, const struct prefix *p, unsigned bits, uint32_t nth, char out[ADDR_STR_LEN])
{
	struct prefix own = sub_prefix(p, bits, (1u << bits) - 1);

	for (unsigned k = own.len; k < 120; k++)
		if (rng_percent(&g->r, 50))
			own.base.b[k / 8] |= (uint8_t)(0x80 >> k % 8);
	own.base.b[15] = (uint8_t)(nth + 1);
	addr_format(&own.base, out);
}

/* One more peer, of a name that never came before, as a line. Servers stand in c1. */
static inline void gen_peer(struct gen *g, struct buf *out, bool server, bool may_be_disabled)
{
	uint32_t c = server ? 1 : rng_percent(&g->r, 40) ? g->n - 1 : rng_below(&g->r, g->n), nth = g->serial++;
	bool has4 = g->has4[c] && !(g->has6[c] && !server && rng_percent(&g->r, 20));
	bool has6 = g->has6[c] && !(has4 && rng_percent(&g->r, 20));
	bool invite = !server && rng_percent(&g->r, 20);
	char name[32], key[ED25519_STR_LEN + 1], text[2][ADDR_STR_LEN];
	struct key k;

	snprintf(name, sizeof(name), "p%u", nth);
	k = invite ? ed_of(name) : wg_of(name);
	if (invite)
		ed25519_format(&k, key);
	else
		key_format(&k, key);
	gen_addr(g, &g->v4[c], 4, nth, text[0]);
	gen_addr(g, &g->v6[c], 8, nth, text[1]);
	buf_printf(out, "  %s: { ip: [", name);
	if (has4)
		buf_printf(out, "%s", text[0]);
	if (has6)
		buf_printf(out, "%s\"%s\"", has4 ? ", " : "", text[1]);
	buf_printf(out, "], %s: \"%s\"", invite ? "invite" : "public_key", key);
	if (server || rng_percent(&g->r, 30))
		buf_printf(out, ", endpoint: \"h%u.example.com:%u\"", nth, 1000 + nth);
	if (rng_percent(&g->r, 20))
		buf_printf(out, ", keepalive: %u", rng_below(&g->r, 100));
	if (rng_percent(&g->r, 20))
		buf_printf(out, ", routes: [192.168.%u.0/24]", nth);
	buf_printf(out, "%s%s }\n", server ? ", server: true" : "",
		   may_be_disabled && rng_percent(&g->r, 15) ? ", disabled: true" : "");
}

static inline void gen_associations(struct gen *g, struct buf *out)
{
	bool has[GEN_CIDRS][GEN_CIDRS] = {{false}};

	buf_str(out, "associations:\n");
	for (unsigned i = 0; i < 1 + g->n / 2; i++) {
		uint32_t a = rng_below(&g->r, g->n), b = rng_below(&g->r, g->n);

		if (has[a][b] || (a == b && g->isolated[a]) || a == 0 || b == 0)
			continue;
		has[a][b] = has[b][a] = true;
		buf_printf(out, "  - [c%u, c%u]\n", a, b);
	}
	if (!strchr(out->p + out->n - 3, ']'))
		buf_str(out, "  - [c1, c1]\n");
}

/* A definition, but for its peers: head, CIDRs, associations, then "peers:". */
static inline void gen_open(struct gen *g, uint64_t seed, struct buf *out)
{
	static const char *const signer = "signer";

	memset(g, 0, sizeof(*g));
	g->r.state = seed;
	yaml_head(out, "[10.0.0.0/8, \"fd00::/32\"]", &signer, 1, 1);
	gen_cidrs(g, out);
	gen_associations(g, out);
	buf_str(out, "peers:\n");
}

#endif
