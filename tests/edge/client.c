/* HTTP as a peer speaks it: what it sends, byte for byte, and what no server can make it do. */
#include "reconcile/edge/http/client.h"
#include "tests/cmocka.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char ok_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";

/* A server in a process of its own: it reads one request, tells it to us, and does what the test says. */
struct server {
	pid_t pid;
	int requests; /* a pipe */
	uint16_t port;
};

static void send_text(int fd, const char *s)
{
	if (write(fd, s, strlen(s)) < 0)
		_exit(0);
}

static void read_request(int fd, int to)
{
	char text[4096];
	size_t n = 0;
	ssize_t r;

	while (n < sizeof(text) - 1 && (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
		n += (size_t)r;
		text[n] = '\0';
		const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
		if (end && n >= (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0))
			break;
	}
	if (write(to, text, n) < 0)
		_exit(1);
}

static struct server serve(void (*answer)(int fd), unsigned times)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), pipes[2];
	struct server s;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	s.port = ntohs(at.sin_port);
	s.requests = pipes[0];
	s.pid = fork();
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		close(pipes[0]);
		for (unsigned i = 0; i < times; i++) {
			int fd = accept(listener, NULL, NULL);
			read_request(fd, pipes[1]);
			if (fork() == 0) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				answer(fd);
				_exit(0);
			}
			close(fd);
		}
		pause(); /* until it is killed, with its children */
		_exit(0);
	}
	close(listener);
	close(pipes[1]);
	return s;
}

static void server_end(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->requests);
}

static struct client *new_client(struct loop *l)
{
	struct diags d = {0};
	struct key id = {{7}};
	struct client *c = client_new(l, NULL, &id, &d);

	assert_non_null(c);
	return c;
}

static struct client_request request_to(const struct server *s)
{
	struct client_request q = {.port = s->port, .path = "/v1/poll?have=-.-.-&wait=0", .max = 1000};

	assert_int_equal(addr_parse("127.0.0.1", 9, &q.server), 0);
	return q;
}

static struct client_answer once(const struct client_request *q)
{
	struct client *c = new_client(NULL);
	struct client_answer answer;
	struct diags d = {0};

	assert_int_equal(client_once(c, q, &answer, &d), 0);
	client_free(c);
	return answer;
}

static void say_hello(int fd)
{
	send_text(fd, ok_head);
	send_text(fd, "Content-Length: 6\r\n\r\nhello\n");
}

static void test_request(void **state)
{
	struct server s = serve(say_hello, 2);
	struct client_request q = request_to(&s);
	char got[4096], want[512];
	ssize_t n;

	(void)state;
	/* No proxy is asked, whatever the environment says. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	struct client_answer a = once(&q);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body.p, "hello\n");
	buf_free(&a.body);
	n = read(s.requests, got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	snprintf(want, sizeof(want),
		 "GET /v1/poll?have=-.-.-&wait=0 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
		 "User-Agent: innernet/" INNERNET_VERSION "\r\nAccept: */*\r\n"
		 "Innernet-Network: BwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
		 s.port);
	got[strlen(want)] = '\0';
	assert_string_equal(got, want);

	q.path = "/v1/redeem";
	q.body = SPAN("an enrolment\n");
	a = once(&q);
	assert_int_equal(a.status, 200);
	buf_free(&a.body);
	n = read(s.requests, got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_int_equal(strncmp(got, "POST /v1/redeem HTTP/1.1\r\n", 26), 0);
	assert_non_null(strstr(got, "Content-Length: 13\r\n"));
	assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\nan enrolment\n");
	server_end(&s);
}

/* ---- servers that mean no good -------------------------------------------------------------------------------- */

static void endless(int fd)
{
	char zeros[4096] = {0};

	send_text(fd, ok_head);
	send_text(fd, "\r\n");
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
}

static void announced_large(int fd)
{
	send_text(fd, ok_head);
	send_text(fd, "Content-Length: 4000000000\r\n\r\n");
	endless(fd);
}

static void trickle(int fd)
{
	send_text(fd, ok_head);
	send_text(fd, "Content-Length: 900\r\n\r\n");
	for (;;) {
		poll(NULL, 0, 10);
		send_text(fd, "x");
	}
}

static void trickled_head(int fd)
{
	send_text(fd, ok_head);
	for (;;) {
		poll(NULL, 0, 10);
		send_text(fd, "X: y\r\n");
	}
}

/* As fast as it goes, where libcurl itself sees no end yet. */
static void endless_head(int fd)
{
	send_text(fd, ok_head);
	for (int i = 0; i < 3000; i++)
		send_text(fd, "X-Filler: 0123456789\r\n");
	send_text(fd, "Content-Length: 0\r\n\r\n");
}

static void redirect(int fd)
{
	send_text(fd, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
}

static void not_http(int fd)
{
	send_text(fd, "SSH-2.0-OpenSSH_9.2\r\n");
}

static void cut_short(int fd)
{
	send_text(fd, ok_head);
	send_text(fd, "Content-Length: 100\r\n\r\nonly this");
}

static void silent(int fd)
{
	(void)fd;
	for (;;)
		pause();
}

static void silent_after_head(int fd)
{
	send_text(fd, ok_head);
	silent(fd);
}

static void hang_up(int fd)
{
	(void)fd;
}

struct heard {
	struct loop *loop;
	long status;
	const char *error;
};

static void hear(void *ctx, struct client_answer *answer)
{
	struct heard *h = ctx;

	h->status = answer->status;
	h->error = answer->error;
	assert_true(answer->body.n <= 1000);
	loop_stop(h->loop);
}

static void test_bad_servers(void **state)
{
	static const struct {
		void (*answer)(int fd);
		long status;
		const char *error;
	} cases[] = {
	    {endless, 0, "the answer is too large"},
	    {endless_head, 0, "the answer is too large"},
	    {announced_large, 0, "the answer is too large"},
	    {trickle, 0, "the answer took too long"},
	    {trickled_head, 0, "the answer took too long"},
	    {redirect, 302, NULL},
	    {not_http, 0, "the answer is not HTTP"},
	    {cut_short, 0, "the server closed the connection"},
	    {hang_up, 0, "the server closed the connection"},
	    {silent, 0, "no answer in time"},
	    {silent_after_head, 0, "the answer took too long"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = serve(cases[i].answer, 2);
		struct client_request q = request_to(&s);

		q.deadline_ms = q.connect_ms = q.first_ms = 150;
		struct client_answer a = once(&q);
		assert_int_equal(a.status, cases[i].status);
		if (cases[i].error)
			assert_string_equal(a.error, cases[i].error);
		assert_true(a.body.n <= q.max);
		buf_free(&a.body);

		/* And from a loop. */
		struct diags d = {0};
		struct loop *l = loop_new(&d);
		struct heard h = {.loop = l};
		struct client *c = new_client(l);
		assert_int_equal(client_start(c, &q, hear, &h, &d), 0);
		assert_int_equal(loop_run(l), 0);
		assert_int_equal(h.status, cases[i].status);
		if (cases[i].error)
			assert_string_equal(h.error, cases[i].error);
		client_free(c);
		loop_free(l);
		server_end(&s);
	}
}

static void test_nobody_there(void **state)
{
	struct server s = serve(hang_up, 1);
	struct client_request q = request_to(&s);
	struct client_answer a;

	(void)state;
	server_end(&s);
	a = once(&q);
	assert_int_equal(a.status, 0);
	assert_string_equal(a.error, "no connection");

	/* Bound to an interface that is not there. */
	struct diags d = {0};
	struct key id = {{7}};
	struct client *c = client_new(NULL, "no-such-if", &id, &d);
	assert_int_equal(client_once(c, &q, &a, &d), 0);
	assert_string_equal(a.error, "cannot bind to the interface (is it there, and are you root?)");
	client_free(c);
}

/* ---- in the loop ---------------------------------------------------------------------------------------------- */

struct run {
	struct loop *loop;
	struct client *client;
	struct client_request request;
	unsigned answers;
};

static void again(void *ctx, struct client_answer *answer)
{
	struct run *r = ctx;
	struct diags d = {0};

	assert_int_equal(answer->status, 200);
	assert_string_equal(answer->body.p, "hello\n");
	if (++r->answers == 3)
		loop_stop(r->loop);
	else /* from within its own answer */
		assert_int_equal(client_start(r->client, &r->request, again, r, &d), 0);
}

static void stop_loop(void *ctx)
{
	struct run *r = ctx;

	loop_stop(r->loop);
}

static void never(void *ctx, struct client_answer *answer)
{
	(void)ctx;
	(void)answer;
	fail_msg("a cancelled request was answered");
}

static void test_loop(void **state)
{
	struct server s = serve(say_hello, 4);
	struct diags d = {0};
	struct run r = {.loop = loop_new(&d), .request = request_to(&s)};
	struct loop_timer timer = {.fn = stop_loop, .ctx = &r};

	(void)state;
	r.client = new_client(r.loop);
	assert_int_equal(client_start(r.client, &r.request, again, &r, &d), 0);
	assert_int_equal(loop_run(r.loop), 0);
	assert_int_equal(r.answers, 3);

	/* Cancelled, or its client freed: its function is not called. */
	assert_int_equal(client_start(r.client, &r.request, never, &r, &d), 0);
	client_cancel(r.client);
	assert_int_equal(client_start(r.client, &r.request, never, &r, &d), 0);
	client_free(r.client);
	loop_timer_set(r.loop, &timer, 30);
	assert_int_equal(loop_run(r.loop), 0);
	loop_free(r.loop);
	server_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_bad_servers),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
