/* What became of each peer and CIDR, and the change of the definition as items. */
#include "reconcile/impact/impact.h"

#include "schema/attributes.h"

#include <stdlib.h>
#include <string.h>

struct match {
	struct arena *arena;
	struct impact *im;
	const struct ledger_facts *facts;
	uint32_t *peer_after, *peer_before; /* by peer of before, of after: its other half; NONE */
	uint32_t *cidr_before;              /* by CIDR of after */
	uint32_t n_items;
	bool failed;
};

static void join_peers(struct match *w, uint32_t before, uint32_t after)
{
	w->peer_after[before] = after;
	w->peer_before[after] = before;
}

/* Most peers have the key and the address that they had: both models are in the order of addresses. */
static void match_places(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;

	for (uint32_t i = 0, k = 0; i < b->n_peers && k < a->n_peers;) {
		int c = addr_cmp(peer_order(&b->peers[i]), peer_order(&a->peers[k]));
		if (c == 0 && peer_same_mark(&b->peers[i], &a->peers[k]))
			join_peers(w, i, k);
		i += c <= 0;
		k += c >= 0;
	}
}

/* A peer that has no other half yet, by its key or invite, and by its name. */
struct single {
	const struct peer *peer;
	uint32_t index;
};

static int mark_cmp(const void *a, const void *b)
{
	const struct peer *x = ((const struct single *)a)->peer, *y = ((const struct single *)b)->peer;

	if (x->is_invite != y->is_invite)
		return x->is_invite ? 1 : -1;
	return key_cmp(&x->key, &y->key);
}

static int single_name_cmp(const void *a, const void *b)
{
	return strcmp(((const struct single *)a)->peer->name, ((const struct single *)b)->peer->name);
}

static uint32_t singles(const struct model *m, const uint32_t *other, struct single *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++)
		if (other[i] == NONE)
			out[n++] = (struct single){&m->peers[i], i};
	return n;
}

/* Joins those that compare equal. */
static void match_sorted(struct match *w, struct single *b, uint32_t n_b, struct single *a, uint32_t n_a,
			 int (*cmp)(const void *, const void *))
{
	if (!n_b || !n_a)
		return;
	qsort(b, n_b, sizeof(*b), cmp);
	qsort(a, n_a, sizeof(*a), cmp);
	for (uint32_t i = 0, k = 0; i < n_b && k < n_a;) {
		int c = cmp(&b[i], &a[k]);
		if (c == 0)
			join_peers(w, b[i].index, a[k].index);
		i += c <= 0;
		k += c >= 0;
	}
}

/* Invites by what the ledger says that they became. `a` is sorted by mark. */
static void match_enrolled(struct match *w, const struct single *b, uint32_t n_b, const struct single *a, uint32_t n_a)
{
	for (uint32_t i = 0; w->facts && n_a && i < n_b; i++) {
		const struct enrolment *e;
		const struct single *found;
		if (!b[i].peer->is_invite || w->peer_after[b[i].index] != NONE ||
		    !(e = ledger_enrolment(w->facts, &b[i].peer->key)))
			continue;
		struct peer wanted = {.key = e->key};
		struct single sought = {&wanted, NONE};
		found = bsearch(&sought, a, n_a, sizeof(*a), mark_cmp);
		if (found && w->peer_before[found->index] == NONE)
			join_peers(w, b[i].index, found->index);
	}
}

/* By key or invite, then through the ledger, then by name. */
static int match_peers(struct match *w)
{
	const struct model *mb = w->im->before, *ma = w->im->after;
	struct single *b = calloc((size_t)mb->n_peers + 1, sizeof(*b)),
		      *a = calloc((size_t)ma->n_peers + 1, sizeof(*a));
	int ret = -1;

	if (b && a) {
		match_places(w);
		uint32_t n_b = singles(mb, w->peer_after, b), n_a = singles(ma, w->peer_before, a);
		match_sorted(w, b, n_b, a, n_a, mark_cmp);
		match_enrolled(w, b, n_b, a, n_a);
		n_b = singles(mb, w->peer_after, b);
		n_a = singles(ma, w->peer_before, a);
		match_sorted(w, b, n_b, a, n_a, single_name_cmp);
		ret = 0;
	}
	free(b);
	free(a);
	return ret;
}

static bool same_prefixes(const struct cidr *x, const struct cidr *y)
{
	return prefixes_same(x->prefix, x->n_prefixes, y->prefix, y->n_prefixes);
}

static void join_cidrs(struct match *w, uint32_t before, uint32_t after)
{
	w->im->cidr_after[before] = after;
	w->cidr_before[after] = before;
}

/* CIDRs by name, the root apart; then those that are left, by prefix. */
static void match_cidrs(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;

	join_cidrs(w, 0, 0);
	for (uint32_t i = 0, k = 0; i < b->n_cidrs && k < a->n_cidrs;) {
		uint32_t p = b->cidrs_by_name[i], q = a->cidrs_by_name[k];
		int c = strcmp(b->cidrs[p].name, a->cidrs[q].name);
		if (c == 0 && p && q)
			join_cidrs(w, p, q);
		i += c <= 0;
		k += c >= 0;
	}
	for (uint32_t i = 1, k = 1; i < b->n_cidrs && k < a->n_cidrs;) {
		int c = prefix_cmp(&b->cidrs[i].prefix[0], &a->cidrs[k].prefix[0]);
		if (c == 0 && w->im->cidr_after[i] == NONE && w->cidr_before[k] == NONE &&
		    same_prefixes(&b->cidrs[i], &a->cidrs[k]))
			join_cidrs(w, i, k);
		i += c <= 0;
		k += c >= 0;
	}
}

static bool same_addresses(const struct peer *x, const struct peer *y)
{
	return addrs_same(x->ip, x->n_ips, y->ip, y->n_ips);
}

static bool same_peer(const struct peer *x, const struct peer *y)
{
	return strcmp(x->name, y->name) == 0 && same_addresses(x, y) && peer_same_mark(x, y) &&
	       attributes_same(IN_PEER, x, y);
}

/* The root's name is the network's, which has a line of its own. */
static bool same_cidr(const struct cidr *x, const struct cidr *y)
{
	return (y->parent == NONE || strcmp(x->name, y->name) == 0) && same_prefixes(x, y) &&
	       attributes_same(IN_CIDR, x, y);
}

static struct impact_item *add_item(struct match *w, enum impact_kind kind, uint32_t before, uint32_t after)
{
	struct impact *im = w->im;
	struct impact_item *i;

	if (im->n_items == w->n_items) {
		uint32_t n = w->n_items ? 2 * w->n_items : 64;
		struct impact_item *more = arena_array(w->arena, n, sizeof(*more));
		if (!more) {
			w->failed = true;
			return NULL;
		}
		if (im->n_items)
			memcpy(more, im->items, im->n_items * sizeof(*more));
		im->items = more;
		w->n_items = n;
	}
	i = &im->items[im->n_items++];
	*i = (struct impact_item){.kind = kind, .before = before, .after = after};
	i->action = before == NONE ? PLAN_CREATE : after == NONE ? PLAN_REMOVE : PLAN_CHANGE;
	*(i->action == PLAN_CREATE ? &im->n_add : i->action == PLAN_REMOVE ? &im->n_remove : &im->n_change) += 1;
	return i;
}

static bool same_keys(const struct key *x, unsigned n_x, const struct key *y, unsigned n_y)
{
	return n_x == n_y && memcmp(x, y, n_x * sizeof(*x)) == 0;
}

/* The network's own lines; 0 stands for a side that is there. */
static void settings_items(struct match *w)
{
	struct impact *im = w->im;
	const struct model *b = im->before, *a = im->after;

	if (!a || !b) {
		const struct model *m = a ? a : b;
		add_item(w, IMPACT_SETTINGS, b ? 0 : NONE, a ? 0 : NONE);
		if (m->trust.present)
			add_item(w, IMPACT_TRUST, b ? 0 : NONE, a ? 0 : NONE);
		return;
	}
	const struct trust *x = &b->trust, *y = &a->trust;
	im->trust_changed = x->present != y->present || !attributes_same(IN_TRUST, x, y) ||
			    !same_keys(x->signers, x->n_signers, y->signers, y->n_signers) ||
			    !same_keys(x->online, x->n_online, y->online, y->n_online);
	im->identity_changed = strcmp(b->network, a->network) || (x->present && y->present && !key_eq(&x->id, &y->id));
	if (!attributes_same(IN_ROOT, b, a) || !attributes_same(IN_DEFAULTS, b, a))
		add_item(w, IMPACT_SETTINGS, 0, 0);
	if (im->trust_changed || (x->present && y->present && !key_eq(&x->id, &y->id)))
		add_item(w, IMPACT_TRUST, x->present ? 0 : NONE, y->present ? 0 : NONE);
}

static void cidr_items(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;
	uint32_t n_b = b ? b->n_cidrs : 0, n_a = a ? a->n_cidrs : 0;

	for (uint32_t k = 0; k < n_a; k++) {
		uint32_t i = w->cidr_before[k];
		if (i == NONE || !same_cidr(&b->cidrs[i], &a->cidrs[k]))
			add_item(w, IMPACT_CIDR, i, k);
	}
	for (uint32_t i = 0; i < n_b; i++)
		if (w->im->cidr_after[i] == NONE)
			add_item(w, IMPACT_CIDR, i, NONE);
}

static void peer_items(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;
	uint32_t n_b = b ? b->n_peers : 0, n_a = a ? a->n_peers : 0;

	for (uint32_t k = 0; k < n_a; k++) {
		uint32_t i = w->peer_before[k];
		if (i == NONE || !same_peer(&b->peers[i], &a->peers[k]))
			add_item(w, IMPACT_PEER, i, k);
	}
	for (uint32_t i = 0; i < n_b; i++)
		if (w->peer_after[i] == NONE)
			add_item(w, IMPACT_PEER, i, NONE);
}

/* The ends of an association as CIDRs of `after`, and where it came from. */
struct ends {
	uint32_t a, b, index;
};

static int ends_cmp(const void *p, const void *q)
{
	const struct ends *x = p, *y = q;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return (x->b > y->b) - (x->b < y->b);
}

static int index_cmp(const void *p, const void *q)
{
	const struct ends *x = p, *y = q;

	return (x->index > y->index) - (x->index < y->index);
}

/* `n_gone` counts up from what has no place in `after`: such an association is always removed. */
static struct ends *ends_new(struct arena *arena, const struct model *m, const uint32_t *map)
{
	uint32_t n = m ? m->n_associations : 0;
	struct ends *out = arena_array(arena, n, sizeof(*out));

	if (!out)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t x = m->associations[i].a, y = m->associations[i].b;
		if (map) {
			x = map[x];
			y = map[y];
		}
		out[i] = (struct ends){x < y ? x : y, x < y ? y : x, i};
	}
	if (n)
		qsort(out, n, sizeof(*out), ends_cmp);
	return out;
}

static void association_items(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;
	uint32_t n_b = b ? b->n_associations : 0, n_a = a ? a->n_associations : 0, gone = 0, added = 0;
	struct ends *x = ends_new(w->arena, b, w->im->cidr_after), *y = ends_new(w->arena, a, NULL);

	if (!x || !y) {
		w->failed = true;
		return;
	}
	/* What only one side has moves to the front of its array, and is listed in the order of the files. */
	for (uint32_t i = 0, k = 0; i < n_b || k < n_a;) {
		int c = i == n_b ? 1 : k == n_a ? -1 : ends_cmp(&x[i], &y[k]);
		if (c < 0)
			x[gone++] = x[i++];
		else if (c > 0)
			y[added++] = y[k++];
		else
			i++, k++;
	}
	if (added)
		qsort(y, added, sizeof(*y), index_cmp);
	if (gone)
		qsort(x, gone, sizeof(*x), index_cmp);
	for (uint32_t k = 0; k < added; k++)
		add_item(w, IMPACT_ASSOCIATION, NONE, y[k].index);
	for (uint32_t i = 0; i < gone; i++)
		add_item(w, IMPACT_ASSOCIATION, x[i].index, NONE);
}

/* A test as text, and as what it is compared by: its names sorted, and as `after` has them. */
struct test_line {
	const char *key, *text;
};

static int line_cmp(const void *p, const void *q)
{
	const struct test_line *x = p, *y = q;

	return strcmp(x->key, y->key);
}

static struct ref *renamed_refs(const struct match *w, const struct ref *refs, uint32_t n)
{
	const struct model *a = w->im->after;
	struct ref *out = arena_array(w->arena, n, sizeof(*out));

	for (uint32_t i = 0; out && i < n; i++) {
		uint32_t now = NONE;
		out[i] = refs[i];
		if (refs[i].kind == REF_CIDR && (now = w->im->cidr_after[refs[i].index]) != NONE)
			out[i].text = a->cidrs[now].name;
		else if (refs[i].kind == REF_PEER && (now = w->peer_after[refs[i].index]) != NONE)
			out[i].text = a->peers[now].name;
	}
	return out;
}

static const char *test_text(struct arena *arena, struct buf *b, const struct reach_test *t, bool sorted)
{
	buf_reset(b);
	canonical_test(b, t, sorted);
	return b->failed ? NULL : arena_strdup(arena, b->p);
}

static struct test_line *test_lines(struct match *w, const struct model *m)
{
	uint32_t n = m ? m->n_tests : 0;
	struct test_line *lines = arena_array(w->arena, n, sizeof(*lines));
	struct buf b = {0};

	for (uint32_t i = 0; lines && i < n; i++) {
		const struct reach_test *t = &m->tests[i];
		struct reach_test now = *t;
		bool known = true;
		if (m == w->im->before && w->im->after) {
			now.from = renamed_refs(w, t->from, t->n_from);
			now.can = renamed_refs(w, t->can, t->n_can);
			now.cannot = renamed_refs(w, t->cannot, t->n_cannot);
			known = now.from && now.can && now.cannot;
		}
		lines[i].text = test_text(w->arena, &b, t, false);
		lines[i].key = known ? test_text(w->arena, &b, &now, true) : NULL;
		if (!lines[i].key || !lines[i].text)
			lines = NULL;
	}
	buf_free(&b);
	if (lines && n)
		qsort(lines, n, sizeof(*lines), line_cmp);
	return lines;
}

/* A test that names something by its new name is the same test. */
static void test_items(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;
	uint32_t n_b = b ? b->n_tests : 0, n_a = a ? a->n_tests : 0;
	struct test_line *x = test_lines(w, b), *y = test_lines(w, a);
	struct impact_item *item;

	if (!x || !y) {
		w->failed = true;
		return;
	}
	for (uint32_t i = 0, k = 0; i < n_b || k < n_a;) {
		int c = i == n_b ? 1 : k == n_a ? -1 : line_cmp(&x[i], &y[k]);
		if (c && (item = add_item(w, IMPACT_TEST, c < 0 ? 0 : NONE, c < 0 ? NONE : 0)))
			item->text = c < 0 ? x[i].text : y[k].text;
		i += c <= 0;
		k += c >= 0;
	}
}

static void reuse_items(struct match *w)
{
	const struct model *b = w->im->before, *a = w->im->after;
	uint32_t n_b = b ? b->n_reuse : 0, n_a = a ? a->n_reuse : 0;

	for (uint32_t i = 0, k = 0; i < n_b || k < n_a;) {
		int c = i == n_b ? 1 : k == n_a ? -1 : prefix_cmp(&b->reuse[i], &a->reuse[k]);
		if (c)
			add_item(w, IMPACT_REUSE, c < 0 ? i : NONE, c < 0 ? NONE : k);
		i += c <= 0;
		k += c >= 0;
	}
}

/* Is the key of `y` the one that the invite of `x` became? Without the ledger it counts as that. */
static bool is_folded(const struct match *w, const struct peer *x, const struct peer *y)
{
	const struct enrolment *e;

	if (!x || !y || !x->is_invite || y->is_invite)
		return false;
	if (!w->facts)
		return true;
	e = ledger_enrolment(w->facts, &x->key);
	return e && key_eq(&e->key, &y->key);
}

/* Does the key that this peer's machine has stop to count? */
static bool peer_cut(const struct match *w, const struct peer *x, const struct peer *y, enum cut_reason *reason)
{
	if (x->disabled)
		return false;
	if (!y || y->disabled) {
		*reason = y ? CUT_DISABLED : CUT_REMOVED;
		return true;
	}
	if (peer_same_mark(x, y))
		return false;
	*reason = CUT_REKEYED;
	if (!x->is_invite)
		return true;
	*reason = CUT_VOIDED;
	/* Without the ledger an invite counts as redeemed. */
	return (!w->facts || ledger_enrolment(w->facts, &x->key)) && !is_folded(w, x, y);
}

static void add_address(struct impact *im, const struct impact_address *a, bool given)
{
	im->addresses[im->n_addresses++] = *a;
	if (!given)
		return;
	im->addresses[im->n_addresses - 1] = im->addresses[im->n_given];
	im->addresses[im->n_given++] = *a;
}

/* Finds the peers that are cut off, the invites that open or become void, and the new addresses. */
static int peer_facts(struct match *w)
{
	struct impact *im = w->im;
	const struct model *b = im->before, *a = im->after;
	uint32_t n_b = b ? b->n_peers : 0, n_a = a ? a->n_peers : 0, servers = 0, kept = 0, admins = 0, left = 0;

	im->cut = arena_array(w->arena, n_b, sizeof(*im->cut));
	im->voided = arena_array(w->arena, n_b, sizeof(*im->voided));
	im->opened = arena_array(w->arena, n_a, sizeof(*im->opened));
	im->folded = arena_array(w->arena, n_a, sizeof(*im->folded));
	im->addresses = arena_array(w->arena, 2 * (size_t)n_a, sizeof(*im->addresses));
	if (!im->cut || !im->voided || !im->opened || !im->folded || !im->addresses)
		return -1;
	for (uint32_t i = 0; i < n_b; i++) {
		const struct peer *x = &b->peers[i], *y = w->peer_after[i] == NONE ? NULL : &a->peers[w->peer_after[i]];
		enum cut_reason reason;
		bool cut = peer_cut(w, x, y, &reason);
		/* By peer of before for now: impact_count() groups the rows. */
		if (cut)
			im->cut[im->n_cut++] = (struct impact_cut){i, reason};
		if (x->is_invite && !(y && peer_same_mark(x, y)) && !is_folded(w, x, y))
			im->voided[im->n_voided++] = i;
		servers += x->server && !x->disabled;
		kept += x->server && !x->disabled && y && y->server && !cut;
		admins += x->admin && !x->disabled;
	}
	for (uint32_t k = 0; k < n_a; k++) {
		const struct peer *y = &a->peers[k];
		const struct peer *x = w->peer_before[k] == NONE ? NULL : &b->peers[w->peer_before[k]];
		left += y->admin && !y->disabled;
		if (y->is_invite && !(x && peer_same_mark(x, y)))
			im->opened[im->n_opened++] = k;
		if (is_folded(w, x, y))
			im->folded[im->n_folded++] = k;
		for (unsigned i = 0; i < y->n_ips && !(x && same_addresses(x, y)); i++) {
			uint32_t from = b ? model_peer_by_addr(b, &y->ip[i]) : NONE;
			if (from == NONE || from != w->peer_before[k])
				add_address(im, &(struct impact_address){y->ip[i], k, from}, !x || from != NONE);
		}
	}
	im->server_lost = servers && !kept;
	im->admin_lost = admins && !left;
	return 0;
}

static int peer_rows(struct match *w)
{
	struct impact *im = w->im;
	uint32_t n_b = im->before ? im->before->n_peers : 0, n_a = im->after ? im->after->n_peers : 0;

	im->peers = arena_array(w->arena, (size_t)n_b + n_a, sizeof(*im->peers));
	if (!im->peers)
		return -1;
	for (uint32_t k = 0; k < n_a; k++)
		im->peers[im->n_peers++] = (struct impact_peer){w->peer_before[k], k};
	for (uint32_t i = 0; i < n_b; i++)
		if (w->peer_after[i] == NONE)
			im->peers[im->n_peers++] = (struct impact_peer){i, NONE};
	return 0;
}

/* Turns the peers of before that are cut off into rows. */
static int cut_rows(struct match *w)
{
	struct impact *im = w->im;
	uint32_t n_b = im->before ? im->before->n_peers : 0;
	uint32_t *row = arena_array(w->arena, n_b, sizeof(*row));

	if (!row)
		return -1;
	for (uint32_t r = 0; r < im->n_peers; r++)
		if (im->peers[r].before != NONE)
			row[im->peers[r].before] = r;
	for (uint32_t i = 0; i < im->n_cut; i++)
		im->cut[i].peer = row[im->cut[i].peer];
	return 0;
}

static uint32_t *all_none(struct match *w, uint32_t n)
{
	uint32_t *p = arena_array(w->arena, n, sizeof(*p));

	if (!p) {
		w->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		p[i] = NONE;
	return p;
}

static int index_models(struct match *w)
{
	struct impact *im = w->im;
	const struct model *b = im->before, *a = im->after;

	im->cidr_after = all_none(w, b ? b->n_cidrs : 0);
	w->cidr_before = all_none(w, a ? a->n_cidrs : 0);
	w->peer_after = all_none(w, b ? b->n_peers : 0);
	w->peer_before = all_none(w, a ? a->n_peers : 0);
	if (w->failed)
		return -1;
	if (b && !(im->reach_before = reach_index_new(w->arena, b)))
		return -1;
	if (a && !(im->reach_after = reach_index_new(w->arena, a)))
		return -1;
	if (!a || !b)
		return 0;
	match_cidrs(w);
	return match_peers(w);
}

struct impact *impact_new(struct arena *a, const struct model *before, const struct model *after,
			  const struct ledger_facts *facts)
{
	struct impact *im = arena_alloc(a, sizeof(*im));
	struct match w = {.arena = a, .im = im, .facts = facts};

	if (!im)
		return NULL;
	im->before = before;
	im->after = after;
	im->ledger_known = facts != NULL;
	if (plan_id(before, after, im->id) < 0 || index_models(&w) < 0)
		return NULL;
	if (before || after)
		settings_items(&w);
	cidr_items(&w);
	peer_items(&w);
	association_items(&w);
	test_items(&w);
	reuse_items(&w);
	if (w.failed || peer_facts(&w) < 0 || peer_rows(&w) < 0 || impact_count(a, im) < 0 || cut_rows(&w) < 0 ||
	    impact_facts_find(a, im) < 0)
		return NULL;
	return im;
}
