/*
 * The limits of reconcile/impact/guard.h in YAML: `guards:` of a server's own file, or the file of `innernet plan --guard`.
 * Every key is optional and has a default.
 *
 *   peers: 50            the most peers that one revision may cut off
 *   peers_percent: 20    the same in percent of all peers
 *   peers_free: 2        cutting off so few peers is always allowed
 *   pairs: 100000        the same for the pairs of peers that lose each other
 *   pairs_percent: 30
 *   pairs_free: 50
 *   keep_admin: true     refuse to remove the last admin
 *   default_routes: false  allow a new default route
 *   public_routes: false   allow a new route to public addresses
 *   widest_route: 8        the shortest prefix of a new IPv4 route
 *   widest_route6: 32      the same of an IPv6 route
 *   new_admins: false      allow a further admin
 *   server_moves: false    allow another address of a server, and other endpoints alone
 *   root_growth: false     allow the network's own prefix to cover new addresses
 *   formats_days: 30     refuse a format that a peer with a poll in so many days cannot read; 0: allow any format
 */
#ifndef EDGE_GUARD_FILE_H
#define EDGE_GUARD_FILE_H

#include "reconcile/edge/config/config.h"
#include "reconcile/impact/guard.h"

/*
 * One row for each key: its name, its member of struct guard_limits (a count or a bool), and the highest count. The code
 * that reads, writes and compares limits is generated from these rows.
 */
#define GUARD_PAIRS_MOST ((uint64_t)PEERS_MAX * PEERS_MAX)
#define GUARD_KEYS(KEY)                                                                                                \
	KEY(peers, peers.most, GUARD_PAIRS_MOST)                                                                       \
	KEY(peers_percent, peers.percent, 100)                                                                         \
	KEY(peers_free, peers.free, GUARD_PAIRS_MOST)                                                                  \
	KEY(pairs, pairs.most, GUARD_PAIRS_MOST)                                                                       \
	KEY(pairs_percent, pairs.percent, 100)                                                                         \
	KEY(pairs_free, pairs.free, GUARD_PAIRS_MOST)                                                                  \
	KEY(keep_admin, keep_admin, 1)                                                                                 \
	KEY(default_routes, default_routes, 1)                                                                         \
	KEY(public_routes, public_routes, 1)                                                                           \
	KEY(widest_route, widest_route, 32)                                                                            \
	KEY(widest_route6, widest_route6, 128)                                                                         \
	KEY(new_admins, new_admins, 1)                                                                                 \
	KEY(server_moves, server_moves, 1)                                                                             \
	KEY(root_growth, root_growth, 1)                                                                               \
	KEY(formats_days, formats_days, FORMATS_DAYS_MAX)

/* As libcyaml loads it: strings, NULL for a missing key. */
#define GUARD_MEMBER(name, member, max) char *name;
struct raw_guards {
	GUARD_KEYS(GUARD_MEMBER)
};
#undef GUARD_MEMBER
extern const cyaml_schema_field_t guard_fields[]; /* of a mapping to struct raw_guards */

/* Converts the strings; missing keys get defaults. Returns -1 with a diagnostic for each invalid value. */
int guard_values(const struct config_at *at, const struct raw_guards *raw, struct guard_limits *out);
/* The reverse. The strings of *out are in `room`. */
struct guard_texts {
	char text[sizeof(struct raw_guards) / sizeof(char *)][24];
};
void guard_raw(const struct guard_limits *g, struct guard_texts *room, struct raw_guards *out);
/* Parses or reads a file with these keys only. Codes: "bad-guard-file", and those of file_read(). */
int guard_file_parse(struct span bytes, const char *name, struct guard_limits *out, struct diags *d);
int guard_file_read(const char *path, struct guard_limits *out, struct diags *d);

#endif
