/* The status of the server: one JSON document, on the disk and over HTTP. */
#ifndef EDGE_SERVER_STATUS_H
#define EDGE_SERVER_STATUS_H

#include "reconcile/edge/answer/asker.h"

int server_status_put(const struct owners *o,
		      struct buf *out); /* all of it, as status.json has it; -1: out of memory */
/* All of it for an admin; for another peer that there is a problem, and its own entry. */
void server_status_answer(const struct owners *o, struct http_request *q, const struct asker *asker,
			  enum http_reason why);

#endif
