/*
 * The guards against one kind of change each, by the facts of an impact: what takes traffic or rights in a way that the pairs of
 * peers do not show. Pure.
 */
#ifndef RECONCILE_IMPACT_GUARD_CHANGES_H
#define RECONCILE_IMPACT_GUARD_CHANGES_H

#include "reconcile/impact/guard.h"

/* One finding: its code, a string literal, and the sentence that begins with "this revision". The text lives for the call. */
typedef void guard_found(void *ctx, const char *code, const char *text);

/*
 * Codes: guard-default-route, guard-public-route, guard-wide-route, guard-new-admin, guard-server-address,
 * guard-server-endpoint, guard-root. Each at most once. -1: out of memory.
 */
int guard_changes(const struct guard_limits *limits, const struct impact *im, guard_found *found, void *ctx);

#endif
