/*
 * What became of a commit, as a git note: `git log --notes=innernet` tells the story. One blob a commit, in folders of
 * the first two hex digits (libgit2's own notes are quadratic in a flat folder); git(1) reads any fan-out.
 */
#ifndef EDGE_NOTE_H
#define EDGE_NOTE_H

#include "reconcile/edge/repo.h"

#define NOTE_REF "refs/notes/innernet"

/*
 * Makes `text` the note of a commit, in place of an earlier one, by compare-and-swap; writes nothing when it says so
 * already. -1 with a diagnostic: note-write, note-busy.
 */
int note_write(struct repo *r, const char *sha, struct span text, struct diags *d);

#endif
