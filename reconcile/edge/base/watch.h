/*
 * Notices a push within a millisecond: inotify on a repository's refs/heads with all folders in it, and on its root
 * (packed-refs, HEAD). It says "look again", never what changed: the caller compares object ids, since `git pack-refs`
 * moves refs without changing them. After an overflow, and every WATCH_POLL_MS besides, it says so too: an
 * event that is lost costs no more than that.
 */
#ifndef EDGE_WATCH_H
#define EDGE_WATCH_H

#include "reconcile/edge/base/loop.h"

#define WATCH_POLL_MS 30000

struct watch;

/*
 * `folder` is repo_folder(): with a trailing slash. `poll_ms`: WATCH_POLL_MS, but for tests. `fn` is called from the
 * loop. NULL with a diagnostic ("watch-failed").
 */
struct watch *watch_new(struct loop *l, const char *folder, unsigned poll_ms, void (*fn)(void *ctx), void *ctx,
			struct diags *d);
void watch_free(struct watch *w); /* NULL is fine */

#endif
