/* A plan of an interface as people read it (plan_text.c), and as programs do (plan_json.c). */
#ifndef RECONCILE_SHOW_PLAN_H
#define RECONCILE_SHOW_PLAN_H

#include "reconcile/plan/device.h"

/* As Terraform prints plans: symbols, "Plan: 2 to add, ...", "No changes. ...". */
void plan_render_text(struct buf *out, const struct plan *p, bool color);
json_t *plan_render_json(const struct plan *p); /* new reference; NULL: out of memory */

/* What both share: how a thing is called, and what a change of a peer comes to. */
bool op_is_interface(const struct op *op); /* one of those that make up the interface's own item */
const char *plan_interface(const struct plan *p);
const struct device_peer *op_peer(const struct op *op); /* NULL: not about a peer */

/* Appends a name with everything but printable ASCII as \xNN: names are checked where they enter, and again here. */
void plan_escape(struct buf *out, const char *name);

/*
 * Walks the allowed IPs of a peer's operation in order: *given says whether it gains or loses this one.
 * What stays is skipped. Zero-initialise the cursor; false at the end.
 */
struct allowed_cursor {
	uint32_t before, after;
};
bool allowed_next(const struct op *op, struct allowed_cursor *c, const struct prefix **out, bool *given);

#endif
