/*
 * A hint: where one peer may be reached. As a line, in a bundle and in what a peer keeps:
 *
 *   hint <key b64> <ip:port>|- [<ip:port>,...]
 *
 * first where it was seen (by a server its packets, or this machine a session of its own), then at most
 * CANDIDATES_MAX endpoints that the peer reported of itself, in its order: what its people chose to be told of it comes
 * first, then what its own interfaces have. Useful, never trusted.
 */
#ifndef RECONCILE_WIRE_HINT_H
#define RECONCILE_WIRE_HINT_H

#include "reconcile/text/text.h"

struct hint {
	struct key key;             /* WireGuard's */
	struct sockpoint seen;      /* port 0: it was not seen */
	const struct sockpoint *at; /* reported, none twice */
	uint8_t n_at;
};

bool hint_eq(const struct hint *a, const struct hint *b);
/* For qsort: by key. */
int hint_cmp(const void *a, const void *b);
/* In an array sorted by key. NULL: there is none. */
const struct hint *hint_find(const struct hint *hints, size_t n, const struct key *key);
/* The one endpoint to begin with: where it was seen, else the first reported. Port 0: none. */
struct sockpoint hint_first(const struct hint *h);

/* Copies with their endpoints, in one block that free() takes. NULL: out of memory. */
struct hint *hints_copy(const struct hint *hints, size_t n);

/* May a peer be looked for there? Never this machine itself, never many machines, never inside the tunnel, whose
 * prefixes are `root`. */
bool hint_usable(const struct prefix *root, unsigned n_root, const struct sockpoint *at);

/* "seen at 192.0.2.7:51820, reported 192.168.1.7:51820", for people. */
void hint_say(struct buf *out, const struct hint *h);

/* The line. An endpoint of a link alone has no spelling: the caller left it out. */
void hint_write(struct buf *out, const struct hint *h);
/* The line that was taken: its reported endpoints go to `at`. False with an error in `t`. */
bool hint_read(struct text *t, struct hint *out, struct sockpoint at[static CANDIDATES_MAX]);

#endif
