/* The output of an edit: its plan, its result, that nothing changes, and the JSON document. */
#ifndef CMD_INNERNET_EDIT_ANSWER_H
#define CMD_INNERNET_EDIT_ANSWER_H

#include "cmd/innernet/edit/edit.h"
#include "reconcile/impact/impact.h"

/* Prints the plan and the changed lines; nothing with --json. Returns -1 when the write fails. */
int edit_answer_plan(const struct edit_job *job, const struct impact *impact);
/* Asks "Rename peer bob to robert?". Returns true only for the answer "yes". */
bool edit_answer_asked(const struct edit_job *job);
/* Print the result, or that nothing changes. Return the exit code. */
int edit_answer_done(const struct edit_job *job, const struct impact *impact, const char *message);
int edit_answer_already(const struct edit_job *job);
/* Prints the JSON document. `impact` NULL: nothing has changed. Returns the exit code. */
int edit_answer_json(const struct edit_job *job, const struct impact *impact);

#endif
