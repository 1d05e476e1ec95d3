/* The target of a command: networks of this machine, or a definition on disk. */
#ifndef CMD_INNERNET_TARGET_H
#define CMD_INNERNET_TARGET_H

#include "cmd/innernet/common.h"

/*
 * Returns whether a word is a network's name rather than a path: this machine has a network of that name. A word that is
 * neither a network nor a file counts as a name if it has no '/' and no '.': the error about a network is clearer.
 */
bool target_is_network(const struct peer_options *o, const char *word);

struct target {
	const char *definition;      /* a file or a folder; NULL: networks */
	const char *const *networks; /* their names */
	size_t n_networks;
};

/*
 * Finds the target of the first argument. Without an argument: network.yaml of the current folder if it exists, else
 * every network of this machine. *out points into the arena and `inv`. Returns -1 with a diagnostic.
 */
int target_find(const struct invocation *inv, const struct peer_options *o, struct arena *a, struct target *out,
		struct diags *d);

#endif
