/* A child process beside the event loop, limited in time, output, memory and file size. Its process group ends with it. */
#ifndef EDGE_CHILD_H
#define EDGE_CHILD_H

#include "reconcile/edge/base/loop.h"

struct child;

/* The result. `out` and `err` are valid until `ended` returns; each has at most output_max bytes. */
struct child_result {
	int status; /* the exit code; 128 + n: signal n ended the process */
	bool late;  /* the deadline has passed, and the process was ended */
	bool cut;   /* `out` or `err` is incomplete */
	struct span out, err;
};

struct child_options {
	const char *const *argv; /* searched in PATH; ends with NULL */
	const char *const *env;  /* ends with NULL; NULL: this process's environment */
	size_t output_max;       /* bytes kept of standard output, and of standard error */
	int64_t deadline_ms;     /* for the whole run */
	uint64_t file_max;       /* RLIMIT_FSIZE in bytes; 0: no limit */
	uint64_t memory_max;     /* RLIMIT_DATA in bytes, for each process; 0: no limit */
	bool idle;               /* runs with the lowest priority (nice 19) */
	/* Called once from the loop after the end; the child is freed afterwards. It may start another child. */
	void (*ended)(void *ctx, const struct child_result *result);
	void *ctx;
};

/*
 * Starts the program in its own session, without a terminal, with /dev/null as standard input. Returns NULL with the
 * diagnostic "program-failed". A missing program ends with status 127.
 */
struct child *child_start(struct loop *l, const struct child_options *o, struct diags *d);
void child_free(struct child *c); /* ends the process without calling `ended`; NULL is fine */

#endif
