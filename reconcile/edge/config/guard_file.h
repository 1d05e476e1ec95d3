/*
 * The limits of reconcile/impact/guard.h as people write them: `guards:` of a server's own file, or a file of their own for
 * `innernet plan --guard`. All keys may be left out; the defaults stand for them then.
 *
 *   peers: 50            peers that one revision may cut off,
 *   peers_percent: 20    and how large a part of all,
 *   peers_free: 2        but for so few
 *   pairs: 100000        the same for the pairs of peers that it parts
 *   pairs_percent: 30
 *   pairs_free: 50
 *   keep_admin: true     refuse what takes the last admin away
 *   formats_days: 30     refuse a format that a peer does not read which polled in so many days; 0: any format goes
 */
#ifndef EDGE_GUARD_FILE_H
#define EDGE_GUARD_FILE_H

#include "reconcile/edge/config/config.h"
#include "reconcile/impact/guard.h"

/*
 * A row a key: its name, its member of struct guard_limits (a count, or true or false), and the highest count. Whatever
 * reads, writes or compares limits is made of these rows.
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
	KEY(formats_days, formats_days, FORMATS_DAYS_MAX)

/* As libcyaml loads it: strings, or NULL for what was left out. */
#define GUARD_MEMBER(name, member, max) char *name;
struct raw_guards {
	GUARD_KEYS(GUARD_MEMBER)
};
#undef GUARD_MEMBER
extern const cyaml_schema_field_t guard_fields[]; /* of a mapping to struct raw_guards */

/* -1 with a diagnostic for each value that is none. */
int guard_values(const struct config_at *at, const struct raw_guards *raw, struct guard_limits *out);
bool guard_is_default(const struct guard_limits *g);
/* The reverse: strings that live in `room`. */
struct guard_texts {
	char text[sizeof(struct raw_guards) / sizeof(char *)][24];
};
void guard_raw(const struct guard_limits *g, struct guard_texts *room, struct raw_guards *out);
/* A whole file of these keys; codes "bad-guard-file" and file_read()'s. */
int guard_file_parse(struct span bytes, const char *name, struct guard_limits *out, struct diags *d);
int guard_file_read(const char *path, struct guard_limits *out, struct diags *d);

#endif
