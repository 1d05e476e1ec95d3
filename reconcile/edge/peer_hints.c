/* Where the others were: what a peer knows of it, keeps on its disk, and believes of what it finds there. */
#include "reconcile/edge/peer.h"

#include "reconcile/edge/log.h"
#include <stdlib.h>
#include <string.h>

/* The network's own prefixes: nobody's endpoint is in there. */
static const struct prefix *root_of(const struct this_peer *p, unsigned *n)
{
	const struct view *v = p->held ? p->held->view : NULL;

	*n = v ? v->cidrs[v->root].n_prefixes : p->config->m.n_root;
	return v ? v->cidrs[v->root].prefix : p->config->m.root;
}

static int key_sort_cmp(const void *a, const void *b)
{
	return key_cmp(a, b);
}

static int hint_sort_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct hint *)a)->key, &((const struct hint *)b)->key);
}

/* The keys of the view's peers, sorted; `nowhere`: of those alone for which no endpoint is given. */
static struct key *keys_of_view(const struct this_peer *p, struct arena *a, bool nowhere, size_t *n)
{
	const struct view *v = p->held->view;
	struct key *keys = arena_array(a, (size_t)v->n_peers + 1, sizeof(*keys));

	*n = 0;
	for (uint32_t i = 0; keys && i < v->n_peers; i++) {
		if (!nowhere || (!v->peers[i].endpoint && !peer_settings_find(&p->config->settings, v->peers[i].name)))
			keys[(*n)++] = v->peers[i].key;
	}
	if (keys)
		qsort(keys, *n, sizeof(*keys), key_sort_cmp);
	return keys;
}

static bool hints_eq(const struct hint *a, const struct hint *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!key_eq(&a[i].key, &b[i].key) || !sockpoint_eq(&a[i].at, &b[i].at))
			return false;
	}
	return true;
}

static int replace(struct this_peer *p, const struct hint *hints, size_t n, struct diags *d)
{
	struct hint *copy;

	if (n == p->n_hints && hints_eq(hints, p->hints, n))
		return 0;
	copy = malloc((n ? n : 1) * sizeof(*copy));
	if (!copy) {
		d->out_of_memory = true;
		return -1;
	}
	memcpy(copy, hints, n * sizeof(*copy));
	free(p->hints);
	p->hints = copy;
	p->n_hints = n;
	p->hints_changed = true;
	return 0;
}

/* Those of `new`, which is sorted here, in the place of older ones; of two with one key the last counts. */
static int merge(struct this_peer *p, struct arena *a, struct hint *new, size_t n_new, struct diags *d)
{
	unsigned n_root;
	const struct prefix *root = root_of(p, &n_root);
	size_t n = 0, n_keys = 0, i = 0, j = 0;
	struct hint *all = arena_array(a, p->n_hints + n_new + 1, sizeof(*all));
	struct key *keys = keys_of_view(p, a, false, &n_keys);

	if (!all || !keys) {
		d->out_of_memory = true;
		return -1;
	}
	for (i = 0; i < n_new; i++) {
		/* What makes no sense takes no one's place. */
		if (hint_usable(root, n_root, &new[i].at))
			new[j++] = new[i];
	}
	n_new = j;
	i = j = 0;
	qsort(new, n_new, sizeof(*new), hint_sort_cmp);
	while (i < p->n_hints || j < n_new) {
		int c = i == p->n_hints ? 1 : j == n_new ? -1 : key_cmp(&p->hints[i].key, &new[j].key);
		const struct hint *h = c < 0 ? &p->hints[i] : &new[j];

		i += c <= 0;
		j += c >= 0;
		if (!hint_usable(root, n_root, &h->at) || !bsearch(&h->key, keys, n_keys, sizeof(*keys), key_sort_cmp))
			continue;
		if (n && key_eq(&all[n - 1].key, &h->key))
			n--;
		all[n++] = *h;
	}
	return replace(p, all, n, d);
}

int peer_hints_take(struct this_peer *p, struct arena *a, const struct hint *hints, size_t n, struct diags *d)
{
	struct hint *new = arena_array(a, n + 1, sizeof(*new));

	if (!new) {
		d->out_of_memory = true;
		return -1;
	}
	if (n)
		memcpy(new, hints, n * sizeof(*new));
	if (merge(p, a, new, n, d) < 0)
		return -1;
	peer_hints_save(p, false);
	return 0;
}

static const struct hint *hint_of(const struct this_peer *p, const struct key *key)
{
	const struct hint want = {.key = *key};

	return p->n_hints ? bsearch(&want, p->hints, p->n_hints, sizeof(want), hint_sort_cmp) : NULL;
}

/* WireGuard itself moves an endpoint to where the last packet that proved to be the peer's came from. */
int peer_hints_learn(struct this_peer *p, struct arena *a, const struct device_state *there, int64_t now,
		     struct diags *d)
{
	struct hint *new = NULL;
	struct key *keys = NULL;
	size_t n = 0, n_keys = 0;

	for (uint32_t i = 0; p->held && i < there->n_peers; i++) {
		const struct device_peer *peer = &there->peers[i];
		const struct hint *known = hint_of(p, &peer->key);

		if (!peer->endpoint.port || !device_peer_is_live(peer, now) ||
		    (known && sockpoint_eq(&known->at, &peer->endpoint)))
			continue;
		if (!keys && (!(keys = keys_of_view(p, a, true, &n_keys)) ||
			      !(new = arena_array(a, there->n_peers, sizeof(*new))))) {
			d->out_of_memory = true;
			return -1;
		}
		if (bsearch(&peer->key, keys, n_keys, sizeof(*keys), key_sort_cmp))
			new[n++] = (struct hint){peer->key, peer->endpoint};
	}
	if (n && merge(p, a, new, n, d) < 0)
		return -1;
	peer_hints_save(p, false);
	return 0;
}

/* What comes from the disk has been anybody's: it is looked at as if a stranger had sent it. */
int peer_hints_open(struct this_peer *p, struct diags *d)
{
	struct arena *a = arena_new();
	struct resolved *names;
	struct hints h;
	struct hint *new;
	unsigned n_root;
	const struct prefix *root = root_of(p, &n_root);
	size_t n = 0;
	int r = -1;

	if (!a) {
		d->out_of_memory = true;
		return -1;
	}
	if (store_load_hints(&p->store, a, &h, d) < 0)
		goto out;
	new = arena_array(a, h.n_hints + 1, sizeof(*new));
	names = arena_array(a, h.n_resolved + 1, sizeof(*names));
	if (!new || !names) {
		d->out_of_memory = true;
		goto out;
	}
	for (size_t i = 0; i < h.n_hints; i++)
		new[i] = h.hints[i];
	for (size_t i = 0; i < h.n_resolved; i++) {
		if (hint_usable(root, n_root, &h.resolved[i].at))
			names[n++] = h.resolved[i];
	}
	/* Without a snapshot there is nobody whom they could be about. */
	if (p->held && merge(p, a, new, h.n_hints, d) < 0)
		goto out;
	p->hints_changed = p->n_hints != h.n_hints;
	r = resolver_remember(p->resolver, names, n, d);
	p->resolved_saved = resolver_changes(p->resolver);
out:
	arena_free(a);
	return r;
}

static bool is_settled(const struct this_peer *p)
{
	return !p->hints_changed && p->resolved_saved == resolver_changes(p->resolver);
}

void peer_hints_save(struct this_peer *p, bool at_once)
{
	struct hints h = {.hints = p->hints, .n_hints = p->n_hints};
	int64_t now = clock_boot_ms();
	struct diags d = {0};

	p->keeps_hints = true;
	if (is_settled(p) || (!at_once && p->hints_saved && now - p->hints_saved < HINTS_SAVE_MS))
		return;
	p->hints_saved = now;
	h.resolved = resolver_known(p->resolver, &h.n_resolved);
	if (store_save_hints(&p->store, &h, &d) == 0) {
		p->hints_changed = p->hints_failed = false;
		p->resolved_saved = resolver_changes(p->resolver);
	} else if (!p->hints_failed) {
		/* They are a comfort: what they are for may never happen. It is tried again. */
		diags_soften(&d);
		log_diags("hints", &d);
		p->hints_failed = true;
	}
	diags_free(&d);
}

/* Where the sessions are at this very moment: the last look may be some seconds old. */
static void learn_now(struct this_peer *p)
{
	struct device_state *there = NULL;
	struct arena *a = arena_new();
	struct diags ignored = {0};

	if (a && device_read(a, p->config->m.network, &there, &ignored) == 0 && there->exists)
		peer_hints_learn(p, a, there, clock_unix(), &ignored);
	diags_free(&ignored);
	arena_free(a);
}

/* What the last seconds told is not lost; but whoever has left the network leaves nothing behind. */
void peer_hints_close(struct this_peer *p)
{
	struct diags ignored = {0};
	bool ours = p->store.lock < 0;

	if (!p->keeps_hints || !peer_is_member(p))
		return;
	if (store_lock(&p->store, 0, &ignored) == 0 && peer_is_member(p)) {
		if (p->last)
			learn_now(p);
		peer_hints_save(p, true);
	}
	if (ours)
		store_unlock(&p->store);
	diags_free(&ignored);
}
