#include "reconcile/edge/answer/asker.h"
#include "reconcile/edge/http/request.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/edge/state/moves.h"
#include "reconcile/edge/state/own_moves.h"

#include <string.h>

static struct asker asker_of_peer(const struct owners *o, uint32_t i)
{
	const struct revision *g = served_now(o->served);
	const struct peer *p = &g->model->peers[i];

	if (i == g->self)
		return (struct asker){ASKER_SELF, i};
	if (p->disabled)
		return (struct asker){ASKER_UNKNOWN, NONE};
	if (enrolments_has_key(o->enrolments, p))
		return (struct asker){ASKER_PEER, i};
	/* Expired or not: its temporary key leaves the interface, and until then redeem_answer() says why not. */
	return (struct asker){ASKER_INVITED, i};
}

struct asker asker_of(const struct owners *o, const struct addr *from)
{
	const struct revision *g = served_now(o->served);
	uint32_t i = g ? model_peer_by_addr(g->model, from) : NONE;

	if (i == NONE)
		i = moves_owner(o->moves, from);
	return i == NONE ? (struct asker){ASKER_UNKNOWN, NONE} : asker_of_peer(o, i);
}

/* All addresses of a peer are one peer's. It may send from any that it has routes to, too: those are no peer's. */
struct addr asker_address(const struct owners *o, const struct addr *from)
{
	const struct asker asker = asker_of(o, from);

	return asker.kind == ASKER_UNKNOWN ? (struct addr){{0}} : served_now(o->served)->model->peers[asker.peer].ip[0];
}

/* The network's id as a token (RFC 6750): Debian 12's Prometheus sends no headers of other names. NULL: no token. */
static const char *token_of(const struct http_request *q)
{
	static const char bearer[] = "Bearer ";
	const char *said = http_header(q, "Authorization");

	return said && strncmp(said, bearer, sizeof(bearer) - 1) == 0 ? said + sizeof(bearer) - 1 : NULL;
}

/* The exact Host, the network's id, no Origin: what a browser on a peer's machine could send never gets further. */
static bool is_for_us(const struct owners *o, struct http_request *q, bool ours)
{
	const struct revision *g = served_now(o->served);
	const struct peer *self = &g->model->peers[g->self];
	const char *network = http_header(q, NETWORK_HEADER);
	char id[KEY_B64_LEN + 1];
	size_t n_left;
	const struct addr *left = own_moves_list(o->own_moves, &n_left);

	key_format(&g->model->trust.id, id);
	if (!network && ours)
		network = token_of(q);
	if (http_header(q, "Origin"))
		http_refuse(q, 403, "bad-request", "requests with an Origin are not answered");
	else if (!request_host_matches(http_header(q, "Host"), self->ip, self->n_ips, http_port(o->http)) &&
		 !request_host_matches(http_header(q, "Host"), left, n_left, http_port(o->http)))
		http_refuse(q, 400, "bad-request", "the Host is not this server's address and port");
	else if (network ? strcmp(network, id) != 0 : ours)
		http_refuse(q, 403, "bad-request", NETWORK_HEADER " is missing, or that of another network");
	else
		return true;
	return false;
}

bool asker_has_right(const struct owners *o, struct http_request *q, const struct asker *asker, enum right right)
{
	if (right >= RIGHT_PEER && asker->kind == ASKER_INVITED)
		http_refuse(q, 403, "not-invited", "redeem the invitation first");
	else if (right == RIGHT_ADMIN && !served_now(o->served)->model->peers[asker->peer].admin)
		http_refuse(q, 403, "not-admin", "only an admin's machine may ask for this");
	else
		return true;
	return false;
}

bool asker_may(const struct owners *o, struct http_request *q, enum right right, bool ours, struct asker *asker)
{
	if (!served_now(o->served)) {
		http_refuse(q, 503, "not-published", "nothing has been published yet");
		return false;
	}
	*asker = asker_of(o, http_from(q));
	if (asker->kind == ASKER_UNKNOWN || asker->kind == ASKER_SELF) {
		http_refuse(q, 403, "not-invited", "no peer that may ask has this address");
		return false;
	}
	return is_for_us(o, q, ours) && asker_has_right(o, q, asker, right);
}
