/*
 * What became of a commit, as a git note: `git log --notes=innernet` tells the story. One blob a commit, in folders of
 * the first two hex digits (libgit2's own notes are quadratic in a flat folder); git(1) reads any fan-out.
 */
#ifndef EDGE_NOTE_H
#define EDGE_NOTE_H

#include "reconcile/edge/git/repo.h"

#define NOTE_REF "refs/notes/innernet"

/* The beginning of a note on a published commit. note_published() looks for it. */
#define NOTE_PUBLISHED "published as version "
#define NOTE_UNCHANGED "valid: "

/*
 * Makes `text` the note of a commit, in place of an earlier one, by compare-and-swap; writes nothing when it says so
 * already. -1 with a diagnostic: note-write, note-busy.
 */
int note_write(struct repo *r, const char *sha, struct span text, struct diags *d);

/* The note of a commit, at most `max` bytes of it, into `out`. False: it has none, or it cannot be read. */
bool note_read(struct repo *r, const char *sha, size_t max, struct buf *out);

/*
 * The newest commit from `sha` back, along first parents, whose note says that a server published it or found it to say
 * the same; hex. False: there is none within some hundred.
 */
bool note_published(struct repo *r, const char *sha, char out[static HASH_HEX_LEN + 1]);

#endif
