/* What /metrics says, gathered from the owners: for admins, since counts tell what peers there are and what they do. */
#ifndef EDGE_SERVER_METRICS_H
#define EDGE_SERVER_METRICS_H

#include "reconcile/edge/answer/asker.h"

void server_metrics_answer(const struct owners *o, struct http_request *q, const struct asker *asker,
			   enum http_reason why);

#endif
