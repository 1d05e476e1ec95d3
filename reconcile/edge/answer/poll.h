/*
 * Polls: a peer is sent only what it lacks of the served revision, of the enrolments and of the hints that it may see.
 * The request is held until there is something.
 */
#ifndef EDGE_POLL_H
#define EDGE_POLL_H

#include "reconcile/edge/answer/asker.h"

void poll_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why);
/* Another revision, enrolment or hint: answers each held poll for which there is something. */
void poll_wake(const struct owners *o);
void poll_wake_peer(const struct owners *o, const struct key *mark); /* the poll of this peer alone */

#endif
