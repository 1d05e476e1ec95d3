/*
 * Telling the service manager how we are, as sd_notify(3) lays down: datagrams to the socket that NOTIFY_SOCKET
 * names. Without one all of this does nothing. No libsystemd: the protocol is stable and three lines long.
 */
#ifndef EDGE_NOTIFY_H
#define EDGE_NOTIFY_H

#include "reconcile/edge/base/loop.h"
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody asked */
	struct sockaddr_un to;
	socklen_t to_len;
	struct loop *loop;
	struct loop_timer watchdog;
	int64_t every_ms; /* 0: no watchdog */
	char status[256]; /* said last */
};

/*
 * From the environment: NOTIFY_SOCKET; WATCHDOG_USEC and WATCHDOG_PID. They are removed from it, so that no program
 * that we start speaks for us. While the loop turns, the watchdog is fed at half its time. Never an error: a service
 * manager that cannot be reached is no reason not to work.
 */
void notify_open(struct notify *n, struct loop *l);
void notify_close(struct notify *n);

/* Started, or done with reading everything again. */
void notify_ready(struct notify *n);
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);
/* One line for `systemctl status`; what was said last is not said again. */
void notify_status(struct notify *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
