/*
 * Where the peers are, as the server takes it and hands it on: reports and knocks in every state of a peer, only to peers that
 * may see, never so often that one peer keeps all busy, and over a restart.
 */
#include "reconcile/wire/endpoints.h"
#include "tests/edge/server_test.h"

#include <fcntl.h>

#define ALICE  "127.60.64.2"
#define BUILD  "127.60.65.5"
#define BOB    "127.60.64.3"
#define MOVERS (RECENT_MAX + 40)
#define JOINED "associations: [[humans, machines]]\n"

static int ask(const struct fixture *f, const char *from, const char *method, const char *path, const char *body,
	       struct buf *answer)
{
	int fd = connect_from(f, from);

	send_request(f, fd, method, path, body ? span_str(body) : (struct span){0}, NULL);
	return receive(fd, answer);
}

/* Endpoints, separated by spaces. */
static int report(const struct fixture *f, const char *from, const char *endpoints, struct buf *answer)
{
	struct buf body = {0};
	int status;

	buf_str(&body, "innernet-endpoints 1\n");
	while (*endpoints) {
		size_t n = strcspn(endpoints, " ");
		buf_printf(&body, "endpoint %.*s\n", (int)n, endpoints);
		endpoints += n + (endpoints[n] == ' ');
	}
	buf_str(&body, "end\n");
	status = ask(f, from, "PUT", "/v1/endpoints", body.p, answer);
	buf_free(&body);
	return status;
}

static int knock(const struct fixture *f, const char *from, const char *key, struct buf *answer)
{
	char body[128];

	snprintf(body, sizeof(body), "innernet-knock 1\nkey %s\nend\n", key);
	return ask(f, from, "POST", "/v1/knock", body, answer);
}

static void build_key(char out[static KEY_B64_LEN + 1])
{
	uint8_t private_key[KEY_LEN] = {88};
	struct key k;

	x25519_public(private_key, &k);
	key_format(&k, out);
}

/* A peer that polls: its position, and what the last answer had of hints and knocks. */
struct poller {
	char statement[HASH_HEX_LEN + 1], hints[32];
	int fd;
};

static void poll_start(const struct fixture *f, struct poller *p, const char *from, unsigned wait)
{
	char path[256];

	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.%s&wait=%u", p->statement[0] ? p->statement : "-",
		 p->hints[0] ? p->hints : "-", wait);
	p->fd = connect_from(f, from);
	send_request(f, p->fd, "GET", path, (struct span){0}, NULL);
}

/* The lines about hints and knocks, in one string. */
static int poll_end(struct poller *p, struct buf *lines)
{
	struct arena *a = arena_new();
	struct buf body = {0};
	struct diags d = {0};
	int status = receive(p->fd, &body);
	struct bundle b;

	buf_reset(lines);
	buf_str(lines, "");
	if (status == 200) {
		assert_int_equal(bundle_parse(a, buf_span(&body), &b, &d), 0);
		for (uint32_t i = 0; i < b.n_hints; i++)
			hint_write(lines, &b.hints[i]);
		for (uint32_t i = 0; i < b.n_knocks; i++) {
			buf_str(lines, "knock ");
			buf_key(lines, &b.knocks[i]);
			buf_char(lines, '\n');
		}
		if (b.has_hints)
			snprintf(p->hints, sizeof(p->hints), "%llu", (unsigned long long)b.hints_position);
		if (b.statement.text.p) {
			struct hash name;
			hash_bytes(b.statement.text.p, b.statement.text.n, &name);
			hash_hex(&name, p->statement);
		}
	}
	buf_free(&body);
	arena_free(a);
	return status;
}

static int polled(const struct fixture *f, struct poller *p, const char *from, unsigned wait, struct buf *lines)
{
	poll_start(f, p, from, wait);
	return poll_end(p, lines);
}

/* Nothing comes, however long it waits: so many milliseconds of its server's time. */
static void assert_idle(const struct fixture *f, const struct poller *p, int ms)
{
	if (ms)
		time_passes(f, ms);
	server_looked(f);
	assert_int_equal(poll(&(struct pollfd){.fd = p->fd, .events = POLLIN}, 1, 20), 0);
}

/*
 * A report reaches at once the peers that wait and may see it; the same report again reaches none; nothing takes it
 * back.
 */
static void test_report(void **state)
{
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1}, build = {{0}, {0}, -1};
	struct buf lines = {0};
	char key[KEY_B64_LEN + 1], want[256];

	build_key(key);
	push(f, JOINED);
	server_start(f);
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	assert_string_equal(lines.p, "");
	assert_int_equal(polled(f, &build, BUILD, 10, &lines), 200);

	poll_start(f, &alice, ALICE, 20);
	poll_start(f, &build, BUILD, 20);
	assert_idle(f, &alice, 0);
	assert_int_equal(report(f, BUILD, "192.168.7.5:51820 [2001:db8::5]:51820", NULL), 204);
	assert_int_equal(poll_end(&alice, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.5:51820,[2001:db8::5]:51820\n", key);
	assert_string_equal(lines.p, want);
	/* And itself: that is how it knows that it was taken. */
	assert_int_equal(poll_end(&build, &lines), 200);
	assert_string_equal(lines.p, want);

	poll_start(f, &alice, ALICE, 20);
	assert_int_equal(report(f, BUILD, "192.168.7.5:51820 [2001:db8::5]:51820", NULL), 204);
	assert_idle(f, &alice, 1500);
	assert_int_equal(report(f, BUILD, "", NULL), 204);
	assert_int_equal(poll_end(&alice, &lines), 200);
	snprintf(want, sizeof(want), "hint %s -\n", key);
	assert_string_equal(lines.p, want);

	/* A peer that polls without a position is told what there is: nothing. */
	alice.hints[0] = '\0';
	assert_int_equal(polled(f, &alice, ALICE, 0, &lines), 200);
	assert_string_equal(lines.p, "");
	buf_free(&lines);
}

/* A position is one server's: another one, begun in the same second, does not take it for its own. */
static void test_two_servers(void **state)
{
	struct fixture *f = *state, g = *f;
	struct poller alice = {{0}, {0}, -1}, build = {{0}, {0}, -1};
	struct buf lines = {0};
	char key[KEY_B64_LEN + 1], want[256];

	build_key(key);
	push(f, JOINED);
	snprintf(g.data, sizeof(g.data), "%s/data-2", f->folder);
	clock_set(time(NULL));
	server_start(f);
	server_start(&g);
	clock_set(-1);
	/* One announcement at each. */
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	poll_start(f, &alice, ALICE, 20);
	assert_int_equal(report(f, ALICE, "192.168.7.2:51820", NULL), 204);
	assert_int_equal(poll_end(&alice, &lines), 200);
	assert_int_equal(polled(&g, &build, BUILD, 10, &lines), 200);
	poll_start(&g, &build, BUILD, 20);
	assert_int_equal(report(&g, BUILD, "192.168.7.5:51820", NULL), 204);
	assert_int_equal(poll_end(&build, &lines), 200);

	assert_int_equal(polled(&g, &alice, ALICE, 0, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.5:51820\n", key);
	assert_non_null(strstr(lines.p, want));
	server_stop(&g);
	buf_free(&lines);
}

/* Without an association neither is told of the other; with one, each learns what was said before. */
static void test_only_who_may_see(void **state)
{
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1};
	struct buf lines = {0};
	char key[KEY_B64_LEN + 1], want[256];

	build_key(key);
	push(f, "");
	server_start(f);
	assert_int_equal(report(f, ALICE, "192.168.7.2:51820", NULL), 204);
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	poll_start(f, &alice, ALICE, 20);
	assert_int_equal(report(f, BUILD, "192.168.7.5:51820", NULL), 204);
	assert_idle(f, &alice, 1500);
	push(f, JOINED);
	assert_int_equal(poll_end(&alice, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.5:51820\n", key);
	assert_non_null(strstr(lines.p, want));
	/* Parted and gone: with its place goes what it said. */
	push(f, "");
	json_decref(await_condition(f, "Published", "True", "Published"));
	assert_int_equal(polled(f, &alice, ALICE, 20, &lines), 200);
	assert_null(strstr(lines.p, key));
	buf_free(&lines);
}

/* What is no report is refused with its reason, and changes nothing. */
static void test_refused(void **state)
{
	static const struct {
		const char *endpoints, *why;
	} bad[] = {
	    {"127.60.64.9:51820", "bad-endpoints: 127.60.64.9:51820 is an address within the network itself\n"},
	    {"192.0.2.1:1 127.0.0.1:51820", "127.0.0.1:51820 is no address that another machine could reach\n"},
	    {"224.0.0.1:51820", "224.0.0.1:51820 is no address"},
	    {"[fe80::1]:51820", "[fe80::1]:51820 is no address"},
	    {"192.0.2.1:0", "the report, line 2: not an address and a port\n"},
	    {"vpn.example.com:51820", "the report, line 2: not an address and a port\n"},
	    {"1.0.0.1:1 1.0.0.2:1 1.0.0.3:1 1.0.0.4:1 1.0.0.5:1 1.0.0.6:1 1.0.0.7:1 1.0.0.8:1 1.0.0.9:1 1.0.0.10:1 "
	     "1.0.0.11:1",
	     "the report, line 12: more endpoints than a peer may report\n"},
	};
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1};
	struct buf answer = {0};
	char build[KEY_B64_LEN + 1];

	build_key(build);
	push(f, JOINED);
	server_start(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&answer);
		assert_int_equal(report(f, BUILD, bad[i].endpoints, &answer), 400);
		if (!strstr(answer.p, bad[i].why))
			fail_msg("%s: %s", bad[i].endpoints, answer.p);
	}
	buf_reset(&answer);
	assert_int_equal(ask(f, BUILD, "POST", "/v1/knock", "hello\n", &answer), 400);
	assert_string_equal(answer.p, "bad-request: the knock, line 1: it is not of the kind that is expected here\n");
	assert_int_equal(polled(f, &alice, ALICE, 10, &answer), 200);
	assert_string_equal(answer.p, "");

	/* By the asker: an unknown address, the server itself, an invited peer; and by the request's form. */
	assert_int_equal(report(f, "127.60.64.77", "192.0.2.1:1", NULL), 403);
	assert_int_equal(report(f, HUB, "192.0.2.1:1", NULL), 403);
	assert_int_equal(report(f, BOB, "192.0.2.1:1", NULL), 403);
	assert_int_equal(knock(f, "127.60.64.77", build, NULL), 403);
	assert_int_equal(knock(f, HUB, build, NULL), 403);
	assert_int_equal(knock(f, BOB, build, NULL), 403);
	assert_int_equal(ask(f, ALICE, "POST", "/v1/endpoints", "", NULL), 405);
	assert_int_equal(ask(f, ALICE, "GET", "/v1/endpoints", NULL, NULL), 405);
	assert_int_equal(ask(f, ALICE, "PUT", "/v1/knock", "", NULL), 405);
	buf_free(&answer);
}

/* One that moves without end is announced a few times, and then from time to time: other peers are left alone. */
static void test_flapping(void **state)
{
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1};
	struct buf lines = {0};
	char endpoint[64];
	unsigned woken[2] = {0};

	push(f, JOINED);
	server_start(f);
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	poll_start(f, &alice, ALICE, 60);
	/* Twice a second: for 10 s, and for 40 s more. */
	const int64_t start = clock_boot_ms();
	for (unsigned i = 0; i < 100; i++) {
		snprintf(endpoint, sizeof(endpoint), "192.168.7.5:%u", 1000 + i);
		assert_int_equal(report(f, BUILD, endpoint, NULL), 204);
		time_passes(f, 500);
		if (poll(&(struct pollfd){.fd = alice.fd, .events = POLLIN}, 1, 10) == 1) {
			assert_int_equal(poll_end(&alice, &lines), 200);
			woken[i >= 20]++;
			poll_start(f, &alice, ALICE, 60);
		}
	}
	/* What this machine took for it passed as well. */
	const unsigned more = (unsigned)(clock_boot_ms() - start) / 20000 + 1;
	if (woken[0] < 4 || woken[0] > 5 + more || woken[1] < 2 || woken[1] > 2 + more)
		fail_msg("woken %u times in 10 s, %u in 40 s", woken[0], woken[1]);
	/* Another one is not made to wait for it. */
	poll_start(f, &alice, ALICE, 60);
	assert_int_equal(report(f, ALICE, "192.168.7.2:51820", NULL), 204);
	assert_int_equal(poll_end(&alice, &lines), 200);
	assert_non_null(strstr(lines.p, "192.168.7.2:51820"));
	buf_free(&lines);
}

/* Peers of the humans and of the machines, each with a key of its own. */
static void put_movers(struct buf *out)
{
	for (unsigned i = 0; i < MOVERS; i++) {
		uint8_t private_key[KEY_LEN] = {88, 99, (uint8_t)i, (uint8_t)(i >> 8)};
		char key[KEY_B64_LEN + 1];
		struct key k;

		x25519_public(private_key, &k);
		key_format(&k, key);
		buf_printf(out, "  m%u: { ip: 127.60.%u.%u, public_key: \"%s\" }\n", i, 64 + i % 2, 10 + i / 2, key);
	}
}

static void move(const struct fixture *f, unsigned i, unsigned port)
{
	char from[32], endpoint[32];

	snprintf(from, sizeof(from), "127.60.%u.%u", 64 + i % 2, 10 + i / 2);
	snprintf(endpoint, sizeof(endpoint), "192.168.7.5:%u", port + i);
	assert_int_equal(report(f, from, endpoint, NULL), 204);
}

static unsigned hints_in(const struct buf *lines)
{
	unsigned n = 0;

	for (const char *p = lines->p; (p = strstr(p, "hint ")); p++)
		n++;
	return n;
}

/*
 * More have moved than the server keeps at hand: a peer that was away longer is told of all of them, in the same order.
 */
static void test_away_for_long(void **state)
{
	struct fixture *f = *state;
	struct poller first = {{0}, {0}, -1}, here, between, p;
	struct buf lines = {0}, all = {0}, more = {0};
	unsigned n = 0, before;

	put_movers(&more);
	buf_str(&more, JOINED);
	push(f, more.p);
	server_start(f);
	assert_int_equal(polled(f, &first, ALICE, 10, &lines), 200);
	here = first;
	move(f, 0, 1000);
	assert_int_equal(polled(f, &here, ALICE, 10, &lines), 200);
	assert_int_equal(before = hints_in(&lines), 1);
	between = here;
	for (unsigned i = 1; i < MOVERS; i++)
		move(f, i, 1000);
	for (n = before; n < MOVERS; n += hints_in(&lines))
		assert_int_equal(polled(f, &here, ALICE, 10, &lines), 200);
	assert_int_equal(n, MOVERS);

	/* All that is known, as a peer without any hint gets it. */
	p = first;
	p.hints[0] = '\0';
	assert_int_equal(polled(f, &p, ALICE, 0, &all), 200);
	assert_int_equal(hints_in(&all), MOVERS);
	p = first;
	assert_int_equal(polled(f, &p, ALICE, 0, &lines), 200);
	assert_string_equal(lines.p, all.p);
	p = between;
	assert_int_equal(polled(f, &p, ALICE, 0, &lines), 200);
	assert_int_equal(hints_in(&lines), MOVERS - before);
	/* A waiting peer gets the one that moves again; a peer that was away gets that and the rest. */
	poll_start(f, &here, ALICE, 20);
	assert_idle(f, &here, 0);
	move(f, 7, 2000);
	assert_int_equal(poll_end(&here, &lines), 200);
	assert_int_equal(hints_in(&lines), 1);
	assert_non_null(strstr(lines.p, "192.168.7.5:2007\n"));
	p = first;
	assert_int_equal(polled(f, &p, ALICE, 0, &lines), 200);
	assert_int_equal(hints_in(&lines), MOVERS);
	assert_non_null(strstr(lines.p, "192.168.7.5:2007\n"));
	buf_free(&lines);
	buf_free(&all);
	buf_free(&more);
}

/* It is told again after a restart; a server that lost it all says so to each peer, which then reports again. */
static void test_restart(void **state)
{
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1}, build = {{0}, {0}, -1};
	struct buf lines = {0};
	char key[KEY_B64_LEN + 1], want[256], path[160];
	struct diags d = {0};
	struct stat st;

	build_key(key);
	push(f, JOINED);
	server_start(f);
	assert_int_equal(report(f, BUILD, "0.0.0.0:51820 192.168.7.5:51820", NULL), 204);
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.5:51820\n", key);
	assert_string_equal(lines.p, want);
	assert_int_equal(polled(f, &build, BUILD, 10, &lines), 200);
	server_stop(f);
	clock_skip(2000); /* of the server to come: positions begin with the time of the start, in seconds */
	server_start(f);
	assert_int_equal(polled(f, &alice, ALICE, 20, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.5:51820\n", key);
	assert_non_null(strstr(lines.p, want));
	assert_int_equal(polled(f, &build, BUILD, 20, &lines), 200);
	assert_string_equal(lines.p, want);

	server_stop(f);
	clock_skip(2000);
	snprintf(path, sizeof(path), "%s/published/hints", f->data);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_write(path, SPAN("rubbish\n"), 0600, &d), 0);
	server_start(f);
	assert_int_equal(polled(f, &build, BUILD, 20, &lines), 200);
	snprintf(want, sizeof(want), "hint %s -\n", key);
	assert_string_equal(lines.p, want);
	/* It can be looked at. */
	strcat(path, ".corrupt");
	assert_int_equal(access(path, F_OK), 0);
	buf_free(&lines);
}

/*
 * A knock is there at once, or waits for the poll; it names the peer that knocks and its address; and how many there
 * may be.
 */
static void test_knock(void **state)
{
	struct fixture *f = *state;
	struct poller alice = {{0}, {0}, -1}, build = {{0}, {0}, -1};
	struct buf lines = {0}, other = {0};
	char key[KEY_B64_LEN + 1], hub[KEY_B64_LEN + 1], want[256];
	unsigned status, n = 0;

	build_key(key);
	key_format(&f->config->public_key, hub);
	push(f, JOINED);
	server_start(f);
	assert_int_equal(report(f, ALICE, "192.168.7.2:51820", NULL), 204);
	assert_int_equal(polled(f, &alice, ALICE, 10, &lines), 200);
	assert_int_equal(polled(f, &build, BUILD, 10, &lines), 200);
	poll_start(f, &alice, ALICE, 20);
	poll_start(f, &build, BUILD, 20);
	assert_int_equal(knock(f, ALICE, key, NULL), 204);
	assert_int_equal(poll_end(&build, &lines), 200);
	snprintf(want, sizeof(want), "hint %s - 192.168.7.2:51820\nknock %s\n", f->alice, f->alice);
	assert_string_equal(lines.p, want);
	assert_idle(f, &alice, 0);
	/* The same two again within 5 s: nothing. */
	poll_start(f, &build, BUILD, 20);
	assert_int_equal(knock(f, ALICE, key, NULL), 204);
	assert_idle(f, &build, 4000);
	time_passes(f, 1000);
	assert_int_equal(knock(f, ALICE, key, NULL), 204);
	assert_int_equal(poll_end(&build, &lines), 200);
	assert_non_null(strstr(lines.p, "\nknock "));
	poll_start(f, &build, BUILD, 20);
	/* The peer does not poll: the knock waits. */
	close(alice.fd);
	server_looked(f);
	assert_int_equal(knock(f, BUILD, f->alice, NULL), 204);
	assert_int_equal(polled(f, &alice, ALICE, 20, &lines), 200);
	snprintf(want, sizeof(want), "knock %s\n", key);
	assert_string_equal(lines.p, want);
	assert_int_equal(polled(f, &alice, ALICE, 0, &lines), 200);
	assert_string_equal(lines.p, "");
	assert_int_equal(knock(f, ALICE, hub, NULL), 204); /* the server needs none */

	/* One answer for all that it may not see: itself, an open invite, an unknown key. */
	char own_invite[KEY_B64_LEN + 1];
	key_format(&f->invite, own_invite);
	const char *none[] = {f->alice, own_invite, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
	for (unsigned i = 0; i < 3; i++) {
		buf_reset(&other);
		assert_int_equal(knock(f, ALICE, none[i], &other), 404);
		assert_string_equal(other.p, "unknown-peer: the asker sees no peer with this key\n");
	}
	/* Parted: the same. */
	push(f, "");
	assert_int_equal(poll_end(&build, &lines), 200);
	buf_reset(&other);
	assert_int_equal(knock(f, ALICE, key, &other), 404);
	assert_string_equal(other.p, "unknown-peer: the asker sees no peer with this key\n");
	while ((status = (unsigned)knock(f, ALICE, key, NULL)) == 404 && n < 1000)
		n++;
	assert_int_equal(status, 429);
	assert_true(n < KNOCKS_MINUTE);
	assert_int_equal(knock(f, BUILD, f->alice, NULL), 404);
	buf_free(&lines);
	buf_free(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_report, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two_servers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_only_who_may_see, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_flapping, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_away_for_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_knock, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
