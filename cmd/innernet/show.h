/* innernet show, for `list` of a network. */
#ifndef CMD_INNERNET_SHOW_H
#define CMD_INNERNET_SHOW_H

#include "cmd/innernet/common.h"

/* Prints the networks by --short, --tree and --json of `inv`. An error in one does not stop the next. Returns the exit code. */
int show_networks(const struct invocation *inv, const struct peer_options *o, const char *const *names, size_t n);

#endif
