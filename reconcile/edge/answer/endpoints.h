/* A peer reports where it may be reached. */
#ifndef EDGE_ANSWER_ENDPOINTS_H
#define EDGE_ANSWER_ENDPOINTS_H

#include "reconcile/edge/answer/asker.h"

void endpoints_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why);

#endif
