/*
 * Owner of what is known of where other peers are: hints, and the addresses of endpoints that are host names.
 *
 * Hints come from servers, and from the endpoints that live sessions have, of peers for which no endpoint is given.
 * Addresses come from the resolver. Both are kept in one file, which is read at the start and checked as if a stranger had
 * sent it. A hint about a peer that is not in the view is dropped. The file is written at most once every HINTS_SAVE_MS,
 * and at the end.
 *
 * Callers: peer.c, peer_interface.c (sessions) and peer_report.c (what a server was told) add to it; the other files of
 * this room read it.
 */
#ifndef EDGE_PEER_HINTS_H
#define EDGE_PEER_HINTS_H

#include "reconcile/edge/peer/peer_held.h"
#include "reconcile/edge/peer/resolve.h"
#include "reconcile/plan/candidates.h"

#define HINTS_SAVE_MS 10000

struct peer_hints;
/* With a resolver, and no hints. `f` and `held` outlive it. NULL with a diagnostic. */
struct peer_hints *peer_hints_new(const struct peer_file *f, struct peer_held *held, struct diags *d);
void peer_hints_free(struct peer_hints *h); /* NULL is fine */

int peer_hints_load(struct peer_hints *h, struct diags *d);
/* Writes what the file lacks: `at_once`, or when the last time is long enough ago. A failure is logged once. */
void peer_hints_save(struct peer_hints *h, int64_t now_ms, bool at_once);
/*
 * The end: saves, where this process saves at all and the machine is still in the network. `learn`: from the sessions as
 * they are now, since the last look may be seconds old; `c` as for peer_hints_learn().
 */
void peer_hints_close(struct peer_hints *h, bool learn, const struct candidates *c);

const struct hint *peer_hints_list(const struct peer_hints *h, size_t *n); /* sorted by key */
uint64_t peer_hints_serial(const struct peer_hints *h);                    /* how often they have changed */
const struct hint *peer_hints_own(const struct peer_hints *h); /* what servers tell of this machine; NULL: nothing */
/* Returns whether a server has sent a hint of this machine itself since the last call. */
bool peer_hints_heard_own(struct peer_hints *h);

/* A server's: they take the place of older ones about the same peers. An empty one removes the older. */
int peer_hints_take(struct peer_hints *h, struct arena *a, const struct hint *hints, size_t n, int64_t now_ms,
		    struct diags *d);
/* The position in the server's list of hints, as its reply has it. */
void peer_hints_set_position(struct peer_hints *h, uint64_t position);
bool peer_hints_position(const struct peer_hints *h, uint64_t *position); /* false: unknown */
/* The endpoints of live sessions. `c`: the daemon's candidates, which know an endpoint that is only tried; NULL: a command. */
int peer_hints_learn(struct peer_hints *h, struct arena *a, const struct device_state *there,
		     const struct candidates *c, int64_t now, int64_t now_ms, struct diags *d);

/* Asks the resolver for all host names of now, and waits for it at most so long (0: resolver_fd() tells). */
int peer_hints_resolve(struct peer_hints *h, int wait_ms, struct diags *d);
struct resolver *peer_hints_resolver(const struct peer_hints *h);

#endif
