#include "reconcile/plan/device.h"

int device_peer_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct device_peer *)a)->key, &((const struct device_peer *)b)->key);
}

struct device_peer *device_peer_find(struct device_peer *peers, uint32_t n, const struct key *key)
{
	uint32_t lo = 0, hi = n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = key_cmp(&peers[mid].key, key);

		if (c == 0)
			return &peers[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* A clock that jumped far back leaves handshakes in the future: those say nothing, or they would pin an endpoint. */
bool device_peer_is_live(const struct device_peer *p, int64_t now)
{
	if (p->handshake <= 0)
		return false;
	int64_t age = now - p->handshake;
	return age <= SESSION_SECONDS && age >= -SESSION_SECONDS;
}
