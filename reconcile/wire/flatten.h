/* From the objects of a view to the flat lists of all that it names (struct view). */
#ifndef RECONCILE_WIRE_FLATTEN_H
#define RECONCILE_WIRE_FLATTEN_H

#include "reconcile/wire/verify.h"

/* Where objects come from, by name. NULL: there is none. */
struct object_source {
	const struct object *(*get)(void *ctx, const struct hash *name);
	void *ctx;
	size_t n; /* how many there are at most: a view names each of them once, so that many are walked */
};

/*
 * Walks a view's objects and checks all that two of them say of one another: counts, order, places, prefixes
 * within prefixes; nothing named twice. Fills cidrs, peers, root, mtu and keepalive of *out; statement, self and enrolments
 * are left to the caller (peers with an invite are pending). *own_cidr is the CIDR whose view it is,
 * *only the one peer whose view it is (NULL: of all its own), `used` the objects in the order in which a server sends them,
 * each once. Everything in the arena. -1 with a diagnostic ("snapshot-object-missing", "bad-object").
 */
struct flattened {
	struct view *view;
	uint32_t own_cidr;
	const char *only;
	const struct object **used;
	size_t n_used;
};
int view_flatten(struct arena *a, const struct object_source *src, const struct hash *view_name, struct flattened *out,
		 struct diags *d);

#endif
