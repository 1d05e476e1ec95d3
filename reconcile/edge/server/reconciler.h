/*
 * The server's loop: look at the branch, validate, compile, sign, publish, converge its own interface, serve.
 * An invalid revision changes nothing: what was published last stays, and the status says which commit and why.
 */
#ifndef EDGE_RECONCILER_H
#define EDGE_RECONCILER_H

#include "reconcile/edge/device/device.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/base/notify.h"
#include "reconcile/edge/config/server_config.h"
#include "reconcile/edge/state/turn.h"

struct reconciler;

struct reconciler_options {
	const char *data_dir; /* this network's: .../innernet-reconcile/NAME */
	enum device_backend backend;
	uint32_t mtu; /* 0: the definition's */
	bool no_routing;
	bool watch;            /* serve and watch; otherwise one turn */
	struct notify *notify; /* is told Ready and Converged; NULL: no service manager */
	bool no_device;        /* tests: leave interfaces alone, serve on `address`:`port` */
	struct addr address;
	uint16_t port; /* 0 with no_device: any */
};

/*
 * Reads what was published last and makes everything ready; with `watch` it serves from here on. `c` is borrowed. A
 * repository that cannot be opened is no error while there is something published. NULL with diagnostics:
 * already-running, published-corrupt, repository-..., file-....
 */
struct reconciler *reconciler_new(struct loop *l, const struct server_config *c, const struct reconciler_options *o,
				  struct diags *d);
void reconciler_free(struct reconciler *r); /* the interface stays as it is */

/* One look at the branch, and the interface converged. Diagnostics of what was refused go to the log and the status. */
enum turn reconciler_turn(struct reconciler *r);

uint16_t reconciler_port(const struct reconciler *r); /* tests */
/* The status as JSON text, as status.json has it. */
int reconciler_status(struct reconciler *r, struct buf *out);

#endif
