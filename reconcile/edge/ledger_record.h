/* The ledger's small texts and where they stand on its branch; enrolments have theirs in sign.h. */
#ifndef EDGE_LEDGER_RECORD_H
#define EDGE_LEDGER_RECORD_H

#include "reconcile/ledger.h"

#define LEDGER_PATH_LEN   96
#define LEDGER_RECORD_MAX (2 * SMALL_OBJECT_MAX) /* bytes of any record */

/* "enrolments" or "spent", and the invite; the last two bytes of an address make its folders. */
void ledger_key_path(char out[static LEDGER_PATH_LEN], const char *kind, const struct key *k);
void ledger_address_path(char out[static LEDGER_PATH_LEN], const struct addr *a);

/* `commit`: the hex of the revision that it was recorded for. */
void ledger_address_write(struct buf *out, const struct ledger_address *a, const char *commit);
void ledger_spent_write(struct buf *out, const struct key *invite, const char *commit);

/* From bytes. -1 for anything that the two above would not write. `out->name` is not set. */
int ledger_address_parse(struct span bytes, struct ledger_address *out, char name[static NAME_MAX_LEN + 1]);
int ledger_spent_parse(struct span bytes, struct key *invite);

#endif
