/* Where peers are looked for, and how often. */
#include "tests/unit/candidates_sim.h"

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
	/* An address like ours behind another NAT is another machine's. */
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
	/* A peer that had a session is left alone when the session lapses, */
	sim_run(&s, 3600000);
	assert_int_equal(sim_connected(&s), 0);
	assert_int_equal(s.initiations, s.n + 21 + 2 * 21);
	/* with the endpoint that it had, */
	assert_true(sockpoint_eq(&s.there.peers[1].endpoint, &s.peers[1].answers));
	/* until a program sends the peer a packet. */
	sim_reachable(&s, 1, 2);
	sim_wants(&s, 1);
	sim_run(&s, 20000);
	assert_int_equal(sim_connected(&s), 1);
	sim_free(&s);
}

/* Both sides hear of each other at once: one of them waits for a moment. */
static void test_one_side_first(void **state)
{
	struct sim s;

	(void)state;
	for (int k = 0; k < 4; k++) {
		sim_init(&s, 1);
		s.want.public_key = key_of(0);
		s.f.hints = &s.hints[0];
		s.f.n_hints = 1;
		sim_reachable(&s, 0, 0);
		s.f.knocks = &s.want.peers[0].key;
		s.f.n_knocks = k == 1;
		sim_look(&s);
		if (k == 1) {
			/* It is asked for. */
			assert_int_equal(candidates_in_flight(s.c), 1);
		} else {
			assert_int_equal(candidates_in_flight(s.c), 0);
			assert_int_equal(s.turn.next_ms, 300);
			/* It has its first endpoint, for a program that sends it a packet meanwhile. */
			assert_true(sockpoint_eq(&s.there.peers[0].endpoint, &s.peers[0].answers));
		}
		if (k == 2)
			sim_wants(&s, 0);
		if (k == 3) {
			/* The other side was heard. */
			s.there.peers[0].handshake = T0 + s.ms / 1000;
			s.there.peers[0].rx += 148;
		}
		sim_pass(&s, k == 2 ? 100 : 300);
		sim_look(&s);
		sim_pass(&s, 100);
		assert_true(sim_live(&s, 0));
		assert_int_equal(s.initiations, k == 3 ? 0 : 1);
		sim_free(&s);
	}
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

/* A peer that reports a new address without end costs other peers no more packets than a peer without an address. */
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

	/* No peer answers, and each is wanted: this machine sends at most 64 initiations each five seconds. */
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
	/* No peer has been seen anywhere: all of them are behind NATs, and too many to be tried without traffic. */
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

	/* A knock does not disturb a live session; a knock for an unknown peer is ignored. */
	sim_reachable(&s, 7, 0);
	sim_wants(&s, 7);
	sim_run(&s, 8000);
	assert_true(sim_live(&s, 7));
	struct key both[2] = {key_number(7), key_of(0x77)};
	s.f.knocks = both;
	s.f.n_knocks = 2;
	sim_look(&s);
	assert_int_equal(s.there.peers[7].keepalive, 0);

	/* No NAT on its side: no knock is sent before all candidates were tried in vain. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_few_at_once),
	    cmocka_unit_test(test_one_side_first),
	    cmocka_unit_test(test_last_of_eleven),
	    cmocka_unit_test(test_backs_off),
	    cmocka_unit_test(test_moves_without_end),
	    cmocka_unit_test(test_backs_off_with_short_keepalive),
	    cmocka_unit_test(test_many),
	    cmocka_unit_test(test_linear),
	    cmocka_unit_test(test_others_leave),
	    cmocka_unit_test(test_knocks),
	    cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
