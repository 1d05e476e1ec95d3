/* What the two halves of the ledger share: ledger.c reads it, ledger_write.c writes. No other file includes this. */
#ifndef EDGE_LEDGER_STATE_H
#define EDGE_LEDGER_STATE_H

#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/ledger_record.h"
#include "reconcile/edge/git/repo_write.h"

#define POSITIONS_KEPT 1024 /* ledger positions whose enrolments can be told apart */

/* A position the branch had while we watched, and how many enrolments there were. */
struct position {
	git_oid tip;
	uint64_t sequence;
};

struct ledger {
	struct repo *repo;
	const char *ref;
	struct key id;
	git_oid tip;
	char position[GIT_OID_HEXSZ + 1]; /* of the tip, or "-" */
	bool has_tip;                     /* it existed once: from now on it must stay and grow */
	bool loaded;                      /* the facts are those of the tip */
	bool available;
	struct arena *names;
	struct ledger_facts facts;
	uint64_t *sequences; /* of each enrolment, beside facts.enrolments */
	uint64_t sequence;   /* of the newest */
	struct position positions[POSITIONS_KEPT];
	char write_problem[256]; /* of the last write; "": it went well */
	size_t n_positions;      /* ever: the newest is at (n - 1) % POSITIONS_KEPT */
	bool remote;             /* the branch is on a remote: nothing is written to it from here */
	struct key *due;         /* invites that were replaced, to be recorded as spent with the next write */
	size_t n_due, cap_due;
	struct ledger_statement *statements;
	size_t n_statements, cap_statements;
};

/* Room for one more element. NULL: out of memory, and the old array stays. */
void *ledger_grow(void *p, size_t n, size_t *cap, size_t size);
int ledger_address_cmp(const void *x, const void *y); /* for qsort() and bsearch() */

#endif
