/*
 * A hosts file that is also somebody else's: read, and written so that nothing else of it changes. Beside the target
 * and renamed; in place where it cannot be renamed over, because it is a mount (containers) or its folder is
 * read-only. Mode, owner and SELinux label stay; a symbolic link is followed.
 */
#ifndef EDGE_HOSTS_H
#define EDGE_HOSTS_H

#include "reconcile/edge/base/file.h"

#define HOSTS_PATH "/etc/hosts"
#define HOSTS_MAX  (256u << 20) /* bytes of it: a million peers, and what people have */

/* All zero, too, when it changed so lately that its time may not tell the next change. */
struct file_stamp hosts_stamp_of(const char *path);

/* The whole file; none is an empty one. */
int hosts_read(const char *path, struct buf *out, struct diags *d);
int hosts_write(const char *path, struct span bytes, struct diags *d);
/* Could hosts_write() do it? -1 with the reason. Nothing is written. */
int hosts_check_writable(const char *path, struct diags *d);

#endif
