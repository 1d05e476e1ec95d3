/* What `init` needs to know: from its options, and at a terminal by questions for those that are missing. */
#ifndef CMD_RECONCILE_INIT_ASK_H
#define CMD_RECONCILE_INIT_ASK_H

#include "cmd/command.h"
#include "schema/buf.h"

#define WIREGUARD_PORT 51820 /* as its own documentation uses */

struct init_asked {
	const char *network, *cidr, *endpoint; /* as they were given, or answered; not checked where they were given */
	const char *port;                      /* NULL: the endpoint's, or --listen-port */
	const char *remote, *file;             /* where the definition is; both NULL: in a repository here */
};

/*
 * For a machine that is to be another server of a network that there is, its name and addresses are not asked for. With
 * --auto-external-endpoint the endpoint is found, and said. Strings are the invocation's, or in the arena. -1 after
 * saying which option is missing, or that it was cancelled, or with a diagnostic.
 */
int init_ask(const struct invocation *inv, struct arena *a, struct init_asked *out, struct diags *d);

#endif
