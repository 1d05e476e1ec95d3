/* Diagnostics for programs. */
#ifndef RECONCILE_SHOW_DIAG_JSON_H
#define RECONCILE_SHOW_DIAG_JSON_H

#include "schema/diag.h"
#include <jansson.h>

/*
 * One JSON document and a newline: format_version ("1.0"; within a major version keys are only added), valid,
 * error_count, warning_count, and diagnostics[], each with severity, code, message and, where there are any, file,
 * start and end {line, column} (1-based, in code points, end exclusive), snippet {code, start_line}, notes[] (message,
 * file, start, end), help, and fix (file, start, end, and the text that would stand there: what is safe to correct). -1: out of memory.
 */
int diags_render_json(struct buf *out, const struct diags *d);
json_t *diags_json(const struct diags *d); /* the list alone. NULL: out of memory */

#endif
