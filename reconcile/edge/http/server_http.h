/*
 * HTTP inside the tunnel (libmicrohttpd in our loop): accepting, bounding, holding and answering requests. What the
 * requests mean is decided by the caller, in one callback. One connection is one peer; no proxy stands between.
 */
#ifndef EDGE_SERVER_HTTP_H
#define EDGE_SERVER_HTTP_H

#include "reconcile/edge/base/loop.h"
#include "schema/addr.h"
#include "schema/diag.h"

struct http_server;
struct http_request;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_OTHER };
/* Why the callback is called: the request is here; http_wake() was called; its time is over. */
enum http_reason { HTTP_NEW, HTTP_WOKEN, HTTP_TIMEOUT };

/* What a request's body may be. */
struct http_body_rule {
	uint64_t max; /* bytes, both as they are sent and unpacked */
	bool in_file; /* http_body_file() has it, not http_body(); and it may be chunked, and packed (gzip) */
	int64_t ms;   /* deadline of the whole transfer */
};

struct http_options {
	const char *interface;                  /* SO_BINDTODEVICE; NULL: not bound to one (tests) */
	struct addr address;                    /* with an interface: ignored, any; otherwise where to listen */
	uint16_t port;                          /* 0 (tests): any; see http_port() */
	unsigned max_connections, max_per_peer; /* 0: CONNECTIONS_MAX, CONNECTIONS_PEER */
	unsigned transfer_ms;                   /* 0: TRANSFER_SECONDS */
	const char *spool_dir;                  /* where bodies in files are; NULL: in memory (tests) */
	/*
	 * The one address for which those of one peer are counted; connections from unknown addresses are counted
	 * together, as that of zeros. NULL: each by itself.
	 */
	struct addr (*peer)(void *ctx, const struct addr *from);
	/*
	 * Asked when the headers of a request are there, before its body is read; `rule` is REQUEST_MAX bytes in
	 * memory. False: refused, with http_refuse(). NULL: no such check.
	 */
	bool (*admit)(void *ctx, struct http_request *r, struct http_body_rule *rule);
	/* Must answer (http_answer) or hold (http_hold), exactly one of them. */
	void (*request)(void *ctx, struct http_request *r, enum http_reason why);
	void *ctx;
};

/*
 * Starts without a listener: http_listen() makes it. NULL with a diagnostic ("http-failed"). Copies nothing but the
 * struct.
 */
struct http_server *http_new(struct loop *l, const struct http_options *o, struct diags *d);
void http_free(struct http_server *s); /* closes every connection */

/*
 * Makes the listener, or makes it anew when the interface is another one of the same name (a socket stays bound to the
 * index that it found). Nothing to do: 0. -1 with a diagnostic ("listen-failed"): try again later.
 */
int http_listen(struct http_server *s, struct diags *d);
bool http_listening(const struct http_server *s);
uint16_t http_port(const struct http_server *s);

/* What was asked. Strings live as long as the request. NULL: absent. */
enum http_method http_method(const struct http_request *r);
const char *http_method_name(enum http_method m);    /* as it stands in a request; "?" of HTTP_OTHER */
const char *http_path(const struct http_request *r); /* without the query */
const char *http_header(const struct http_request *r, const char *name);
const char *http_argument(const struct http_request *r, const char *name);
struct span http_body(const struct http_request *r);
/* A body in a file, from its start; the descriptor stays the request's. -1: there is none. */
int http_body_file(const struct http_request *r);
const struct addr *http_from(const struct http_request *r); /* the peer's address: WireGuard proved it */
void **http_data(struct http_request *r);                   /* the caller's own, freed with free() at the end */

/*
 * Answers with `body` (taken over: `body` is empty afterwards). `acknowledged` (may be NULL) is called once, when the
 * other side has all of it (SIOCOUTQ is 0), or 200 ms later, or when the connection broke.
 */
void http_answer(struct http_request *r, unsigned status, const char *content_type, struct buf *body,
		 void (*acknowledged)(void *ctx), void *ctx);
/* "<code>: <message>\n" as text/plain. */
void http_refuse(struct http_request *r, unsigned status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void http_out_of_memory(struct http_request *r); /* refuses it with 500 */

/*
 * An answer that is made while it is sent. From http_stream() on the request sleeps; http_stream_ready() wakes it, any
 * number of times.
 */
enum { HTTP_STREAM_WAIT = 0, HTTP_STREAM_END = -1, HTTP_STREAM_BROKEN = -2 };
struct http_stream {
	/* The first time that it is ready: http_stream_answer() or http_refuse(); neither: not yet. */
	void (*begin)(void *ctx, struct http_request *r);
	/* At most `max` bytes; how many, or one of the above. */
	ssize_t (*read)(void *ctx, char *to, size_t max);
	void (*end)(void *ctx); /* once, when the request goes, in whatever way */
	void *ctx;
};
void http_stream(struct http_request *r, const struct http_stream *stream);
void http_stream_ready(struct http_request *r);
void http_stream_answer(struct http_request *r, unsigned status, const char *content_type);

/* Holds it until http_wake() or for this long. A held request whose peer hangs up goes by itself. */
void http_hold(struct http_request *r, int64_t ms);
void http_wake(struct http_request *r);
/* Calls `fn` for each held request; `fn` may wake it. */
void http_each_held(struct http_server *s, void (*fn)(void *ctx, struct http_request *r), void *ctx);
/* Lets woken requests be answered now, not in the loop's next turn. */
void http_run(struct http_server *s);
/* Closes all connections from addresses of which `keep` says no: their key went. */
void http_close_others(struct http_server *s, bool (*keep)(void *ctx, const struct addr *from), void *ctx);
unsigned http_connections(const struct http_server *s);
/* Requests whose body is, or is to be, in a file: all, or those of the peer that has an address (`from` not NULL). */
unsigned http_bodies_in_files(struct http_server *s, const struct addr *from);
/* Since the start: answers, those of a status of 400 and above, and bytes of their bodies. */
struct http_counts {
	uint64_t answers, refused, sent_bytes;
};
struct http_counts http_counts(const struct http_server *s);

#endif
