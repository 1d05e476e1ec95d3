#include "reconcile/wg_quick.h"

#include "reconcile/device.h"

#include <stdlib.h>
#include <string.h>

bool wg_quick_has(const struct wg_quick *q, uint32_t peer)
{
	const struct view_peer *p = &q->view->peers[peer];

	return peer != q->view->self && !p->pending && (q->all || p->endpoint);
}

static int device_key_cmp(const void *key, const void *peer)
{
	return key_cmp(key, &((const struct device_peer *)peer)->key);
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

/* Others call the endpoint that the definition has. */
static void put_port(struct buf *out, const struct view_peer *self)
{
	const char *colon = self->endpoint ? strrchr(self->endpoint, ':') : NULL;

	if (colon)
		buf_printf(out, "ListenPort = %s\n", colon + 1);
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
	const struct device_state *want = a ? desired_for_view(a, v, &l) : NULL;

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
		const struct device_peer *d =
		    wg_quick_has(q, i) && want->n_peers
			? bsearch(&v->peers[i].key, want->peers, want->n_peers, sizeof(*want->peers), device_key_cmp)
			: NULL;
		if (d)
			put_peer(out, q, &v->peers[i], d);
	}
	arena_free(a);
	return want && !out->failed ? 0 : -1;
}
