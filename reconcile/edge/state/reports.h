/*
 * What each peer said when it last polled, and whether all that can be reached run the served version. A poll reports;
 * the turn says when another version is served; the status and the metrics read it.
 */
#ifndef EDGE_REPORTS_H
#define EDGE_REPORTS_H

#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/enrolments.h"
#include "reconcile/edge/state/readers.h"

struct reports;

/* Of one peer of the served revision. */
struct report {
	int64_t polled;     /* clock_boot_ms(); 0: never */
	int64_t fresh_sent; /* Unix time of the freshness that it was sent; 0: none */
	struct hash runs;
	bool has_runs;
	bool lags; /* reachable, able to read the served version, and not on it yet */
};

/* All are borrowed. NULL: out of memory. */
struct reports *reports_new(const struct served *s, const struct enrolments *e, const struct readers *can,
			    struct conditions *c);
void reports_free(struct reports *r); /* NULL is fine */

/* The served revision took the place of `old` (NULL: of none); readers_follow() was called before. */
void reports_follow(struct reports *r, const struct revision *old);
/* And it is another version, noticed by a push at `pushed` (clock_boot_ms(); 0: by none): waits for its convergence. */
void reports_await(struct reports *r, int64_t pushed);
/* Sets the condition, and logs the convergence once a version. */
void reports_check(struct reports *r);

/* NULL: out of memory, or nothing is served. */
const struct report *reports_of(const struct reports *r, uint32_t peer);
/* A peer polls, after readers_take(), and this is the statement that it runs. NULL: none. */
void reports_take(struct reports *r, uint32_t peer, const struct hash *runs);
void reports_fresh_sent(struct reports *r, uint32_t peer, int64_t issued);
void reports_count_poll(struct reports *r); /* for the metrics */

/*
 * Enabled peers that have a key and ask for snapshots, and how many of them run the served version. Servers look at the
 * definition themselves; a peer with `via` runs nothing that could ask. False: out of memory, or nothing is served.
 */
bool reports_converged(const struct reports *r, uint32_t *total, uint32_t *converged);
bool reports_are_behind(const struct reports *r);      /* a peer that can be reached lags */
int64_t reports_converged_ms(const struct reports *r); /* from the push to the convergence; -1: not, or not known */
uint64_t reports_polls(const struct reports *r);       /* since the start */

#endif
