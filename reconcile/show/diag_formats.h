/* Diagnostics as other people's programs read them: forges, editors, test reports. */
#ifndef RECONCILE_SHOW_DIAG_FORMATS_H
#define RECONCILE_SHOW_DIAG_FORMATS_H

#include "schema/diag.h"

/*
 * GitHub's workflow commands, one line a diagnostic: `::error file=,line=,col=,endLine=,endColumn=,title=::text`.
 * The text has the notes and the help too. Columns are left out of a place that goes over lines, as GitHub wants it.
 */
int diags_render_github(struct buf *out, const struct diags *d);

/*
 * One SARIF 2.1.0 log: a rule for each code that a definition can cause, regions in code points, notes as related
 * locations, and the fixes where there are some. A file's name becomes a URI relative to where the program ran.
 */
int diags_render_sarif(struct buf *out, const struct diags *d);

/*
 * JUnit's XML: one test case a file, failed when it has an error (all of them in its text, as a person reads them),
 * in error when it could not be read. Warnings are its output.
 */
int diags_render_junit(struct buf *out, const struct diags *d);

/* Each appends and returns 0, or -1 when out of memory. */

#endif
