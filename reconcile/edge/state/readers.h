/*
 * Which formats each peer reads, and when it was heard last; kept over a restart, since a guard counts the peers of the
 * last weeks. A poll says it; the turn keeps the list in step with the revisions and judges by it; the status, the
 * metrics and the reports read it.
 */
#ifndef EDGE_READERS_H
#define EDGE_READERS_H

#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/enrolments.h"

struct readers;

/* All are borrowed. NULL: out of memory. */
struct readers *readers_new(const struct served *s, const struct enrolments *e, struct conditions *c);
void readers_free(struct readers *r); /* NULL is fine */

/* The served revision took the place of `old`. NULL: of none; then what an earlier run kept is read. */
void readers_follow(struct readers *r, const struct revision *old);
/* A peer polls with a program that reads formats up to this one. */
void readers_take(struct readers *r, uint32_t peer, uint32_t reads);
/* Writes what changed: at most once a minute, or at once. */
void readers_keep(struct readers *r, bool at_once);

/* One element a peer of the served revision. NULL: out of memory, or nothing is served. */
const struct reader *readers_list(const struct readers *r);
/* The format that a peer of the served revision has to read. 0: it has no view. */
uint32_t readers_need(const struct readers *r, uint32_t peer);
/* Can it read what is served? True of a peer that never polled. */
bool readers_can(const struct readers *r, uint32_t peer);

#endif
