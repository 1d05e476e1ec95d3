/*
 * The whole server without an interface: a repository, a process that serves it, and clients whose source address is
 * the peer's, inside 127.0.0.0/8.
 */
#ifndef TESTS_EDGE_SERVER_TEST_H
#define TESTS_EDGE_SERVER_TEST_H

#include "reconcile/edge/base/file.h"
#include "reconcile/edge/server/reconciler.h"
#include "reconcile/edge/http/server_http.h"
#include "reconcile/wire/verify.h"
#include "tests/edge/git_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define MAIN "refs/heads/main"
#define HUB  "127.60.0.1"

#define READY_MS 60000 /* how long a server may take to listen, on the slowest machine */

struct fixture {
	char folder[64], repository[96], data[96];
	git_repository *git;
	git_oid tip;
	struct server_config *config;
	struct key id, pinned;       /* the signer that the invitation named */
	char alice[KEY_B64_LEN + 1]; /* her WireGuard key */
	uint8_t invite_seed[KEY_LEN];
	struct key invite;
	pid_t server;
	unsigned port;
};

static inline struct addr addr_of(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint8_t private_key[KEY_LEN] = {77}, sk[crypto_sign_SECRETKEYBYTES];
	struct key k;

	folder_make(f->folder);
	snprintf(f->repository, sizeof(f->repository), "%s/network.git", f->folder);
	snprintf(f->data, sizeof(f->data), "%s/data", f->folder);
	f->git = bare_make(f->repository);
	f->config = server_config_new();
	assert_non_null(f->config);
	assert_int_equal(server_config_draw(f->config), 0);
	strcpy(f->config->network, "corp");
	strcpy(f->config->interface, "corp");
	f->config->repository = strdup(f->repository);
	f->config->ref = strdup(MAIN);
	f->config->listen_port = 51820;
	f->pinned = f->config->signers[0];
	memset(f->id.b, 9, KEY_LEN);
	x25519_public(private_key, &k);
	key_format(&k, f->alice);
	memset(f->invite_seed, 5, KEY_LEN);
	crypto_sign_seed_keypair(f->invite.b, sk, f->invite_seed);
	*state = f;
	return 0;
}

static inline void server_stop(struct fixture *f)
{
	int status;

	if (!f->server)
		return;
	kill(f->server, SIGTERM);
	assert_int_equal(waitpid(f->server, &status, 0), f->server);
	f->server = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	server_stop(f);
	server_config_free(f->config);
	git_repository_free(f->git);
	folder_remove(f->folder);
	free(f);
	return 0;
}

/* The definition with these lines at the end. */
static inline void definition(const struct fixture *f, const char *more, struct buf *out)
{
	char id[KEY_B64_LEN + 1], key[KEY_B64_LEN + 1], signer[ED25519_STR_LEN + 1], invite[ED25519_STR_LEN + 1];
	char build[KEY_B64_LEN + 1];

	uint8_t private_key[KEY_LEN] = {88};
	struct key k;

	x25519_public(private_key, &k);
	key_format(&k, build);
	key_format(&f->id, id);
	key_format(&f->config->public_key, key);
	ed25519_format(&f->config->signers[0], signer);
	ed25519_format(&f->invite, invite);
	buf_printf(out,
		   "network: corp\ncidr: 127.60.0.0/16\ntrust: { id: \"%s\", signers: [\"%s\"] }\n"
		   "cidrs:\n  infra: 127.60.0.0/24\n  humans: 127.60.64.0/24\n  machines: 127.60.65.0/24\n"
		   "peers:\n"
		   "  hub: { ip: 127.60.0.1, public_key: \"%s\", endpoint: \"192.0.2.1:51820\", server: true }\n"
		   "  alice: { ip: 127.60.64.2, public_key: \"%s\", admin: true }\n"
		   "  build: { ip: 127.60.65.5, public_key: \"%s\" }\n"
		   "  bob: { ip: 127.60.64.3, invite: \"%s\" }\n%s",
		   id, signer, key, f->alice, build, invite, more);
}

/* Commits and moves the branch: on top of the tip, or with `rewrite` from nothing. */
static inline void push_text(struct fixture *f, const char *text, bool rewrite)
{
	const struct git_file file = {"network.yaml", text, 0};
	const bool first = rewrite || git_oid_is_zero(&f->tip);

	f->tip = commit_make(f->git, MAIN, &f->tip, first ? 0 : 1, &file, 1, 1000);
}

static inline void push(struct fixture *f, const char *more)
{
	struct buf text = {0};

	definition(f, more, &text);
	push_text(f, text.p, false);
	buf_free(&text);
}

static inline void on_term(void *ctx, int signo)
{
	(void)signo;
	loop_stop(ctx);
}

/* Its wall clock is set back by an hour. */
static inline void on_usr1(int signo)
{
	(void)signo;
	clock_set(clock_unix() - 3600);
}

/* So many milliseconds pass for it. */
static inline void on_usr2(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	clock_skip(info->si_value.sival_int);
}

/* Says where the server listens, once it does. */
struct port_sayer {
	struct reconciler *reconciler;
	struct loop *loop;
	struct loop_timer timer;
	int to;
};

static inline void say_port(void *ctx)
{
	struct port_sayer *s = ctx;
	const unsigned port = reconciler_port(s->reconciler);

	if (!port)
		loop_timer_set(s->loop, &s->timer, 2);
	else if (write(s->to, &port, sizeof(port)) != sizeof(port))
		_exit(4);
}

/* The server's own process. Never returns. */
static inline void serve(struct fixture *f, int say)
{
	const struct reconciler_options o = {
	    .data_dir = f->data, .watch = true, .no_device = true, .address = addr_of(HUB)};
	struct diags d = {0};
	struct loop *l = loop_new(&d);
	struct reconciler *r;
	struct port_sayer sayer;
	sigset_t set;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!getenv("SERVER_LOG") && !freopen("/dev/null", "w", stderr))
		_exit(5);
	signal(SIGUSR1, on_usr1);
	sigaction(SIGUSR2, &(struct sigaction){.sa_sigaction = on_usr2, .sa_flags = SA_SIGINFO}, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	r = l ? reconciler_new(l, f->config, &o, &d) : NULL;
	if (!r || loop_signals(l, &set, on_term, l) < 0)
		_exit(3);
	reconciler_turn(r);
	sayer = (struct port_sayer){.reconciler = r, .loop = l, .timer = {.fn = say_port, .ctx = &sayer}, .to = say};
	say_port(&sayer);
	if (loop_run(l) < 0)
		_exit(4);
	reconciler_free(r);
	loop_free(l);
	diags_free(&d);
	_exit(0);
}

/* Starts it; what comes back is for server_ready(). */
static inline int server_begin(struct fixture *f)
{
	int say[2];

	assert_int_equal(pipe(say), 0);
	f->server = fork();
	assert_true(f->server >= 0);
	if (!f->server)
		serve(f, say[1]);
	close(say[1]);
	return say[0];
}

/* Waits until it listens: there is something published. */
static inline void server_ready(struct fixture *f, int said)
{
	if (poll(&(struct pollfd){.fd = said, .events = POLLIN}, 1, READY_MS) != 1)
		fail_msg("the server does not listen within %d s", READY_MS / 1000);
	assert_int_equal(read(said, &f->port, sizeof(f->port)), sizeof(f->port));
	close(said);
	assert_true(f->port > 0);
}

/* For the running server, at once: its timers are due, its deadlines over. */
static inline void time_passes(const struct fixture *f, int ms)
{
	assert_int_equal(sigqueue(f->server, SIGUSR2, (union sigval){.sival_int = ms}), 0);
}

static inline void server_start(struct fixture *f)
{
	server_ready(f, server_begin(f));
}

/* --- a client --- */

static inline int connect_from(const struct fixture *f, const char *from)
{
	struct sockaddr_in src = {.sin_family = AF_INET},
			   dst = {.sin_family = AF_INET, .sin_port = htons((uint16_t)f->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, from, &src.sin_addr);
	inet_pton(AF_INET, HUB, &dst.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&src, sizeof(src)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&dst, sizeof(dst)), 0);
	return fd;
}

static inline void send_request(const struct fixture *f, int fd, const char *method, const char *path, struct span body,
				const char *headers)
{
	struct buf b = {0};
	char id[KEY_B64_LEN + 1];

	key_format(&f->id, id);
	buf_printf(&b, "%s %s HTTP/1.1\r\nConnection: close\r\n", method, path);
	if (headers)
		buf_str(&b, headers);
	else
		buf_printf(&b, "Host: " HUB ":%u\r\nInnernet-Network: %s\r\n", f->port, id);
	if (body.p)
		buf_printf(&b, "Content-Length: %zu\r\n", body.n);
	buf_str(&b, "\r\n");
	buf_add(&b, body.p, body.n);
	assert_int_equal(send(fd, b.p, b.n, MSG_NOSIGNAL), (ssize_t)b.n);
	buf_free(&b);
}

/* Everything until the other side closes. Returns the status; 0: closed without an answer. */
static inline int receive(int fd, struct buf *body)
{
	struct buf all = {0};
	char chunk[4096], *blank;
	int status = 0;
	ssize_t n;

	while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 20000) == 1 &&
	       (n = recv(fd, chunk, sizeof(chunk), 0)) > 0)
		buf_add(&all, chunk, (size_t)n);
	close(fd);
	if (all.n > 12)
		status = atoi(all.p + 9);
	blank = all.p ? strstr(all.p, "\r\n\r\n") : NULL;
	if (body && blank)
		buf_add(body, blank + 4, all.n - (size_t)(blank + 4 - all.p));
	buf_free(&all);
	return status;
}

static inline int get(const struct fixture *f, const char *from, const char *path, struct buf *body)
{
	int fd = connect_from(f, from);

	send_request(f, fd, "GET", path, (struct span){0}, NULL);
	return receive(fd, body);
}

/* What came before this, and what was due, has been looked at: its own address is refused, but not before that. */
static inline void server_looked(const struct fixture *f)
{
	assert_int_equal(get(f, HUB, "/v1/poll", NULL), 403);
}

static inline int post(const struct fixture *f, const char *from, struct span record, struct buf *body)
{
	int fd = connect_from(f, from);

	send_request(f, fd, "POST", "/v1/redeem", record, NULL);
	return receive(fd, body);
}

/* A view as alice would take it, verified; what she held before may be NULL. */
struct seen {
	struct arena *arena;
	struct bundle *bundle;
	struct view *view;
	char have[HASH_HEX_LEN + 1];
};

static inline void verify(const struct fixture *f, const struct buf *body, const struct seen *held, struct seen *out)
{
	struct verifier v = {.held = held ? held->bundle : NULL, .held_view = held ? held->view : NULL};
	struct bundle b;
	struct diags d = {0};

	v.pinned = (struct trust){.id = f->id, .n_signers = 1, .n_online = 1, .threshold = 1, .present = true};
	v.pinned.signers[0] = v.pinned.online[0] = f->pinned;
	v.current = held ? held->view->statement.trust : v.pinned;
	assert_int_equal(key_parse(f->alice, KEY_B64_LEN, &v.own_key), 0);
	out->arena = arena_new();
	struct span bytes = arena_span(out->arena, buf_span(body));
	assert_int_equal(bundle_parse(out->arena, bytes, &b, &d), 0);
	enum verify_result result = snapshot_verify(out->arena, &v, &b, time(NULL), &out->view, &out->bundle, &d);
	if (result != VERIFY_OK)
		fail_msg("not believed (%d): %s", (int)result, d.first ? d.first->message : "?");
	assert_int_equal(d.n_warnings, 0);
	hash_hex(&out->view->statement.name, out->have);
	diags_free(&d);
}

static inline void fetch(const struct fixture *f, const struct seen *held, struct seen *out)
{
	struct buf body = {0};
	char path[256];

	snprintf(path, sizeof(path), "/v1/poll?have=%s.-.-&wait=10", held ? held->have : "-");
	assert_int_equal(get(f, "127.60.64.2", path, &body), 200);
	verify(f, &body, held, out);
	buf_free(&body);
}

/* status.json, once `type` is `status` with `reason`. */
static inline json_t *await_condition(const struct fixture *f, const char *type, const char *status, const char *reason)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/status.json", f->data);
	for (int i = 0; i < 2000; i++) {
		json_t *o = json_load_file(path, 0, NULL), *c;
		size_t k;
		json_array_foreach(json_object_get(o, "conditions"), k, c)
		{
			if (!strcmp(json_string_value(json_object_get(c, "type")), type) &&
			    !strcmp(json_string_value(json_object_get(c, "status")), status) &&
			    !strcmp(json_string_value(json_object_get(c, "reason")), reason))
				return o;
		}
		json_decref(o);
		usleep(5000);
	}
	fail_msg("no %s=%s (%s) within 10 s", type, status, reason);
	return NULL;
}

static inline const char *condition_text(json_t *o, const char *type, const char *field)
{
	json_t *c;
	size_t k;

	json_array_foreach(json_object_get(o, "conditions"), k, c)
	{
		if (!strcmp(json_string_value(json_object_get(c, "type")), type))
			return json_string_value(json_object_get(c, field));
	}
	return "";
}

#endif
