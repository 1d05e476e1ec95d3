/* Which two revisions `innernet plan` of a definition compares. */
#ifndef CMD_INNERNET_PLAN_REVISIONS_H
#define CMD_INNERNET_PLAN_REVISIONS_H

#include "cmd/command.h"
#include "reconcile/edge/git/clone.h"

struct plan_revisions {
	const char *base, *head;         /* as typed or in the arena; NULL: HEAD, and the work tree */
	bool merge_base;                 /* compare with the common ancestor of the two instead */
	bool range;                      /* typed as BASE..HEAD or BASE...HEAD */
	const char *path;                /* of the definition */
	char base_sha[HASH_HEX_LEN + 1]; /* "": there is no base */
	char head_sha[HASH_HEX_LEN + 1]; /* "": the work tree */
};

/* Whether an argument is a range of revisions: "main...HEAD". A path that exists, or has a component "..", is none. */
bool plan_is_range(const char *word);
/* Reads the options and the arguments. Returns 0, or the exit code of a usage error. */
int plan_revisions_read(const struct invocation *inv, struct arena *a, struct plan_revisions *out);
/*
 * Finds both commits in the clone (NULL: the definition is in none), and warns where the base is no ancestor of the head.
 * Returns -1 with a diagnostic: repository-missing, revision-unknown, merge-base-missing, repository-error.
 */
int plan_revisions_find(struct plan_revisions *r, struct clone *c, struct diags *d);

#endif
