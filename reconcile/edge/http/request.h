/* The values of a request, from bytes that a peer chose. */
#ifndef EDGE_REQUEST_H
#define EDGE_REQUEST_H

#include "reconcile/wire/bundle.h"

/* `have=S.L.H` of a poll: what the peer runs. */
struct have {
	bool has_statement, has_ledger, has_hints;
	struct hash statement;
	char ledger[POSITION_LEN + 1]; /* hex; "-" without one */
	uint64_t hints;
};
int request_have(const char *s, struct have *out); /* -1: malformed */
/* Seconds, 0..POLL_WAIT_MAX; NULL means 0. -1: malformed. */
int request_wait(const char *s, unsigned *out);
/* The newest format that the peer reads, 1..SPEAK_MAX; NULL means 1. -1: malformed. */
int request_speak(const char *s, uint32_t *out);
/* Is this `Host:` exactly "<address>:<port>" (IPv6 in brackets) of one of these addresses? */
bool request_host_matches(const char *host, const struct addr *own, size_t n_own, uint16_t port);
/* A Content-Length: decimal digits alone. -1: malformed, or above `max` (then *too_large). */
int request_content_length(const char *s, size_t max, size_t *out, bool *too_large);

#endif
