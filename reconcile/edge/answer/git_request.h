/* What git asks for over HTTP (gitprotocol-http(5), the smart protocol alone), from bytes that a peer chose. */
#ifndef EDGE_GIT_REQUEST_H
#define EDGE_GIT_REQUEST_H

#include "reconcile/edge/http/routes.h"

#include <stdbool.h>

#define GIT_PATH ROUTE_GIT "/"

enum git_service { GIT_UPLOAD_PACK, GIT_RECEIVE_PACK, N_GIT_SERVICES };
struct git_request {
	enum git_service service;
	bool advertise; /* what refs are there? Otherwise the service itself */
};

const char *git_service_name(enum git_service s); /* "upload-pack" */

/*
 * `path` with GIT_PATH in front, `service` the argument of that name or NULL, `content_type` as the header has it or
 * NULL. 0; else the status to refuse it with and why.
 */
unsigned git_request_parse(const char *path, bool is_get, bool is_post, const char *service, const char *content_type,
			   struct git_request *out, const char **why);
/* The Content-Type of the answer. Lives as long as the program. */
const char *git_request_type(const struct git_request *q);

/*
 * A Git-Protocol header that may go into a child's environment: `key[=value]`s with colons between, as git(1) has
 * GIT_PROTOCOL. At most GIT_PROTOCOL_MAX bytes.
 */
bool git_protocol_valid(const char *header);
/* The highest `version=` that it names, of those that there are: 0, 1 or 2. NULL: 0. */
int git_protocol_version(const char *header);

#endif
