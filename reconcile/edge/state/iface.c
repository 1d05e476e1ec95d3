#include "reconcile/edge/state/iface.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/device/forwarding.h"
#include "reconcile/show/plan.h"
#include "schema/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS  5000 /* drift is repaired within this even when no event tells of it */
#define DRIFT_MS 50   /* after an event: many come at once */

struct iface {
	struct loop *loop;
	struct iface_options o;
	struct iface_uses uses;
	struct iface_calls calls;
	struct arena *arena;          /* of `applied` */
	struct device_state *applied; /* what the interface was given last; NULL: not known */
	bool ok;
	char problem[256];      /* logged once */
	bool not_forwarded[2];  /* IPv6, IPv4: peers are reached through here, and the kernel does not forward */
	int monitor_fd;         /* -1: none */
	struct loop_timer look; /* every LOOK_MS */
	struct loop_timer soon; /* after an event */
};

/*
 * While an enrolment is handed over the address stays with the temporary key, to which the answer goes. The new key is
 * there already, without an address: in this order no packet is lost.
 */
static int apply_handovers(const struct iface *dev, struct arena *a, struct device_state *st)
{
	uint32_t n = 0;

	for (const struct handover *h = redemptions_handovers(dev->uses.redemptions); h; h = h->next)
		n++;
	if (!n)
		return 0;
	struct device_peer *peers = arena_array(a, (size_t)st->n_peers + n, sizeof(*peers));
	if (!peers)
		return -1;
	if (st->n_peers)
		memcpy(peers, st->peers, st->n_peers * sizeof(*peers));
	n = st->n_peers;
	for (const struct handover *h = redemptions_handovers(dev->uses.redemptions); h; h = h->next) {
		struct device_peer *new = device_peer_find(st->peers, st->n_peers, &h->key);
		struct key temporary;
		if (!new || ed25519_to_x25519(&h->invite, &temporary) ||
		    device_peer_find(st->peers, st->n_peers, &temporary))
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

static int add_prefix(struct arena *a, struct prefix **list, uint32_t *n, const struct prefix *p)
{
	struct prefix *all = arena_array(a, (size_t)*n + 1, sizeof(*all));

	if (!all)
		return -1;
	if (*n)
		memcpy(all, *list, *n * sizeof(*all));
	all[*n] = *p;
	*n = order_prefixes(all, *n + 1);
	*list = all;
	return 0;
}

/* The addresses that this server has left, and peers still use. */
static int apply_own_moves(const struct iface *dev, struct arena *a, struct device_state *st)
{
	size_t n;
	const struct addr *left = own_moves_list(dev->uses.own_moves, &n);

	for (size_t i = 0; i < n; i++) {
		const struct prefix host = prefix_host(&left[i]);
		if (add_prefix(a, &st->addresses, &st->n_addresses, &host) < 0)
			return -1;
	}
	return 0;
}

/* In a network that is renumbered the earlier address of a peer is outside of the network's own prefix. */
static int route_moved(const struct iface *dev, const struct revision *g, const struct addr *old, struct arena *a,
		       struct device_state *st)
{
	const struct prefix host = prefix_host(old);
	const struct cidr *root = &g->model->cidrs[0];

	for (unsigned i = 0; i < root->n_prefixes; i++)
		if (prefix_has(&root->prefix[i], old))
			return 0;
	return dev->o.no_routing ? 0 : add_prefix(a, &st->routes, &st->n_routes, &host);
}

static int apply_moves(const struct iface *dev, const struct revision *g, struct arena *a, struct device_state *st)
{
	size_t n;
	const struct move *moves = moves_list(dev->uses.moves, &n);

	for (size_t i = 0; i < n; i++) {
		uint32_t index = enrolments_owner(dev->uses.enrolments, g, &moves[i].mark);
		struct key key;
		if (index == NONE)
			continue;
		key = enrolments_key_now(dev->uses.enrolments, &g->model->peers[index]);
		struct device_peer *p = device_peer_find(st->peers, st->n_peers, &key);
		if (!p)
			continue;
		struct prefix *allowed = arena_array(a, (size_t)p->n_allowed + 1, sizeof(*allowed));
		if (!allowed)
			return -1;
		if (p->n_allowed)
			memcpy(allowed, p->allowed, p->n_allowed * sizeof(*allowed));
		allowed[p->n_allowed++] = prefix_host(&moves[i].old);
		qsort(allowed, p->n_allowed, sizeof(*allowed), order_prefix_cmp);
		p->allowed = allowed;
		if (route_moved(dev, g, &moves[i].old, a, st) < 0)
			return -1;
	}
	return 0;
}

static struct device_state *wanted_state(const struct iface *dev, const struct revision *g, struct arena *a)
{
	const struct ledger_facts *f = enrolments_facts(dev->uses.enrolments);
	const struct local l = {.public_key = &dev->uses.config->public_key,
				.listen_port = dev->uses.config->listen_port,
				.mtu = dev->o.mtu,
				.no_routing = dev->o.no_routing};
	struct device_state *st =
	    desired_for_server(a, g->model, g->self, f->enrolments, f->n_enrolments, clock_unix(), &l);

	if (!st || apply_handovers(dev, a, st) < 0 || apply_moves(dev, g, a, st) < 0 || apply_own_moves(dev, a, st) < 0)
		return NULL;
	snprintf(st->name, sizeof(st->name), "%s", dev->uses.config->interface);
	return st;
}

/* --- converging --- */

/* Keeps the operations that take something away, in their order. */
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

static void say_drift(const struct iface *dev, const struct plan *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n_ops; i++)
		n += p->ops[i].drift;
	if (n)
		log_warn("drift", "%s was changed by another program: %u change%s undone", dev->uses.config->interface,
			 n, n == 1 ? "" : "s");
}

static struct plan *make_plan(struct iface *dev, const struct device_state *wanted, struct arena *a,
			      struct device_state **observed, struct diags *d)
{
	struct plan *p;

	if (device_read(a, dev->uses.config->interface, observed, d) < 0)
		return NULL;
	p = device_diff(a, wanted, *observed, dev->applied, clock_unix());
	if (!p)
		diags_out_of_memory(d);
	return p;
}

/* Reads, plans, applies, and reads again: the second plan must be empty. */
static int change(struct iface *dev, const struct revision *g, const struct device_state *wanted,
		  enum iface_phase phase, struct arena *a, struct diags *d)
{
	struct device_state *observed;
	struct plan *p = make_plan(dev, wanted, a, &observed, d);

	if (!p)
		return -1;
	if (phase == IFACE_REMOVALS) {
		if (!observed->exists || only_removals(a, p) < 0)
			return 0;
		return p->n_ops ? device_apply(p, dev->o.backend, dev->uses.config->private_key, d) : 0;
	}
	hints_board_see(dev->uses.hints, g, wanted, observed);
	say_drift(dev, p);
	for (int i = 0; p->n_ops; i++) {
		if (i == 2) {
			struct buf text = {0};
			plan_render_text(&text, p, false);
			diag_error(d, "not-converged", NULL, "%s does not stay as it is set",
				   dev->uses.config->interface);
			log_debug("not-converged", "%s", text.p ? text.p : "");
			buf_free(&text);
			return -1;
		}
		if (device_apply(p, dev->o.backend, dev->uses.config->private_key, d) < 0)
			return -1;
		p = make_plan(dev, wanted, a, &observed, d);
		if (!p)
			return -1;
	}
	return 0;
}

/* Logged once each time that it changes. */
static void failed(struct iface *dev, const struct diags *d)
{
	const char *message = d->first ? d->first->message : "out of memory";

	dev->ok = false;
	if (strncmp(dev->problem, message, sizeof(dev->problem) - 1)) {
		snprintf(dev->problem, sizeof(dev->problem), "%s", message);
		log_diags("device", d);
	}
}

/* Only the kernel forwards to the peers that are reached through this server. Logged once each time that it changes. */
static void say_forwarding(struct iface *dev, const struct revision *g)
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
		bool lacks = n[v4] && forwarding_read(dev->uses.config->interface, v4, setting) == 0;

		if (lacks && !dev->not_forwarded[v4])
			log_warn("forwarding",
				 "the kernel forwards no %s, and %u peer%s reached through this server: sysctl -w %s=1",
				 v4 ? "IPv4" : "IPv6", n[v4], n[v4] == 1 ? " is" : "s are", setting);
		dev->not_forwarded[v4] = lacks;
	}
}

int iface_converge(struct iface *dev, const struct revision *g, enum iface_phase phase)
{
	struct arena *a = arena_new(), *work = arena_new();
	struct device_state *wanted = a ? wanted_state(dev, g, a) : NULL;
	struct diags d = {0};
	int ret = -1;

	if (!wanted || !work) {
		diags_out_of_memory(&d);
		failed(dev, &d);
		goto out;
	}
	ret = 0;
	if (dev->o.no_device && phase == IFACE_ALL)
		hints_board_see(dev->uses.hints, g, wanted, NULL);
	if (!dev->o.no_device)
		ret = change(dev, g, wanted, phase, work, &d);
	if (phase == IFACE_REMOVALS)
		goto out;
	if (ret < 0) {
		failed(dev, &d);
		goto out;
	}
	if (dev->problem[0])
		log_info("device", "%s is as it should be again", dev->uses.config->interface);
	dev->problem[0] = '\0';
	dev->ok = true;
	if (!dev->o.no_device)
		say_forwarding(dev, g);
	arena_free(dev->arena);
	dev->arena = a;
	dev->applied = wanted;
	/* Names belong to the revision, which may go before this does. */
	for (uint32_t i = 0; i < wanted->n_peers; i++)
		wanted->peers[i].name = NULL;
	a = NULL;
	dev->calls.converged(dev->calls.ctx);
out:
	diags_free(&d);
	arena_free(a);
	arena_free(work);
	return ret;
}

/* --- looking --- */

static void on_look(void *ctx)
{
	struct iface *dev = ctx;

	dev->calls.look(dev->calls.ctx);
	loop_timer_set(dev->loop, &dev->look, LOOK_MS);
}

static void on_soon(void *ctx)
{
	struct iface *dev = ctx;

	dev->calls.look(dev->calls.ctx);
}

static void on_monitor(void *ctx, int fd, uint32_t events)
{
	struct iface *dev = ctx;

	(void)events;
	if (device_monitor_drain(fd, dev->uses.config->interface) & CHANGED_DEVICE && !dev->soon.slot)
		iface_look_in(dev, DRIFT_MS);
}

void iface_look_in(struct iface *dev, int64_t ms)
{
	loop_timer_set(dev->loop, &dev->soon, ms);
}

bool iface_ok(const struct iface *dev)
{
	return dev->ok;
}

const char *iface_problem(const struct iface *dev)
{
	return dev->problem;
}

struct iface *iface_new(struct loop *l, const struct iface_options *o, const struct iface_uses *uses,
			const struct iface_calls *calls)
{
	struct iface *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return NULL;
	*dev = (struct iface){.loop = l, .o = *o, .uses = *uses, .calls = *calls, .monitor_fd = -1};
	dev->look = (struct loop_timer){.fn = on_look, .ctx = dev};
	dev->soon = (struct loop_timer){.fn = on_soon, .ctx = dev};
	return dev;
}

int iface_start(struct iface *dev, struct diags *d)
{
	if (!dev->o.watch)
		return 0;
	if (loop_timer_set(dev->loop, &dev->look, LOOK_MS) < 0)
		return diags_out_of_memory(d);
	if (dev->o.no_device)
		return 0;
	dev->monitor_fd = device_monitor_open(d);
	if (dev->monitor_fd < 0 || loop_fd_set(dev->loop, dev->monitor_fd, EPOLLIN, on_monitor, dev) < 0)
		return -1;
	return 0;
}

void iface_free(struct iface *dev)
{
	if (!dev)
		return;
	loop_timer_del(dev->loop, &dev->look);
	loop_timer_del(dev->loop, &dev->soon);
	if (dev->monitor_fd >= 0) {
		loop_fd_del(dev->loop, dev->monitor_fd);
		close(dev->monitor_fd);
	}
	arena_free(dev->arena);
	free(dev);
}
