/*
 * A bundle: what a server sends in one reply, what a peer keeps on disk, and what
 * `innernet snapshot --for PEER` prints. One text container, so that what is verified on
 * arrival is verified the same way again at boot.
 *
 *   innernet-bundle 1
 *   statement <bytes>            then that many raw bytes; first those that changed the signers, the newest last,
 *   signature <bytes>            each followed by its signatures
 *   fresh <bytes>                innernet-fresh text; then its signatures ("signature")
 *   path <index> <count> <hash>...
 *   object <bytes>               view first
 *   enrolment <bytes>            records (sign.h)
 *   ledger <position>
 *   hints <position>
 *   hint <key b64> <ip:port>|- [<ip:port>,...]      (hint.h); one's own says where the server sees this peer
 *   knock <key b64>              that peer asks for our NAT to be opened towards it, now
 *   end
 *
 * In this order; every kind but the first and last line may be absent (an idle reply has no statement).
 */
#ifndef RECONCILE_WIRE_BUNDLE_H
#define RECONCILE_WIRE_BUNDLE_H

#include "reconcile/wire/hint.h"
#include "reconcile/wire/sign.h"
#include "reconcile/wire/snapshot.h"

struct signed_text {
	struct span text;
	struct span *signatures; /* innernet-signature texts */
	uint8_t n_signatures;    /* at most 2 * SIGNERS_MAX: the old ones and the new */
};
#define POSITION_LEN 64 /* a ledger position: a commit's hex, or "-" */

struct bundle {
	struct signed_text *chain;    /* earlier statements that changed the signers, oldest first */
	struct signed_text statement; /* text.p NULL: none */
	struct signed_text fresh;     /* text.p NULL: none */
	uint64_t path_index, path_count;
	struct hash path[PATH_MAX_LEN];
	struct object *objects; /* names computed from the bytes */
	struct span *enrolments;
	struct hint *hints; /* one without any endpoint: the server has no address of that peer any more */
	struct key *knocks;
	uint32_t n_chain, n_path, n_enrolments, n_hints, n_knocks;
	size_t n_objects;
	bool has_path;
	char ledger[POSITION_LEN + 1]; /* "": absent */
	uint64_t hints_position;       /* valid when has_hints */
	bool has_hints;
};

/* The objects of one view of a compiled snapshot, and the path to it. -1 out of memory. */
int bundle_of_view(struct arena *a, const struct snapshot *s, uint32_t view, struct bundle *out);
void bundle_write(struct buf *out, const struct bundle *b);
/* Bounded, strict; everything points into `bytes`, arrays in the arena. -1 with a diagnostic ("bad-bundle"). */
int bundle_parse(struct arena *a, struct span bytes, struct bundle *out, struct diags *d);

#endif
