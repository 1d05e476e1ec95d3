/* What the peer's commands share: the global options as values, and one network opened. */
#ifndef CMD_INNERNET_COMMON_H
#define CMD_INNERNET_COMMON_H

#include "cmd/command.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer.h"

#define RESOLVE_WAIT_MS 5000 /* for host names, by a command that a person waits for */
/* For the commands that write names, or tell what would be written. */
#define HOSTS_OPTIONS                                                                                                  \
	{"hosts-path", 0, "FILE", "where the peers' names are written (/etc/hosts)"},                                  \
	    {"no-write-hosts", 0, NULL, "write no names"},                                                             \
	{                                                                                                              \
		"host-suffix", 0, "SUFFIX", "what names end in, after the peer's and the network's (wg)"               \
	}

/* For the commands that take a definition in the place of a server. */
#define DEFINITION_OPTIONS                                                                                             \
	{"file", 'f', "FILE", "of a network without a server: its definition, a file or a folder"},                    \
	    {"as", 0, "PEER", "with --file: the peer that this machine is"},                                           \
	    {"key", 0, "FILE", "with --file: its private key, as `wg genkey` writes it (mode 0600)"},                  \
	{                                                                                                              \
		"listen-port", 'l', "PORT", "with --file: its UDP port (that of its endpoint, else any)"               \
	}

/* For the commands that tell others where this machine is, or look for them. */
#define NAT_OPTIONS                                                                                                    \
	{"no-nat-traversal", 0, NULL, "neither report addresses nor try those that others reported"},                  \
	    {"no-nat-candidates", 0, NULL, "report no addresses of this machine"},                                     \
	{                                                                                                              \
		"exclude-nat-candidates", 0, "CIDR,...", "report no addresses in these"                                \
	}

#define LOCK_WAIT_MS 5000 /* for another innernet that is at work on the same network */

/* Prints and returns -1 when an option is wrong. */
int peer_options(const struct invocation *inv, struct peer_options *out);

/* Exit codes of the peer's commands. */
enum { DONE = 0, FAILED = 1, CHANGES = 2, REFUSED = 3, STALE = 4 };

/*
 * Opens a network whose invitation was redeemed, and resolves its endpoints. With `fetch`, what is new is
 * fetched first where the interface exists; that it cannot be is a warning. Reports what there is to say;
 * NULL after an error.
 */
struct this_peer *open_network(const struct invocation *inv, const struct peer_options *o, const char *name,
			       bool fetch);

/*
 * The same from `--file` for the peer `--as`, in the arena; it is to be closed before the arena is freed. `key`: --key is
 * needed.
 */
struct this_peer *open_definition(const struct invocation *inv, const struct peer_options *o, struct arena *a,
				  bool key);
/* Are the arguments those of an interface, or of --file? Prints what is wrong; 0, or an exit code. */
int check_definition_options(const struct invocation *inv);

bool interface_exists(const char *name);

/* Takes the network's lock, waiting at most LOCK_WAIT_MS. -1 with a diagnostic ("busy"). peer_unlock() gives it back. */
int lock_network(struct this_peer *p, struct diags *d);

/* Tells the server that was just asked where this machine is. That it could not be told is a warning. */
void tell_endpoints(struct this_peer *p, const char *server, struct diags *d);

/* None of the commands' networks: what to do. A server's own network is nothing of this program's. */
#define NO_NETWORK_HELP                                                                                                \
	"`innernet install INVITATION` joins one; a server tells of its own: innernet-reconcile status NAME"
void no_network(const char *config_dir, struct diags *d);

/* "corp: version 0.3" */
void print_version(FILE *to, const struct this_peer *p);

#endif
