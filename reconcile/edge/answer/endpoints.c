#include "reconcile/edge/answer/endpoints.h"
#include "reconcile/edge/state/hints_board.h"

void endpoints_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why)
{
	const struct cidr *root = &served_now(o->served)->model->cidrs[0];
	struct endpoints e;
	struct diags d = {0};
	struct buf empty = {0};

	(void)why;
	if (endpoints_parse(http_body(q), &e, &d) < 0 || endpoints_check(&e, root->prefix, root->n_prefixes, &d) < 0)
		http_refuse(q, 400, "bad-endpoints", "%s", d.first ? d.first->message : "out of memory");
	else if (hints_board_report(o->hints, asker->peer, &e) < 0)
		http_out_of_memory(q);
	else
		http_answer(q, 204, NULL, &empty, NULL, NULL);
	diags_free(&d);
}
