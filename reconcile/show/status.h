/*
 * `innernet status`: is it all right? From what is on disk, what the interface says, and what the daemon that keeps the
 * network wrote down: what only it knows.
 */
#ifndef RECONCILE_SHOW_STATUS_H
#define RECONCILE_SHOW_STATUS_H

#include "reconcile/show/checks.h"
#include "reconcile/show/daemon_state.h"

struct status_facts {
	const char *network; /* as this machine calls it */
	bool redeemed;
	const struct view *view; /* NULL: no snapshot yet */
	bool from_definition;    /* `view` was applied by hand: no process follows it, and no server is asked */
	const struct plan *plan; /* what would have to be done now; NULL: it could not be told */
	const char *plan_error;  /* why not */
	const char *names_path;  /* NULL: no names are written */
	const char *names_error; /* why they cannot be looked after; NULL: they can */
	bool running;            /* a daemon keeps the network */
	const struct daemon_state *daemon; /* of the one that runs, or ran last; NULL: none */
	const struct hint *own;            /* what servers tell other peers of this machine; NULL: not known */
	int64_t fresh_until;               /* as the snapshot on disk says */
	int64_t now;
};
#define STATUS_PEERS_MAX 20 /* without a session that are named */
void status_checks(struct checks *c, const struct status_facts *f);

#endif
