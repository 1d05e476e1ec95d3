/*
 * A person's clone around a definition on the disk: its revisions, its copy of the ledger, and the author of a line.
 * It is only read, and the server does not use it.
 */
#ifndef EDGE_CLONE_H
#define EDGE_CLONE_H

#include "reconcile/edge/git/ledger.h"

struct clone;

/*
 * Finds the clone that has the definition at `path` (a file or a folder; it need not exist yet). 1: *out is to be
 * closed. 0: it is in no work tree. -1 with a diagnostic.
 */
int clone_open(const char *path, struct clone **out, struct diags *d);
void clone_close(struct clone *c); /* NULL is fine */

/* A revision as git names them ("HEAD~2", "origin/main") to its commit. 1; 0: there is none (no diagnostic); -1. */
int clone_resolve(struct clone *c, const char *revision, char sha[static HASH_HEX_LEN + 1], struct diags *d);

/*
 * What a clone may lack of the repository that it was cloned from: a shallow clone (git clone --depth) lacks commits, a
 * partial clone (--filter) lacks files or folders until git fetches them.
 */
enum clone_gaps { CLONE_WHOLE, CLONE_SHALLOW, CLONE_PARTIAL };
enum clone_gaps clone_gaps(struct clone *c);
/* The git command that fills the gaps. A string literal; NULL for CLONE_WHOLE. */
const char *clone_fill_command(enum clone_gaps gaps);
/*
 * Writes the git command that brings `revision`, which clone_resolve() did not find, from the remote origin; as typed in
 * the clone. Writes nothing when no command can bring it.
 */
void clone_fetch_command(struct clone *c, const char *revision, struct buf *out);

/* The best common ancestor of two commits. 1; 0: this clone has none (no diagnostic); -1. */
int clone_merge_base(struct clone *c, const char *a, const char *b, char out[static HASH_HEX_LEN + 1], struct diags *d);
/* How many commits reachable from `base` are not reachable from `head`. false: this clone cannot tell. */
bool clone_behind(struct clone *c, const char *base, const char *head, size_t *out);

/*
 * The definition as a commit has it, its files by their paths from the root file's folder. 1; 0: the commit does not
 * have the file (no diagnostic); -1, for a file that a partial clone lacks with "clone-partial".
 */
int clone_definition(struct clone *c, const char *sha, struct arena *a, struct repo_definition *out, struct diags *d);

/* Has the root file on the disk the very bytes that it has in this commit? false too when it cannot be told. */
bool clone_unchanged(struct clone *c, const char *sha);

/* A commit's message, in the arena; p is NULL with a diagnostic. */
struct span clone_message(struct clone *c, const char *sha, struct arena *a, struct diags *d);

/*
 * The ledger, from this clone's branch or, without one, from what was fetched from origin. NULL: it has none (or it
 * cannot be read, then with a warning). Freed with ledger_free() before the clone is closed.
 */
struct ledger *clone_ledger(struct clone *c, const struct key *id, struct diags *d);

/*
 * Both for a definition that was loaded from the disk: NULL is what there is not. What fails is a warning, since the
 * definition is good without it. With `fetch` the ledger is fetched from origin first, where there is such a remote and
 * the ledger is not this repository's own, within a minute; that it could not be had is a warning ("ledger-stale") with
 * the time of the newest record that is there.
 */
void clone_open_for(const struct model *m, bool fetch, struct clone **clone, struct ledger **ledger, struct diags *d);

/* The commit that wrote a line. Strings are in the arena. */
struct blame {
	enum clone_gaps unknown; /* not CLONE_WHOLE: the clone lacks what would tell, and nothing below is known */
	bool committed;          /* false: it stands in the work tree alone, and nothing below is known */
	char sha[HASH_HEX_LEN + 1];
	const char *author, *email, *summary;
	int64_t time; /* the author's, Unix seconds */
};
/*
 * Line `line` of the file at `path` on the disk, whose bytes are `bytes` (as they were read: the work tree's). 1; 0:
 * git does not have the file; -1 with a diagnostic ("repository-error", "out-of-memory").
 */
int clone_blame(struct clone *c, const char *path, struct span bytes, uint32_t line, struct arena *a, struct blame *out,
		struct diags *d);

#endif
