/*
 * HTTP to a server inside the tunnel (libcurl): bound to the interface, the exact Host and our own header,
 * no proxies, no redirects, no other protocol. Everything is bounded: the body, and the whole transfer
 * (a server that sends one byte a second is given up like one that sends none).
 */
#ifndef EDGE_CLIENT_H
#define EDGE_CLIENT_H

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/http/routes.h"
#include "schema/addr.h"
#include "schema/key.h"

struct client_request {
	struct addr server;
	uint16_t port;    /* 0: SERVER_PORT */
	const char *path; /* with its query: ROUTE_POLL "?..." */
	struct span body; /* p NULL: a GET; else a POST, or a PUT */
	bool put;
	size_t max;           /* bytes of the answer's body */
	unsigned first_ms;    /* from the connection to the first byte: how long the server may hold it; 0: 10,000 */
	unsigned connect_ms;  /* for the connection alone; 0: 10,000 */
	unsigned deadline_ms; /* from the first byte to the last; 0: TRANSFER_SECONDS */
};

struct client_answer {
	long status;       /* HTTP's; 0: no answer, `error` says why */
	struct buf body;   /* the receiver may take it over; what is left is freed after the call */
	const char *error; /* one phrase: "no route to the server", ...; NULL with a status */
	bool too_large;    /* given up: more than `max` */
};

struct client;
/*
 * `ifname`: the interface to bind to; NULL: none (tests). `id`: the network's. `loop` may be NULL: then only
 * client_once() works.
 */
struct client *client_new(struct loop *loop, const char *ifname, const struct key *id, struct diags *d);
void client_free(struct client *c); /* requests under way end without their function being called */

/*
 * Starts a request; `fn` is called once, from the loop. One at a time: starting another, or client_cancel(), drops the
 * one under way. 0, or -1 with a diagnostic.
 */
typedef void client_fn(void *ctx, struct client_answer *answer);
int client_start(struct client *c, const struct client_request *q, client_fn *fn, void *ctx, struct diags *d);
void client_cancel(struct client *c);

/* The same for the commands: blocks until there is an answer or none will come. The caller frees answer->body. */
int client_once(struct client *c, const struct client_request *q, struct client_answer *answer, struct diags *d);

#endif
