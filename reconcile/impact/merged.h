/* What a merge of two valid definitions may not do silently: give two peers one address, move a peer to another CIDR. */
#ifndef RECONCILE_IMPACT_MERGED_H
#define RECONCILE_IMPACT_MERGED_H

#include "reconcile/wire/ledger.h"
#include "schema/merge.h"
#include "schema/model.h"

/* The definition of each version; NULL: it is not valid by itself. */
struct merged {
	const struct model *version[N_MERGE_VERSIONS];
};

/* A peer that gets another address, since a peer of the other side has its address too. */
struct merged_move {
	struct merge_address address;
	const struct peer *peer; /* of the version that it comes from */
	const char *keeper;      /* the peer that keeps the address */
};

/*
 * Finds the peers that both sides added with one address, and a free address of its CIDR for one of each two: for that of
 * theirs, unless the ledger (`facts`; NULL: none is known) says that the address is its own. Other peers with one address
 * are left for the loader to report. The moves are in the arena; so are the addresses' names. -1 with diagnostics.
 */
int merged_addresses(struct arena *a, const struct merged *x, const struct ledger_facts *facts,
		     struct merged_move **out, size_t *n, struct diags *d);

/* Reports the peers that are in a CIDR of `result` in which neither side has them ("merge-moved"). */
void merged_places(const struct merged *x, const struct model *result, struct diags *d);

#endif
