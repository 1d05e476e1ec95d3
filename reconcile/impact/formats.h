/*
 * The formats that peers read (innernet-snapshot(5), "Formats"), and the peers that a revision would leave behind: those
 * that cannot read what it has for them, and keep the network that they have.
 */
#ifndef RECONCILE_IMPACT_FORMATS_H
#define RECONCILE_IMPACT_FORMATS_H

#include "reconcile/impact/impact.h"
#include "reconcile/wire/snapshot.h"

/* What a peer said of itself when it last polled. */
struct reader {
	int64_t heard;  /* Unix seconds; 0: it never polled */
	uint32_t reads; /* the newest format */
};

/*
 * Fills im->left: peers that were heard at `since` or later, that can read what `before` has for them, and cannot read
 * what `after` has. Peers that are behind already are not named again. `readers` has one element for each peer of
 * `before`. -1: out of memory.
 */
int impact_leave_behind(struct arena *a, struct impact *im, const struct snapshot *before, const struct snapshot *after,
			const struct reader *readers, int64_t since);

#endif
