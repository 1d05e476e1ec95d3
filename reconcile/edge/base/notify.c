#include "reconcile/edge/base/notify.h"

#include "schema/buf.h"
#include "schema/utf8.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Send time-out in milliseconds, for a service manager that does not read. */
#define SEND_MS 1000

static void tell(const struct notify *n, struct span text)
{
	if (n->fd >= 0)
		(void)!sendto(n->fd, text.p, text.n, MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_len);
}

static void feed(void *ctx)
{
	struct notify *n = ctx;

	tell(n, span_str("WATCHDOG=1"));
	(void)loop_timer_set(n->loop, &n->watchdog, n->every_ms);
}

/* Sets n->to from "/path" or "@name" (abstract namespace). Returns -1 for another text (unix(7), sd_notify(3)). */
static int address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(n->to.sun_path))
		return -1;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len + 1);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	return 0;
}

/* Returns half of the watchdog's time-out; 0 without a watchdog, or with one for another process. */
static int64_t watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t ms;
	char *end;

	if (!usec || usec[0] < '0' || usec[0] > '9' || (pid && strtoimax(pid, NULL, 10) != getpid()))
		return 0;
	ms = strtoimax(usec, &end, 10) / 2000;
	return *end ? 0 : ms < 1 ? 1 : ms;
}

void notify_open(struct notify *n, struct loop *l)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct timeval patience = {.tv_sec = SEND_MS / 1000, .tv_usec = SEND_MS % 1000 * 1000};

	*n = (struct notify){.fd = -1, .loop = l, .watchdog = {.fn = feed, .ctx = n}};
	if (path && address(n, path) == 0)
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd >= 0) {
		(void)setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		n->every_ms = watchdog_ms();
		if (n->every_ms)
			feed(n);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	if (n->fd < 0)
		return;
	loop_timer_del(n->loop, &n->watchdog);
	close(n->fd);
	n->fd = -1;
}

void notify_ready(struct notify *n)
{
	tell(n, span_str("READY=1"));
}

void notify_reloading(struct notify *n)
{
	struct timespec now;
	char text[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		 (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(n, span_str(text));
}

void notify_stopping(struct notify *n)
{
	tell(n, span_str("STOPPING=1"));
}

void notify_status(struct notify *n, const char *fmt, ...)
{
	char status[sizeof(n->status)];
	struct buf line = {0};
	va_list ap;

	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	vsnprintf(status, sizeof(status), fmt, ap);
	va_end(ap);
	if (strcmp(status, n->status) == 0)
		return;
	memcpy(n->status, status, sizeof(status));
	buf_str(&line, "STATUS=");
	/* Escapes newlines: in this protocol each line is a command. */
	buf_visible(&line, span_str(status));
	if (!line.failed)
		tell(n, buf_span(&line));
	buf_free(&line);
}
