/* innernet show, for the commands that are it under another name. */
#ifndef CMD_INNERNET_SHOW_H
#define CMD_INNERNET_SHOW_H

#include "cmd/innernet/common.h"

/* By the options --short, --tree and --json of `inv`. Prints all; each network is for itself. Returns the exit code. */
int show_networks(const struct invocation *inv, const struct peer_options *o, const char *const *names, size_t n);

#endif
