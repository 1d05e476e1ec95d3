/* Starting and ending a userspace WireGuard: wireguard-go, or the program that WG_USERSPACE names. */
#ifndef EDGE_USERSPACE_H
#define EDGE_USERSPACE_H

#include "schema/diag.h"

/*
 * Runs it with the interface's name, as wg-quick(8) does, and waits until its socket answers: it goes into the
 * background by itself, and has made its link by then. At most USERSPACE_START_MS. -1 with a diagnostic.
 * `why` is how an error begins that says that nothing can be started.
 */
int userspace_start(const char *ifname, const char *why, struct diags *d);

/* Waits until no process answers at the socket any more, the link being deleted, and removes what is left of it. */
void userspace_ended(const char *ifname);

#endif
