/* The redemption of invitations: who proves that an invite is its own gets its place, once. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"

#include <stdlib.h>
#include <string.h>

/* The answer was acknowledged, or nobody waits for it: the address moves to the new key. */
void reconciler_handover_done(struct handover *h)
{
	struct reconciler *r = h->r;

	for (struct handover **p = &r->handovers; *p; p = &(*p)->next)
		if (*p == h) {
			*p = h->next;
			break;
		}
	free(h);
	if (served_now(r->served))
		reconciler_converge(r, served_now(r->served), DEVICE_ALL);
	reconciler_wake(r);
}

static void on_acknowledged(void *ctx)
{
	reconciler_handover_done(ctx);
}

/* Is a key somebody's already: in the definition, as an invite's temporary one, or enrolled by another invite? */
static bool key_is_known(const struct reconciler *r, const struct enrolment *e)
{
	const struct model *m = served_now(r->served)->model;
	const struct ledger_facts *f = reconciler_facts(r);

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

	if (h)
		h->answered = true;
	buf_str(&body, "redeemed\n");
	http_answer(q, 200, "text/plain", &body, h ? on_acknowledged : NULL, h);
}

/* The enrolment that was just recorded, while who waits for that has no answer yet; NULL. */
static struct handover *handover_of(const struct reconciler *r, const struct enrolment *e)
{
	for (struct handover *h = r->handovers; h; h = h->next)
		if (!h->answered && key_eq(&h->invite, &e->invite) && key_eq(&h->key, &e->key))
			return h;
	return NULL;
}

struct handover *reconciler_redeemed(struct reconciler *r, const struct enrolment *e)
{
	struct handover *h = calloc(1, sizeof(*h));
	const uint32_t i = served_now(r->served) ? revision_by_mark(served_now(r->served), &e->invite) : NONE;

	r->redemptions++;
	if (i != NONE)
		log_info("redeemed", "'%s' redeemed its invitation", served_now(r->served)->model->peers[i].name);
	if (h) {
		*h = (struct handover){.r = r, .invite = e->invite, .key = e->key, .next = r->handovers};
		r->handovers = h;
	}
	return h;
}

static void unavailable(struct http_request *q)
{
	http_refuse(q, 503, "ledger-unavailable",
		    "the server cannot record invitations at the moment; try again later");
}

/* It counts when it is on the remote: until then the request is held. */
static void redeem_there(struct reconciler *r, struct http_request *q, const struct enrolment *e, enum http_reason why)
{
	int64_t ms = reconciler_redeem_wait(r, e, why);

	if (ms < 0) {
		unavailable(q);
	} else {
		http_hold(q, ms);
		if (why == HTTP_NEW)
			reconciler_upstream_go(r);
	}
}

static void redeem_here(struct reconciler *r, struct http_request *q, const struct enrolment *e)
{
	struct diags d = {0};
	struct handover *h;
	enum redeem_result result = REDEEM_UNAVAILABLE;

	if (r->ledger)
		result = ledger_redeem(r->ledger, e, &d);
	switch (result) {
	case REDEEM_UNAVAILABLE:
		log_diags("ledger", &d);
		conditions_due_in(r->conditions, 200);
		unavailable(q);
		break;
	case REDEEM_USED:
		http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key, or replaced");
		break;
	case REDEEM_KEY_KNOWN:
		http_refuse(q, 409, "key-known", "this key belongs to another peer; make a new one");
		break;
	case REDEEM_OK:
		if ((h = reconciler_redeemed(r, e)))
			h->answered = true;
		reconciler_ledger_moved(r);
		say_redeemed(q, h);
		break;
	}
	diags_free(&d);
}

void reconciler_redeem(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const struct peer *p = &served_now(r->served)->model->peers[who->peer];
	const struct key *id = &served_now(r->served)->model->trust.id;
	struct diags d = {0};
	struct enrolment e;

	if (enrolment_parse(http_body(q), &e, &d)) {
		http_refuse(q, 400, "bad-request", "the body is not an enrolment");
	} else if (enrolment_check(&e, id, &d)) {
		http_refuse(q, 403, "forged", "%s", d.first ? d.first->message : "the enrolment proves nothing");
	} else if (r->ledger && ledger_is_spent(r->ledger, &e.invite)) {
		http_refuse(q, 410, "invite-used", "this invitation was used or replaced");
	} else if (!p->is_invite || !key_eq(&p->key, &e.invite)) {
		http_refuse(q, 403, "not-invited", "this is not the invitation of the peer that asks");
	} else {
		const struct enrolment *before = ledger_enrolment(reconciler_facts(r), &e.invite);
		if (before && key_eq(&before->key, &e.key))
			say_redeemed(q, handover_of(r, &e)); /* or again, from either key: harmless */
		else if (before)
			http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key");
		else if (p->invite_expires && p->invite_expires <= clock_unix())
			http_refuse(q, 401, "invite-expired", "this invitation has expired; ask for a new one");
		else if (key_is_known(r, &e))
			http_refuse(q, 409, "key-known", "this key belongs to a peer already; make a new one");
		else if (r->up.remote)
			redeem_there(r, q, &e, why);
		else
			redeem_here(r, q, &e);
	}
	diags_free(&d);
}
