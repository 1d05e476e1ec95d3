/*
 * A definition that is on a remote: looked at on an interval and when a person asks, with the ledger and the notes
 * written there. One thing at a time, in this order: the look that is due, what is to be recorded, the notes. A
 * redemption counts when it is on the remote, and its request waits for that; while the remote is away all else stays as
 * it is.
 *
 * The turn opens it and lets it go on; a redemption that waits lets it go on too. Without a remote each function does
 * nothing.
 */
#ifndef EDGE_UPSTREAM_H
#define EDGE_UPSTREAM_H

#include "reconcile/edge/source/chain.h"
#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/notes.h"
#include "reconcile/edge/state/redemptions.h"

struct upstream;

/* All of it is borrowed. */
struct upstream_uses {
	const struct server_config *config;
	const char *data_dir;
	const struct served *served;
	struct enrolments *enrolments;
	struct redemptions *redemptions;
	struct conditions *conditions;
	struct notes *notes;
	const struct chain *chain;
};
struct upstream_calls {
	/* The remote was looked at, or that failed: look at the repository here. `word`: of the request to look; "": none. */
	void (*looked)(void *ctx, const char *word, bool failed);
	void (*landed)(void *ctx); /* the ledger moved */
	void (*pushed)(void *ctx); /* a push ended: Ready may be another */
	void *ctx;
};
/* `watch`: looks on the interval, not only when it is told to. NULL: out of memory. */
struct upstream *upstream_new(struct loop *l, bool watch, const struct upstream_uses *uses,
			      const struct upstream_calls *calls);
int upstream_open(struct upstream *u, struct repo *mirror, struct diags *d); /* once; -1 with diagnostics */
void upstream_free(struct upstream *u);                                      /* NULL is fine */

void upstream_look(struct upstream *u); /* soon */
void upstream_go(struct upstream *u);   /* does what is due, if it does nothing yet */
/* For a single turn: runs the loop until nothing is due. With a look: that one first. */
void upstream_look_and_settle(struct upstream *u);
void upstream_settle(struct upstream *u);
/* A redemption began to wait for the remote. `added`: it is a new one. */
void upstream_redeem(struct upstream *u, bool added);
/*
 * Has a commit to wait until the one before it is recorded? What it is judged by must have the addresses of that one.
 * Then `looked` is called as soon as it is.
 */
bool upstream_postpones(struct upstream *u);

bool upstream_exists(const struct upstream *u);       /* there is a remote, and it is open */
unsigned upstream_failures(const struct upstream *u); /* looks that failed, in a row */
json_t *upstream_json(const struct upstream *u);      /* for the status: how the remote is reached */

#endif
