/* A model as one canonical text, and the id of a plan: what a reviewer names when it is accepted. */
#include "reconcile/impact/impact.h"

#include "reconcile/text/text.h"
#include "schema/attributes.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

static void put_refs(struct buf *out, const char *key, const struct ref *refs, uint32_t n, bool list, bool sorted)
{
	const char **names = n ? malloc(n * sizeof(*names)) : NULL;

	if (!n)
		return;
	if (!names) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		names[i] = refs[i].text;
	if (sorted)
		qsort(names, n, sizeof(*names), order_text_cmp);
	buf_printf(out, "%s%s: %s", out->n && out->p[out->n - 1] == ' ' ? "" : ", ", key, list || n > 1 ? "[" : "");
	for (uint32_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
	buf_str(out, list || n > 1 ? "]" : "");
	free(names);
}

void canonical_test(struct buf *out, const struct reach_test *t, bool sorted)
{
	buf_str(out, "{ ");
	put_refs(out, "from", t->from, t->n_from, false, sorted);
	put_refs(out, "can_reach", t->can, t->n_can, true, sorted);
	put_refs(out, "cannot_reach", t->cannot, t->n_cannot, true, sorted);
	buf_str(out, " }");
}

/* The length comes first, because a text can hold what looks like another word. */
static void put_text(struct buf *out, const char *name, const char *value)
{
	size_t n = strlen(value);

	buf_char(out, ' ');
	buf_str(out, name);
	buf_char(out, '=');
	buf_u64(out, n);
	buf_char(out, ':');
	buf_add(out, value, n);
}

static void put_keys(struct buf *out, const char *name, const struct key *keys, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		buf_printf(out, "%s ", name);
		buf_key(out, &keys[i]);
		buf_char(out, '\n');
	}
}

/* The attributes of a place, one a line. */
static void put_lines(struct buf *out, enum key_place place, const void *thing)
{
	const struct key_spec *k;

	for (size_t i = 0; (k = attribute_next(place, &i));) {
		if (!attribute_given(k, thing))
			continue;
		buf_str(out, k->name);
		buf_char(out, ' ');
		attribute_write(out, k, thing);
		buf_char(out, '\n');
	}
}

static void put_settings(struct buf *out, const struct model *m)
{
	put_lines(out, IN_ROOT, m);
	put_lines(out, IN_DEFAULTS, m);
	if (m->trust.present) {
		put_keys(out, "id", &m->trust.id, 1);
		put_lines(out, IN_TRUST, &m->trust);
		put_keys(out, "signer", m->trust.signers, m->trust.n_signers);
		put_keys(out, "online", m->trust.online, m->trust.n_online);
	}
	for (uint32_t i = 0; i < m->n_reuse; i++) {
		buf_str(out, "reuse ");
		buf_range(out, &m->reuse[i]);
		buf_char(out, '\n');
	}
}

/* An attribute as a word of its thing's line, called `name` there; nothing when it is not given. */
static void put_word(struct buf *out, const struct key_spec *k, const char *name, const void *thing)
{
	if (!attribute_given(k, thing))
		return;
	if (k->member == MEMBER_TEXT) {
		put_text(out, name, attribute_text(k, thing));
		return;
	}
	buf_char(out, ' ');
	buf_str(out, name);
	if (k->member == MEMBER_BOOL)
		return;
	buf_char(out, '=');
	if (k->member == MEMBER_PREFIXES)
		attribute_write(out, k, thing);
	else
		buf_u64(out, (uint64_t)attribute_number(k, thing));
}

static void put_cidr(struct buf *out, const struct cidr *c)
{
	const struct key_spec *k;

	buf_printf(out, "cidr %s ", c->name);
	buf_prefixes(out, c->prefix, c->n_prefixes);
	for (size_t i = 0; (k = attribute_next(IN_CIDR, &i));)
		put_word(out, k, k->name, c);
	buf_char(out, '\n');
}

static void put_peer(struct buf *out, const struct peer *p)
{
	size_t n;
	const struct key_spec *keys = keys_of(IN_PEER, &n), *k;

	buf_str(out, "peer ");
	buf_str(out, p->name);
	buf_char(out, ' ');
	buf_ips(out, p->ip, p->n_ips);
	buf_str(out, p->is_invite ? " invite=" : " key=");
	buf_key(out, &p->key);
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));) {
		if (k == &keys[PEER_INVITE_EXPIRES])
			continue;
		put_word(out, k, k->name, p);
		/* innernet-model 1 has the expiry here, under this name: a plan keeps the id that was accepted. */
		if (k == &keys[PEER_ROUTES])
			put_word(out, &keys[PEER_INVITE_EXPIRES], "expires", p);
	}
	buf_char(out, '\n');
}

static int association_cmp(const void *a, const void *b)
{
	const struct association *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->b > y->b) - (x->b < y->b);
}

/* Their order means nothing. */
static void put_tests(struct buf *out, const struct model *m)
{
	struct buf *lines = calloc(m->n_tests, sizeof(*lines));
	char **sorted = calloc(m->n_tests, sizeof(*sorted));

	for (uint32_t i = 0; lines && sorted && i < m->n_tests; i++) {
		canonical_test(&lines[i], &m->tests[i], true);
		out->failed |= lines[i].failed;
		sorted[i] = lines[i].p;
	}
	out->failed |= !lines || !sorted;
	if (!out->failed) {
		qsort(sorted, m->n_tests, sizeof(*sorted), order_text_cmp);
		for (uint32_t i = 0; i < m->n_tests; i++)
			buf_printf(out, "test %s\n", sorted[i]);
	}
	for (uint32_t i = 0; lines && i < m->n_tests; i++)
		buf_free(&lines[i]);
	free(lines);
	free(sorted);
}

void model_canonical(struct buf *out, const struct model *m)
{
	buf_str(out, "innernet-model 1\n");
	put_settings(out, m);
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		put_cidr(out, &m->cidrs[i]);
	if (m->n_associations) {
		struct association *sorted = malloc(m->n_associations * sizeof(*sorted));
		out->failed |= !sorted;
		if (sorted) {
			memcpy(sorted, m->associations, m->n_associations * sizeof(*sorted));
			qsort(sorted, m->n_associations, sizeof(*sorted), association_cmp);
			for (uint32_t i = 0; i < m->n_associations; i++)
				buf_printf(out, "association %s %s\n", m->cidrs[sorted[i].a].name,
					   m->cidrs[sorted[i].b].name);
		}
		free(sorted);
	}
	for (uint32_t i = 0; i < m->n_peers; i++)
		put_peer(out, &m->peers[i]);
	if (m->n_tests)
		put_tests(out, m);
}

/* The id is of the hashes of both texts, so that neither can lean into the other. */
int plan_id(const struct model *before, const struct model *after, char out[static PLAN_ID_LEN + 1])
{
	static const char head[] = "innernet-plan 1\n";
	struct hash both[2] = {0}, id;
	uint8_t bytes[sizeof(head) - 1 + sizeof(both)];
	char hex[HASH_HEX_LEN + 1];

	for (int side = 0; side < 2; side++) {
		const struct model *m = side ? after : before;
		struct buf text = {0};
		if (!m)
			continue;
		if (side && after == before) {
			both[1] = both[0];
			continue;
		}
		model_canonical(&text, m);
		if (text.failed) {
			buf_free(&text);
			return -1;
		}
		hash_bytes(text.p, text.n, &both[side]);
		buf_free(&text);
	}
	memcpy(bytes, head, sizeof(head) - 1);
	memcpy(bytes + sizeof(head) - 1, both, sizeof(both));
	hash_bytes(bytes, sizeof(bytes), &id);
	hash_hex(&id, hex);
	for (unsigned i = 0, n = 0; i < 16; i++) {
		if (i && i % 4 == 0)
			out[n++] = '-';
		out[n++] = hex[i];
	}
	out[PLAN_ID_LEN] = '\0';
	return 0;
}
