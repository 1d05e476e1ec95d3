/* What `status` and `doctor` share: checks of one network, or of each that this machine is in, and the exit code. */
#ifndef CMD_INNERNET_REPORT_H
#define CMD_INNERNET_REPORT_H

#include "cmd/innernet/common.h"
#include "reconcile/show/checks.h"

/* Fills in the checks, and the line above them. */
typedef void check_network_fn(const struct peer_options *o, const char *name, struct checks *c, struct buf *title);

/* Returns the worst of the verdicts: 1 before 2 before 0. */
int report_networks(struct invocation *inv, check_network_fn *fn);

#endif
