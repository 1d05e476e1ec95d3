#include "reconcile/edge/peer/peer_parts.h"
#include "schema/order.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/http/routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int peer_refresh_settings(struct this_peer *p, struct diags *d)
{
	int r = peer_file_refresh(p->file, d);

	if (r < 0)
		return -1;
	return r == PEER_FILE_READ ? peer_hints_resolve(p->hints, 0, d) : r == PEER_FILE_GONE;
}

/* There is no file of the network's own. But `apply -f` may have made it. */
static void not_joined(const struct peer_options *o, const char *ifname, struct diags *d)
{
	struct applied applied;
	struct store store;
	struct diag *g;

	if (store_init(&store, o->data_dir, ifname, d) < 0)
		return;
	if (store_load_applied(&store, &applied) == 0) {
		g = diag_error(d, "no-network", NULL,
			       "'%s' was made from a definition on this machine, by `innernet apply --file`", ifname);
		diag_help(d, g, "`innernet apply --file FILE --as PEER --key FILE` applies one again");
		return;
	}
	g = diag_error(d, "no-network", NULL, "this machine is not in a network called '%s'", ifname);
	diag_help(d, g, "`innernet install INVITATION` joins one");
}

/* A daemon is told every few minutes that its snapshot is the newest. Only its state file has that. */
static void hear_daemon(struct this_peer *p)
{
	struct daemon_state state;

	if (store_running(peer_held_store(p->held)) && store_load_state(peer_held_store(p->held), &state) == 0)
		peer_held_hear(p->held, state.fresh_until);
}

/* Makes the peer. It owns `file` and `held` from now on, and frees both when it fails. `held` NULL: no snapshot is kept yet. */
static struct this_peer *assemble(struct peer_file *file, struct kept *held, struct diags *d)
{
	struct this_peer *p = calloc(1, sizeof(*p));

	if (!p) {
		diags_out_of_memory(d);
		peer_file_free(file);
		kept_free(held);
		return NULL;
	}
	p->file = file;
	p->held = peer_held_new(file, held, d);
	p->names = peer_names_new(file, d);
	p->hints = p->held ? peer_hints_new(file, p->held, d) : NULL;
	p->search = p->hints ? peer_search_new(file, p->held, p->hints, d) : NULL;
	p->interface = p->search ? peer_interface_new(file, p->held, p->hints, p->search, d) : NULL;
	if (p->interface && p->names)
		return p;
	peer_close(p);
	return NULL;
}

int peer_open(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d)
{
	struct peer_file *file = NULL;
	struct this_peer *p;
	int r = peer_file_open(o, ifname, &file, d);

	*out = NULL;
	if (r) {
		if (r > 0)
			not_joined(o, ifname, d);
		return -1;
	}
	p = assemble(file, NULL, d);
	if (!p)
		return -1;
	hear_daemon(p);
	if (peer_held_load(p->held, clock_unix(), d) < 0 || peer_hints_load(p->hints, d) < 0) {
		peer_close(p);
		return -1;
	}
	*out = p;
	return 0;
}

/* A peer of `apply -f`: from `from`, or (NULL) from what was written down for `ifname`. 1: nothing was. */
static int open_made(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
		     const char *ifname, struct this_peer **out, struct diags *d)
{
	struct peer_config *c = peer_config_new(d);
	struct kept *held = calloc(1, sizeof(*held));
	struct peer_file *file = NULL;
	struct store store;
	int r = -1;

	*out = NULL;
	d->out_of_memory |= !held;
	if (c && held && from)
		r = peer_definition_read(a, from, c, held, d);
	else if (c && held && store_init(&store, o->data_dir, ifname, d) == 0)
		r = peer_definition_read_applied(&store, ifname, c, held, d);
	if (r == 0 && !(file = peer_file_made(o, c, d)))
		r = -1;
	else if (r)
		peer_config_free(c);
	if (r) {
		kept_free(held);
		return r;
	}
	*out = assemble(file, held, d);
	return *out ? 0 : -1;
}

int peer_open_definition(const struct peer_options *o, struct arena *a, const struct peer_definition *from,
			 struct this_peer **out, struct diags *d)
{
	struct this_peer *p = NULL;

	*out = NULL;
	if (open_made(o, a, from, NULL, &p, d) < 0)
		return -1;
	if (peer_definition_check_served(p->file, peer_held_store(p->held), d) < 0 ||
	    peer_definition_check_interface(p->file, peer_held_store(p->held), d) < 0 ||
	    peer_hints_resolve(p->hints, from->resolve_ms, d) < 0) {
		peer_close(p);
		return -1;
	}
	peer_definition_say_unresolved(peer_held_view(p->held), peer_hints_resolver(p->hints), d);
	*out = p;
	return 0;
}

int peer_note_applied(struct this_peer *p, struct diags *d)
{
	return peer_definition_note(p->file, peer_held_store(p->held), peer_held_bundle(p->held), d);
}

int peer_open_any(const struct peer_options *o, const char *ifname, struct this_peer **out, struct diags *d)
{
	if (!peer_file_is_there_for(o, ifname)) {
		int r = open_made(o, NULL, NULL, ifname, out, d);

		if (r <= 0)
			return r;
	}
	return peer_open(o, ifname, out, d);
}

int peer_networks(struct arena *a, const struct peer_options *o, const char *const **names, size_t *n, struct diags *d)
{
	const char *const *joined, *const *applied;
	const char **all;
	size_t n_joined, n_applied;

	if (peer_config_list(a, o->config_dir, &joined, &n_joined, d) < 0 ||
	    peer_definition_list(a, o, &applied, &n_applied, d) < 0)
		return -1;
	all = arena_array(a, n_joined + n_applied + 1, sizeof(*all));
	if (!all)
		return diags_out_of_memory(d);
	*n = 0;
	for (size_t i = 0; i < n_joined; i++)
		all[(*n)++] = joined[i];
	/* A network that was applied first and joined later is in both lists. */
	for (size_t i = 0; i < n_applied; i++)
		if (!n_joined || !bsearch(&applied[i], (const void *)joined, n_joined, sizeof(*joined), order_text_cmp))
			all[(*n)++] = applied[i];
	qsort((void *)all, *n, sizeof(*all), order_text_cmp);
	*names = all;
	return 0;
}

void peer_close(struct this_peer *p)
{
	if (!p)
		return;
	if (p->interface)
		peer_hints_close(p->hints, peer_interface_last(p->interface) != NULL,
				 peer_search_candidates(p->search));
	peer_interface_free(p->interface);
	peer_search_free(p->search);
	peer_hints_free(p->hints);
	peer_held_free(p->held);
	peer_names_free(p->names);
	peer_file_free(p->file);
	free(p);
}

int peer_check_redeemed(const struct this_peer *p, struct diags *d)
{
	struct diag *g;

	if (peer_file_config(p->file)->redeemed)
		return 0;
	g = diag_error(d, "not-redeemed", NULL, "the invitation to '%s' has not been redeemed yet",
		       peer_file_ifname(p->file));
	diag_help(d, g, "run `innernet install INVITATION` again: it goes on where it stopped");
	return -1;
}

const char *peer_ifname(const struct this_peer *p)
{
	return peer_file_ifname(p->file);
}

const struct membership *peer_membership(const struct this_peer *p)
{
	return &peer_file_config(p->file)->m;
}

const struct peer_settings *peer_own_settings(const struct this_peer *p)
{
	return &peer_file_config(p->file)->settings;
}

const struct key *peer_own_key(const struct this_peer *p)
{
	return &peer_file_config(p->file)->public_key;
}

bool peer_is_redeemed(const struct this_peer *p)
{
	return peer_file_config(p->file)->redeemed;
}

bool peer_from_definition(const struct this_peer *p)
{
	return peer_file_from_definition(p->file);
}

const struct view *peer_view(const struct this_peer *p)
{
	return peer_held_view(p->held);
}

const struct bundle *peer_bundle(const struct this_peer *p)
{
	return peer_held_bundle(p->held);
}

int64_t peer_fresh_until(const struct this_peer *p)
{
	return peer_held_fresh_until(p->held);
}

bool peer_vouched(const struct this_peer *p)
{
	return peer_held_vouched(p->held);
}

int peer_daemon_state(const struct this_peer *p, struct daemon_state *out)
{
	return store_load_state(peer_held_store(p->held), out);
}

bool peer_daemon_runs(const struct this_peer *p)
{
	return store_running(peer_held_store(p->held));
}

int peer_lock(struct this_peer *p, unsigned wait_ms, struct diags *d)
{
	return store_lock(peer_held_store(p->held), wait_ms, d);
}

void peer_unlock(struct this_peer *p)
{
	store_unlock(peer_held_store(p->held));
}

int peer_set_listen_port(struct this_peer *p, uint16_t port)
{
	return peer_file_set_listen_port(p->file, port);
}

int peer_set_endpoint(struct this_peer *p, const char *endpoint, struct diags *d)
{
	return peer_file_set_endpoint(p->file, endpoint, d);
}

int peer_set_endpoint_of(struct this_peer *p, const char *peer, const char *endpoint, struct diags *d)
{
	return peer_file_set_endpoint_of(p->file, peer, endpoint, d);
}

int peer_save_settings(struct this_peer *p, struct diags *d)
{
	return peer_file_save(p->file, d);
}

const struct hint *peer_own_hint(const struct this_peer *p)
{
	return peer_hints_own(p->hints);
}

int peer_resolve(struct this_peer *p, int wait_ms, struct diags *d)
{
	return peer_hints_resolve(p->hints, wait_ms, d);
}

const char *peer_hosts_path(const struct this_peer *p)
{
	return peer_file_hosts_path(p->file);
}

int peer_refresh(struct this_peer *p, int64_t now, struct diags *d)
{
	return peer_held_refresh(p->held, now, d);
}

size_t peer_servers(const struct this_peer *p, struct peer_server out[static SERVERS_MAX])
{
	return peer_held_servers(p->held, out);
}

const struct prefix *peer_root(const struct this_peer *p, unsigned *n)
{
	return peer_held_root(p->held, n);
}

void peer_poll_path(const struct this_peer *p, unsigned wait_s, char out[static POLL_PATH_MAX])
{
	char statement[HASH_HEX_LEN + 1] = "-", hints[24] = "-";
	const struct view *v = peer_held_view(p->held);
	uint64_t position;

	if (v)
		hash_hex(&v->statement.name, statement);
	if (peer_hints_position(p->hints, &position))
		snprintf(hints, sizeof(hints), "%" PRIu64, position);
	snprintf(out, POLL_PATH_MAX, ROUTE_POLL "?have=%s.%s.%s&wait=%u&speak=%d", statement,
		 *peer_held_ledger(p->held) ? peer_held_ledger(p->held) : "-", hints, wait_s, FORMAT_NEWEST);
}

/* The hints and the knocks of a reply that was taken. */
static int take_hints(struct this_peer *p, struct arena *a, const struct bundle *b, struct diags *d)
{
	if (b->has_hints)
		peer_hints_set_position(p->hints, b->hints_position);
	if (b->n_knocks)
		peer_search_take_knocks(p->search, b->knocks, b->n_knocks);
	return b->n_hints ? peer_hints_take(p->hints, a, b->hints, b->n_hints, clock_boot_ms(), d) : 0;
}

int peer_take(struct this_peer *p, struct span reply, int64_t now, enum verify_result *result, struct diags *d)
{
	struct arena *a = arena_new();
	struct bundle b;
	int r;

	*result = VERIFY_REFUSED;
	if (!a)
		return diags_out_of_memory(d);
	r = peer_held_take(p->held, a, reply, now, &b, result, d);
	if (r == 0 && (*result == VERIFY_OK || *result == VERIFY_UNCHANGED))
		r = take_hints(p, a, &b, d) < 0 || d->out_of_memory ? -1 : 0;
	arena_free(a);
	return r;
}

struct plan *peer_plan(struct this_peer *p, struct arena *a, int64_t now, struct diags *d)
{
	struct plan *plan = peer_interface_plan(p->interface, a, now, d);

	if (plan)
		plan->names = peer_names_plan(p->names, a, peer_view(p), d);
	return d->out_of_memory ? NULL : plan;
}

/* `uninstall` has removed the folder. Taking the lock made it again. */
static void leave_folder(struct this_peer *p)
{
	struct diags ignored = {0};

	store_remove(peer_held_store(p->held), &ignored);
	diags_free(&ignored);
}

/* Under the lock: takes over what other processes have written. 1: the network's own file is gone. */
static int take_news(struct this_peer *p, int64_t now, struct diags *d)
{
	int r;

	if (peer_file_from_definition(p->file))
		return peer_definition_check_served(p->file, peer_held_store(p->held), d) < 0 ? -1
											      : peer_note_applied(p, d);
	r = peer_refresh_settings(p, d);
	if (r == 1)
		return 1;
	/* When the file cannot be used, the settings that were read last stay. */
	if (r < 0)
		diags_soften(d);
	return peer_refresh(p, now, d);
}

int peer_converge(struct this_peer *p, int64_t now, unsigned lock_ms, enum search_how how, struct peer_turn *turn,
		  struct diags *d)
{
	bool ours = peer_held_store(p->held)->lock < 0; /* `install` holds it all the time */
	int r = store_lock(peer_held_store(p->held), lock_ms, d);

	*turn = (struct peer_turn){.interface.search.next_ms = -1};
	if (r)
		return r;
	r = take_news(p, now, d);
	if (r == 1) {
		diag_error(d, "no-network", NULL, "this machine is in the network '%s' no more",
			   peer_file_ifname(p->file));
		turn->gone = true;
		leave_folder(p);
		r = -1;
		goto out;
	}
	if (r == 0)
		r = peer_interface_converge(p->interface, now, how, &turn->interface, d);
	if (r == 0)
		peer_names_converge(p->names, peer_view(p), peer_held_serial(p->held), lock_ms, &turn->names, d);
out:
	if (ours)
		store_unlock(peer_held_store(p->held));
	return r;
}
