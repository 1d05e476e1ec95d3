/*
 * One revision as the server holds it: the definition's bytes, the model, which peers reach each other, the compiled
 * snapshot, its signatures; all of it in one arena, immutable once it is built.
 */
#ifndef EDGE_REVISION_H
#define EDGE_REVISION_H

#include "reconcile/wire/bundle.h"
#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/git/repo.h"
#include "reconcile/wire/ledger.h"
#include "reconcile/wire/verify.h"
#include "schema/load.h"

struct revision {
	struct arena *arena;
	struct commit_info commit; /* of this definition */
	struct model *model;
	struct reach_index *reach;
	struct snapshot *snapshot;
	struct signed_text statement; /* its signatures, once it is signed */
	struct statement parsed;      /* of the statement's bytes */
	uint32_t self;                /* the server's own peer */
	uint32_t *by_mark;            /* model peers sorted by their key or invite */
	struct revision *older;       /* the one that was published before; for what a peer holds already */
};

struct revision *revision_new(struct diags *d);
void revision_free(struct revision *g); /* without `older`; NULL is fine */

/*
 * Loads, runs the tests, asks the ledger (`facts` NULL: not), compiles. What `root` and `includes` give is in
 * g->arena, or lives as long. -1 with diagnostics, whose file names are in g->arena.
 */
int revision_build(struct revision *g, const struct source_file *root, const struct includes *includes,
		   const struct commit_info *commit, const struct ledger_facts *facts, struct diags *d);

/* A commit of the repository: loaded and compiled, not judged. NULL with diagnostics, whose places are gone. */
struct revision *revision_load(struct repo *repo, const char *sha, struct diags *d);

/*
 * Finds the server in it, by its WireGuard key, and refuses what no trailer of a commit can accept. `prev`: what is
 * published (NULL: nothing yet); `descends`: this commit has prev's commit among its ancestors. Codes: trust-missing,
 * server-dropped, network-changed, epoch-back, epoch-jump, history-rewound, cannot-sign.
 */
int revision_check(struct revision *g, const struct revision *prev, bool descends, const struct server_config *c,
		   struct diags *d);

/* Does the snapshot say the same, but for the commit that it is of? Then nothing new is published. */
bool revision_same_content(const struct revision *a, const struct revision *b);
/* The signers changed: the statement has to be kept for ever. */
bool revision_changes_signers(const struct revision *g, const struct revision *prev);
/* Signs with every seed that signs for it, or for `prev` when the signers change. */
int revision_sign(struct revision *g, const struct revision *prev, const struct server_config *c, struct diags *d);

/* The model's peer with this key or invite, as the definition has it; NONE. */
uint32_t revision_by_mark(const struct revision *g, const struct key *mark);
/* May peer `a` see peer `b`? A peer sees itself. */
bool revision_sees(const struct revision *g, uint32_t a, uint32_t b);

/* A statement again, with its signatures: in another arena. -1: out of memory. */
int signed_text_copy(struct arena *a, const struct signed_text *from, struct signed_text *to);

#endif
