/* The listener, which is bound to an interface that may be made anew; and the connections that are accepted. */
#include "reconcile/edge/http/http_state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#define ACCEPT_BURST 64  /* accepted in one turn of the loop */
#define ACCEPT_REST  100 /* ms without accepting, after running out of descriptors */

static void on_listener(void *ctx, int fd, uint32_t events)
{
	struct http_server *s = ctx;
	const unsigned max = s->o.max_connections ? s->o.max_connections : CONNECTIONS_MAX;
	const unsigned max_peer = s->o.max_per_peer ? s->o.max_per_peer : CONNECTIONS_PEER;

	(void)events;
	for (int i = 0; i < ACCEPT_BURST; i++) {
		struct sockaddr_storage ss = {0};
		socklen_t n = sizeof(ss);
		int c = accept4(fd, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (c < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
				loop_fd_del(s->loop, fd);
				loop_timer_set(s->loop, &s->rest, ACCEPT_REST);
			}
			if (errno == ECONNABORTED || errno == EINTR)
				continue;
			break;
		}
		struct addr from = http_addr_of((struct sockaddr *)&ss);
		if (s->n_conns >= max || http_count_from(s, &from) >= max_peer) {
			close(c);
			continue;
		}
		MHD_add_connection(s->mhd, c, (struct sockaddr *)&ss, n); /* closes it when it fails */
	}
	http_run(s);
}

void http_rest_over(void *ctx)
{
	struct http_server *s = ctx;

	if (s->listener >= 0)
		loop_fd_set(s->loop, s->listener, EPOLLIN, on_listener, s);
}

void http_stop_listening(struct http_server *s)
{
	if (s->listener < 0)
		return;
	loop_fd_del(s->loop, s->listener);
	loop_timer_del(s->loop, &s->rest);
	close(s->listener);
	s->listener = -1;
}

/* A socket for both families; for IPv4 alone where the kernel has no IPv6. */
static int make_socket(const struct http_server *s, const char **what)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(s->o.port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(s->o.port)};
	const struct sockaddr *sa = (const struct sockaddr *)&six;
	socklen_t n = sizeof(six);
	int on = 1, off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*what = "make a socket";
	if (!s->o.interface) {
		memcpy(&six.sin6_addr, s->o.address.b, 16);
		memcpy(&four.sin_addr, s->o.address.b + 12, 4);
	}
	if (fd < 0 && errno == EAFNOSUPPORT) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		sa = (const struct sockaddr *)&four;
		n = sizeof(four);
	}
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	*what = "bind to the interface";
	if (s->o.interface &&
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, s->o.interface, (socklen_t)strlen(s->o.interface) + 1) < 0)
		goto fail;
	*what = "take the port";
	if (bind(fd, sa, n) < 0 || listen(fd, SOMAXCONN) < 0)
		goto fail;
	return fd;
fail:;
	int err = errno;
	close(fd);
	errno = err;
	return -1;
}

static bool keep_none(void *ctx, const struct addr *from)
{
	(void)ctx;
	(void)from;
	return false;
}

int http_listen(struct http_server *s, struct diags *d)
{
	unsigned index = s->o.interface ? if_nametoindex(s->o.interface) : 0;
	struct sockaddr_storage ss = {0};
	socklen_t n = sizeof(ss);
	const char *what;
	struct diag *g;

	if (s->listener >= 0 && index == s->ifindex)
		return 0;
	/* What was accepted is bound to the interface that went, too: nothing sent there ever arrives. */
	if (s->listener >= 0)
		http_close_others(s, keep_none, NULL);
	http_stop_listening(s);
	s->listener = make_socket(s, &what);
	if (s->listener < 0 || loop_fd_set(s->loop, s->listener, EPOLLIN, on_listener, s) < 0) {
		g = diag_error(d, "listen-failed", NULL, "cannot %s %s%sTCP port %u: %s", what,
			       s->o.interface ? s->o.interface : "", s->o.interface ? ", " : "", s->o.port,
			       strerror(errno));
		if (errno == EADDRINUSE)
			diag_help(d, g, "find the program that has it: ss -ltnp 'sport = :%u'", s->o.port);
		else if (errno == EPERM || errno == EACCES)
			diag_help(d, g, "run it as root");
		http_stop_listening(s);
		return -1;
	}
	s->ifindex = index;
	getsockname(s->listener, (struct sockaddr *)&ss, &n);
	s->port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
						 : ((struct sockaddr_in *)&ss)->sin_port);
	return 0;
}

bool http_listening(const struct http_server *s)
{
	return s->listener >= 0;
}

uint16_t http_port(const struct http_server *s)
{
	return s->port;
}
