/*
 * A hosts file, which other programs and people change too: writing it leaves the rest as it is. The new file is written
 * beside it and renamed; written in place where a rename is impossible, over a mount (containers) or in a read-only
 * folder. Mode, owner and SELinux label stay; a symbolic link is followed.
 */
#ifndef EDGE_HOSTS_H
#define EDGE_HOSTS_H

#include "reconcile/edge/base/file.h"

#define HOSTS_PATH "/etc/hosts"
#define HOSTS_MAX  (256u << 20) /* bytes: a million peers, and lines of other programs */

/* All zero, too, when it changed within SETTLED_AFTER: the next change may have the same time. */
struct file_stamp hosts_stamp_of(const char *path);

/* The whole file. A missing file is an empty one. */
int hosts_read(const char *path, struct buf *out, struct diags *d);
int hosts_write(const char *path, struct span bytes, struct diags *d);
/* Would hosts_write() succeed? -1 with the reason. Nothing is written. */
int hosts_check_writable(const char *path, struct diags *d);

#endif
