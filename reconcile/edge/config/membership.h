/*
 * The facts that a peer has about its network before its first snapshot. An invitation and a peer's own file both have
 * them: here as values and as the fields of both YAML files.
 */
#ifndef EDGE_MEMBERSHIP_H
#define EDGE_MEMBERSHIP_H

#include "reconcile/edge/config/config.h"
#include "reconcile/wire/verify.h"

/* A server: the facts to reach it the first time. */
struct server_ref {
	char name[NAME_MAX_LEN + 1];
	struct key public_key;
	struct addr ip[2]; /* IPv4 first */
	uint8_t n_ips;
	char endpoint[ENDPOINT_MAX_LEN + 1]; /* canonical host:port */
};

struct membership {
	char network[NETWORK_MAX_LEN + 1]; /* the interface's name too */
	char name[NAME_MAX_LEN + 1];       /* the peer's name; the name in a snapshot replaces it */
	struct addr ip[2];                 /* the peer's addresses */
	uint8_t n_ips;
	struct prefix root[2]; /* the network's prefixes, for the routes */
	uint8_t n_root;
	struct trust trust;   /* pinned: id, signers, threshold, online; `present` is true */
	struct version floor; /* the peer refuses a snapshot with a lower version (rollback) */
	struct server_ref servers[SERVERS_MAX];
	uint8_t n_servers; /* at least 1 */
	uint16_t mtu, keepalive;
};

/* The same as libcyaml loads it: unchecked strings. */
struct raw_server {
	char *name, *public_key, *endpoint;
	char **addresses;
	unsigned n_addresses;
};
struct raw_floor {
	char *epoch, *number;
};
struct raw_membership {
	char *version, *network, *id, *name, *threshold, *mtu, *keepalive;
	char **addresses, **cidrs, **signers, **online;
	unsigned n_addresses, n_cidrs, n_signers, n_online;
	struct raw_floor floor;
	struct raw_server *servers;
	unsigned n_servers;
};
extern const cyaml_schema_field_t raw_floor_fields[];
extern const cyaml_schema_value_t raw_string, raw_server_value;

#define RAW_STRING(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define RAW_OPTIONAL(key, type, member)                                                                                \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)
#define RAW_LIST(key, type, member, min, max)                                                                          \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, type, member, n_##member, &raw_string, min, max)

/* The fields of a `struct raw_membership` that is the first member, `m`, of `type`. */
#define RAW_MEMBERSHIP_FIELDS(type)                                                                                    \
	RAW_STRING("version", type, m.version), RAW_STRING("network", type, m.network), RAW_STRING("id", type, m.id),  \
	    RAW_STRING("name", type, m.name), RAW_SUBLIST("addresses", type, addresses, 1, 2),                         \
	    RAW_SUBLIST("cidrs", type, cidrs, 1, 2), RAW_SUBLIST("signers", type, signers, 1, SIGNERS_MAX),            \
	    RAW_STRING("threshold", type, m.threshold), RAW_SUBLIST("online", type, online, 1, SIGNERS_MAX),           \
	    CYAML_FIELD_MAPPING("floor", CYAML_FLAG_DEFAULT, type, m.floor, raw_floor_fields),                         \
	    CYAML_FIELD_SEQUENCE_COUNT("servers", CYAML_FLAG_POINTER, type, m.servers, m.n_servers, &raw_server_value, \
				       1, SERVERS_MAX),                                                                \
	    RAW_STRING("mtu", type, m.mtu), RAW_STRING("keepalive", type, m.keepalive)
#define RAW_SUBLIST(key, type, list, min, max)                                                                         \
	CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, type, m.list, m.n_##list, &raw_string, min, max)

/* Checks and converts every value. Returns -1 with a diagnostic for each invalid one. */
int membership_from_raw(const struct config_at *at, const struct raw_membership *r, struct membership *out);
/* The reverse, in the arena: it has no secret. Returns -1 when memory runs out. */
int membership_to_raw(struct arena *a, const struct membership *m, struct raw_membership *out);

#endif
