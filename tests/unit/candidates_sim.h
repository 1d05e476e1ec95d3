/*
 * A WireGuard that is made of its timers, for the tests of reconcile/plan/candidates.h: a clock of our own, thousands of peers,
 * each reachable at one of its candidates, or nowhere.
 */
#ifndef TESTS_UNIT_CANDIDATES_SIM_H
#define TESTS_UNIT_CANDIDATES_SIM_H

#include "tests/unit/device_states.h"

#include <stdio.h>

/* Comparisons are counted: the file under test is compiled in with its comparator replaced. */
static uint64_t comparisons;
static inline int counting_key_cmp(const struct key *a, const struct key *b)
{
	comparisons++;
	return key_cmp(a, b);
}
#define key_cmp counting_key_cmp
#include "reconcile/plan/candidates.c"
#undef key_cmp

#define T0 1700000000 /* Unix seconds at the beginning */

/* One peer as the simulated world has it. */
struct sim_peer {
	struct sockpoint answers; /* where it is; port 0: nowhere */
	int64_t sent;             /* the last initiation */
	int64_t next;             /* the next; 0: none is wanted */
	int64_t keepalive;        /* when the next is due; 0: off */
	unsigned attempts;        /* MAX_TIMER_HANDSHAKES of them, and the first */
	uint32_t initiations;
	bool fixed, named;
	bool deaf; /* it is not where its session was any more */
};

struct sim {
	struct arena *arena;
	struct candidates *c;
	struct device_state there, want;
	struct sim_peer *peers;
	struct hint *hints;
	struct candidates_facts f;
	struct candidates_turn turn;
	int64_t ms;
	int64_t clock; /* seconds by which this machine's clock is another one now */
	uint32_t n, random;
	uint64_t initiations, knocks, resolves;
	unsigned most_in_flight;
};

static inline uint32_t sim_random(struct sim *s)
{
	s->random = s->random * 1664525 + 1013904223;
	return s->random >> 8;
}

static inline struct sockpoint at(const char *text)
{
	struct sockpoint p = {.port = 0};

	if (text && *text)
		assert_int_equal(sockpoint_parse(text, strlen(text), &p), 0);
	return p;
}

static inline struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, strlen(text), &a), 0);
	return a;
}

static inline struct hint hint_new(struct arena *a, const struct key *key, const char *seen, const char *reported)
{
	struct sockpoint *list = arena_array(a, CANDIDATES_MAX, sizeof(*list));
	struct hint h = {.key = *key, .seen = at(seen), .at = list};

	while (reported && *reported) {
		size_t n = strcspn(reported, ",");

		assert_int_equal(sockpoint_parse(reported, n, &list[h.n_at++]), 0);
		reported += n + (reported[n] == ',');
	}
	return h;
}

static inline struct key key_number(uint32_t i)
{
	struct key k = {0};

	k.b[0] = (uint8_t)(i >> 16);
	k.b[1] = (uint8_t)(i >> 8);
	k.b[2] = (uint8_t)i;
	k.b[31] = 1;
	return k;
}

/* `n` peers without a session, each with three candidates: 198.51.100.1:P, 203.0.113.1:P (seen), 10.9.0.1:P. */
static inline void sim_init(struct sim *s, uint32_t n)
{
	static struct addr own;
	static struct prefix inside;

	*s = (struct sim){.arena = arena_new(), .c = candidates_new(), .n = n, .random = 1, .ms = 5000000};
	assert_non_null(s->arena);
	assert_non_null(s->c);
	own = ip("192.0.2.7");
	assert_int_equal(prefix_parse("10.60.0.0/16", 12, &inside), PREFIX_OK);
	s->there = (struct device_state){.exists = true, .listen_port = 51820, .n_peers = n};
	s->want = s->there;
	s->want.has_key = true;
	s->want.public_key = key_of(0xff);
	s->there.peers = arena_array(s->arena, n, sizeof(*s->there.peers));
	s->want.peers = arena_array(s->arena, n, sizeof(*s->want.peers));
	s->peers = arena_array(s->arena, n, sizeof(*s->peers));
	s->hints = arena_array(s->arena, n + 1, sizeof(*s->hints));
	for (uint32_t i = 0; i < n; i++) {
		char seen[32], reported[64];
		struct key k = key_number(i);

		snprintf(seen, sizeof(seen), "203.0.113.1:%u", 1000 + i % 60000);
		snprintf(reported, sizeof(reported), "198.51.100.1:%u,10.9.0.1:%u", 1000 + i % 60000, 1000 + i % 60000);
		s->there.peers[i].key = s->want.peers[i].key = k;
		s->hints[i] = hint_new(s->arena, &k, seen, reported);
	}
	s->hints[n] = hint_new(s->arena, &s->want.public_key, "192.0.2.7:51820", "");
	s->f = (struct candidates_facts){
	    .want = &s->want,
	    .there = &s->there,
	    .hints = s->hints,
	    .n_hints = n + 1,
	    .own = &own,
	    .n_own = 1,
	    .inside = &inside,
	    .n_inside = 1,
	    .serial = 1,
	    .keepalive = 25,
	};
}

static inline void sim_free(struct sim *s)
{
	candidates_free(s->c);
	arena_free(s->arena);
}

static inline void sim_reachable(struct sim *s, uint32_t i, unsigned candidate)
{
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n = candidates_list(&s->f, &s->hints[i], list);

	assert_true(candidate < n);
	s->peers[i].answers = list[candidate];
}

static inline bool sim_live(const struct sim *s, uint32_t i)
{
	return device_peer_is_live(&s->there.peers[i], T0 + s->ms / 1000);
}

/* A program's packet, or a first keepalive: WireGuard wants a handshake. */
static inline void sim_wants(struct sim *s, uint32_t i)
{
	struct sim_peer *p = &s->peers[i];

	if (!s->there.peers[i].endpoint.port)
		return;
	p->attempts = 0;
	if (!p->next)
		p->next = p->sent && s->ms - p->sent < 5000 ? p->sent + 5000 : s->ms;
}

static inline void sim_send(struct sim *s, uint32_t i)
{
	struct device_peer *d = &s->there.peers[i];
	struct sim_peer *p = &s->peers[i];

	d->tx += 148;
	p->sent = s->ms;
	p->initiations++;
	s->initiations++;
	p->next = p->attempts++ <= 18 ? s->ms + 5000 + sim_random(s) % 334 : 0;
	p->keepalive = s->ms + (d->keepalive ? 1000 * d->keepalive : 25000);
	if (p->answers.port && sockpoint_eq(&p->answers, &d->endpoint)) {
		d->handshake = T0 + s->ms / 1000;
		d->rx += 92;
		d->tx += 32;
		p->next = 0;
		p->deaf = false;
	}
}

/* Until then, in steps of a tenth of a second. */
static inline void sim_pass(struct sim *s, int64_t ms)
{
	for (int64_t end = s->ms + ms; s->ms < end;) {
		s->ms += 100;
		for (uint32_t i = 0; i < s->n; i++) {
			struct sim_peer *p = &s->peers[i];

			if (sim_live(s, i) && !p->deaf)
				continue;
			if (s->there.peers[i].keepalive && p->keepalive && s->ms >= p->keepalive)
				sim_wants(s, i);
			if (p->next && s->ms >= p->next)
				sim_send(s, i);
		}
	}
}

/* What the daemon does: looks, and applies as device_diff() would. */
static inline void sim_look(struct sim *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		struct device_peer *w = &s->want.peers[i];

		w->endpoint_open = !s->peers[i].fixed;
		w->endpoint_named = s->peers[i].named;
		w->keepalive_open = true;
		w->keepalive = 0;
		if (w->endpoint_open)
			w->endpoint = (struct sockpoint){.port = 0};
	}
	s->f.now = T0 + s->ms / 1000 + s->clock;
	s->f.now_ms = s->ms;
	s->f.random = sim_random(s);
	assert_int_equal(candidates_step(s->c, &s->f, &s->turn), 0);
	s->f.n_knocks = 0;
	s->knocks += s->turn.n_knocks;
	s->resolves += s->turn.resolve;
	if (candidates_in_flight(s->c) > s->most_in_flight)
		s->most_in_flight = candidates_in_flight(s->c);
	for (uint32_t i = 0; i < s->n; i++) {
		struct device_peer *d = &s->there.peers[i], *w = &s->want.peers[i];
		bool wakes = !d->keepalive && w->keepalive;

		bool stays = sim_live(s, i) && !(w->lost && w->rx == d->rx);

		/* A live session keeps the endpoint that it has. */
		if (stays && w->endpoint_open)
			assert_int_equal(w->endpoint.port, 0);
		if (w->endpoint.port && !stays)
			d->endpoint = w->endpoint;
		d->keepalive = w->keepalive;
		if (wakes && !stays)
			sim_wants(s, i);
	}
}

static inline void sim_run(struct sim *s, int64_t ms)
{
	for (int64_t end = s->ms + ms; s->ms < end;) {
		sim_look(s);
		sim_pass(s, 4000);
	}
	sim_look(s);
}

static inline uint32_t sim_connected(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		n += sim_live(s, i);
	return n;
}

#endif
