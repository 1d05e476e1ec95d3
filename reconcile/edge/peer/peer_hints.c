#include "reconcile/edge/peer/peer_hints.h"

#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/loop.h"
#include "schema/order.h"
#include <stdlib.h>
#include <string.h>

struct peer_hints {
	const struct peer_file *file;
	struct peer_held *held;
	struct resolver *resolver;
	struct hint *hints; /* sorted by key */
	size_t n;
	uint64_t serial;
	uint64_t position;
	bool has_position;
	bool heard_own;
	/* What the file does not have yet, and when it was written last, in boot milliseconds (0: never). */
	bool changed;
	uint64_t saved_changes; /* resolver_changes() of then */
	int64_t saved;
	bool keeps;  /* this process saves: it changes the interface or takes replies */
	bool failed; /* and that was logged */
};

/* The keys of the view's peers, sorted. `nowhere`: only of peers for which no endpoint is given. */
static struct key *keys_of_view(const struct peer_hints *h, struct arena *a, bool nowhere, size_t *n)
{
	const struct peer_settings *own = &peer_file_config(h->file)->settings;
	const struct view *v = peer_held_view(h->held);
	const uint32_t n_peers = v ? v->n_peers : 0;
	struct key *keys = arena_array(a, (size_t)n_peers + 1, sizeof(*keys));

	*n = 0;
	for (uint32_t i = 0; keys && i < n_peers; i++) {
		if (!nowhere || (!v->peers[i].endpoint && !peer_settings_find(own, v->peers[i].name)))
			keys[(*n)++] = v->peers[i].key;
	}
	if (keys)
		qsort(keys, *n, sizeof(*keys), order_key_cmp);
	return keys;
}

static bool hints_eq(const struct hint *a, const struct hint *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!hint_eq(&a[i], &b[i]))
			return false;
	}
	return true;
}

static int replace(struct peer_hints *h, const struct hint *hints, size_t n, struct diags *d)
{
	struct hint *copy;

	if (n == h->n && hints_eq(hints, h->hints, n))
		return 0;
	copy = hints_copy(hints, n);
	if (!copy)
		return diags_out_of_memory(d);
	free(h->hints);
	h->hints = copy;
	h->n = n;
	h->serial++;
	h->changed = true;
	return 0;
}

/* Copies the usable endpoints of a hint to the arena. -1: out of memory. */
static int sift(struct arena *a, const struct prefix *root, unsigned n_root, const struct hint *h, struct hint *out)
{
	struct sockpoint *at = arena_array(a, h->n_at + 1u, sizeof(*at));

	if (!at)
		return -1;
	*out = (struct hint){.key = h->key, .at = at};
	if (hint_usable(root, n_root, &h->seen))
		out->seen = h->seen;
	for (unsigned i = 0; i < h->n_at; i++) {
		if (hint_usable(root, n_root, &h->at[i]))
			at[out->n_at++] = h->at[i];
	}
	return 0;
}

static bool is_empty(const struct hint *h)
{
	return !h->seen.port && !h->n_at;
}

/*
 * Merges `new`, which is sifted and sorted here. Of two hints about one peer the later counts, and an empty one removes the
 * older.
 */
static int merge(struct peer_hints *to, struct arena *a, struct hint *new, size_t n_new, struct diags *d)
{
	unsigned n_root;
	const struct prefix *root = peer_held_root(to->held, &n_root);
	size_t n = 0, n_keys = 0, i = 0, j = 0;
	struct hint *all = arena_array(a, to->n + n_new + 1, sizeof(*all));
	struct key *keys = keys_of_view(to, a, false, &n_keys);

	if (!all || !keys)
		return diags_out_of_memory(d);
	for (i = 0; i < n_new; i++) {
		const struct hint said = new[i];

		if (sift(a, root, n_root, &said, &new[j]) < 0)
			return diags_out_of_memory(d);
		/* A hint without a usable endpoint replaces nothing, but for one that was sent empty. */
		j += is_empty(&said) || !is_empty(&new[j]);
	}
	n_new = j;
	i = j = 0;
	qsort(new, n_new, sizeof(*new), hint_cmp);
	while (i < to->n || j < n_new) {
		int c = i == to->n ? 1 : j == n_new ? -1 : key_cmp(&to->hints[i].key, &new[j].key);
		const struct hint *h = c < 0 ? &to->hints[i] : &new[j];

		i += c <= 0;
		j += c >= 0;
		if (!bsearch(&h->key, keys, n_keys, sizeof(*keys), order_key_cmp))
			continue;
		if (n && key_eq(&all[n - 1].key, &h->key))
			n--;
		if (sift(a, root, n_root, h, &all[n]) < 0)
			return diags_out_of_memory(d);
		n += !is_empty(&all[n]);
	}
	return replace(to, all, n, d);
}

int peer_hints_take(struct peer_hints *h, struct arena *a, const struct hint *hints, size_t n, int64_t now_ms,
		    struct diags *d)
{
	const struct key *own = &peer_file_config(h->file)->public_key;
	struct hint *new = arena_array(a, n + 1, sizeof(*new));

	if (!new)
		return diags_out_of_memory(d);
	if (n)
		memcpy(new, hints, n * sizeof(*new));
	for (size_t i = 0; i < n; i++)
		h->heard_own |= key_eq(&new[i].key, own);
	if (merge(h, a, new, n, d) < 0)
		return -1;
	peer_hints_save(h, now_ms, false);
	return 0;
}

void peer_hints_set_position(struct peer_hints *h, uint64_t position)
{
	h->position = position;
	h->has_position = true;
}

bool peer_hints_position(const struct peer_hints *h, uint64_t *position)
{
	*position = h->position;
	return h->has_position;
}

/* WireGuard itself moves a peer's endpoint to the source of the last packet that the peer's key authenticated. */
int peer_hints_learn(struct peer_hints *h, struct arena *a, const struct device_state *there,
		     const struct candidates *c, int64_t now, int64_t now_ms, struct diags *d)
{
	struct hint *new = NULL;
	struct key *keys = NULL;
	size_t n = 0, n_keys = 0;
	/* Beside a daemon a command cannot tell an endpoint that is only tried, or that is older than the servers' hint. */
	bool blind = !c && store_running(peer_held_store(h->held));

	for (uint32_t i = 0; peer_held_view(h->held) && !blind && i < there->n_peers; i++) {
		const struct device_peer *peer = &there->peers[i];
		const struct hint *known = hint_find(h->hints, h->n, &peer->key);

		if (!peer->endpoint.port || !device_peer_is_live(peer, now) ||
		    (known && sockpoint_eq(&known->seen, &peer->endpoint)) || (c && !candidates_heard(c, peer)))
			continue;
		if (!keys && (!(keys = keys_of_view(h, a, true, &n_keys)) ||
			      !(new = arena_array(a, there->n_peers, sizeof(*new))))) {
			return diags_out_of_memory(d);
		}
		if (bsearch(&peer->key, keys, n_keys, sizeof(*keys), order_key_cmp))
			new[n++] = (struct hint){.key = peer->key,
						 .seen = peer->endpoint,
						 .at = known ? known->at : NULL,
						 .n_at = known ? known->n_at : 0};
	}
	if (n && merge(h, a, new, n, d) < 0)
		return -1;
	peer_hints_save(h, now_ms, false);
	return 0;
}

int peer_hints_load(struct peer_hints *h, struct diags *d)
{
	struct arena *a = arena_new();
	struct resolved *names;
	struct hints read;
	struct hint *new;
	unsigned n_root;
	const struct prefix *root = peer_held_root(h->held, &n_root);
	size_t n = 0;
	int r = -1;

	if (!a)
		return diags_out_of_memory(d);
	if (store_load_hints(peer_held_store(h->held), a, &read, d) < 0)
		goto out;
	new = arena_array(a, read.n_hints + 1, sizeof(*new));
	names = arena_array(a, read.n_resolved + 1, sizeof(*names));
	if (!new || !names) {
		diags_out_of_memory(d);
		goto out;
	}
	for (size_t i = 0; i < read.n_hints; i++)
		new[i] = read.hints[i];
	for (size_t i = 0; i < read.n_resolved; i++) {
		if (hint_usable(root, n_root, &read.resolved[i].at))
			names[n++] = read.resolved[i];
	}
	/* Without a snapshot there are no peers that a hint could be about. */
	if (peer_held_view(h->held) && merge(h, a, new, read.n_hints, d) < 0)
		goto out;
	h->changed = h->n != read.n_hints;
	r = resolver_remember(h->resolver, names, n, d);
	h->saved_changes = resolver_changes(h->resolver);
out:
	arena_free(a);
	return r;
}

static bool is_saved(const struct peer_hints *h)
{
	return !h->changed && h->saved_changes == resolver_changes(h->resolver);
}

void peer_hints_save(struct peer_hints *h, int64_t now_ms, bool at_once)
{
	struct hints all = {.hints = h->hints, .n_hints = h->n};
	struct diags d = {0};

	h->keeps = true;
	if (is_saved(h) || (!at_once && h->saved && now_ms - h->saved < HINTS_SAVE_MS))
		return;
	h->saved = now_ms;
	all.resolved = resolver_known(h->resolver, &all.n_resolved);
	if (store_save_hints(peer_held_store(h->held), &all, &d) == 0) {
		h->changed = h->failed = false;
		h->saved_changes = resolver_changes(h->resolver);
	} else if (!h->failed) {
		/* The network works without the file. The next call tries again. */
		diags_soften(&d);
		log_diags("hints", &d);
		h->failed = true;
	}
	diags_free(&d);
}

static void learn_now(struct peer_hints *h, const struct candidates *c)
{
	struct device_state *there = NULL;
	struct arena *a = arena_new();
	struct diags ignored = {0};

	if (a && device_read(a, peer_file_ifname(h->file), &there, &ignored) == 0 && there->exists)
		peer_hints_learn(h, a, there, c, clock_unix(), clock_boot_ms(), &ignored);
	diags_free(&ignored);
	arena_free(a);
}

void peer_hints_close(struct peer_hints *h, bool learn, const struct candidates *c)
{
	struct store *s = peer_held_store(h->held);
	struct diags ignored = {0};
	bool ours = s->lock < 0;

	/* A machine that has left the network gets no file back: asked again under the lock, which `uninstall` holds. */
	if (!h->keeps || !peer_file_is_there(h->file))
		return;
	if (store_lock(s, 0, &ignored) == 0 && peer_file_is_there(h->file)) {
		if (learn)
			learn_now(h, c);
		peer_hints_save(h, clock_boot_ms(), true);
	}
	if (ours)
		store_unlock(s);
	diags_free(&ignored);
}

int peer_hints_resolve(struct peer_hints *h, int wait_ms, struct diags *d)
{
	const struct membership *m = &peer_file_config(h->file)->m;
	const struct peer_settings *own = &peer_file_config(h->file)->settings;
	const struct view *v = peer_held_view(h->held);
	size_t n = 0, max = v ? v->n_peers : m->n_servers;
	const char **endpoints = calloc(max + own->n_endpoints + 2, sizeof(*endpoints));
	int r;

	if (!endpoints)
		return diags_out_of_memory(d);
	for (size_t i = 0; i < max; i++) {
		const char *e = v ? v->peers[i].endpoint : m->servers[i].endpoint;
		if (e)
			endpoints[n++] = e;
	}
	for (uint32_t i = 0; i < own->n_endpoints; i++)
		endpoints[n++] = own->endpoints[i].endpoint;
	if (own->endpoint)
		endpoints[n++] = own->endpoint;
	r = resolver_ask(h->resolver, endpoints, n, d);
	free(endpoints);
	if (r == 0 && wait_ms)
		resolver_wait(h->resolver, wait_ms);
	return r;
}

struct resolver *peer_hints_resolver(const struct peer_hints *h)
{
	return h->resolver;
}

const struct hint *peer_hints_list(const struct peer_hints *h, size_t *n)
{
	*n = h->n;
	return h->hints;
}

uint64_t peer_hints_serial(const struct peer_hints *h)
{
	return h->serial;
}

const struct hint *peer_hints_own(const struct peer_hints *h)
{
	return hint_find(h->hints, h->n, &peer_file_config(h->file)->public_key);
}

bool peer_hints_heard_own(struct peer_hints *h)
{
	bool heard = h->heard_own;

	h->heard_own = false;
	return heard;
}

struct peer_hints *peer_hints_new(const struct peer_file *f, struct peer_held *held, struct diags *d)
{
	struct peer_hints *h = calloc(1, sizeof(*h));

	if (!h) {
		diags_out_of_memory(d);
		return NULL;
	}
	h->file = f;
	h->held = held;
	h->resolver = resolver_new(d);
	if (h->resolver)
		return h;
	peer_hints_free(h);
	return NULL;
}

void peer_hints_free(struct peer_hints *h)
{
	if (!h)
		return;
	resolver_free(h->resolver);
	free(h->hints);
	free(h);
}
