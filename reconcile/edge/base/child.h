/* Another program beside the event loop: bounded in time, output and what it writes, ended with all that it started. */
#ifndef EDGE_CHILD_H
#define EDGE_CHILD_H

#include "reconcile/edge/base/loop.h"

struct child;

/* What it came to. The texts are borrowed until `ended` returns, each at most the bound; what was above it is dropped. */
struct child_result {
	int status; /* its exit code; 128 + n: signal n ended it */
	bool late;  /* it was ended at its deadline */
	bool cut;   /* not all of the texts is here */
	struct span out, err;
};

struct child_options {
	const char *const *argv; /* searched in PATH; ends with NULL */
	const char *const *env;  /* ends with NULL; NULL: ours */
	size_t output_max;       /* bytes of each of its outputs that are kept */
	int64_t deadline_ms;     /* for the whole of it */
	uint64_t file_max;       /* bytes of one file that it may write; 0: no bound */
	uint64_t memory_max;     /* bytes of its own memory, and of each process that it starts; 0: no bound */
	bool idle;               /* others come first */
	/* Called once from the loop, when it has ended; the child is freed afterwards. It may start another. */
	void (*ended)(void *ctx, const struct child_result *result);
	void *ctx;
};

/*
 * Starts it in a session of its own, without a terminal, nothing on its standard input. NULL with a diagnostic
 * ("program-failed"); a program that is not there ends with 127.
 */
struct child *child_start(struct loop *l, const struct child_options *o, struct diags *d);
void child_free(struct child *c); /* ends it, without a call of `ended`; NULL is fine */

#endif
