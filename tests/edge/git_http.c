/*
 * git over the tunnel, as the protocol has it: which peers may, what is refused before it is read, bodies in chunks and packed,
 * and what becomes of the children. Where git itself does not matter, a script stands for it.
 */
#include "tests/edge/server_test.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <sys/pidfd.h>
#include <zlib.h>

#define ALICE   "127.60.64.2"
#define REFS    "/network.git/info/refs?service=git-upload-pack"
#define FETCH   "/network.git/git-upload-pack"
#define PUSH    "/network.git/git-receive-pack"
#define FETCHES "Content-Type: application/x-git-upload-pack-request\r\n"
#define PUSHES  "Content-Type: application/x-git-receive-pack-request\r\n"
#define ADMINS  6 /* besides alice: 127.60.64.10 and so on */

/* With this many of them. */
static void push_admins(struct fixture *f, unsigned n)
{
	struct buf more = {0};

	for (unsigned i = 0; i < n; i++) {
		uint8_t private_key[KEY_LEN] = {[1] = (uint8_t)(1 + i)};
		char text[KEY_B64_LEN + 1];
		struct key k;
		x25519_public(private_key, &k);
		key_format(&k, text);
		buf_printf(&more, "  admin%u: { ip: 127.60.64.%u, public_key: \"%s\", admin: true }\n", i, 10 + i,
			   text);
	}
	push(f, more.p);
	buf_free(&more);
}

static void start(struct fixture *f)
{
	push_admins(f, ADMINS);
	server_start(f);
}

/* A script that stands for git: in a folder that children may read. */
static void start_with(struct fixture *f, const char *script)
{
	char path[128], env[256];
	const char *was = getenv("PATH");
	struct buf text = {0};
	struct diags d = {0};

	mkdir(f->data, 0755);
	snprintf(path, sizeof(path), "%s/git", f->data);
	buf_printf(&text, "#!/bin/sh\n%s", script);
	assert_int_equal(file_write(path, buf_span(&text), 0755, &d), 0);
	snprintf(env, sizeof(env), "%s:%s", f->data, was);
	char *before = strdup(was);
	setenv("PATH", env, 1);
	start(f);
	setenv("PATH", before, 1);
	free(before);
	buf_free(&text);
}

/* Sends a request as it is given, with the right Host; what follows the headers may be anything. */
static int ask(const struct fixture *f, const char *from, const char *line, const char *headers, const void *body,
	       size_t n)
{
	int fd = connect_from(f, from);
	struct buf b = {0};

	buf_printf(&b, "%s\r\nConnection: close\r\nHost: " HUB ":%u\r\n%s\r\n", line, f->port, headers);
	buf_add(&b, body, n);
	for (size_t sent = 0; sent < b.n;) {
		ssize_t w = send(fd, b.p + sent, b.n - sent, MSG_NOSIGNAL);
		if (w <= 0)
			break; /* it was refused before its end */
		sent += (size_t)w;
	}
	buf_free(&b);
	return fd;
}

static int status_of(const struct fixture *f, const char *from, const char *line, const char *headers, const char *body)
{
	return receive(ask(f, from, line, headers, body, strlen(body)), NULL);
}

/* --- which peers may --- */

static void test_who(void **state)
{
	static const struct {
		const char *from;
		int status;
		const char *says;
	} who[] = {
	    {ALICE, 200, NULL},
	    {"127.60.65.5", 403, "not-admin: only an admin's machine may ask for this\n"},
	    {"127.60.64.3", 403, "not-invited: redeem the invitation first\n"},
	    {"127.60.64.99", 403, "not-invited: no peer that may ask has this address\n"},
	    {HUB, 403, "not-invited: no peer that may ask has this address\n"},
	};
	static const struct {
		const char *line, *headers, *body;
	} routes[] = {
	    {"GET " REFS " HTTP/1.1", "", ""},
	    {"GET /network.git/info/refs?service=git-receive-pack HTTP/1.1", "", ""},
	    {"POST " FETCH " HTTP/1.1", FETCHES "Content-Length: 4\r\n", "0000"},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000"},
	};
	struct fixture *f = *state;

	start(f);
	for (size_t i = 0; i < sizeof(who) / sizeof(who[0]); i++)
		for (size_t k = 0; k < sizeof(routes) / sizeof(routes[0]); k++) {
			struct buf body = {0};
			int fd = ask(f, who[i].from, routes[k].line, routes[k].headers, routes[k].body,
				     strlen(routes[k].body));
			int status = receive(fd, &body);
			buf_char(&body, '\0');
			if (status != who[i].status || (who[i].says && strcmp(body.p, who[i].says)))
				fail_msg("%s, %s: %d %s", who[i].from, routes[k].line, status, body.p);
			buf_free(&body);
		}
	/* A peer that is no admin any more is refused. */
	assert_int_equal(status_of(f, "127.60.64.15", "GET " REFS " HTTP/1.1", "", ""), 200);
	push_admins(f, ADMINS - 1);
	AWAIT(status_of(f, "127.60.64.15", "GET " REFS " HTTP/1.1", "", "") == 403);
}

/* --- what is refused --- */

/* libmicrohttpd 1.0.10 itself refuses a transfer coding that it does not know. */
#define MHD_ANSWERS_FIRST (MHD_VERSION >= 0x01001000)

static void test_refused(void **state)
{
	static const struct {
		const char *line, *headers, *body;
		int status;
	} cases[] = {
	    {"GET /network.git/HEAD HTTP/1.1", "", "", 404},
	    {"GET /network.git/ HTTP/1.1", "", "", 404},
	    {"GET /network.git/objects/info/packs HTTP/1.1", "", "", 404},
	    {"GET /network.git/info/refs HTTP/1.1", "", "", 404},
	    {"GET /network.git/info/refs?service=git-upload-archive HTTP/1.1", "", "", 404},
	    {"GET /network.git/../network.git/info/refs?service=git-upload-pack HTTP/1.1", "", "", 404},
	    {"POST " REFS " HTTP/1.1", "Content-Length: 0\r\n", "", 405},
	    {"GET " FETCH " HTTP/1.1", "", "", 405},
	    {"PUT " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000", 405},
	    {"POST " FETCH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000", 415},
	    {"POST " FETCH " HTTP/1.1", "Content-Type: text/plain\r\nContent-Length: 4\r\n", "0000", 415},
	    {"POST " FETCH " HTTP/1.1", "Content-Length: 4\r\n", "0000", 415},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Origin: null\r\nContent-Length: 4\r\n", "0000", 403},
	    {"GET " REFS " HTTP/1.1", "Origin: http://x\r\n", "", 403},
	    {"GET " REFS " HTTP/1.1", "Innernet-Network: x\r\n", "", 403},
	    /* Where does it end? */
	    {"POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0000", 400},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\nContent-Length: 4\r\n", "0000", 400},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n",
	     MHD_ANSWERS_FIRST ? 501 : 400},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	     "0\r\n\r\n", 400},
	    {"POST " PUSH " HTTP/1.0", PUSHES "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 400},
	    {"POST " PUSH " HTTP/1.1", PUSHES, "", 411},
	    {"POST " FETCH " HTTP/1.1", FETCHES "Content-Length: 10485761\r\n", "", 413},
	    {"POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 536870913\r\n", "", 413},
	    {"POST " FETCH " HTTP/1.1", FETCHES "Content-Encoding: br\r\nContent-Length: 4\r\n", "0000", 415},
	    /* What git may send, other clients may not. */
	    {"POST /v1/redeem HTTP/1.1", "Transfer-Encoding: chunked\r\n", "4\r\n0000\r\n0\r\n\r\n", 400},
	    {"GET /v1/poll HTTP/1.1", "Transfer-Encoding: chunked\r\n", "0\r\n\r\n", 400},
	    {"POST " FETCH " HTTP/1.1", FETCHES "Transfer-Encoding: chunked\r\n", "4\r\n0000\r\n0\r\n\r\n", 200},
	};
	struct fixture *f = *state;

	start(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = status_of(f, ALICE, cases[i].line, cases[i].headers, cases[i].body);
		if (status != cases[i].status)
			fail_msg("%s %s: %d", cases[i].line, cases[i].headers, status);
	}
}

/* A server that only follows a definition says where that is. */
static void test_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0}, body = {0}, says = {0};
	struct diags d = {0};
	char path[128];

	snprintf(path, sizeof(path), "%s/network.yaml", f->folder);
	definition(f, "", &text);
	assert_int_equal(file_write(path, buf_span(&text), 0644, &d), 0);
	f->config->file = strdup(path);
	server_start(f);
	assert_int_equal(receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "", "", 0), &body), 404);
	buf_printf(&says, "not-here: the network is in no repository: it is %s on the server\n", path);
	buf_char(&body, '\0');
	assert_string_equal(body.p, says.p);
	/* The answer does not say where. */
	assert_int_equal(status_of(f, "127.60.65.5", "GET " REFS " HTTP/1.1", "", ""), 403);
	buf_free(&text);
	buf_free(&body);
	buf_free(&says);
}

/* --- gzip --- */

static size_t pack(const void *bytes, size_t n, char *out, size_t room)
{
	z_stream z = {0};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)bytes;
	z.avail_in = (uInt)n;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static int send_packed(const struct fixture *f, const char *packed, size_t n, struct buf *body)
{
	char headers[160];

	snprintf(headers, sizeof(headers), FETCHES "Content-Encoding: gzip\r\nContent-Length: %zu\r\n", n);
	return receive(ask(f, ALICE, "POST " FETCH " HTTP/1.1", headers, packed, n), body);
}

static void test_gzip(void **state)
{
	struct fixture *f = *state;
	const size_t large = 11u << 20;
	char *zeros = calloc(1, large), packed[65536];
	struct buf body = {0}, wants = {0};
	size_t n;

	start_with(f, "exec cat\n");
	for (int i = 0; i < 200; i++)
		buf_printf(&wants, "line %d\n", i);
	n = pack(wants.p, wants.n, packed, sizeof(packed));
	assert_int_equal(send_packed(f, packed, n, &body), 200);
	assert_non_null(memmem(body.p, body.n, "line 0\nline 1\n", 14));
	assert_non_null(memmem(body.p, body.n, "line 199\n", 9));
	assert_int_equal(send_packed(f, packed, n - 1, NULL), 400);
	packed[n] = 'x';
	assert_int_equal(send_packed(f, packed, n + 1, NULL), 400);
	packed[20] ^= 1;
	assert_int_equal(send_packed(f, packed, n, NULL), 400);
	assert_int_equal(send_packed(f, "nothing of the kind", 19, NULL), 400);
	/* Eleven kilobytes that would be eleven megabytes. */
	n = pack(zeros, large, packed, sizeof(packed));
	assert_true(n < 16384);
	buf_reset(&body);
	assert_int_equal(send_packed(f, packed, n, &body), 413);
	assert_memory_equal(body.p, "too-large: the body is too large\n", 33);
	free(zeros);
	buf_free(&wants);
	buf_free(&body);
}

/* --- children --- */

/* The processes that were started: each writes its number into the repository. */
static unsigned started(const struct fixture *f, pid_t *last)
{
	char path[128];
	unsigned n = 0;
	int pid;
	FILE *file;

	snprintf(path, sizeof(path), "%s/started", f->repository);
	file = fopen(path, "r");
	while (file && fscanf(file, "%d", &pid) == 1) {
		n++;
		if (last)
			*last = pid;
	}
	if (file)
		fclose(file);
	return n;
}

/* How many the server has now, those that it has not reaped yet among them. */
static unsigned children(const struct fixture *f)
{
	char path[64];
	unsigned n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)f->server, (int)f->server);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fscanf(file, "%*d") != EOF)
		n++;
	fclose(file);
	return n;
}

/* So many in all, `now` of them at this moment, and none that is about to. */
static void await_started(const struct fixture *f, unsigned n, unsigned now, pid_t *last)
{
	server_looked(f);
	AWAIT(children(f) == now && started(f, NULL) == n);
	assert_int_equal(started(f, last), n);
}

static void await_gone(pid_t pid)
{
	int fd = pidfd_open(pid, 0);

	if (fd < 0) {
		assert_int_equal(errno, ESRCH);
		return;
	}
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, AWAIT_MS), 1);
	close(fd);
}

#define SLEEPS "echo $$ >>started\nexec sleep 100\n"

static void test_turns(void **state)
{
	struct fixture *f = *state;
	int fd[ADMINS + 1];
	char from[16];
	pid_t pid;

	start_with(f, SLEEPS);
	for (unsigned i = 0; i < GIT_CHILDREN_MAX + 1; i++) {
		snprintf(from, sizeof(from), "127.60.64.%u", 10 + i);
		fd[i] = ask(f, from, "GET " REFS " HTTP/1.1", "", "", 0);
		const unsigned n = i < GIT_CHILDREN_MAX ? i + 1 : GIT_CHILDREN_MAX;
		await_started(f, n, n, &pid);
	}
	/* A second one of the first peer waits for the first one, whichever other peer is done. */
	fd[ADMINS] = ask(f, "127.60.64.10", "GET " REFS " HTTP/1.1", "", "", 0);
	close(fd[GIT_CHILDREN_MAX - 1]);
	await_gone(pid);
	await_started(f, GIT_CHILDREN_MAX + 1, GIT_CHILDREN_MAX, &pid);
	close(fd[GIT_CHILDREN_MAX]);
	await_gone(pid);
	await_started(f, GIT_CHILDREN_MAX + 1, GIT_CHILDREN_MAX - 1, NULL);
	close(fd[0]);
	await_started(f, GIT_CHILDREN_MAX + 2, GIT_CHILDREN_MAX - 1, &pid);
	/* Other peers are served meanwhile. */
	assert_int_equal(get(f, ALICE, "/v1/poll", NULL), 200);
	/* With the server all of them end. */
	server_stop(f);
	await_gone(pid);
	for (unsigned i = 1; i < GIT_CHILDREN_MAX - 1; i++)
		close(fd[i]);
	close(fd[ADMINS]);
}

/* A child that does not end on SIGTERM is killed; the next request gets its place. */
static void test_stubborn(void **state)
{
	struct fixture *f = *state;
	char told[128];
	pid_t pid;

	start_with(f, "trap 'echo >told' TERM\necho $$ >>started\nwhile :; do sleep 1; done\n");
	int fd = ask(f, ALICE, "GET " REFS " HTTP/1.1", "", "", 0);
	await_started(f, 1, 1, &pid);
	close(fd);
	snprintf(told, sizeof(told), "%s/told", f->repository);
	AWAIT(access(told, F_OK) == 0);
	await_started(f, 1, 1, NULL);
	time_passes(f, GIT_END_MS);
	await_gone(pid);
}

/* git ends at once, a hook that it ran does not: that one is ended too, whether the client or the server went. */
static void test_stubborn_hook(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	start_with(f, "(trap '' TERM; exec sleep 50) >/dev/null 2>&1 &\necho $! >>started\nexec sleep 100\n");
	int fd = ask(f, ALICE, "GET " REFS " HTTP/1.1", "", "", 0);
	await_started(f, 1, 1, &pid);
	close(fd);
	await_started(f, 1, 0, NULL);
	await_gone(pid);
	fd = ask(f, ALICE, "GET " REFS " HTTP/1.1", "", "", 0);
	await_started(f, 2, 1, &pid);
	server_stop(f);
	await_gone(pid);
	close(fd);
}

static void test_failures(void **state)
{
	struct fixture *f = *state;
	struct buf body = {0};

	/* What it is told to do is told by the protocol that is asked for. */
	start_with(f, "case $GIT_PROTOCOL in\n"
		      "fails) echo 'no such thing' >&2; exit 1 ;;\n"
		      "dies) kill -9 $$ ;;\n"
		      "half) echo half; kill -9 $$ ;;\n"
		      "says) echo ERR; exit 1 ;;\n"
		      "loud) head -c 1000000 /dev/zero >&2; echo well ;;\n"
		      "nothing) ;;\n"
		      "env) env ;;\n"
		      "esac\n");
	assert_int_equal(status_of(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: fails\r\n", ""), 500);
	assert_int_equal(status_of(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: dies\r\n", ""), 500);
	/* In the middle of an answer: one that has no end, or the end that git gave it. */
	assert_int_equal(receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: half\r\n", "", 0), &body), 200);
	assert_null(memmem(body.p, body.n, "\r\n0\r\n", 5));
	buf_reset(&body);
	assert_int_equal(receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: says\r\n", "", 0), &body), 200);
	assert_non_null(memmem(body.p, body.n, "\r\n0\r\n", 5));
	buf_reset(&body);
	assert_int_equal(receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: loud\r\n", "", 0), &body), 200);
	assert_non_null(memmem(body.p, body.n, "well", 4));
	buf_reset(&body);
	/* The probe before a large push: nothing, and that is well. */
	assert_int_equal(receive(ask(f, ALICE, "POST " PUSH " HTTP/1.1",
				     PUSHES "Git-Protocol: nothing\r\nContent-Length: 4\r\n", "0000", 4),
				 &body),
			 200);
	buf_reset(&body);
	assert_int_equal(receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: env\r\n", "", 0), &body), 200);
	buf_char(&body, '\0');
	assert_non_null(strstr(body.p, "\nREMOTE_USER=alice\n"));
	assert_non_null(strstr(body.p, "\nREMOTE_ADDR=" ALICE "\n"));
	assert_null(strstr(body.p, "CMOCKA_MESSAGE_OUTPUT"));
	buf_reset(&body);
	/* What could be more than a word in an environment is none. */
	assert_int_equal(
	    receive(ask(f, ALICE, "GET " REFS " HTTP/1.1", "Git-Protocol: version=2;x $(y)\r\n", "", 0), &body), 200);
	assert_non_null(memmem(body.p, body.n, "001e# service=git-upload-pack\n0000", 34));
	buf_free(&body);
}

/* A peer that reads slowly gets all of it in the end, and delays no other peer. */
static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct buf body = {0};
	size_t zeros = 0;

	start_with(f, "exec head -c 8000000 /dev/zero\n");
	int fd = ask(f, ALICE, "POST " FETCH " HTTP/1.1", FETCHES "Content-Length: 4\r\n", "0000", 4);
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 20000), 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(f, "127.60.65.5", "/v1/poll", NULL), 200);
	assert_int_equal(receive(fd, &body), 200);
	for (size_t i = 0; i < body.n; i++)
		zeros += body.p[i] == 0;
	assert_int_equal(zeros, 8000000);
	buf_free(&body);
}

/* Bodies that are under way: two of a peer. */
static void test_bodies(void **state)
{
	struct fixture *f = *state;
	int fd[2];

	start_with(f, "exec cat\n");
	for (int i = 0; i < 2; i++) {
		fd[i] = ask(f, ALICE, "POST " PUSH " HTTP/1.1",
			    PUSHES "Expect: 100-continue\r\nContent-Length: 1000\r\n", "", 0);
		assert_int_equal(poll(&(struct pollfd){.fd = fd[i], .events = POLLIN}, 1, AWAIT_MS), 1);
	}
	assert_int_equal(status_of(f, ALICE, "POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000"), 503);
	assert_int_equal(status_of(f, "127.60.64.10", "POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000"),
			 200);
	close(fd[0]);
	AWAIT(status_of(f, ALICE, "POST " PUSH " HTTP/1.1", PUSHES "Content-Length: 4\r\n", "0000") == 200);
	close(fd[1]);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SERVED(test_who),         SERVED(test_refused),  SERVED(test_elsewhere),     SERVED(test_gzip),
	    SERVED(test_turns),       SERVED(test_stubborn), SERVED(test_stubborn_hook), SERVED(test_failures),
	    SERVED(test_slow_reader), SERVED(test_bodies),
	};

	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
