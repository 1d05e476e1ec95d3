/*
 * Git around an edit: the network's clone that stands for its name, what a commit needs, the commit and its push.
 * Diagnostics go to job->diags; -1 after an error. Only git.c writes job->git.
 */
#ifndef CMD_INNERNET_EDIT_GIT_H
#define CMD_INNERNET_EDIT_GIT_H

#include "cmd/innernet/own_clone.h"
#include "reconcile/wire/verify.h"

struct edit_job;

struct edit_git {
	struct own_clone own; /* of the network that was named; `path` NULL: none was */
	bool undone;          /* of that clone: it is as it was, and what was made is void */
	bool raced;           /* and that is because another push came first: the run is repeated */
};

/*
 * A network's name in the place of a path: its clone is edited, which is brought up to date first. `other`: a word that
 * is neither a network nor a path is no error.
 */
int edit_git_open(struct edit_job *job, const char *word, bool other);
/* --commit: the files that change have no changes that are not committed yet. */
int edit_git_check_clean(struct edit_job *job);
/* --push: no earlier commit is left to be pushed. */
int edit_git_check_pushed(struct edit_job *job);
int edit_git_commit(struct edit_job *job, const char *message);
/* For invitations: the last published version is at least that of the commit here. Zeros outside git. */
void edit_git_floor(struct edit_job *job, struct version *floor);
/* For secrets: git is told to leave a file alone (info/exclude). */
int edit_git_exclude(struct edit_job *job, const char *path);

#endif
