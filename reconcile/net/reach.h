/* Which peers reach each other (network.yaml(5)), by which rule, and the tests of a definition. */
#ifndef RECONCILE_NET_REACH_H
#define RECONCILE_NET_REACH_H

#include "schema/model.h"

enum reach_rule {
	REACH_NONE = 0,
	REACH_INFRA,       /* one of them is directly in an infra CIDR */
	REACH_SAME_CIDR,   /* the same CIDR, not isolated */
	REACH_ASSOCIATION, /* an association joins them */
};
struct reach {
	enum reach_rule rule;
	uint32_t association; /* for REACH_ASSOCIATION: its index; NONE otherwise */
	uint32_t cidr;        /* for REACH_INFRA: the infra CIDR; for REACH_SAME_CIDR: the CIDR */
};

/* What is worked out once a model: for each CIDR, the CIDRs that the ends of its associations cover. */
struct reach_index;
struct reach_index *reach_index_new(struct arena *a, const struct model *m); /* NULL: out of memory */

/* Between two CIDRs' own peers (equal CIDRs: two peers of the same one). Symmetric. */
struct reach reach_cidrs(const struct reach_index *x, uint32_t c1, uint32_t c2);
/* Between two peers, enabled or not, keys or not: the rule alone. */
struct reach reach_peers(const struct reach_index *x, uint32_t p1, uint32_t p2);
/* Is `other` one of the CIDRs that associations' other ends cover, as seen from `cidr`? Infra and equality do not count. */
bool reach_covers(const struct reach_index *x, uint32_t cidr, uint32_t other);
/* The other ends of associations that cover this CIDR, minimal (none under another), sorted by CIDR order. */
const uint32_t *reach_subtrees(const struct reach_index *x, uint32_t cidr, uint32_t *n);
const uint32_t *reach_infra(const struct reach_index *x, uint32_t *n); /* all infra CIDRs, sorted */

/*
 * Are there two enabled peers, one that each reference names, that reach each other (`reached`), or that do not?
 * Their CIDRs, when there are. False too when a reference is outside the network or names a disabled peer.
 */
bool reach_example(const struct reach_index *x, const struct ref *from, const struct ref *to, bool reached,
		   uint32_t *c1, uint32_t *c2);

/* Runs `tests:`; one diagnostic (code "test-failed") a failing pair of references: expected, found, the rule at fault. */
void reach_run_tests(const struct reach_index *x, struct diags *d);

#endif
