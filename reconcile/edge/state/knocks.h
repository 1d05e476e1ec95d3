/*
 * Knocks: a peer asks another one, through the server, to open its NAT. Bounded for each pair, for each peer that knocks
 * and in all. The answer to a knock takes it; the knocked peer's poll delivers it.
 */
#ifndef EDGE_KNOCKS_H
#define EDGE_KNOCKS_H

#include "reconcile/edge/state/enrolments.h"

struct knocks;

/* `s` and `e` are borrowed. NULL: out of memory. */
struct knocks *knocks_new(const struct served *s, const struct enrolments *e);
void knocks_free(struct knocks *k); /* NULL is fine */

/* Counts a knock of this peer of the served revision. 0: it has sent too many in this minute. -1: out of memory. */
int knocks_allow(struct knocks *k, uint32_t peer);
/* The served revision took the place of `old` (NULL: of none). */
void knocks_follow(struct knocks *k, const struct revision *old);
/* Both are marks. 1: the knock waits for the poll of `to`. 0: the same two did so just now. -1: out of memory. */
int knocks_take(struct knocks *k, const struct key *from, const struct key *to);
/* The peers of the served revision whose knocks wait for this one. */
size_t knocks_for(const struct knocks *k, uint32_t peer, uint32_t out[static KNOCKS_MAX]);
void knocks_delivered(struct knocks *k, uint32_t peer);
uint64_t knocks_count(const struct knocks *k); /* taken since the start, for the metrics */

#endif
