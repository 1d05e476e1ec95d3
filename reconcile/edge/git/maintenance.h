/*
 * libgit2 never packs what it writes: a redemption is six small files, and flat trees are written whole each time. So a
 * repository of ours is packed by `git gc` in a child, at idle priority, when it has many loose objects and at most once a
 * day. What the refs' logs name stays: a history that was taken back can still be compared with.
 */
#ifndef EDGE_MAINTENANCE_H
#define EDGE_MAINTENANCE_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/git/repo.h"

#define MAINTENANCE_FIRST_MS 300000              /* after the start */
#define MAINTENANCE_EVERY_MS 3600000             /* between two looks whether it is time */
#define MAINTENANCE_KEY      "innernet.maintain" /* in the configuration of a repository that repo_init() made */

struct maintenance;

/*
 * Looks after `first_ms` and then each MAINTENANCE_EVERY_MS. `r` is borrowed. A repository that does not say that it is
 * ours, or that another user owns, is left alone. NULL: out of memory.
 */
struct maintenance *maintenance_new(struct loop *l, struct repo *r, unsigned first_ms);
void maintenance_free(struct maintenance *m); /* ends what it does; NULL is fine */

/* Is it ours, are there many loose objects, and was it not done within a day? */
bool maintenance_due(struct repo *r);

#endif
