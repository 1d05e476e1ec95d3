/* What an edit prints: its plan, what was done, that nothing was to do, and all of it as JSON. */
#ifndef CMD_INNERNET_EDIT_ANSWER_H
#define CMD_INNERNET_EDIT_ANSWER_H

#include "cmd/innernet/edit/edit.h"
#include "reconcile/impact/impact.h"

/* The plan and the lines that change, unless --json asks for one document. -1: they could not be written. */
int edit_answer_plan(const struct edit_job *job, const struct impact *impact);
/* "Rename peer bob to robert?" True only for "yes". */
bool edit_answer_asked(const struct edit_job *job);
/* These return the exit code. */
int edit_answer_done(const struct edit_job *job, const struct impact *impact, const char *message);
int edit_answer_already(const struct edit_job *job);
/* `impact` NULL: nothing was changed. */
int edit_answer_json(const struct edit_job *job, const struct impact *impact);

#endif
