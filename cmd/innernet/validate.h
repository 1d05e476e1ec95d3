/* Shared by the three files of innernet validate. */
#ifndef CMD_INNERNET_VALIDATE_H
#define CMD_INNERNET_VALIDATE_H

#include "cmd/command.h"
#include "schema/load.h"

/* One definition of the command line. */
struct validated {
	const char *path;
	struct model *model; /* NULL: not valid */
	struct diags diags;
};

/* validate_check.c: loads the definition, runs its tests, sorts the diagnostics. `edited`: new contents of `n` files. */
void validated_check(struct validated *t, struct arena *a, const struct source_file *edited, size_t n,
		     bool without_server);

/*
 * validate_fix.c: applies the safe fixes of one definition until no more exist, checks the result, and writes the files.
 * With `diff` it appends a diff to *out instead; the files stay, and the diagnostics are those of the files. *said has a
 * line for each fix. Returns 0, or -1 with a diagnostic when a file cannot be written.
 */
int validated_fix(struct validated *t, struct arena *a, bool without_server, bool diff, struct buf *out,
		  struct buf *said);

#endif
