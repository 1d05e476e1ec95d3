/* The HTTP server's own duties: framing, bounds, holding and waking, deadlines, caps, what is acknowledged. */
#include "reconcile/edge/http/request.h"
#include "reconcile/edge/http/server_http.h"
#include "tests/cmocka.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The server and its one client in one loop: the client is driven by hand, the loop by turns. */
struct fixture {
	struct loop *loop;
	struct http_server *http;
	struct loop_timer stop;
	int requests, acknowledged;
	enum http_reason last;
	struct http_request *held;
	bool refuse_all;
};

static void on_stop(void *ctx)
{
	struct fixture *f = ctx;

	loop_stop(f->loop);
}

static void spin(struct fixture *f, int ms)
{
	loop_timer_set(f->loop, &f->stop, ms);
	loop_run(f->loop);
}

static void on_acknowledged(void *ctx)
{
	struct fixture *f = ctx;

	f->acknowledged++;
}

static void on_request(void *ctx, struct http_request *q, enum http_reason why)
{
	struct fixture *f = ctx;
	struct buf body = {0};
	struct span in = http_body(q);

	f->requests++;
	f->last = why;
	if (!strncmp(http_path(q), "/hold", 5) && why == HTTP_NEW) {
		f->held = q;
		http_hold(q, 400);
		if (!strcmp(http_path(q), "/hold-and-wake"))
			http_wake(q);
		return;
	}
	if (!strcmp(http_path(q), "/wake"))
		http_wake(f->held);
	if (!strcmp(http_path(q), "/refuse")) {
		http_refuse(q, 410, "invite-used", "no %d", 7);
		return;
	}
	if (!strcmp(http_path(q), "/large"))
		for (int i = 0; i < 10000; i++)
			buf_str(&body, "thirty-two bytes, and nothing.\n\n");
	buf_printf(&body, "%s %s ", http_method(q) == HTTP_GET ? "got" : "posted", http_path(q));
	buf_add(&body, in.p, in.n);
	http_answer(q, 200, "text/plain", &body, on_acknowledged, f);
}

static struct fixture *make(unsigned max, unsigned max_per_peer, unsigned transfer_ms)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diags d = {0};
	struct http_options o = {.max_connections = max,
				 .max_per_peer = max_per_peer,
				 .transfer_ms = transfer_ms,
				 .request = on_request,
				 .ctx = f};

	f->loop = loop_new(&d);
	f->stop = (struct loop_timer){.fn = on_stop, .ctx = f};
	addr_parse("127.0.0.1", 9, &o.address);
	f->http = http_new(f->loop, &o, &d);
	assert_non_null(f->http);
	assert_int_equal(http_listen(f->http, &d), 0);
	return f;
}

static void end(struct fixture *f)
{
	http_free(f->http);
	loop_free(f->loop);
	free(f);
}

static int dial(struct fixture *f, const char *from)
{
	struct sockaddr_in src = {.sin_family = AF_INET},
			   dst = {.sin_family = AF_INET, .sin_port = htons(http_port(f->http))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, from, &src.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &dst.sin_addr);
	assert_int_equal(bind(fd, (struct sockaddr *)&src, sizeof(src)), 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	assert_true(connect(fd, (struct sockaddr *)&dst, sizeof(dst)) == 0 || errno == EINPROGRESS);
	spin(f, 5);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define LONG 5000 /* ms within which anything comes that comes at all */

/* What comes within some time, NUL-terminated; "" for nothing; "closed" when the other side closed. */
static const char *hear(struct fixture *f, int fd, int ms)
{
	static char text[8192];
	size_t n = 0;
	ssize_t got = -1;

	for (int i = 0; i < ms && !n && got != 0; i += 5) {
		spin(f, 5);
		while (n < sizeof(text) - 1 && (got = recv(fd, text + n, sizeof(text) - 1 - n, 0)) > 0)
			n += (size_t)got;
	}
	text[n] = '\0';
	return n || got != 0 ? text : "closed";
}

static void await(struct fixture *f, unsigned connections)
{
	for (int i = 0; i < LONG && http_connections(f->http) != connections; i += 5)
		spin(f, 5);
	assert_int_equal(http_connections(f->http), connections);
}

static void assert_starts(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)))
		fail_msg("wanted %s, got %s", start, text);
}

#define HOST "Host: x\r\n"

static void test_requests(void **state)
{
	struct fixture *f = make(0, 0, 0);
	int fd = dial(f, "127.0.0.2");
	const char *answer;

	(void)state;
	say(fd, "GET /a?b=c HTTP/1.1\r\n" HOST "\r\n");
	answer = hear(f, fd, LONG);
	assert_starts(answer, "HTTP/1.1 200 OK\r\n");
	assert_non_null(strstr(answer, "\r\n\r\ngot /a "));
	/* The same connection again, now with a body in two pieces. */
	say(fd, "POST /p HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhello");
	assert_string_equal(hear(f, fd, 10), "");
	say(fd, "world");
	answer = hear(f, fd, LONG);
	if (!strstr(answer, "\r\n\r\nposted /p helloworld"))
		fail_msg("got %s", answer);
	say(fd, "GET /refuse HTTP/1.1\r\n" HOST "\r\n");
	answer = hear(f, fd, LONG);
	assert_starts(answer, "HTTP/1.1 410");
	assert_non_null(strstr(answer, "\r\n\r\ninvite-used: no 7\n"));
	assert_int_equal(f->requests, 3);
	for (int i = 0; i < LONG && f->acknowledged != 2; i += 5)
		spin(f, 5);
	assert_int_equal(f->acknowledged, 2);
	assert_int_equal(http_connections(f->http), 1);
	close(fd);
	await(f, 0);
	end(f);
}

/* libmicrohttpd 1.0.10 itself refuses a length that no number can hold. */
#define MHD_ANSWERS_FIRST (MHD_VERSION >= 0x01001000)

/* Two opinions about where a request ends, and bodies without an end: refused, and the connection closed. */
static void test_framing(void **state)
{
	static const struct {
		const char *request, *answer;
	} cases[] = {
	    {"POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
	     "HTTP/1.1 400"},
	    {"POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "HTTP/1.1 400"},
	    {"POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 400"},
	    {"POST /p HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 400"},
	    {"POST /p HTTP/1.1\r\n" HOST "Host: y\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 400"},
	    {"POST /p HTTP/1.1\r\n" HOST "Content-Length: 4097\r\n\r\nhello", "HTTP/1.1 413"},
	    {"POST /p HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999\r\n\r\nhello",
	     MHD_ANSWERS_FIRST ? "HTTP/1.1 400" : "HTTP/1.1 413"},
	    {"POST /p HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 411"},
	    /* What MHD takes for a header of another name, and another program might not. */
	    {"GET / HTTP/1.1\r\n" HOST "Content-Length : 24\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "HTTP/1.1 400"},
	    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400"},
	    {"GET / HTTP/1.1\r\n" HOST "X: a\rContent-Length: 5\r\n\r\n", "HTTP/1.1 400"},
	    {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *f = make(0, 0, 0);
		int fd = dial(f, "127.0.0.2");
		const char *answer;
		say(fd, cases[i].request);
		answer = hear(f, fd, LONG);
		/* MHD may drop instead of answering what it finds impossible itself. */
		if (strcmp(answer, "closed"))
			assert_starts(answer, cases[i].answer);
		assert_int_equal(f->requests, 0);
		assert_string_equal(hear(f, fd, LONG), "closed");
		close(fd);
		end(f);
	}
}

static void test_hold_and_wake(void **state)
{
	struct fixture *f = make(0, 0, 0);
	int fd = dial(f, "127.0.0.2");

	(void)state;
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(hear(f, fd, 30), "");
	assert_non_null(f->held);
	http_wake(f->held);
	assert_starts(hear(f, fd, LONG), "HTTP/1.1 200");
	assert_int_equal(f->last, HTTP_WOKEN);
	/* By itself, when its time is over. */
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(hear(f, fd, 30), "");
	assert_starts(hear(f, fd, LONG), "HTTP/1.1 200");
	assert_int_equal(f->last, HTTP_TIMEOUT);
	/* By another request, with which the turn of that one ends. */
	int other = dial(f, "127.0.0.3");
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(hear(f, fd, 30), "");
	say(other, "GET /wake HTTP/1.1\r\n" HOST "\r\n");
	assert_starts(hear(f, fd, LONG), "HTTP/1.1 200");
	assert_int_equal(f->last, HTTP_WOKEN);
	close(other);
	/* By the call that holds it. */
	say(fd, "GET /hold-and-wake HTTP/1.1\r\n" HOST "\r\n");
	assert_starts(hear(f, fd, LONG), "HTTP/1.1 200");
	assert_int_equal(f->last, HTTP_WOKEN);
	/* A request whose connection closes while it is held is not called again, and leaves nothing. */
	await(f, 1);
	f->requests = 0;
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(hear(f, fd, 30), "");
	close(fd);
	await(f, 0);
	assert_int_equal(f->requests, 1);
	spin(f, 450);
	assert_int_equal(f->requests, 1);
	end(f);
}

/* One byte now and then keeps MHD's own time-out away, but not the deadline of the transfer. */
static void test_slow_client(void **state)
{
	struct fixture *f = make(0, 0, 120);
	int fd = dial(f, "127.0.0.2");
	const char *answer = "";

	(void)state;
	say(fd, "GET / HTTP/1.1\r\n");
	for (int i = 0; i < 20 && strcmp(answer, "closed"); i++) {
		if (send(fd, "X", 1, MSG_NOSIGNAL) < 0)
			break;
		answer = hear(f, fd, 20);
	}
	await(f, 0);
	assert_int_equal(f->requests, 0);
	close(fd);
	/* A held request is not a slow transfer. */
	fd = dial(f, "127.0.0.2");
	say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	assert_string_equal(hear(f, fd, 130), "");
	assert_int_equal(http_connections(f->http), 1);
	assert_starts(hear(f, fd, LONG), "HTTP/1.1 200");
	close(fd);
	end(f);
}

/* A program that is started meanwhile has none of our connections: they would stay open as long as it runs. */
static void test_not_inherited(void **state)
{
	struct fixture *f = make(0, 0, 0);
	struct sockaddr_in dst = {.sin_family = AF_INET, .sin_port = htons(http_port(f->http))};
	int fd = socket(AF_INET, SOCK_STREAM, 0), ours = 0;

	(void)state;
	/* One that does not read: what it is sent waits to be acknowledged. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
	inet_pton(AF_INET, "127.0.0.1", &dst.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&dst, sizeof(dst)), 0);
	say(fd, "GET /large HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < LONG && !http_counts(f->http).answers; i += 5)
		spin(f, 5);
	spin(f, 50);
	for (int i = 3; i < 100; i++) {
		struct sockaddr_in6 at; /* of both families at once: the port is at one place */
		socklen_t n = sizeof(at);
		if (getsockname(i, (struct sockaddr *)&at, &n) || at.sin6_port != dst.sin_port)
			continue;
		ours++;
		assert_true(fcntl(i, F_GETFD) & FD_CLOEXEC);
	}
	assert_int_equal(ours, 3); /* the listener, the connection, and the one that waits for the other side */
	assert_int_equal(f->acknowledged, 0);
	close(fd);
	end(f);
}

static void test_caps(void **state)
{
	struct fixture *f = make(5, 3, 0);
	int fd[8];

	(void)state;
	for (int i = 0; i < 4; i++)
		fd[i] = dial(f, "127.0.0.2");
	await(f, 3);
	assert_string_equal(hear(f, fd[3], LONG), "closed");
	for (int i = 4; i < 7; i++)
		fd[i] = dial(f, "127.0.0.3");
	await(f, 5); /* the total */
	close(fd[0]);
	await(f, 4);
	fd[7] = dial(f, "127.0.0.2");
	await(f, 5);
	for (int i = 1; i < 8; i++)
		close(fd[i]);
	end(f);
}

static bool only_two(void *ctx, const struct addr *from)
{
	(void)ctx;
	return from->b[15] == 2;
}

static void test_close_others(void **state)
{
	struct fixture *f = make(0, 0, 0);
	int two = dial(f, "127.0.0.2"), three = dial(f, "127.0.0.3");

	(void)state;
	say(two, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	say(three, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
	for (int i = 0; i < LONG && f->requests != 2; i += 5)
		spin(f, 5);
	assert_int_equal(f->requests, 2);
	http_close_others(f->http, only_two, NULL);
	assert_string_equal(hear(f, three, LONG), "closed");
	await(f, 1);
	assert_starts(hear(f, two, LONG), "HTTP/1.1 200");
	close(two);
	close(three);
	end(f);
}

static void test_port_in_use(void **state)
{
	struct fixture *f = make(0, 0, 0);
	struct diags d = {0};
	struct http_options o = {.port = http_port(f->http), .request = on_request, .ctx = f};
	struct http_server *second;

	(void)state;
	addr_parse("127.0.0.1", 9, &o.address);
	second = http_new(f->loop, &o, &d);
	assert_non_null(second);
	assert_int_equal(http_listen(second, &d), -1);
	assert_string_equal(d.first->code, "listen-failed");
	assert_non_null(strstr(d.first->message, "Address already in use"));
	assert_non_null(d.first->help);
	http_free(second);
	diags_free(&d);
	end(f);
}

static void test_have(void **state)
{
	static const char hash[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	static const char commit[] = "0123456789012345678901234567890123456789";
	static const char *const bad[] = {
	    "",      "-",     "-.-",   "-.-.", ".-.-", "-.-.x", "-.-.01", "-.-.-.-", "-.-.18446744073709551616",
	    "0.-.-", "-.0.-", "-.-. 1"};
	struct have h;
	char text[256];
	unsigned wait;
	uint32_t speak;

	(void)state;
	assert_int_equal(request_have("-.-.-", &h), 0);
	assert_false(h.has_statement || h.has_ledger || h.has_hints);
	assert_string_equal(h.ledger, "-");
	snprintf(text, sizeof(text), "%s.%s.18446744073709551615", hash, commit);
	assert_int_equal(request_have(text, &h), 0);
	assert_true(h.has_statement && h.has_ledger && h.has_hints);
	assert_int_equal(h.statement.b[1], 0x11);
	assert_string_equal(h.ledger, commit);
	assert_true(h.hints == UINT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(request_have(bad[i], &h), -1);
	snprintf(text, sizeof(text), "%.63sG.-.-", hash);
	assert_int_equal(request_have(text, &h), -1);
	assert_int_equal(request_wait(NULL, &wait), 0);
	assert_int_equal(wait, 0);
	assert_int_equal(request_wait("60", &wait), 0);
	assert_int_equal(wait, 60);
	assert_int_equal(request_wait("61", &wait), -1);
	assert_int_equal(request_wait("-1", &wait), -1);
	assert_int_equal(request_wait("", &wait), -1);
	assert_int_equal(request_speak(NULL, &speak), 0);
	assert_int_equal(speak, 1);
	assert_int_equal(request_speak("9999", &speak), 0);
	assert_int_equal(speak, 9999);
	assert_int_equal(request_speak("0", &speak), -1);
	assert_int_equal(request_speak("10000", &speak), -1);
	assert_int_equal(request_speak("02", &speak), -1);
	assert_int_equal(request_speak("", &speak), -1);
}

static void test_host(void **state)
{
	struct addr own[2];

	(void)state;
	addr_parse("10.60.0.1", 9, &own[0]);
	addr_parse("fd00:60::1", 10, &own[1]);
	assert_true(request_host_matches("10.60.0.1:51820", own, 2, 51820));
	assert_true(request_host_matches("[fd00:60::1]:51820", own, 2, 51820));
	assert_false(request_host_matches("10.60.0.1", own, 2, 51820));
	assert_false(request_host_matches("10.60.0.1:51821", own, 2, 51820));
	assert_false(request_host_matches("10.60.0.2:51820", own, 2, 51820));
	assert_false(request_host_matches("[FD00:60::1]:51820", own, 2, 51820));
	assert_false(request_host_matches(NULL, own, 2, 51820));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_have),          cmocka_unit_test(test_host),
	    cmocka_unit_test(test_requests),      cmocka_unit_test(test_framing),
	    cmocka_unit_test(test_hold_and_wake), cmocka_unit_test(test_slow_client),
	    cmocka_unit_test(test_not_inherited), cmocka_unit_test(test_caps),
	    cmocka_unit_test(test_close_others),  cmocka_unit_test(test_port_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
