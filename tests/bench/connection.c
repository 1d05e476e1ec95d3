#include "tests/bench/peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROOM 16384

void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

void connection_open(struct connection *c, const struct addr *from, uint16_t port)
{
	struct sockaddr_in src = {.sin_family = AF_INET}, dst = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int on = 1;

	memcpy(&src.sin_addr, from->b + 12, 4);
	inet_pton(AF_INET, NETWORK_SERVER, &dst.sin_addr);
	*c = (struct connection){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	if (c->fd < 0 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
	    bind(c->fd, (struct sockaddr *)&src, sizeof(src)) < 0 ||
	    connect(c->fd, (struct sockaddr *)&dst, sizeof(dst)) < 0)
		die("a peer cannot connect: %s", strerror(errno));
}

void connection_send(struct connection *c, const char *p, size_t n)
{
	/* Requests are small: they fit into the socket's buffer. */
	if (send(c->fd, p, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("a peer cannot send: %s", strerror(errno));
}

struct span connection_header(const struct connection *c, const char *name)
{
	const size_t len = strlen(name);
	const char *end = c->in.p + c->head;

	for (const char *line = c->in.p; line && line < end; line = memchr(line, '\n', (size_t)(end - line)), line++) {
		const char *stop = memchr(line, '\r', (size_t)(end - line));
		if (!stop)
			break;
		if ((size_t)(stop - line) > len + 1 && line[len] == ':' && strncasecmp(line, name, len) == 0) {
			line += len + 1;
			while (line < stop && *line == ' ')
				line++;
			return (struct span){(const uint8_t *)line, (size_t)(stop - line)};
		}
	}
	return (struct span){0};
}

static void find_head(struct connection *c)
{
	const char *blank = memmem(c->in.p, c->in.n, "\r\n\r\n", 4);
	struct span length;

	if (!blank)
		return;
	c->head = (size_t)(blank + 4 - c->in.p);
	if (c->in.n < 13 || memcmp(c->in.p, "HTTP/1.1 ", 9) != 0)
		die("an answer that is not HTTP");
	c->status = atoi(c->in.p + 9);
	length = connection_header(c, "Content-Length");
	c->need = c->head + (length.p ? strtoull((const char *)length.p, NULL, 10) : 0);
	if (!length.p && c->status == 200)
		die("an answer without its length");
}

bool connection_read(struct connection *c)
{
	static char chunk[ROOM];
	ssize_t n;

	while (!c->head || c->in.n < c->need) {
		n = recv(c->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0)
			die("a peer's connection ended: %s", n ? strerror(errno) : "closed");
		buf_add(&c->in, chunk, (size_t)n);
		if (c->in.failed)
			die("out of memory");
		if (!c->head)
			find_head(c);
	}
	if (c->in.n > c->need)
		die("more than one answer");
	return true;
}

void connection_next(struct connection *c)
{
	buf_free(&c->in);
	c->head = 0;
	c->need = 0;
}

void connection_close(struct connection *c)
{
	close(c->fd);
	buf_free(&c->in);
}

void poll_request(struct buf *out, const struct key *id, const char *have, unsigned wait_s)
{
	char text[KEY_B64_LEN + 1];

	key_format(id, text);
	buf_reset(out);
	buf_printf(out,
		   "GET /v1/poll?have=%s&wait=%u HTTP/1.1\r\nHost: " NETWORK_SERVER ":%d\r\n"
		   "Innernet-Network: %s\r\n\r\n",
		   have, wait_s, SITE_PORT, text);
}
