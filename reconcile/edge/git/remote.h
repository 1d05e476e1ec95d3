/*
 * A repository on another machine, and the mirror of it here: what git(1) does in children (libgit2 1.5 has no network
 * time-out), one at a time, each with a deadline for its whole transfer. Three refs are mirrored, and no more:
 *
 *   there                               here
 *   the definition's ref                the same, wherever it went: the caller judges what may be published
 *   refs/heads/innernet/enrolments      refs/remotes/origin/innernet/enrolments (LEDGER_TRACKING_REF)
 *   refs/notes/innernet                 the same
 *
 * git is told all that it needs here: no hooks, no submodules, no settings but the mirror's own, no questions, one
 * protocol. Objects are checked as they come.
 */
#ifndef EDGE_REMOTE_H
#define EDGE_REMOTE_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/git/repo.h"

/* How a remote is reached; strings are borrowed, NULL: not given. */
struct remote_access {
	const char *url;         /* as remote_url_refused() takes it */
	const char *ssh_key;     /* file of the private key; without it ssh(1) uses its own defaults */
	const char *known_hosts; /* the host keys that are believed; without it ssh's own */
	const char *credentials; /* for https: "username=..." and "password=...", a line each */
};

enum remote_result {
	REMOTE_DONE,
	REMOTE_REFUSED, /* a push: the ref is elsewhere by now, or the remote does not take it */
	REMOTE_FAILED,  /* it could not be reached, or did not answer in time */
};

struct remote_options {
	struct remote_access access;
	/*
	 * Called once for each remote_look(), remote_push(); another may be started from them. `message` is what git
	 * said, one line without control characters; "" when it was done. A look says whether a ref moved here.
	 */
	void (*looked)(void *ctx, enum remote_result result, bool moved, const char *message);
	void (*pushed)(void *ctx, enum remote_result result, const char *message);
	void *ctx;
};

/*
 * https://..., ssh://..., file:///..., HOST:PATH as ssh(1) has it, or an absolute path. NULL, or why it is refused: it
 * must hold no password (every user of the machine could read it), and no router on the way may change what comes.
 */
const char *remote_url_refused(const char *url);

struct remote;
/* `mirror` is the bare repository here, borrowed like all of `o`. NULL: out of memory. */
struct remote *remote_new(struct loop *l, struct repo *mirror, const struct remote_options *o);
void remote_free(struct remote *r); /* ends what it does; NULL is fine */
bool remote_busy(const struct remote *r);

/* Asks where the refs are, and fetches what moved. Not while it is busy. */
void remote_look(struct remote *r);
/*
 * Moves `ref` there to the commit `to`, which is here, but only from where it is thought to be: the commit `from` ("":
 * it does not exist). NULL: from wherever that is no step back.
 */
void remote_push(struct remote *r, const char *ref, const char *from, const char *to);

/*
 * The same for a command that waits, on a loop of its own. -1 with a diagnostic: "remote-away", "remote-refused".
 */
int remote_look_now(struct repo *mirror, const struct remote_access *access, struct diags *d);
int remote_push_now(struct repo *mirror, const struct remote_access *access, const char *ref, const char *from,
		    const char *to, struct diags *d);

#endif
