/* The change in the definition as text: impact_render_text() writes it under the effect. */
#ifndef RECONCILE_SHOW_IMPACT_ITEMS_H
#define RECONCILE_SHOW_IMPACT_ITEMS_H

#include "reconcile/impact/impact.h"

/*
 * Writes each item with what it changes. More than ten items of one kind and action are folded into one, which lists some
 * names, and what the items have in common; `full` folds none. Marks the symbols that it used. Returns whether it folded.
 */
bool impact_put_items(struct buf *out, const struct impact *im, bool full, bool color, bool used[static PLAN_ACTIONS]);

#endif
