/* One network as a machine in it sees it, with what WireGuard says about each peer: as text, and as JSON. */
#ifndef RECONCILE_SHOW_SHOW_RENDER_H
#define RECONCILE_SHOW_SHOW_RENDER_H

#include "reconcile/show/daemon_state.h"
#include "reconcile/text/tree.h"

struct shown {
	const char *network, *interface;
	const char *name; /* this machine's, before its first snapshot */
	const struct addr *ip;
	uint8_t n_ips;
	struct key public_key;             /* this machine's */
	bool redeemed;                     /* its invitation */
	bool from_definition;              /* `view` was made from a definition: it has no version */
	const struct view *view;           /* NULL: no snapshot yet */
	const struct device_state *device; /* `exists` may be false */
	const struct hint *own; /* what servers tell other peers of this machine; NULL: nothing is known of it */
	const struct daemon_state *daemon; /* of the one that runs; NULL: none does */
	int64_t now;
};

/* All of them set out->failed when out of memory. `brief`: one line a peer, no tree. */
void show_render_brief(struct buf *out, const struct shown *s);
void show_render_tree(struct buf *out, const struct shown *s, enum tree_style style);
json_t *show_render_json(const struct shown *s); /* new reference; NULL: out of memory */

#endif
