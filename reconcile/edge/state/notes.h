/*
 * The verdict on each commit, as a git note: written soon after the verdict, since the peers are told first. Verdicts put
 * it here; the turn writes it; upstream.h pushes it to a remote.
 */
#ifndef EDGE_NOTES_H
#define EDGE_NOTES_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/git/repo.h"

struct notes;

/* `due` is called when a note is to be written; NULL: the caller writes it by itself. NULL: out of memory. */
struct notes *notes_new(struct loop *l, void (*due)(void *ctx), void *ctx);
void notes_free(struct notes *n);                    /* NULL is fine */
void notes_open(struct notes *n, struct repo *repo); /* borrowed; before, nothing is written */

/* The note of a commit. One that is not written yet is written first. */
void notes_put(struct notes *n, const char *commit, struct span text);
/* Writes what is not written. */
void notes_write(struct notes *n);
/* The last one once more, on top of the notes of another server. False: it is there, or cannot be written. */
bool notes_write_again(struct notes *n);

/* Tests whether a note was written since the last call. */
bool notes_take_written(struct notes *n);
/* A remote does not take them: logged once. */
void notes_refused(struct notes *n, const char *remote, const char *message);

#endif
