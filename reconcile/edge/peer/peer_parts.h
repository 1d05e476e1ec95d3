/* What a peer is made of: for the files of this room. */
#ifndef EDGE_PEER_PARTS_H
#define EDGE_PEER_PARTS_H

#include "reconcile/edge/peer/peer.h"

struct this_peer {
	struct peer_file *file;
	struct peer_names *names;
	struct peer_held *held;
	struct peer_hints *hints;
	struct peer_search *search;
	/* What the interface is to run with: the config's, or an invite's temporary pair while it is redeemed. */
	const uint8_t *private_key;
	const struct key *public_key;
	/* What was applied last: a difference from it is somebody else's doing. */
	struct arena *last_arena;
	struct device_state *last;
	struct kept *last_of; /* a share: the names in `last` are in it */
};

/* "/v1/poll?have=S.L.H&wait=N": what it runs, and how long it would wait. */
#define POLL_PATH_MAX 256
void peer_poll_path(const struct this_peer *p, unsigned wait_s, char out[static POLL_PATH_MAX]);

/*
 * Takes a server's reply: verified, and written to disk before anything else happens. *result says what
 * became of it, diagnostics why. -1 when this machine failed (disk, memory): the last good one stays.
 */
int peer_take(struct this_peer *p, struct span reply, int64_t now, enum verify_result *result, struct diags *d);

#endif
