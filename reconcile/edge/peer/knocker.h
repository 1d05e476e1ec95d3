/*
 * The daemon's knocks: each server is asked to have a peer send to us, so that its NAT opens while ours is open. It has a
 * connection of its own, beside the poll that is held.
 */
#ifndef EDGE_KNOCKER_H
#define EDGE_KNOCKER_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer.h"

struct knocker;
/* `p` is borrowed and outlives it. NULL with a diagnostic. */
struct knocker *knocker_new(struct loop *loop, struct this_peer *p, struct diags *d);
void knocker_free(struct knocker *k); /* NULL is fine */

/*
 * At these peers, by their WireGuard keys. Those under way go first; what cannot be sent within a few seconds is dropped:
 * a knock is for now, and another attempt makes another.
 */
void knocker_ask(struct knocker *k, const struct key *keys, unsigned n);

#endif
