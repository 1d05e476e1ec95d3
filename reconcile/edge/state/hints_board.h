/*
 * Where the peers are: what the server's interface sees, and what they report of themselves; kept over a restart. A
 * change is announced at once when the last announcement is a while ago, else at the end of that while, with all others. A
 * peer that changes all the time is announced less and less often.
 *
 * The interface says what it sees, a report of endpoints what a peer says; polls read it.
 */
#ifndef EDGE_HINTS_BOARD_H
#define EDGE_HINTS_BOARD_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/state/enrolments.h"
#include "reconcile/plan/device.h"
#include "reconcile/wire/endpoints.h"

struct hints_board;

/* Where one peer is. */
struct known {
	struct key key, mark;   /* WireGuard's; the peer's in the definition */
	struct sockpoint seen;  /* port 0: not yet */
	struct sockpoint *said; /* malloc'ed; 0.0.0.0 and [::] as they were said */
	uint64_t sequence;      /* of its last announcement */
	int64_t refilled;       /* clock_boot_ms() of the last announcement that it got back */
	uint32_t peer;          /* its index in the model of then; hints_board_peer() has that of now */
	uint8_t n_said;
	uint8_t budget; /* announcements that it may cause now */
	bool changed;   /* and not announced yet */
};

/*
 * `announced` is called when there is something new for the polls that are held. `s` and `e` are borrowed. NULL: out of
 * memory.
 */
struct hints_board *hints_board_new(struct loop *l, const struct served *s, const struct enrolments *e,
				    void (*announced)(void *ctx), void *ctx);
void hints_board_read(struct hints_board *b); /* what an earlier run kept */
void hints_board_keep(struct hints_board *b); /* writes it, when it changed */
void hints_board_free(struct hints_board *b); /* NULL is fine */

/* For `g`: the peers that are `wanted` on the interface, and what it has `observed` (NULL: there is no interface). */
void hints_board_see(struct hints_board *b, const struct revision *g, const struct device_state *wanted,
		     const struct device_state *observed);
/* A peer of the served revision reports its endpoints. -1: out of memory. */
int hints_board_report(struct hints_board *b, uint32_t peer, const struct endpoints *e);

/* By WireGuard's key. NULL: nothing is known. */
const struct known *hints_board_find(const struct hints_board *b, const struct key *key);
/* Its peer in the served revision. NONE: no peer any more. */
uint32_t hints_board_peer(const struct hints_board *b, const struct known *k);
/* The hint that other peers are sent; its endpoints are in the arena. -1: out of memory. */
int hints_board_hint(struct arena *a, const struct known *k, struct hint *out);

/* The number of the newest announcement, and whether one is of this run: no other run has the same numbers. */
uint64_t hints_board_position(const struct hints_board *b);
bool hints_board_is_ours(const struct hints_board *b, uint64_t position);
/*
 * What a poll that had `position` has to look through: all peers that are known, or those few that were announced
 * lately. `all`: all of them in any case. Valid until the next change.
 */
struct hints_range {
	const struct known *known;
	const uint32_t *places; /* in `known`; NULL: the first n of them */
	size_t n;
};
struct hints_range hints_board_since(const struct hints_board *b, uint64_t position, bool all);
static inline const struct known *hints_range_at(const struct hints_range *r, size_t i)
{
	return &r->known[r->places ? r->places[i] : i];
}

/* For the metrics. */
struct hints_counts {
	size_t known;
	uint64_t reports, announcements; /* since the start */
};
struct hints_counts hints_board_counts(const struct hints_board *b);

#endif
