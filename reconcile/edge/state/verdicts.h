/*
 * What became of each commit, and of each look that a person asked for: the Valid condition, the last few verdicts, and
 * a git note for each. The turn gives the verdicts; a source that cannot be read is refused here too; the status and the
 * metrics read them.
 */
#ifndef EDGE_VERDICTS_H
#define EDGE_VERDICTS_H

#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/notes.h"
#include "reconcile/edge/state/served.h"
#include "reconcile/edge/state/turn.h"

struct verdicts;

/* All is borrowed. `remote`: a server that has published nothing writes no notes there. NULL: out of memory. */
struct verdicts *verdicts_new(const struct served *s, struct conditions *c, struct notes *n, bool remote);
void verdicts_free(struct verdicts *v);                       /* NULL is fine */
void verdicts_read(struct verdicts *v, const char *data_dir); /* those of before, from the status on the disk */

/* --- one commit --- */

enum verdict { VERDICT_REFUSED, VERDICT_UNCHANGED, VERDICT_PUBLISHED, N_VERDICTS };

/* The last commit with a verdict that stays the same when it is judged again; "": none. */
const char *verdicts_attempted(const struct verdicts *v);
void verdicts_set_attempted(struct verdicts *v, const char *commit);
/* The commit is judged now. */
void verdicts_begin(struct verdicts *v, const char *commit);
/* It is not valid; "": what is no commit yet. Logged once a commit. */
void verdicts_refuse(struct verdicts *v, const char *commit, const struct diags *d);
/* It is valid. */
void verdicts_accept(struct verdicts *v, const char *commit);
/*
 * The verdict, after the conditions Valid and Published were set: for the history, and as the commit's note. `more`:
 * what a person should read besides; NULL: nothing.
 */
void verdicts_add(struct verdicts *v, const char *commit, enum verdict verdict, const char *more);

/* --- a look that a person asked for --- */

/* The look of this word came to `turn`; "": no person asked. Only the first answer to a word counts. */
void verdicts_answer(struct verdicts *v, const char *word, enum turn turn);

/* --- for the status and the metrics --- */

const char *verdicts_problem(const struct verdicts *v); /* what was refused, as a person reads it; NULL: nothing */
uint64_t verdicts_count(const struct verdicts *v, enum verdict verdict); /* since the start */
json_t *verdicts_attempted_json(const struct verdicts *v);               /* NULL: none was tried */
json_t *verdicts_looked_json(const struct verdicts *v);                  /* NULL: no person has asked */
json_t *verdicts_history_json(const struct verdicts *v);
json_t *verdicts_version_json(const struct version *version);

#endif
