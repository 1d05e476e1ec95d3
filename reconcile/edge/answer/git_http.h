/*
 * The definition's repository for admins in the tunnel: git's own smart HTTP, answered by git's own programs. Whether a
 * push is valid, its hooks say, as at any other push.
 */
#ifndef EDGE_GIT_HTTP_H
#define EDGE_GIT_HTTP_H

#include "reconcile/edge/answer/owners.h"

struct git_http;

/* All is borrowed. Programs are started at the first request. NULL: out of memory. */
struct git_http *git_http_new(struct loop *l, const struct server_config *c, const char *data_dir);
void git_http_free(struct git_http *g); /* after the HTTP server is gone; NULL is fine */

bool git_http_is(const struct http_request *q); /* is its path one of git's? */
/* Before its body is read. False: it was refused. */
bool git_http_admit(const struct owners *o, struct http_request *q, struct http_body_rule *rule);
void git_http_answer(struct git_http *g, const struct owners *o, struct http_request *q);

#endif
