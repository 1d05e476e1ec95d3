/*
 * Where peers are looked for, against a WireGuard that is made of its timers: a clock of our own, thousands of peers,
 * each reachable at one of its candidates, or nowhere.
 */
#include "tests/unit/device_states.h"

#include <stdio.h>

/* Comparisons are counted: the file under test is compiled in with its comparator replaced. */
static uint64_t comparisons;
static int counting_key_cmp(const struct key *a, const struct key *b)
{
	comparisons++;
	return key_cmp(a, b);
}
#define key_cmp counting_key_cmp
#include "reconcile/candidates.c"
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

static uint32_t sim_random(struct sim *s)
{
	s->random = s->random * 1664525 + 1013904223;
	return s->random >> 8;
}

static struct sockpoint at(const char *text)
{
	struct sockpoint p = {.port = 0};

	if (text && *text)
		assert_int_equal(sockpoint_parse(text, strlen(text), &p), 0);
	return p;
}

static struct addr ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, strlen(text), &a), 0);
	return a;
}

static struct hint hint_new(struct arena *a, const struct key *key, const char *seen, const char *reported)
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

static struct key key_number(uint32_t i)
{
	struct key k = {0};

	k.b[0] = (uint8_t)(i >> 16);
	k.b[1] = (uint8_t)(i >> 8);
	k.b[2] = (uint8_t)i;
	k.b[31] = 1;
	return k;
}

/* `n` peers without a session, each with three candidates: 198.51.100.1:P, 203.0.113.1:P (seen), 10.9.0.1:P. */
static void sim_init(struct sim *s, uint32_t n)
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

static void sim_free(struct sim *s)
{
	candidates_free(s->c);
	arena_free(s->arena);
}

static void sim_reachable(struct sim *s, uint32_t i, unsigned candidate)
{
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n = candidates_list(&s->f, &s->hints[i], list);

	assert_true(candidate < n);
	s->peers[i].answers = list[candidate];
}

static bool sim_live(const struct sim *s, uint32_t i)
{
	return device_peer_is_live(&s->there.peers[i], T0 + s->ms / 1000);
}

/* Somebody's packet, or a first keepalive: WireGuard wants a handshake. */
static void sim_wants(struct sim *s, uint32_t i)
{
	struct sim_peer *p = &s->peers[i];

	if (!s->there.peers[i].endpoint.port)
		return;
	p->attempts = 0;
	if (!p->next)
		p->next = p->sent && s->ms - p->sent < 5000 ? p->sent + 5000 : s->ms;
}

static void sim_send(struct sim *s, uint32_t i)
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
static void sim_pass(struct sim *s, int64_t ms)
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
static void sim_look(struct sim *s)
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

static void sim_run(struct sim *s, int64_t ms)
{
	for (int64_t end = s->ms + ms; s->ms < end;) {
		sim_look(s);
		sim_pass(s, 4000);
	}
	sim_look(s);
}

static uint32_t sim_connected(const struct sim *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n; i++)
		n += sim_live(s, i);
	return n;
}

/* ---- where ---------------------------------------------------------------------------------------------------- */

static void assert_list(struct sim *s, const char *seen, const char *reported, const char *expected)
{
	struct key k = key_of(1);
	struct hint h = hint_new(s->arena, &k, seen, reported);
	struct sockpoint list[CANDIDATES_LIST];
	unsigned n = candidates_list(&s->f, &h, list);
	struct buf b = {0};

	for (unsigned i = 0; i < n; i++) {
		char text[SOCKPOINT_STR_LEN];

		sockpoint_format(&list[i], text);
		buf_printf(&b, "%s%s", i ? " " : "", text);
	}
	assert_string_equal(b.p ? b.p : "", expected);
	buf_free(&b);
}

static void test_order(void **state)
{
	struct sim s;
	struct addr own[2] = {ip("192.168.1.7"), ip("2001:db8:1::7")};

	(void)state;
	sim_init(&s, 1);
	/* Without a NAT it is seen where it says that it is. */
	assert_list(&s, "203.0.113.1:5", "203.0.113.1:5", "203.0.113.1:5");
	/* What it reports in its order, where it was seen then; private addresses of another site last. */
	assert_list(&s, "203.0.113.1:5", "10.9.0.1:5,198.51.100.2:7", "198.51.100.2:7 203.0.113.1:5 10.9.0.1:5");
	assert_list(&s, "", "10.9.0.1:5", "10.9.0.1:5");
	assert_list(&s, "203.0.113.1:5", "", "203.0.113.1:5");
	/* This machine itself, and what is inside the network, are skipped; so is a family that it does not have. */
	assert_list(&s, "192.0.2.7:9", "10.60.0.3:5,198.51.100.2:7,[2001:db8::2]:7", "198.51.100.2:7");

	s.f.own = own;
	s.f.n_own = 2;
	assert_list(&s, "", "[2001:db8::2]:7,198.51.100.2:7", "[2001:db8::2]:7 198.51.100.2:7");
	/* Behind the same NAT, its local addresses come first, those of the same link before. */
	s.hints[1] = hint_new(s.arena, &s.want.public_key, "203.0.113.1:40000", "");
	assert_list(&s, "203.0.113.1:5", "172.16.0.9:5,192.168.1.9:5,198.51.100.2:7",
		    "192.168.1.9:5 172.16.0.9:5 198.51.100.2:7 203.0.113.1:5");
	/* An address like ours behind another NAT is somebody else's. */
	assert_list(&s, "203.0.113.2:5", "192.168.1.9:5", "203.0.113.2:5 192.168.1.9:5");
	/* When no server says where we are, it may be a neighbour's. */
	s.f.n_hints = 1;
	assert_list(&s, "203.0.113.2:5", "192.168.1.9:5", "192.168.1.9:5 203.0.113.2:5");
	sim_free(&s);
}

/* ---- while they are few --------------------------------------------------------------------------------------- */

static void test_few_at_once(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, CANDIDATES_FEW);
	for (uint32_t i = 0; i < s.n; i++)
		sim_reachable(&s, i, i % 3);
	sim_run(&s, 20000);
	assert_int_equal(sim_connected(&s), s.n);
	assert_true(s.most_in_flight <= CANDIDATES_FLIGHT);
	assert_int_equal(candidates_in_flight(s.c), 0);
	for (uint32_t i = 0; i < s.n; i++) {
		/* One initiation a candidate: none was passed over, none had two. */
		assert_int_equal(s.peers[i].initiations, i % 3 + 1);
		assert_int_equal(s.there.peers[i].keepalive, 0);
	}
	/* Whoever had a session is left alone when it lapses, */
	sim_run(&s, 3600000);
	assert_int_equal(sim_connected(&s), 0);
	assert_int_equal(s.initiations, s.n + 21 + 2 * 21);
	/* with the endpoint that it had, */
	assert_true(sockpoint_eq(&s.there.peers[1].endpoint, &s.peers[1].answers));
	/* until somebody sends it something. */
	sim_reachable(&s, 1, 2);
	sim_wants(&s, 1);
	sim_run(&s, 20000);
	assert_int_equal(sim_connected(&s), 1);
	sim_free(&s);
}

/* Ten candidates and the seen one: all within a round. */
static void test_last_of_eleven(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1);
	s.hints[0] =
	    hint_new(s.arena, &s.want.peers[0].key, "203.0.113.1:9",
		     "198.51.100.1:1,198.51.100.1:2,198.51.100.1:3,198.51.100.1:4,198.51.100.1:5,198.51.100.1:6,"
		     "198.51.100.1:7,198.51.100.1:8,198.51.100.1:9,198.51.100.1:10");
	sim_reachable(&s, 0, 10);
	sim_run(&s, 60000);
	assert_int_equal(sim_connected(&s), 1);
	assert_int_equal(s.peers[0].initiations, 11);
	sim_free(&s);
}

static void test_backs_off(void **state)
{
	struct sim s;
	struct candidates_try t;
	uint64_t first_hour, last_hour;

	(void)state;
	sim_init(&s, 3);
	sim_run(&s, 3600000);
	first_hour = s.initiations;
	sim_run(&s, 12 * 3600000);
	last_hour = s.initiations;
	sim_run(&s, 3600000);
	last_hour = s.initiations - last_hour;
	assert_in_range(first_hour, 3 * 3 * 20, 3 * 8 * 20);
	assert_in_range(last_hour, 0, 3 * 2 * 20);
	assert_int_equal(candidates_tries(s.c, s.ms, &t, 1), 1);
	assert_int_equal(t.n, 3);
	assert_in_range(t.rounds, 12, 40);
	assert_in_range(t.next_ms + (t.trying ? 1 : 0), 0, 3600000);
	/* Another address of theirs, or of ours, starts anew. */
	s.hints[0] = hint_new(s.arena, &s.want.peers[0].key, "203.0.113.77:9", "");
	sim_reachable(&s, 0, 0);
	s.f.serial++;
	sim_run(&s, 8000);
	assert_true(sim_live(&s, 0));
	s.f.own = &(struct addr){.b = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 99}};
	s.f.serial++;
	sim_reachable(&s, 1, 1);
	sim_run(&s, 16000);
	assert_true(sim_live(&s, 1));
	sim_free(&s);
}

/* Whoever says without end that it is elsewhere has the others send no more than one that is nowhere at all. */
static void test_moves_without_end(void **state)
{
	struct sim s;
	uint64_t first_hour, last_hour;
	unsigned moves = 0;
	char seen[32];

	(void)state;
	sim_init(&s, 1);
	for (unsigned hour = 0; hour < 12; hour++) {
		last_hour = s.initiations;
		for (unsigned i = 0; i < 180; i++) {
			snprintf(seen, sizeof(seen), "203.0.113.9:%u", 1024 + moves++);
			s.hints[0] = hint_new(s.arena, &s.want.peers[0].key, seen, "");
			s.f.serial++;
			sim_run(&s, 20000);
		}
		last_hour = s.initiations - last_hour;
		if (hour == 0)
			first_hour = last_hour;
	}
	assert_in_range(first_hour, 3 * 20, 8 * 20);
	assert_in_range(last_hour, 0, 2 * 22);
	/* It stays where it is for an hour: the next move counts again. */
	sim_run(&s, 3600000 + 130000);
	s.hints[0] = hint_new(s.arena, &s.want.peers[0].key, "203.0.113.10:1", "");
	s.f.serial++;
	sim_reachable(&s, 0, 0);
	sim_run(&s, 32000);
	assert_true(sim_live(&s, 0));
	sim_free(&s);
}

/* A keepalive that comes before WireGuard has given up makes it begin anew: no round would ever be over. */
static void test_backs_off_with_short_keepalive(void **state)
{
	static const uint16_t seconds[] = {1, 5, 14, 20, 600};
	struct sim s;

	(void)state;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		uint64_t before;

		sim_init(&s, 3);
		s.f.keepalive = seconds[i];
		sim_run(&s, 12 * 3600000);
		before = s.initiations;
		sim_run(&s, 3600000);
		assert_in_range(s.initiations - before, 0, 3 * 2 * 20);
		sim_free(&s);
	}
}

/* ---- when they are many --------------------------------------------------------------------------------------- */

static void test_many(void **state)
{
	struct sim s;
	uint64_t minute;

	(void)state;
	sim_init(&s, 5000);
	sim_run(&s, 60000);
	assert_int_equal(s.initiations, 0);
	assert_int_equal(s.turn.next_ms, -1);
	/* Each has an endpoint to begin with: the first packet is answered with a handshake at once. */
	for (uint32_t i = 0; i < s.n; i++)
		assert_int_not_equal(s.there.peers[i].endpoint.port, 0);
	sim_reachable(&s, 17, 2);
	sim_wants(&s, 17);
	sim_run(&s, 20000);
	assert_true(sim_live(&s, 17));
	assert_int_equal(sim_connected(&s), 1);

	/* Traffic for 200 at once: WireGuard tries them all, we turn 64 at a time, and each has its turn. */
	for (uint32_t i = 100; i < 300; i++) {
		sim_reachable(&s, i, 1 + i % 2);
		sim_wants(&s, i);
	}
	for (unsigned i = 0; i < 15; i++) {
		sim_run(&s, 20000);
		for (uint32_t j = 100; j < 300; j++)
			if (!sim_live(&s, j) && !s.there.peers[j].handshake)
				sim_wants(&s, j);
	}
	assert_true(s.most_in_flight <= CANDIDATES_FLIGHT);
	for (uint32_t i = 100; i < 300; i++)
		assert_int_not_equal(s.there.peers[i].handshake, 0);

	/* Nobody answers, and everybody asks: no more than 64 initiations each five seconds are ours. */
	for (uint32_t i = 1000; i < 2000; i += KNOCKS_MAX) {
		struct key knocks[KNOCKS_MAX];

		for (uint32_t j = 0; j < KNOCKS_MAX; j++)
			knocks[j] = key_number(i + j);
		s.f.knocks = knocks;
		s.f.n_knocks = KNOCKS_MAX;
		sim_look(&s);
		sim_pass(&s, 1000);
	}
	minute = s.initiations;
	sim_run(&s, 60000);
	assert_in_range(s.initiations - minute, 1, 64 * 13);
	assert_int_equal(s.most_in_flight, CANDIDATES_FLIGHT);
	sim_free(&s);
}

static void test_linear(void **state)
{
	uint64_t counted[2];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct sim s;

		sim_init(&s, k ? 40000 : 20000);
		sim_look(&s);
		s.f.serial++;
		for (uint32_t i = 0; i < s.n; i++)
			s.there.peers[i].tx += 148;
		comparisons = 0;
		sim_look(&s);
		counted[k] = comparisons;
		sim_free(&s);
	}
	assert_in_range(counted[1], 1, counted[0] * 5 / 2);
	/* An idle look compares each peer once or twice, and looks no hint up. */
	assert_in_range(counted[1], 1, 2 * 40000);
}

/* Peers that come and go take nothing along that is not theirs. */
static void test_others_leave(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 10);
	sim_run(&s, 8000);
	assert_int_equal(candidates_in_flight(s.c), 10);
	s.f.ending = true;
	sim_look(&s);
	s.f.ending = false;
	assert_int_equal(candidates_in_flight(s.c), 0);
	for (uint32_t i = 0; i < s.n; i++)
		assert_int_equal(s.there.peers[i].keepalive, 0);
	sim_run(&s, 4000);
	assert_int_equal(candidates_in_flight(s.c), 10);
	s.want.peers += 4;
	s.want.n_peers = s.n = 3;
	s.there.peers += 4;
	s.there.n_peers = 3;
	s.peers += 4;
	sim_run(&s, 4000);
	assert_int_equal(candidates_in_flight(s.c), 3);
	s.n = s.want.n_peers = s.there.n_peers = 0;
	sim_look(&s);
	assert_int_equal(candidates_in_flight(s.c), 0);
	sim_free(&s);
}

/* ---- knocks --------------------------------------------------------------------------------------------------- */

static void test_knocks(void **state)
{
	struct sim s;
	struct key k;

	(void)state;
	sim_init(&s, 100);
	/* Nobody reports where it is seen: all of them are behind NATs, and too many to be tried unasked. */
	sim_run(&s, 8000);
	assert_int_equal(s.knocks, 0);
	sim_wants(&s, 5);
	sim_pass(&s, 1000);
	sim_look(&s);
	assert_int_equal(s.turn.n_knocks, 1);
	k = key_number(5);
	assert_memory_equal(&s.turn.knocks[0], &k, sizeof(k));
	sim_run(&s, 60000);
	assert_int_equal(s.knocks, 1);

	/* One that knocks is tried at once, and not asked in turn. */
	k = key_number(6);
	s.f.knocks = &k;
	s.f.n_knocks = 1;
	sim_look(&s);
	assert_int_equal(s.there.peers[6].keepalive, 25);
	sim_run(&s, 30000);
	assert_int_equal(s.knocks, 1);
	assert_in_range(s.peers[6].initiations, 5, 8);
	/* Again when much of it is over: another round follows. */
	sim_run(&s, 40000);
	s.f.knocks = &k;
	s.f.n_knocks = 1;
	sim_run(&s, 120000);
	assert_int_equal(s.there.peers[6].keepalive, 25);
	sim_run(&s, 40000);
	assert_int_equal(s.there.peers[6].keepalive, 0);
	assert_int_equal(s.knocks, 1);

	/* A live session is not disturbed by one, nor is anybody who does not exist. */
	sim_reachable(&s, 7, 0);
	sim_wants(&s, 7);
	sim_run(&s, 8000);
	assert_true(sim_live(&s, 7));
	struct key both[2] = {key_number(7), key_of(0x77)};
	s.f.knocks = both;
	s.f.n_knocks = 2;
	sim_look(&s);
	assert_int_equal(s.there.peers[7].keepalive, 0);

	/* No NAT on its side: nobody is asked before all candidates were tried in vain. */
	s.hints[8] = hint_new(s.arena, &s.want.peers[8].key, "198.51.100.1:9", "198.51.100.1:9,198.51.100.2:9");
	s.f.serial++;
	s.knocks = 0;
	sim_wants(&s, 8);
	sim_run(&s, 4000);
	assert_int_equal(s.knocks, 0);
	sim_run(&s, 12000);
	assert_int_equal(s.knocks, 1);
	sim_free(&s);
}

/* Traversal is turned off, and on again: nothing is left of what was under way. */
static void test_reset(void **state)
{
	struct candidates_try tries[4];
	struct sim s;

	(void)state;
	sim_init(&s, 3);
	candidates_reset(s.c); /* of one that never looked */
	sim_run(&s, 130000);   /* a round in vain */
	assert_int_equal(candidates_in_flight(s.c), 0);
	sim_wants(&s, 1);
	sim_run(&s, 20000);
	assert_int_not_equal(candidates_in_flight(s.c), 0);
	assert_int_equal(candidates_tries(s.c, s.ms, tries, 4), 3);
	candidates_reset(s.c);
	assert_int_equal(candidates_in_flight(s.c), 0);
	assert_int_equal(candidates_tries(s.c, s.ms, tries, 4), 0);
	for (uint32_t i = 0; i < s.n; i++)
		s.there.peers[i].keepalive = 0;
	sim_look(&s);
	assert_int_equal(candidates_in_flight(s.c), 3);
	assert_int_equal(candidates_tries(s.c, s.ms, tries, 4), 3);
	for (uint32_t i = 0; i < s.n; i++)
		assert_int_equal(tries[i].rounds, 0);
	sim_free(&s);
}

/* ---- keepalive ------------------------------------------------------------------------------------------------ */

static void sim_data(struct sim *s, uint32_t i, uint64_t rx, uint64_t tx)
{
	s->there.peers[i].rx += rx;
	s->there.peers[i].tx += tx;
}

static void test_keepalive(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 2);
	s.hints[0] = hint_new(s.arena, &s.want.peers[0].key, "203.0.113.1:9", "198.51.100.1:9");
	s.hints[1] = hint_new(s.arena, &s.want.peers[1].key, "198.51.100.1:9", "198.51.100.1:9");
	s.f.serial++;
	sim_reachable(&s, 0, 0);
	sim_reachable(&s, 1, 0);
	sim_run(&s, 20000);
	assert_int_equal(sim_connected(&s), 2);
	assert_int_equal(s.there.peers[0].keepalive, 0);
	/* A ping: its answer is 128 bytes. */
	for (unsigned i = 0; i < 2; i++)
		sim_data(&s, i, 128, 128);
	sim_run(&s, 4000);
	assert_int_equal(s.there.peers[0].keepalive, 25);
	assert_int_equal(s.there.peers[1].keepalive, 0); /* no NAT anywhere */
	/* Keepalives and handshakes are no traffic: after five minutes it is over. */
	for (unsigned i = 0; i < 16; i++) {
		sim_run(&s, 20000);
		sim_data(&s, 0, 32, 32);
		if (i % 5 == 4) {
			sim_data(&s, 0, 92, 148);
			s.there.peers[0].handshake = T0 + s.ms / 1000;
		}
	}
	assert_int_equal(s.there.peers[0].keepalive, 0);
	/* Where this machine itself is behind one, it is for everybody. */
	s.hints[2] = hint_new(s.arena, &s.want.public_key, "203.0.113.5:1024", "");
	s.f.serial++;
	s.there.peers[1].handshake = T0 + s.ms / 1000;
	sim_data(&s, 1, 5000, 0);
	sim_run(&s, 4000);
	assert_int_equal(s.there.peers[1].keepalive, 25);
	/* A daemon that starts finds it, and leaves it. */
	candidates_free(s.c);
	s.c = candidates_new();
	s.there.peers[1].handshake = T0 + s.ms / 1000;
	sim_look(&s);
	assert_int_equal(s.there.peers[1].keepalive, 25);
	sim_free(&s);
}

/* ---- a session that is lost ----------------------------------------------------------------------------------- */

/* One peer with a session at the second of its three candidates. */
static void sim_init_connected(struct sim *s, struct sockpoint list[static CANDIDATES_LIST])
{
	sim_init(s, 1);
	candidates_list(&s->f, &s->hints[0], list);
	sim_reachable(s, 0, 1);
	sim_run(s, 20000);
	assert_true(sim_live(s, 0));
	assert_true(sockpoint_eq(&s->there.peers[0].endpoint, &list[1]));
}

/* It is somewhere else. WireGuard wants a handshake, from the fifteenth second on. */
static void sim_moves(struct sim *s, const struct sockpoint *to)
{
	s->peers[0].answers = *to;
	s->peers[0].deaf = true;
	s->peers[0].next = s->ms + 15000;
}

static void test_lost(void **state)
{
	struct sockpoint list[CANDIDATES_LIST], elsewhere = at("198.51.100.99:9");
	struct sim s;
	int64_t ms;

	(void)state;
	sim_init_connected(&s, list);
	sim_moves(&s, &list[2]);
	/* Somebody sends, and nothing comes back. */
	for (ms = 0; ms < 20000; ms += 4000) {
		assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[1]));
		sim_data(&s, 0, 0, 128);
		sim_run(&s, 4000);
	}
	sim_run(&s, 20000);
	assert_true(sim_live(&s, 0));
	assert_false(s.peers[0].deaf);
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[2]));
	assert_int_equal(candidates_in_flight(s.c), 0);

	/* Something comes from where it was, in the middle of it: that is where it is. */
	sim_moves(&s, &(struct sockpoint){.port = 0});
	for (ms = 0; ms < 28000; ms += 4000) {
		sim_data(&s, 0, 0, 128);
		sim_run(&s, 4000);
	}
	assert_int_equal(candidates_in_flight(s.c), 1);
	assert_false(candidates_heard(s.c, &s.there.peers[0]));
	s.there.peers[0].endpoint = list[2];
	sim_data(&s, 0, 128, 0);
	assert_true(candidates_heard(s.c, &s.there.peers[0]));
	sim_look(&s);
	assert_true(candidates_heard(s.c, &s.there.peers[0]));
	assert_int_equal(candidates_in_flight(s.c), 0);
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[2]));
	sim_free(&s);

	/* One whose endpoint is given goes back there. */
	sim_init_connected(&s, list);
	s.peers[0].fixed = true;
	s.want.peers[0].endpoint = list[1];
	s.there.peers[0].endpoint = elsewhere;
	sim_run(&s, 8000);
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &elsewhere));
	for (ms = 0; ms < 28000; ms += 4000) {
		s.want.peers[0].endpoint = list[1];
		sim_data(&s, 0, 0, 128);
		sim_run(&s, 4000);
	}
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[1]));
	sim_free(&s);
}

/* What a session that is up may look like, for ten minutes each: it stays where it is. */
static void test_not_lost(void **state)
{
	enum { IDLE, ANSWERED_LATE, HEARS_ONLY, LOOKS_RARELY, KEPT_ALIVE_OFTEN, N };
	struct sockpoint list[CANDIDATES_LIST];
	struct sim s;

	(void)state;
	for (unsigned kind = 0; kind < N; kind++) {
		sim_init_connected(&s, list);
		if (kind == KEPT_ALIVE_OFTEN)
			s.f.keepalive = 3;
		for (unsigned i = 0; i < 150; i++) {
			const uint64_t keepalive = kind == KEPT_ALIVE_OFTEN ? (i % 2 ? 64 : 32) : i % 6 ? 0 : 32;

			sim_pass(&s, 4000);
			/* An answer to data is a keepalive after ten seconds, at the latest. */
			if (kind == ANSWERED_LATE)
				sim_data(&s, 0, i % 3 ? 0 : 32, 1280);
			else if (kind == HEARS_ONLY)
				sim_data(&s, 0, 1280, i % 3 ? 0 : 32);
			else if (kind == LOOKS_RARELY)
				sim_data(&s, 0, 0, i == 20 || i == 22 ? 128 : 0);
			else
				sim_data(&s, 0, 0, keepalive);
			if (kind == LOOKS_RARELY && i == 21)
				s.ms += 60000; /* the machine slept */
			if (kind == LOOKS_RARELY && i == 23)
				sim_data(&s, 0, 128, 0);
			if (i % 30 == 29) {
				s.there.peers[0].handshake = T0 + s.ms / 1000;
				sim_data(&s, 0, 92, 148);
			}
			sim_look(&s);
			assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[1]));
			assert_int_equal(candidates_in_flight(s.c), 0);
		}
		sim_free(&s);
	}
}

/* Who knocks does not hear us. Where we do not hear it either, the session is no reason to leave it where it was. */
static void test_lost_by_knock(void **state)
{
	struct sockpoint list[CANDIDATES_LIST];
	struct key k = key_number(0);
	struct sim s;

	(void)state;
	sim_init_connected(&s, list);
	sim_run(&s, 8000);
	sim_data(&s, 0, 32, 0);
	sim_run(&s, 12000);
	s.f.knocks = &k;
	s.f.n_knocks = 1;
	sim_run(&s, 0);
	assert_int_equal(candidates_in_flight(s.c), 0);
	sim_run(&s, 12000);
	sim_moves(&s, &list[2]);
	s.peers[0].next = 0;
	s.f.knocks = &k;
	s.f.n_knocks = 1;
	sim_run(&s, 0);
	assert_int_equal(candidates_in_flight(s.c), 1);
	sim_run(&s, 20000);
	assert_false(s.peers[0].deaf);
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &list[2]));
	sim_free(&s);
}

/* ---- what is given -------------------------------------------------------------------------------------------- */

/* The clock is set while there are sessions: they are as young as they were. */
static void test_clock(void **state)
{
	static const int64_t jumps[] = {86400, 400, -400, -86400};
	struct sim s;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		uint64_t before;

		sim_init(&s, 3);
		sim_reachable(&s, 0, 2);
		sim_run(&s, 20000);
		assert_true(sim_live(&s, 0));
		/* One that a daemon found as it started. */
		if (i % 2) {
			candidates_free(s.c);
			s.c = candidates_new();
			sim_look(&s);
		}
		s.clock = jumps[i];
		before = s.initiations;
		for (unsigned k = 0; k < 10; k++) {
			sim_data(&s, 0, 128, 128);
			sim_run(&s, 4000);
		}
		assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &s.peers[0].answers));
		assert_in_range(s.initiations - before, 0, 3 * 12);
		/* And no younger. */
		s.peers[0].answers.port = 0;
		sim_run(&s, 180000);
		assert_false(sim_live(&s, 0));
		s.there.peers[0].tx += 148;
		sim_run(&s, 8000);
		assert_int_equal(s.there.peers[0].keepalive, 25);
		sim_free(&s);
	}
}

static void test_given(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 1);
	s.peers[0].fixed = s.peers[0].named = true;
	s.want.peers[0].endpoint = at("198.51.100.1:1000");
	sim_run(&s, 20000);
	/* It has that endpoint only, and nobody is asked to knock. */
	assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &s.want.peers[0].endpoint));
	assert_int_equal(s.knocks, 0);
	assert_in_range(s.peers[0].initiations, 4, 5);
	/* Its name is asked for again, less and less often. */
	assert_in_range(s.resolves, 1, 2);
	sim_run(&s, 60000);
	assert_in_range(s.resolves, 2, 4);
	/* The answer is another, and it is there. */
	s.want.peers[0].endpoint = s.peers[0].answers = at("198.51.100.2:1000");
	sim_run(&s, 8000);
	assert_true(sim_live(&s, 0));
	s.resolves = 0;
	sim_run(&s, 175000);
	assert_int_equal(s.resolves, 0);
	/* A session that lapsed: as soon as somebody wants it back. */
	sim_run(&s, 60000);
	assert_false(sim_live(&s, 0));
	assert_int_equal(s.resolves, 0);
	s.peers[0].answers = at("198.51.100.3:1000");
	sim_wants(&s, 0);
	sim_run(&s, 4000);
	assert_int_equal(s.resolves, 1);
	sim_free(&s);
}

/* ---- by hand -------------------------------------------------------------------------------------------------- */

static void test_guess(void **state)
{
	struct sim s;
	struct sockpoint list[CANDIDATES_LIST];
	struct device_peer *w, *d;

	(void)state;
	sim_init(&s, 1);
	candidates_list(&s.f, &s.hints[0], list);
	w = &s.want.peers[0];
	d = &s.there.peers[0];
	w->endpoint_open = w->keepalive_open = true;
	candidates_guess(&s.f, true, false);
	assert_true(sockpoint_eq(&w->endpoint, &list[0]));
	assert_int_equal(w->keepalive, 0);
	/* What a daemon has under way is left as it is. */
	d->endpoint = list[1];
	d->keepalive = 25;
	d->tx = 148;
	w->endpoint.port = 0;
	candidates_guess(&s.f, true, false);
	assert_int_equal(w->endpoint.port, 0);
	assert_int_equal(w->keepalive, 25);
	/* Without one nobody would end it. */
	candidates_guess(&s.f, false, false);
	assert_int_equal(w->endpoint.port, 0);
	assert_int_equal(w->keepalive, 0);
	/* Each run tries the next, once something was sent to this one. */
	candidates_guess(&s.f, false, true);
	assert_true(sockpoint_eq(&w->endpoint, &list[2]));
	d->endpoint = list[2];
	candidates_guess(&s.f, false, true);
	assert_true(sockpoint_eq(&w->endpoint, &list[0]));
	d->tx = 0;
	candidates_guess(&s.f, false, true);
	assert_true(sockpoint_eq(&w->endpoint, &list[2]));
	/* One that answered once keeps it. */
	d->handshake = 1;
	w->endpoint.port = 0;
	candidates_guess(&s.f, false, true);
	assert_int_equal(w->endpoint.port, 0);
	sim_free(&s);
}

/* Clocks that jump, counters that go back, an interface that is made anew: nobody is lost. */
static void test_odd_devices(void **state)
{
	struct sim s;

	(void)state;
	sim_init(&s, 20);
	for (uint32_t i = 0; i < s.n; i++)
		sim_reachable(&s, i, i % 3);
	s.there.exists = false;
	sim_look(&s);
	s.there.exists = true;
	for (uint32_t i = 0; i < s.n; i++) {
		s.there.peers[i].tx = sim_random(&s);
		s.there.peers[i].rx = sim_random(&s);
	}
	sim_run(&s, 12000);
	for (uint32_t i = 0; i < s.n; i++)
		s.there.peers[i].tx = s.there.peers[i].rx = 0;
	sim_run(&s, 120000);
	for (uint32_t i = 0; i < s.n; i++)
		assert_int_not_equal(s.there.peers[i].handshake, 0);
	sim_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_few_at_once),
	    cmocka_unit_test(test_last_of_eleven),
	    cmocka_unit_test(test_backs_off),
	    cmocka_unit_test(test_moves_without_end),
	    cmocka_unit_test(test_backs_off_with_short_keepalive),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_linear),
	    cmocka_unit_test(test_others_leave),
	    cmocka_unit_test(test_knocks),
	    cmocka_unit_test(test_reset),
	    cmocka_unit_test(test_keepalive),
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_not_lost),
	    cmocka_unit_test(test_lost_by_knock),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_given),
	    cmocka_unit_test(test_guess),
	    cmocka_unit_test(test_odd_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
