/*
 * The daemon's half of reporting: it tells every server where this machine is, when that changes, when a server has
 * forgotten it, and after AFRESH_MS. It has a connection of its own, beside the poll that a server holds.
 */
#ifndef EDGE_REPORTER_H
#define EDGE_REPORTER_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer.h"

struct reporter;
/* `p` is borrowed and outlives it. The first report is due at once. NULL with a diagnostic. */
struct reporter *reporter_new(struct loop *loop, struct this_peer *p, struct diags *d);
void reporter_free(struct reporter *r); /* NULL is fine */

/* Addresses of this machine, or its port, may have changed: one report comes soon, for all changes until then. */
void reporter_changed(struct reporter *r);
/* After a turn: reports when the settings or the addresses of host names have changed. */
void reporter_look(struct reporter *r);
/* A server's reply was taken: the server is told again when it says something else of this machine. */
void reporter_heard(struct reporter *r, const struct addr *server);
void reporter_retry(struct reporter *r); /* servers answer again: do not wait for the back-off */

#endif
