/*
 * Owner of the network's WireGuard interface on this machine: the keys that it runs with, and the state that was applied
 * last, from which a difference is another program's doing. It makes the state that the interface should have, plans,
 * applies, and reads again.
 *
 * Callers: peer.c, under the lock of the store; redeem.c sets the keys.
 */
#ifndef EDGE_PEER_INTERFACE_H
#define EDGE_PEER_INTERFACE_H

#include "reconcile/edge/peer/peer_search.h"

struct peer_interface;
/* All four outlive it. NULL: out of memory. */
struct peer_interface *peer_interface_new(const struct peer_file *f, const struct peer_held *held,
					  struct peer_hints *hints, struct peer_search *search, struct diags *d);
void peer_interface_free(struct peer_interface *i); /* NULL is fine; the interface stays as it is */

/* The keys from the next turn on, borrowed; at first those of the network's own file. */
void peer_interface_use_keys(struct peer_interface *i, const uint8_t *private_key, const struct key *public_key);
void peer_interface_use_own_keys(struct peer_interface *i);

/* What was applied last; NULL: nothing yet. Until the next turn. */
const struct device_state *peer_interface_last(const struct peer_interface *i);

/* What would have to be done now, in the arena; it points into what is held. NULL with diagnostics. */
struct plan *peer_interface_plan(struct peer_interface *i, struct arena *a, int64_t now, struct diags *d);

struct interface_turn {
	uint32_t n_ops, n_drift;
	uint32_t n_tries;              /* of the operations: those that only try another candidate */
	struct candidates_turn search; /* what else there is to do to find peers */
	bool link_added;               /* sockets bound to the interface are dead */
	int64_t ms;                    /* from the first look at the device to the last */
	char drift[160];               /* the first change of another program, for the log */
};
/* Plans, applies and reads again; the second plan must be empty. -1 with diagnostics: what was done stays done. */
int peer_interface_converge(struct peer_interface *i, int64_t now, enum search_how how, struct interface_turn *turn,
			    struct diags *d);

#endif
