/* One good bundle for one peer of a network that has all a view can name: to be broken. */
#ifndef TESTS_UNIT_VERIFY_FIXTURE_H
#define TESTS_UNIT_VERIFY_FIXTURE_H

#include "reconcile/text/text.h"
#include "tests/unit/network.h"

static const char *const S = "signer", *const T = "second", *const U = "third";

/* A network with all that a view can name: nested and isolated CIDRs, invites, more peers than one leaf holds. */
static inline struct buf definition(const char *const *signers, unsigned n, unsigned threshold, const char *more)
{
	struct buf b = {0};
	char key[ED25519_STR_LEN + 1], name[16];
	struct key k;

	yaml_head(&b, "10.60.0.0/16", signers, n, threshold);
	buf_str(&b, "cidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/22\n  night: 10.60.65.0/24\n"
		    "  machines: 10.60.80.0/20\n  ci: 10.60.81.0/24\n"
		    "  guests: { cidr: 10.60.82.0/24, isolated: true }\n"
		    "associations:\n  - [humans, machines]\n  - [guests, machines]\npeers:\n");
	k = wg_of("hub");
	key_format(&k, key);
	buf_printf(&b, "  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"a.example:1\", server: true }\n", key);
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "h%u", i);
		k = wg_of(name);
		key_format(&k, key);
		buf_printf(&b, "  h%u: { ip: 10.60.64.%u, public_key: \"%s\" }\n", i, i + 1, key);
	}
	for (unsigned i = 0; i < 6; i++) {
		static const char *const ip[] = {"10.60.65.9", "10.60.80.7", "10.60.81.5",
						 "10.60.82.1", "10.60.82.2", "10.60.64.99"};
		snprintf(name, sizeof(name), "i%u", i);
		k = ed_of(name);
		ed25519_format(&k, key);
		buf_printf(&b, "  i%u: { ip: %s, invite: \"%s\" }\n", i, ip[i], key);
	}
	buf_str(&b, more);
	return b;
}

/* A CIDR that is associated with itself, and more children than one list holds. */
static inline struct buf wide_definition(void)
{
	struct buf b = {0};
	char key[KEY_B64_LEN + 1], name[16];
	struct key k;

	yaml_head(&b, "10.0.0.0/8", &S, 1, 1);
	buf_str(&b, "cidrs:\n  infra: 10.255.0.0/24\n");
	for (unsigned i = 0; i < 18; i++)
		buf_printf(&b, "  c%u: 10.2.%u.0/24\n", i, i * 4);
	buf_str(&b, "associations:\n  - [corp, corp]\npeers:\n");
	for (unsigned i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), i == 19 ? "hub" : i == 18 ? "w0" : "q%u", i);
		k = wg_of(name);
		key_format(&k, key);
		if (i == 19)
			buf_printf(&b,
				   "  hub: { ip: 10.255.0.1, public_key: \"%s\", endpoint: \"a:1\", server: true }\n",
				   key);
		else if (i == 18)
			buf_printf(&b, "  w0: { ip: 10.128.0.1, public_key: \"%s\" }\n", key);
		else
			buf_printf(&b, "  q%u: { ip: 10.2.%u.1, public_key: \"%s\" }\n", i, i * 4, key);
	}
	return b;
}

static inline void open_with(struct net *n, const char *const *signers, unsigned k, unsigned threshold,
			     const char *more, uint64_t number)
{
	struct buf yaml = definition(signers, k, threshold, more);

	net_open(n, yaml.p, number);
	buf_free(&yaml);
}

/* One good bundle for one peer, to be broken. */
struct fixture {
	struct net n;
	uint32_t peer;
	struct bundle *b;
	struct verifier v;
	struct diags d;
	struct view *view;
	struct bundle *merged;
};

static inline void open_fixture(struct fixture *f, const char *peer, uint64_t number)
{
	memset(f, 0, sizeof(*f));
	if (*peer == 'w') {
		struct buf yaml = wide_definition();

		net_open(&f->n, yaml.p, number);
		buf_free(&yaml);
	} else {
		open_with(&f->n, &S, 1, 1, "", number);
	}
	f->peer = model_peer_by_name(f->n.m, peer);
	assert_int_not_equal(f->peer, NONE);
	f->b = bundle_for(f->n.a, &f->n, f->peer, NULL, 0);
	f->v = verifier_for(&f->n, f->peer);
}

static inline void close_fixture(struct fixture *f)
{
	diags_free(&f->d);
	net_close(&f->n);
}

static inline bool said(const struct diags *d, const char *code)
{
	for (const struct diag *g = d->first; g; g = g->next)
		if (strcmp(g->code, code) == 0)
			return true;
	return false;
}

static inline enum verify_result verify_at(struct fixture *f, int64_t now)
{
	diags_free(&f->d);
	return snapshot_verify(f->n.a, &f->v, f->b, now, &f->view, &f->merged, &f->d);
}

#define EXPECT(f, result, code)                                                                                        \
	do {                                                                                                           \
		enum verify_result got = verify_at(f, 0);                                                              \
		if (got != (result) || !said(&(f)->d, code))                                                           \
			say_diags(&(f)->d);                                                                            \
		assert_int_equal(got, result);                                                                         \
		assert_true(said(&(f)->d, code));                                                                      \
		assert_null((f)->view);                                                                                \
		assert_null((f)->merged);                                                                              \
	} while (0)

/* Makes what was just verified the held one. */
static inline void hold(struct fixture *f)
{
	f->v.held = f->merged;
	f->v.held_view = f->view;
	f->v.current = f->view->statement.trust;
}

static inline struct span text_of(struct arena *a, const struct statement *st)
{
	struct buf b = {0};
	struct span s;

	statement_write(&b, st);
	s = arena_span(a, buf_span(&b));
	buf_free(&b);
	return s;
}

#endif
