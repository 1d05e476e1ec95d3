/*
 * Owner of the search for peers without a session, as reconcile/plan/candidates.h does it: what is remembered from one
 * turn to the next, the knocks that came for this machine, and the facts that decide where to look.
 *
 * Callers: peer_interface.c fills in a device's state; peer.c gives it the knocks of a reply; daemon.c starts it.
 */
#ifndef EDGE_PEER_SEARCH_H
#define EDGE_PEER_SEARCH_H

#include "reconcile/edge/peer/peer_hints.h"

/* What a turn does about peers without a session. */
enum search_how {
	SEARCH_STAY, /* a command: each peer keeps the candidate that it has */
	SEARCH_MOVE, /* on to the next candidate, where one is due */
	SEARCH_END,  /* the daemon's last turn: rounds that are under way end */
};

struct peer_search;
/* The three outlive it. NULL: out of memory. */
struct peer_search *peer_search_new(const struct peer_file *f, struct peer_held *held, const struct peer_hints *hints,
				    struct diags *d);
void peer_search_free(struct peer_search *s); /* NULL is fine */

/* The daemon: from now on turns are remembered. -1: out of memory. A command remembers nothing. */
int peer_search_remember(struct peer_search *s, struct diags *d);
const struct candidates *peer_search_candidates(const struct peer_search *s); /* NULL: a command */

/* Peers that asked a server to have this machine's NAT opened: those in the view, until the next turn. */
void peer_search_take_knocks(struct peer_search *s, const struct key *knocks, size_t n);
const struct key *peer_search_knocks(const struct peer_search *s, unsigned *n);

/* Fills in the endpoints and keepalives that the network leaves open in `want`. -1 with diagnostics. */
int peer_search_choose(struct peer_search *s, struct arena *a, struct device_state *want,
		       const struct device_state *there, int64_t now, enum search_how how, struct candidates_turn *out,
		       struct diags *d);

#endif
