/*
 * Notices a push within a millisecond: inotify on a repository's refs with all folders below, and on its root (packed-refs,
 * HEAD). `fn` is not told what has changed: the caller compares object ids, since `git pack-refs` moves refs without
 * changing them. `fn` is also called after an inotify overflow and every `poll_ms`, so a lost event delays a push by at
 * most that time.
 */
#ifndef EDGE_WATCH_H
#define EDGE_WATCH_H

#include "reconcile/edge/base/loop.h"

#define WATCH_POLL_MS 30000

struct watch;

/*
 * `folder` is repo_folder(), with a trailing slash. `poll_ms` is WATCH_POLL_MS except in tests. `fn` is called from the
 * loop. Returns NULL with the diagnostic "watch-failed".
 */
struct watch *watch_new(struct loop *l, const char *folder, unsigned poll_ms, void (*fn)(void *ctx), void *ctx,
			struct diags *d);
void watch_free(struct watch *w); /* NULL is fine */

#endif
