/*
 * A person's own clone of a network's definition, by the network's name: where it is, that it is as the server has it,
 * and what became of a push. Where it is stands in that person's git configuration, as innernet.NETWORK.clone.
 */
#ifndef CMD_INNERNET_OWN_CLONE_H
#define CMD_INNERNET_OWN_CLONE_H

#include "reconcile/edge/base/run.h"
#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/limits.h"

/*
 * For `sudo innernet`: becomes the user who typed it, for good, so that clones, commits and invitations are that
 * person's. Does nothing without sudo. -1 with a diagnostic.
 */
int caller_become(struct diags *d);

/* Where the clone is, as it was set; NULL: none is known. In the arena. */
const char *own_clone_find(struct arena *a, const char *network);
/* The networks of which one is known, one a line. */
void own_clone_list(struct buf *out);
int own_clone_set(const char *network, const char *path, struct diags *d);

/* Is somebody there who takes connections, within some seconds? */
bool server_answers(const struct sockpoint *at, int ms);

struct own_clone {
	const char *network, *path;  /* borrowed */
	char base[HASH_HEX_LEN + 1]; /* the server's commit that it stands on */
};
/*
 * What a word in the place of a path names: this person's clone of the network called so, in *out, and that comes first;
 * or with out->path NULL a path. For a clone it becomes the user who typed sudo: what git runs there, hooks too, it runs
 * as them. `other`: where there is neither, the word is something else still; else that is an error. -1 with a diagnostic.
 */
int own_clone_named(struct arena *a, const char *word, bool other, struct own_clone *out, struct diags *d);
/*
 * Fetches, and goes to what the server has. Refused when somebody works in the clone: changes that are not committed,
 * commits that are not pushed, another branch. -1 with diagnostics.
 */
int own_clone_freshen(struct own_clone *c, struct diags *d);

/* What became of a push that git says failed. */
enum push_fate {
	PUSH_TAKEN,   /* all the same: only the answer was lost */
	PUSH_REFUSED, /* the clone is back where it was */
	PUSH_RACED,   /* somebody else's came first: the clone is where they are */
	PUSH_UNKNOWN, /* the server cannot be asked, or others committed there: the commit stays in the clone */
};
enum push_fate own_clone_settle(struct own_clone *c, struct diags *d);

#endif
