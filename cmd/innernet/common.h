/* Shared by the peer's commands: the values of the global options, and opening a network. */
#ifndef CMD_INNERNET_COMMON_H
#define CMD_INNERNET_COMMON_H

#include "cmd/command.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer.h"

#define RESOLVE_WAIT_MS 5000 /* time-out for host names in an interactive command */
/* Options of the commands that write names to the hosts file, or plan to. */
#define HOSTS_OPTIONS                                                                                                  \
	{"hosts-path", 0, "FILE", "where the peers' names are written (/etc/hosts)"},                                  \
	    {"no-write-hosts", 0, NULL, "write no names"},                                                             \
	{                                                                                                              \
		"host-suffix", 0, "SUFFIX", "the end of each name, after PEER.NETWORK. (wg)"                           \
	}

/* Options of the commands that can take a definition instead of a server. */
#define DEFINITION_OPTIONS                                                                                             \
	{"file", 'f', "FILE", "the definition of a network without a server, a file or a folder"},                     \
	    {"as", 0, "PEER", "with --file: this machine's peer"},                                                     \
	    {"key", 0, "FILE", "with --file: its private key, as `wg genkey` writes it (mode 0600)"},                  \
	{                                                                                                              \
		"listen-port", 'l', "PORT", "with --file: its UDP port (its endpoint's port, else any)"                \
	}

/* Options of the commands that report this machine's addresses to peers, or try the addresses of peers. */
#define NAT_OPTIONS                                                                                                    \
	{"no-nat-traversal", 0, NULL, "report no addresses, and try none that peers reported"},                        \
	    {"no-nat-candidates", 0, NULL, "report no addresses of this machine"},                                     \
	{                                                                                                              \
		"exclude-nat-candidates", 0, "CIDR,...", "report no address within these prefixes"                     \
	}

#define LOCK_WAIT_MS 5000 /* time-out for the lock that another innernet process holds on the network */

/* Reads the global options. Returns -1 after printing a usage error. */
int peer_options(const struct invocation *inv, struct peer_options *out);

/* Exit codes of the peer's commands. */
enum { DONE = 0, FAILED = 1, CHANGES = 2, REFUSED = 3, STALE = 4 };

/*
 * Opens a network whose invitation is redeemed, and resolves its endpoints. With `fetch`, fetches the newest snapshot
 * first if the interface exists; a failed fetch is a warning. Reports its diagnostics. Returns NULL after an error. The
 * caller closes it with peer_close().
 */
struct this_peer *open_network(const struct invocation *inv, const struct peer_options *o, const char *name,
			       bool fetch);

/*
 * The same from `--file` for the peer `--as`. It uses the arena: the caller closes it before freeing the arena. `key`:
 * --key is required.
 */
struct this_peer *open_definition(const struct invocation *inv, const struct peer_options *o, struct arena *a,
				  bool key);
/* Checks that the arguments name an interface or --file, not both. Returns 0, or an exit code after a usage error. */
int check_definition_options(const struct invocation *inv);

bool interface_exists(const char *name);

/* Takes the network's lock; waits at most LOCK_WAIT_MS. Returns -1 with the diagnostic "busy". Release: peer_unlock(). */
int lock_network(struct this_peer *p, struct diags *d);

/* Reports this machine's addresses to `server`. A failure is a warning. */
void tell_endpoints(struct this_peer *p, const char *server, struct diags *d);

/* Help for a machine in no network. The network of a server on this machine belongs to innernet-reconcile. */
#define NO_NETWORK_HELP                                                                                                \
	"`innernet install INVITATION` joins one; for a server on this machine: innernet-reconcile status NAME"
void no_network(const char *config_dir, struct diags *d);

/* Prints "corp: version 0.3", without a newline. */
void print_version(FILE *to, const struct this_peer *p);

#endif
