/*
 * This machine as a peer of one network: what it holds, and one turn of its loop: fetch, verify, persist,
 * desired, read, diff, apply, read again. The commands do one turn by hand, the daemon one after the other.
 */
#ifndef EDGE_PEER_H
#define EDGE_PEER_H

#include "reconcile/plan/candidates.h"
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/device/device.h"
#include "reconcile/edge/peer/hosts.h"
#include "reconcile/edge/config/peer_config.h"
#include "reconcile/edge/peer/resolve.h"
#include "reconcile/edge/peer/store.h"

struct peer_options {
	const char *config_dir, *data_dir;
	enum device_backend backend;
	uint32_t mtu; /* 0: the network's */
	bool no_routing;
	/* Of the hosts file; NULL and false: as the network's own file says. */
	const char *hosts_path, *host_suffix;
	bool no_write_hosts;
	struct nat_settings nat; /* the same: what is false, or none, is as the file says */
};

/* What decides where peers are looked for: another one is another serial of struct candidates_facts. */
#define OWN_ADDRESSES_MAX 64
struct whereabouts {
	uint64_t hints, names; /* how often they have changed */
	struct hash statement; /* of the snapshot that is held */
	struct file_stamp config;
	struct addr own[OWN_ADDRESSES_MAX]; /* this machine's addresses outside of its networks, sorted */
	size_t n_own;
	uint16_t listen_port;
};

struct this_peer {
	const struct peer_options *options;
	bool from_definition; /* `held` was made from a definition, without a server */
	struct peer_config *config;
	struct store store;
	struct kept *held; /* the last good snapshot; NULL: none yet */
	/* What the interface is to run with: the config's, or an invite's temporary pair while it is redeemed. */
	const uint8_t *private_key;
	const struct key *public_key;
	struct hint *hints; /* sorted by key */
	size_t n_hints;
	uint64_t hints_serial; /* how often they have changed */
	/* Of the last reply that had any: who asked to have our NAT opened towards it. Who acts on them empties it. */
	struct key knocks[KNOCKS_MAX];
	unsigned n_knocks;
	bool own_hint_came; /* a server said what it tells of this machine; who looks at that clears it */
	uint64_t hints_position;
	bool has_hints_position;
	/* What the file of hints does not have yet, and when it was written last, in boot milliseconds (0: never). */
	bool hints_changed;
	uint64_t resolved_saved; /* resolver_changes() of then */
	int64_t hints_saved;
	bool keeps_hints;              /* this process writes them: it changes the interface or takes replies */
	bool hints_failed;             /* and that was said */
	char ledger[POSITION_LEN + 1]; /* "": unknown */
	int64_t fresh_until;           /* Unix seconds: a server vouched for what is held until then; 0: none did */
	bool vouched;                  /* the one that answered last did so in that answer */
	int64_t opened;                /* boot milliseconds */
	struct resolver *resolver;
	/* What was applied last: a difference from it is somebody else's doing. */
	struct arena *last_arena;
	struct device_state *last;
	struct kept *last_of; /* the names in `last` are its */
	/* The block that was written, or found good, last, and the file as it was then. */
	struct buf names;
	struct file_stamp names_stamp;
	const struct kept *names_of;    /* they were made from this; never looked into */
	struct file_stamp config_stamp; /* of the own file */
	/* Where the others are looked for (reconcile/edge/peer/peer_candidates.c). */
	struct candidates *candidates; /* the daemon's; NULL: a command, which remembers nothing */
	bool ending;                   /* the next turn is the daemon's last */
	bool stay;                     /* a command: the next turn looks for nobody elsewhere */
	struct whereabouts where;
	uint64_t where_serial;
	struct prefix *inside; /* the prefixes of all networks of this machine */
	size_t n_inside;
	struct file_stamp inside_stamp; /* of the folder of their files */
};

/*
 * Reads the network's file and its last good snapshot. -1 with diagnostics. A snapshot that had to be set aside is a
 * warning.
 */
int peer_open(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d);
void peer_close(struct this_peer *p);                                /* NULL is fine; the interface stays as it is */
int peer_check_redeemed(const struct this_peer *p, struct diags *d); /* -1 while the invitation is still open */
bool peer_is_member(const struct this_peer *p);                      /* is the network's own file still there? */
/* Reads the snapshot again when another process has replaced it. */
int peer_refresh(struct this_peer *p, int64_t now, struct diags *d);

/*
 * The same from a definition on this machine (reconcile/edge/peer/peer_definition.c), for a network without a server. Nothing
 * of it is believed or kept: whoever may type it has the definition. Everything lives in the arena, which is freed after
 * the peer and after the diagnostics, whose files it holds. Refused where a server keeps the interface, where an
 * interface of that name is somebody else's, and for a peer without a key or with another one.
 */
struct peer_definition {
	const char *path; /* a file or a folder */
	const char *name; /* who this machine is */
	const char *key;  /* a file with its private key; NULL: only to be looked at, peer_converge() is not called */
	int resolve_ms;   /* how long to wait for host names */
	uint16_t listen_port; /* 0: that of the peer's own endpoint, else any */
};
int peer_open_definition(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
			 struct this_peer **out, struct diags *d);
/*
 * What `apply -f` kept, to be looked at only: peer_converge() is not called. 1: there is nothing of that name, or not
 * what it takes.
 */
int peer_open_applied(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d);
/* Whichever of the two there is, to be looked at. */
int peer_open_any(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d);
/* The networks of which there is one of the two, sorted, in the arena; and those of `apply -f` alone. */
int peer_networks(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n, struct diags *d);
int peer_applied_list(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n,
		      struct diags *d);
/* Is there no server that keeps this interface? -1 with a diagnostic. */
int peer_check_served(const struct this_peer *p, struct diags *d);
/* Writes down, under the lock, that the interface is ours, and what it is to be: before it is touched. */
int peer_definition_note(struct this_peer *p, struct diags *d);

/*
 * Has nobody vouched for what is held, or not for too long? `now` in Unix seconds, `boot_ms` as of clock_boot_ms():
 * who was never told waits for FRESH_SECONDS first. An alarm, never more.
 */
bool peer_is_stale(const struct this_peer *p, int64_t now, int64_t boot_ms);

/* The servers to ask, in the order in which to try them: of the snapshot, else of the invitation. */
struct peer_server {
	char name[NAME_MAX_LEN + 1]; /* a copy: a new snapshot takes the old one's names away */
	struct addr ip;
};
size_t peer_servers(const struct this_peer *p, struct peer_server out[static SERVERS_MAX]);

/* "/v1/poll?have=S.L.H&wait=N": what it runs, and how long it would wait. */
#define POLL_PATH_MAX 256
void peer_poll_path(const struct this_peer *p, unsigned wait_s, char out[static POLL_PATH_MAX]);

/*
 * Takes a server's reply: verified, and written to disk before anything else happens. *result says what
 * became of it, diagnostics why. -1 when this machine failed (disk, memory): the last good one stays.
 */
int peer_take(struct this_peer *p, struct span reply, int64_t now, enum verify_result *result, struct diags *d);

/*
 * One request for what is new, to each server in turn, for the commands. A server may have nothing new and vouch for
 * nothing: p->vouched. `connect_ms`: for each connection; 0: as
 * struct client_request has it. `server` names the one that answered.
 */
int peer_fetch(struct this_peer *p, unsigned connect_ms, enum verify_result *result,
	       char server[static NAME_MAX_LEN + 1], struct diags *d);

/*
 * Hints (reconcile/edge/peer/peer_hints.c): the last file of them, read at the start and never believed; what a server
 * sends; and the endpoints that live sessions have, of peers for which none is given. All three forget whoever is not
 * in the view. They are written at most once every HINTS_SAVE_MS, and on exit.
 */
#define HINTS_SAVE_MS 10000
int peer_hints_open(struct this_peer *p, struct diags *d);
int peer_hints_take(struct this_peer *p, struct arena *a, const struct hint *hints, size_t n, struct diags *d);
int peer_hints_learn(struct this_peer *p, struct arena *a, const struct device_state *there, int64_t now,
		     struct diags *d);
void peer_knocks_take(struct this_peer *p, const struct key *knocks, size_t n); /* those in the view */
void peer_hints_save(struct this_peer *p, bool at_once); /* what goes wrong is in the log, once */
void peer_hints_close(struct this_peer *p);
const struct hint *peer_own_hint(
    const struct this_peer *p); /* what servers tell others of this machine; NULL: nothing */
const struct prefix *peer_root(const struct this_peer *p, unsigned *n); /* the network's own prefixes */

/*
 * What servers are told of where this machine is (reconcile/edge/peer/peer_report.c): what people chose
 * (override-endpoint), then its interfaces' addresses with the port that WireGuard listens on.
 */
#define REPORT_WHY_MAX 160
/* What holds of NAT traversal: what this process was told, and the network's own file. */
struct nat_settings peer_nat(const struct this_peer *p);
int peer_report_make(const struct this_peer *p, struct endpoints *out, struct diags *d);
/* Does the server that was asked last tell others just this? */
bool peer_report_is_known(const struct this_peer *p, const struct endpoints *report);
/* 0: taken. -1 with one phrase. */
int peer_report_answer(const struct client_answer *answer, char why[static REPORT_WHY_MAX]);
/* For the commands, after peer_fetch(): that server is told, unless it knows. -1 with a diagnostic ("not-reported"). */
int peer_report(struct this_peer *p, const char *server, struct diags *d);

/*
 * The endpoints that are host names: the resolver is asked for them. `wait_ms`: at most so long; 0: the
 * resolver's descriptor tells.
 */
int peer_resolve(struct this_peer *p, int wait_ms, struct diags *d);

/*
 * What people set in the network's own file since it was read. 1: the file is gone, this machine is in the network no
 * more. -1 with diagnostics: it cannot be used, what was read before stays.
 */
int peer_refresh_settings(struct this_peer *p, struct diags *d);

/* The hosts file that is looked after, and the suffix of names in it. NULL: none is. */
const char *peer_hosts_path(const struct this_peer *p);
const char *peer_host_suffix(const struct this_peer *p);
/*
 * What differs in it; NULL when it is not looked after, nothing is known yet, or with a warning: what is wrong with the
 * hosts file is no reason not to look after the interface.
 */
struct hosts_diff *peer_names_plan(struct this_peer *p, struct arena *a, struct diags *d);
/* Takes the block away (`uninstall`). *gone: there was none. */
int peer_names_remove(const char *data_dir, const char *path, const char *network, bool *gone, struct diags *d);

/* What would have to be done now. The plan and all that it points to live in the arena and in `p`. */
struct plan *peer_plan(struct this_peer *p, struct arena *a, int64_t now, struct diags *d);

/*
 * Fills in what the network leaves open of `want`: at which of their candidates peers are looked for. `turning`: it will
 * be applied. 0, or -1 with diagnostics.
 */
int peer_candidates_choose(struct this_peer *p, struct arena *a, struct device_state *want,
			   const struct device_state *there, int64_t now, bool turning, struct candidates_turn *out,
			   struct diags *d);

struct peer_turn {
	uint32_t n_ops, n_drift;
	uint32_t n_tries;              /* of the operations: those that only look for a peer elsewhere */
	struct candidates_turn search; /* what else there is to do to find peers */
	bool link_added;               /* sockets bound to the interface are dead */
	int64_t ms;                    /* from the first look at the device to the last */
	char drift[160];               /* what somebody else had changed, for the log */
	/* The names, which are no operations: lines that were added or removed in the hosts file. */
	uint32_t n_names;
	bool wrote_names;
	bool names_drift;        /* somebody else had changed them */
	bool names_later;        /* another process has the lock of the hosts file */
	char names_problem[256]; /* why they are not as they should be; "": they are */
	bool gone;               /* this machine is in the network no more: nothing was done */
};
/* Writes them. Part of peer_converge(); what is wrong is a warning and in `turn`. */
void peer_names_converge(struct this_peer *p, unsigned lock_ms, struct peer_turn *turn, struct diags *d);
/*
 * Plans, applies, reads again; the second plan must be empty. Holds the lock meanwhile: 1 when another process has
 * it. -1 with diagnostics: what was done stays done, the next turn goes on from there.
 */
int peer_converge(struct this_peer *p, int64_t now, unsigned lock_ms, struct peer_turn *turn, struct diags *d);

#endif
