/*
 * What a peer is made of: owners, each with a struct and a header of its own. Calls run down this list and never up; peer.c
 * holds them.
 *
 * For the files of this room that stand above peer.c (daemon, reporter, knocker, redeem, doctor) and for tests; not for
 * cmd/.
 */
#ifndef EDGE_PEER_PARTS_H
#define EDGE_PEER_PARTS_H

#include "reconcile/edge/peer/peer.h"

struct this_peer {
	struct peer_interface *interface; /* the WireGuard interface: keys, what was applied */
	struct peer_search *search;       /* for peers without a session: candidates, knocks */
	struct peer_hints *hints;         /* where other peers are: hints, host names */
	struct peer_held *held;           /* the last good snapshot, in memory and on the disk */
	struct peer_names *names;         /* the block of the hosts file */
	struct peer_file *file;           /* the network's own file, and the command line */
};

/*
 * "/v1/poll?have=S.L.H&wait=N&speak=F": the positions that it has, how long it would wait, and the newest format that it
 * reads.
 */
#define POLL_PATH_MAX 256
void peer_poll_path(const struct this_peer *p, unsigned wait_s, char out[static POLL_PATH_MAX]);

/*
 * Takes a server's reply: verified, and written to the disk before anything of it is used. *result says what became of
 * it, diagnostics why. -1 when this machine failed (disk, memory): the last good snapshot stays.
 */
int peer_take(struct this_peer *p, struct span reply, int64_t now, enum verify_result *result, struct diags *d);

#endif
