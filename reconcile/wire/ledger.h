/* The ledger's content as values, innernet-snapshot(5). The branch itself is reconcile/edge/git/ledger.h. */
#ifndef RECONCILE_WIRE_LEDGER_H
#define RECONCILE_WIRE_LEDGER_H

#include "reconcile/wire/sign.h"

/* An address that was given out once, and the peer's mark: its key, or its invite. */
struct ledger_address {
	struct addr addr;
	struct key mark;     /* the WireGuard key or invite that had it first */
	struct key enrolled; /* the key that this invite became; zero: none known */
	const char *name;    /* as it was called then */
};
struct ledger_facts {
	struct enrolment *enrolments;     /* sorted by invite; one an invite (the first wins) */
	struct key *spent;                /* invites that were replaced or removed after use; sorted */
	struct ledger_address *addresses; /* sorted by address */
	size_t n_enrolments, n_spent, n_addresses;
};

int enrolment_cmp(const void *a, const void *b); /* for qsort(3) and bsearch(3): by invite */
const struct enrolment *ledger_enrolment(const struct ledger_facts *f, const struct key *invite);

/* As model_next_free(), passing over what the ledger remembers as well, unless `reuse:` has it. -1 when the CIDR is full. */
int ledger_next_free(const struct model *m, const struct ledger_facts *f, uint32_t cidr, int family, struct addr *out);

/* What only the ledger knows: address-reused, invite-spent, key-twice (an enrolled key against the model's). */
void ledger_check(const struct model *m, const struct ledger_facts *f, struct diags *d);

#endif
