/*
 * The daemon's half of reporting: every server is told where this machine is, when that changes, when a server has
 * forgotten it, and now and then. It has a connection of its own, beside the poll that is held.
 */
#ifndef EDGE_REPORTER_H
#define EDGE_REPORTER_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer.h"

struct reporter;
/* `p` is borrowed and outlives it. The first report is due at once. NULL with a diagnostic. */
struct reporter *reporter_new(struct loop *loop, struct this_peer *p, struct diags *d);
void reporter_free(struct reporter *r); /* NULL is fine */

/* Addresses of this machine, or its port, may be others: a report is made soon, once for all that happens till then. */
void reporter_changed(struct reporter *r);
/* After a turn: it notices by itself what people set, and names that resolve to something else. */
void reporter_look(struct reporter *r);
/* A server's reply was taken. What it says of this machine is not what was reported: it is told again. */
void reporter_heard(struct reporter *r, const struct addr *server);
void reporter_retry(struct reporter *r); /* servers answer again: no reason to wait any longer */

#endif
