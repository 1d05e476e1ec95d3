/* The peer that asks, by the address that WireGuard has proved, and what it may ask for. Every handler begins here. */
#ifndef EDGE_ASKER_H
#define EDGE_ASKER_H

#include "reconcile/edge/answer/owners.h"

enum asker_kind { ASKER_UNKNOWN, ASKER_SELF, ASKER_INVITED, ASKER_PEER };
struct asker {
	enum asker_kind kind;
	uint32_t peer; /* index in the served model */
};
struct asker asker_of(const struct owners *o, const struct addr *from);
/* One address for each peer, for the HTTP server's counting; zeros: no peer's. */
struct addr asker_address(const struct owners *o, const struct addr *from);

/* What a request may need. */
enum right { RIGHT_INVITED, RIGHT_PEER, RIGHT_ADMIN };
/*
 * Has the asker this right, with the exact Host and no Origin? `ours`: and with our own header, without which other
 * programs, git for one, may come. False: the request was refused.
 */
bool asker_may(const struct owners *o, struct http_request *q, enum right right, bool ours, struct asker *asker);
bool asker_has_right(const struct owners *o, struct http_request *q, const struct asker *asker, enum right right);

#endif
