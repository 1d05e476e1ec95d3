/* The server's own interface: converged by the same code as a peer's, repaired when somebody edits it. */
#include "reconcile/edge/device/forwarding.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS  5000 /* drift is repaired within this even when no event tells of it */
#define DRIFT_MS 50   /* after an event: many come at once */

static int out_of_memory(struct diags *d)
{
	d->out_of_memory = true;
	diag_error(d, "out-of-memory", NULL, "out of memory");
	return -1;
}

static int device_peer_cmp(const void *x, const void *y)
{
	return key_cmp(&((const struct device_peer *)x)->key, &((const struct device_peer *)y)->key);
}

static int prefix_sort_cmp(const void *x, const void *y)
{
	return prefix_cmp(x, y);
}

static struct device_peer *peer_of_key(const struct device_state *st, const struct key *key)
{
	const struct device_peer want = {.key = *key};

	return st->n_peers ? bsearch(&want, st->peers, st->n_peers, sizeof(want), device_peer_cmp) : NULL;
}

/*
 * While an enrolment is handed over the address stays with the temporary key, from which the answer is awaited; the new
 * key is there already, without an address (reference: library facts, the order that loses nothing).
 */
static int apply_handovers(const struct reconciler *r, struct arena *a, struct device_state *st)
{
	uint32_t n = 0;

	for (const struct handover *h = redemptions_handovers(r->redemptions); h; h = h->next)
		n++;
	if (!n)
		return 0;
	struct device_peer *peers = arena_array(a, (size_t)st->n_peers + n, sizeof(*peers));
	if (!peers)
		return -1;
	if (st->n_peers)
		memcpy(peers, st->peers, st->n_peers * sizeof(*peers));
	n = st->n_peers;
	for (const struct handover *h = redemptions_handovers(r->redemptions); h; h = h->next) {
		struct device_peer *new = peer_of_key(st, &h->key);
		struct key temporary;
		if (!new || ed25519_to_x25519(&h->invite, &temporary) || peer_of_key(st, &temporary))
			continue;
		new = &peers[new - st->peers];
		peers[n] = *new;
		peers[n++].key = temporary;
		new->allowed = NULL;
		new->n_allowed = 0;
	}
	st->peers = peers;
	st->n_peers = n;
	qsort(st->peers, st->n_peers, sizeof(*st->peers), device_peer_cmp);
	return 0;
}

static int apply_moves(const struct reconciler *r, const struct revision *g, struct arena *a, struct device_state *st)
{
	size_t n;
	const struct move *moves = moves_list(r->moves, &n);

	for (size_t i = 0; i < n; i++) {
		uint32_t index = enrolments_owner(r->enrolments, g, &moves[i].mark);
		struct key key;
		if (index == NONE)
			continue;
		key = enrolments_key_now(r->enrolments, &g->model->peers[index]);
		struct device_peer *p = peer_of_key(st, &key);
		if (!p)
			continue;
		struct prefix *allowed = arena_array(a, (size_t)p->n_allowed + 1, sizeof(*allowed));
		if (!allowed)
			return -1;
		if (p->n_allowed)
			memcpy(allowed, p->allowed, p->n_allowed * sizeof(*allowed));
		allowed[p->n_allowed++] = prefix_host(&moves[i].old);
		qsort(allowed, p->n_allowed, sizeof(*allowed), prefix_sort_cmp);
		p->allowed = allowed;
	}
	return 0;
}

static struct device_state *wanted_state(const struct reconciler *r, const struct revision *g, struct arena *a)
{
	const struct ledger_facts *f = enrolments_facts(r->enrolments);
	const struct local l = {.public_key = &r->config->public_key,
				.listen_port = r->config->listen_port,
				.mtu = r->o.mtu,
				.no_routing = r->o.no_routing};
	struct device_state *st =
	    desired_for_server(a, g->model, g->self, f->enrolments, f->n_enrolments, clock_unix(), &l);

	if (!st || apply_handovers(r, a, st) < 0 || apply_moves(r, g, a, st) < 0)
		return NULL;
	snprintf(st->name, sizeof(st->name), "%s", r->config->interface);
	return st;
}

/* --- converging --- */

/* What of a plan takes something away, in its order. */
static int only_removals(struct arena *a, struct plan *p)
{
	struct op *ops = arena_array(a, p->n_ops ? p->n_ops : 1, sizeof(*ops));
	uint32_t n = 0;

	if (!ops)
		return -1;
	for (uint32_t i = 0; i < p->n_ops; i++)
		if (op_rows[p->ops[i].kind].takes_away)
			ops[n++] = p->ops[i];
	p->ops = ops;
	p->n_ops = n;
	return 0;
}

static void say_drift(const struct reconciler *r, const struct plan *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_ops; i++)
		n += p->ops[i].drift;
	if (n)
		log_warn("drift", "%s was changed by somebody else: %u change%s undone", r->config->interface, n,
			 n == 1 ? "" : "s");
}

static struct plan *make_plan(struct reconciler *r, const struct device_state *wanted, struct arena *a,
			      struct device_state **observed, struct diags *d)
{
	struct plan *p;

	if (device_read(a, r->config->interface, observed, d) < 0)
		return NULL;
	p = device_diff(a, wanted, *observed, r->applied, clock_unix());
	if (!p)
		out_of_memory(d);
	return p;
}

/* Reads, plans, applies, and reads again: the second plan must be empty. */
static int converge(struct reconciler *r, const struct revision *g, const struct device_state *wanted,
		    enum device_phase phase, struct arena *a, struct diags *d)
{
	struct device_state *observed;
	struct plan *p = make_plan(r, wanted, a, &observed, d);

	if (!p)
		return -1;
	if (phase == DEVICE_REMOVALS) {
		if (!observed->exists || only_removals(a, p) < 0)
			return 0;
		return p->n_ops ? device_apply(p, r->o.backend, r->config->private_key, d) : 0;
	}
	hints_board_see(r->hints, g, wanted, observed);
	say_drift(r, p);
	for (int i = 0; p->n_ops; i++) {
		if (i == 2) {
			struct buf text = {0};
			plan_render_text(&text, p, false);
			diag_error(d, "not-converged", NULL, "%s does not stay as it is set", r->config->interface);
			log_debug("not-converged", "%s", text.p ? text.p : "");
			buf_free(&text);
			return -1;
		}
		if (device_apply(p, r->o.backend, r->config->private_key, d) < 0)
			return -1;
		p = make_plan(r, wanted, a, &observed, d);
		if (!p)
			return -1;
	}
	return 0;
}

/* Said once each time that it changes. */
static void device_failed(struct reconciler *r, const struct diags *d)
{
	const char *message = d->first ? d->first->message : "out of memory";

	r->device_ok = false;
	if (strncmp(r->device_error, message, sizeof(r->device_error) - 1)) {
		snprintf(r->device_error, sizeof(r->device_error), "%s", message);
		log_diags("device", d);
	}
}

/* Who is reached through this server is so by its kernel alone; said once each time that it changes. */
static void say_forwarding(struct reconciler *r, const struct revision *g)
{
	const struct model *m = g->model;
	uint32_t n[2] = {0, 0};

	for (uint32_t i = 0; g->self != NONE && i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		if (!p->via || p->disabled || strcmp(p->via, m->peers[g->self].name) != 0)
			continue;
		for (unsigned k = 0; k < p->n_ips; k++)
			n[addr_is_v4(&p->ip[k])]++;
	}
	for (unsigned v4 = 0; v4 < 2; v4++) {
		char setting[SETTING_LEN];
		bool lacks = n[v4] && forwarding_read(r->config->interface, v4, setting) == 0;

		if (lacks && !r->not_forwarded[v4])
			log_warn("forwarding",
				 "the kernel forwards no %s, and %u peer%s reached through this server: sysctl -w %s=1",
				 v4 ? "IPv4" : "IPv6", n[v4], n[v4] == 1 ? " is" : "s are", setting);
		r->not_forwarded[v4] = lacks;
	}
}

static bool key_still_there(void *ctx, const struct addr *from)
{
	return reconciler_asker(ctx, from).kind != ASKER_UNKNOWN;
}

int reconciler_converge(struct reconciler *r, const struct revision *g, enum device_phase phase)
{
	struct arena *a = arena_new(), *work = arena_new();
	struct device_state *wanted = a ? wanted_state(r, g, a) : NULL;
	struct diags d = {0};
	int ret = -1;

	if (!wanted || !work) {
		out_of_memory(&d);
		device_failed(r, &d);
		goto out;
	}
	ret = 0;
	if (r->o.no_device && phase == DEVICE_ALL)
		hints_board_see(r->hints, g, wanted, NULL);
	if (!r->o.no_device)
		ret = converge(r, g, wanted, phase, work, &d);
	if (phase == DEVICE_REMOVALS)
		goto out;
	if (ret < 0) {
		device_failed(r, &d);
		goto out;
	}
	if (r->device_error[0])
		log_info("device", "%s is as it should be again", r->config->interface);
	r->device_error[0] = '\0';
	r->device_ok = true;
	if (!r->o.no_device)
		say_forwarding(r, g);
	arena_free(r->applied_arena);
	r->applied_arena = a;
	r->applied = wanted;
	/* Names belong to the revision, which may go before this does. */
	for (uint32_t i = 0; i < wanted->n_peers; i++)
		wanted->peers[i].name = NULL;
	a = NULL;
	if (r->http)
		http_close_others(r->http, key_still_there, r);
out:
	diags_free(&d);
	arena_free(a);
	arena_free(work);
	return ret;
}

/* --- looking --- */

static void look(struct reconciler *r)
{
	if (!served_now(r->served))
		return;
	reconciler_converge(r, served_now(r->served), DEVICE_ALL);
	reconciler_listen(r);
	reports_check(r->reports);
	reconciler_ready(r);
	status_write(r);
}

static void on_look(void *ctx)
{
	struct reconciler *r = ctx;

	look(r);
	loop_timer_set(r->loop, &r->look_timer, LOOK_MS);
}

static void on_drift(void *ctx)
{
	look(ctx);
}

static void on_monitor(void *ctx, int fd, uint32_t events)
{
	struct reconciler *r = ctx;

	(void)events;
	if (device_monitor_drain(fd, r->config->interface) & CHANGED_DEVICE && !r->drift_timer.slot)
		loop_timer_set(r->loop, &r->drift_timer, DRIFT_MS);
}

int reconciler_device_start(struct reconciler *r, struct diags *d)
{
	r->look_timer = (struct loop_timer){.fn = on_look, .ctx = r};
	r->drift_timer = (struct loop_timer){.fn = on_drift, .ctx = r};
	r->monitor_fd = -1;
	if (!r->o.watch)
		return 0;
	if (loop_timer_set(r->loop, &r->look_timer, LOOK_MS) < 0)
		return out_of_memory(d);
	if (r->o.no_device)
		return 0;
	r->monitor_fd = device_monitor_open(d);
	if (r->monitor_fd < 0 || loop_fd_set(r->loop, r->monitor_fd, EPOLLIN, on_monitor, r) < 0)
		return -1;
	return 0;
}

void reconciler_device_stop(struct reconciler *r)
{
	loop_timer_del(r->loop, &r->look_timer);
	loop_timer_del(r->loop, &r->drift_timer);
	if (r->monitor_fd >= 0) {
		loop_fd_del(r->loop, r->monitor_fd);
		close(r->monitor_fd);
	}
	arena_free(r->applied_arena);
}
