/*
 * The daemon's knocks: it asks each server to have a peer send to this machine, so that both NATs are open at one time. It
 * has a connection of its own, beside the poll that a server holds.
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
 * At these peers, by their WireGuard keys, after the knocks that are queued. A knock that cannot be sent within LATE_MS is
 * dropped: the peer's next round makes another one.
 */
void knocker_ask(struct knocker *k, const struct key *keys, unsigned n);

#endif
