/*
 * Confines a child process that works on untrusted input: files below a few folders, no sockets, no capabilities. Called
 * between fork(2) and execve(2); all its child processes inherit it.
 */
#ifndef EDGE_CONFINE_H
#define EDGE_CONFINE_H

#include <stdbool.h>

struct confinement {
	/* Each list ends with NULL. Missing paths are skipped. */
	const char *const *readable; /* files and folder trees to read and execute */
	const char *const *writable; /* files and folder trees to read, execute and write */
};

/*
 * Returns whether this kernel can confine a process to files: Landlock (landlock(7)) of Linux 5.19 or newer. Older versions
 * forbid renames to another folder, which git needs. Without it confine() does not limit files.
 */
bool confine_has_files(void);

/* Confines this process for good. Returns NULL, or the name of the failed step with errno; then the child must exit. */
const char *confine(const struct confinement *c);

#endif
