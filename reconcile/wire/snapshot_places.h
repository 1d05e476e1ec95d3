/* Where each object of a compiled snapshot stands: what snapshot.c notes, and snapshot_view.c selects by. */
#ifndef RECONCILE_WIRE_SNAPSHOT_PLACES_H
#define RECONCILE_WIRE_SNAPSHOT_PLACES_H

#include "reconcile/wire/snapshot.h"

/*
 * Every object belongs to one CIDR: names of peers and CIDRs are unique, so two places never make the same
 * bytes, but for the list of an isolated CIDR's only peer, which is both of the last two.
 */
enum {
	PLACE_VIEW = 1, /* a view of it */
	PLACE_TREE = 2, /* its subtree, or a piece of the list of its children */
	PLACE_OWN = 4,  /* a piece of the list of its own peers */
	PLACE_ONLY = 8, /* the list of one of its peers alone */
};
struct object_place {
	uint32_t cidr;
	uint8_t roles;
};

/* The lists of a CIDR. A name is valid when its count is not 0. */
struct snapshot_lists {
	struct hash own, subtree;
	uint32_t n_own, n_all; /* enabled peers: its own; with those under it */
	uint32_t n_new;        /* CIDRs, it and those under it, whose own lists format 1 cannot say */
	uint32_t own_format;   /* of its own peers' leaves, the highest */
};

#endif
