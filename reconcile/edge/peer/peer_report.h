/*
 * What servers are told of where this machine is: the endpoint that people chose (override-endpoint), then the addresses
 * of its interfaces with the port that WireGuard listens on. Other peers get it as a hint.
 *
 * Callers: reporter.c for the daemon, peer_fetch.c for the commands. It keeps nothing: what servers say of this machine is
 * in peer_hints.h.
 */
#ifndef EDGE_PEER_REPORT_H
#define EDGE_PEER_REPORT_H

#include "reconcile/edge/http/client.h"
#include "reconcile/edge/peer/peer_hints.h"

#define REPORT_WHY_MAX 160
int peer_report_make(const struct peer_file *f, const struct peer_held *held, const struct peer_hints *hints,
		     struct endpoints *out, struct diags *d);
/* The last hint that a server sent about this machine says just this. */
bool peer_report_is_known(const struct peer_hints *hints, const struct endpoints *report);
/* A server has taken the report: its hint about this machine, which its next reply sends too. */
int peer_report_remember(struct peer_hints *hints, const struct key *own, const struct endpoints *report,
			 struct diags *d);
/* A server's answer. 0: taken. -1 with one phrase. */
int peer_report_answer(const struct client_answer *answer, char why[static REPORT_WHY_MAX]);

#endif
