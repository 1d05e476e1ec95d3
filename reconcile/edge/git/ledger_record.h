/* The ledger's small texts and where they stand on its branch; enrolments have theirs in sign.h. */
#ifndef EDGE_LEDGER_RECORD_H
#define EDGE_LEDGER_RECORD_H

#include "reconcile/wire/bundle.h"
#include "reconcile/wire/ledger.h"
#include "reconcile/wire/verify.h"

#define LEDGER_PATH_LEN      96
#define LEDGER_RECORD_MAX    ENROLMENT_MAX /* bytes of any record but a statement's */
#define LEDGER_STATEMENT_MAX (STATEMENT_MAX + 2 * SIGNERS_MAX * (SMALL_OBJECT_MAX + 32) + 128)

/* "enrolments" or "spent", and the invite; the last two bytes of an address make its folders. */
void ledger_key_path(char out[static LEDGER_PATH_LEN], const char *kind, const struct key *k);
void ledger_address_path(char out[static LEDGER_PATH_LEN], const struct addr *a);

/* `commit`: the hex of the revision that it was recorded for. */
void ledger_address_write(struct buf *out, const struct ledger_address *a, const char *commit);
void ledger_spent_write(struct buf *out, const struct key *invite, const char *commit);

/*
 * A statement that changed the signers, with the signatures of one server, as a bundle (bundle.h). It stands under the
 * hash of its bytes: each server has its own, and none changes another's.
 */
void ledger_statement_write(struct buf *out, const struct signed_text *s);
void ledger_statement_path(char out[static LEDGER_PATH_LEN], struct span bytes);
/* Points into `bytes`, arrays in the arena. Signatures are not checked. */
int ledger_statement_parse(struct arena *a, struct span bytes, struct signed_text *out, struct statement *parsed);

/* From bytes. -1 for anything that the two above would not write. `out->name` is not set. */
int ledger_address_parse(struct span bytes, struct ledger_address *out, char name[static NAME_MAX_LEN + 1]);
int ledger_spent_parse(struct span bytes, struct key *invite);

#endif
