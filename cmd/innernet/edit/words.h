/* Parsers for the values of edit options: addresses, prefixes, and the time that an invitation is open. */
#ifndef CMD_INNERNET_EDIT_WORDS_H
#define CMD_INNERNET_EDIT_WORDS_H

#include "schema/addr.h"

/* Parses "10.60.64.3", or one of each family as in "10.60.64.3,fd00:60::3". IPv4 is first in `out`. -1: invalid. */
int edit_read_ips(const char *s, struct addr out[static 2], uint8_t *n);
/*
 * Parses "10.0.0.0/24", or one of each family, in the given order. Returns 0 or an enum prefix_error. For
 * PREFIX_HOST_BITS *fixed (may be NULL) is the prefix without the host bits.
 */
int edit_read_prefixes(const char *s, struct prefix out[static 2], uint8_t *n, struct prefix *fixed);
/* Parses "14d" or "never" (0) to seconds. Returns -1 when it is neither. */
int edit_read_expiry(const char *s, int64_t *seconds);
#define EDIT_EXPIRY_DEFAULT "14d"

#endif
