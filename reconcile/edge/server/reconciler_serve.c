/* Who asks, and what for. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/edge/http/request.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/show/metrics.h"

#include <stdlib.h>
#include <string.h>

static struct asker asker_of_peer(const struct reconciler *r, uint32_t i)
{
	const struct peer *p = &served_now(r->served)->model->peers[i];

	if (i == served_now(r->served)->self)
		return (struct asker){ASKER_SELF, i};
	if (p->disabled)
		return (struct asker){ASKER_UNKNOWN, NONE};
	if (enrolments_has_key(r->enrolments, p))
		return (struct asker){ASKER_PEER, i};
	/* Expired or not: its temporary key leaves the interface, and until then redeem() says why not. */
	return (struct asker){ASKER_INVITED, i};
}

struct asker reconciler_asker(const struct reconciler *r, const struct addr *from)
{
	uint32_t i = served_now(r->served) ? model_peer_by_addr(served_now(r->served)->model, from) : NONE;

	if (i != NONE)
		return asker_of_peer(r, i);
	if ((i = moves_owner(r->moves, from)) != NONE)
		return asker_of_peer(r, i);
	return (struct asker){ASKER_UNKNOWN, NONE};
}

/* Of one peer each is as good as the other; a peer may send from any that it has routes to, and those are nobody's. */
struct addr reconciler_peer_of(void *ctx, const struct addr *from)
{
	const struct reconciler *r = ctx;
	const struct asker who = reconciler_asker(r, from);

	return who.kind == ASKER_UNKNOWN ? (struct addr){{0}} : served_now(r->served)->model->peers[who.peer].ip[0];
}

/* --- routing --- */

static void answer_status(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const bool all = served_now(r->served)->model->peers[who->peer].admin;
	json_t *o = status_json(r, all ? NONE : who->peer);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct buf body = {0};

	(void)why;
	json_decref(o);
	if (text) {
		buf_str(&body, text);
		buf_char(&body, '\n');
	}
	body.failed |= !text;
	free(text);
	http_answer(q, 200, "application/json", &body, NULL, NULL);
}

/* Counts tell who there is and what they do: that is for admins. */
static void answer_metrics(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	struct buf body = {0};

	(void)who;
	(void)why;
	reconciler_metrics(r, &body);
	http_answer(q, 200, METRICS_CONTENT_TYPE, &body, NULL, NULL);
}

/* The exact Host, our own header, no Origin: what a browser on a peer's machine could send never gets further. */
static bool is_for_us(const struct reconciler *r, struct http_request *q, bool ours)
{
	const struct peer *self = &served_now(r->served)->model->peers[served_now(r->served)->self];
	const char *network = http_header(q, NETWORK_HEADER);
	char id[KEY_B64_LEN + 1];
	uint16_t port = r->o.no_device ? http_port(r->http) : SERVER_PORT;

	key_format(&served_now(r->served)->model->trust.id, id);
	if (http_header(q, "Origin"))
		http_refuse(q, 403, "bad-request", "requests with an Origin are not answered");
	else if (!host_matches(http_header(q, "Host"), self->ip, self->n_ips, port))
		http_refuse(q, 400, "bad-request", "the Host is not this server's address and port");
	else if (network ? strcmp(network, id) != 0 : ours)
		http_refuse(q, 403, "bad-request", NETWORK_HEADER " is missing, or that of another network");
	else
		return true;
	return false;
}

static bool has_right(const struct reconciler *r, struct http_request *q, const struct asker *who, enum right right)
{
	if (right >= RIGHT_PEER && who->kind == ASKER_INVITED)
		http_refuse(q, 403, "not-invited", "redeem the invitation first");
	else if (right == RIGHT_ADMIN && !served_now(r->served)->model->peers[who->peer].admin)
		http_refuse(q, 403, "not-admin", "only an admin's machine may ask for this");
	else
		return true;
	return false;
}

bool reconciler_may(const struct reconciler *r, struct http_request *q, enum right right, bool ours, struct asker *who)
{
	if (!served_now(r->served)) {
		http_refuse(q, 503, "not-published", "nothing has been published yet");
		return false;
	}
	*who = reconciler_asker(r, http_from(q));
	if (who->kind == ASKER_UNKNOWN || who->kind == ASKER_SELF) {
		http_refuse(q, 403, "not-invited", "no peer that may ask has this address");
		return false;
	}
	return is_for_us(r, q, ours) && has_right(r, q, who, right);
}

bool reconciler_admit(void *ctx, struct http_request *q, struct http_body_rule *rule)
{
	return !reconciler_is_git(q) || reconciler_git_admit(ctx, q, rule);
}

/* All that there is to ask for. A handler answers or holds. */
static const struct route {
	const char *path;
	enum http_method method;
	enum right right;
	void (*answer)(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why);
} routes[] = {
    {ROUTE_REDEEM, HTTP_POST, RIGHT_INVITED, reconciler_redeem},
    {ROUTE_POLL, HTTP_GET, RIGHT_PEER, reconciler_poll},
    {ROUTE_ENDPOINTS, HTTP_PUT, RIGHT_PEER, reconciler_endpoints},
    {ROUTE_KNOCK, HTTP_POST, RIGHT_PEER, reconciler_knock},
    {ROUTE_STATUS, HTTP_GET, RIGHT_PEER, answer_status},
    {ROUTE_METRICS, HTTP_GET, RIGHT_ADMIN, answer_metrics},
};

void reconciler_request(void *ctx, struct http_request *q, enum http_reason why)
{
	struct reconciler *r = ctx;
	const struct route *route = NULL;
	struct asker who;

	if (reconciler_is_git(q)) {
		reconciler_git(r, q);
		return;
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && !route; i++)
		if (!strcmp(http_path(q), routes[i].path))
			route = &routes[i];
	/* Who is not in yet learns of no path but the one. */
	if (!reconciler_may(r, q, route && route->right == RIGHT_INVITED ? RIGHT_INVITED : RIGHT_PEER, true, &who))
		return;
	if (!route)
		http_refuse(q, 404, "not-found", "there is nothing at this path");
	else if (http_method(q) != route->method)
		http_refuse(q, 405, "bad-request", "this path takes %s", http_method_name(route->method));
	else if (has_right(r, q, &who, route->right))
		route->answer(r, q, &who, why);
}
