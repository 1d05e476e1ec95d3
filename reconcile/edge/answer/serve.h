/* What the HTTP server calls: the table of routes, and the handler of each. `owners` is a struct owners. */
#ifndef EDGE_SERVE_H
#define EDGE_SERVE_H

#include "reconcile/edge/answer/owners.h"

void serve_request(void *owners, struct http_request *q, enum http_reason why);
bool serve_admit(void *owners, struct http_request *q, struct http_body_rule *rule);
struct addr serve_address(void *owners, const struct addr *from);
/* Peers have gone from the interface: closes the connections from addresses that are no peer's any more. */
void serve_close_others(const struct owners *o);

#endif
