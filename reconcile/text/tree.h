/* The CIDRs and peers of a network as a tree, whatever it was read from: a definition, or a peer's view. */
#ifndef RECONCILE_TEXT_TREE_H
#define RECONCILE_TEXT_TREE_H

#include "schema/model.h"

/* What stands before a line: spaces alone, or lines drawn in ASCII or in UTF-8. */
enum tree_style { TREE_INDENT, TREE_ASCII, TREE_UTF8 };

/* `parent` (of each CIDR) and `cidr` (of each peer) are the caller's to fill between tree_init() and tree_link(). */
struct tree {
	uint32_t n_cidrs, n_peers, root;
	uint32_t *parent, *cidr;                                    /* NONE: it stands nowhere */
	uint32_t *first_child, *next_cidr, *first_peer, *next_peer; /* in the order of the indices; NONE ends */
};

int tree_init(struct tree *t, uint32_t n_cidrs, uint32_t n_peers, uint32_t root); /* -1: out of memory */
void tree_link(struct tree *t);
void tree_free(struct tree *t);

/* How a line is written, without its beginning and its end. */
struct tree_lines {
	void (*cidr)(struct buf *out, uint32_t cidr, const void *ctx);
	void (*peer)(struct buf *out, uint32_t peer, const void *ctx); /* NULL: CIDRs alone */
	const void *ctx;
};

/* A CIDR, its own peers, and the CIDRs under it; everything `indent` columns from the left. */
void tree_render(struct buf *out, const struct tree *t, enum tree_style style, unsigned indent,
		 const struct tree_lines *lines);

#endif
