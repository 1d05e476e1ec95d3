/* The ledger has new enrolments. */
#include "reconcile/edge/server/reconciler_state.h"

void reconciler_ledger_moved(struct reconciler *r)
{
	if (!served_now(r->served))
		return;
	redemptions_landed(r->redemptions);
	iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	reconciler_wake(r);
	redemptions_answer(r->redemptions);
	conditions_touch(r->conditions);
	conditions_due_in(r->conditions, 200);
}

void reconciler_ledger_look(struct reconciler *r)
{
	const struct revision *g = served_now(r->served);
	struct diags d = {0};
	const int moved = enrolments_look(r->enrolments, &d);

	if (moved < 0)
		conditions_fail(r->conditions, CONDITION_READY, g ? g->parsed.commit : NULL, &d);
	diags_free(&d);
	if (moved > 0)
		reconciler_ledger_moved(r);
}
