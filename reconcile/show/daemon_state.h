/* What a peer's daemon knows of one network and writes to a file: `innernet show` and `innernet status` read it. */
#ifndef RECONCILE_SHOW_DAEMON_STATE_H
#define RECONCILE_SHOW_DAEMON_STATE_H

#include "reconcile/plan/candidates.h"

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

/* Of a peer by name; NULL: the daemon does not look for it. `s` may be NULL. */
const struct daemon_try *daemon_try_find(const struct daemon_state *s, const char *name);
/*
 * A NAT that gives packets another port may give them another one for each destination (RFC 4787 section 4.1): what a
 * server saw is then of no use to a peer behind a second NAT.
 */
bool daemon_try_is_hopeless(const struct daemon_try *t);
/* "no answer from any of its 3 addresses, tried 2 times; again in 40 s; both sit behind NATs" */
void daemon_try_text(struct buf *out, const struct daemon_try *t, const struct sockpoint *at, int64_t now);

#endif
