/*
 * Which invites became which keys: the ledger, and the copy of its enrolments beside git, for a ledger that cannot be
 * read. The turn opens it, reads it and records revisions; a redemption is recorded here; every owner and every answer
 * asks here for a peer's key, and for the place of a peer whose invite was folded into its key.
 */
#ifndef EDGE_ENROLMENTS_H
#define EDGE_ENROLMENTS_H

#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/state/served.h"

struct enrolments;

/* `s` is borrowed. `remote`: the ledger is on a remote, and upstream.h writes it there. NULL: out of memory. */
struct enrolments *enrolments_new(struct served *s, bool remote);
void enrolments_free(struct enrolments *e); /* NULL is fine */
/* At the start, with something published: reads the copy, each record checked like one that came over the network. */
void enrolments_read_kept(struct enrolments *e);

/* --- the ledger --- */

/* The ledger of the network with this id, once; `repo` and `id` are borrowed. -1 with diagnostics. */
int enrolments_open(struct enrolments *e, struct repo *repo, const struct key *id, struct diags *d);
struct ledger *enrolments_ledger(const struct enrolments *e); /* NULL: not open yet */
bool enrolments_available(const struct enrolments *e);        /* open, and the last look went well */
/* Reads what is new. 1: it moved. 0: nothing is new, or it is not open. -1 with diagnostics, logged once. */
int enrolments_look(struct enrolments *e, struct diags *d);
/* Writes to the disk what the ledger has and where it is, when that changed. */
void enrolments_keep(struct enrolments *e);

/* Records `g`, which takes the place of `old` (may be NULL); what cannot be recorded now is due. */
void enrolments_record(struct enrolments *e, const struct revision *g, const struct model *old);
bool enrolments_record_due(const struct enrolments *e);
void enrolments_set_record_due(struct enrolments *e, bool due);
/* A commit of the ledger is on the remote. */
void enrolments_landed(struct enrolments *e, const struct ledger_proposal *p);
/* ledger_redeem(). Not open: REDEEM_UNAVAILABLE without a diagnostic. */
enum redeem_result enrolments_redeem(struct enrolments *e, const struct enrolment *x, struct diags *d);

/* --- what is known --- */

/* Those of the ledger, or the kept ones while it cannot be read and has fewer. Valid until the next look or write. */
const struct ledger_facts *enrolments_facts(const struct enrolments *e);
/* The ledger's position that goes with the facts; "-": there is none. */
const char *enrolments_position(const struct enrolments *e);
bool enrolments_is_spent(const struct enrolments *e, const struct key *invite);
/* Does the peer have a key: its own, or enrolled by its invite? */
bool enrolments_has_key(const struct enrolments *e, const struct peer *p);
/* Its WireGuard key now: its own, enrolled, or an invite's temporary one. */
struct key enrolments_key_now(const struct enrolments *e, const struct peer *p);
/*
 * The peer of `g` that a mark of an earlier revision belongs to: the peer that has it, or whose key was enrolled by it
 * when it was an invite. NONE: no peer.
 */
uint32_t enrolments_owner(const struct enrolments *e, const struct revision *g, const struct key *mark);
/* The other way: where a peer with this mark was in the older revision `had`. */
uint32_t enrolments_place_in(const struct enrolments *e, const struct revision *had, const struct key *mark);
/* The peer of `g` that has this WireGuard key now, not a temporary one. NONE. */
uint32_t enrolments_peer_of_key(const struct enrolments *e, const struct revision *g, const struct key *key);

#endif
