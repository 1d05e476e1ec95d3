/*
 * Notices that files in some folders were written: inotify, and a slow poll for what it misses. It says "look again"
 * when nothing has been written for a moment, so that who saves several files is heard once.
 */
#ifndef EDGE_FILE_WATCH_H
#define EDGE_FILE_WATCH_H

#include "reconcile/edge/base/loop.h"

#define FILE_WATCH_QUIET_MS 200

struct file_watch;

/* `fn` is called from the loop. NULL with a diagnostic ("watch-failed"). */
struct file_watch *file_watch_new(struct loop *l, void (*fn)(void *ctx), void *ctx, struct diags *d);
void file_watch_free(struct file_watch *w); /* NULL is fine */
/* One folder more; one that is watched already changes nothing, one that is not there is tried at the next poll. */
void file_watch_folder(struct file_watch *w, const char *folder);
/* Says so once more, after the same moment. */
void file_watch_again(struct file_watch *w);

#endif
