#include "reconcile/edge/answer/serve.h"
#include "reconcile/edge/answer/endpoints.h"
#include "reconcile/edge/answer/git_http.h"
#include "reconcile/edge/answer/knock.h"
#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/answer/redeem.h"
#include "reconcile/edge/answer/server_metrics.h"
#include "reconcile/edge/answer/server_status.h"
#include "reconcile/edge/http/routes.h"

#include <string.h>

/* All that there is to ask for. A handler answers or holds. */
static const struct route {
	const char *path;
	enum http_method method;
	enum right right;
	void (*answer)(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why);
} routes[] = {
    {ROUTE_REDEEM, HTTP_POST, RIGHT_INVITED, redeem_answer},
    {ROUTE_POLL, HTTP_GET, RIGHT_PEER, poll_answer},
    {ROUTE_ENDPOINTS, HTTP_PUT, RIGHT_PEER, endpoints_answer},
    {ROUTE_KNOCK, HTTP_POST, RIGHT_PEER, knock_answer},
    {ROUTE_STATUS, HTTP_GET, RIGHT_PEER, server_status_answer},
    {ROUTE_METRICS, HTTP_GET, RIGHT_ADMIN, server_metrics_answer},
};

void serve_request(void *owners, struct http_request *q, enum http_reason why)
{
	const struct owners *o = owners;
	const struct route *route = NULL;
	struct asker asker;

	if (git_http_is(q)) {
		git_http_answer(o->git, o, q);
		return;
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && !route; i++)
		if (!strcmp(http_path(q), routes[i].path))
			route = &routes[i];
	/* An invited peer learns of no path but the one. */
	if (!asker_may(o, q, route && route->right == RIGHT_INVITED ? RIGHT_INVITED : RIGHT_PEER, true, &asker))
		return;
	if (!route)
		http_refuse(q, 404, "not-found", "there is nothing at this path");
	else if (http_method(q) != route->method)
		http_refuse(q, 405, "bad-request", "this path takes %s", http_method_name(route->method));
	else if (asker_has_right(o, q, &asker, route->right))
		route->answer(o, q, &asker, why);
}

bool serve_admit(void *owners, struct http_request *q, struct http_body_rule *rule)
{
	return !git_http_is(q) || git_http_admit(owners, q, rule);
}

struct addr serve_address(void *owners, const struct addr *from)
{
	return asker_address(owners, from);
}

static bool key_still_there(void *ctx, const struct addr *from)
{
	return asker_of(*(const struct owners **)ctx, from).kind != ASKER_UNKNOWN;
}

void serve_close_others(const struct owners *o)
{
	if (o->http)
		http_close_others(o->http, key_still_there, &o);
}
