/* Runs a program to its end, by its arguments, never through a shell. */
#ifndef EDGE_RUN_H
#define EDGE_RUN_H

#include "schema/buf.h"
#include "schema/diag.h"

enum run_stderr { RUN_STDERR_SHOWN, RUN_STDERR_DROPPED };

/*
 * Runs argv (searched in PATH; ends with NULL) with default signal handling, this process's environment and standard
 * input; `errors`: where its standard error goes. Captures standard output in `out`, at most `max` bytes; more is an
 * error. With `out` NULL its output goes to standard error, since standard output is for the command's own result.
 * Returns the exit code (128 + n when signal n ended it), or -1 with "program-missing" or "program-failed".
 */
int run_program(const char *const argv[], enum run_stderr errors, struct buf *out, size_t max, struct diags *d);

/* The same with RUN_STDERR_SHOWN and no capture. After `seconds` it sends SIGTERM; the result is then 128 + SIGTERM. */
int run_program_within(const char *const argv[], unsigned seconds, struct diags *d);

/* The same as run_program() with `in` as standard input. `package`: the package to name when the program is missing. */
int run_filter(const char *const argv[], const char *package, struct span in, struct buf *out, size_t max,
	       struct diags *d);

#endif
