/*
 * Endpoints by host name, without blocking: a thread calls getaddrinfo(3), and the owner polls a descriptor.
 * A name that does not resolve keeps the address that it had.
 */
#ifndef EDGE_RESOLVE_H
#define EDGE_RESOLVE_H

#include "reconcile/plan/device.h"

struct resolver;
struct resolver *resolver_new(struct diags *d);
void resolver_free(struct resolver *r); /* does not wait for a question that is under way */

/*
 * Asks for these endpoints ("host:port", copied; literal addresses are skipped; at most RESOLVE_MAX). Names that are not
 * among them are forgotten. The question waits for the end of an older one. 0, or -1.
 */
int resolver_ask(struct resolver *r, const char *const *endpoints, size_t n, struct diags *d);
int resolver_fd(const struct resolver *r);      /* readable when there may be answers */
bool resolver_take(struct resolver *r);         /* takes them; true when an address has changed */
bool resolver_busy(const struct resolver *r);   /* a question is under way */
bool resolver_wait(struct resolver *r, int ms); /* for commands: until all is answered or the time is over */
/*
 * The addresses of an earlier run (copied), which count until there is an answer. Before the first question. 0, or -1.
 */
int resolver_remember(struct resolver *r, const struct resolved *known, size_t n, struct diags *d);
uint64_t resolver_changes(const struct resolver *r); /* how often what is known has changed */
/* The address of an endpoint: a literal one, or what its name resolves to. false: not known. */
bool resolver_find(const struct resolver *r, const char *endpoint, struct sockpoint *out);
/* What is known, for struct local. Valid until the next call. */
const struct resolved *resolver_known(const struct resolver *r, size_t *n);

#endif
