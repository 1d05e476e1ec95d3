#include "reconcile/edge/state/redemptions.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/loop.h"

#include <stdlib.h>

#define WAITING_MAX     4096 /* redemptions that wait for the remote */
#define INVITE_KEYS_MAX 4    /* of them by one invite: a peer asks again with the key that it has */

/* A redemption that waits until it is on the remote. */
struct redemption {
	struct enrolment e;
	int64_t until; /* clock_boot_ms(): its request is held until then */
	bool failed;
	struct redemption *next;
};

struct redemptions {
	const struct enrolments *enrolments;
	const struct served *served;
	struct redemptions_calls calls;
	struct redemption *waiting; /* newest first */
	struct handover *handovers;
	uint64_t count;
};

struct redemptions *redemptions_new(const struct enrolments *e, const struct served *s,
				    const struct redemptions_calls *calls)
{
	struct redemptions *r = calloc(1, sizeof(*r));

	if (r)
		*r = (struct redemptions){.enrolments = e, .served = s, .calls = *calls};
	return r;
}

/* Removes the waiting redemptions for which `which` returns true. */
static void waiting_remove(struct redemptions *r,
			   bool (*which)(const struct redemptions *r, const struct redemption *x))
{
	for (struct redemption **p = &r->waiting, *x; (x = *p);) {
		if (which(r, x)) {
			*p = x->next;
			free(x);
		} else {
			p = &x->next;
		}
	}
}

static bool has_failed(const struct redemptions *r, const struct redemption *x)
{
	(void)r;
	return x->failed;
}

/* The invite has become a key, of this redemption or of another one, or it never will. */
static bool is_decided(const struct redemptions *r, const struct redemption *x)
{
	const struct ledger *l = enrolments_ledger(r->enrolments);

	return ledger_enrolment(ledger_facts(l), &x->e.invite) || ledger_is_spent(l, &x->e.invite);
}

static bool is_any(const struct redemptions *r, const struct redemption *x)
{
	(void)r;
	(void)x;
	return true;
}

void redemptions_free(struct redemptions *r)
{
	if (!r)
		return;
	waiting_remove(r, is_any);
	for (struct handover *h = r->handovers, *next; h; h = next) {
		next = h->next;
		free(h);
	}
	free(r);
}

uint64_t redemptions_count(const struct redemptions *r)
{
	return r->count;
}

/* --- those that wait --- */

static struct redemption *find(const struct redemptions *r, const struct enrolment *e)
{
	for (struct redemption *x = r->waiting; x; x = x->next)
		if (key_eq(&x->e.invite, &e->invite) && key_eq(&x->e.key, &e->key))
			return x;
	return NULL;
}

static size_t count(const struct redemptions *r)
{
	size_t n = 0;

	for (const struct redemption *x = r->waiting; x; x = x->next)
		n++;
	return n;
}

/* One peer must not take the room of all. */
static bool has_room(const struct redemptions *r, const struct key *invite)
{
	size_t n = 0;

	for (const struct redemption *x = r->waiting; x; x = x->next)
		n += key_eq(&x->e.invite, invite);
	return n < INVITE_KEYS_MAX && count(r) < WAITING_MAX;
}

static int64_t left(const struct redemption *x)
{
	const int64_t ms = x ? x->until - clock_boot_ms() : 0;

	return !x || x->failed || ms <= 0 ? -1 : ms;
}

int64_t redemptions_begin(struct redemptions *r, const struct enrolment *e, bool *added)
{
	struct redemption *x = find(r, e);

	*added = !x;
	if (!x) {
		if (!has_room(r, &e->invite) || !(x = calloc(1, sizeof(*x))))
			return -1;
		*x = (struct redemption){.e = *e, .next = r->waiting};
		r->waiting = x;
	}
	x->until = clock_boot_ms() + REDEEM_SECONDS * 1000;
	return left(x);
}

int64_t redemptions_left(const struct redemptions *r, const struct enrolment *e)
{
	return left(find(r, e));
}

bool redemptions_waiting(const struct redemptions *r)
{
	return r->waiting;
}

const struct enrolment **redemptions_list(const struct redemptions *r, struct arena *a, size_t *n)
{
	const struct enrolment **list;
	size_t i = *n = count(r);

	if ((list = arena_array(a, *n + 1, sizeof(*list))))
		for (const struct redemption *x = r->waiting; x; x = x->next)
			list[--i] = &x->e;
	return list;
}

void redemptions_fail(struct redemptions *r)
{
	if (!r->waiting)
		return;
	for (struct redemption *x = r->waiting; x; x = x->next)
		x->failed = true;
	r->calls.wake(r->calls.ctx);
	waiting_remove(r, has_failed);
}

void redemptions_decided(struct redemptions *r)
{
	/* First: a redemption that comes while these are answered waits for the next push. */
	waiting_remove(r, is_any);
	r->calls.wake(r->calls.ctx);
}

void redemptions_landed(struct redemptions *r)
{
	if (!r->waiting)
		return;
	const struct ledger_facts *f = ledger_facts(enrolments_ledger(r->enrolments));
	for (struct redemption *x = r->waiting; x; x = x->next) {
		const struct enrolment *e = ledger_enrolment(f, &x->e.invite);
		if (e && key_eq(&e->key, &x->e.key))
			redemptions_recorded(r, e, false);
	}
	waiting_remove(r, is_decided);
}

static struct handover *unanswered(const struct redemptions *r)
{
	struct handover *h = r->handovers;

	while (h && h->answered)
		h = h->next;
	return h;
}

void redemptions_answer(struct redemptions *r)
{
	struct handover *h = unanswered(r);

	if (h)
		r->calls.wake(r->calls.ctx);
	/* No request waits for what is left. */
	while ((h = unanswered(r)))
		redemptions_acknowledged(h);
}

/* --- handing over --- */

struct handover *redemptions_recorded(struct redemptions *r, const struct enrolment *e, bool answered)
{
	const struct revision *g = served_now(r->served);
	const uint32_t i = g ? revision_by_mark(g, &e->invite) : NONE;
	struct handover *h = calloc(1, sizeof(*h));

	r->count++;
	if (i != NONE)
		log_info("redeemed", "'%s' redeemed its invitation", g->model->peers[i].name);
	if (h) {
		*h = (struct handover){
		    .of = r, .invite = e->invite, .key = e->key, .answered = answered, .next = r->handovers};
		r->handovers = h;
	}
	return h;
}

struct handover *redemptions_to_answer(struct redemptions *r, const struct enrolment *e)
{
	for (struct handover *h = r->handovers; h; h = h->next)
		if (!h->answered && key_eq(&h->invite, &e->invite) && key_eq(&h->key, &e->key)) {
			h->answered = true;
			return h;
		}
	return NULL;
}

void redemptions_acknowledged(void *ctx)
{
	struct handover *h = ctx;
	struct redemptions *r = h->of;

	for (struct handover **p = &r->handovers; *p; p = &(*p)->next)
		if (*p == h) {
			*p = h->next;
			break;
		}
	free(h);
	r->calls.handed_over(r->calls.ctx);
}

const struct handover *redemptions_handovers(const struct redemptions *r)
{
	return r->handovers;
}
