/*
 * Commands to a network's reconciler, running or not: files in DATA/control/, which a running reconciler watches.
 *
 *   suspended   the reason, one line: while the file exists, the reconciler publishes no new revision
 *   look        a random word: read the repository now; the status repeats the word when that is done
 */
#ifndef EDGE_CONTROL_H
#define EDGE_CONTROL_H

#include "reconcile/edge/base/loop.h"

#define CONTROL_REASON_MAX 256 /* bytes with the NUL */
#define CONTROL_WORD_LEN   32

/* Returns whether it is UTF-8 without control characters and shorter than CONTROL_REASON_MAX. */
bool control_reason_valid(const char *reason);
int control_suspend(const char *data_dir, const char *reason, struct diags *d);
int control_resume(const char *data_dir, struct diags *d); /* no error when it is not suspended */
/* Returns whether it is suspended, and the reason. An unreadable file counts as suspended. */
bool control_suspended(const char *data_dir, char reason[static CONTROL_REASON_MAX]);

/* Writes `look` with a new random word, and returns the word. */
int control_ask(const char *data_dir, char word[static CONTROL_WORD_LEN + 1], struct diags *d);
/* Reads the last word of `look`; "" when there is none. */
void control_asked(const char *data_dir, char word[static CONTROL_WORD_LEN + 1]);

/* Calls `fn` from the loop when a file changes. Makes the folder. Returns NULL with a diagnostic. */
struct control;
struct control *control_watch(struct loop *l, const char *data_dir, void (*fn)(void *ctx), void *ctx, struct diags *d);
void control_free(struct control *c); /* NULL is fine */

#endif
