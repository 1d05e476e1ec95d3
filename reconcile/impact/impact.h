/*
 * What a new definition does to a network, as data: its effect (which peers gain and lose each other, which are cut off), and
 * the change of the definition that causes it. Comments, order, layout and which file says something are no change.
 *
 * Open invites count as keyed peers, and counts are of enabled peers. A peer is the same one while its key or its
 * invite is (and through its enrolment, when the ledger is given); of those that are left, the ones of one name are.
 * A CIDR is the same by its name, then by its prefixes.
 *
 * Counts are worked out on CIDRs and the intervals that associations cover, never pair by pair.
 */
#ifndef RECONCILE_IMPACT_IMPACT_H
#define RECONCILE_IMPACT_IMPACT_H

#include "reconcile/impact/impact_facts.h"
#include "reconcile/wire/ledger.h"
#include "reconcile/text/plan_symbol.h"
#include "reconcile/net/reach.h"
#include <jansson.h>

#define IMPACT_EFFECTS_MAX 400 /* subjects that are listed; the rest are counted */
#define IMPACT_TARGETS_MAX 24  /* CIDRs listed for one subject, of each kind */

enum impact_kind {
	IMPACT_SETTINGS,
	IMPACT_TRUST,
	IMPACT_CIDR,
	IMPACT_PEER,
	IMPACT_ASSOCIATION,
	IMPACT_TEST,
	IMPACT_REUSE
};
#define IMPACT_KINDS (IMPACT_REUSE + 1)

/* One line of the change in the definition. */
struct impact_item {
	enum impact_kind kind;
	enum plan_action action;
	uint32_t before,
	    after; /* peers, CIDRs, associations, reuse: indices into their models; NONE on the side that lacks it */
	const char *text; /* of a test: as one line of YAML; NULL otherwise */
};

/* A peer through both models: NONE on the side that lacks it. */
struct impact_peer {
	uint32_t before, after;
};

/* Enabled peers that were in one CIDR and are in one now: what holds for one of them holds for each. */
struct impact_class {
	uint32_t before, after;                 /* CIDRs; NONE: absent (or disabled) there */
	uint32_t first, n_peers;                /* impact->peers[first ...] */
	bool same;                              /* `after` is what became of `before` */
	uint64_t gained, lost;                  /* peers that each of them gains and loses */
	uint64_t reached_before, reached_after; /* peers that each of them reaches */
	uint64_t stay_gained, stay_lost;        /* of `gained` and `lost`, those that are enabled on both sides */
};

/* Some of the peers that a subject gains or loses: those of one CIDR. */
struct impact_target {
	uint32_t cidr;    /* of `after` when gained, of `before` when lost */
	uint64_t n_peers; /* for each of the subject's peers */
	uint32_t peer;    /* when n_peers is 1: impact->peers[peer]; NONE otherwise */
};
struct impact_effect {
	uint32_t class;
	struct impact_target *gained, *lost;
	uint32_t n_gained, n_lost;         /* at most IMPACT_TARGETS_MAX */
	uint64_t gained_left, lost_left;   /* peers in CIDRs that are not listed */
	uint64_t gained_shown, lost_shown; /* peers in those that are */
};

enum cut_reason { CUT_REMOVED, CUT_DISABLED, CUT_REKEYED, CUT_VOIDED };
struct impact_cut {
	uint32_t peer; /* impact->peers[peer] */
	enum cut_reason reason;
};

/* An address that no enabled or disabled peer had. */
struct impact_address {
	struct addr addr;
	uint32_t peer; /* of `after` */
	uint32_t from; /* of `before`, the other peer that had it; NONE: no peer did */
};

/* Peers that cannot read what `after` has for them (reconcile/impact/formats.h). */
struct left_behind {
	uint32_t *peers; /* of `after`, rising */
	uint32_t n;
	uint32_t format; /* that `after` needs; 0: not asked for */
};

struct impact {
	const struct model *before, *after; /* either may be NULL: there was nothing; nothing is left */
	const struct reach_index *reach_before, *reach_after;
	char id[20]; /* "3f9a-01c2-88ab-7d10": of both models, canonically */

	struct impact_peer *peers; /* grouped by class; those that are enabled on neither side last */
	struct impact_class *classes;
	uint32_t n_peers, n_classes;
	uint32_t *cidr_after; /* by CIDR of before: what became of it; NONE */

	uint64_t pairs_before, pairs_after, pairs_gained, pairs_lost;
	uint32_t peers_before, peers_after; /* enabled */
	struct impact_effect *effects;
	uint32_t n_effects, effects_left;

	struct impact_cut *cut;
	struct impact_address *addresses; /* first those of peers that are new, or that another peer had */
	uint32_t n_given;                 /* so many; the rest replace an address of the same peer: a fact says both */
	uint32_t *opened, *voided;        /* invites: peers of after, peers of before */
	uint32_t *folded;                 /* peers of after whose enrolled key the definition has now */
	uint32_t n_cut, n_addresses, n_opened, n_voided, n_folded;
	struct left_behind left;
	bool server_lost;                     /* servers were enabled, and none of them stays as it was */
	bool admin_lost;                      /* admins were enabled, and none is left */
	bool trust_changed, identity_changed; /* signers, threshold, online; id or network name */
	bool ledger_known;                    /* the ledger's facts were given */
	struct impact_facts facts;            /* all else that the change does */

	struct impact_item *items;
	uint32_t n_items, n_add, n_change, n_remove;
};

/*
 * NULL only when out of memory. `facts` (may be NULL) tells which invite became which key. Everything is in the
 * arena or borrowed from the models.
 */
struct impact *impact_new(struct arena *a, const struct model *before, const struct model *after,
			  const struct ledger_facts *facts);

/* Classes, counts and effects (impact_reach.c): the second half of impact_new. */
int impact_count(struct arena *a, struct impact *im);

/* The canonical text of a model: all that it means, and nothing of how it was written. */
void model_canonical(struct buf *out, const struct model *m);
/* `out`: sixteen hexadecimal digits in four words. Either model may be NULL. -1: out of memory. */
#define PLAN_ID_LEN 19
int plan_id(const struct model *before, const struct model *after, char out[static PLAN_ID_LEN + 1]);
/* One test as a line of YAML: "{ from: humans, can_reach: [hub, db] }" */
void canonical_test(struct buf *out, const struct reach_test *t,
		    bool sorted); /* its names in the file's order, or sorted */

/* What stands under one item, label by label; NULL on the side that has nothing. Strings live for the call. */
typedef void impact_put(void *ctx, const char *label, const char *before, const char *after);
void impact_describe(const struct impact *im, const struct impact_item *item, impact_put *put, void *ctx);
const char *impact_kind_name(enum impact_kind kind); /* "peer" */
bool impact_kind_named(enum impact_kind kind);       /* false: its name is all that there is to say about it */
void impact_item_name(struct buf *out, const struct impact *im, const struct impact_item *item); /* "bob" */
const char *impact_peer_name(const struct impact *im, uint32_t peer); /* as it is called now, or was */
/* "alice", "alice, bob", "12 peers added to humans", "humans (40 peers)" */
void impact_subject(struct buf *out, const struct impact *im, uint32_t class);
const char *impact_cut_text(enum cut_reason reason);
/* "+12 peers in ci-servers, -1: db" without the colours. */
void impact_targets(struct buf *out, const struct impact *im, const struct impact_effect *e);

/*
 * Tests, one a line as in the definition, that say what this change makes possible and no test speaks of yet; each
 * passes. Empty when there are none. At most IMPACT_EFFECTS_MAX lines.
 */
void impact_suggest_tests(struct buf *out, const struct impact *im);

#endif
