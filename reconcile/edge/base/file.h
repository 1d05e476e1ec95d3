/* Files: bounded reads, and writes that survive a power loss. */
#ifndef EDGE_FILE_H
#define EDGE_FILE_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <sys/types.h>

/* Reads a whole regular file of at most `max` bytes. With `absent`, a missing file is no error: *absent = true, returns 0. */
int file_read(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d);

/*
 * The same for a file with secrets. Refused ("file-permissions") when its mode has any bit for group or other users, or
 * when its owner is neither root nor this process's user. The caller wipes *out with buf_wipe().
 */
int file_read_secret(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d);

/* Adds the diagnostic "file-error", "cannot WHAT PATH: ..." for the errno `err`, with a help. Returns -1. */
int file_fail(struct diags *d, const char *path, const char *what, int err);

/* Writes a temporary file beside the target, fsync, rename, fsync of the folder. On -1 (diagnostic) the old file stays. */
int file_write(const char *path, struct span bytes, mode_t mode, struct diags *d);
/* The same, but refuses to replace an existing file ("file-exists"). */
int file_create(const char *path, struct span bytes, mode_t mode, struct diags *d);
/* The same as file_write() without fsync: after a power loss the file may be missing or an older version. */
int file_replace(const char *path, struct span bytes, mode_t mode, struct diags *d);
int file_mkdirs(const char *path, mode_t mode, struct diags *d); /* mkdir -p, fsync of each parent */
int file_remove(const char *path, struct diags *d);              /* absent is fine */
/* Removes a folder tree, within its file system, without following links. A missing one is no error. */
int file_remove_tree(const char *path, struct diags *d);

/*
 * Lists a folder into *names, sorted, in the arena. For each entry `take` returns how many bytes of its name to keep, 0 to
 * skip it. A missing folder gives an empty list.
 */
int file_list(struct arena *a, const char *dir, size_t (*take)(const char *name), const char *const **names, size_t *n,
	      struct diags *d);

/* Identifies the version of a file, to detect a change. All zero: the file is missing. */
struct file_stamp {
	uint64_t device, inode, size;
	int64_t sec, nsec; /* ctime, which no program can set */
};
struct file_stamp file_stamp_of(const char *path);
bool file_stamp_eq(const struct file_stamp *a, const struct file_stamp *b);

/*
 * Opens or creates (0600) the file and takes an exclusive flock(2), waiting at most `wait_ms`. Returns 0 and *fd, whose
 * close() unlocks it; 1 without a diagnostic when another process holds the lock; -1 with a diagnostic.
 */
int file_lock(const char *path, unsigned wait_ms, int *fd, struct diags *d);

#endif
