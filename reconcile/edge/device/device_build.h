/*
 * A device_state that comes in pieces: messages of a netlink dump, lines of a UAPI reply. What is outside the
 * bounds, or a peer that comes twice, is refused; nothing half-filled gets out.
 */
#ifndef EDGE_DEVICE_BUILD_H
#define EDGE_DEVICE_BUILD_H

#include "reconcile/plan/device.h"

struct device_build {
	bool has_key;
	struct key public_key;
	uint16_t listen_port;
	uint32_t fwmark;
	struct device_peer *peers; /* in the order they came; `allowed` is not set yet */
	uint32_t n_peers, cap_peers;
	struct prefix *allowed; /* of all peers, one after the other */
	uint32_t n_allowed, cap_allowed;
};

/* Zero-initialise. reset() starts over and keeps the memory; free() when done. */
void device_build_reset(struct device_build *b);
void device_build_free(struct device_build *b);

/*
 * The peer of this key: a new one, or the last one again, because netlink splits a peer with many allowed IPs
 * (wireguard.h, WG_CMD_GET_DEVICE). NULL when out of memory or above DEVICE_PEERS_MAX.
 */
struct device_peer *device_build_peer(struct device_build *b, const struct key *key);

/* An allowed IP of the last peer; host bits are cleared. -ENOMEM, or -EBADMSG without a peer or above the bound. */
int device_build_allowed(struct device_build *b, const struct prefix *p);

/* Sorts, and moves everything into `s`. -ENOMEM, or -EAGAIN when a peer came twice: the dump is not one moment's. */
int device_build_finish(const struct device_build *b, struct arena *a, struct device_state *s);

/* Grows a malloc'ed array for one more element, doubling, up to `max` elements. NULL: the old one stays as it is. */
void *device_build_grow(void *p, uint32_t n, uint32_t *cap, size_t size, uint32_t max);

#endif
