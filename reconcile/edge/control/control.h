/*
 * What commands tell a network's reconciler, whether or not one runs: files in DATA/control/, which a running one
 * watches.
 *
 *   suspended   why, in a line: while it is there no new revision is taken
 *   look        a word of the asker's: look at the repository now; the status repeats it when that is done
 */
#ifndef EDGE_CONTROL_H
#define EDGE_CONTROL_H

#include "reconcile/edge/base/loop.h"

#define CONTROL_REASON_MAX 256 /* bytes with the NUL */
#define CONTROL_WORD_LEN   32

/* One line of UTF-8 without control characters, short enough. */
bool control_reason_valid(const char *reason);
int control_suspend(const char *data_dir, const char *reason, struct diags *d);
int control_resume(const char *data_dir, struct diags *d); /* not suspended is fine */
/* Is it suspended, and why? A file that cannot be read counts as suspended. */
bool control_suspended(const char *data_dir, char reason[static CONTROL_REASON_MAX]);

/* Asks the running server to look at the repository. `word`, drawn at random here, marks the answer in the status. */
int control_ask(const char *data_dir, char word[static CONTROL_WORD_LEN + 1], struct diags *d);
/* The word of the last such request; "" when there was none. */
void control_asked(const char *data_dir, char word[static CONTROL_WORD_LEN + 1]);

/* Calls `fn` from the loop when something was said. The folder is made. NULL with a diagnostic. */
struct control;
struct control *control_watch(struct loop *l, const char *data_dir, void (*fn)(void *ctx), void *ctx, struct diags *d);
void control_free(struct control *c); /* NULL is fine */

#endif
