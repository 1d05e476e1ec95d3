/* What all of our own writing to a repository shares: one commit on what a ref is now, and the ref moved only if it still is. */
#ifndef EDGE_REPO_WRITE_H
#define EDGE_REPO_WRITE_H

#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/repo.h"

/*
 * Does `ancestor` come before `from`, or is it that? 1, 0, or -1 with a diagnostic. Every commit on the way is bounded
 * before it is loaded; more than `max` of them are an error ("too-large").
 */
int repo_descends(struct repo *r, const git_oid *from, const git_oid *ancestor, size_t max, struct diags *d);

/* A tree, a commit with its tree, and a blob, each bounded before it is loaded. 0, or libgit2's error. */
int repo_tree_load(struct repo *r, const git_oid *id, git_tree **out);
int repo_commit_load(struct repo *r, const git_oid *id, git_commit **out, git_tree **tree);
int repo_blob_load(struct repo *r, const git_oid *id, size_t max, git_blob **out);

/*
 * A commit of innernet-reconcile's: the tree of `parent` (NULL: none) with these changes. No ref is moved. 0, or
 * libgit2's error.
 */
int repo_commit_make(struct repo *r, const git_oid *parent, const git_tree_update *updates, size_t n,
		     const char *message, git_oid *out);

/*
 * Moves `ref` from `was` (NULL: it must not exist) to `id`. 1: another writer was first, or has the lock, after a short
 * pause: look again. A lock that was left behind is removed. Negative: libgit2's error.
 */
int repo_ref_swap(struct repo *r, const char *ref, const git_oid *was, const git_oid *id, const char *message);

/*
 * A lock on a ref, or on packed-refs, that a kill left behind would stop us for ever: it is removed. No process holds one
 * longer than some milliseconds.
 */
void repo_lock_clear(struct repo *r, const char *ref);

/*
 * Removes pack files that a failed fetch left half-written, as git does when it refuses the objects in them: those that
 * no process has changed for REPO_LOCK_SECONDS, or for GC_SECONDS while git gc runs. Not to be called during a fetch.
 */
void repo_packs_clear(struct repo *r);

#endif
