/*
 * The peers and associations of a definition, for people and programs; its CIDRs are cidr_list.h's. And what stands
 * for the associations where there is only a view: which peers a peer's CIDR reaches, and why.
 */
#ifndef RECONCILE_SHOW_LIST_RENDER_H
#define RECONCILE_SHOW_LIST_RENDER_H

#include "reconcile/show/cidr_list.h"
#include "reconcile/wire/ledger.h"

/*
 * All of them set out->failed when out of memory. `facts` (NULL: no ledger is known) tell which invites were redeemed,
 * `now` which of the other invites are open; `width` as table_render().
 */
void peer_list_table(struct buf *out, const struct model *m, const struct ledger_facts *facts, int64_t now,
		     unsigned width);
void peer_list_short(struct buf *out, const struct model *m); /* "NAME ADDRESSES", a line a peer */
void peer_list_tree(struct buf *out, const struct model *m, const struct cidr_list *l, const struct ledger_facts *facts,
		    int64_t now, enum tree_style style);
void association_list_table(struct buf *out, const struct model *m, const struct cidr_list *l, unsigned width);
/* Arrays; new references; NULL: out of memory. */
json_t *peer_list_json(const struct model *m, const struct ledger_facts *facts);
json_t *association_list_json(const struct model *m, const struct cidr_list *l);

/*
 * Of the view object of a verified bundle: the CIDRs that its own one reaches as a whole. A peer is told the outcome
 * alone, not by which lines of the definition. -1 with a diagnostic.
 */
struct view_reach {
	const char *here; /* the CIDR of the view */
	struct view_reach_row {
		const char *name;
		uint32_t peers;
		bool all_under; /* with all CIDRs under it: an association, or that `here` is infra */
	} * rows;
	uint32_t n;
};
int view_reach_read(struct arena *a, const struct bundle *b, struct view_reach *out, struct diags *d);
void view_reach_table(struct buf *out, const struct view_reach *r, unsigned width);
json_t *view_reach_json(const struct view_reach *r); /* an array */

#endif
