/*
 * A user's own clone of a network's definition, found by the network's name: its path, bringing it up to date, and the
 * result of a push. The path is in the user's git configuration, as innernet.NETWORK.clone.
 */
#ifndef CMD_INNERNET_OWN_CLONE_H
#define CMD_INNERNET_OWN_CLONE_H

#include "reconcile/edge/base/run.h"
#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/limits.h"

/*
 * Under sudo: changes this process to the user that ran sudo, permanently, so that this user owns clones, commits and
 * invitations. Does nothing without sudo. Returns -1 with a diagnostic.
 */
int own_clone_become_caller(struct diags *d);

/* Returns the path of the clone as it was set, in the arena, or NULL when none is set. */
const char *own_clone_find(struct arena *a, const char *network);
/* Appends the networks with a known clone, one a line. */
void own_clone_list(struct buf *out);
int own_clone_set(const char *network, const char *path, struct diags *d);

/* Returns whether a TCP connection to `at` succeeds within `ms`. */
bool own_clone_server_answers(const struct sockpoint *at, int ms);

struct own_clone {
	const char *network, *path;  /* borrowed */
	char base[HASH_HEX_LEN + 1]; /* the server's commit that HEAD is at after own_clone_freshen() */
};
/*
 * Resolves a word that is a network's name or a path. The user's clone of the network of that name comes first: then *out
 * is that clone, and the process becomes the user that ran sudo, since git runs hooks in the clone. Otherwise out->path is
 * NULL and the word is a path. When there is neither a clone nor a path: an error, or with `other` the word may be
 * something else. Returns -1 with a diagnostic.
 */
int own_clone_named(struct arena *a, const char *word, bool other, struct own_clone *out, struct diags *d);
/*
 * Fetches, and fast-forwards to the server's commit. Refuses a clone with uncommitted changes, with unpushed commits, or
 * on another branch. Returns -1 with diagnostics.
 */
int own_clone_freshen(struct own_clone *c, struct diags *d);

/* The result of a push that git reports as failed. */
enum push_fate {
	PUSH_TAKEN,   /* the server has the commit; only its answer was lost */
	PUSH_REFUSED, /* the server refused; the clone is reset to the commit before */
	PUSH_RACED,   /* another push came first; the clone is reset to that commit */
	PUSH_UNKNOWN, /* the server does not answer, or the clone has another new commit: the commit stays in the clone */
};
enum push_fate own_clone_settle(struct own_clone *c, struct diags *d);

#endif
