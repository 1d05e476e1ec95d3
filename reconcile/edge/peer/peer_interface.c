#include "reconcile/edge/peer/peer_interface.h"

#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/show/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer_interface {
	const struct peer_file *file;
	const struct peer_held *held;
	struct peer_hints *hints;
	struct peer_search *search;
	const uint8_t *private_key;
	const struct key *public_key;
	struct arena *last_arena;
	struct device_state *last;
	struct kept *last_of; /* shared ownership: the strings of `last` live in it */
};

struct peer_interface *peer_interface_new(const struct peer_file *f, const struct peer_held *held,
					  struct peer_hints *hints, struct peer_search *search, struct diags *d)
{
	struct peer_interface *i = calloc(1, sizeof(*i));

	if (!i) {
		diags_out_of_memory(d);
		return NULL;
	}
	i->file = f;
	i->held = held;
	i->hints = hints;
	i->search = search;
	peer_interface_use_own_keys(i);
	return i;
}

void peer_interface_free(struct peer_interface *i)
{
	if (!i)
		return;
	arena_free(i->last_arena);
	kept_free(i->last_of);
	free(i);
}

void peer_interface_use_keys(struct peer_interface *i, const uint8_t *private_key, const struct key *public_key)
{
	i->private_key = private_key;
	i->public_key = public_key;
}

void peer_interface_use_own_keys(struct peer_interface *i)
{
	const struct peer_config *c = peer_file_config(i->file);

	peer_interface_use_keys(i, c->private_key, &c->public_key);
}

const struct device_state *peer_interface_last(const struct peer_interface *i)
{
	return i->last;
}

/*
 * Before the first snapshot a peer knows itself and the servers, from the invitation. From this view to the interface
 * it is as with a snapshot.
 */
static struct view *first_view(struct arena *a, const struct membership *m, const struct key *own)
{
	struct view *v = arena_alloc(a, sizeof(*v));
	uint32_t n = m->n_servers;

	if (!v)
		return NULL;
	v->cidrs = arena_array(a, 1, sizeof(*v->cidrs));
	v->peers = arena_array(a, n + 1, sizeof(*v->peers));
	if (!v->cidrs || !v->peers)
		return NULL;
	memcpy(v->statement.network, m->network, sizeof(v->statement.network));
	v->statement.trust = m->trust;
	v->mtu = m->mtu;
	v->keepalive = m->keepalive;
	v->n_cidrs = 1;
	v->cidrs[0] = (struct view_cidr){.name = m->network, .n_prefixes = m->n_root, .parent = NONE};
	memcpy(v->cidrs[0].prefix, m->root, sizeof(m->root));
	for (uint32_t i = 0; i < n; i++) {
		const struct server_ref *s = &m->servers[i];
		v->peers[i] = (struct view_peer){
		    .name = s->name,
		    .endpoint = s->endpoint,
		    .ip = {s->ip[0], s->ip[1]},
		    .n_ips = s->n_ips,
		    .key = s->public_key,
		    .keepalive = -1,
		    .server = true,
		};
	}
	v->peers[n] = (struct view_peer){
	    .name = m->name,
	    .ip = {m->ip[0], m->ip[1]},
	    .n_ips = m->n_ips,
	    .key = *own,
	    .keepalive = -1,
	};
	v->n_peers = n + 1;
	v->self = n;
	return v;
}

static struct device_state *desired(const struct peer_interface *i, struct arena *a, struct diags *d)
{
	const struct peer_config *c = peer_file_config(i->file);
	const struct peer_settings *own = &c->settings;
	struct local l = {
	    .interface = peer_file_ifname(i->file),
	    .public_key = i->public_key,
	    .listen_port = own->listen_port,
	    .mtu = peer_file_options(i->file)->mtu,
	    .no_routing = peer_file_options(i->file)->no_routing,
	};
	const struct view *held = peer_held_view(i->held), *v = held ? held : first_view(a, &c->m, i->public_key);
	struct local_endpoint *endpoints = arena_array(a, own->n_endpoints + 1, sizeof(*endpoints));
	struct device_state *want;

	for (uint32_t k = 0; endpoints && k < own->n_endpoints; k++)
		endpoints[k] =
		    (struct local_endpoint){.name = own->endpoints[k].name, .endpoint = own->endpoints[k].endpoint};
	l.endpoints = endpoints;
	l.n_endpoints = endpoints ? own->n_endpoints : 0;
	l.hints = peer_hints_list(i->hints, &l.n_hints);
	l.resolved = resolver_known(peer_hints_resolver(i->hints), &l.n_resolved);
	want = v && endpoints ? desired_for_view(a, v, &l) : NULL;
	if (!want)
		diags_out_of_memory(d);
	return want;
}

static struct device_state *look(const struct peer_interface *i, struct arena *a, struct diags *d)
{
	struct device_state *there = NULL;

	return device_read(a, peer_file_ifname(i->file), &there, d) < 0 ? NULL : there;
}

static struct plan *plan_against(const struct peer_interface *i, struct arena *a, const struct device_state *want,
				 const struct device_state *there, int64_t now, struct diags *d)
{
	struct plan *plan = there ? device_diff(a, want, there, i->last, now) : NULL;

	if (there && !plan)
		diags_out_of_memory(d);
	return plan;
}

struct plan *peer_interface_plan(struct peer_interface *i, struct arena *a, int64_t now, struct diags *d)
{
	struct device_state *want = desired(i, a, d), *there = want ? look(i, a, d) : NULL;
	struct candidates_turn ignored;

	if (!there || peer_search_choose(i->search, a, want, there, now, SEARCH_STAY, &ignored, d) < 0)
		return NULL;
	return plan_against(i, a, want, there, now, d);
}

/* The operation only tries another candidate. */
static bool is_try(const struct op *op)
{
	return op->kind == OP_PEER_CHANGE && !op->drift && !op->set_allowed && !op->clear_psk &&
	       (!op->set_endpoint || op->after->endpoint_open) && (!op->set_keepalive || op->after->keepalive_open);
}

static void count_ops(const struct plan *plan, struct interface_turn *turn)
{
	const struct op *first = NULL;

	turn->n_ops = plan->n_ops;
	for (uint32_t i = 0; i < plan->n_ops; i++) {
		turn->link_added = turn->link_added || plan->ops[i].kind == OP_LINK_ADD;
		turn->n_tries += is_try(&plan->ops[i]);
		if (!plan->ops[i].drift)
			continue;
		turn->n_drift++;
		if (!first)
			first = &plan->ops[i];
	}
	if (!first || !op_rows[first->kind].drift)
		return;
	const struct device_peer *peer = first->after ? first->after : first->before;
	snprintf(turn->drift, sizeof(turn->drift), "%s%s%s%s", op_rows[first->kind].drift,
		 peer && peer->name ? " (" : "", peer && peer->name ? peer->name : "", peer && peer->name ? ")" : "");
}

/* Each line of the plan as a line of the log, with --verbose. */
static void log_plan(const struct plan *plan)
{
	struct buf text = {0};
	char *line, *rest;

	if (!log_verbose())
		return;
	plan_render_text(&text, plan, false);
	for (line = rest = text.p; line && *line; line = rest) {
		rest = line + strcspn(line, "\n");
		if (*rest)
			*rest++ = '\0';
		if (*line)
			log_debug("plan", "%s", line);
	}
	buf_free(&text);
}

int peer_interface_converge(struct peer_interface *i, int64_t now, enum search_how how, struct interface_turn *turn,
			    struct diags *d)
{
	int64_t start = clock_boot_ms();
	struct arena *a = arena_new();
	struct device_state *want, *there;
	struct plan *plan;

	*turn = (struct interface_turn){.search.next_ms = -1};
	if (!a)
		return diags_out_of_memory(d);
	if (!(want = desired(i, a, d)) || !(there = look(i, a, d)) ||
	    peer_search_choose(i->search, a, want, there, now, how, &turn->search, d) < 0 ||
	    !(plan = plan_against(i, a, want, there, now, d)))
		goto out;
	count_ops(plan, turn);
	if (plan->n_ops) {
		log_plan(plan);
		if (device_apply(plan, peer_file_options(i->file)->backend, i->private_key, d) < 0 ||
		    !(plan = plan_against(i, a, want, look(i, a, d), clock_unix(), d)))
			goto out;
		if (plan->n_ops) {
			diag_error(
			    d, "not-converged", NULL,
			    "the interface is not as it should be after the plan was applied: %u operations are left",
			    plan->n_ops);
			goto out;
		}
	}
	turn->ms = clock_boot_ms() - start;
	if (!peer_file_from_definition(i->file) &&
	    peer_hints_learn(i->hints, a, plan->observed, peer_search_candidates(i->search), now, clock_boot_ms(), d) <
		0)
		goto out;
	arena_free(i->last_arena);
	i->last_arena = a;
	i->last = want;
	kept_free(i->last_of);
	i->last_of = peer_held_share(i->held);
	return 0;
out:
	arena_free(a);
	return -1;
}
