/*
 * Addresses that this server has left, and keeps on its interface until each peer has polled at its new ones; on the disk too.
 * The turn keeps the list in step with the revisions and checks that no peer takes an address; a poll ends it for a peer;
 * the interface has the addresses, and a request may name one as its host.
 */
#ifndef EDGE_OWN_MOVES_H
#define EDGE_OWN_MOVES_H

#include "reconcile/edge/state/enrolments.h"

struct own_moves;

/* `freed` is called when an address is free. NULL: out of memory. */
struct own_moves *own_moves_new(const struct served *s, const struct enrolments *e, void (*freed)(void *ctx),
				void *ctx);
void own_moves_free(struct own_moves *m); /* NULL is fine */
int own_moves_read(struct own_moves *m, struct diags *d);

/*
 * Does `g` give such an address to a peer, or make this server leave more than OWN_MOVES_MAX addresses at one time? -1 with
 * diagnostics ("address-moving"): the commit can be tried again.
 */
int own_moves_check(const struct own_moves *m, const struct revision *g, struct diags *d);
/* Before `g` takes the place of the served revision: the addresses that this server leaves stay its own for now. */
void own_moves_update(struct own_moves *m, const struct revision *g);
/* A peer polled at `at`. When that is one of the server's addresses of now, the peer does not use the earlier ones. */
void own_moves_polled(struct own_moves *m, const struct key *mark, const struct addr *at);

/* The addresses, each once; borrowed until the next change. */
const struct addr *own_moves_list(const struct own_moves *m, size_t *n);
/* How many peers have not polled at the new addresses. */
size_t own_moves_waiting(const struct own_moves *m);

#endif
