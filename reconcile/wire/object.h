/*
 * The objects of a snapshot, innernet-snapshot(5): each kind's writer and its strict,
 * bounded parser stand together. A parser checks all that one object can show by itself (spelling, order,
 * counts); what needs two objects is verify.c's to check.
 */
#ifndef RECONCILE_WIRE_OBJECT_H
#define RECONCILE_WIRE_OBJECT_H

#include "reconcile/text/text.h"

enum object_kind { OBJECT_LEAF, OBJECT_CHILDREN, OBJECT_NODE, OBJECT_SUBTREE, OBJECT_VIEW };

/* A list, or a CIDR with all that is under it: how many peers it stands for, and its name. */
struct object_ref {
	uint32_t count; /* peers; for a part, its entries */
	struct hash name;
};
struct object_child {
	const char *name; /* of the CIDR; NULL for the subtree of a view line that has none */
	struct object_ref ref;
};
struct object_part {
	struct prefix prefix;
	struct object_ref ref;
};
struct object_segment {
	struct cidr cidr; /* name and prefixes alone */
	struct object_ref own;
};

struct object_leaf {
	struct peer peers[LIST_MAX]; /* what a leaf says of a peer; the rest is zero */
	unsigned n;
};
struct object_children {
	struct object_child children[LIST_MAX];
	unsigned n;
};
struct object_node {
	struct object_part parts[PARTS_MAX];
	unsigned n;
	uint32_t entries; /* of all parts */
};
struct object_subtree {
	struct cidr cidr;                /* name and prefixes alone */
	struct object_ref own, children; /* count 0: absent */
};
struct object_view {
	uint32_t mtu, keepalive, confirm;
	struct cidr cidr;
	const char *only;       /* NULL: not in an isolated CIDR */
	struct cidr *ancestors; /* from the root down */
	struct object_ref own;
	struct object_segment *segments; /* sorted by CIDR key */
	struct object_child *subtrees;   /* sorted by CIDR key, which only the objects themselves show */
	uint32_t n_ancestors, n_segments, n_subtrees;
	struct span extra; /* the x- lines of format 2; p NULL: none */
};

/*
 * The lowest format of a leaf that can say what is to be said of a peer; a leaf has the highest that one of its peers
 * needs.
 */
uint32_t peer_format(const struct peer *p);
uint32_t view_format(const struct object_view *v); /* the same of a view */

/* Writers append a whole object, but for those of one line, which the splitter of lists calls. */
void leaf_write_header(struct buf *b, uint32_t format); /* the highest of its peers' */
void leaf_write_peer(struct buf *b, const struct peer *p);
void children_write_header(struct buf *b);
void children_write_child(struct buf *b, const struct object_child *c);
void node_write(struct buf *b, const struct object_node *n);
void subtree_write(struct buf *b, const struct object_subtree *s);
void view_write(struct buf *b, const struct object_view *v);

/*
 * Parsers: strings and arrays go to the arena. -1 with a diagnostic ("bad-object"). object_kind() looks at
 * the first line alone; -1 (no diagnostic) when it is none of ours.
 */
int object_kind(struct span bytes);
int leaf_parse(struct arena *a, struct span bytes, struct object_leaf *out, struct diags *d);
int children_parse(struct arena *a, struct span bytes, struct object_children *out, struct diags *d);
int node_parse(struct span bytes, struct object_node *out, struct diags *d);
int subtree_parse(struct arena *a, struct span bytes, struct object_subtree *out, struct diags *d);
int view_parse(struct arena *a, struct span bytes, struct object_view *out, struct diags *d);

/* The value of the nibble of `a` that ends at bit `len` (a multiple of 4, at least 4). */
unsigned addr_nibble(const struct addr *a, unsigned len);
/* The sort key of a CIDR: the base of its first prefix, then the length, then the name. */
const struct addr *cidr_order(const struct cidr *c);

#endif
