/* Sessions, and what is looked for beside them: kept open, lost, given, guessed. */
#include "tests/unit/candidates_sim.h"

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
	/* Where this machine itself is behind a NAT, keepalive is set for every peer. */
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
	/* A program sends, and nothing comes back. */
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

	/* A peer whose endpoint is given goes back there. */
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

/*
 * A peer that knocks does not hear this machine. Where this machine does not hear it either, the session is no reason
 * to leave it where it was.
 */
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
	/* It has that endpoint only, and no knock is sent. */
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
	/* A session that lapsed: as soon as traffic wants it back. */
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
	/* Without a deadline nothing would end it. */
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

/* Clocks that jump, counters that go back, an interface that is made anew: no peer is lost. */
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
	    cmocka_unit_test(test_keepalive),     cmocka_unit_test(test_lost),        cmocka_unit_test(test_not_lost),
	    cmocka_unit_test(test_lost_by_knock), cmocka_unit_test(test_clock),       cmocka_unit_test(test_given),
	    cmocka_unit_test(test_guess),         cmocka_unit_test(test_odd_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
