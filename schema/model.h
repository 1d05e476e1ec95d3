/*
 * What a network is: the model that a definition means, network.yaml(5).
 *
 * Everything is allocated from one arena and immutable once loaded. Strings are NUL-terminated,
 * valid by the grammar (names are host names), never NULL unless said.
 */
#ifndef SCHEMA_MODEL_H
#define SCHEMA_MODEL_H

#include "schema/addr.h"
#include "schema/diag.h"
#include "schema/key.h"

#define NONE UINT32_MAX /* no such index */

struct cidr {
	const char *name;
	const char *description; /* NULL: none */
	struct prefix prefix[2]; /* IPv4 first */
	uint8_t n_prefixes;      /* 1 or 2 */
	bool isolated;
	bool infra;                         /* a server: true peer, disabled or not, is directly in it */
	uint32_t parent;                    /* NONE for the root */
	uint32_t depth;                     /* 0 for the root */
	uint32_t first_child, next_sibling; /* in the order of the CIDR key; NONE ends */
	uint32_t first_peer, n_peers; /* its own peers, disabled too: model->by_cidr[first_peer ...], by address key */
	struct place at;              /* its name */
	struct place at_prefix[2];
};

/* What a leaf (reconcile/wire/object.h) says of a peer, and therefore what other peers know of it. */
#define LEAF_PEER                                                                                                      \
	const char *name;                                                                                              \
	const char *endpoint;              /* canonical "host:port"; NULL: none */                                     \
	const char *const *more_endpoints; /* of format 2: besides `endpoint`, which is there and comes first */       \
	const char *via;                   /* the peer that forwards for it; NULL: it is reached directly */           \
	struct prefix *routes;             /* sorted */                                                                \
	const uint16_t *metrics;           /* of format 2: one a route, 0: none; NULL: no route has one */             \
	struct addr ip[2];                 /* IPv4 first */                                                            \
	struct key key;                    /* its WireGuard public key, or its invite's Ed25519 key */                 \
	uint32_t n_routes;                                                                                             \
	int32_t keepalive; /* seconds; -1: not given */                                                                \
	uint8_t n_ips;     /* 1 or 2 */                                                                                \
	uint8_t n_more_endpoints;                                                                                      \
	bool server
struct leaf_peer {
	LEAF_PEER;
};

struct peer {
	union {
		struct {
			LEAF_PEER;
		};
		struct leaf_peer leaf; /* the same members, as one */
	};
	const char *description; /* NULL: none */
	const char *extra;       /* of format 2: x- lines, each ended by LF, in their order; NULL: none */
	struct key temporary;    /* of an invite: the WireGuard key that it is until it is redeemed */
	int64_t invite_expires;  /* Unix seconds; 0: never, or no invite */
	uint32_t cidr;           /* the innermost that contains its addresses */
	bool is_invite;          /* `key` is an invite */
	bool admin, disabled;
	struct place at; /* its name */
	struct place at_ip, at_key, at_endpoint, at_routes, at_via;
};

struct association {
	uint32_t a, b; /* CIDRs, a <= b */
	struct place at, at_a, at_b;
};

/* What a test names: a peer, a CIDR or an address. */
enum ref_kind { REF_PEER, REF_CIDR, REF_ADDR };
struct ref {
	enum ref_kind kind;
	uint32_t index; /* of the peer or CIDR; for an address, of the peer that has it, or NONE */
	struct addr addr;
	const char *text; /* as it was written */
	struct place at;
};
struct reach_test {
	struct ref *from; /* `from` takes one or a list */
	struct ref *can, *cannot;
	uint32_t n_from, n_can, n_cannot;
	struct place at;
};

struct trust {
	struct key id;
	struct key signers[SIGNERS_MAX]; /* sorted bytewise, unique */
	struct key online[SIGNERS_MAX];  /* in effect: the signers, when left out; sorted */
	uint8_t n_signers, n_online;
	uint8_t threshold; /* 1..n_signers */
	bool present;      /* false: `trust` was left out (a definition that no server has) */
	struct place at;
};

/* Indices for the lookups below. */
struct cidr_prefix {
	struct prefix prefix;
	uint32_t cidr;
	uint32_t around; /* index of the innermost other prefix around it, of either family; NONE */
};
struct peer_addr {
	struct addr addr;
	uint32_t peer;
};

struct model {
	const char *network;
	struct trust trust;
	uint64_t epoch;
	uint16_t mtu, keepalive, confirm; /* the defaults in effect; no key sets `confirm` yet */
	struct cidr *cidrs;               /* [0] is the root; then sorted by CIDR key */
	struct peer *peers;               /* sorted by address key */
	struct association *associations; /* in the order of the files, unique */
	struct reach_test *tests;
	struct prefix *reuse;                    /* sorted; none is in another one */
	uint32_t *by_cidr;                       /* peer indices grouped by CIDR, see struct cidr */
	uint32_t *cidrs_by_name, *peers_by_name; /* indices sorted by name */
	struct cidr_prefix *by_prefix;           /* every prefix of every CIDR, sorted */
	struct peer_addr *by_addr;               /* every address of every peer, sorted */
	uint32_t n_prefixes, n_addrs;
	uint32_t n_cidrs, n_peers, n_associations, n_tests, n_reuse;
	const char *const *files;   /* names, [0] is the root file: place.file */
	const struct span *sources; /* their bytes (borrowed from the caller) */
	uint32_t n_files;
	struct place at_network, at_root_prefix;
};

uint32_t model_cidr_by_name(const struct model *m, const char *name); /* NONE */
uint32_t model_peer_by_name(const struct model *m, const char *name);
uint32_t model_peer_by_addr(const struct model *m, const struct addr *a);
uint32_t model_cidr_of_addr(const struct model *m, const struct addr *a); /* innermost; NONE: outside the network */
bool model_has_server(const struct model *m);
bool model_cidr_under(const struct model *m, uint32_t cidr, uint32_t top); /* itself counts */
/* The lowest free host address of a CIDR (and of no CIDR under it). -1 when it is full. `family`: 0 IPv4, 1 IPv6. */
int model_next_free(const struct model *m, uint32_t cidr, int family, struct addr *out);

/* The lowest prefix of that length within another one that overlaps no CIDR in there. `len` counts from 128 bits. -1: none. */
int model_next_free_prefix(const struct model *m, const struct prefix *in, unsigned len, struct prefix *out);

/* Whether an address is its prefix's network address, or (IPv4) its broadcast address. */
bool addr_is_reserved(const struct prefix *p, const struct addr *a);

/* The address key that orders a peer (its IPv4 address where it has one), and the one that orders a CIDR. */
const struct addr *peer_order(const struct peer *p);
bool peer_has_addr(const struct peer *p, const struct addr *a);
/* The same key, or the same invite. */
bool peer_same_mark(const struct peer *a, const struct peer *b);
int cidr_order_cmp(const struct cidr *a, const struct cidr *b);

bool name_valid(const char *s, size_t n); /* RFC 1123 label, lower case, at most 63 */
/* The same, at most 15: an interface's, so neither its loopback's nor the kernel's own under /proc/sys/net/ipv4/conf. */
bool network_name_valid(const char *s, size_t n);
extern const char *const network_names_taken[]; /* those that are not; ends with NULL */
/* Of the network itself, which every peer has a route to: that must not be the machine's default route. */
bool network_prefix_valid(const struct prefix *p);
/* Canonical "host:port" (lower case, no trailing dot, IPv6 shortest in brackets) or NULL when it is not an endpoint. */
const char *endpoint_canonical(struct arena *a, const char *s, size_t n);

#endif
