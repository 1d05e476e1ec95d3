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

/* As libcyaml loads it: strings, or NULL for what was left out. */
struct raw_guards {
	char *peers, *peers_percent, *peers_free, *pairs, *pairs_percent, *pairs_free, *keep_admin, *formats_days;
};
extern const cyaml_schema_field_t guard_fields[]; /* of a mapping to struct raw_guards */

/* -1 with a diagnostic for each value that is none. */
int guard_values(const struct config_at *at, const struct raw_guards *raw, struct guard_limits *out);
bool guard_is_default(const struct guard_limits *g);
/* The reverse: strings that live in `room`. */
struct guard_texts {
	char text[8][24];
};
void guard_raw(const struct guard_limits *g, struct guard_texts *room, struct raw_guards *out);
/* A whole file of these keys; codes "bad-guard-file" and file_read()'s. */
int guard_file_parse(struct span bytes, const char *name, struct guard_limits *out, struct diags *d);
int guard_file_read(const char *path, struct guard_limits *out, struct diags *d);

#endif
