/*
 * Merges two changed versions of one file of a definition. The units are the members of sections, not lines: two sides
 * that each add a peer at one place do not conflict. A member that one side changed is copied with its comments and
 * layout. Pure: bytes in, bytes out.
 */
#ifndef SCHEMA_MERGE_H
#define SCHEMA_MERGE_H

#include "schema/addr.h"
#include "schema/diag.h"

/* The version that both sides started from (empty: none), ours, theirs. Borrowed. */
enum merge_version { MERGE_BASE, MERGE_OURS, MERGE_THEIRS, N_MERGE_VERSIONS };

/*
 * 1: *out has both changes. 0: it cannot be done, and the diagnostics ("merge-conflict") name the members that both sides
 * changed, or say that a version is not YAML in block style. -1: out of memory.
 */
int definition_merge(const struct span version[static N_MERGE_VERSIONS], struct buf *out, struct diags *d);

/* Whether `result` has both changes and no other one. false too out of memory, then with a diagnostic. */
bool definition_merge_fits(const struct span version[static N_MERGE_VERSIONS], struct span result, struct diags *d);

/* A peer's address that is replaced by another one of its family. */
struct merge_address {
	const char *peer; /* its name; borrowed */
	struct addr from, to;
};
/* Replaces addresses of peers in a file. 0; 1 when some of them are not in it; -1 with diagnostics. */
int definition_readdress(struct span file, const struct merge_address *moves, size_t n, struct buf *out,
			 struct diags *d);

#endif
