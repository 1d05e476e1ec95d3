/* `innernet doctor`: what a network needs of this machine, and what to do where the machine lacks it. */
#ifndef EDGE_DOCTOR_H
#define EDGE_DOCTOR_H

#include "reconcile/show/checks.h"
#include "reconcile/edge/peer/peer.h"

/* Changes nothing. `wait_ms`: for host names at most so long. */
void doctor_check(struct this_peer *p, unsigned wait_ms, struct checks *c);
/* Does the kernel forward for the peers that are reached through this machine? Without such peers there is no check. */
void doctor_check_forwarding(const struct this_peer *p, struct checks *c);

#endif
