#include "reconcile/plan/wg_quick.h"

#include "reconcile/plan/device.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

bool wg_quick_has(const struct wg_quick *q, uint32_t peer)
{
	const struct view_peer *p = &q->view->peers[peer];

	return peer != q->view->self && !p->pending && (q->all || p->endpoint || view_peer_via(q->view, peer));
}

/* With the length of the network: as on our own interfaces, all of it is behind this one. */
static void put_addresses(struct buf *out, const struct view *v)
{
	const struct view_peer *self = &v->peers[v->self];
	const struct view_cidr *root = &v->cidrs[v->root];
	char text[ADDR_STR_LEN];

	for (unsigned i = 0; i < self->n_ips; i++) {
		unsigned length = 0;

		for (unsigned j = 0; j < root->n_prefixes; j++)
			if (prefix_has(&root->prefix[j], &self->ip[i]))
				length = prefix_wire_len(&root->prefix[j]);
		addr_format(&self->ip[i], text);
		buf_printf(out, "%s%s/%u", i ? ", " : "Address = ", text, length);
	}
	buf_char(out, '\n');
}

/* Other peers call the endpoint that the definition has. */
static void put_port(struct buf *out, const struct view_peer *self)
{
	const char *colon = self->endpoint ? strrchr(self->endpoint, ':') : NULL;

	if (colon)
		buf_printf(out, "ListenPort = %s\n", colon + 1);
}

/*
 * All that goes through the forwarding peer: the CIDRs of the reached peers, so that a peer that comes into one of them
 * later is reached too, and no CIDR besides; and what is behind them. `out` has room for all; how many.
 */
static uint32_t reached(const struct view *v, bool *has_peers, struct prefix *out)
{
	uint32_t n = 0, kept = 0;

	for (uint32_t i = 0; i < v->n_peers; i++) {
		if (i == v->self)
			continue;
		has_peers[v->peers[i].cidr] = true;
		for (uint32_t k = 0; k < v->peers[i].n_routes; k++)
			out[n++] = v->peers[i].routes[k];
	}
	for (uint32_t i = 0; i < v->n_cidrs; i++)
		for (unsigned k = 0; has_peers[i] && k < v->cidrs[i].n_prefixes; k++)
			out[n++] = v->cidrs[i].prefix[k];
	qsort(out, n, sizeof(*out), order_prefix_cmp);
	/* A prefix comes before those within it. */
	for (uint32_t i = 0; i < n; i++)
		if (!kept || !prefix_covers(&out[kept - 1], &out[i]))
			out[kept++] = out[i];
	return kept;
}

/* What `d` has allowed, when it forwards for the peer of this configuration. */
static int widen(struct arena *a, const struct view *v, struct device_peer *d)
{
	size_t n = 2 * (size_t)v->n_cidrs;
	bool *has_peers = arena_array(a, v->n_cidrs, sizeof(*has_peers));

	for (uint32_t i = 0; i < v->n_peers; i++)
		n += v->peers[i].n_routes;
	d->allowed = arena_array(a, n, sizeof(*d->allowed));
	if (!has_peers || !d->allowed)
		return -1;
	d->n_allowed = reached(v, has_peers, d->allowed);
	return 0;
}

static void put_peer(struct buf *out, const struct wg_quick *q, const struct view_peer *p, const struct device_peer *d)
{
	char key[KEY_B64_LEN + 1], text[PREFIX_STR_LEN];

	key_format(&d->key, key);
	buf_str(out, "\n[Peer]\n");
	if (q->comments)
		buf_printf(out, "# %s\n", p->name);
	buf_printf(out, "PublicKey = %s\n", key);
	for (uint32_t i = 0; i < d->n_allowed; i++) {
		prefix_format(&d->allowed[i], text);
		buf_printf(out, "%s%s", i ? ", " : "AllowedIPs = ", text);
	}
	buf_char(out, '\n');
	if (p->endpoint)
		buf_printf(out, "Endpoint = %s\n", p->endpoint);
	if (d->keepalive)
		buf_printf(out, "PersistentKeepalive = %u\n", (unsigned)d->keepalive);
}

int wg_quick_render(struct buf *out, const struct wg_quick *q, const char *private_key)
{
	const struct view *v = q->view;
	const struct view_peer *self = &v->peers[v->self];
	const struct local l = {.public_key = &self->key};
	struct arena *a = arena_new();
	/* What its interface would be, if it ran innernet. */
	struct device_state *want = a ? desired_for_view(a, v, &l) : NULL;

	if (want) {
		buf_str(out, "[Interface]\n");
		if (q->comments)
			buf_printf(out, "# %s, in the network %s\n", self->name, v->statement.network);
		buf_printf(out, "PrivateKey = %s\n", private_key);
		put_addresses(out, v);
		put_port(out, self);
		buf_printf(out, "MTU = %u\n", (unsigned)want->mtu);
	}
	for (uint32_t i = 0; want && i < v->n_peers; i++) {
		struct device_peer *d =
		    wg_quick_has(q, i) ? device_peer_find(want->peers, want->n_peers, &v->peers[i].key) : NULL;
		if (d && self->via && widen(a, v, d)) {
			want = NULL;
			break;
		}
		if (d)
			put_peer(out, q, &v->peers[i], d);
	}
	arena_free(a);
	return want && !out->failed ? 0 : -1;
}
