/* A peer's part of a network as a configuration of wg-quick(8), which phones' WireGuard apps read too. */
#ifndef RECONCILE_PLAN_WG_QUICK_H
#define RECONCILE_PLAN_WG_QUICK_H

#include "reconcile/wire/verify.h"

struct wg_quick {
	const struct view *view;
	bool all;      /* peers without an endpoint, too: they can only call, and not be called */
	bool comments; /* each peer's name; without them it is shorter */
};

/* Is this peer of the view in it? */
bool wg_quick_has(const struct wg_quick *q, uint32_t peer);

/*
 * Appends the configuration. `private_key` in base64: `out` holds a secret from then on, and moves when it grows; a
 * caller that minds renders twice, the first time with another key. -1: out of memory.
 */
int wg_quick_render(struct buf *out, const struct wg_quick *q, const char *private_key);

#endif
