#include "reconcile/edge/answer/redeem.h"
#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/edge/source/upstream.h"
#include "reconcile/edge/state/conditions.h"
#include "reconcile/edge/state/iface.h"

#include <string.h>

#define STATUS_MS 200 /* the status on the disk follows */

void redeem_enrolled(const struct owners *o)
{
	const struct revision *g = served_now(o->served);

	if (!g)
		return;
	redemptions_landed(o->redemptions);
	iface_converge(o->iface, g, IFACE_ALL);
	poll_wake(o);
	redemptions_answer(o->redemptions);
	conditions_touch(o->conditions);
	conditions_due_in(o->conditions, STATUS_MS);
}

void redeem_look(const struct owners *o)
{
	const struct revision *g = served_now(o->served);
	struct diags d = {0};
	const int moved = enrolments_look(o->enrolments, &d);

	if (moved < 0)
		conditions_fail(o->conditions, CONDITION_READY, g ? g->parsed.commit : NULL, &d);
	diags_free(&d);
	if (moved > 0)
		redeem_enrolled(o);
}

static void wake(void *ctx, struct http_request *q)
{
	(void)ctx;
	if (!strcmp(http_path(q), ROUTE_REDEEM))
		http_wake(q);
}

void redeem_wake(const struct owners *o)
{
	if (!o->http)
		return;
	http_each_held(o->http, wake, NULL);
	http_run(o->http);
}

/* Is the key in use: in the definition, as an invite's temporary one, or enrolled by another invite? */
static bool key_is_known(const struct owners *o, const struct enrolment *e)
{
	const struct model *m = served_now(o->served)->model;
	const struct ledger_facts *f = enrolments_facts(o->enrolments);

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		if (key_eq(p->is_invite ? &p->temporary : &p->key, &e->key))
			return true;
	}
	for (size_t i = 0; i < f->n_enrolments; i++)
		if (key_eq(&f->enrolments[i].key, &e->key) && !key_eq(&f->enrolments[i].invite, &e->invite))
			return true;
	return false;
}

static void say_redeemed(struct http_request *q, struct handover *h)
{
	struct buf body = {0};

	buf_str(&body, "redeemed\n");
	http_answer(q, 200, "text/plain", &body, h ? redemptions_acknowledged : NULL, h);
}

static void unavailable(struct http_request *q)
{
	http_refuse(q, 503, "ledger-unavailable",
		    "the server cannot record invitations at the moment; try again later");
}

/* It counts when it is on the remote: until then the request is held. */
static void redeem_there(const struct owners *o, struct http_request *q, const struct enrolment *e,
			 enum http_reason why)
{
	bool added = false;
	int64_t ms = why == HTTP_NEW       ? redemptions_begin(o->redemptions, e, &added)
		     : why == HTTP_TIMEOUT ? -1
					   : redemptions_left(o->redemptions, e);

	if (ms < 0) {
		unavailable(q);
		return;
	}
	http_hold(q, ms);
	if (why == HTTP_NEW)
		upstream_redeem(o->upstream, added);
}

static void redeem_here(const struct owners *o, struct http_request *q, const struct enrolment *e)
{
	struct diags d = {0};
	struct handover *h;

	switch (enrolments_redeem(o->enrolments, e, &d)) {
	case REDEEM_UNAVAILABLE:
		log_diags("ledger", &d);
		conditions_due_in(o->conditions, STATUS_MS);
		unavailable(q);
		break;
	case REDEEM_USED:
		http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key, or replaced");
		break;
	case REDEEM_KEY_KNOWN:
		http_refuse(q, 409, "key-known", "this key belongs to another peer; make a new one");
		break;
	case REDEEM_OK:
		h = redemptions_recorded(o->redemptions, e, true);
		redeem_enrolled(o);
		say_redeemed(q, h);
		break;
	}
	diags_free(&d);
}

void redeem_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why)
{
	const struct peer *p = &served_now(o->served)->model->peers[asker->peer];
	const struct key *id = &served_now(o->served)->model->trust.id;
	struct diags d = {0};
	struct enrolment e;

	if (enrolment_parse(http_body(q), &e, &d)) {
		http_refuse(q, 400, "bad-request", "the body is not an enrolment");
	} else if (enrolment_check(&e, id, &d)) {
		http_refuse(q, 403, "forged", "%s",
			    d.first ? d.first->message : "the enrolment is not signed by its invite's key");
	} else if (!enrolment_is_for_all(&e)) {
		http_refuse(q, 400, "bad-request", "this server takes enrolments of format 1 alone");
	} else if (enrolments_is_spent(o->enrolments, &e.invite)) {
		http_refuse(q, 410, "invite-used", "this invitation was used or replaced");
	} else if (!p->is_invite || !key_eq(&p->key, &e.invite)) {
		http_refuse(q, 403, "not-invited", "this is not the invitation of the peer that asks");
	} else {
		const struct enrolment *before = ledger_enrolment(enrolments_facts(o->enrolments), &e.invite);
		/* Now, or once more from either of its keys: that is harmless. */
		if (before && key_eq(&before->key, &e.key))
			say_redeemed(q, redemptions_to_answer(o->redemptions, &e));
		else if (before)
			http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key");
		else if (p->invite_expires && p->invite_expires <= clock_unix())
			http_refuse(q, 401, "invite-expired", "this invitation has expired; ask for a new one");
		else if (key_is_known(o, &e))
			http_refuse(q, 409, "key-known", "this key belongs to a peer already; make a new one");
		else if (upstream_exists(o->upstream))
			redeem_there(o, q, &e, why);
		else
			redeem_here(o, q, &e);
	}
	diags_free(&d);
}
