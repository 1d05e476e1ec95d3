/* Knocks: a peer asks another, through us, to open its NAT towards it. Bounded for each pair, each asker and in all. */
#include "reconcile/edge/server/reconciler_state.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_MS 5000  /* the same two again: a step of who tries */
#define WAIT_MS 30000 /* for the other's next poll; later nobody waits for it any more */

/* Whether it may knock once more in this minute. */
static bool within_budget(struct report *p, int64_t now)
{
	if (!p->knocks_since || now - p->knocks_since >= 60000) {
		p->knocks_since = now;
		p->knocks = 0;
	}
	return p->knocks++ < KNOCKS_MINUTE || (p->knocks = KNOCKS_MINUTE, false);
}

/* Forgets what is over; when there is no room, the oldest. */
static void make_room(struct reconciler *r, int64_t now)
{
	size_t n = 0, skip = 0;

	for (size_t i = 0; i < r->n_knocks; i++) {
		const struct knock *k = &r->knocks[i];

		if (now - k->at < (k->waiting ? WAIT_MS : PAIR_MS))
			r->knocks[n++] = *k;
	}
	if (n == KNOCKS_HELD_MAX)
		skip = 1;
	if (skip)
		memmove(r->knocks, r->knocks + 1, (n - 1) * sizeof(*r->knocks));
	r->n_knocks = n - skip;
}

/* -1: out of memory. */
static int take(struct reconciler *r, const struct key *from, const struct key *to, int64_t now)
{
	if (!r->knocks && !(r->knocks = malloc(KNOCKS_HELD_MAX * sizeof(*r->knocks))))
		return -1;
	make_room(r, now);
	for (size_t i = 0; i < r->n_knocks; i++) {
		struct knock *k = &r->knocks[i];

		if (key_eq(&k->from, from) && key_eq(&k->to, to)) {
			if (now - k->at < PAIR_MS)
				return 0;
			memmove(k, k + 1, (size_t)(&r->knocks[r->n_knocks] - k - 1) * sizeof(*k));
			r->n_knocks--;
			break;
		}
	}
	r->knocks[r->n_knocks++] = (struct knock){.from = *from, .to = *to, .at = now, .waiting = true};
	r->n_knocked++;
	reconciler_wake_peer(r, to);
	return 0;
}

void reconciler_knock(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const struct peer *peers = served_now(r->served)->model->peers;
	const int64_t now = clock_boot_ms();
	struct diags d = {0};
	struct buf empty = {0};
	struct key key;
	uint32_t to;

	(void)why;
	if (!r->reports) {
		http_refuse(q, 500, "out-of-memory", "out of memory");
	} else if (knock_parse(http_body(q), &key, &d) < 0) {
		http_refuse(q, 400, "bad-request", "%s", d.first ? d.first->message : "the body is not a knock");
	} else if (!within_budget(&r->reports[who->peer], now)) {
		http_refuse(q, 429, "too-many-knocks", "at most %d knocks a minute", KNOCKS_MINUTE);
	} else if ((to = enrolments_peer_of_key(r->enrolments, served_now(r->served), &key)) == NONE ||
		   to == who->peer || peers[to].disabled || !reconciler_sees(served_now(r->served), who->peer, to)) {
		/* Whether such a peer is there at all is nobody's business. */
		http_refuse(q, 404, "unknown-peer", "the asker sees no peer with this key");
	} else if (to != served_now(r->served)->self && take(r, &peers[who->peer].key, &peers[to].key, now) < 0) {
		http_refuse(q, 500, "out-of-memory", "out of memory");
	} else {
		http_answer(q, 204, NULL, &empty, NULL, NULL);
	}
	diags_free(&d);
}

size_t reconciler_knocks_for(const struct reconciler *r, uint32_t peer, uint32_t out[static KNOCKS_MAX])
{
	const struct revision *g = served_now(r->served);
	const struct key *to = &g->model->peers[peer].key;
	const int64_t now = clock_boot_ms();
	size_t n = 0;

	for (size_t i = 0; i < r->n_knocks && n < KNOCKS_MAX; i++) {
		const struct knock *k = &r->knocks[i];
		uint32_t from = k->waiting && now - k->at < WAIT_MS && key_eq(&k->to, to)
				    ? enrolments_owner(r->enrolments, g, &k->from)
				    : NONE;

		/* A revision in between may have parted them. */
		if (from != NONE && !g->model->peers[from].disabled && reconciler_sees(g, peer, from))
			out[n++] = from;
	}
	return n;
}

void reconciler_knocks_done(struct reconciler *r, uint32_t peer)
{
	const struct key *to = &served_now(r->served)->model->peers[peer].key;

	for (size_t i = 0; i < r->n_knocks; i++) {
		if (key_eq(&r->knocks[i].to, to))
			r->knocks[i].waiting = false;
	}
}
