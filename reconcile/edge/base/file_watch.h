/*
 * Watches the files of some folders: inotify, and a slow poll for events that inotify misses. Calls `fn` when no file has
 * been written for FILE_WATCH_QUIET_MS (debounce), so that saving several files gives one call.
 */
#ifndef EDGE_FILE_WATCH_H
#define EDGE_FILE_WATCH_H

#include "reconcile/edge/base/loop.h"

#define FILE_WATCH_QUIET_MS 200

struct file_watch;

/* `fn` is called from the loop. Returns NULL with the diagnostic "watch-failed". */
struct file_watch *file_watch_new(struct loop *l, void (*fn)(void *ctx), void *ctx, struct diags *d);
void file_watch_free(struct file_watch *w); /* NULL is fine */
/* Adds a folder. Adding it twice has no effect; a missing folder is not watched until the caller adds it again. */
void file_watch_folder(struct file_watch *w, const char *folder);
/* Schedules another call of `fn` after the same quiet time. */
void file_watch_again(struct file_watch *w);

#endif
