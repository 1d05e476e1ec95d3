/*
 * What peers read: the server takes it from their polls, keeps it over a restart, shows it, and refuses a revision that
 * would leave them behind, unless its commit says that it is meant.
 */
#include "tests/edge/server_test.h"
#include "tests/edge/format_2.h"

#define ALICE "127.60.64.2"

static void poll_as(const struct fixture *f, const char *more, int status)
{
	char path[160];

	snprintf(path, sizeof(path), "/v1/poll?have=-.-.-%s", more);
	assert_int_equal(get(f, ALICE, path, NULL), status);
}

/* A member of a peer's entry in the status, as the server says it now; -1: it has none. */
static int64_t peer_member(const struct fixture *f, const char *name, const char *member)
{
	struct buf body = {0};
	json_t *o, *p, *v = NULL;
	int64_t value;
	size_t i;

	assert_int_equal(get(f, ALICE, "/v1/status", &body), 200);
	o = json_loadb(body.p, body.n, 0, NULL);
	json_array_foreach(json_object_get(o, "peers"), i, p)
	{
		if (!strcmp(json_string_value(json_object_get(p, "name")), name))
			v = json_object_get(p, member);
	}
	value = v ? json_integer_value(v) : -1;
	json_decref(o);
	buf_free(&body);
	return value;
}

static void test_polls_say_what_peers_read(void **state)
{
	struct fixture *f = *state;
	struct buf body = {0};

	push(f, "");
	server_start(f);
	assert_int_equal(peer_member(f, "alice", "reads"), -1);
	poll_as(f, "", 200);
	assert_int_equal(peer_member(f, "alice", "reads"), 1);
	assert_int_equal(peer_member(f, "alice", "needs"), 1);
	poll_as(f, "&speak=3", 200);
	assert_int_equal(peer_member(f, "alice", "reads"), 3);
	poll_as(f, "&speak=0", 400);
	poll_as(f, "&speak=two", 400);
	poll_as(f, "&speak=", 400);
	assert_int_equal(peer_member(f, "alice", "reads"), 3);
	assert_int_equal(get(f, ALICE, "/metrics", &body), 200);
	assert_non_null(strstr(body.p, "innernet_peers_by_format{network=\"corp\",format=\"1\"} 0\n"
				       "innernet_peers_by_format{network=\"corp\",format=\"2\"} 1\n"));
	/* It outlives the server. */
	server_stop(f);
	server_start(f);
	assert_int_equal(peer_member(f, "alice", "reads"), 3);
	assert_in_range(time(NULL) - peer_member(f, "alice", "polled"), 0, 60);
	assert_int_equal(peer_member(f, "build", "reads"), -1);
	buf_free(&body);
}

/* A commit with a definition that gives `build` this description. */
static void push_described(struct fixture *f, const char *description)
{
	struct buf text = {0}, out = {0};
	const char *at;

	definition(f, "associations:\n  - [humans, machines]\n", &text);
	at = strstr(text.p, "build: { ip");
	buf_add(&out, text.p, (size_t)(at - text.p));
	buf_printf(&out, "build: { description: \"%s\",%s", description, at + strlen("build: {"));
	push_text(f, out.p, false);
	buf_free(&text);
	buf_free(&out);
}

static void test_no_peer_is_left_behind_unasked(void **state)
{
	struct fixture *f = *state;
	struct buf message = {0}, body = {0};
	struct seen first, second;
	git_reference *moved = NULL;
	git_commit *tip = NULL;
	const char *problem, *trailer;
	char path[160];
	json_t *o;

	push_described(f, "build machine");
	server_start(f);
	fetch(f, NULL, &first);
	push_described(f, "format 2: x-note spare");
	o = await_condition(f, "Valid", "False", "guard-formats");
	problem = json_string_value(json_object_get(o, "problem"));
	assert_non_null(strstr(
	    problem, "this revision needs format 2, which 1 peer that polled in the last 30 days cannot read: alice"));
	trailer = strstr(problem, "Innernet-Accept: ");
	assert_non_null(trailer);
	buf_printf(&message, "A spare\n\n%.*s\n", (int)strlen("Innernet-Accept: 0000-0000-0000-0000"), trailer);
	json_decref(o);
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=1", first.have);
	assert_int_equal(get(f, ALICE, path, NULL), 204);

	assert_int_equal(git_commit_lookup(&tip, f->git, &f->tip), 0);
	assert_int_equal(git_commit_amend(&f->tip, tip, NULL, NULL, NULL, NULL, message.p, NULL), 0);
	assert_int_equal(git_reference_create(&moved, f->git, MAIN, &f->tip, 1, NULL), 0);
	json_decref(await_condition(f, "Valid", "True", "Valid"));
	/* The server waits for no peer that cannot read it, and says so. */
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-", first.have);
	assert_int_equal(get(f, ALICE, path, &body), 200);
	assert_non_null(strstr(body.p, "\ninnernet-leaf 2\n"));
	assert_non_null(strstr(body.p, "\nx-note spare\n"));
	assert_int_equal(peer_member(f, "alice", "needs"), 2);
	o = await_condition(f, "Converged", "True", "ReachablePeers");
	assert_string_equal(condition_text(o, "Converged", "message"), "0 of 2 peers run it, 1 cannot read its format");
	json_decref(o);
	/* With a newer program she follows. */
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&speak=2", first.have);
	buf_reset(&body);
	assert_int_equal(get(f, ALICE, path, &body), 200);
	verify(f, &body, &first, &second);
	assert_int_equal(second.view->statement.version.number, 2);
	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&speak=2", second.have);
	assert_int_equal(get(f, ALICE, path, NULL), 200);
	server_stop(f);
	server_start(f);
	/* The next such revision names no peer: she reads it. */
	push_described(f, "format 2: x-note used");
	for (int i = 0; i < 200 && second.view->statement.version.number < 3; i++) {
		struct seen third;

		snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&speak=2&wait=10", second.have);
		buf_reset(&body);
		if (get(f, ALICE, path, &body) != 200 || !strstr(body.p, "\nstatement "))
			continue;
		verify(f, &body, &second, &third);
		second.view->statement.version = third.view->statement.version;
		arena_free(third.arena);
	}
	assert_int_equal(second.view->statement.version.number, 3);
	arena_free(first.arena);
	arena_free(second.arena);
	git_reference_free(moved);
	git_commit_free(tip);
	buf_free(&message);
	buf_free(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_polls_say_what_peers_read, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_peer_is_left_behind_unasked, setup, teardown),
	};

	assert_true(sodium_init() >= 0);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
