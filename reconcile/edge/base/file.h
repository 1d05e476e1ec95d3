/* Files that survive a power loss and are never believed longer than their bound. */
#ifndef EDGE_FILE_H
#define EDGE_FILE_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <sys/types.h>

/* Reads a whole regular file of at most `max` bytes. ENOENT adds no diagnostic when `absent` is given: *absent = true, returns 0. */
int file_read(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d);

/*
 * The same for a file that holds secrets: refused ("file-permissions") when group or others can read or
 * write it, or when somebody else (not root, not us) owns it. The caller wipes with buf_wipe().
 */
int file_read_secret(const char *path, size_t max, struct buf *out, bool *absent, struct diags *d);

/* Adds "file-error" for what failed with `err` (an errno), "cannot WHAT PATH: ...", with its help. Returns -1. */
int file_fail(struct diags *d, const char *path, const char *what, int err);

/* Temporary file beside the target, write, fsync, rename, fsync of the folder. -1 with a diagnostic; the old file stays. */
int file_write(const char *path, struct span bytes, mode_t mode, struct diags *d);
/* The same, but refuses to replace a file that is there ("file-exists"). */
int file_create(const char *path, struct span bytes, mode_t mode, struct diags *d);
/* The same without waiting for the disk: for what may be lost, or be an older one, after a power loss. */
int file_replace(const char *path, struct span bytes, mode_t mode, struct diags *d);
int file_mkdirs(const char *path, mode_t mode, struct diags *d); /* mkdir -p, fsync of each parent */
int file_remove(const char *path, struct diags *d);              /* absent is fine */
/* A folder with all that is in it, on this file system, without following links; absent is fine. */
int file_remove_tree(const char *path, struct diags *d);

/*
 * The names in a folder of which `take` takes the first so many bytes (0: not this one), sorted, in the arena. A folder
 * that is not there has none.
 */
int file_list(struct arena *a, const char *dir, size_t (*take)(const char *name), const char *const **names, size_t *n,
	      struct diags *d);

/* Tells whether a file is still the one that was looked at. All zero: there is none. */
struct file_stamp {
	uint64_t device, inode, size;
	int64_t sec, nsec; /* of its change time, which nobody can set */
};
struct file_stamp file_stamp_of(const char *path);
bool file_stamp_eq(const struct file_stamp *a, const struct file_stamp *b);

/*
 * Opens (makes, 0600) the file and locks it against other processes, waiting at most `wait_ms`. 0 and *fd, whose
 * close() unlocks it; 1 when somebody else has it (no diagnostic); -1.
 */
int file_lock(const char *path, unsigned wait_ms, int *fd, struct diags *d);

#endif
