/*
 * What a peer keeps of where other peers were, for a start without a server or without DNS. Useful, never trusted.
 *
 *   innernet-hints 1
 *   hint <key b64> <ip:port>|- [<ip:port>,...]   (hint.h) by key, each once, each with an endpoint at least
 *   resolved <host:port> <ip:port>               where an endpoint by host name was
 *   end
 */
#ifndef RECONCILE_PLAN_HINTS_H
#define RECONCILE_PLAN_HINTS_H

#include "reconcile/plan/device.h"

struct hints {
	const struct hint *hints;
	const struct resolved *resolved;
	size_t n_hints, n_resolved;
};

/*
 * Writes at most HINTS_KEPT_MAX hints and RESOLVE_MAX names. `h->hints` is sorted by key, and all of them are usable;
 * names on a link alone, which say nothing after a restart, are left out.
 */
void hints_write(struct buf *out, const struct hints *h);
/* All strings are in the arena. -1 with a diagnostic ("bad-hints", "out-of-memory"); *out is empty then. */
int hints_parse(struct arena *a, struct span bytes, struct hints *out, struct diags *d);

#endif
