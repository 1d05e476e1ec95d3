/* A view for people: as a tree of CIDRs, and as JSON. */
#ifndef RECONCILE_VIEW_RENDER_H
#define RECONCILE_VIEW_RENDER_H

#include "reconcile/verify.h"

/* Both set out->failed when out of memory. CIDRs and peers in the order of their addresses. */
void view_render_tree(struct buf *out, const struct view *v);
void view_render_json(struct buf *out, const struct view *v);

#endif
