/*
 * Addresses that a moved peer keeps until it has polled from its new one; on the disk too. The turn keeps the list in
 * step with the revisions and checks that no other peer takes an address; a poll ends a move; the interface and the
 * lookup of the peer that asks read it.
 */
#ifndef EDGE_MOVES_H
#define EDGE_MOVES_H

#include "reconcile/edge/state/enrolments.h"

struct moves;

/* `freed` is called when an address is free: a revision may wait for that. NULL: out of memory. */
struct moves *moves_new(const struct served *s, const struct enrolments *e, void (*freed)(void *ctx), void *ctx);
void moves_free(struct moves *m); /* NULL is fine */
int moves_read(struct moves *m, struct diags *d);

/* Does `g` give an address to a peer while another one keeps it? -1 with diagnostics ("address-moving"). */
int moves_check(const struct moves *m, const struct revision *g, struct diags *d);
/*
 * Is each error of `d` such a one? The commit can then be tried again: the address becomes free without another push.
 */
bool moves_are_all(const struct diags *d);
/* Before `g` takes the place of the served revision: the addresses that its peers leave stay theirs for now. */
void moves_update(struct moves *m, const struct revision *g);
/* A peer polled: when that was from an address of its own, it has left the earlier ones. */
void moves_polled(struct moves *m, const struct key *mark, const struct addr *from);

/* The peer of the served revision that keeps this address. NONE. */
uint32_t moves_owner(const struct moves *m, const struct addr *old);
const struct move *moves_list(const struct moves *m, size_t *n); /* borrowed until the next change */

#endif
