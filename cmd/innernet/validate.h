/* Inside innernet validate: what its three files share. */
#ifndef CMD_INNERNET_VALIDATE_H
#define CMD_INNERNET_VALIDATE_H

#include "cmd/command.h"
#include "schema/load.h"

/* One definition that was named. */
struct validated {
	const char *path;
	struct model *model; /* NULL: not valid */
	struct diags diags;
};

/* validate_check.c: loads it and runs its tests; the diagnostics are in order. `edited`: files with other bytes. */
void validated_check(struct validated *t, struct arena *a, const struct source_file *edited, size_t n,
		     bool without_server);

/*
 * validate_fix.c: makes the safe fixes of one definition until there are none, and checks it. Then writes the files. For
 * a diff it appends that to *out instead, and leaves the files and the diagnostics as they are. *said has a line for each
 * fix. Returns 0, or -1 with a diagnostic when a file could not be written.
 */
int validated_fix(struct validated *t, struct arena *a, bool without_server, bool diff, struct buf *out,
		  struct buf *said);

#endif
