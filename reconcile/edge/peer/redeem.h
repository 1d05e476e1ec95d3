/*
 * Joining a network: from an invitation to a peer that is converged for the first time.
 *
 * The peer's own private key is on disk before anything is sent. It may be interrupted at any point and run
 * again with the same invitation: it goes on where it stopped, with the same key.
 */
#ifndef EDGE_REDEEM_H
#define EDGE_REDEEM_H

#include "reconcile/edge/config/invitation.h"
#include "reconcile/edge/peer/peer.h"

/*
 * 0 and *out, converged and with its first snapshot. -1 with diagnostics: an invitation that can never be
 * redeemed leaves nothing behind; one that got no answer leaves the file with the new key (to go on with), but
 * no interface. `interface`: what that is called here; NULL: as the network, or as it was called when this goes on.
 * `progress` gets one line of text a step, for people; may be NULL.
 */
int redeem(const struct peer_options *o, const struct invitation *inv, const char *interface,
	   void (*progress)(const char *text), struct this_peer **out, struct diags *d);

/* Takes the interface away; the files stay. *gone: there was none. For `innernet down` as well. */
int interface_remove(const char *ifname, enum device_backend backend, bool *gone, struct diags *d);

#endif
