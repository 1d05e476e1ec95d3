/*
 * `innernet status`: is it all right? From what is on disk, what the interface says, and what the daemon that keeps the
 * network wrote down: what only it knows.
 */
#ifndef RECONCILE_SHOW_STATUS_H
#define RECONCILE_SHOW_STATUS_H

#include "reconcile/plan/candidates.h"
#include "reconcile/show/checks.h"

/* A peer without a session that is looked for, or was in vain. */
struct daemon_try {
	char name[NAME_MAX_LEN + 1];
	uint32_t rounds; /* that are over */
	uint8_t n;       /* candidates */
	uint8_t nat;     /* enum candidates_nat, ORed */
	bool trying;
	int64_t next; /* when it is tried again by itself; 0: when there is something to send to it */
};
#define DAEMON_TRIES_MAX 64

/* What a daemon knows of one network. Times are Unix seconds; 0 and "": never, nothing. */
struct daemon_state {
	int64_t started;
	char server[NAME_MAX_LEN + 1]; /* that answered last */
	int64_t reached;               /* then */
	int64_t away_since;
	char away[200]; /* why no server answers */
	int64_t fresh_until;
	int64_t drift_at;
	uint32_t drifts;     /* repairs since it was started */
	char drift[160];     /* what was repaired last */
	char problem[256];   /* what is wrong with what a server says; "": nothing */
	char interface[256]; /* why the interface could not be made what it should be; "": it was */
	struct daemon_try tries[DAEMON_TRIES_MAX];
	uint32_t n_tries;
};
#define DAEMON_STATE_MAX 32768 /* bytes of the file */

void daemon_state_write(struct buf *out, const struct daemon_state *s); /* JSON */
int daemon_state_parse(struct span bytes, struct daemon_state *out);    /* -1: it is not one */

/* Of a peer by name; NULL: nobody looks for it. `s` may be NULL. */
const struct daemon_try *daemon_try_find(const struct daemon_state *s, const char *name);
/* "no answer from any of its 3 addresses, tried 2 times; again in 40 s; both sit behind NATs" */
void daemon_try_text(struct buf *out, const struct daemon_try *t, const struct sockpoint *at, int64_t now);

struct status_facts {
	const char *network; /* as this machine calls it */
	bool redeemed;
	const struct view *view;           /* NULL: no snapshot yet */
	bool from_definition;              /* `view` was applied by hand: nobody follows it, and no server is asked */
	const struct plan *plan;           /* what would have to be done now; NULL: it could not be told */
	const char *plan_error;            /* why not */
	const char *names_path;            /* NULL: no names are written */
	const char *names_error;           /* why they cannot be looked after; NULL: they can */
	bool running;                      /* a daemon keeps the network */
	const struct daemon_state *daemon; /* of the one that runs, or ran last; NULL: none */
	const struct hint *own;            /* what servers tell others of this machine; NULL: not known */
	int64_t fresh_until;               /* as the snapshot on disk says */
	int64_t now;
};
#define STATUS_PEERS_MAX 20 /* without a session that are named */
void status_checks(struct checks *c, const struct status_facts *f);

#endif
