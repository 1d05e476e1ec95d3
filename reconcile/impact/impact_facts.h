/*
 * What a change does besides joining and parting pairs of peers, as facts: routes, the network's own prefixes, rights, servers,
 * trust, addresses, keys, settings. Each fact is of one kind; a kind without a fact did not change.
 *
 * Peers are rows of impact->peers. Routes, forwarding and rights count where their peer is enabled: those of a disabled
 * peer are in no interface. Addresses, keys, endpoints, names and CIDRs are of every peer.
 */
#ifndef RECONCILE_IMPACT_IMPACT_FACTS_H
#define RECONCILE_IMPACT_IMPACT_FACTS_H

#include "schema/addr.h"
#include "schema/buf.h"

/* In the order in which they are listed. */
enum fact_kind {
	FACTS_ROUTES,     /* prefixes outside the network, and the peers that get them */
	FACTS_NETWORK,    /* the network's own prefixes: each peer has a route to them */
	FACTS_ADMINS,     /* peers that may push the definition through the tunnel */
	FACTS_SERVERS,    /* their addresses, endpoints (with their ports) and keys */
	FACTS_TRUST,      /* signers, threshold, online keys, id */
	FACTS_IDENTITY,   /* the network's name and epoch */
	FACTS_FORWARDING, /* which peer forwards for which: `via` */
	FACTS_PEERS,      /* peers that come, go, are disabled or enabled */
	FACTS_CIDRS,      /* peers that stay, and are in another CIDR */
	FACTS_ADDRESSES,  /* of peers that stay */
	FACTS_KEYS,       /* of peers that stay; their invites too */
	FACTS_ENDPOINTS,  /* of peers that stay, and are no servers */
	FACTS_SETTINGS,   /* of the network and of peers that stay: MTU, keepalive */
	FACTS_NAMES,      /* of peers and CIDRs that stay: the names of hosts files */
	FACTS_TESTS,      /* what no test says any more */
	N_FACT_KINDS
};

enum fact_what {
	FACT_ROUTE_ADDED,   /* `prefix` goes through `peer`, for n_after peers */
	FACT_ROUTE_REMOVED, /* it went through `peer`, for n_before peers */
	FACT_ROUTE_MOVED,   /* it went through `other`, for n_before, and goes through `peer`, for n_after */
	FACT_ROUTE_VIA,     /* the same peer's, which another one forwards for: `before` and `after` are names */
	FACT_ROUTE_REACH,   /* the same peer's: of the peers that stay, `gained` more get it and `lost` do no longer */
	FACT_NETWORK_GROWS, /* `prefix` is covered now, but for `but`, which was; before, after: the family's own prefix */
	FACT_NETWORK_SHRINKS, /* `prefix` was covered, but for `but`, which still is */
	FACT_ADMIN_ADDED,
	FACT_ADMIN_REMOVED,
	FACT_ADMIN_REKEYED, /* it stays one, and another key has the right */
	FACT_SERVER_ADDED,
	FACT_SERVER_REMOVED,
	FACT_SERVER_ADDRESS,
	FACT_SERVER_ENDPOINT,
	FACT_SERVER_KEY,
	FACT_SIGNER_ADDED, /* `after`: the key */
	FACT_SIGNER_REMOVED,
	FACT_TRUST_SETTING, /* `label`: "threshold", "id", or "trust" where all of it comes or goes */
	FACT_ONLINE_ADDED,
	FACT_ONLINE_REMOVED,
	FACT_IDENTITY,     /* `label`: "network", "epoch" */
	FACT_VIA,          /* `before`, `after`: names of the peers that forwarded and forward for `peer`; NULL: none */
	FACT_PEER_ADDED,   /* `after`: its CIDR */
	FACT_PEER_REMOVED, /* `before`: its CIDR */
	FACT_PEER_DISABLED,
	FACT_PEER_ENABLED,
	FACT_PEER_MOVED, /* `before`, `after`: CIDRs */
	FACT_ADDRESS,
	FACT_KEY,            /* another WireGuard key */
	FACT_KEY_TO_INVITE,  /* an invite in the place of the key */
	FACT_INVITE_TO_KEY,  /* a key in the place of the invite */
	FACT_INVITE,         /* another invite */
	FACT_INVITE_EXPIRES, /* of the same invite */
	FACT_ENDPOINT,
	FACT_SETTING,      /* `label`: the key of `defaults:` */
	FACT_PEER_SETTING, /* `label`: the peer's key */
	FACT_PEER_NAME,
	FACT_CIDR_NAME,
	FACT_TEST_DROPPED, /* `before`: "builds cannot reach sales" */
	N_FACT_WHATS
};

struct impact_fact {
	enum fact_what what;
	uint32_t peer, other; /* impact->peers[...]; NONE */
	/* As texts, of this side; NULL: there is none. */
	const char *label, *before, *after;
	/* Of a route, and of the network. */
	struct prefix prefix, but;
	bool has_but;
	bool is_default;                          /* all addresses of its family */
	bool is_public;                           /* it covers an address of the public internet */
	uint64_t n_before, n_after, gained, lost; /* enabled peers, the route's own not among them */
	/* Of a peer that is new or moved: no CIDR but the network itself is around its address; it is disabled. */
	bool in_root, is_disabled;
	/* Of a peer that moved, its address being the same: its CIDR is new; its earlier CIDR is gone. */
	bool cidr_came, cidr_left;
};

struct impact_facts {
	struct impact_fact *list; /* by kind */
	uint32_t n;
	uint32_t first[N_FACT_KINDS + 1]; /* those of kind k: list[first[k]] ... list[first[k + 1] - 1] */
	/* Enabled servers had endpoints, and none of these endpoints is an enabled server's now: peers find no server. */
	bool endpoints_lost;
};

struct impact;
/* Fills im->facts: the last step of impact_new(). Nothing when either model is missing. -1: out of memory. */
int impact_facts_find(struct arena *a, struct impact *im);
/* What the tests of before say and those of after do not, each as a text: impact_facts_tests.c. -1: out of memory. */
int impact_facts_dropped(struct arena *a, const struct impact *im, const char ***out, uint32_t *n);

enum fact_kind fact_kind_of(enum fact_what what);
const char *fact_kind_title(enum fact_kind kind); /* "Routes:" */
const char *fact_kind_name(enum fact_kind kind);  /* "routes", as JSON has it */
const char *fact_what_name(enum fact_what what);  /* "route-added", as JSON has it */

/* Does it cover an address of the public internet? prefix_public.c */
bool prefix_is_public(const struct prefix *p);

/* All facts of a kind as one line without its end: "bob 10.60.1.2 -> 10.60.1.9, and 12 more". At most `most` are listed. */
void impact_facts_put(struct buf *out, const struct impact *im, enum fact_kind kind, uint32_t most);
/*
 * "routes, addresses, admins": those kinds that a reviewer asks for and that did not change, as words; nothing when each of
 * them did.
 */
void impact_facts_unchanged(struct buf *out, const struct impact *im);
bool impact_facts_same(const struct impact *im, enum fact_kind kind); /* it did not change */

#endif
