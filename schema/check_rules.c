/* What must be unique, or fit together, over the whole definition. */
#include "schema/loader.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

static int key_use_cmp(const void *va, const void *vb)
{
	const struct key_use *a = va, *b = vb;

	return key_cmp(&a->x25519, &b->x25519);
}

static struct span key_item(const void *ctx, uint32_t i)
{
	const struct key_use *uses = ctx;

	return (struct span){uses[i].x25519.b, KEY_LEN};
}

/* Any X25519 key twice: public keys, and invites as the keys they become. The first in the file keeps it. */
static void check_keys(struct loader *l)
{
	const struct peer *peers = l->model->peers, *p, *q;
	struct key_use *uses = (struct key_use *)l->keys.p;
	size_t n = l->keys.n / sizeof(*uses), first, i, j;
	struct diag *g;

	/* Hardly ever: then they are put side by side. */
	if (!order_maybe_twice((uint32_t)n, key_item, uses))
		return;
	qsort(uses, n, sizeof(*uses), key_use_cmp);
	for (i = 0; i < n; i = j) {
		for (first = i, j = i + 1; j < n && key_eq(&uses[j].x25519, &uses[i].x25519); j++)
			if (place_cmp(&peers[uses[j].peer].at_key, &peers[uses[first].peer].at_key) < 0)
				first = j;
		q = &peers[uses[first].peer];
		for (size_t k = i; k < j; k++) {
			if (k == first)
				continue;
			p = &peers[uses[k].peer];
			g = diag_error(l->diags, "key-twice", &p->at_key, "the %s of '%s' is the %s of '%s'",
				       p->is_invite ? "invite" : "key", p->name, q->is_invite ? "invite" : "key",
				       q->name);
			diag_note(l->diags, g, &q->at_key, "'%s' has it", q->name);
			if (p->is_invite != q->is_invite || (p->is_invite && !key_eq(&p->key, &q->key)))
				diag_help(l->diags, g, "an invite counts as the X25519 key that it becomes");
			else if (p->is_invite)
				diag_help(l->diags, g,
					  "each invite is for one peer: let `innernet add-peer` make another");
			else
				diag_help(l->diags, g,
					  "each peer has a key of its own: `wg genkey | wg pubkey` makes one");
		}
	}
}

static int route_use_cmp(const void *va, const void *vb)
{
	const struct route_use *a = va, *b = vb;
	int c = prefix_cmp(&a->prefix, &b->prefix);

	return c ? c : place_cmp(&a->at, &b->at);
}

static void overlap(struct loader *l, const struct route_use *r, const struct place *other, const char *what,
		    const char *name, const char *help)
{
	char text[PREFIX_STR_LEN];
	struct diag *g;

	prefix_format(&r->prefix, text);
	g = diag_error(l->diags, "route-overlaps", &r->at, "the route %s overlaps %s '%s'", text, what, name);
	diag_note(l->diags, g, other, "that is");
	diag_help(l->diags, g, "%s", help);
}

/* Among the widest routes of one family: they are disjoint, so one search finds the one around an address. */
static const struct route_use *route_around(const struct route_use *const *widest, size_t n, const struct addr *a)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (addr_cmp(&widest[mid]->prefix.base, a) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low && prefix_has(&widest[low - 1]->prefix, a) ? widest[low - 1] : NULL;
}

static void check_family_routes(struct loader *l, const struct route_use **widest, bool v4)
{
	const struct model *m = l->model;
	const struct route_use *uses = (const struct route_use *)l->routes.p, *r;
	size_t n = l->routes.n / sizeof(*uses), n_widest = 0;
	struct sockpoint literal;

	for (size_t i = 0; i < n; i++) {
		r = &uses[i];
		if (prefix_is_v4(&r->prefix) != v4)
			continue;
		for (unsigned j = 0; j < m->cidrs[0].n_prefixes; j++)
			if (prefix_overlaps(&r->prefix, &m->cidrs[0].prefix[j]))
				overlap(l, r, &m->cidrs[0].at_prefix[j], "the network", m->cidrs[0].name,
					"routes are for what is outside the network; the network itself needs none");
		if (n_widest && prefix_covers(&widest[n_widest - 1]->prefix, &r->prefix)) {
			const struct route_use *wide = widest[n_widest - 1];
			bool later = place_cmp(&wide->at, &r->at) < 0;

			overlap(l, later ? r : wide, later ? &wide->at : &r->at, "a route of",
				m->peers[later ? wide->peer : r->peer].name,
				"what is behind one peer is behind no other: split one of them, or take one out");
		} else {
			widest[n_widest++] = r;
		}
	}
	for (uint32_t i = 0; i < m->n_peers && n_widest; i++) {
		const struct peer *p = &m->peers[i];

		if (!p->endpoint || sockpoint_parse(p->endpoint, strlen(p->endpoint), &literal))
			continue;
		r = route_around(widest, n_widest, &literal.ip);
		if (r)
			overlap(l, r, &p->at_endpoint, "the endpoint of", p->name,
				"packets to that endpoint would go into the tunnel: leave it out of the route");
	}
}

static int check_routes(struct loader *l)
{
	size_t n = l->routes.n / sizeof(struct route_use);
	const struct route_use **widest;

	if (n == 0)
		return 0;
	widest = malloc(n * sizeof(const struct route_use *));
	if (!widest)
		return -1;
	qsort(l->routes.p, n, sizeof(struct route_use), route_use_cmp);
	check_family_routes(l, widest, true);
	check_family_routes(l, widest, false);
	free(widest);
	return 0;
}

static void check_servers(struct loader *l)
{
	const struct model *m = l->model;
	const struct peer *first = NULL;
	uint32_t enabled = 0;
	struct diag *g;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		const struct cidr *c = p->cidr == NONE ? NULL : &m->cidrs[p->cidr];

		if (!p->server)
			continue;
		if (!first || place_cmp(&p->at, &first->at) < 0)
			first = p;
		enabled += !p->disabled;
		if (!c || !c->isolated)
			continue;
		g = diag_error(l->diags, "isolated-server", &p->at, "the server '%s' is in the isolated CIDR '%s'",
			       p->name, c->name);
		diag_note(l->diags, g, &c->at, "'%s' is defined", c->name);
		diag_help(l->diags, g, "everyone reaches a server's CIDR: give it another one");
	}
	if (!first && !l->without_server)
		diag_help(l->diags, diag_error(l->diags, "no-server", &m->at_network, "no peer is a server"),
			  "one peer needs 'server: true' and an endpoint");
	else if (first && !enabled)
		diag_help(l->diags, diag_error(l->diags, "servers-disabled", &first->at, "every server is disabled"),
			  "enable one of them, or make another peer a server");
}

#define IN_NO_CIDR_NAMED 5 /* in one warning; the rest are counted */

/*
 * Peers that are in no CIDR but the network itself, where there are CIDRs for peers: a merge without a conflict can take a
 * CIDR away from around a peer that the other branch adds, and an isolated CIDR's peers then reach each other.
 */
static void check_in_no_cidr(struct loader *l)
{
	const struct model *m = l->model;
	const struct peer *first = NULL;
	struct buf names = {0};
	bool cidrs = false;
	uint32_t n = 0;

	for (uint32_t c = 1; c < m->n_cidrs; c++)
		cidrs |= !m->cidrs[c].infra;
	for (uint32_t i = 0; cidrs && !m->cidrs[0].infra && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		if (p->cidr != 0)
			continue;
		if (!first || place_cmp(&p->at, &first->at) < 0)
			first = p;
		if (n++ < IN_NO_CIDR_NAMED)
			buf_printf(&names, "%s'%s'", n > 1 ? ", " : "", p->name);
	}
	if (n > IN_NO_CIDR_NAMED)
		buf_printf(&names, " and %u more", n - IN_NO_CIDR_NAMED);
	if (names.failed)
		diags_out_of_memory(l->diags);
	else if (first)
		diag_help(l->diags,
			  diag_warning(l->diags, "in-no-cidr", &first->at, "%s %s in no CIDR but the network itself",
				       names.p, n == 1 ? "is" : "are"),
			  "define a CIDR around %s, or give %s", n == 1 ? "its address" : "their addresses",
			  n == 1 ? "it an address in another one" : "them addresses in other ones");
	buf_free(&names);
}

/* Sorted: an outer prefix comes before what is in it, which is left out. */
static int keep_reuse(struct loader *l)
{
	size_t n = l->reuse.n / sizeof(struct prefix);
	struct prefix *all = arena_array(l->arena, n, sizeof(*all));
	uint32_t *kept = &l->model->n_reuse;

	if (!all)
		return -1;
	if (n) {
		memcpy(all, l->reuse.p, n * sizeof(*all));
		qsort(all, n, sizeof(*all), order_prefix_cmp);
	}
	l->model->reuse = all;
	for (size_t i = 0; i < n; i++)
		if (*kept == 0 || !prefix_covers(&all[*kept - 1], &all[i]))
			all[(*kept)++] = all[i];
	return 0;
}

int check_rules(struct loader *l)
{
	check_keys(l);
	check_servers(l);
	check_in_no_cidr(l);
	return check_routes(l) || keep_reuse(l) ? -1 : 0;
}
