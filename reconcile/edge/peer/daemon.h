/*
 * `innernet up --daemon`: keeps the interfaces of some networks converged. Each network has one poll that a server holds,
 * and one look at its interface every few seconds, and whenever the kernel reports a change.
 */
#ifndef EDGE_DAEMON_H
#define EDGE_DAEMON_H

#include "reconcile/edge/peer/peer.h"

/*
 * Runs until SIGTERM or SIGINT and leaves the interfaces up. SIGHUP reads all files again. A network that
 * fails is logged and never stops another. 0, or -1 with diagnostics when none could be started.
 */
int daemon_run(const struct peer_options *o, const char *const *names, size_t n, struct diags *d);

#endif
