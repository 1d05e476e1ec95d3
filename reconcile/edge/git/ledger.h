/*
 * The ledger: the branch innernet/enrolments of the definition's repository, innernet-snapshot(5). Only the
 * server writes it, by compare-and-swap, so it never races with people's pushes. Files, one a record:
 *
 *   enrolments/<2 hex>/<2 hex>/<64 hex of the invite>      the record that was redeemed (sign.h)
 *   spent/<2 hex>/<2 hex>/<64 hex of the invite>           "innernet-spent 1", "invite <b64>", "commit <hex>"
 *   addresses/<2 hex>/<2 hex>/<32 hex of the address>      "innernet-address 1", "address", "mark", "name", "commit"
 *   statements/<2 hex>/<2 hex>/<64 hex of its hash>        a statement that changed the signers, as one server signed it
 *
 * The two folders of an address are its last two bytes, since the first are the same for all of IPv4.
 */
#ifndef EDGE_LEDGER_H
#define EDGE_LEDGER_H

#include "reconcile/wire/bundle.h"
#include "reconcile/edge/git/repo.h"
#include "reconcile/wire/ledger.h"
#include "reconcile/wire/verify.h"

#define LEDGER_REF "refs/heads/innernet/enrolments"
#define LEDGER_GOOD_REF                                                                                                \
	"refs/innernet/enrolments" /* the last good commit, for a person that has to put the branch back */
#define LEDGER_TRACKING_REF "refs/remotes/origin/innernet/enrolments" /* as a person's clone has it */

struct ledger;

/*
 * `known`: the position of the last good ledger (a commit's hex), or NULL when there was none yet. With one, a branch
 * that is missing or does not descend from it is refused by ledger_refresh. Both `r` and `id` are borrowed and copied
 * in this order. Reads nothing yet.
 */
struct ledger *ledger_new(struct repo *r, const struct key *id, const char *known, struct diags *d);
/* The same, as a clone last fetched it: to be refreshed and read, never written. */
struct ledger *ledger_new_tracking(struct repo *r, const struct key *id, struct diags *d);
void ledger_free(struct ledger *l);

/* The same as ledger_new(), of a mirror (remote.h): written by a proposal that is pushed, never here. */
struct ledger *ledger_new_remote(struct repo *r, const struct key *id, const char *known, struct diags *d);

/*
 * Reads what is new on the branch. Records that are not what they should be are warnings ("ledger-record") and
 * left out. -1 with a diagnostic when the branch is missing after it existed, rewound, rewritten, or cannot be read
 * ("ledger-missing", "ledger-rewound", "ledger-corrupt"): what was good before stays, and nothing can be recorded.
 * Returns 1 when something changed, 0 when nothing did.
 */
int ledger_refresh(struct ledger *l, struct diags *d);

bool ledger_available(const struct ledger *l);       /* the last refresh or write went well */
const char *ledger_position(const struct ledger *l); /* the last good commit's hex, or "-" before the first record */
/*
 * Holds that commit by LEDGER_GOOD_REF: once the branch is removed, no other ref names it, and git would let go of it
 * two weeks later. Never in a hook. -1 with a diagnostic ("ledger-write").
 */
int ledger_pin(struct ledger *l, struct diags *d);
/* Borrowed; valid until the next refresh or write. */
const struct ledger_facts *ledger_facts(const struct ledger *l);
bool ledger_is_spent(const struct ledger *l, const struct key *invite);

/*
 * Which enrolments are new since a position. True when the position is known: then *since is to be compared with
 * ledger_sequence() of each enrolment: those above it are new. False: all of them are.
 */
bool ledger_since(const struct ledger *l, const char *position, uint64_t *since);
uint64_t ledger_sequence(const struct ledger *l, const struct enrolment *e); /* of an element of facts->enrolments */

enum redeem_result {
	REDEEM_OK,          /* recorded now, or the very same key was before */
	REDEEM_USED,        /* another key has it, or the invite is spent */
	REDEEM_KEY_KNOWN,   /* another invite has become this key */
	REDEEM_UNAVAILABLE, /* not recorded; diagnostics say why */
};
/* Why the last write failed; NULL since one went well. */
const char *ledger_write_problem(const struct ledger *l);
/* After a write that failed: tries one that changes nothing, once. */
void ledger_write_retry(struct ledger *l);

/* Records a checked enrolment, durably, by compare-and-swap: of many at once, here or in other processes, one wins. */
enum redeem_result ledger_redeem(struct ledger *l, const struct enrolment *e, struct diags *d);

/*
 * Records a revision that is about to be published: the addresses of all its peers, and as spent the invites of
 * `old` (may be NULL) that were replaced, or used and then removed. Writes nothing when all of it is there. -1 with a
 * diagnostic when it could not be recorded.
 */
int ledger_record(struct ledger *l, const struct model *m, const struct model *old, const char *commit,
		  struct diags *d);

/* Statements that changed the signers, as servers recorded them: of this network, not checked beyond that. */
struct ledger_statement {
	struct hash record; /* of the record's bytes */
	struct signed_text text;
	struct statement parsed;
};
/* Valid until the next refresh. */
const struct ledger_statement *ledger_statements(const struct ledger *l, size_t *n);

/* --- of a ledger on a remote --- */

/* A commit that is on no branch yet: pushed there from `from`, it counts; hex, "" for none. */
struct ledger_proposal {
	char from[HASH_HEX_LEN + 1], to[HASH_HEX_LEN + 1];
};

/* What is to be recorded there. All of it is borrowed. */
struct ledger_wish {
	const struct enrolment *const *enrolments; /* checked; of an invite or a key that occurs twice, the first one */
	size_t n_enrolments;
	const struct model *m; /* what ledger_record() records, and what ledger_replace() remembers; NULL: not */
	const char *commit;
	const struct span *statements; /* ledger_statement_write() */
	size_t n_statements;
};
/* Makes a commit of what is not there yet. 1: *out is to be pushed. 0: all that can be is there. -1 with diagnostics. */
int ledger_propose(struct ledger *l, const struct ledger_wish *wish, struct ledger_proposal *out, struct diags *d);
/* `m` is published in place of `old` (may be NULL): its replaced invites are spent with the next proposal. */
int ledger_replace(struct ledger *l, const struct model *m, const struct model *old, struct diags *d);
/* Replaced invites that are not on the ledger yet, for a caller that keeps them over a restart. Borrowed until the next write. */
const struct key *ledger_due(const struct ledger *l, size_t *n);
int ledger_due_add(struct ledger *l, const struct key *invites, size_t n); /* -1: out of memory */
/* The proposal is on the remote now: the branch here follows it. */
int ledger_landed(struct ledger *l, const struct ledger_proposal *p, struct diags *d);
/* The proposal is not on the remote, and why; NULL: no problem to report. ledger_write_problem() then returns it. */
void ledger_write_failed(struct ledger *l, const char *problem);

#endif
