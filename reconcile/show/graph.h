/*
 * A definition as a drawing: CIDRs within CIDRs, associations between them. In Graphviz's language (DOT) and in
 * Mermaid's, both from one description of what is to be drawn.
 */
#ifndef RECONCILE_SHOW_GRAPH_H
#define RECONCILE_SHOW_GRAPH_H

#include "reconcile/show/cidr_list.h"

#define GRAPH_CIDR_PEERS_MAX 20  /* names in one CIDR; the rest is counted */
#define GRAPH_PEERS_MAX      500 /* names in all */
/* What Mermaid draws unless a site's own configuration raises it: maxEdges and maxTextSize. */
#define MERMAID_EDGES_MAX 500
#define MERMAID_TEXT_MAX  50000 /* characters */

/* What joins two boxes. An end that is around the other one is drawn as a node of its own, "all of humans". */
struct graph_edge {
	uint32_t a, b; /* CIDRs; different, and neither's box lies around the other's unless `all_*` says so */
	bool all_of_a, all_of_b; /* that end is the node "all of ..." in the box */
};

struct graph_box {
	uint32_t listed; /* its first peers that are named: by_cidr[first_peer ...] */
	uint32_t left;   /* its other peers, which are counted */
	bool has_node;   /* its own peers have a node: it has some, or it has nothing under it */
	bool all_node;   /* some edge ends at "all of it" */
	bool among;      /* its peers, and those under it, reach each other by an association with itself */
};

struct graph {
	const struct model *m;
	const struct cidr_list *cidrs;
	struct graph_box *boxes; /* one a CIDR */
	struct graph_edge *edges;
	uint32_t n_edges;
	bool peers; /* they are named */
};

/* `peers`: name them, else they are only counted. Disabled ones are left out. In the arena; NULL: out of memory. */
struct graph *graph_new(struct arena *a, const struct model *m, bool peers);

/* A box's lines of text: name, prefixes, description and what is particular about it; each ended by a NUL. */
void graph_box_lines(struct buf *out, const struct graph *g, uint32_t cidr);
/* The lines of the node of its own peers: their names and addresses, or how many there are. */
void graph_node_lines(struct buf *out, const struct graph *g, uint32_t cidr);

/*
 * Both call down the tree of CIDRs without recursion: `open` before what is in a box, `close` after it.
 */
struct graph_walk {
	void (*open)(struct buf *out, const void *ctx, uint32_t cidr, uint32_t depth);
	void (*close)(struct buf *out, const void *ctx, uint32_t cidr, uint32_t depth);
};
void graph_walk(struct buf *out, const struct graph *g, const struct graph_walk *walk, const void *ctx);

/* Whole documents. They set out->failed when out of memory. */
void graph_render_dot(struct buf *out, const struct graph *g);
/*
 * Within what Mermaid draws by default. A drawing that is larger counts the peers instead of naming them; when that is
 * not enough, it folds CIDRs into those around them, the innermost ones first, and says how many. `a` is for both.
 */
void graph_render_mermaid(struct buf *out, struct arena *a, const struct graph *g);

#endif
