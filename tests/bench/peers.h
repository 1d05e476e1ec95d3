/*
 * Simulated peers: each a connection from an address of its own, so that the server authenticates it as it would, and
 * each with a snapshot of its own that is verified for real (signatures, path, objects). Spread over a few processes.
 */
#ifndef TESTS_BENCH_PEERS_H
#define TESTS_BENCH_PEERS_H

#include "tests/bench/site.h"

#define PEERS_WORKERS 2

/* Written by the workers, read by the process that started them. */
struct peers_result {
	double came_ms;    /* now_ms() when the answer with the newest revision was there */
	double at_ms;      /* and when it had been verified; the machine verifies for all peers, one after the other */
	double verify_ms;  /* how long its own verification took */
	uint64_t received; /* bytes of answers, headers and all, since the start */
	uint64_t body;     /* of the last answer that had one */
};

struct peers {
	const struct site *site;
	uint32_t first, n; /* the model's peers from `first` on */
	bool rival;        /* a file over static HTTP with its ETag, each second */
	struct peers_shared *shared;
	pid_t worker[PEERS_WORKERS];
	int said[PEERS_WORKERS];
	struct peers_result *results; /* n */
};

/* Starts them; returns when all hold the first revision (and wait for the next, but the rival's). */
void peers_start(struct peers *p, const struct site *site, uint32_t first, uint32_t n, bool rival);
/* What is awaited next: the revision with this probe and this touched peer. Before it is pushed. */
void peers_expect(struct peers *p);
void peers_await(struct peers *p); /* until all have it and wait again */
void peers_stop(struct peers *p);

/* Raises the limit of descriptors to what is allowed. */
void raise_descriptors(void);

/* --- one connection --- */

struct connection {
	int fd;
	struct buf in;
	size_t head; /* bytes of the headers, once they are there; 0: not yet */
	size_t need; /* of the whole answer */
	int status;
};
/* From the peer's own address, not blocking; ends the program when it cannot. */
void connection_open(struct connection *c, const struct addr *from, uint16_t port);
void connection_send(struct connection *c, const char *p, size_t n);
/* Reads what there is. True when a whole answer is in `in`; connection_next() makes room for the next. */
bool connection_read(struct connection *c);
void connection_next(struct connection *c);
void connection_close(struct connection *c);
/* The value of a header, without its line's end; p NULL: there is none. */
struct span connection_header(const struct connection *c, const char *name);

/* The text of a poll. `have` is "-.-.-" or what it runs. */
void poll_request(struct buf *out, const struct key *id, const char *have, unsigned wait_s);

#endif
