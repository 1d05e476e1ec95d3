/*
 * What a child of ours may do at most when what it works on is somebody else's: files below a few folders, no network,
 * no capability. Between fork(2) and execve(2), and for all that it starts.
 */
#ifndef EDGE_CONFINE_H
#define EDGE_CONFINE_H

#include <stdbool.h>

struct confinement {
	/* Each ends with NULL; what is not there is passed over. */
	const char *const *readable; /* files and folders, with all below, to read and to execute */
	const char *const *writable; /* the same, to write as well */
};

/*
 * Can this kernel confine a process to some files? Landlock (landlock(7)) as of Linux 5.19: before, it forbids to move
 * a file to another folder, which git does. Without it confine() leaves files to their permissions.
 */
bool confine_has_files(void);

/* Irrevocable. NULL; or the step that failed, with errno: then the child must end. */
const char *confine(const struct confinement *c);

#endif
