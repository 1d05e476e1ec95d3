/* A peer asks another one, through the server, to open its NAT. */
#ifndef EDGE_ANSWER_KNOCK_H
#define EDGE_ANSWER_KNOCK_H

#include "reconcile/edge/answer/asker.h"

void knock_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why);

#endif
