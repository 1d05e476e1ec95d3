/* What an argument of a command names: networks that this machine is in, or a definition on disk. */
#ifndef CMD_INNERNET_TARGET_H
#define CMD_INNERNET_TARGET_H

#include "cmd/innernet/common.h"

/*
 * Whether a word is a network's name rather than a path: a network of this machine is called so. One that is neither
 * a network nor a file counts too when it looks like a name: that gives the better error.
 */
bool target_is_network(const struct peer_options *o, const char *word);

struct target {
	const char *definition;      /* a file or a folder; NULL: networks */
	const char *const *networks; /* their names */
	size_t n_networks;
};

/*
 * The first argument; without one, the definition of the current folder where there is a network.yaml, else every
 * network that this machine is in. Lives in the arena. -1 with a diagnostic.
 */
int target_find(const struct invocation *inv, const struct peer_options *o, struct arena *a, struct target *out,
		struct diags *d);

#endif
