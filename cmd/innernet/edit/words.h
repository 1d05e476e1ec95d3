/* What people type for an edit: addresses, prefixes, names, how long an invitation is open. */
#ifndef CMD_INNERNET_EDIT_WORDS_H
#define CMD_INNERNET_EDIT_WORDS_H

#include "schema/addr.h"

/* "10.60.64.3", or one of each family as in "10.60.64.3,fd00:60::3"; IPv4 first in `out`. -1: it is not. */
int edit_read_ips(const char *s, struct addr out[static 2], uint8_t *n);
/*
 * "10.0.0.0/24", or one of each family. 0, or an enum prefix_error. On host bits *fixed (may be NULL) is the prefix
 * without them.
 */
int edit_read_prefixes(const char *s, struct prefix out[static 2], uint8_t *n, struct prefix *fixed);
/* "14d", "never" to seconds; 0: never. -1: neither. */
int edit_read_expiry(const char *s, int64_t *seconds);
#define EDIT_EXPIRY_DEFAULT "14d"

#endif
