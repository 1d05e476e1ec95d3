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
void buf_wipe(struct buf *b); /* sodium_memzero, then free */

/* Temporary file beside the target, write, fsync, rename, fsync of the folder. -1 with a diagnostic; the old file stays. */
int file_write(const char *path, struct span bytes, mode_t mode, struct diags *d);
/* The same, but refuses to replace a file that is there ("file-exists"). */
int file_create(const char *path, struct span bytes, mode_t mode, struct diags *d);
int file_mkdirs(const char *path, mode_t mode, struct diags *d); /* mkdir -p, fsync of each parent */
int file_remove(const char *path, struct diags *d);              /* absent is fine */

#endif
