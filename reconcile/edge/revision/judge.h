/*
 * What a commit comes to: loaded from git, validated, compared with what is published, guarded. The server asks when
 * it notices a push, the repository's hook before it is one; both get the same answer, with the same words.
 */
#ifndef EDGE_JUDGE_H
#define EDGE_JUDGE_H

#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/revision/revision.h"
#include "reconcile/impact/formats.h"

/* What a commit is judged by. */
struct judge {
	struct repo *repo;
	const struct server_config *config;
	const struct revision *published; /* NULL: nothing yet */
	const struct ledger_facts *facts; /* NULL: there is no ledger */
	const struct reader *readers;     /* by peer of `published`; NULL: it is not known what they read */
	int64_t now;                      /* Unix seconds */
	/* false: nothing is published yet, and `published` is only where the branch was; it may change in any way. */
	bool guarded;
};

/*
 * Fills `g` (revision_new()). -1 with all diagnostics that there are; out->final then says whether they are about the
 * commit itself, so that looking again would say the same. out->plan is what the commit does, given whenever its
 * definition can be read at all, though it be refused; it is in `a` and borrows from `g` and `a`.
 */
struct judgement {
	bool final;
	struct impact *plan; /* NULL: cannot be told, or nothing is published */
};
int judge_commit(const struct judge *j, const char *sha, struct revision *g, struct arena *a, struct judgement *out,
		 struct diags *d);

/* Is there an error, and is every one of them of a guard that the commit's trailer can acknowledge? */
bool judge_acceptable(const struct diags *d);

#endif
