/* A peer reports where it may be reached. */
#include "reconcile/edge/server/reconciler_state.h"

void reconciler_endpoints(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const struct cidr *root = &served_now(r->served)->model->cidrs[0];
	struct endpoints e;
	struct diags d = {0};
	struct buf empty = {0};

	(void)why;
	if (endpoints_parse(http_body(q), &e, &d) < 0 || endpoints_check(&e, root->prefix, root->n_prefixes, &d) < 0)
		http_refuse(q, 400, "bad-endpoints", "%s", d.first ? d.first->message : "out of memory");
	else if (hints_board_report(r->hints, who->peer, &e) < 0)
		http_refuse(q, 500, "out-of-memory", "out of memory");
	else
		http_answer(q, 204, NULL, &empty, NULL, NULL);
	diags_free(&d);
}
