/*
 * Notices a push within a millisecond: inotify on a repository's refs/heads with all folders in it, and on its root
 * (packed-refs, HEAD). It says "look again", never what changed: the caller compares object ids, since `git pack-refs`
 * moves refs without changing them. After an overflow, and every 30 s besides, it says so too.
 */
#ifndef EDGE_WATCH_H
#define EDGE_WATCH_H

#include "reconcile/edge/loop.h"

struct watch;

/* `folder` is repo_folder(): with a trailing slash. `fn` is called from the loop. NULL with a diagnostic ("watch-failed"). */
struct watch *watch_new(struct loop *l, const char *folder, void (*fn)(void *ctx), void *ctx, struct diags *d);
void watch_free(struct watch *w); /* NULL is fine */

#endif
