#include "reconcile/edge/peer/peer_search.h"

#include "reconcile/edge/base/loop.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define OWN_ADDRESSES_MAX 64

/* What decides where peers are looked for. A change of it is a change of the serial in struct candidates_facts. */
struct whereabouts {
	uint64_t hints, names; /* how often they have changed */
	struct hash statement; /* of the snapshot that is held */
	struct file_stamp config;
	struct addr own[OWN_ADDRESSES_MAX]; /* this machine's addresses outside of its networks, sorted */
	size_t n_own;
	uint16_t listen_port;
};

struct peer_search {
	const struct peer_file *file;
	struct peer_held *held;
	const struct peer_hints *hints;
	struct candidates *candidates; /* NULL: a command */
	struct key knocks[KNOCKS_MAX];
	unsigned n_knocks;
	struct whereabouts where;
	uint64_t where_serial;
	struct prefix *inside; /* the prefixes of all networks of this machine */
	size_t n_inside;
	struct file_stamp inside_stamp; /* of the folder of their files */
};

struct peer_search *peer_search_new(const struct peer_file *f, struct peer_held *held, const struct peer_hints *hints,
				    struct diags *d)
{
	struct peer_search *s = calloc(1, sizeof(*s));

	if (!s) {
		diags_out_of_memory(d);
		return NULL;
	}
	s->file = f;
	s->held = held;
	s->hints = hints;
	return s;
}

void peer_search_free(struct peer_search *s)
{
	if (!s)
		return;
	candidates_free(s->candidates);
	free(s->inside);
	free(s);
}

int peer_search_remember(struct peer_search *s, struct diags *d)
{
	s->candidates = candidates_new();
	d->out_of_memory |= !s->candidates;
	return s->candidates ? 0 : -1;
}

const struct candidates *peer_search_candidates(const struct peer_search *s)
{
	return s->candidates;
}

void peer_search_take_knocks(struct peer_search *s, const struct key *knocks, size_t n)
{
	const struct view *v = peer_held_view(s->held);

	s->n_knocks = 0;
	for (size_t i = 0; v && i < n && s->n_knocks < KNOCKS_MAX; i++) {
		for (uint32_t k = 0; k < v->n_peers; k++) {
			if (k != v->self && !v->peers[k].pending && key_eq(&v->peers[k].key, &knocks[i])) {
				s->knocks[s->n_knocks++] = knocks[i];
				break;
			}
		}
	}
}

const struct key *peer_search_knocks(const struct peer_search *s, unsigned *n)
{
	*n = s->n_knocks;
	return s->knocks;
}

/* The prefixes of every network that this machine is in. A file that makes no sense is skipped. */
static int find_networks(struct peer_search *s, struct arena *a, struct diags *d)
{
	const char *dir = peer_file_options(s->file)->config_dir;
	struct file_stamp now = file_stamp_of(dir);
	const char *const *names = NULL;
	struct diags ignored = {0};
	struct prefix *inside;
	size_t n = 0, n_inside = 0;

	if (s->inside && file_stamp_eq(&now, &s->inside_stamp))
		return 0;
	peer_config_list(a, dir, &names, &n, &ignored);
	diags_free(&ignored);
	inside = calloc(2 * n + 2, sizeof(*inside));
	if (!inside)
		return diags_out_of_memory(d);
	for (size_t i = 0; i < n; i++) {
		struct peer_config *c = NULL;
		bool absent = false;

		ignored = (struct diags){0};
		if (peer_config_read(dir, names[i], &c, &absent, &ignored) == 0 && !absent) {
			for (unsigned j = 0; j < c->m.n_root; j++)
				inside[n_inside++] = c->m.root[j];
		}
		peer_config_free(c);
		diags_free(&ignored);
	}
	free(s->inside);
	s->inside = inside;
	s->n_inside = n_inside;
	s->inside_stamp = now;
	return 0;
}

static bool is_inside(const struct peer_search *s, const struct addr *ip)
{
	for (size_t i = 0; i < s->n_inside; i++) {
		if (prefix_has(&s->inside[i], ip))
			return true;
	}
	return false;
}

/* The addresses of this machine's interfaces. When they cannot be read there are none. */
static void find_own(const struct peer_search *s, struct arena *a, struct whereabouts *w)
{
	struct diags ignored = {0};
	struct local_address *own = NULL;
	size_t n = 0;

	if (device_local_addresses(a, &own, &n, &ignored) == 0) {
		for (size_t i = 0; i < n && w->n_own < OWN_ADDRESSES_MAX; i++) {
			if (!is_inside(s, &own[i].ip))
				w->own[w->n_own++] = own[i].ip;
		}
	}
	diags_free(&ignored);
}

static void look_around(struct peer_search *s, struct arena *a, const struct device_state *there)
{
	const struct view *v = peer_held_view(s->held);
	struct whereabouts w;

	/* Compared as bytes, padding included. */
	memset(&w, 0, sizeof(w));
	w.hints = peer_hints_serial(s->hints);
	w.names = resolver_changes(peer_hints_resolver(s->hints));
	if (v)
		w.statement = v->statement.name;
	w.config = *peer_file_stamp(s->file);
	w.listen_port = there->listen_port;
	find_own(s, a, &w);
	if (memcmp(&w, &s->where, sizeof(w)) == 0)
		return;
	memcpy(&s->where, &w, sizeof(w));
	s->where_serial++;
}

int peer_search_choose(struct peer_search *s, struct arena *a, struct device_state *want,
		       const struct device_state *there, int64_t now, enum search_how how, struct candidates_turn *out,
		       struct diags *d)
{
	const struct view *v = peer_held_view(s->held);
	uint16_t keepalive = v ? v->keepalive : peer_file_config(s->file)->m.keepalive;
	struct candidates_facts f = {
	    .want = want,
	    .there = there,
	    .knocks = s->knocks,
	    .n_knocks = s->n_knocks,
	    .keepalive = keepalive ? keepalive : KEEPALIVE_DEFAULT,
	    .now = now,
	    .now_ms = clock_boot_ms(),
	    .random = randombytes_random(),
	    .ending = how == SEARCH_END,
	};

	*out = (struct candidates_turn){.next_ms = -1};
	if (peer_file_nat(s->file).no_traversal) {
		/* The setting may be a new one: what began before it ends here. */
		if (s->candidates)
			candidates_reset(s->candidates);
		s->n_knocks = 0;
		return 0;
	}
	if (find_networks(s, a, d) < 0)
		return -1;
	look_around(s, a, there);
	f.hints = peer_hints_list(s->hints, &f.n_hints);
	f.own = s->where.own;
	f.n_own = s->where.n_own;
	f.inside = s->inside;
	f.n_inside = s->n_inside;
	f.serial = s->where_serial;
	if (!s->candidates) {
		bool daemon = store_running(peer_held_store(s->held));

		candidates_guess(&f, daemon, how == SEARCH_MOVE && !daemon);
		return 0;
	}
	s->n_knocks = 0;
	if (candidates_step(s->candidates, &f, out) == 0)
		return 0;
	return diags_out_of_memory(d);
}
