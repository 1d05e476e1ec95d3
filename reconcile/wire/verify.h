/* What a peer checks before it believes a snapshot, in the order of innernet-snapshot(5). */
#ifndef RECONCILE_WIRE_VERIFY_H
#define RECONCILE_WIRE_VERIFY_H

#include "reconcile/wire/bundle.h"

struct version {
	uint64_t epoch, number;
};
int version_cmp(const struct version *a, const struct version *b);

/* innernet-statement, parsed. Points into its bytes. */
struct statement {
	char network[NETWORK_MAX_LEN + 1];
	struct trust trust; /* id, signers, threshold, online */
	struct version version;
	char commit[HASH_HEX_LEN + 1];
	int64_t time;
	uint64_t n_views;
	struct hash views_root;
	struct span extra; /* the x- lines of format 2; p NULL: none */
	struct hash name;  /* BLAKE2b-256 of the bytes */
};
void statement_write(struct buf *out, const struct statement *s);   /* all but `name` */
void statement_of(const struct snapshot *s, struct statement *out); /* of a compiled snapshot */
int statement_parse(struct span bytes, struct statement *out, struct diags *d);

bool trust_has_signer(const struct trust *t, const struct key *by);
bool trust_same_signers(const struct trust *a, const struct trust *b); /* and the same threshold */
/* Have enough of its signers signed this statement of the network `id`? One key counts once. */
bool trust_is_signed(const struct trust *t, const struct key *id, const struct signed_text *s);

/* A peer as a view shows it: what its leaf says, with the key that it enrolled where it has an invite. */
struct view_peer {
	union {
		struct {
			LEAF_PEER;
		};
		struct leaf_peer leaf; /* the same members, as one */
	};
	struct key invite; /* the invite in the leaf; zero when the definition has its key */
	uint32_t cidr;     /* index into view->cidrs */
	bool pending; /* an invite without an enrolment: no peer has it as a WireGuard peer yet; `key` is the invite */
};
struct view_cidr {
	const char *name;
	struct prefix prefix[2];
	uint8_t n_prefixes;
	uint32_t parent;    /* index; NONE when it is not known here */
	bool ancestor_only; /* named for the tree alone */
};
/* Everything a peer may know, flattened. Lives in the arena given to verify. */
struct view {
	struct statement statement;
	uint16_t mtu, keepalive;
	struct view_cidr *cidrs; /* sorted by CIDR key */
	struct view_peer *peers; /* sorted by address key; itself too */
	uint32_t n_cidrs, n_peers;
	uint32_t self;       /* index into peers */
	uint32_t root;       /* index into cidrs of the network's own prefix */
	int64_t fresh_until; /* how long an online key says that this is the newest; 0: no server said */
};

/*
 * The name of the peer that forwards between this machine and a peer of its view; NULL: they reach each other directly.
 */
const char *view_peer_via(const struct view *v, uint32_t peer);

/* The verifying peer, and what it holds already. */
struct verifier {
	struct trust pinned;  /* from the invitation: the chain starts here */
	struct version floor; /* from the invitation: nothing below it */
	struct key own_key;   /* its WireGuard public key */
	struct key invite;    /* the invite it came with; zero: none */
	/* The last good one, when there is one: version, trust in force, objects. NULL on first contact. */
	const struct bundle *held; /* already verified */
	const struct view *held_view;
	struct trust current; /* signers in force after `held`; equal to pinned without one */
	/*
	 * The end of a freshness that this machine has seen earlier for what it holds, or for what it finds first; 0: none.
	 */
	int64_t told_until;
};

enum verify_result {
	VERIFY_OK,        /* *out is newer than what was held, or the same with other enrolments */
	VERIFY_UNCHANGED, /* nothing new */
	VERIFY_BEHIND,    /* a lower version: this server is behind; try another */
	VERIFY_REFUSED,   /* not believed; diagnostics say why */
};

/*
 * Verifies `b` (a reply, or the bundle on disk when v->held is NULL), in the order of innernet-snapshot(5).
 * On VERIFY_OK *out is the flattened view, and *merged the full bundle to put on disk (chain, statement,
 * path, all objects of the view, all enrolments that still hold), pointing into b's and held's bytes and the
 * arena. On VERIFY_UNCHANGED *out is NULL and *merged is `held` with the newest freshness and positions. Objects
 * and enrolments that the view does not need are dropped. Alarms that do not refuse (a second enrolment, a key that
 * a peer has already) are warnings; so is a freshness that is missing, expired or forged: `now` judges that alone.
 */
enum verify_result snapshot_verify(struct arena *a, const struct verifier *v, const struct bundle *b, int64_t now,
				   struct view **out, struct bundle **merged, struct diags *d);

/*
 * What a peer of a compiled snapshot sees, without a signature (`apply -f`, `snapshot --summary`, plans before
 * they are published). `enrolments` (sorted by invite; may be NULL) give invites their keys. The version, the
 * commit and the rest of the statement are those of `s`. NULL with a diagnostic.
 */
struct view *view_of_peer(struct arena *a, const struct snapshot *s, uint32_t peer, const struct enrolment *enrolments,
			  size_t n_enrolments, struct diags *d);

/*
 * The same of the objects that bundle_of_view() took of it, once it is somewhere else: with no statement but its name.
 */
struct view *view_of_bundle(struct arena *a, const struct bundle *b, const char *peer, struct diags *d);

#endif
