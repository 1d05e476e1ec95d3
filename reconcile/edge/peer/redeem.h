/*
 * Joining a network: from an invitation to a peer that is converged for the first time.
 *
 * The peer's own private key is on the disk before anything is sent. An interrupted run goes on, with the same key, when
 * it is run again with the same invitation.
 */
#ifndef EDGE_REDEEM_H
#define EDGE_REDEEM_H

#include "reconcile/edge/config/invitation.h"
#include "reconcile/edge/peer/peer.h"

/*
 * 0 and *out, converged and with its first snapshot. -1 with diagnostics: an invitation that can never be redeemed leaves
 * nothing behind; one that got no answer leaves the file with the new key, and no interface. `interface`: the interface's
 * name; NULL: the network's, or that of the interrupted run. `progress` gets one line of text a step, for people; may be
 * NULL.
 */
int redeem(const struct peer_options *o, const struct invitation *inv, const char *interface,
	   void (*progress)(const char *text), struct this_peer **out, struct diags *d);

#endif
