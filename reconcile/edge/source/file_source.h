/*
 * A definition that is a plain file, for trying things out. Each time that it says something else, and is valid, the
 * server commits it to a repository of its own: from there on all is as with a definition that people push. The
 * version's number is that of the changes. The turn takes it before it looks at the branch.
 */
#ifndef EDGE_FILE_SOURCE_H
#define EDGE_FILE_SOURCE_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/state/verdicts.h"

struct file_source;

/*
 * `path` is the file's, or its folder's. `written` is called when it may say something else; NULL: it is not watched.
 * All is borrowed. NULL: out of memory.
 */
struct file_source *file_source_new(struct loop *l, const char *path, struct verdicts *v, struct conditions *c,
				    const struct served *s, void (*written)(void *ctx), void *ctx);
void file_source_free(struct file_source *f); /* NULL is fine */

/*
 * The branch becomes what the file says. 0: it is. 1: the file was touched just now, and its writer may not be done;
 * `written` is called. -1: it is not valid, which was refused and logged.
 */
int file_source_take(struct file_source *f, struct repo *repo);

#endif
