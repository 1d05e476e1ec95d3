/*
 * The server's own interface: converged by the same code as a peer's, and repaired when another program changes it. The
 * turn converges it for a revision; it reads which peers are enrolled, handed over or moving, and tells the board where
 * it sees the peers.
 */
#ifndef EDGE_IFACE_H
#define EDGE_IFACE_H

#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/device/device.h"
#include "reconcile/edge/state/hints_board.h"
#include "reconcile/edge/state/moves.h"
#include "reconcile/edge/state/own_moves.h"
#include "reconcile/edge/state/redemptions.h"

struct iface;

struct iface_options {
	enum device_backend backend;
	uint32_t mtu; /* 0: the definition's */
	bool no_routing;
	bool watch;     /* looks by itself, every few seconds and after each event */
	bool no_device; /* tests: leaves interfaces alone */
};
/* All of it is borrowed. */
struct iface_uses {
	const struct server_config *config;
	const struct enrolments *enrolments;
	const struct redemptions *redemptions;
	const struct moves *moves;
	const struct own_moves *own_moves;
	struct hints_board *hints;
};
struct iface_calls {
	void (*look)(void *ctx);      /* it is time to look at the interface */
	void (*converged)(void *ctx); /* peers may have gone from it */
	void *ctx;
};
/* NULL: out of memory. */
struct iface *iface_new(struct loop *l, const struct iface_options *o, const struct iface_uses *uses,
			const struct iface_calls *calls);
int iface_start(struct iface *dev, struct diags *d); /* looking by itself; -1 with diagnostics */
void iface_free(struct iface *dev);                  /* NULL is fine; the interface stays as it is */

enum iface_phase { IFACE_REMOVALS, IFACE_ALL };
/* Makes it what `g` says, or takes away only what `g` does. -1: it has not converged; iface_problem() says why. */
int iface_converge(struct iface *dev, const struct revision *g, enum iface_phase phase);
/* Did the last convergence go well? */
bool iface_ok(const struct iface *dev);
const char *iface_problem(const struct iface *dev); /* why not; "": it did, or it was not tried */
void iface_look_in(struct iface *dev, int64_t ms);

#endif
