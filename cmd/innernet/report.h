/* Shared by `status` and `doctor`: checks of one network, or of each network of this machine, and the exit code. */
#ifndef CMD_INNERNET_REPORT_H
#define CMD_INNERNET_REPORT_H

#include "cmd/innernet/common.h"
#include "reconcile/show/checks.h"

/* Fills in the checks and the title line of one network. */
typedef void check_network_fn(const struct peer_options *o, const char *name, struct checks *c, struct buf *title);

/* Returns the exit code, the worst verdict: 1 (a check fails), then 2 (unknown), then 0. */
int report_networks(struct invocation *inv, check_network_fn *fn);

#endif
