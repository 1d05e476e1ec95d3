/* Who asks, what for, and the redemption of invitations. */
#include "reconcile/edge/log.h"
#include "reconcile/edge/reconciler_state.h"
#include "reconcile/edge/request.h"
#include "reconcile/metrics.h"

#include <stdlib.h>
#include <string.h>

static struct asker asker_of_peer(const struct reconciler *r, uint32_t i)
{
	const struct peer *p = &r->current->model->peers[i];

	if (i == r->current->self)
		return (struct asker){ASKER_SELF, i};
	if (p->disabled)
		return (struct asker){ASKER_UNKNOWN, NONE};
	if (!p->is_invite || ledger_enrolment(reconciler_facts(r), &p->key))
		return (struct asker){ASKER_PEER, i};
	/* Expired or not: its temporary key leaves the interface, and until then redeem() says why not. */
	return (struct asker){ASKER_INVITED, i};
}

struct asker reconciler_asker(const struct reconciler *r, const struct addr *from)
{
	uint32_t i = r->current ? model_peer_by_addr(r->current->model, from) : NONE;

	if (i != NONE)
		return asker_of_peer(r, i);
	for (size_t k = 0; r->current && k < r->n_moves; k++)
		if (!addr_cmp(&r->moves[k].old, from) && (i = revision_by_mark(r->current, &r->moves[k].mark)) != NONE)
			return asker_of_peer(r, i);
	return (struct asker){ASKER_UNKNOWN, NONE};
}

bool reconciler_is_sendable_hint(const struct reconciler *r, const struct sockpoint *at)
{
	const struct cidr *root = r->current ? &r->current->model->cidrs[0] : NULL;
	const uint8_t *b = at->ip.b;
	const bool v4 = addr_is_v4(&at->ip);
	static const struct addr loopback6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, any6;

	if (!at->port || at->scope)
		return false;
	if (v4 && (b[12] == 127 || b[12] == 0 || b[12] >= 224))
		return false;
	if (!v4 && (b[0] == 0xff || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) || !addr_cmp(&at->ip, &loopback6) ||
		    !addr_cmp(&at->ip, &any6)))
		return false;
	for (unsigned i = 0; root && i < root->n_prefixes; i++)
		if (prefix_has(&root->prefix[i], &at->ip))
			return false;
	return true;
}

/* --- redeeming --- */

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
	if (r->current)
		reconciler_converge(r, r->current, DEVICE_ALL);
	reconciler_wake(r);
}

static void on_acknowledged(void *ctx)
{
	reconciler_handover_done(ctx);
}

/* Is a key somebody's already: in the definition, as an invite's temporary one, or enrolled by another invite? */
static bool key_is_known(const struct reconciler *r, const struct enrolment *e)
{
	const struct model *m = r->current->model;
	const struct ledger_facts *f = reconciler_facts(r);

	for (uint32_t i = 0; i < m->n_peers; i++) {
		struct key x = m->peers[i].key;
		if (m->peers[i].is_invite && ed25519_to_x25519(&m->peers[i].key, &x))
			continue;
		if (key_eq(&x, &e->key))
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
	http_answer(q, 200, "text/plain", &body, h ? on_acknowledged : NULL, h);
}

static void redeem_new(struct reconciler *r, struct http_request *q, const struct peer *p, const struct enrolment *e)
{
	struct diags d = {0};
	struct handover *h = NULL;
	enum redeem_result result = REDEEM_UNAVAILABLE;

	if (r->ledger)
		result = ledger_redeem(r->ledger, e, &d);
	switch (result) {
	case REDEEM_UNAVAILABLE:
		log_diags("ledger", &d);
		loop_timer_set(r->loop, &r->status_timer, 200);
		http_refuse(q, 503, "ledger-unavailable",
			    "the server cannot record invitations at the moment; try again later");
		break;
	case REDEEM_USED:
		http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key, or replaced");
		break;
	case REDEEM_KEY_KNOWN:
		http_refuse(q, 409, "key-known", "this key belongs to another peer; make a new one");
		break;
	case REDEEM_OK:
		r->redemptions++;
		log_info("redeemed", "'%s' redeemed its invitation", p->name);
		h = calloc(1, sizeof(*h));
		if (h) {
			*h = (struct handover){.r = r, .invite = e->invite, .key = e->key, .next = r->handovers};
			r->handovers = h;
		}
		reconciler_ledger_moved(r);
		say_redeemed(q, h);
		break;
	}
	diags_free(&d);
}

static void redeem(struct reconciler *r, struct http_request *q, const struct asker *who)
{
	const struct peer *p = &r->current->model->peers[who->peer];
	const struct key *id = &r->current->model->trust.id;
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
			say_redeemed(q, NULL); /* again, from either key: harmless */
		else if (before)
			http_refuse(q, 410, "invite-used", "this invitation was redeemed by another key");
		else if (p->invite_expires && p->invite_expires <= clock_unix())
			http_refuse(q, 401, "invite-expired", "this invitation has expired; ask for a new one");
		else if (key_is_known(r, &e))
			http_refuse(q, 409, "key-known", "this key belongs to a peer already; make a new one");
		else
			redeem_new(r, q, p, &e);
	}
	diags_free(&d);
}

/* --- routing --- */

static void answer_status(struct reconciler *r, struct http_request *q, const struct asker *who)
{
	const bool all = r->current->model->peers[who->peer].admin;
	json_t *o = status_json(r, all ? NONE : who->peer);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	struct buf body = {0};

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
static void answer_metrics(struct reconciler *r, struct http_request *q, const struct asker *who)
{
	struct buf body = {0};

	if (!r->current->model->peers[who->peer].admin) {
		http_refuse(q, 403, "not-admin", "only an admin's machine may ask for this");
		return;
	}
	reconciler_metrics(r, &body);
	http_answer(q, 200, METRICS_CONTENT_TYPE, &body, NULL, NULL);
}

/* The exact Host, our own header, no Origin: what a browser on a peer's machine could send never gets further. */
static bool is_ours(const struct reconciler *r, struct http_request *q)
{
	const struct peer *self = &r->current->model->peers[r->current->self];
	const char *network = http_header(q, "Innernet-Network");
	char id[KEY_B64_LEN + 1];
	uint16_t port = r->o.no_device ? http_port(r->http) : SERVER_PORT;

	key_format(&r->current->model->trust.id, id);
	if (http_header(q, "Origin"))
		http_refuse(q, 403, "bad-request", "requests with an Origin are not answered");
	else if (!host_matches(http_header(q, "Host"), self->ip, self->n_ips, port))
		http_refuse(q, 400, "bad-request", "the Host is not this server's address and port");
	else if (!network || strcmp(network, id))
		http_refuse(q, 403, "bad-request", "Innernet-Network is missing, or that of another network");
	else
		return true;
	return false;
}

/* One known path with one method. */
static bool is_route(struct http_request *q, const char *path, enum http_method method, bool *wrong_method)
{
	if (strcmp(http_path(q), path))
		return false;
	*wrong_method = http_method(q) != method;
	return !*wrong_method;
}

void reconciler_request(void *ctx, struct http_request *q, enum http_reason why)
{
	struct reconciler *r = ctx;
	struct asker who;
	bool wrong_method = false;

	if (!r->current) {
		http_refuse(q, 503, "not-published", "nothing has been published yet");
		return;
	}
	who = reconciler_asker(r, http_from(q));
	if (who.kind == ASKER_UNKNOWN || who.kind == ASKER_SELF) {
		http_refuse(q, 403, "not-invited", "no peer that may ask has this address");
		return;
	}
	if (!is_ours(r, q))
		return;
	if (is_route(q, "/v1/redeem", HTTP_POST, &wrong_method)) {
		redeem(r, q, &who);
	} else if (wrong_method) {
		http_refuse(q, 405, "bad-request", "this path takes POST");
	} else if (who.kind == ASKER_INVITED) {
		http_refuse(q, 403, "not-invited", "redeem the invitation first");
	} else if (is_route(q, "/v1/poll", HTTP_GET, &wrong_method)) {
		reconciler_poll(r, q, &who, why);
	} else if (is_route(q, "/v1/status", HTTP_GET, &wrong_method)) {
		answer_status(r, q, &who);
	} else if (is_route(q, "/metrics", HTTP_GET, &wrong_method)) {
		answer_metrics(r, q, &who);
	} else if (wrong_method) {
		http_refuse(q, 405, "bad-request", "this path takes GET");
	} else {
		http_refuse(q, 404, "not-found", "there is nothing at this path");
	}
}
