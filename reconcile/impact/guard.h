/*
 * What one revision may not do unasked: the guards of innernet(1). The limits are the server's own, never the proposed
 * revision's: protection must not vanish with the block that it stands in.
 */
#ifndef RECONCILE_IMPACT_GUARD_H
#define RECONCILE_IMPACT_GUARD_H

#include "reconcile/impact/formats.h"

/*
 * Peers that one revision may cut off, and pairs of peers that it may part. Each is refused above its absolute
 * limit, and above its part of what there was; the first few are free, so that a small network can be worked on.
 */
struct guard_limit {
	uint64_t most;    /* absolute */
	uint64_t percent; /* of what there was before, 0..100 */
	uint64_t free;    /* so many are never too large a part */
};
struct guard_limits {
	struct guard_limit peers, pairs;
	bool keep_admin; /* the last admin stays */
	/* Allowed without the trailer: */
	bool default_routes, public_routes; /* a new route to every address, or to addresses of the public internet */
	bool new_admins;                    /* beside an admin that is there already */
	bool server_moves;                  /* another address of a server, or other endpoints alone */
	bool root_growth;                   /* addresses of the network itself that its prefixes did not have */
	/* A new route with a shorter prefix needs the trailer. IPv4, IPv6. */
	uint64_t widest_route, widest_route6;
	/* A peer that polled in so many days is not left behind by a format that it does not read. 0: any may be. */
	uint64_t formats_days;
};
extern const struct guard_limits guard_defaults;

/*
 * Judges an impact whose `before` is what is published; without one nothing is refused. `accepted`: the trailer of
 * the published tip's commit names this plan. What a trailer can acknowledge (guard_acceptable()) is a warning then.
 * Refused in any case: guard-server, guard-admin. `limits` NULL: these two alone.
 * Returns how many errors were added.
 */
unsigned guard_check(const struct guard_limits *limits, const struct impact *im, bool accepted, struct diags *d);
/* The same with the default limits, for a caller that does not have the server's: each is a warning, unless accepted. */
void guard_foretell(const struct impact *im, bool accepted, struct diags *d);
/* Whether the trailer can acknowledge a code. */
bool guard_acceptable(const char *code);

/*
 * What is refused outright, with the trailer too: another name or id, an epoch that falls or jumps, the address of a server
 * that moves given to another peer at once. Codes: network-changed, epoch-back, epoch-jump, server-address-taken,
 * server-family.
 */
void guard_outright(const struct model *published, const struct model *m, struct diags *d);

/* Has a commit's message, in its last paragraph, the trailer "Innernet-Accept: <plan id>"? */
#define ACCEPT_TRAILER "Innernet-Accept"
bool guard_accepted(struct span message, const char *id);

/* What the guard of formats goes by. */
struct guard_formats {
	const struct snapshot *before, *after;
	const struct reader *readers; /* by peer of `before` */
	int64_t now;                  /* Unix seconds */
};

/*
 * All of it at once, for a caller that is about to publish `m` over `published` (NULL: nothing is): builds the impact, looks
 * for the trailer in the message of the commit that has `m` (NULL: nothing is left), applies the guards. `facts` and
 * `formats` may be NULL. The impact, in the arena, goes to *plan (NULL: not wanted) whatever the verdict. -1: refused, or out of memory.
 */
int guard_judge(struct arena *a, const struct guard_limits *limits, const struct model *published,
		const struct model *m, const struct ledger_facts *facts, struct span message,
		const struct guard_formats *formats, struct impact **plan, struct diags *d);

#endif
