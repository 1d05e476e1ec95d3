/* Inside innernet validate: what validate.c and validate_fix.c share. */
#ifndef CMD_INNERNET_VALIDATE_H
#define CMD_INNERNET_VALIDATE_H

#include "cmd/command.h"
#include "schema/load.h"

/* One definition that was named. */
struct target {
	const char *path;
	struct model *model; /* NULL: not valid */
	struct diags diags;
};

/* The loader, then the definition's own tests; the diagnostics are in order. `edited` are files with other bytes. */
void target_check(struct target *t, struct arena *a, const struct source_file *edited, size_t n, bool without_server);

/*
 * Makes the safe fixes of one definition, again and again as long as there are any, and checks it. Then writes the
 * files, or, for a diff, appends it to *out and leaves both the files and what is said about them as they are. What was fixed is said in *said, a line each.
 * Returns 0, or -1 with a diagnostic when a file could not be written.
 */
int target_fix(struct target *t, struct arena *a, bool without_server, bool diff, struct buf *out, struct buf *said);

#endif
