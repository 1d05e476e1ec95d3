/* "Still the newest", signed by every online key that this server has. Polls ask for it; nothing else does. */
#ifndef EDGE_FRESHNESS_H
#define EDGE_FRESHNESS_H

#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/revision/revision.h"

struct freshness;

/* `c` is borrowed. NULL: out of memory. */
struct freshness *freshness_new(const struct server_config *c);
void freshness_free(struct freshness *f); /* NULL is fine */

/*
 * The freshness of `g`, copied to the arena: the last one while it has three quarters of its time left, else a new one.
 * out->text.p is NULL when none of the online keys is this server's. *issued is its Unix time. -1: out of memory.
 */
int freshness_get(struct freshness *f, const struct revision *g, struct arena *a, struct signed_text *out,
		  int64_t *issued);
/* Has a peer whose freshness was issued then (0: it has none) to be sent another one? */
bool freshness_is_due(int64_t issued);

#endif
