/* The answers that `init` needs. They come from its options; at a terminal the missing ones are asked for. */
#ifndef CMD_RECONCILE_INIT_ASK_H
#define CMD_RECONCILE_INIT_ASK_H

#include "cmd/command.h"
#include "schema/buf.h"

#define WIREGUARD_PORT 51820 /* UDP; the port in WireGuard's documentation */

struct init_asked {
	const char *network, *cidr, *endpoint; /* answers are checked; values of options are not */
	const char *port;                      /* NULL: use --listen-port, or the endpoint's port */
	const char *remote, *file;             /* the definition's place; both NULL: a repository on this machine */
};

/*
 * Fills *out. With --join the network's name and addresses are not needed. With --auto-external-endpoint the function
 * finds the endpoint and prints it. Strings belong to the invocation or are in the arena. Returns -1 after printing
 * which option is missing or that the user has cancelled, or with a diagnostic.
 */
int init_ask(const struct invocation *inv, struct arena *a, struct init_asked *out, struct diags *d);

#endif
