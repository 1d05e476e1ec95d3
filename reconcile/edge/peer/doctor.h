/* `innernet doctor`: what of this machine a network needs, each with what to do where it is not so. */
#ifndef EDGE_DOCTOR_H
#define EDGE_DOCTOR_H

#include "reconcile/show/checks.h"
#include "reconcile/edge/peer/peer.h"

/* Changes nothing. `wait_ms`: for host names at most so long. */
void doctor_check(struct this_peer *p, unsigned wait_ms, struct checks *c);
/* Does the kernel forward, where others are reached through this machine? Of nobody it says nothing. */
void doctor_check_forwarding(const struct this_peer *p, struct checks *c);

#endif
