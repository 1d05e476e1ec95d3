#include "reconcile/edge/device/device_build.h"
#include "schema/order.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void device_build_reset(struct device_build *b)
{
	struct device_build kept = {
	    .peers = b->peers,
	    .cap_peers = b->cap_peers,
	    .allowed = b->allowed,
	    .cap_allowed = b->cap_allowed,
	};

	*b = kept;
}

void device_build_free(struct device_build *b)
{
	free(b->peers);
	free(b->allowed);
	memset(b, 0, sizeof(*b));
}

void *device_build_grow(void *p, uint32_t n, uint32_t *cap, size_t size, uint32_t max)
{
	uint32_t more = *cap ? *cap * 2 : 16;
	void *q;

	if (n < *cap)
		return p;
	if (n >= max)
		return NULL;
	if (more > max)
		more = max;
	q = reallocarray(p, more, size);
	if (q)
		*cap = more;
	return q;
}

struct device_peer *device_build_peer(struct device_build *b, const struct key *key)
{
	struct device_peer *p;

	if (b->n_peers && key_eq(&b->peers[b->n_peers - 1].key, key))
		return &b->peers[b->n_peers - 1];
	p = device_build_grow(b->peers, b->n_peers, &b->cap_peers, sizeof(*p), DEVICE_PEERS_MAX);
	if (!p)
		return NULL;
	b->peers = p;
	p = &b->peers[b->n_peers++];
	memset(p, 0, sizeof(*p));
	p->key = *key;
	return p;
}

int device_build_allowed(struct device_build *b, const struct prefix *p)
{
	struct prefix *grown;

	if (!b->n_peers || p->len > 128 || b->n_allowed >= DEVICE_ALLOWED_MAX)
		return -EBADMSG;
	grown = device_build_grow(b->allowed, b->n_allowed, &b->cap_allowed, sizeof(*p), DEVICE_ALLOWED_MAX);
	if (!grown)
		return -ENOMEM;
	b->allowed = grown;
	b->allowed[b->n_allowed] = *p;
	prefix_clear_host_bits(&b->allowed[b->n_allowed]);
	b->n_allowed++;
	b->peers[b->n_peers - 1].n_allowed++;
	return 0;
}

int device_build_finish(const struct device_build *b, struct arena *a, struct device_state *s)
{
	struct device_peer *peers = arena_array(a, b->n_peers ? b->n_peers : 1, sizeof(*peers));
	struct prefix *allowed = arena_array(a, b->n_allowed ? b->n_allowed : 1, sizeof(*allowed));

	if (!peers || !allowed)
		return -ENOMEM;
	if (b->n_peers)
		memcpy(peers, b->peers, b->n_peers * sizeof(*peers));
	if (b->n_allowed)
		memcpy(allowed, b->allowed, b->n_allowed * sizeof(*allowed));
	for (uint32_t i = 0; i < b->n_peers; i++) {
		uint32_t n = peers[i].n_allowed;

		peers[i].allowed = allowed;
		peers[i].n_allowed = order_prefixes(allowed, n);
		allowed += n;
	}
	if (b->n_peers > 1)
		qsort(peers, b->n_peers, sizeof(*peers), device_peer_cmp);
	for (uint32_t i = 1; i < b->n_peers; i++) {
		if (key_eq(&peers[i - 1].key, &peers[i].key))
			return -EAGAIN;
	}
	s->has_key = b->has_key;
	s->public_key = b->public_key;
	s->listen_port = b->listen_port;
	s->fwmark = b->fwmark;
	s->peers = peers;
	s->n_peers = b->n_peers;
	return 0;
}
