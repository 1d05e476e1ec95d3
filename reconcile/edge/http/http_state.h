/* What the parts of the HTTP server share. No other file includes this. */
#ifndef EDGE_HTTP_STATE_H
#define EDGE_HTTP_STATE_H

#include "reconcile/edge/http/server_http.h"

#include <microhttpd.h>
#include <sys/socket.h>

#define BUCKETS 4096 /* of the connections by peer; a power of two */

/* One connection. MHD owns the descriptor. */
struct conn {
	struct http_server *server;
	struct addr from, peer; /* the second as it is counted */
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
	struct http_body_rule rule;
	struct buf body;
	struct http_spool *spool; /* NULL: the body is in memory */
	void *data;
	bool early; /* nothing of its body is read yet */
	bool answered, held, gone;
	bool woken; /* since the caller was asked: it is asked again */
	enum http_reason why;
	struct loop_timer wait; /* while held */
	struct http_request *next_held, *prev_held;
	void (*acknowledged)(void *ctx);
	void *ack_ctx;
	struct http_stream stream; /* `end` NULL: there is none */
	bool asleep;               /* the stream has nothing to say */
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
	unsigned n_spools;
	struct drain *drains;
	bool running, again;
	struct http_counts counts;
};

/* Of a whole transfer. */
static inline int64_t http_transfer_ms(const struct http_server *s)
{
	return s->o.transfer_ms ? s->o.transfer_ms : TRANSFER_SECONDS * 1000;
}

/* Calls run down: server_http.c, http_listen.c, http_connection.c, http_hold.c and http_stream.c, http_turn.c. */

/* http_turn.c */
int http_turns_start(struct http_server *s); /* with s->mhd; -1 with errno, s->mhd_fd may be open */
/* A connection was resumed: MHD says nothing of it, so it has another turn at once, after the one under way. */
void http_again(struct http_server *s);

/* http_connection.c */
struct addr http_addr_of(const struct sockaddr *sa);
unsigned http_count_from(struct http_server *s, const struct addr *from); /* connections of the peer that has it */
void http_connection_changed(void *server, struct MHD_Connection *mhd, void **context,
			     enum MHD_ConnectionNotificationCode code);

/* http_hold.c */
void http_unhold(struct http_request *r);      /* it goes on */
void http_hold_forget(struct http_request *r); /* it ends */

/* http_framing.c: where does the request end? */
struct http_framing {
	const char *length;
	unsigned lengths, hosts, encodings;
	bool chunked;
	bool odd; /* a name or a value that another HTTP program may read otherwise */
};
void http_framing_read(struct MHD_Connection *mhd, const char *version, struct http_framing *out);
/* NULL: the body's framing is unambiguous. Else the text of the refusal (400). */
const char *http_framing_problem(const struct http_framing *f);
/* The same for a method and a rule about the body: `status`, and the text in `out`. */
bool http_framing_allowed(const struct http_framing *f, const char *method, const struct http_body_rule *rule,
			  unsigned *status, struct buf *out);

/* http_body.c: a body that goes to a file, unpacked on the way. */
struct http_spool;
struct http_spool *http_spool_new(const char *dir, uint64_t max, bool packed); /* NULL with errno */
void http_spool_free(struct http_spool *s);                                    /* NULL is fine */
/* Takes all of it. False: it is longer than it may be as it was sent. What else is wrong http_spool_end() says. */
bool http_spool_add(struct http_spool *s, const char *bytes, size_t n);
/* The body is whole: its file is rewound. 0, or the status to refuse it with and why. */
unsigned http_spool_end(struct http_spool *s, const char **why);
int http_spool_file(const struct http_spool *s);

/* http_stream.c */
void http_stream_begin(struct http_request *r);     /* it is ready, and not answered yet */
void http_stream_wake_gone(struct http_request *r); /* its connection is broken: when it sleeps, it is told */

/* http_drain.c: tells r->acknowledged when the answer has arrived. */
void http_drain_start(struct http_request *r);
void http_drains_end(struct http_server *s); /* without telling */

/* http_listen.c */
void http_rest_over(void *ctx); /* accepting again; the server */
void http_stop_listening(struct http_server *s);

#endif
