/* A WireGuard interface as data: what we want, what is there, the difference, and the plan. */
#ifndef RECONCILE_PLAN_DEVICE_H
#define RECONCILE_PLAN_DEVICE_H

#include "reconcile/plan/op.h"
#include "reconcile/wire/verify.h"
#include <jansson.h>

struct device_peer {
	struct key key;
	struct prefix *allowed; /* sorted by prefix_cmp, unique */
	uint32_t n_allowed;
	struct sockpoint endpoint; /* port 0: none (desired: leave the one it has) */
	uint16_t keepalive;        /* seconds; 0: off */
	const char *name;          /* desired: for people; NULL: unknown */
	/*
	 * Desired: no endpoint, or no keepalive, is given: reconcile/plan/candidates.h chooses. Or it is given by host
	 * name.
	 */
	bool endpoint_open, keepalive_open, endpoint_named;
	/*
	 * Desired: its session answers no more, and is no reason to leave the endpoint, unless `rx` is another by now.
	 */
	bool lost;
	/* Observed only, but for rx. */
	bool has_psk;
	int64_t handshake; /* Unix seconds; 0: never */
	uint64_t rx, tx;   /* bytes */
};

int device_peer_cmp(const void *a, const void *b); /* for qsort(3): by key */
/* In an array sorted by key; the peer of the array. NULL: there is none. */
struct device_peer *device_peer_find(struct device_peer *peers, uint32_t n, const struct key *key);

#define SESSION_SECONDS 180 /* WireGuard's REJECT_AFTER_TIME (its paper, section 6.1) */
/* Had it a handshake within that time? `now` in Unix seconds. */
bool device_peer_is_live(const struct device_peer *p, int64_t now);

struct device_state {
	char name[NETWORK_MAX_LEN + 1];
	bool exists;
	bool up;
	bool has_key;
	struct key public_key; /* of its private key; the private one never enters a device_state */
	uint16_t listen_port;  /* desired 0: whatever it has */
	uint32_t fwmark;
	uint32_t mtu;
	struct device_peer *peers; /* sorted by key */
	uint32_t n_peers;
	struct prefix
	    *addresses; /* sorted; observed: as they are, 10.0.0.1/24 with its host bits; no link-local ones */
	uint32_t n_addresses;
	struct prefix *routes; /* unicast, table main, through this interface, not the kernel's own; sorted */
	uint32_t n_routes;
	bool userspace; /* observed: through the UAPI */
};

struct hosts_diff;
struct plan {
	const struct hosts_diff *names; /* of a peer's hosts file (reconcile/plan/hosts.h); NULL: not looked after */
	const struct device_state *desired, *observed;
	struct op *ops;
	uint32_t n_ops;
	uint32_t n_add, n_change, n_remove; /* as the summary line counts them */
};

/*
 * What differs, and only that. Linear: a sorted merge on binary keys. Endpoints: a live peer that is not lost
 * keeps the endpoint it has. `last`: what we applied before (NULL: unknown);
 * a difference from it on the device is drift. Returns NULL when out of memory.
 */
struct plan *device_diff(struct arena *a, const struct device_state *desired, const struct device_state *observed,
			 const struct device_state *last, int64_t now);
bool plan_is_empty(const struct plan *p); /* everything is as defined, the names too */
struct plan *device_teardown(struct arena *a, const struct device_state *observed);

/* Where an endpoint by host name is now, as the edge resolved it. Literal ones need no entry. */
struct resolved {
	const char *endpoint;
	struct sockpoint at;
};

/* Where people of this machine say that a peer is reached. */
struct local_endpoint {
	const char *name, *endpoint;
};

/* What is local to one machine: not in any snapshot. */
struct local {
	const char *interface; /* NULL: it has the network's name */
	const struct key *public_key;
	uint16_t listen_port; /* 0: any */
	uint32_t mtu;         /* 0: the network's */
	bool no_routing;
	const struct resolved *resolved;
	size_t n_resolved;
	const struct local_endpoint *endpoints; /* sorted by name: they win over the network's */
	size_t n_endpoints;
	const struct hint *hints; /* sorted by key; used for peers without an endpoint */
	size_t n_hints;
};

/* A peer's interface from its view. */
struct device_state *desired_for_view(struct arena *a, const struct view *v, const struct local *l);

/*
 * The server's interface from the model: every enabled peer that it may reach (all of them, being infra),
 * enrolled keys in the place of invites, each open invite with its temporary key (converted to X25519).
 * `now` decides which invites are open.
 */
struct device_state *desired_for_server(struct arena *a, const struct model *m, uint32_t self,
					const struct enrolment *enrolments, size_t n_enrolments, /* sorted by invite */
					int64_t now, const struct local *l);

#endif
