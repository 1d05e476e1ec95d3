/* The CIDRs of a network as a list, a tree or JSON: of a definition, or of what a peer may see of it. */
#ifndef RECONCILE_SHOW_CIDR_LIST_H
#define RECONCILE_SHOW_CIDR_LIST_H

#include "reconcile/text/tree.h"
#include "reconcile/wire/verify.h"
#include <jansson.h>

struct cidr_row {
	const char *name;
	const char *description; /* NULL: none, or not for peers to see */
	const struct cidr *cidr; /* what the definition says of it; NULL: the list is of a view */
	const struct prefix *prefix;
	uint8_t n_prefixes;
	uint32_t parent;   /* NONE */
	uint32_t own, all; /* its own enabled peers, and with those of all CIDRs under it; open invites count */
	uint32_t disabled; /* its own disabled peers */
	bool isolated, infra;
	bool named_only; /* of a view: around what the peer may see, and nothing more is known */
};

struct cidr_list {
	struct cidr_row *rows;
	uint32_t n, root;
	bool of_view; /* descriptions, isolation and disabled peers are not in it */
};

/* In the arena; what they point to is the model's or the view's. NULL: out of memory. */
struct cidr_list *cidr_list_of_model(struct arena *a, const struct model *m);
struct cidr_list *cidr_list_of_view(struct arena *a, const struct view *v);

/* "isolated, infra, 1 disabled": what there is to say of a CIDR beside its numbers. */
void cidr_row_notes(struct buf *out, const struct cidr_row *r);
/* The same, prefixes first: a CIDR's line in a tree. */
void cidr_row_line(struct buf *out, const struct cidr_row *r);

/* All of them set out->failed when out of memory. `width` as table_render() takes it. */
void cidr_list_table(struct buf *out, const struct cidr_list *l, unsigned width);
void cidr_list_tree(struct buf *out, const struct cidr_list *l, enum tree_style style);
json_t *cidr_list_json(const struct cidr_list *l); /* an array; new reference; NULL: out of memory */

#endif
