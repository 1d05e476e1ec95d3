#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/base/loop.h"

#include <stdlib.h>
#include <string.h>

#define PAIR_MS   5000  /* the same two again: a step of the peer that tries */
#define WAIT_MS   30000 /* for the other peer's next poll; the peer that knocked has given up by then */
#define MINUTE_MS 60000

/* A peer asks another one to open its NAT. Both are marks. */
struct knock {
	struct key from, to;
	int64_t at;   /* clock_boot_ms() */
	bool waiting; /* for the other's poll */
};

/* What one peer has sent in this minute. */
struct budget {
	int64_t since; /* clock_boot_ms(); 0: nothing */
	uint16_t n;
};

struct knocks {
	const struct served *served;
	const struct enrolments *enrolments;
	struct knock *list; /* KNOCKS_HELD_MAX, oldest first; NULL: none yet */
	size_t n;
	struct budget
	    *budgets; /* how many knocks each peer of the served revision sent; NULL: no peer has knocked yet */
	uint64_t count;
};

struct knocks *knocks_new(const struct served *s, const struct enrolments *e)
{
	struct knocks *k = calloc(1, sizeof(*k));

	if (k)
		*k = (struct knocks){.served = s, .enrolments = e};
	return k;
}

void knocks_free(struct knocks *k)
{
	if (!k)
		return;
	free(k->list);
	free(k->budgets);
	free(k);
}

uint64_t knocks_count(const struct knocks *k)
{
	return k->count;
}

/* --- what a peer may send --- */

int knocks_allow(struct knocks *k, uint32_t peer)
{
	const int64_t now = clock_boot_ms();
	struct budget *b;

	if (!k->budgets && !(k->budgets = calloc(served_now(k->served)->model->n_peers, sizeof(*k->budgets))))
		return -1;
	b = &k->budgets[peer];
	if (!b->since || now - b->since >= MINUTE_MS)
		*b = (struct budget){.since = now};
	if (b->n == KNOCKS_MINUTE)
		return 0;
	b->n++;
	return 1;
}

void knocks_follow(struct knocks *k, const struct revision *old)
{
	const struct revision *g = served_now(k->served);
	struct budget *was = k->budgets;

	if (!was)
		return;
	k->budgets = calloc(g->model->n_peers ? g->model->n_peers : 1, sizeof(*k->budgets));
	for (uint32_t i = 0; k->budgets && old && i < old->model->n_peers; i++) {
		uint32_t peer = was[i].since ? enrolments_owner(k->enrolments, g, &old->model->peers[i].key) : NONE;
		if (peer != NONE)
			k->budgets[peer] = was[i];
	}
	free(was);
}

/* --- those that wait --- */

/* Forgets what is over; when there is no room, the oldest. */
static void make_room(struct knocks *k, int64_t now)
{
	size_t n = 0, skip = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct knock *x = &k->list[i];

		if (now - x->at < (x->waiting ? WAIT_MS : PAIR_MS))
			k->list[n++] = *x;
	}
	if (n == KNOCKS_HELD_MAX)
		skip = 1;
	if (skip)
		memmove(k->list, k->list + 1, (n - 1) * sizeof(*k->list));
	k->n = n - skip;
}

int knocks_take(struct knocks *k, const struct key *from, const struct key *to)
{
	const int64_t now = clock_boot_ms();

	if (!k->list && !(k->list = malloc(KNOCKS_HELD_MAX * sizeof(*k->list))))
		return -1;
	make_room(k, now);
	for (size_t i = 0; i < k->n; i++) {
		struct knock *x = &k->list[i];

		if (key_eq(&x->from, from) && key_eq(&x->to, to)) {
			if (now - x->at < PAIR_MS)
				return 0;
			memmove(x, x + 1, (size_t)(&k->list[k->n] - x - 1) * sizeof(*x));
			k->n--;
			break;
		}
	}
	k->list[k->n++] = (struct knock){.from = *from, .to = *to, .at = now, .waiting = true};
	k->count++;
	return 1;
}

size_t knocks_for(const struct knocks *k, uint32_t peer, uint32_t out[static KNOCKS_MAX])
{
	const struct revision *g = served_now(k->served);
	const struct key *to = &g->model->peers[peer].key;
	const int64_t now = clock_boot_ms();
	size_t n = 0;

	for (size_t i = 0; i < k->n && n < KNOCKS_MAX; i++) {
		const struct knock *x = &k->list[i];
		uint32_t from = x->waiting && now - x->at < WAIT_MS && key_eq(&x->to, to)
				    ? enrolments_owner(k->enrolments, g, &x->from)
				    : NONE;

		/* A revision in between may have parted them. */
		if (from != NONE && !g->model->peers[from].disabled && revision_sees(g, peer, from))
			out[n++] = from;
	}
	return n;
}

void knocks_delivered(struct knocks *k, uint32_t peer)
{
	const struct key *to = &served_now(k->served)->model->peers[peer].key;

	for (size_t i = 0; i < k->n; i++)
		if (key_eq(&k->list[i].to, to))
			k->list[i].waiting = false;
}
