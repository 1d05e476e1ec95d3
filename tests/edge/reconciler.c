/*
 * What the server promises to people: an invalid revision changes nothing, a rewound history is refused, one redemption
 * of many wins, a restart serves the same bytes.
 */
#include "reconcile/edge/control/status_file.h"
#include "tests/edge/server_test.h"

#include <fcntl.h>

/* A peer that waits has the new snapshot as soon as it is pushed, and only what it lacks. */
static void test_push_reaches_who_waits(void **state)
{
	struct fixture *f = *state;
	struct seen first, second;
	struct buf body = {0};
	char path[256];

	push(f, "");
	server_start(f);
	fetch(f, NULL, &first);
	assert_int_equal(first.view->statement.version.number, 1);
	assert_int_equal(first.view->n_peers, 3); /* hub, alice, and bob, which is pending */
	assert_string_equal(first.view->peers[first.view->self].name, "alice");

	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=20", first.have);
	int fd = connect_from(f, "127.60.64.2");
	send_request(f, fd, "GET", path, (struct span){0}, NULL);
	/* Nothing comes while nothing is new. */
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 100), 0);
	push(f, "associations:\n  - [humans, machines]\n");
	assert_int_equal(receive(fd, &body), 200);
	verify(f, &body, &first, &second);
	assert_int_equal(second.view->statement.version.number, 2);
	/* Her own list is not sent again. */
	struct bundle b;
	struct diags d = {0};
	assert_int_equal(bundle_parse(second.arena, buf_span(&body), &b, &d), 0);
	assert_true(b.n_objects < second.bundle->n_objects || b.n_objects == 1);

	/* A poll that does not wait is told in any case that this is the newest; a held poll is not. */
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=0", second.have);
	for (int i = 0; i < 2; i++) {
		buf_reset(&body);
		assert_int_equal(get(f, "127.60.64.2", path, &body), 200);
		assert_non_null(strstr(body.p, "\nfresh "));
	}
	/* Idle polls end with their time, with a freshness only while it is due. */
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=1", second.have);
	assert_int_equal(get(f, "127.60.64.2", path, NULL), 204);
	json_t *o = await_condition(f, "Converged", "True", "ReachablePeers");
	assert_string_equal(condition_text(o, "Converged", "message"), "1 of 2 peers run it");
	json_decref(o);
	/* When the clock was set back, the one that was sent would last for too long to say anything. */
	kill(f->server, SIGUSR1);
	buf_reset(&body);
	assert_int_equal(get(f, "127.60.64.2", path, &body), 200);
	assert_non_null(strstr(body.p, "\nfresh "));
	buf_reset(&body);
	assert_int_equal(get(f, "127.60.64.2", path, NULL), 204);
	buf_free(&body);
	arena_free(first.arena);
	arena_free(second.arena);
}

/* Each refusal leaves what was published, and the status says which commit and why. */
static void test_refused_revisions(void **state)
{
	struct fixture *f = *state;
	struct seen first, again;
	struct buf text = {0}, good = {0}, old = {0};
	char short_sha[13];
	json_t *o;

	push(f, "");
	server_start(f);
	push(f, "associations: [[humans, machines]]\n");
	json_decref(await_condition(f, "Published", "True", "Published"));
	for (int i = 0; i < 400; i++) {
		fetch(f, NULL, &first);
		if (first.view->statement.version.number == 2)
			break;
		arena_free(first.arena);
		usleep(5000);
	}
	definition(f, "", &good);

	/*
	 * Broken YAML, a test that fails, a server that is gone, another network, an epoch that jumps, nothing at all.
	 */
	static const struct {
		const char *text, *code;
	} bad[] = {
	    {"network: [\n", "yaml-syntax"},
	    {"", "definition-empty"},
	    {"+tests: [{ from: bob, can_reach: machines }]\n", "test-failed"},
	    {"+epoch: 7\n", "epoch-jump"},
	    {"-hub", "server-dropped"},
	    {"-id", "network-changed"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_reset(&text);
		if (bad[i].text[0] == '+') {
			buf_str(&text, good.p);
			buf_str(&text, bad[i].text + 1);
		} else if (!strcmp(bad[i].text, "-hub") || !strcmp(bad[i].text, "-id")) {
			const char *at = strstr(good.p, !strcmp(bad[i].text, "-id") ? "CQkJ" : "public_key: \"");
			size_t skip = !strcmp(bad[i].text, "-id") ? 0 : 13;
			buf_add(&text, good.p, (size_t)(at - good.p) + skip);
			buf_str(&text, !strcmp(bad[i].text, "-id") ? "CAgI" : "AAAA");
			buf_str(&text, at + skip + 4);
		} else {
			buf_str(&text, bad[i].text);
		}
		push_text(f, text.p ? text.p : "", false);
		git_oid_tostr(short_sha, sizeof(short_sha), &f->tip);
		o = await_condition(f, "Valid", "False", bad[i].code);
		assert_memory_equal(condition_text(o, "Valid", "commit"), short_sha, 12);
		assert_non_null(strstr(json_string_value(json_object_get(o, "problem")), bad[i].code));
		json_decref(o);
	}
	/* A rewritten history. */
	git_oid before = f->tip;
	push_text(f, good.p, true);
	o = await_condition(f, "Valid", "False", "history-rewound");
	assert_non_null(strstr(json_string_value(json_object_get(o, "problem")), "does not come after"));
	json_decref(o);
	fetch(f, NULL, &again);
	assert_string_equal(again.have, first.have);
	arena_free(again.arena);
	f->tip = before;

	/* A commit on top that is valid again goes out. */
	push(f, "associations: [[humans, machines], [infra, machines]]\n");
	json_decref(await_condition(f, "Valid", "True", "Valid"));
	fetch(f, &first, &again);
	assert_true(again.view->statement.version.number > 2);
	arena_free(again.arena);

	/* The branch deleted: everything stays. */
	git_reference_remove(f->git, MAIN);
	json_decref(await_condition(f, "Valid", "False", "branch-missing"));
	fetch(f, NULL, &again);
	arena_free(again.arena);
	arena_free(first.arena);
	buf_free(&good);
	buf_free(&text);
	buf_free(&old);
}

/* A revision that cuts off more than the server's file allows waits for a commit that says that it is meant. */
static void test_guarded_revision(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0}, cut = {0}, message = {0};
	git_reference *moved = NULL;
	git_commit *tip = NULL;
	const char *at, *problem;
	json_t *o;

	f->config->guards.peers = (struct guard_limit){.most = 0, .percent = 100, .free = 0};
	push(f, "");
	server_start(f);
	json_decref(await_condition(f, "Published", "True", "Published"));
	definition(f, "", &text);
	at = strstr(text.p, "build: { ip");
	buf_add(&cut, text.p, (size_t)(at - text.p));
	buf_printf(&cut, "build: { disabled: true,%s", at + strlen("build: {"));
	push_text(f, cut.p, false);
	o = await_condition(f, "Valid", "False", "guard-peers");
	problem = json_string_value(json_object_get(o, "problem"));
	assert_non_null(strstr(problem, "this revision cuts off 1 peer of 4, and 0 is the most"));
	at = strstr(problem, "Innernet-Accept: ");
	assert_non_null(at);
	buf_printf(&message, "The build machine rests\n\n%.*s\n", (int)strlen("Innernet-Accept: 0000-0000-0000-0000"),
		   at);
	json_decref(o);

	assert_int_equal(git_commit_lookup(&tip, f->git, &f->tip), 0);
	assert_int_equal(git_commit_amend(&f->tip, tip, NULL, NULL, NULL, NULL, message.p, NULL), 0);
	assert_int_equal(git_reference_create(&moved, f->git, MAIN, &f->tip, 1, NULL), 0);
	json_decref(await_condition(f, "Valid", "True", "Valid"));

	/* The last admin stays, whatever a message says. */
	buf_reset(&cut);
	at = strstr(text.p, ", admin: true");
	buf_add(&cut, text.p, (size_t)(at - text.p));
	buf_str(&cut, at + strlen(", admin: true"));
	push_text(f, cut.p, false);
	json_decref(await_condition(f, "Valid", "False", "guard-admin"));
	git_reference_free(moved);
	git_commit_free(tip);
	buf_free(&message);
	buf_free(&cut);
	buf_free(&text);
}

/* The same commit, the same bytes, the same signatures: also with the repository gone. */
static void test_restart_serves_the_same_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf one = {0}, two = {0}, three = {0};
	char gone[128];

	push(f, "");
	server_start(f);
	assert_int_equal(get(f, "127.60.64.2", "/v1/poll?have=-.-.-", &one), 200);
	server_stop(f);
	server_start(f);
	assert_int_equal(get(f, "127.60.64.2", "/v1/poll?have=-.-.-", &two), 200);
	server_stop(f);
	snprintf(gone, sizeof(gone), "%s.gone", f->repository);
	assert_int_equal(rename(f->repository, gone), 0);
	server_start(f);
	assert_int_equal(get(f, "127.60.64.2", "/v1/poll?have=-.-.-", &three), 200);
	/* All but the freshness, which has the time in it, and the ledger's and hints' positions. */
	const char *a = strstr(one.p, "innernet-statement 1"), *b = strstr(two.p, "innernet-statement 1"),
		   *c = strstr(three.p, "innernet-statement 1");
	size_t n = (size_t)(strstr(a, "\nfresh ") - a);
	assert_memory_equal(a, b, n);
	assert_memory_equal(a, c, n);
	a = strstr(one.p, "\npath "), b = strstr(two.p, "\npath "), c = strstr(three.p, "\npath ");
	n = (size_t)(strstr(a, "\nhints ") - a);
	const char *ledger = strstr(a, "\nledger ");
	n = ledger && ledger < a + n ? (size_t)(ledger - a) : n;
	assert_memory_equal(a, b, n);
	assert_memory_equal(a, c, n);
	/* The repository comes back, and so does the server. */
	assert_int_equal(rename(gone, f->repository), 0);
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	buf_free(&one);
	buf_free(&two);
	buf_free(&three);
}

/* A commit that says the same to every peer counts: a restart does not forget it, so it cannot be taken back unseen. */
static void test_same_content_survives_a_restart(void **state)
{
	struct fixture *f = *state;
	git_oid published;
	char sha[GIT_OID_HEXSZ + 1], gone[128];
	json_t *o;

	push(f, "");
	published = f->tip;
	server_start(f);
	push(f, "tests: [{ from: alice, can_reach: hub }]\n");
	git_oid_tostr(sha, sizeof(sha), &f->tip);
	json_decref(await_condition(f, "Published", "True", "SameContent"));
	server_stop(f);

	/* Dropped between two looks: by going back, and by another commit beside it. */
	for (int beside = 0; beside < 2; beside++) {
		f->tip = published;
		if (beside) {
			push(f, "associations: [[humans, machines]]\n");
		} else {
			git_reference *back = NULL;
			assert_int_equal(git_reference_create(&back, f->git, MAIN, &published, 1, NULL), 0);
			git_reference_free(back);
		}
		server_start(f);
		o = await_condition(f, "Valid", "False", "history-rewound");
		assert_memory_equal(strstr(condition_text(o, "Valid", "message"), "does not come after ") +
					strlen("does not come after "),
				    sha, 12);
		json_decref(o);
		server_stop(f);
	}

	/* Without the repository too, its definition is the one in force. */
	snprintf(gone, sizeof(gone), "%s.gone", f->repository);
	assert_int_equal(rename(f->repository, gone), 0);
	server_start(f);
	o = await_condition(f, "Ready", "False", "Repository");
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "last_applied"), "commit")), sha);
	json_decref(o);
	assert_int_equal(rename(gone, f->repository), 0);
}

static void enrol(const struct fixture *f, uint32_t n, struct buf *out)
{
	uint8_t private_key[KEY_LEN] = {3};
	struct enrolment e;
	struct key x;

	memcpy(private_key + 4, &n, sizeof(n));
	x25519_public(private_key, &x);
	assert_int_equal(enrolment_make(&f->id, &f->invite, &x, 1000, f->invite_seed, &e), 0);
	buf_reset(out);
	enrolment_write(out, &e);
}

#define AT_ONCE 64

/* How many of these connections the server has closed. */
static int closed_of(const int *fd, int n)
{
	int closed = 0;
	char c;

	for (int i = 0; i < n; i++) {
		ssize_t got = recv(fd[i], &c, 1, MSG_PEEK | MSG_DONTWAIT);
		closed += !got || (got < 0 && errno != EAGAIN && errno != EINTR);
	}
	return closed;
}

static void test_redemption(void **state)
{
	struct fixture *f = *state;
	struct buf record = {0}, body = {0}, won = {0};
	int fd[AT_ONCE], answers[600] = {0};

	push(f, "");
	server_start(f);
	/* Before: bob may redeem and nothing else. */
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-", &body), 403);
	/* Not from another peer's address, not without a proof, not with a known key. */
	enrol(f, 0, &record);
	assert_int_equal(post(f, "127.60.64.2", buf_span(&record), NULL), 403);
	/* Upstream stores any key, and ends at the next start: here it is looked at before anything is written. */
	for (unsigned i = 0; i < 2; i++) {
		struct enrolment e;
		struct key bad = {{i}}; /* 0 and 1: of low order */
		assert_int_equal(enrolment_make(&f->id, &f->invite, &bad, 1000, f->invite_seed, &e), 0);
		buf_reset(&record);
		enrolment_write(&record, &e);
		assert_int_equal(post(f, "127.60.64.3", buf_span(&record), &body), 403);
		assert_non_null(
		    strstr(body.p, "forged: the enrolment's key is not a valid X25519 key, or is the invite's own"));
		buf_reset(&body);
	}
	enrol(f, 0, &record);
	record.p[record.n - 10] ^= 1;
	assert_in_range(post(f, "127.60.64.3", buf_span(&record), NULL), 400, 403);
	assert_int_equal(post(f, "127.60.64.3", SPAN("hello"), NULL), 400);

	for (uint32_t i = 0; i < AT_ONCE; i++)
		fd[i] = connect_from(f, "127.60.64.3");
	/* On a busy machine the server gets to the last ones late: an answered one must not have made room by then. */
	AWAIT(closed_of(fd, AT_ONCE) >= AT_ONCE - CONNECTIONS_PEER);
	for (uint32_t i = 0; i < AT_ONCE; i++) {
		enrol(f, i, &record);
		char id[KEY_B64_LEN + 1];
		struct buf q = {0};
		key_format(&f->id, id);
		buf_printf(&q,
			   "POST /v1/redeem HTTP/1.1\r\nHost: " HUB
			   ":%u\r\nInnernet-Network: %s\r\nConnection: close\r\n"
			   "Content-Length: %zu\r\n\r\n",
			   f->port, id, record.n);
		buf_add(&q, record.p, record.n);
		if (send(fd[i], q.p, q.n, MSG_NOSIGNAL) < 0)
			errno = 0; /* above the cap of one address: closed */
		buf_free(&q);
	}
	for (uint32_t i = 0; i < AT_ONCE; i++) {
		int status = receive(fd[i], NULL);
		answers[status]++;
		if (status == 200)
			enrol(f, i, &won);
	}
	assert_int_equal(answers[200], 1);
	assert_int_equal(answers[200] + answers[410] + answers[0], AT_ONCE);
	assert_in_range(answers[410], 1, CONNECTIONS_PEER);

	/* Again with the same key: harmless. With another: used. */
	assert_int_equal(post(f, "127.60.64.3", buf_span(&won), NULL), 200);
	enrol(f, 1000, &record);
	buf_reset(&body);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), &body), 410);
	assert_memory_equal(body.p, "invite-used: ", 13);
	/* Now bob sees the network, and alice sees bob's enrolment. */
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-", NULL), 200);
	struct seen alice;
	fetch(f, NULL, &alice);
	assert_int_equal(alice.bundle->n_enrolments, 1);
	bool pending = true;
	for (uint32_t i = 0; i < alice.view->n_peers; i++)
		if (!strcmp(alice.view->peers[i].name, "bob"))
			pending = alice.view->peers[i].pending;
	assert_false(pending);
	arena_free(alice.arena);

	/* It is durable: another process knows it. */
	server_stop(f);
	server_start(f);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 410);
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-", NULL), 200);

	/* The ledger rewound: what was redeemed stays so, nothing new is. */
	git_reference_remove(f->git, "refs/heads/innernet/enrolments");
	json_decref(await_condition(f, "Ready", "False", "Ledger"));
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-", NULL), 200);
	server_stop(f);
	server_start(f);
	assert_int_equal(get(f, "127.60.64.3", "/v1/poll?have=-.-.-", NULL), 200);
	buf_free(&record);
	buf_free(&body);
	buf_free(&won);
}

static void test_ledger_unavailable(void **state)
{
	struct fixture *f = *state;
	struct buf record = {0}, body = {0};

	push(f, "");
	server_start(f);
	git_reference_remove(f->git, "refs/heads/innernet/enrolments");
	json_decref(await_condition(f, "Ready", "False", "Ledger"));
	enrol(f, 1, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), &body), 503);
	assert_memory_equal(body.p, "ledger-unavailable: ", 20);
	buf_free(&record);
	buf_free(&body);
}

/* The ledger can be read, and not written: the status says so until a write works, by whatever caller. */
static void test_ledger_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	struct buf record = {0};
	char lock[160];
	json_t *o;

	push(f, "");
	server_start(f);
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	snprintf(lock, sizeof(lock), "%s/refs/heads/innernet/enrolments.lock", f->repository);
	assert_int_equal(close(open(lock, O_CREAT | O_EXCL | O_WRONLY, 0600)), 0);
	enrol(f, 1, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 503);
	o = await_condition(f, "Ready", "False", "Ledger");
	assert_string_equal(condition_text(o, "Ready", "message"),
			    "the ledger's branch stayed locked or changed each time; "
			    "invitations cannot be redeemed until a write works");
	json_decref(o);
	/* No second redemption is needed: the next look tries by itself. */
	assert_int_equal(unlink(lock), 0);
	push(f, "associations: [[humans, machines]]\n");
	json_decref(await_condition(f, "Ready", "True", "Serving"));
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 200);
	buf_free(&record);
}

static void test_expired_invite(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0}, record = {0}, body = {0};
	char *at;

	definition(f, "", &text);
	at = strrchr(text.p, '}');
	assert_non_null(at);
	struct buf expired = {0};
	buf_add(&expired, text.p, (size_t)(at - text.p));
	buf_str(&expired, ", invite_expires: 2001-01-01T00:00:00Z }\n");
	push_text(f, expired.p, false);
	server_start(f);
	enrol(f, 1, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), &body), 401);
	assert_memory_equal(body.p, "invite-expired: ", 16);
	buf_free(&text);
	buf_free(&expired);
	buf_free(&record);
	buf_free(&body);
}

/* What a page in a browser on a peer's machine, or a stranger, could send. */
static void test_requests_refused(void **state)
{
	struct fixture *f = *state;
	char id[KEY_B64_LEN + 1], headers[400];
	static const char poll_path[] = "/v1/poll?have=-.-.-";

	push(f, "");
	server_start(f);
	key_format(&f->id, id);
	assert_int_equal(get(f, "127.60.99.9", poll_path, NULL), 403); /* no peer's address */
	assert_int_equal(get(f, HUB, poll_path, NULL), 403);           /* the server's own earns no rights */
	assert_int_equal(get(f, "127.60.64.2", "/", NULL), 404);
	assert_int_equal(get(f, "127.60.64.2", "/v1/redeem", NULL), 405);
	assert_int_equal(get(f, "127.60.64.2", "/v1/poll?have=nonsense", NULL), 400);
	assert_int_equal(get(f, "127.60.64.2", "/v1/poll?have=-.-.-&wait=61", NULL), 400);
	assert_int_equal(get(f, "127.60.64.2", "/v1/status", NULL), 200);

	const struct {
		const char *host, *more;
		int status;
	} cases[] = {
	    {HUB, "", 400},
	    {"localhost", "", 400},
	    {"evil.example.com", "", 400},
	    {NULL, "Origin: https://example.com\r\n", 403},
	    {NULL, "Origin: null\r\n", 403},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char own[40];
		snprintf(own, sizeof(own), HUB ":%u", f->port);
		snprintf(headers, sizeof(headers), "Host: %s\r\nInnernet-Network: %s\r\n%s",
			 cases[i].host ? cases[i].host : own, id, cases[i].more);
		int fd = connect_from(f, "127.60.64.2");
		send_request(f, fd, "GET", poll_path, (struct span){0}, headers);
		assert_int_equal(receive(fd, NULL), cases[i].status);
	}
	snprintf(headers, sizeof(headers), "Host: " HUB ":%u\r\n", f->port);
	int fd = connect_from(f, "127.60.64.2");
	send_request(f, fd, "GET", poll_path, (struct span){0}, headers);
	assert_int_equal(receive(fd, NULL), 403);
}

/* Behind a peer with routes are as many addresses as it likes: they have as many connections as one peer, together. */
static void test_strangers(void **state)
{
	struct fixture *f = *state;
	int fd[CONNECTIONS_PEER + 1];
	char from[32];

	push(f, "");
	server_start(f);
	for (int i = 0; i <= CONNECTIONS_PEER; i++) {
		snprintf(from, sizeof(from), "127.60.99.%d", 1 + i);
		fd[i] = connect_from(f, from);
	}
	assert_int_equal(receive(fd[CONNECTIONS_PEER], NULL), 0);
	assert_int_equal(get(f, "127.60.64.2", "/v1/status", NULL), 200);
	for (int i = 0; i < CONNECTIONS_PEER; i++) {
		assert_int_equal(poll(&(struct pollfd){.fd = fd[i], .events = POLLIN}, 1, 0), 0);
		close(fd[i]);
	}
}

/* With the network's id as a token, as Prometheus sends it. */
static void prometheus_asks(const struct fixture *f)
{
	const struct {
		const char *before, *after; /* around the id */
		int status;
	} cases[] = {
	    {"Authorization: Bearer ", "", 200},
	    {"Authorization: Bearer ", "x", 403},
	    {"Authorization: Basic ", "", 403},
	    {"Authorization: Bearer", "", 403},
	    {"Origin: http://10.60.0.1\r\nAuthorization: Bearer ", "", 403},
	};
	char id[KEY_B64_LEN + 1], headers[256];

	key_format(&f->id, id);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = connect_from(f, "127.60.64.2");

		snprintf(headers, sizeof(headers), "Host: " HUB ":%u\r\n%s%s%s\r\n", f->port, cases[i].before, id,
			 cases[i].after);
		send_request(f, fd, "GET", "/metrics", (struct span){0}, headers);
		assert_int_equal(receive(fd, NULL), cases[i].status);
	}
}

/* Ordinary peers get codes and their own entry; admins get it all. */
static void test_status_by_who_asks(void **state)
{
	struct fixture *f = *state;
	struct buf all = {0}, own = {0}, record = {0};

	push(f, "");
	server_start(f);
	enrol(f, 1, &record);
	assert_int_equal(post(f, "127.60.64.3", buf_span(&record), NULL), 200);
	assert_int_equal(get(f, "127.60.64.2", "/v1/status", &all), 200);
	assert_int_equal(get(f, "127.60.64.3", "/v1/status", &own), 200);
	json_t *a = json_loadb(all.p, all.n, 0, NULL), *o = json_loadb(own.p, own.n, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(a, "peers")), 4);
	assert_int_equal(json_array_size(json_object_get(o, "peers")), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(o, "peers"), 0), "name")),
			    "bob");
	assert_string_equal(condition_text(o, "Valid", "status"), "True");
	assert_null(condition_text(o, "Valid", "message"));
	assert_non_null(condition_text(a, "Valid", "message"));
	assert_null(strstr(own.p, "alice"));
	json_decref(a);
	json_decref(o);
	buf_free(&all);
	buf_free(&own);

	/* The counters are for admins. */
	assert_int_equal(get(f, "127.60.64.3", "/metrics", &own), 403);
	assert_string_equal(own.p, "not-admin: only an admin's machine may ask for this\n");
	assert_int_equal(get(f, "127.60.64.2", "/metrics", &all), 200);
	assert_non_null(strstr(all.p, "innernet_version_number{network=\"corp\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_peers{network=\"corp\"} 3\n"));
	assert_non_null(strstr(all.p, "innernet_invitations_open{network=\"corp\"} 0\n"));
	assert_non_null(strstr(all.p, "innernet_condition{network=\"corp\",type=\"Valid\",reason=\"Valid\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_ledger_available{network=\"corp\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_redemptions_total{network=\"corp\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_http_refused_total{network=\"corp\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_revisions_accepted_total{network=\"corp\"} 1\n"));
	assert_non_null(strstr(all.p, "innernet_process_resident_memory_bytes{network=\"corp\"} "));
	prometheus_asks(f);
	buf_free(&all);
	buf_free(&own);
	buf_free(&record);
}

/*
 * The server's key changes: signed by the old and the new; a peer that was away follows, one statement after the other.
 */
static void test_new_signers(void **state)
{
	struct fixture *f = *state;
	struct server_config *c = f->config;
	struct seen first, second, third, fresh;

	push(f, "");
	server_start(f);
	fetch(f, NULL, &first);
	server_stop(f);
	c->seeds[1] = c->seeds[0];
	c->signers[1] = c->signers[0];
	assert_non_null(c->seeds[0] = secret_new());
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
	randombytes_buf(c->seeds[0], KEY_LEN);
	crypto_sign_seed_keypair(c->signers[0].b, sk, c->seeds[0]);
	c->n_seeds = 2;
	push(f, "");
	server_start(f);
	/* Such a change is guarded: the commit has to say that it is meant. */
	json_t *o = await_condition(f, "Valid", "False", "guard-trust");
	const char *accept = strstr(json_string_value(json_object_get(o, "problem")), "Innernet-Accept: ");
	char message[64];
	assert_non_null(accept);
	snprintf(message, sizeof(message), "new signers\n\n%.36s\n", accept);
	json_decref(o);
	commit_message = message;
	push(f, "");
	commit_message = "a commit\n";
	json_decref(await_condition(f, "Valid", "True", "Valid"));
	fetch(f, &first, &second);
	assert_int_equal(second.view->statement.version.number, 3);
	assert_true(key_eq(&second.view->statement.trust.signers[0], &c->signers[0]));
	server_stop(f);
	/* From here on the old one is gone. */
	secret_free(c->seeds[1]);
	c->n_seeds = 1;
	push(f, "associations: [[humans, machines]]\n");
	server_start(f);
	fetch(f, &second, &third);
	assert_int_equal(third.view->statement.version.number, 4);
	assert_int_equal(third.bundle->n_chain, 1);
	arena_free(third.arena);
	fetch(f, &first, &third); /* was away for both */
	assert_int_equal(third.view->statement.version.number, 4);
	fetch(f, NULL, &fresh); /* an old invitation, redeemed now */
	assert_string_equal(fresh.have, third.have);
	arena_free(first.arena);
	arena_free(second.arena);
	arena_free(third.arena);
	arena_free(fresh.arena);
}

/* Two servers of one network on one machine would race. */
static void test_only_one(void **state)
{
	struct fixture *f = *state;
	const struct reconciler_options o = {.data_dir = f->data, .no_device = true};
	struct diags d = {0};
	struct loop *l = loop_new(&d);

	push(f, "");
	server_start(f);
	assert_null(reconciler_new(l, f->config, &o, &d));
	assert_string_equal(code_of(&d), "already-running");
	server_stop(f);
	struct diags e = {0};
	struct reconciler *r = reconciler_new(l, f->config, &o, &e);
	assert_non_null(r);
	assert_int_equal(reconciler_turn(r), TURN_UNCHANGED);
	/* The same content in another commit publishes nothing new. */
	push(f, "# a comment\n");
	assert_int_equal(reconciler_turn(r), TURN_UNCHANGED);
	push(f, "associations: [[humans, machines]]\n");
	assert_int_equal(reconciler_turn(r), TURN_PUBLISHED);
	reconciler_free(r);
	diags_free(&d);
	diags_free(&e);
	loop_free(l);
}

/* A status that could not be written is written as soon as that is possible, though nothing has happened since. */
static void test_status_is_made_up_for(void **state)
{
	struct fixture *f = *state;
	const struct reconciler_options o = {.data_dir = f->data, .no_device = true};
	struct diags d = {0};
	struct loop *l = loop_new(&d);
	struct reconciler *r;
	char path[160];
	struct stat st;

	push(f, "");
	snprintf(path, sizeof(path), "%s/" STATUS_FILE, f->data);
	assert_int_equal(file_mkdirs(path, 0755, &d), 0); /* nothing can be renamed onto a folder */
	r = reconciler_new(l, f->config, &o, &d);
	assert_non_null(r);
	assert_int_equal(reconciler_turn(r), TURN_PUBLISHED);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(reconciler_turn(r), TURN_UNCHANGED);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	reconciler_free(r);
	diags_free(&d);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_push_reaches_who_waits, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_refused_revisions, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_guarded_revision, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_restart_serves_the_same_bytes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_same_content_survives_a_restart, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_redemption, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ledger_unavailable, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ledger_cannot_be_written, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_expired_invite, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_requests_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_strangers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_status_by_who_asks, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_signers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_only_one, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_status_is_made_up_for, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
