/* What a peer is made of: for the files of this room. */
#ifndef EDGE_PEER_PARTS_H
#define EDGE_PEER_PARTS_H

#include "reconcile/edge/peer/peer.h"

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
	struct peer_file *file;
	struct peer_names *names;
	struct peer_held *held;
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
	bool keeps_hints;  /* this process writes them: it changes the interface or takes replies */
	bool hints_failed; /* and that was said */
	struct resolver *resolver;
	/* What was applied last: a difference from it is somebody else's doing. */
	struct arena *last_arena;
	struct device_state *last;
	struct kept *last_of; /* a share: the names in `last` are in it */
	/* Where the others are looked for (reconcile/edge/peer/peer_candidates.c). */
	struct candidates *candidates; /* the daemon's; NULL: a command, which remembers nothing */
	struct whereabouts where;
	uint64_t where_serial;
	struct prefix *inside; /* the prefixes of all networks of this machine */
	size_t n_inside;
	struct file_stamp inside_stamp; /* of the folder of their files */
};

/* "/v1/poll?have=S.L.H&wait=N": what it runs, and how long it would wait. */
#define POLL_PATH_MAX 256
void peer_poll_path(const struct this_peer *p, unsigned wait_s, char out[static POLL_PATH_MAX]);

/*
 * Takes a server's reply: verified, and written to disk before anything else happens. *result says what
 * became of it, diagnostics why. -1 when this machine failed (disk, memory): the last good one stays.
 */
int peer_take(struct this_peer *p, struct span reply, int64_t now, enum verify_result *result, struct diags *d);

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
/*
 * What servers are told of where this machine is (reconcile/edge/peer/peer_report.c): what people chose
 * (override-endpoint), then its interfaces' addresses with the port that WireGuard listens on.
 */
#define REPORT_WHY_MAX 160
int peer_report_make(const struct this_peer *p, struct endpoints *out, struct diags *d);
/* Does the server that was asked last tell others just this? */
bool peer_report_is_known(const struct this_peer *p, const struct endpoints *report);
/* 0: taken. -1 with one phrase. */
int peer_report_answer(const struct client_answer *answer, char why[static REPORT_WHY_MAX]);
/*
 * Fills in what the network leaves open of `want`: at which of their candidates peers are looked for. 0, or -1 with diagnostics.
 */
int peer_candidates_choose(struct this_peer *p, struct arena *a, struct device_state *want,
			   const struct device_state *there, int64_t now, enum search_how how,
			   struct candidates_turn *out, struct diags *d);

#endif
