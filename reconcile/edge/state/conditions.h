/*
 * The conditions of a server, as Flux has them, and whether the status on the disk is out of date. Each owner sets the
 * conditions that are about it; the turn sets the other conditions. The status and the metrics read them.
 */
#ifndef EDGE_CONDITIONS_H
#define EDGE_CONDITIONS_H

#include "reconcile/edge/base/loop.h"
#include "schema/diag.h"
#include "schema/limits.h"
#include <jansson.h>

enum condition_kind {
	CONDITION_READY,
	CONDITION_VALID,
	CONDITION_PUBLISHED,
	CONDITION_CONVERGED,
	CONDITION_SUSPENDED,
	CONDITION_SOURCE, /* of a definition that comes from a remote or from a plain file */
	N_CONDITIONS
};
enum truth { TRUTH_UNKNOWN, TRUTH_FALSE, TRUTH_TRUE, N_TRUTHS };
struct condition {
	enum truth status;
	char reason[64]; /* a word */
	char message[1024];
	char commit[HASH_HEX_LEN + 1];
	int64_t time; /* of the last transition */
};

struct conditions;

/* `due` is called when the time of conditions_due_in() is over: the status is to be written. NULL: out of memory. */
struct conditions *conditions_new(struct loop *l, bool has_source, void (*due)(void *ctx), void *ctx);
void conditions_free(struct conditions *c); /* NULL is fine */

const char *conditions_name(enum condition_kind kind); /* "Ready" */
/* Without a source elsewhere there is no condition of it. */
bool conditions_applies(const struct conditions *c, enum condition_kind kind);
const struct condition *conditions_get(const struct conditions *c, enum condition_kind kind);
json_t *conditions_json(const struct conditions *c);

/* Each touches the status when something of the condition changed. */
void conditions_set(struct conditions *c, enum condition_kind kind, enum truth status, const char *reason,
		    const char *commit, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* The same from diagnostics: the first error is the reason and the message. */
void conditions_fail(struct conditions *c, enum condition_kind kind, const char *commit, const struct diags *d);

/* The status is out of date: something that it says changed. */
void conditions_touch(struct conditions *c);
/* Returns whether the status file is out of date, and marks it as up to date: the caller writes it now. */
bool conditions_take_touched(struct conditions *c);
/* Calls `due` in so many milliseconds, instead of at the time that was set before. */
int conditions_due_in(struct conditions *c, int64_t ms);

#endif
