/* Finds the facts of a change (impact_facts.h), from the models, the rows of peers and the counts of their classes. */
#include "reconcile/impact/impact.h"

#include "reconcile/text/text.h"
#include "schema/attributes.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

#define BEFORE 0
#define AFTER  1

struct finder {
	struct arena *arena;
	struct impact *im;
	const struct model *m[2];
	uint32_t *row[2];         /* by peer of a side: its row */
	uint32_t *class;          /* by row: its class; NONE */
	bool *had;                /* by CIDR of after: one of before became it */
	struct buf list;          /* array of struct impact_fact, as they are found */
	struct impact_fact spare; /* what a fact is written to when there is no memory */
	bool failed;
};

static struct impact_fact *add(struct finder *f, enum fact_what what, uint32_t row)
{
	struct impact_fact fact = {.what = what, .peer = row, .other = NONE};

	buf_add(&f->list, &fact, sizeof(fact));
	if (f->list.failed)
		return &f->spare;
	return (struct impact_fact *)(void *)(f->list.p + f->list.n - sizeof(fact));
}

static struct impact_fact *add_texts(struct finder *f, enum fact_what what, uint32_t row, const char *before,
				     const char *after)
{
	struct impact_fact *fact = add(f, what, row);

	fact->before = before;
	fact->after = after;
	return fact;
}

/* Takes what was written as a string of the arena, and frees the buffer. */
static const char *keep(struct finder *f, struct buf *b)
{
	const char *text = b->failed ? NULL : arena_strdup(f->arena, b->p ? b->p : "");

	f->failed |= !text;
	buf_free(b);
	return text ? text : "";
}

static const char *prefix_text(struct finder *f, const struct prefix *p)
{
	struct buf b = {0};

	buf_prefixes(&b, p, 1);
	return keep(f, &b);
}

static const char *addresses_text(struct finder *f, const struct peer *p)
{
	struct buf b = {0};

	buf_ips(&b, p->ip, p->n_ips);
	return keep(f, &b);
}

static const char *key_text(struct finder *f, const struct key *k)
{
	struct buf b = {0};

	buf_key(&b, k);
	return keep(f, &b);
}

static const char *signer_text(struct finder *f, const struct key *k)
{
	char text[ED25519_STR_LEN + 1];
	const char *kept;

	ed25519_format(k, text);
	kept = arena_strdup(f->arena, text);
	f->failed |= !kept;
	return kept ? kept : "";
}

/* NULL: it has none. */
static const char *endpoints_text(struct finder *f, const struct peer *p)
{
	struct buf b = {0};

	if (!p->endpoint)
		return NULL;
	buf_str(&b, p->endpoint);
	for (unsigned i = 0; i < p->n_more_endpoints; i++)
		buf_printf(&b, ",%s", p->more_endpoints[i]);
	return keep(f, &b);
}

static const char *attribute_kept(struct finder *f, const struct key_spec *k, const void *thing)
{
	struct buf b = {0};

	if (!attribute_given(k, thing))
		return NULL;
	attribute_write(&b, k, thing);
	return keep(f, &b);
}

/* The peer of a row on a side; NULL: it is not there. */
static const struct peer *peer_of(const struct finder *f, uint32_t row, int side)
{
	const struct impact_peer *r = &f->im->peers[row];
	uint32_t i = side == AFTER ? r->after : r->before;

	return i == NONE ? NULL : &f->m[side]->peers[i];
}

static const struct peer *enabled(const struct peer *p)
{
	return p && !p->disabled ? p : NULL;
}

static const struct impact_class *class_of(const struct finder *f, uint32_t row)
{
	return f->class[row] == NONE ? NULL : &f->im->classes[f->class[row]];
}

static uint64_t reached(const struct finder *f, uint32_t row, int side)
{
	const struct impact_class *k = class_of(f, row);

	return !k ? 0 : side == AFTER ? k->reached_after : k->reached_before;
}

/* The row of the peer that forwards for an enabled one; NONE. */
static uint32_t hop_of(const struct finder *f, const struct peer *p, int side)
{
	uint32_t i = enabled(p) && p->via ? model_peer_by_name(f->m[side], p->via) : NONE;

	return i == NONE ? NONE : f->row[side][i];
}

static const char *name_of(const struct finder *f, uint32_t row, int side)
{
	return row == NONE ? NULL : peer_of(f, row, side)->name;
}

/* A route that is in force: its peer is enabled. */
struct use {
	struct prefix prefix;
	uint32_t row, hop;
};

static int use_cmp(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int c = prefix_cmp(&x->prefix, &y->prefix);

	return c ? c : (x->row > y->row) - (x->row < y->row);
}

/* Sorted. NULL: out of memory. */
static struct use *uses_new(const struct finder *f, int side, uint32_t *n)
{
	const struct model *m = f->m[side];
	size_t all = 0;
	struct use *uses;

	*n = 0;
	for (uint32_t i = 0; i < m->n_peers; i++)
		all += m->peers[i].n_routes;
	uses = calloc(all + 1, sizeof(*uses));
	for (uint32_t i = 0; uses && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		for (uint32_t k = 0; !p->disabled && k < p->n_routes; k++)
			uses[(*n)++] = (struct use){p->routes[k], f->row[side][i], hop_of(f, p, side)};
	}
	if (uses)
		qsort(uses, *n, sizeof(*uses), use_cmp);
	return uses;
}

static void route_fact(struct finder *f, enum fact_what what, const struct use *b, const struct use *a)
{
	const struct use *now = a ? a : b;
	struct impact_fact *fact = add(f, what, now->row);

	fact->prefix = now->prefix;
	fact->is_default = prefix_wire_len(&now->prefix) == 0;
	fact->is_public = prefix_is_public(&now->prefix);
	if (b) {
		fact->n_before = reached(f, b->row, BEFORE);
		fact->before = name_of(f, b->hop, BEFORE);
	}
	if (a) {
		fact->n_after = reached(f, a->row, AFTER);
		fact->after = name_of(f, a->hop, AFTER);
	}
	if (a && b && a->row != b->row)
		fact->other = b->row;
	if (a && b && a->row == b->row && class_of(f, a->row)) {
		fact->gained = class_of(f, a->row)->stay_gained;
		fact->lost = class_of(f, a->row)->stay_lost;
	}
}

/* The same prefix on both sides. */
static void route_stays(struct finder *f, const struct use *b, const struct use *a)
{
	const struct impact_class *k = class_of(f, a->row);

	if (a->row != b->row)
		route_fact(f, FACT_ROUTE_MOVED, b, a);
	else if (a->hop != b->hop)
		route_fact(f, FACT_ROUTE_VIA, b, a);
	else if (k && (k->stay_gained || k->stay_lost))
		route_fact(f, FACT_ROUTE_REACH, b, a);
}

static void route_facts(struct finder *f)
{
	uint32_t n_b, n_a;
	struct use *b = uses_new(f, BEFORE, &n_b), *a = uses_new(f, AFTER, &n_a);

	f->failed |= !b || !a;
	for (uint32_t i = 0, k = 0; b && a && (i < n_b || k < n_a);) {
		int c = i == n_b ? 1 : k == n_a ? -1 : prefix_cmp(&b[i].prefix, &a[k].prefix);
		if (c < 0)
			route_fact(f, FACT_ROUTE_REMOVED, &b[i++], NULL);
		else if (c > 0)
			route_fact(f, FACT_ROUTE_ADDED, NULL, &a[k++]);
		else
			route_stays(f, &b[i++], &a[k++]);
	}
	free(b);
	free(a);
}

/* The network's prefix of a family; NULL. */
static const struct prefix *root_prefix(const struct model *m, bool v4)
{
	const struct cidr *root = &m->cidrs[0];

	for (unsigned i = 0; i < root->n_prefixes; i++)
		if (prefix_is_v4(&root->prefix[i]) == v4)
			return &root->prefix[i];
	return NULL;
}

static void network_fact(struct finder *f, enum fact_what what, const struct prefix *b, const struct prefix *a)
{
	const struct prefix *whole = what == FACT_NETWORK_GROWS ? a : b, *part = what == FACT_NETWORK_GROWS ? b : a;
	struct impact_fact *fact = add(f, what, NONE);

	fact->prefix = *whole;
	fact->is_default = prefix_wire_len(whole) == 0;
	fact->is_public = prefix_is_public(whole);
	if (part && prefix_covers(whole, part)) {
		fact->has_but = true;
		fact->but = *part;
	}
	fact->n_before = f->im->peers_before;
	fact->n_after = f->im->peers_after;
	fact->before = b ? prefix_text(f, b) : NULL;
	fact->after = a ? prefix_text(f, a) : NULL;
}

static void network_facts(struct finder *f)
{
	for (int v4 = 1; v4 >= 0; v4--) {
		const struct prefix *b = root_prefix(f->m[BEFORE], v4), *a = root_prefix(f->m[AFTER], v4);
		if (a && !(b && prefix_covers(b, a)))
			network_fact(f, FACT_NETWORK_GROWS, b, a);
		if (b && !(a && prefix_covers(a, b)))
			network_fact(f, FACT_NETWORK_SHRINKS, b, a);
	}
}

/* Is its key the one that its invite became? Then its machine stays the same. */
static bool is_folded(const struct finder *f, const struct peer *y)
{
	const uint32_t *folded = f->im->folded, i = (uint32_t)(y - f->m[AFTER]->peers);
	uint32_t lo = 0, hi = f->im->ledger_known ? f->im->n_folded : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (folded[mid] < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return f->im->ledger_known && lo < f->im->n_folded && folded[lo] == i;
}

static void admin_facts(struct finder *f, uint32_t row, const struct peer *x, const struct peer *y)
{
	bool was = enabled(x) && x->admin, is = enabled(y) && y->admin;

	if (is && !was)
		add(f, FACT_ADMIN_ADDED, row);
	else if (was && !is)
		add(f, FACT_ADMIN_REMOVED, row);
	else if (was && !peer_same_mark(x, y) && !is_folded(f, y))
		add(f, FACT_ADMIN_REKEYED, row);
}

/* "10.60.0.1, vpn.example.com:51820" */
static const char *server_text(struct finder *f, const struct peer *p)
{
	struct buf b = {0};

	buf_ips(&b, p->ip, p->n_ips);
	if (p->endpoint)
		buf_printf(&b, ", %s", endpoints_text(f, p));
	return keep(f, &b);
}

static bool same_text(const char *x, const char *y)
{
	return !x || !y ? x == y : strcmp(x, y) == 0;
}

static bool same_addresses(const struct peer *x, const struct peer *y)
{
	return addrs_same(x->ip, x->n_ips, y->ip, y->n_ips);
}

static void server_facts(struct finder *f, uint32_t row, const struct peer *x, const struct peer *y)
{
	bool was = enabled(x) && x->server, is = enabled(y) && y->server;
	const char *before, *after;

	if (is && !was)
		add_texts(f, FACT_SERVER_ADDED, row, NULL, server_text(f, y));
	if (was && !is)
		add_texts(f, FACT_SERVER_REMOVED, row, server_text(f, x), NULL);
	if (!was || !is)
		return;
	if (!same_addresses(x, y))
		add_texts(f, FACT_SERVER_ADDRESS, row, addresses_text(f, x), addresses_text(f, y));
	before = endpoints_text(f, x);
	after = endpoints_text(f, y);
	if (!same_text(before, after))
		add_texts(f, FACT_SERVER_ENDPOINT, row, before, after);
	if (!peer_same_mark(x, y))
		add_texts(f, FACT_SERVER_KEY, row, key_text(f, &x->key), key_text(f, &y->key));
}

/* All endpoints of a side's enabled servers, sorted. NULL: out of memory. */
static const char **server_endpoints(const struct model *m, size_t *n)
{
	size_t all = 0;
	const char **out;

	*n = 0;
	for (uint32_t i = 0; i < m->n_peers; i++)
		all += m->peers[i].server ? 1u + m->peers[i].n_more_endpoints : 0;
	out = calloc(all + 1, sizeof(*out));
	for (uint32_t i = 0; out && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		if (!p->server || p->disabled || !p->endpoint)
			continue;
		out[(*n)++] = p->endpoint;
		for (unsigned k = 0; k < p->n_more_endpoints; k++)
			out[(*n)++] = p->more_endpoints[k];
	}
	if (out)
		qsort(out, *n, sizeof(*out), order_text_cmp);
	return out;
}

static void find_endpoints_lost(struct finder *f)
{
	size_t n_b, n_a, i = 0, k = 0;
	const char **b = server_endpoints(f->m[BEFORE], &n_b), **a = server_endpoints(f->m[AFTER], &n_a);
	bool kept = false;

	f->failed |= !b || !a;
	while (b && a && i < n_b && k < n_a && !kept) {
		int c = strcmp(b[i], a[k]);
		kept = c == 0;
		i += c <= 0;
		k += c >= 0;
	}
	f->im->facts.endpoints_lost = n_b && !kept;
	free((void *)b);
	free((void *)a);
}

/* Sorted keys that one side alone has. */
static void signer_facts(struct finder *f, const struct key *b, unsigned n_b, const struct key *a, unsigned n_a,
			 enum fact_what added, enum fact_what removed)
{
	for (unsigned i = 0, k = 0; i < n_b || k < n_a;) {
		int c = i == n_b ? 1 : k == n_a ? -1 : key_cmp(&b[i], &a[k]);
		if (c < 0)
			add_texts(f, removed, NONE, signer_text(f, &b[i]), NULL);
		else if (c > 0)
			add_texts(f, added, NONE, NULL, signer_text(f, &a[k]));
		i += c <= 0;
		k += c >= 0;
	}
}

static void trust_facts(struct finder *f)
{
	const struct trust *x = &f->m[BEFORE]->trust, *y = &f->m[AFTER]->trust;
	unsigned n_x = x->present ? 1 : 0, n_y = y->present ? 1 : 0;
	const struct key_spec *k;

	if (x->present != y->present)
		add_texts(f, FACT_TRUST_SETTING, NONE, x->present ? "given" : NULL, y->present ? "given" : NULL)
		    ->label = "trust";
	if (x->present && y->present && !key_eq(&x->id, &y->id))
		add_texts(f, FACT_TRUST_SETTING, NONE, key_text(f, &x->id), key_text(f, &y->id))->label = "id";
	for (size_t i = 0; x->present && y->present && (k = attribute_next(IN_TRUST, &i));)
		if (!attribute_same(k, x, y))
			add_texts(f, FACT_TRUST_SETTING, NONE, attribute_kept(f, k, x), attribute_kept(f, k, y))
			    ->label = k->name;
	signer_facts(f, x->signers, n_x * x->n_signers, y->signers, n_y * y->n_signers, FACT_SIGNER_ADDED,
		     FACT_SIGNER_REMOVED);
	signer_facts(f, x->online, n_x * x->n_online, y->online, n_y * y->n_online, FACT_ONLINE_ADDED,
		     FACT_ONLINE_REMOVED);
}

/* The network's own values: of the root of the definition, of `defaults:`. */
static void settings_facts(struct finder *f)
{
	static const enum key_place places[] = {IN_ROOT, IN_DEFAULTS};
	const struct model *b = f->m[BEFORE], *a = f->m[AFTER];
	const struct key_spec *k;

	for (unsigned p = 0; p < 2; p++)
		for (size_t i = 0; (k = attribute_next(places[p], &i));)
			if (!attribute_same(k, b, a))
				add_texts(f, places[p] == IN_ROOT ? FACT_IDENTITY : FACT_SETTING, NONE,
					  attribute_kept(f, k, b), attribute_kept(f, k, a))
				    ->label = k->name;
}

static void key_facts(struct finder *f, uint32_t row, const struct peer *x, const struct peer *y)
{
	const struct key_spec *k = &key_tables[IN_PEER].keys[PEER_INVITE_EXPIRES];

	if (!peer_same_mark(x, y))
		add(f,
		    x->is_invite ? (y->is_invite ? FACT_INVITE : FACT_INVITE_TO_KEY)
				 : (y->is_invite ? FACT_KEY_TO_INVITE : FACT_KEY),
		    row);
	else if (!attribute_same(k, x, y))
		add_texts(f, FACT_INVITE_EXPIRES, row, attribute_kept(f, k, x), attribute_kept(f, k, y));
}

/* What no other facts are about: what interfaces have of it, and nothing that is for people. */
static bool is_setting(const struct key_spec *k)
{
	switch ((int)(k - key_tables[IN_PEER].keys)) {
	case PEER_INVITE_EXPIRES:
	case PEER_ENDPOINT:
	case PEER_ROUTES:
	case PEER_VIA:
	case PEER_SERVER:
	case PEER_ADMIN:
	case PEER_DISABLED:
	case PEER_DESCRIPTION:
		return false;
	default:
		return true;
	}
}

/* A peer that stays, and differs. */
static void peer_changes(struct finder *f, uint32_t row, const struct peer *x, const struct peer *y)
{
	const char *before = endpoints_text(f, x), *after = endpoints_text(f, y);
	bool servers = enabled(x) && x->server && enabled(y) && y->server;
	const struct key_spec *k;

	if (x->disabled != y->disabled)
		add(f, y->disabled ? FACT_PEER_DISABLED : FACT_PEER_ENABLED, row);
	if (!same_addresses(x, y))
		add_texts(f, FACT_ADDRESS, row, addresses_text(f, x), addresses_text(f, y));
	key_facts(f, row, x, y);
	if (!servers && !same_text(before, after))
		add_texts(f, FACT_ENDPOINT, row, before, after);
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
		if (is_setting(k) && !attribute_same(k, x, y))
			add_texts(f, FACT_PEER_SETTING, row, attribute_kept(f, k, x), attribute_kept(f, k, y))->label =
			    k->name;
	if (strcmp(x->name, y->name))
		add_texts(f, FACT_PEER_NAME, row, x->name, y->name);
}

/* Peers that differ are items, CIDRs too. */
static void item_facts(struct finder *f)
{
	for (uint32_t i = 0; i < f->im->n_items; i++) {
		const struct impact_item *item = &f->im->items[i];
		const bool both = item->before != NONE && item->after != NONE;
		if (item->kind == IMPACT_PEER) {
			uint32_t row = item->after != NONE ? f->row[AFTER][item->after] : f->row[BEFORE][item->before];
			const struct peer *x = peer_of(f, row, BEFORE), *y = peer_of(f, row, AFTER);
			admin_facts(f, row, x, y);
			server_facts(f, row, x, y);
			if (both)
				peer_changes(f, row, x, y);
		} else if (item->kind == IMPACT_CIDR && both && item->after) {
			const char *x = f->m[BEFORE]->cidrs[item->before].name,
				   *y = f->m[AFTER]->cidrs[item->after].name;
			if (strcmp(x, y))
				add_texts(f, FACT_CIDR_NAME, NONE, x, y);
		}
	}
}

/* The CIDR of a peer that is new or moved; one that has other CIDRs can be missed around an address. */
static void put_cidr_after(const struct finder *f, struct impact_fact *fact, const struct peer *y)
{
	const struct model *a = f->m[AFTER];

	fact->after = a->cidrs[y->cidr].name;
	fact->in_root = y->cidr == 0 && a->n_cidrs > 1;
	fact->is_disabled = y->disabled;
}

/* Where each peer is: a peer that is the same line can move, when a CIDR comes or goes around it. */
static void place_facts(struct finder *f)
{
	const struct impact *im = f->im;

	for (uint32_t row = 0; row < im->n_peers; row++) {
		const struct peer *x = peer_of(f, row, BEFORE), *y = peer_of(f, row, AFTER);
		uint32_t b = hop_of(f, x, BEFORE), a = hop_of(f, y, AFTER);
		struct impact_fact *fact;

		if (b != a)
			add_texts(f, FACT_VIA, row, name_of(f, b, BEFORE), name_of(f, a, AFTER));
		if (!x) {
			put_cidr_after(f, add(f, FACT_PEER_ADDED, row), y);
		} else if (!y) {
			fact = add_texts(f, FACT_PEER_REMOVED, row, im->before->cidrs[x->cidr].name, NULL);
			fact->is_disabled = x->disabled;
		} else if (im->cidr_after[x->cidr] != y->cidr) {
			fact = add_texts(f, FACT_PEER_MOVED, row, im->before->cidrs[x->cidr].name, NULL);
			put_cidr_after(f, fact, y);
			fact->cidr_came = same_addresses(x, y) && !f->had[y->cidr];
			fact->cidr_left = same_addresses(x, y) && im->cidr_after[x->cidr] == NONE;
		}
	}
}

static void test_facts(struct finder *f)
{
	const char **texts;
	uint32_t n;

	if (impact_facts_dropped(f->arena, f->im, &texts, &n) < 0)
		f->failed = true;
	else
		for (uint32_t i = 0; i < n; i++)
			add_texts(f, FACT_TEST_DROPPED, NONE, texts[i], NULL);
}

static int text_cmp(const char *x, const char *y)
{
	return !x || !y ? (x != NULL) - (y != NULL) : strcmp(x, y);
}

/* Routes of one peer stand together, and peers that moved between the same CIDRs. */
static int fact_cmp(const void *p, const void *q)
{
	const struct impact_fact *x = p, *y = q;
	enum fact_kind kind = fact_kind_of(x->what), other = fact_kind_of(y->what);
	int c = (kind > other) - (kind < other);

	if (!c && kind == FACTS_ROUTES)
		c = (x->peer > y->peer) - (x->peer < y->peer);
	if (!c && kind == FACTS_ROUTES)
		c = (x->other > y->other) - (x->other < y->other);
	if (!c && kind == FACTS_CIDRS && !(c = text_cmp(x->before, y->before)))
		c = text_cmp(x->after, y->after);
	if (!c)
		c = (x->what > y->what) - (x->what < y->what);
	if (!c && kind == FACTS_ROUTES)
		c = prefix_cmp(&x->prefix, &y->prefix);
	if (!c && x->peer != y->peer)
		c = x->peer < y->peer ? -1 : 1;
	if (!c)
		c = text_cmp(x->label, y->label);
	if (!c)
		c = text_cmp(x->before, y->before);
	return c ? c : text_cmp(x->after, y->after);
}

/* Sorts what was found, and says where each kind begins. */
static int take_list(struct finder *f)
{
	struct impact_facts *facts = &f->im->facts;
	uint32_t n = (uint32_t)(f->list.n / sizeof(*facts->list));

	facts->list = arena_array(f->arena, n, sizeof(*facts->list));
	if (f->failed || f->list.failed || !facts->list)
		return -1;
	if (n) {
		memcpy(facts->list, f->list.p, f->list.n);
		qsort(facts->list, n, sizeof(*facts->list), fact_cmp);
	}
	facts->n = n;
	for (uint32_t i = 0; i < n; i++)
		facts->first[fact_kind_of(facts->list[i].what) + 1]++;
	for (unsigned k = 1; k <= N_FACT_KINDS; k++)
		facts->first[k] += facts->first[k - 1];
	return 0;
}

/* The rows of peers, the classes of rows, and which CIDRs are not new. */
static int index_rows(struct finder *f)
{
	const struct impact *im = f->im;

	for (int s = 0; s < 2; s++)
		if (!(f->row[s] = calloc((size_t)f->m[s]->n_peers + 1, sizeof(**f->row))))
			return -1;
	f->class = calloc((size_t)im->n_peers + 1, sizeof(*f->class));
	f->had = calloc((size_t)im->after->n_cidrs + 1, sizeof(*f->had));
	if (!f->class || !f->had)
		return -1;
	for (uint32_t r = 0; r < im->n_peers; r++) {
		if (im->peers[r].before != NONE)
			f->row[BEFORE][im->peers[r].before] = r;
		if (im->peers[r].after != NONE)
			f->row[AFTER][im->peers[r].after] = r;
		f->class[r] = NONE;
	}
	for (uint32_t c = 0; c < im->n_classes; c++)
		for (uint32_t i = 0; i < im->classes[c].n_peers; i++)
			f->class[im->classes[c].first + i] = c;
	for (uint32_t i = 0; i < im->before->n_cidrs; i++)
		if (im->cidr_after[i] != NONE)
			f->had[im->cidr_after[i]] = true;
	return 0;
}

int impact_facts_find(struct arena *a, struct impact *im)
{
	struct finder f = {.arena = a, .im = im, .m = {im->before, im->after}};
	int ret = -1;

	if (!im->before || !im->after || !im->n_items)
		return 0;
	if (index_rows(&f) == 0) {
		route_facts(&f);
		network_facts(&f);
		trust_facts(&f);
		settings_facts(&f);
		item_facts(&f);
		place_facts(&f);
		test_facts(&f);
		find_endpoints_lost(&f);
		ret = take_list(&f);
	}
	for (int s = 0; s < 2; s++)
		free(f.row[s]);
	free(f.class);
	free(f.had);
	buf_free(&f.list);
	return ret;
}
