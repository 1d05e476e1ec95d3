/*
 * The difference between the interface we want and the one there is, as operations in the order in which
 * they are applied. Both sides are sorted by binary keys, so each kind of thing is one merge; the merges
 * run twice, first to count the operations of each phase, then to put each in its place.
 *
 * Why the order is safe for an allowed IP that moves: an allowed IP belongs to at most one peer of a
 * device, a SET with replace leaves a peer with exactly the list it names, and whatever of that list
 * another peer had is taken from it in the same step (allowedips.c in the kernel, UAPI's
 * replace_allowed_ips). The desired lists are disjoint, so a later replace takes nothing from a peer that
 * is already done: swaps and rotations of any length end right whichever peer goes first. Removals, and
 * changes that only take away, still come before those that give: no moment exists in which a peer that is
 * to lose an address keeps it because the one that gets it failed.
 */
#include "reconcile/plan/device.h"
#include "reconcile/plan/hosts.h"

#include <string.h>

/* Phases: the order of enum op_kind, with OP_PEER_CHANGE in two: what only takes away, then what gives. */
#define PHASE(kind, gives) (2 * (unsigned)(kind) + (gives))
#define N_PHASES           PHASE(OP_LINK_DEL + 1, 0)

struct differ {
	struct arena *arena;
	const struct device_state *want, *have, *last; /* last: NULL when it is not known */
	int64_t now;
	struct plan *plan;
	bool filling; /* the second run */
	bool failed;
	uint32_t at[N_PHASES]; /* first run: how many; second run: where the next one goes */
};

static struct op *emit(struct differ *d, enum op_kind kind, unsigned gives)
{
	static const struct op none;
	uint32_t slot = d->at[PHASE(kind, gives)]++;
	if (!d->filling)
		return NULL;
	struct op *op = &d->plan->ops[slot];
	*op = none;
	op->kind = kind;
	return op;
}

static bool prefixes_eq(const struct prefix *a, uint32_t n_a, const struct prefix *b, uint32_t n_b)
{
	if (n_a != n_b)
		return false;
	for (uint32_t i = 0; i < n_a; i++)
		if (prefix_cmp(&a[i], &b[i]))
			return false;
	return true;
}

/* Both sorted and unique. */
static bool prefixes_subset(const struct prefix *a, uint32_t n_a, const struct prefix *of, uint32_t n_of)
{
	uint32_t j = 0;
	for (uint32_t i = 0; i < n_a; i++) {
		while (j < n_of && prefix_cmp(&of[j], &a[i]) < 0)
			j++;
		if (j == n_of || prefix_cmp(&of[j], &a[i]))
			return false;
	}
	return true;
}

/* `last` follows the merge: the three lists are walked together. */
static const struct device_peer *last_peer(struct differ *d, uint32_t *i, const struct key *key)
{
	if (!d->last)
		return NULL;
	int c = -1;
	while (*i < d->last->n_peers && (c = key_cmp(&d->last->peers[*i].key, key)) < 0)
		(*i)++;
	return *i < d->last->n_peers && c == 0 ? &d->last->peers[*i] : NULL;
}

static bool allowed_eq(const struct device_peer *a, const struct device_peer *b)
{
	return prefixes_eq(a->allowed, a->n_allowed, b->allowed, b->n_allowed);
}

/* Is another keepalive our own doing, where the network leaves it open? That is no drift, and hides none. */
static bool keepalive_chosen(const struct device_peer *want, const struct device_peer *last)
{
	return want->keepalive_open && want->keepalive != last->keepalive;
}

static void peer_added(struct differ *d, const struct device_peer *want, const struct device_peer *last)
{
	struct op *op = emit(d, OP_PEER_ADD, 0);
	if (!op)
		return;
	op->after = want;
	op->drift =
	    last && allowed_eq(want, last) && (want->keepalive == last->keepalive || keepalive_chosen(want, last));
	d->plan->n_add++;
}

static void peer_removed(struct differ *d, const struct device_peer *have, const struct device_peer *last)
{
	struct op *op = emit(d, OP_PEER_REMOVE, 0);
	if (!op)
		return;
	op->before = have;
	op->drift = d->last && !last;
	d->plan->n_remove++;
	if (have->name || !last || !last->name)
		return;
	/* The device knows no names: what we applied before does. */
	struct device_peer *named = arena_alloc(d->arena, sizeof(*named));
	if (!named) {
		d->failed = true;
		return;
	}
	*named = *have;
	named->name = last->name;
	op->before = named;
}

static void peer_both(struct differ *d, const struct device_peer *want, const struct device_peer *have,
		      const struct device_peer *last)
{
	bool stays = device_peer_is_live(have, d->now) && !(want->lost && want->rx == have->rx);
	bool endpoint = want->endpoint.port && !sockpoint_eq(&want->endpoint, &have->endpoint) && !stays;
	bool keepalive = want->keepalive != have->keepalive;
	bool allowed = !allowed_eq(want, have);
	if (!endpoint && !keepalive && !allowed && !have->has_psk)
		return;

	bool takes = allowed && prefixes_subset(want->allowed, want->n_allowed, have->allowed, have->n_allowed);
	struct op *op = emit(d, OP_PEER_CHANGE, !takes);
	if (!op)
		return;
	op->before = have;
	op->after = want;
	op->set_endpoint = endpoint;
	op->set_keepalive = keepalive;
	op->set_allowed = allowed;
	op->clear_psk = have->has_psk;
	if (last && keepalive_chosen(want, last))
		keepalive = false;
	/* An endpoint alone is never drift: WireGuard itself moves it when the peer roams. */
	op->drift = last && (keepalive || allowed || have->has_psk) &&
		    (!keepalive || want->keepalive == last->keepalive) && (!allowed || allowed_eq(want, last));
	d->plan->n_change++;
}

static void diff_peers(struct differ *d)
{
	const struct device_state *want = d->want, *have = d->have;
	uint32_t n_have = have->exists ? have->n_peers : 0;
	uint32_t i = 0, j = 0, k = 0;
	while (i < want->n_peers || j < n_have) {
		int c = i == want->n_peers ? 1 : j == n_have ? -1 : key_cmp(&want->peers[i].key, &have->peers[j].key);
		const struct key *key = c <= 0 ? &want->peers[i].key : &have->peers[j].key;
		const struct device_peer *last = last_peer(d, &k, key);
		if (c < 0)
			peer_added(d, &want->peers[i++], last);
		else if (c > 0)
			peer_removed(d, &have->peers[j++], last);
		else
			peer_both(d, &want->peers[i++], &have->peers[j++], last);
	}
}

struct prefix_list {
	const struct prefix *p;
	uint32_t n;
};

static void diff_prefixes(struct differ *d, struct prefix_list want, struct prefix_list have, struct prefix_list last,
			  enum op_kind add, enum op_kind del)
{
	uint32_t i = 0, j = 0, k = 0;
	while (i < want.n || j < have.n) {
		int c = i == want.n ? 1 : j == have.n ? -1 : prefix_cmp(&want.p[i], &have.p[j]);
		if (c == 0) {
			i++, j++;
			continue;
		}
		const struct prefix *p = c < 0 ? &want.p[i++] : &have.p[j++];
		struct op *op = emit(d, c < 0 ? add : del, 0);
		if (!op)
			continue;
		int was = -1;
		while (k < last.n && (was = prefix_cmp(&last.p[k], p)) < 0)
			k++;
		bool had = k < last.n && was == 0;
		op->prefix = *p;
		op->drift = d->last && had == (c < 0);
		if (c < 0)
			d->plan->n_add++;
		else
			d->plan->n_remove++;
	}
}

static void number_changed(struct differ *d, enum op_kind kind, uint32_t have, uint32_t want, uint32_t last)
{
	struct op *op = emit(d, kind, 0);
	if (!op)
		return;
	op->old_value = have;
	op->new_value = want;
	op->drift = d->last && last == want;
}

/* Key, port, MTU, fwmark and up are one change of the interface, and none of a new one. */
static void diff_link(struct differ *d)
{
	static const struct device_state absent;
	const struct device_state *want = d->want, *have = d->have->exists ? d->have : &absent;
	const struct device_state *last = d->last ? d->last : &absent;
	bool changed = false;
	struct op *op;

	if (!have->exists && (op = emit(d, OP_LINK_ADD, 0)))
		op->drift = last->exists;
	if (want->mtu && want->mtu != have->mtu) {
		number_changed(d, OP_LINK_MTU, have->mtu, want->mtu, last->mtu);
		changed = true;
	}
	if (want->has_key && (!have->has_key || !key_eq(&want->public_key, &have->public_key))) {
		if ((op = emit(d, OP_KEY_SET, 0)))
			op->drift = last->has_key && key_eq(&want->public_key, &last->public_key);
		changed = true;
	}
	if (want->listen_port && want->listen_port != have->listen_port) {
		number_changed(d, OP_PORT_SET, have->listen_port, want->listen_port, last->listen_port);
		changed = true;
	}
	if (want->fwmark != have->fwmark) {
		number_changed(d, OP_FWMARK_SET, have->fwmark, want->fwmark, last->fwmark);
		changed = true;
	}
	if (want->up && !have->up) {
		if ((op = emit(d, OP_LINK_UP, 0)))
			op->drift = last->up;
		changed = true;
	}
	if (!d->filling)
		return;
	if (!have->exists)
		d->plan->n_add++;
	else if (changed)
		d->plan->n_change++;
}

static struct prefix_list addresses(const struct device_state *s)
{
	return s && s->exists ? (struct prefix_list){s->addresses, s->n_addresses} : (struct prefix_list){NULL, 0};
}

static struct prefix_list routes(const struct device_state *s)
{
	return s && s->exists ? (struct prefix_list){s->routes, s->n_routes} : (struct prefix_list){NULL, 0};
}

static void diff_all(struct differ *d)
{
	diff_link(d);
	diff_peers(d);
	diff_prefixes(d, addresses(d->want), addresses(d->have), addresses(d->last), OP_ADDRESS_ADD, OP_ADDRESS_DEL);
	diff_prefixes(d, routes(d->want), routes(d->have), routes(d->last), OP_ROUTE_ADD, OP_ROUTE_DEL);
}

static struct plan *plan_new(struct arena *a, const struct device_state *desired, const struct device_state *observed,
			     uint32_t n_ops)
{
	struct plan *p = arena_alloc(a, sizeof(*p));
	if (!p)
		return NULL;
	p->desired = desired;
	p->observed = observed;
	p->n_ops = n_ops;
	if (n_ops && !(p->ops = arena_array(a, n_ops, sizeof(*p->ops))))
		return NULL;
	return p;
}

struct plan *device_diff(struct arena *a, const struct device_state *desired, const struct device_state *observed,
			 const struct device_state *last, int64_t now)
{
	struct differ d = {.arena = a, .want = desired, .have = observed, .now = now};
	d.last = last && last->exists ? last : NULL;

	diff_all(&d);
	uint32_t n_ops = 0;
	for (unsigned i = 0; i < N_PHASES; i++) {
		uint32_t n = d.at[i];
		d.at[i] = n_ops;
		n_ops += n;
	}
	d.plan = plan_new(a, desired, observed, n_ops);
	if (!d.plan)
		return NULL;
	d.filling = true;
	diff_all(&d);
	return d.failed ? NULL : d.plan;
}

struct plan *device_teardown(struct arena *a, const struct device_state *observed)
{
	struct plan *p = plan_new(a, NULL, observed, observed->exists);
	if (p && p->n_ops) {
		p->ops[0].kind = OP_LINK_DEL;
		p->n_remove = 1;
	}
	return p;
}

bool plan_is_empty(const struct plan *p)
{
	return !p->n_ops && !(p->names && p->names->differs);
}
