/* What the parts of the HTTP server share. Nobody else includes this. */
#ifndef EDGE_HTTP_STATE_H
#define EDGE_HTTP_STATE_H

#include "reconcile/edge/server_http.h"

#include <microhttpd.h>
#include <sys/socket.h>

#define BUCKETS 4096 /* of the connections by address; a power of two */

/* One connection. MHD owns the descriptor. */
struct conn {
	struct http_server *server;
	struct addr from;
	int fd;
	struct loop_timer deadline; /* of the transfer that is under way */
	struct http_request *request;
	struct conn *next, *prev; /* of all */
	struct conn *same_bucket;
};

struct http_request {
	struct conn *conn;
	struct MHD_Connection *mhd;
	enum http_method method;
	char *path;
	struct buf body;
	void *data;
	bool complete, answered, held, gone;
	enum http_reason why;
	struct loop_timer wait; /* while held */
	struct http_request *next_held, *prev_held;
	void (*acknowledged)(void *ctx);
	void *ack_ctx;
};

/* An answer that the other side has not acknowledged yet. */
struct drain {
	struct http_server *server;
	struct loop_timer step;
	int fd; /* a dup */
	int64_t until;
	void (*fn)(void *ctx);
	void *ctx;
	struct drain *next, *prev;
};

struct http_server {
	struct loop *loop;
	struct http_options o;
	struct MHD_Daemon *mhd;
	int mhd_fd; /* its epoll */
	int listener;
	unsigned ifindex; /* of the listener */
	uint16_t port;
	struct loop_timer turn, rest;
	struct conn *conns;
	struct conn *buckets[BUCKETS];
	unsigned n_conns;
	struct http_request *held;
	struct drain *drains;
	bool running;
	struct http_counts counts;
};

struct addr http_addr_of(const struct sockaddr *sa);
unsigned http_count_from(struct http_server *s, const struct addr *a); /* connections from an address */

/* An answer before the request is one: the connection is closed after it. */
enum MHD_Result http_refuse_early(struct MHD_Connection *mhd, unsigned status, const char *text);

/* http_framing.c: whether it can be told where the request ends, and it is short enough. Not *ok: it was answered. */
enum MHD_Result http_check_framing(struct MHD_Connection *mhd, const char *method, bool *ok);

/* http_drain.c: tells r->acknowledged when the answer has arrived. */
void http_drain_start(struct http_request *r);
void http_drains_end(struct http_server *s); /* without telling */

/* http_listen.c */
void http_rest_over(void *ctx); /* accepting again; the server */
void http_stop_listening(struct http_server *s);

#endif
