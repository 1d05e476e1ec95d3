/*
 * Redemptions under way. One that is recorded on a remote waits until it is there. Each that is recorded is handed over:
 * the address stays with the invite's temporary key until the peer has its answer. The answer to a redemption begins
 * one, upstream.h lands or fails those that wait, and the interface reads which addresses are handed over.
 */
#ifndef EDGE_REDEMPTIONS_H
#define EDGE_REDEMPTIONS_H

#include "reconcile/edge/state/enrolments.h"

struct redemptions;

struct redemptions_calls {
	void (*wake)(void *ctx);        /* requests that wait can be answered */
	void (*handed_over)(void *ctx); /* an address moves to its new key */
	void *ctx;
};
/* `e` and `s` are borrowed. NULL: out of memory. */
struct redemptions *redemptions_new(const struct enrolments *e, const struct served *s,
				    const struct redemptions_calls *calls);
void redemptions_free(struct redemptions *r);            /* NULL is fine */
uint64_t redemptions_count(const struct redemptions *r); /* recorded since the start */

/* --- those that wait until they are on the remote --- */

/* A request to redeem came: for how many ms it is to be held. -1: it cannot be recorded now. *added: it is a new one. */
int64_t redemptions_begin(struct redemptions *r, const struct enrolment *x, bool *added);
/* The same of a request that is held already. */
int64_t redemptions_left(const struct redemptions *r, const struct enrolment *x);
bool redemptions_waiting(const struct redemptions *r);
/* All that wait, oldest first; in the arena, its elements borrowed. NULL: out of memory. */
const struct enrolment **redemptions_list(const struct redemptions *r, struct arena *a, size_t *n);
/* None can be recorded: each is answered so, and forgotten. */
void redemptions_fail(struct redemptions *r);
/* Each was decided elsewhere: each is answered, and forgotten. */
void redemptions_decided(struct redemptions *r);
/* The ledger moved: hands over those that are on it now, and forgets those that are decided. */
void redemptions_landed(struct redemptions *r);
/* After that, once the interface has the new keys: lets them be answered. */
void redemptions_answer(struct redemptions *r);

/* --- handing over --- */

/* A peer whose enrolment is recorded, and that still listens on its temporary key. */
struct handover {
	struct redemptions *of;
	struct key invite, key;
	bool answered; /* its answer is on its way: what comes of that moves the address */
	struct handover *next;
};
/* The enrolment was recorded. `answered`: the caller sends the answer. NULL: out of memory, the address moves at once. */
struct handover *redemptions_recorded(struct redemptions *r, const struct enrolment *x, bool answered);
/* The handover of an enrolment that was not answered yet; the caller sends the answer. NULL: there is none. */
struct handover *redemptions_to_answer(struct redemptions *r, const struct enrolment *x);
/* For http_answer(): the peer has its answer, or its connection broke; the address moves. `h` is a handover. */
void redemptions_acknowledged(void *h);
/* The first of the list. NULL: there is none. */
const struct handover *redemptions_handovers(const struct redemptions *r);

#endif
