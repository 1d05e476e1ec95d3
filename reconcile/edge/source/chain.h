/*
 * Statements that changed the signers, and the first of all, on a ledger that several servers share: each server records
 * those that it signed, with its signatures, and takes those of the other servers. So a peer that was away can follow the
 * changes at any of them, whichever of them made the changes.
 *
 * Any program that can write to the ledger could put anything there. So a statement is taken only when it is what its
 * commit, an ancestor of the published one, compiles to; and a signature only of a key that may sign that change.
 *
 * The turn imports, after it has looked at the ledger; upstream.h records.
 */
#ifndef EDGE_CHAIN_H
#define EDGE_CHAIN_H

#include "reconcile/edge/state/enrolments.h"

struct chain;

/* All is borrowed. NULL: out of memory. */
struct chain *chain_new(struct served *s, const struct enrolments *e, const struct server_config *c);
void chain_free(struct chain *c); /* NULL is fine */

/* Takes what is good of the ledger's statements, when it has new ones. */
void chain_import(struct chain *c, struct repo *repo);
/* What of the chain this server signed, as ledger_statement_write() has it; in the arena. -1: out of memory. */
int chain_records(const struct chain *c, struct arena *a, const struct span **out, size_t *n);

#endif
