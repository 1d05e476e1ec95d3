/* Whether two peers, CIDRs or addresses reach each other, by which rule and line; or why not, and which line would change it. */
#ifndef RECONCILE_NET_WHY_H
#define RECONCILE_NET_WHY_H

#include "reconcile/net/reach.h"

enum why_answer { WHY_NO, WHY_YES, WHY_PARTLY };
enum why_cause {
	WHY_INFRA,          /* one of them is in the CIDR of a server */
	WHY_SAME_CIDR,      /* they share a CIDR that is not isolated */
	WHY_ASSOCIATION,    /* an association joins them */
	WHY_ISOLATED,       /* they share a CIDR that is */
	WHY_NO_ASSOCIATION, /* none joins them */
	WHY_DISABLED,       /* one of them is disabled */
};

/* One of the two that were asked about. */
struct why_end {
	struct ref ref;
	uint32_t cidr;    /* whose rule holds for it: its own, or of the peer that routes to it */
	uint32_t through; /* the peer whose `routes` have the address; NONE */
};

/* A line of the definition that makes it so. */
struct why_line {
	const char *text; /* one sentence, without a full stop */
	struct place at;
};
#define WHY_LINES_MAX 8

struct why {
	struct why_end a, b;
	enum why_answer answer;
	enum why_cause cause; /* for WHY_PARTLY: why the other pairs do not */
	uint32_t c1, c2;      /* the CIDRs that the cause is about */
	struct why_line lines[WHY_LINES_MAX];
	unsigned n_lines, more_lines; /* associations that join them too and are not listed */
	const char *partly;           /* for WHY_PARTLY: two that do reach each other; else NULL */
	const char *change;           /* what would turn the answer round, as one sentence; NULL: nothing can */
	const char *add;              /* the line to add under `associations:`; NULL: none */
};

/*
 * Finds what `text` names: a peer, a CIDR, the network (all of it), or an address (of a peer, routed by one, or free).
 * -1 with a diagnostic: unknown-name, address-outside.
 */
int why_find(const struct model *m, const char *text, struct why_end *out, struct diags *d);

/*
 * Texts are in the arena. Open invites count as peers, and a CIDR stands for all enabled peers in it and under it;
 * without any, for those it would have. -1 with a diagnostic when it cannot be told: one peer and itself ("same-peer").
 */
int why_ask(struct arena *a, const struct reach_index *x, const struct model *m, const struct why_end *one,
	    const struct why_end *other, struct why *out, struct diags *d);

/* The answer as one sentence and a newline: "alice and bob reach each other." */
void why_put_answer(struct buf *out, const struct why *w);
const char *why_cause_name(enum why_cause cause); /* "association": for programs */

#endif
