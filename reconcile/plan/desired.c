/* The interface that a peer, or a server, should have: from what the network says and what is local. */
#include "reconcile/plan/device.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

/* What one peer has allowed for another, which it forwards for. */
struct relayed {
	struct key through;
	const struct leaf_peer *leaf; /* a view's or the model's */
};

struct builder {
	struct arena *arena;
	const struct local *local;
	const struct resolved **resolved; /* sorted by endpoint */
	struct device_state *state;
	struct relayed *relayed; /* peers that another one forwards for */
	uint32_t n_relayed;
	int32_t own_keepalive;     /* -1: not given */
	uint16_t server_keepalive; /* the network's default */
};

static int resolved_cmp(const void *x, const void *y)
{
	const struct resolved *const *a = x, *const *b = y;
	return strcmp((*a)->endpoint, (*b)->endpoint);
}

static int peer_key_cmp(const void *x, const void *y)
{
	const struct device_peer *a = x, *b = y;
	int c = key_cmp(&a->key, &b->key);
	return c || !a->name || !b->name ? c : strcmp(a->name, b->name);
}

static int enrolment_invite_cmp(const void *invite, const void *enrolment)
{
	return key_cmp(invite, &((const struct enrolment *)enrolment)->invite);
}

static int local_endpoint_cmp(const void *name, const void *endpoint)
{
	return strcmp(name, ((const struct local_endpoint *)endpoint)->name);
}

static struct sockpoint endpoint_of(const struct builder *b, const struct key *key, const struct leaf_peer *leaf,
				    struct device_peer *out)
{
	static const struct sockpoint none;
	const struct local *l = b->local;
	const struct local_endpoint *own = l->n_endpoints ? bsearch(leaf->name, l->endpoints, l->n_endpoints,
								    sizeof(*l->endpoints), local_endpoint_cmp)
							  : NULL;
	const char *endpoint = own ? own->endpoint : leaf->endpoint;
	struct sockpoint at;

	if (endpoint && !sockpoint_parse(endpoint, strlen(endpoint), &at))
		return at;
	out->endpoint_open = !endpoint;
	out->endpoint_named = endpoint != NULL;
	if (endpoint && l->n_resolved) {
		const struct resolved want = {.endpoint = endpoint}, *p = &want;
		const struct resolved *const *r =
		    bsearch(&p, b->resolved, l->n_resolved, sizeof(*b->resolved), resolved_cmp);
		if (r && (*r)->at.port)
			return (*r)->at;
	}
	const struct hint *hint = hint_find(l->hints, l->n_hints, key);
	return hint ? hint_first(hint) : none;
}

/* A value given for this machine wins, then one given for the other; servers have the network's default. */
static uint16_t keepalive_of(const struct builder *b, const struct leaf_peer *leaf)
{
	if (b->own_keepalive >= 0)
		return (uint16_t)b->own_keepalive;
	if (leaf->keepalive >= 0)
		return (uint16_t)leaf->keepalive;
	return leaf->server ? b->server_keepalive : 0;
}

/* The machine's own key is no peer: WireGuard would ignore it, and no plan would ever be empty. */
static bool is_own(const struct builder *b, const struct key *key)
{
	return b->local->public_key && key_eq(b->local->public_key, key);
}

static uint32_t allowed_put(struct prefix *out, const struct leaf_peer *leaf)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < leaf->n_ips; i++)
		out[n++] = prefix_host(&leaf->ip[i]);
	for (uint32_t i = 0; i < leaf->n_routes; i++)
		out[n++] = leaf->routes[i];
	return n;
}

static int peer_add(struct builder *b, const struct key *key, const struct leaf_peer *leaf)
{
	if (is_own(b, key))
		return 0;
	struct device_peer *out = &b->state->peers[b->state->n_peers];
	*out = (struct device_peer){.key = *key, .name = leaf->name};
	out->allowed = arena_array(b->arena, (size_t)leaf->n_ips + leaf->n_routes, sizeof(*out->allowed));
	if (!out->allowed)
		return -1;
	out->n_allowed = order_prefixes(out->allowed, allowed_put(out->allowed, leaf));
	out->endpoint = endpoint_of(b, key, leaf, out);
	out->keepalive = keepalive_of(b, leaf);
	out->keepalive_open = b->own_keepalive < 0 && leaf->keepalive < 0 && !leaf->server;
	b->state->n_peers++;
	return 0;
}

/* By key. Of two with one key the first name stays: the caller's keys are unique. */
static void peers_sort(struct device_state *st)
{
	uint32_t kept = 0;
	if (st->n_peers > 1)
		qsort(st->peers, st->n_peers, sizeof(*st->peers), peer_key_cmp);
	for (uint32_t i = 0; i < st->n_peers; i++)
		if (!kept || !key_eq(&st->peers[i].key, &st->peers[kept - 1].key))
			st->peers[kept++] = st->peers[i];
	st->n_peers = kept;
}

static int relayed_cmp(const void *x, const void *y)
{
	return key_cmp(&((const struct relayed *)x)->through, &((const struct relayed *)y)->through);
}

/* Gives each peer the allowed IPs of those that it forwards for. The peers are sorted. */
static int relayed_fold(struct builder *b)
{
	struct device_state *st = b->state;
	uint32_t end;

	if (b->n_relayed > 1)
		qsort(b->relayed, b->n_relayed, sizeof(*b->relayed), relayed_cmp);
	for (uint32_t i = 0; i < b->n_relayed; i = end) {
		const struct key *through = &b->relayed[i].through;
		struct device_peer *p = device_peer_find(st->peers, st->n_peers, through);
		size_t n = p ? p->n_allowed : 0;
		struct prefix *all;

		for (end = i; end < b->n_relayed && key_eq(through, &b->relayed[end].through); end++)
			n += (size_t)b->relayed[end].leaf->n_ips + b->relayed[end].leaf->n_routes;
		/* Without the peer that forwards, those that it forwards for are unreachable. */
		if (!p)
			continue;
		if (n > UINT32_MAX || !(all = arena_array(b->arena, n, sizeof(*all))))
			return -1;
		if (p->n_allowed)
			memcpy(all, p->allowed, p->n_allowed * sizeof(*all));
		n = p->n_allowed;
		for (uint32_t k = i; k < end; k++)
			n += allowed_put(all + n, b->relayed[k].leaf);
		p->n_allowed = order_prefixes(all, (uint32_t)n);
		p->allowed = all;
	}
	return 0;
}

static int builder_init(struct builder *b, struct arena *a, const struct local *l, const char *network, uint16_t mtu,
			uint32_t max_peers)
{
	if (l->interface)
		network = l->interface;
	*b = (struct builder){.arena = a, .local = l};
	struct device_state *st = b->state = arena_alloc(a, sizeof(*st));
	if (!st)
		return -1;
	size_t n = strnlen(network, sizeof(st->name) - 1);
	memcpy(st->name, network, n);
	st->exists = st->up = true;
	st->has_key = l->public_key != NULL;
	if (st->has_key)
		st->public_key = *l->public_key;
	st->listen_port = l->listen_port;
	st->mtu = l->mtu ? l->mtu : mtu;
	if (max_peers && !(st->peers = arena_array(a, max_peers, sizeof(*st->peers))))
		return -1;
	if (max_peers && !(b->relayed = arena_array(a, max_peers, sizeof(*b->relayed))))
		return -1;
	if (l->n_resolved && !(b->resolved = arena_array(a, l->n_resolved, sizeof(*b->resolved))))
		return -1;
	for (size_t i = 0; i < l->n_resolved; i++)
		b->resolved[i] = &l->resolved[i];
	if (l->n_resolved > 1)
		qsort(b->resolved, l->n_resolved, sizeof(*b->resolved), resolved_cmp);
	return 0;
}

static bool in_network(const struct prefix *root, unsigned n_root, const struct prefix *p)
{
	for (unsigned i = 0; i < n_root; i++)
		if (prefix_covers(&root[i], p))
			return true;
	return false;
}

/*
 * Its own addresses as host prefixes; routes to the network and to what is behind each peer: an allowed IP
 * outside the network is a route, since a route may not overlap the network nor an address be outside it.
 */
static int interface_set(struct builder *b, const struct addr *ip, unsigned n_ips, const struct prefix *root,
			 unsigned n_root)
{
	struct device_state *st = b->state;
	st->addresses = arena_array(b->arena, n_ips, sizeof(*st->addresses));
	if (!st->addresses)
		return -1;
	for (unsigned i = 0; i < n_ips; i++)
		st->addresses[i] = prefix_host(&ip[i]);
	st->n_addresses = order_prefixes(st->addresses, n_ips);
	if (b->local->no_routing)
		return 0;

	size_t n = n_root;
	for (uint32_t i = 0; i < st->n_peers; i++)
		for (uint32_t j = 0; j < st->peers[i].n_allowed; j++)
			n += !in_network(root, n_root, &st->peers[i].allowed[j]);
	if (n > UINT32_MAX || !(st->routes = arena_array(b->arena, n, sizeof(*st->routes))))
		return -1;
	for (unsigned i = 0; i < n_root; i++)
		st->routes[st->n_routes++] = root[i];
	for (uint32_t i = 0; i < st->n_peers; i++)
		for (uint32_t j = 0; j < st->peers[i].n_allowed; j++)
			if (!in_network(root, n_root, &st->peers[i].allowed[j]))
				st->routes[st->n_routes++] = st->peers[i].allowed[j];
	st->n_routes = order_prefixes(st->routes, st->n_routes);
	return 0;
}

static int view_name_cmp(const void *x, const void *y)
{
	const struct view_peer *const *a = x, *const *b = y;
	return strcmp((*a)->name, (*b)->name);
}

/* The peers by their names; NULL when no peer is reached through another one. *failed: out of memory. */
static const struct view_peer **names_of_view(struct arena *a, const struct view *v, bool *failed)
{
	const struct view_peer **names;
	bool needed = false;

	*failed = false;
	for (uint32_t i = 0; i < v->n_peers && !needed; i++)
		needed = v->peers[i].via != NULL;
	if (!needed)
		return NULL;
	names = arena_array(a, v->n_peers, sizeof(*names));
	*failed = !names;
	for (uint32_t i = 0; names && i < v->n_peers; i++)
		names[i] = &v->peers[i];
	if (names)
		qsort(names, v->n_peers, sizeof(*names), view_name_cmp);
	return names;
}

/* The peer to which this machine sends a packet for `p`: `p` itself, or the one that forwards. NULL: there is none. */
static const struct view_peer *view_hop(const struct view *v, const struct view_peer **names, uint32_t peer)
{
	const char *via = view_peer_via(v, peer);
	const struct view_peer want = {.name = via}, *w = &want, *const * hop;

	if (!via)
		return &v->peers[peer];
	hop = bsearch(&w, names, v->n_peers, sizeof(*names), view_name_cmp);
	return hop && !(*hop)->pending ? *hop : NULL;
}

struct device_state *desired_for_view(struct arena *a, const struct view *v, const struct local *l)
{
	const struct view_peer *self = &v->peers[v->self];
	const struct view_cidr *root = &v->cidrs[v->root];
	const struct view_peer **names, *hop;
	struct builder b;
	bool failed;

	if (builder_init(&b, a, l, v->statement.network, v->mtu, v->n_peers))
		return NULL;
	b.own_keepalive = self->keepalive;
	b.server_keepalive = v->keepalive;
	names = names_of_view(a, v, &failed);
	if (failed)
		return NULL;
	for (uint32_t i = 0; i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];
		if (i == v->self || p->pending)
			continue;
		hop = names ? view_hop(v, names, i) : p;
		if (hop && hop != p)
			b.relayed[b.n_relayed++] = (struct relayed){hop->key, &p->leaf};
		else if (hop && peer_add(&b, &p->key, &p->leaf))
			return NULL;
	}
	peers_sort(b.state);
	if (relayed_fold(&b) || interface_set(&b, self->ip, self->n_ips, root->prefix, root->n_prefixes))
		return NULL;
	return b.state;
}

static const struct enrolment *enrolment_find(const struct enrolment *e, size_t n, const struct key *invite)
{
	return n ? bsearch(invite, e, n, sizeof(*e), enrolment_invite_cmp) : NULL;
}

/* The key that a peer has: of the definition, or enrolled. False: none yet. */
static bool key_of(const struct peer *p, const struct enrolment *e, size_t n, struct key *out)
{
	const struct enrolment *mine = p->is_invite ? enrolment_find(e, n, &p->key) : NULL;

	if (p->is_invite && !mine)
		return false;
	*out = mine ? mine->key : p->key;
	return true;
}

/* Peers with a key of their own in the definition, and those whose invite is open. */
static int add_defined(struct builder *b, const struct model *m, uint32_t self, const struct enrolment *e, size_t n_e,
		       int64_t now)
{
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		struct key key = p->is_invite ? p->temporary : p->key;
		uint32_t hop;
		if (i == self || p->disabled)
			continue;
		if (p->is_invite &&
		    (enrolment_find(e, n_e, &p->key) || (p->invite_expires && p->invite_expires <= now)))
			continue;
		if (p->via && (hop = model_peer_by_name(m, p->via)) != self) {
			if (hop != NONE && key_of(&m->peers[hop], e, n_e, &key))
				b->relayed[b->n_relayed++] = (struct relayed){key, &p->leaf};
			continue;
		}
		if (peer_add(b, &key, &p->leaf))
			return -1;
	}
	peers_sort(b->state);
	return 0;
}

/* Peers by the keys that they enrolled. A key of the definition beats an enrolment. */
static int add_enrolled(struct builder *b, const struct model *m, uint32_t self, const struct enrolment *e, size_t n_e)
{
	uint32_t n_defined = b->state->n_peers;
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		if (i == self || p->disabled || !p->is_invite)
			continue;
		const struct enrolment *mine = enrolment_find(e, n_e, &p->key);
		if (!mine || device_peer_find(b->state->peers, n_defined, &mine->key))
			continue;
		if (peer_add(b, &mine->key, &p->leaf))
			return -1;
	}
	peers_sort(b->state);
	return 0;
}

struct device_state *desired_for_server(struct arena *a, const struct model *m, uint32_t self,
					const struct enrolment *enrolments, size_t n_enrolments, int64_t now,
					const struct local *l)
{
	const struct peer *me = &m->peers[self];
	const struct cidr *root = &m->cidrs[0];
	struct builder b;

	if (builder_init(&b, a, l, m->network, m->mtu, m->n_peers))
		return NULL;
	b.own_keepalive = me->keepalive;
	b.server_keepalive = m->keepalive;
	if (add_defined(&b, m, self, enrolments, n_enrolments, now) ||
	    add_enrolled(&b, m, self, enrolments, n_enrolments) || relayed_fold(&b) ||
	    interface_set(&b, me->ip, me->n_ips, root->prefix, root->n_prefixes))
		return NULL;
	return b.state;
}
