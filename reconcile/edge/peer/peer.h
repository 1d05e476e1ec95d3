/*
 * This machine as a peer of one network: what it holds, and one turn of its loop: fetch, verify, persist,
 * desired, read, diff, apply, read again. The commands do one turn by hand, the daemon one after the other.
 *
 * For the commands. What struct this_peer is made of is in peer_parts.h, for this room alone.
 */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include "reconcile/edge/peer/peer_definition.h"
#include "reconcile/edge/peer/peer_held.h"
#include "reconcile/edge/peer/peer_interface.h"
#include "reconcile/edge/peer/peer_names.h"

struct this_peer;

/*
 * Reads the network's file and its last good snapshot. -1 with diagnostics. A snapshot that had to be set aside is a
 * warning.
 */
int peer_open(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d);
void peer_close(struct this_peer *p);                                /* NULL is fine; the interface stays as it is */
int peer_check_redeemed(const struct this_peer *p, struct diags *d); /* -1 while the invitation is still open */

/* What the commands ask of it. */
const char *peer_ifname(const struct this_peer *p); /* the interface's name, and the network's on this machine */
const struct membership *peer_membership(const struct this_peer *p);
const struct peer_settings *peer_own_settings(const struct this_peer *p);
const struct key *peer_own_key(const struct this_peer *p); /* the public one */
bool peer_is_redeemed(const struct this_peer *p);
bool peer_from_definition(const struct this_peer *p);        /* `apply -f` made it, without a server */
const struct view *peer_view(const struct this_peer *p);     /* of the last good snapshot; NULL: none yet */
const struct bundle *peer_bundle(const struct this_peer *p); /* the whole of it */
int64_t peer_fresh_until(const struct this_peer *p); /* Unix seconds: a server vouched for it until then; 0: none did */
bool peer_vouched(const struct this_peer *p);        /* the server that answered last did so in that answer */
/* What the daemon wrote down: 0; 1: there is nothing, or it makes no sense. And whether a daemon runs now. */
int peer_daemon_state(const struct this_peer *p, struct daemon_state *out);
bool peer_daemon_runs(const struct this_peer *p);

/* The lock against other processes, as store_lock(). A process that changes the interface or the store holds it. */
int peer_lock(struct this_peer *p, unsigned wait_ms, struct diags *d);
void peer_unlock(struct this_peer *p);

/* Change the settings, in memory: 0; 1 when it was so already; -1 with a diagnostic. peer_save_settings() writes them. */
int peer_set_listen_port(struct this_peer *p, uint16_t port);
int peer_set_endpoint(struct this_peer *p, const char *endpoint, struct diags *d); /* NULL: none */
int peer_set_endpoint_of(struct this_peer *p, const char *peer, const char *endpoint, struct diags *d);
int peer_save_settings(struct this_peer *p, struct diags *d);

/* Reads the snapshot again when another process has replaced it. */
int peer_refresh(struct this_peer *p, int64_t now, struct diags *d);

/*
 * The same from a definition on this machine, for a network without a server. Nothing of it is verified: the person
 * that types the command has the definition. Everything lives in the arena, which is freed after the peer and after the
 * diagnostics, whose files it holds. Refused where a server keeps the interface, where another program made an interface
 * of that name, and for a peer without a key or with another one.
 */
int peer_open_definition(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
			 struct this_peer **out, struct diags *d);
/*
 * As peer_open(); where this machine has not joined such a network, what `apply -f` wrote down. For the commands that show
 * it: peer_converge() is not called.
 */
int peer_open_any(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d);
/* The networks that peer_open_any() opens, sorted, in the arena. */
int peer_networks(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n, struct diags *d);
/* Writes down, under the lock, that `apply -f` made the interface, and what it is to be: before it is touched. */
int peer_note_applied(struct this_peer *p, struct diags *d);

/* The servers to ask, in the order in which to try them. */
size_t peer_servers(const struct this_peer *p, struct peer_server out[static SERVERS_MAX]);

/*
 * One request for what is new, to each server in turn (peer_fetch.c). It succeeds too when a server has nothing new and
 * vouches for nothing: peer_vouched(). `connect_ms`: for each connection; 0: as struct client_request has it. `server` names the
 * server that answered.
 */
int peer_fetch(struct this_peer *p, unsigned connect_ms, enum verify_result *result,
	       char server[static NAME_MAX_LEN + 1], struct diags *d);
/* After it: tells that server where this machine is, unless it knows. -1 with a diagnostic ("not-reported"). */
int peer_report(struct this_peer *p, const char *server, struct diags *d);

/* What servers tell other peers of this machine; NULL: nothing. */
const struct hint *peer_own_hint(const struct this_peer *p);
const struct prefix *peer_root(const struct this_peer *p, unsigned *n); /* the network's own prefixes */

/* Resolves the endpoints that are host names, waiting at most so long. */
int peer_resolve(struct this_peer *p, int wait_ms, struct diags *d);

/*
 * Reads the network's own file again when it was changed. 1: the file is gone, this machine is in the network no more. -1
 * with diagnostics: it cannot be used, the settings stay.
 */
int peer_refresh_settings(struct this_peer *p, struct diags *d);

/* The hosts file that names are written to; NULL: none are. */
const char *peer_hosts_path(const struct this_peer *p);

/* What would have to be done now. The plan and all that it points to live in the arena and in `p`. */
struct plan *peer_plan(struct this_peer *p, struct arena *a, int64_t now, struct diags *d);

struct peer_turn {
	struct interface_turn interface;
	struct names_turn names; /* of the hosts file: they are no operations */
	bool gone;               /* this machine is in the network no more: nothing was done */
};
/*
 * Plans, applies, reads again; the second plan must be empty. Holds the lock: 1 when another process has it. -1 with
 * diagnostics: what was done stays done, and the next turn goes on from there.
 */
int peer_converge(struct this_peer *p, int64_t now, unsigned lock_ms, enum search_how how, struct peer_turn *turn,
		  struct diags *d);

#endif
