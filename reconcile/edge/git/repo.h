/*
 * A repository, as the server reads it (libgit2): one pinned ref, no checkout, every object bounded
 * before it is loaded. What git holds is not trusted before it has been checked here.
 */
#ifndef EDGE_REPO_H
#define EDGE_REPO_H

#include "reconcile/wire/snapshot.h"
#include "schema/load.h"

#define REPO_DEFAULT_REF "refs/heads/main"

struct repo;
struct git_repository;

/*
 * Opens a bare repository or a work tree at `path` (its folder or its .git). `ref`: the full name of the
 * one ref that is read; NULL: refs/heads/main. Codes: repository-missing, repository-owner, repository-shallow,
 * repository-error. NULL with a diagnostic.
 */
struct repo *repo_open(const char *path, const char *ref, struct diags *d);
/*
 * A person's clone around `path`, for looking: shallow ones are fine, since nothing counts their commits. NULL
 * without a diagnostic: `path` is in no repository.
 */
struct repo *repo_open_clone(const char *path, struct diags *d);
/*
 * The repository whose hook this process is, by what git put into the environment: the objects that are being pushed
 * are seen, in their quarantine. For looking only: a ref written there would corrupt it. Its owner is
 * not checked: git has checked it already, since it runs the hook.
 */
struct repo *repo_open_hook(const char *ref, struct diags *d);
void repo_close(struct repo *r);               /* NULL is fine */
const char *repo_folder(const struct repo *r); /* where refs/ and packed-refs are, with a trailing slash */
const char *repo_ref(const struct repo *r);
struct git_repository *repo_git(struct repo *r); /* for ledger.c */

/*
 * The commit the ref points at, as hex. -1 with a diagnostic: branch-missing (a repository without that
 * branch yet, too), repository-error.
 */
int repo_tip(struct repo *r, char sha[static HASH_HEX_LEN + 1], struct diags *d);

/*
 * What the statement says about a commit. Its number counts every commit that it reaches, once, by a walk of our
 * own: exact whatever the dates say, replace refs ignored. `base`, the commit that was asked about before (NULL:
 * none), makes that cheap: only what is new is walked. *descends says whether `base` is among its ancestors (or
 * itself); false without a base. Codes: commit-corrupt (which names the commit), repository-error.
 */
int repo_commit_info(struct repo *r, const char *sha, const char *base, struct commit_info *out, bool *descends,
		     struct diags *d);

/* A commit's message, in the arena. p is NULL with a diagnostic. */
struct span repo_message(struct repo *r, const char *sha, struct arena *a, struct diags *d);

/* Is this commit here, with its tree? Adds no diagnostic. */
bool repo_has_commit(struct repo *r, const char *sha);

/* The definition at one commit: network.yaml and a way to the files that it includes. Both live in the arena. */
struct repo_definition {
	struct source_file root;
	struct includes includes;
};
int repo_definition(struct repo *r, const char *sha, struct arena *a, struct repo_definition *out, struct diags *d);
/* The same of another file than network.yaml, by its path in the repository: its includes are below its own folder. */
int repo_definition_at(struct repo *r, const char *sha, const char *path, struct arena *a, struct repo_definition *out,
		       struct diags *d);

/*
 * Makes a bare repository at `path`, its HEAD on `ref`, with one commit that has these files, or without one for n = 0. Refused when something is at
 * `path` already ("repository-exists"). It appears whole or not at all.
 */
int repo_init(const char *path, const char *ref, const struct source_file *files, size_t n, const char *message,
	      struct diags *d);

/*
 * Commits exactly these files (names with folders are fine) to the repository's own ref, unless its tip has them. 1: a
 * new commit; 0: there was no need; -1 with a diagnostic.
 */
int repo_commit_files(struct repo *r, const struct source_file *files, size_t n, const char *message, struct diags *d);

/* The folder that git takes this repository's hooks from (core.hooksPath, or hooks/ in it); in the arena. */
const char *repo_hooks_folder(struct repo *r, struct arena *a, struct diags *d);

/* libgit2's last error as one line, without its control characters; never empty. */
const char *repo_git_error(void);

#endif
