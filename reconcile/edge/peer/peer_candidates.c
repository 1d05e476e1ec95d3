/* Where a peer looks for the others: what it knows of itself, for reconcile/plan/candidates.h. */
#include "reconcile/edge/peer/peer_parts.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* The prefixes of every network that this machine is in: those whose files make no sense are skipped. */
static int find_networks(struct this_peer *p, struct arena *a, struct diags *d)
{
	struct file_stamp now = file_stamp_of(peer_file_options(p->file)->config_dir);
	const char *const *names = NULL;
	struct diags ignored = {0};
	struct prefix *inside;
	size_t n = 0, n_inside = 0;

	if (p->inside && file_stamp_eq(&now, &p->inside_stamp))
		return 0;
	peer_config_list(a, peer_file_options(p->file)->config_dir, &names, &n, &ignored);
	diags_free(&ignored);
	inside = calloc(2 * n + 2, sizeof(*inside));
	if (!inside) {
		d->out_of_memory = true;
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		struct peer_config *c = NULL;
		bool absent = false;

		ignored = (struct diags){0};
		if (peer_config_read(peer_file_options(p->file)->config_dir, names[i], &c, &absent, &ignored) == 0 &&
		    !absent) {
			for (unsigned j = 0; j < c->m.n_root; j++)
				inside[n_inside++] = c->m.root[j];
		}
		peer_config_free(c);
		diags_free(&ignored);
	}
	free(p->inside);
	p->inside = inside;
	p->n_inside = n_inside;
	p->inside_stamp = now;
	return 0;
}

static bool is_inside(const struct this_peer *p, const struct addr *ip)
{
	for (size_t i = 0; i < p->n_inside; i++) {
		if (prefix_has(&p->inside[i], ip))
			return true;
	}
	return false;
}

/* What this machine's interfaces have; unknown is no addresses. */
static void find_own(const struct this_peer *p, struct arena *a, struct whereabouts *w)
{
	struct diags ignored = {0};
	struct local_address *own = NULL;
	size_t n = 0;

	if (device_local_addresses(a, &own, &n, &ignored) == 0) {
		for (size_t i = 0; i < n && w->n_own < OWN_ADDRESSES_MAX; i++) {
			if (!is_inside(p, &own[i].ip))
				w->own[w->n_own++] = own[i].ip;
		}
	}
	diags_free(&ignored);
}

/* Another serial when anything of it is not as it was. */
static void look_around(struct this_peer *p, struct arena *a, const struct device_state *there)
{
	const struct view *v = peer_held_view(p->held);
	struct whereabouts w;

	/* Compared as bytes, with what is between them. */
	memset(&w, 0, sizeof(w));
	w.hints = p->hints_serial;
	w.names = resolver_changes(p->resolver);
	if (v)
		w.statement = v->statement.name;
	w.config = *peer_file_stamp(p->file);
	w.listen_port = there->listen_port;
	find_own(p, a, &w);
	if (memcmp(&w, &p->where, sizeof(w)) == 0)
		return;
	memcpy(&p->where, &w, sizeof(w));
	p->where_serial++;
}

int peer_candidates_choose(struct this_peer *p, struct arena *a, struct device_state *want,
			   const struct device_state *there, int64_t now, enum search_how how,
			   struct candidates_turn *out, struct diags *d)
{
	const struct view *v = peer_held_view(p->held);
	uint16_t keepalive = v ? v->keepalive : peer_file_config(p->file)->m.keepalive;
	struct candidates_facts f = {
	    .want = want,
	    .there = there,
	    .hints = p->hints,
	    .n_hints = p->n_hints,
	    .knocks = p->knocks,
	    .n_knocks = p->n_knocks,
	    .keepalive = keepalive ? keepalive : KEEPALIVE_DEFAULT,
	    .now = now,
	    .now_ms = clock_boot_ms(),
	    .random = randombytes_random(),
	    .ending = how == SEARCH_END,
	};

	*out = (struct candidates_turn){.next_ms = -1};
	if (peer_file_nat(p->file).no_traversal) {
		/* The setting may be a new one: what began before it ends here. */
		if (p->candidates)
			candidates_reset(p->candidates);
		p->n_knocks = 0;
		return 0;
	}
	if (find_networks(p, a, d) < 0)
		return -1;
	look_around(p, a, there);
	f.own = p->where.own;
	f.n_own = p->where.n_own;
	f.inside = p->inside;
	f.n_inside = p->n_inside;
	f.serial = p->where_serial;
	if (!p->candidates) {
		bool daemon = store_running(peer_held_store(p->held));

		candidates_guess(&f, daemon, how == SEARCH_MOVE && !daemon);
		return 0;
	}
	p->n_knocks = 0;
	if (candidates_step(p->candidates, &f, out) == 0)
		return 0;
	d->out_of_memory = true;
	return -1;
}
