#include "reconcile/edge/answer/knock.h"
#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/wire/endpoints.h"

void knock_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why)
{
	const struct revision *g = served_now(o->served);
	const struct peer *peers = g->model->peers;
	struct diags d = {0};
	struct buf empty = {0};
	struct key key;
	uint32_t to;
	int taken = 0;

	(void)why;
	if (knock_parse(http_body(q), &key, &d) < 0) {
		http_refuse(q, 400, "bad-request", "%s", d.first ? d.first->message : "the body is not a knock");
		goto out;
	}
	if ((taken = knocks_allow(o->knocks, asker->peer)) <= 0) {
		if (!taken)
			http_refuse(q, 429, "too-many-knocks", "at most %d knocks a minute", KNOCKS_MINUTE);
		goto out;
	}
	to = enrolments_peer_of_key(o->enrolments, g, &key);
	if (to == NONE || to == asker->peer || peers[to].disabled || !revision_sees(g, asker->peer, to)) {
		/* The answer does not tell whether there is such a peer at all. */
		http_refuse(q, 404, "unknown-peer", "the asker sees no peer with this key");
		goto out;
	}
	if (to != g->self)
		taken = knocks_take(o->knocks, &peers[asker->peer].key, &peers[to].key);
	if (to != g->self && taken > 0)
		poll_wake_peer(o, &peers[to].key);
	if (taken >= 0)
		http_answer(q, 204, NULL, &empty, NULL, NULL);
out:
	if (taken < 0)
		http_out_of_memory(q);
	diags_free(&d);
}
