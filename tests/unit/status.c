/* Is it all right? The words and the exit code, and what a daemon wrote down. */
#include "reconcile/plan/hosts.h"
#include "reconcile/show/status.h"
#include "tests/unit/network.h"

#define NOW 1800000000

static struct view_peer peers[5];
static struct device_peer on[4];
static struct device_state device;
static struct hosts_diff names;
static struct plan plan;
static struct view view;
static struct daemon_state state;
static struct status_facts facts;

static struct sockpoint at(const char *text)
{
	struct sockpoint p;

	assert_int_equal(sockpoint_parse(text, strlen(text), &p), 0);
	return p;
}

static int setup(void **unused)
{
	static const char *const called[] = {"hub", "alice", "bob", "carol", "dave"};

	(void)unused;
	memset(peers, 0, sizeof(peers));
	memset(on, 0, sizeof(on));
	for (unsigned i = 0; i < 5; i++) {
		peers[i].name = called[i];
		peers[i].key.b[0] = (uint8_t)(i + 1);
	}
	peers[0].server = true;
	for (unsigned i = 0, n = 0; i < 5; i++) {
		if (i != 1)
			on[n++].key = peers[i].key;
	}
	for (unsigned i = 0; i < 4; i++) {
		on[i].handshake = NOW - 30;
		assert_int_equal(sockpoint_parse("192.0.2.1:51820", 15, &on[i].endpoint), 0);
	}
	view = (struct view){.peers = peers, .n_peers = 5, .self = 1, .statement.version = {0, 17}};
	device = (struct device_state){.exists = true, .listen_port = 51820, .peers = on, .n_peers = 4};
	names = (struct hosts_diff){.path = "/etc/hosts"};
	plan = (struct plan){.observed = &device, .names = &names};
	state = (struct daemon_state){
	    .started = NOW - 7300, .server = "hub", .reached = NOW - 12, .fresh_until = NOW + 200};
	facts = (struct status_facts){.network = "corp",
				      .redeemed = true,
				      .view = &view,
				      .plan = &plan,
				      .names_path = "/etc/hosts",
				      .running = true,
				      .daemon = &state,
				      .now = NOW};
	return 0;
}

static void says(int verdict, const char *want)
{
	struct checks c = {.arena = arena_new()};
	struct buf b = {0};

	status_checks(&c, &facts);
	checks_text(&b, &c, false);
	assert_false(b.failed);
	if (*want == '*')
		assert_non_null(strstr(b.p, want + 1));
	else
		assert_string_equal(b.p, want);
	assert_int_equal(checks_verdict(&c), verdict);
	buf_free(&b);
	arena_free(c.arena);
}

static void test_fine(void **unused)
{
	(void)unused;
	says(0, "  ok    interface   up, UDP port 51820, as the network defines it\n"
		"  ok    daemon      started 2 h ago\n"
		"  ok    server      hub answered 12 s ago\n"
		"  ok    snapshot    version 0.17 is the newest: vouched for, for 200 s more\n"
		"  ok    drift       no other program changes the interface\n"
		"  ok    names       5 in /etc/hosts\n"
		"  ok    peers       4 of 4 connected\n");
	/* A machine that is off is no failure. */
	on[1].handshake = NOW - 4000;
	on[2] = (struct device_peer){.key = peers[3].key};
	on[3].handshake = 0;
	on[3].tx = 148;
	says(0,
	     "*  note  peers       1 of 4 connected\n"
	     "  note  bob         last handshake 66 min ago, at 192.0.2.1:51820\n"
	     "  note  carol       no endpoint of it is known: it has to speak first\n"
	     "  note  dave        no answer from 192.0.2.1:51820: it is off, its key is another one, or UDP does not "
	     "get through\n");
	on[3].tx = 0;
	says(0, "*  note  dave        nothing was sent to it yet\n");
	peers[4].pending = true;
	says(0, "*  note  dave        its invitation has not been redeemed yet\n");
	device.n_peers = 3;
	peers[4].pending = false;
	says(0, "*  note  dave        is not on the interface\n");
}

static void test_wrong(void **unused)
{
	(void)unused;
	device.exists = false;
	says(1, "*  FAIL  interface   corp is not there\n"
		"                    -> bring it up: innernet up corp\n");
	setup(NULL);
	plan.n_ops = 1;
	says(1, "*  FAIL  interface   corp is not as the network defines it: 1 operation to go\n");
	setup(NULL);
	on[0].handshake = NOW - 181;
	says(1, "*  FAIL  hub         last handshake 3 min ago, at 192.0.2.1:51820\n");
	setup(NULL);
	/* By a clock that has been set back since: it says nothing of now. */
	on[0].handshake = NOW + 4000;
	says(1, "*  FAIL  hub         last handshake in the future, at 192.0.2.1:51820\n");
	setup(NULL);
	peers[2].server = true;
	on[1].handshake = 0;
	on[1].tx = 1;
	says(0, "*  warn  bob         no answer from");
	setup(NULL);
	state.away_since = NOW - 500;
	strcpy(state.away, "no \x1b connection");
	says(1, "*  FAIL  server      none answers; it began 8 min ago: no \\x1b connection\n");
	setup(NULL);
	state.fresh_until = NOW - 400;
	says(1, "*  FAIL  snapshot    version 0.17 may be old: the last server that vouched for it did so until 6 min "
		"ago\n");
	facts.running = false;
	says(2, "*  ?     snapshot    version 0.17 may be old");
	facts.fresh_until = NOW + 1;
	says(2, "*  ok    snapshot    version 0.17 is the newest: vouched for, for 1 s more\n");
	facts.fresh_until = NOW + 86400;
	says(2, "*  ?     snapshot    version 0.17: the server that vouches for it as the newest has a clock that is "
		"86100 s ahead\n"
		"                    -> one of the two clocks is wrong; see innernet doctor corp\n");
	facts.fresh_until = NOW + 1;
	says(2, "*  warn  daemon      none runs: no process follows the network or repairs it\n"
		"                    -> start one: innernet up --daemon corp\n"
		"  ?     server      no process asks one\n");
	setup(NULL);
	strcpy(state.problem, "the signature is none");
	says(1, "*  FAIL  server      what it says is not believed: the signature is none\n");
	setup(NULL);
	strcpy(state.interface, "no memory");
	says(1, "*  FAIL  interface   the daemon cannot repair it: no memory\n");
	setup(NULL);
	names.differs = true;
	says(1, "*  FAIL  names       those in /etc/hosts are not those of the network\n");
	facts.names_error = "/etc/hosts is broken";
	says(1, "*  FAIL  names       /etc/hosts is broken\n");
	facts.names_path = facts.names_error = NULL;
	says(0, "*  note  names       none are written (--no-write-hosts)\n");
	setup(NULL);
	const struct sockpoint said[] = {at("192.168.1.7:51820"), at("[2001:db8::7]:51820")};
	const struct hint own = {.seen = at("203.0.113.9:4000"), .at = said, .n_at = 2};
	facts.own = &own;
	says(0, "*  ok    endpoints   seen at 203.0.113.9:4000, reported 192.168.1.7:51820, [2001:db8::7]:51820\n");
	setup(NULL);
	state.drift_at = NOW - 60;
	state.drifts = 3;
	strcpy(state.drift, "a peer was removed (bob)");
	says(0, "*  warn  drift       repaired 60 s ago what another program had changed: a peer was removed (bob) (3 "
		"times in "
		"all)\n");
	setup(NULL);
	facts.view = NULL;
	says(1, "*  FAIL  snapshot    there is none yet\n");
	facts.redeemed = false;
	says(1, "  FAIL  snapshot    the invitation has not been redeemed yet\n"
		"                    -> go on with it: innernet install INVITATION\n");
	setup(NULL);
	facts.plan = NULL;
	facts.plan_error = "changing interfaces needs root";
	says(2, "*  ?     interface   changing interfaces needs root\n");
}

/* Which peers are looked for, and why there may be no answer. */
static void test_looked_for(void **unused)
{
	struct daemon_try *t = &state.tries[0];

	(void)unused;
	on[1].handshake = 0;
	on[1].tx = 148;
	strcpy(t->name, "bob");
	t->n = 3;
	t->trying = true;
	state.n_tries = 1;
	says(0, "*  note  bob         no answer yet from any of its 3 addresses, now at 192.0.2.1:51820\n");
	t->rounds = 1;
	t->trying = false;
	t->next = NOW + 40;
	t->nat = NAT_PEER;
	says(0,
	     "*  note  bob         no answer from any of its 3 addresses, tried 1 time; again in 40 s; it sits behind "
	     "a NAT\n");
	t->n = 1;
	t->rounds = 2;
	t->next = 0;
	t->nat = NAT_PEER | NAT_OWN;
	says(0, "*  note  bob         no answer from its only address, tried 2 times; again when there is something to "
		"send to it; both sit behind NATs\n");
	t->nat |= NAT_OWN_PORT;
	says(0,
	     "*  warn  bob         no answer from its only address, tried 2 times; again when there is something to "
	     "send to it; both sit behind NATs; this machine's changes port numbers, so there may be no direct way\n");
	on[1].handshake = NOW - 400;
	t->nat = NAT_OWN;
	says(0, "*  note  bob         last handshake 6 min ago; no answer from its only address, tried 2 times; again "
		"when there is something to send to it; this machine sits behind a NAT\n");
	on[1].handshake = 0;
	t->nat = NAT_PEER | NAT_OWN | NAT_OWN_PORT | NAT_PEER_PORT;
	t->next = NOW + 9;
	says(0,
	     "*  warn  bob         no answer from its only address, tried 2 times; again in 9 s; both sit behind NATs; "
	     "these change port numbers, so there may be no direct way\n"
	     "                    -> forward a UDP port to one of them, and say so there: innernet set-listen-port, "
	     "innernet override-endpoint\n");
	/* What a daemon that is gone was about is over. */
	facts.running = false;
	says(2, "*  note  bob         no answer from 192.0.2.1:51820: it is off");
}

static void test_state(void **unused)
{
	struct daemon_state again;
	struct buf b = {0};

	(void)unused;
	strcpy(state.problem, "cut within \xc3");
	strcpy(state.away, "\"quoted\"\n");
	state.drifts = 7;
	state.n_tries = 2;
	state.tries[0] = (struct daemon_try){.name = "bob", .rounds = 3, .n = 11, .nat = 15, .next = NOW};
	state.tries[1] = (struct daemon_try){.name = "carol", .n = 1, .trying = true};
	daemon_state_write(&b, &state);
	assert_false(b.failed);
	assert_int_equal(daemon_state_parse(buf_span(&b), &again), 0);
	assert_string_equal(again.problem, "cut within \xef\xbf\xbd");
	assert_string_equal(again.away, state.away);
	assert_string_equal(again.server, "hub");
	assert_int_equal(again.reached, state.reached);
	assert_int_equal(again.fresh_until, state.fresh_until);
	assert_int_equal(again.drifts, 7);
	assert_int_equal(again.n_tries, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(again.tries[i].name, state.tries[i].name);
		assert_int_equal(again.tries[i].rounds, state.tries[i].rounds);
		assert_int_equal(again.tries[i].n, state.tries[i].n);
		assert_int_equal(again.tries[i].nat, state.tries[i].nat);
		assert_int_equal(again.tries[i].next, state.tries[i].next);
		assert_int_equal(again.tries[i].trying, state.tries[i].trying);
	}
	assert_ptr_equal(daemon_try_find(&again, "carol"), &again.tries[1]);
	assert_null(daemon_try_find(&again, "dave"));
	assert_null(daemon_try_find(NULL, "bob"));
	/* Whatever is on the disk: refused, or within bounds. */
	for (size_t n = 0; n < b.n - 2; n++)
		assert_int_equal(daemon_state_parse((struct span){(const uint8_t *)b.p, n}, &again), -1);
	assert_int_equal(daemon_state_parse(SPAN("[]"), &again), -1);
	assert_int_equal(daemon_state_parse(SPAN("{\"started\":-1}"), &again), -1);
	buf_free(&b);
}

static void test_json(void **unused)
{
	struct checks c = {.arena = arena_new()};
	json_t *j;
	char *text;

	(void)unused;
	checks_help(&c, checks_add(&c, CHECK_FAIL, "port", "another program has %u", 7u), "take %s", "another");
	checks_add(&c, CHECK_UNKNOWN, "clock", "no idea");
	checks_add(&c, CHECK_NOTE, "bob", "is off")->is_peer = true;
	j = checks_json(&c);
	text = json_dumps(j, JSON_COMPACT);
	assert_string_equal(
	    text, "[{\"check\":\"port\",\"level\":\"fail\",\"text\":\"another program has 7\",\"help\":\"take "
		  "another\"},{\"check\":\"clock\",\"level\":\"unknown\",\"text\":\"no idea\",\"help\":null},"
		  "{\"peer\":\"bob\",\"level\":\"note\",\"text\":\"is off\",\"help\":null}]");
	free(text);
	json_decref(j);
	arena_free(c.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_fine, setup),       cmocka_unit_test_setup(test_wrong, setup),
	    cmocka_unit_test_setup(test_looked_for, setup), cmocka_unit_test_setup(test_state, setup),
	    cmocka_unit_test_setup(test_json, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
