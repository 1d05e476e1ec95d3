/* Another program, run to its end: by its arguments, never through a shell. */
#ifndef EDGE_RUN_H
#define EDGE_RUN_H

#include "schema/buf.h"
#include "schema/diag.h"

enum run_stderr { RUN_STDERR_SHOWN, RUN_STDERR_DROPPED };

/*
 * Runs argv (searched in PATH; ends with NULL) with the signals and the environment of a fresh process, our
 * standard input, and its errors as said. Standard output is captured in `out`, at most `max` bytes of it; with
 * `out` NULL it goes to our standard error, so that ours stays what was promised. Returns its exit code (128 + n
 * when signal n ended it), or -1 with a diagnostic: "program-missing", "program-failed".
 */
int run_program(const char *const argv[], enum run_stderr errors, struct buf *out, size_t max, struct diags *d);

/* The same, with its errors shown and nothing captured, and told to end after so many seconds: 128 + SIGTERM then. */
int run_program_within(const char *const argv[], unsigned seconds, struct diags *d);

/* The same with `in` as its standard input. `package`: what to install when there is no such program. */
int run_filter(const char *const argv[], const char *package, struct span in, struct buf *out, size_t max,
	       struct diags *d);

#endif
