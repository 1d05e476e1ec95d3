/* A view for people: as a tree of CIDRs, and as JSON. */
#ifndef RECONCILE_SHOW_VIEW_RENDER_H
#define RECONCILE_SHOW_VIEW_RENDER_H

#include "reconcile/text/tree.h"
#include "reconcile/wire/verify.h"

/* The renderers set out->failed when out of memory. CIDRs and peers in the order of their addresses. */
int tree_of_view(struct tree *t, const struct view *v); /* -1: out of memory; else tree_free() it */
void view_render_tree(struct buf *out, const struct view *v);
void view_render_json(struct buf *out, const struct view *v);

#endif
