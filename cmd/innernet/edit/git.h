/*
 * Git for an edit: the network's own clone, the checks before a commit, the commit and its push. The functions return -1
 * after an error, with diagnostics in job->diags. Only git.c writes job->git.
 */
#ifndef CMD_INNERNET_EDIT_GIT_H
#define CMD_INNERNET_EDIT_GIT_H

#include "cmd/innernet/own_clone.h"
#include "reconcile/wire/verify.h"

struct edit_job;

struct edit_git {
	struct own_clone own; /* the clone of the named network; `path` NULL: no network was named */
	bool undone;          /* that clone is rolled back; the secret of this run is void */
	bool raced;           /* rolled back because another push came first: edit_run() retries */
};

/*
 * When `word` is a network's name: finds its clone, brings it up to date, and adds --push. `other`: a word that is neither
 * a network nor a path is no error.
 */
int edit_git_open(struct edit_job *job, const char *word, bool other);
/* With --commit or --push: checks that the files to change are in git and have no uncommitted changes. */
int edit_git_check_clean(struct edit_job *job);
/* With --push: checks that there are no unpushed commits. */
int edit_git_check_pushed(struct edit_job *job);
/* With --commit or --push: commits the changed files; with --push pushes too. */
int edit_git_commit(struct edit_job *job, const char *message);
/* For an invitation: *floor is the version of HEAD, the lowest that a peer may accept. Zeros outside git. */
void edit_git_floor(struct edit_job *job, struct version *floor);
/* Makes git ignore a secret's file (info/exclude). */
int edit_git_exclude(struct edit_job *job, const char *path);

#endif
