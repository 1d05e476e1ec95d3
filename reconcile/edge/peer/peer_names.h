/*
 * Owner of a network's block of names in this machine's hosts file. A turn writes it after the interface; what is wrong
 * with it is a warning and never stops the interface.
 *
 * Callers: peer.c. peer_names_remove() is for `uninstall` and peer_definition.c as well.
 */
#ifndef EDGE_PEER_NAMES_H
#define EDGE_PEER_NAMES_H

#include "reconcile/edge/peer/hosts.h"
#include "reconcile/edge/peer/peer_file.h"
#include "reconcile/plan/hosts.h"

struct peer_names;
struct peer_names *peer_names_new(const struct peer_file *f,
				  struct diags *d); /* `f` outlives it. NULL: out of memory */
void peer_names_free(struct peer_names *n);         /* NULL is fine */

/*
 * What differs in the file. NULL when no names are written, when there is no view, or with a warning.
 */
struct hosts_diff *peer_names_plan(const struct peer_names *n, struct arena *a, const struct view *v, struct diags *d);

struct names_turn {
	uint32_t n_lines; /* that were added or removed */
	bool wrote;
	bool later;        /* another process has the lock of the hosts file */
	char drift[160];   /* another program had changed the block: for the log; "": none had */
	char problem[256]; /* why the names are not as they should be; "": they are */
};
/* Writes the block. `serial`, never 0, is another one when `v` is: the same view is written once. */
void peer_names_converge(struct peer_names *n, const struct view *v, uint64_t serial, unsigned lock_ms,
			 struct names_turn *turn, struct diags *d);

/* Removes the block of a network, under the lock in `data_dir`. *gone: there was none. */
int peer_names_remove(const char *data_dir, const char *path, const char *network, bool *gone, struct diags *d);

#endif
