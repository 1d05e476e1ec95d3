/*
 * Notifies the service manager by the protocol of sd_notify(3): datagrams to the socket in NOTIFY_SOCKET. Without that
 * variable the functions do nothing. libsystemd is not needed: the protocol is small and stable.
 */
#ifndef EDGE_NOTIFY_H
#define EDGE_NOTIFY_H

#include "reconcile/edge/base/loop.h"
#include <sys/un.h>

struct notify {
	int fd; /* -1: no NOTIFY_SOCKET */
	struct sockaddr_un to;
	socklen_t to_len;
	struct loop *loop;
	struct loop_timer watchdog;
	int64_t every_ms; /* 0: no watchdog */
	char status[256]; /* the last status sent */
};

/*
 * Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment, so that no child process
 * notifies in our name. While the loop runs, a timer sends the watchdog message at half its time-out. A service manager
 * that cannot be reached is no error.
 */
void notify_open(struct notify *n, struct loop *l);
void notify_close(struct notify *n);

/* The start is complete, or the reload. */
void notify_ready(struct notify *n);
void notify_reloading(struct notify *n);
void notify_stopping(struct notify *n);
/* Sends one line for `systemctl status`, unless it equals the last one. */
void notify_status(struct notify *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
