/*
 * What a command says for a program: with --json each run prints exactly one JSON document, a failed one too. A command
 * that did not come to its own document gets this one:
 *
 *	{"format_version": "1.0", "failed": true, "exit_code": 1, "diagnostics": [...]}
 */
#ifndef CMD_ANSWER_H
#define CMD_ANSWER_H

#include "cmd/command.h"
#include <jansson.h>

struct answer {
	json_t *diagnostics; /* all that was reported; NULL: none yet */
	bool printed;        /* something stands on standard output */
	bool incomplete;     /* memory ran out */
};

/* Adds what a command reports. Ignores NULL for `a`. */
void answer_add(struct answer *a, const struct diags *d);
/* Appends the document. Sets out->failed when memory runs out. */
void answer_render(struct buf *out, const struct answer *a, int exit_code);
void answer_free(struct answer *a);

#endif
