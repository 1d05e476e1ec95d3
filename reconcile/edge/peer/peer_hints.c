/* Where the others were: what a peer knows of it, keeps on its disk, and believes of what it finds there. */
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/edge/base/log.h"
#include <stdlib.h>
#include <string.h>

static int key_sort_cmp(const void *a, const void *b)
{
	return key_cmp(a, b);
}

/* The keys of the view's peers, sorted; `nowhere`: of those alone for which no endpoint is given. */
static struct key *keys_of_view(const struct this_peer *p, struct arena *a, bool nowhere, size_t *n)
{
	const struct view *v = peer_held_view(p->held);
	struct key *keys = arena_array(a, (size_t)v->n_peers + 1, sizeof(*keys));

	*n = 0;
	for (uint32_t i = 0; keys && i < v->n_peers; i++) {
		if (!nowhere || (!v->peers[i].endpoint &&
				 !peer_settings_find(&peer_file_config(p->file)->settings, v->peers[i].name)))
			keys[(*n)++] = v->peers[i].key;
	}
	if (keys)
		qsort(keys, *n, sizeof(*keys), key_sort_cmp);
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

static int replace(struct this_peer *p, const struct hint *hints, size_t n, struct diags *d)
{
	struct hint *copy;

	if (n == p->n_hints && hints_eq(hints, p->hints, n))
		return 0;
	copy = hints_copy(hints, n);
	if (!copy) {
		d->out_of_memory = true;
		return -1;
	}
	free(p->hints);
	p->hints = copy;
	p->n_hints = n;
	p->hints_serial++;
	p->hints_changed = true;
	return 0;
}

/* What of it makes sense, in the arena. -1: out of memory. */
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
 * Those of `new`, which is sifted and sorted here, in the place of older ones; of two with one key the last counts. One
 * that says that nothing is known takes the older one away.
 */
static int merge(struct this_peer *p, struct arena *a, struct hint *new, size_t n_new, struct diags *d)
{
	unsigned n_root;
	const struct prefix *root = peer_held_root(p->held, &n_root);
	size_t n = 0, n_keys = 0, i = 0, j = 0;
	struct hint *all = arena_array(a, p->n_hints + n_new + 1, sizeof(*all));
	struct key *keys = keys_of_view(p, a, false, &n_keys);

	if (!all || !keys) {
		d->out_of_memory = true;
		return -1;
	}
	for (i = 0; i < n_new; i++) {
		const struct hint said = new[i];

		if (sift(a, root, n_root, &said, &new[j]) < 0) {
			d->out_of_memory = true;
			return -1;
		}
		/* What makes no sense takes no one's place. */
		j += is_empty(&said) || !is_empty(&new[j]);
	}
	n_new = j;
	i = j = 0;
	qsort(new, n_new, sizeof(*new), hint_cmp);
	while (i < p->n_hints || j < n_new) {
		int c = i == p->n_hints ? 1 : j == n_new ? -1 : key_cmp(&p->hints[i].key, &new[j].key);
		const struct hint *h = c < 0 ? &p->hints[i] : &new[j];

		i += c <= 0;
		j += c >= 0;
		if (!bsearch(&h->key, keys, n_keys, sizeof(*keys), key_sort_cmp))
			continue;
		if (n && key_eq(&all[n - 1].key, &h->key))
			n--;
		if (sift(a, root, n_root, h, &all[n]) < 0) {
			d->out_of_memory = true;
			return -1;
		}
		n += !is_empty(&all[n]);
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
	for (size_t i = 0; i < n; i++)
		p->own_hint_came |= key_eq(&new[i].key, &peer_file_config(p->file)->public_key);
	if (merge(p, a, new, n, d) < 0)
		return -1;
	peer_hints_save(p, false);
	return 0;
}

/* Knocks are for now: who is in the view counts, and nothing of it is kept. */
void peer_knocks_take(struct this_peer *p, const struct key *knocks, size_t n)
{
	const struct view *v = peer_held_view(p->held);

	p->n_knocks = 0;
	for (size_t i = 0; v && i < n && p->n_knocks < KNOCKS_MAX; i++) {
		for (uint32_t k = 0; k < v->n_peers; k++) {
			if (k != v->self && !v->peers[k].pending && key_eq(&v->peers[k].key, &knocks[i])) {
				p->knocks[p->n_knocks++] = knocks[i];
				break;
			}
		}
	}
}

/* WireGuard itself moves an endpoint to where the last packet that proved to be the peer's came from. */
int peer_hints_learn(struct this_peer *p, struct arena *a, const struct device_state *there, int64_t now,
		     struct diags *d)
{
	struct hint *new = NULL;
	struct key *keys = NULL;
	size_t n = 0, n_keys = 0;
	/* Which endpoints are no more than tried, or older than what servers say, is known to the daemon alone. */
	bool blind = !p->candidates && store_running(peer_held_store(p->held));

	for (uint32_t i = 0; peer_held_view(p->held) && !blind && i < there->n_peers; i++) {
		const struct device_peer *peer = &there->peers[i];
		const struct hint *known = hint_find(p->hints, p->n_hints, &peer->key);

		if (!peer->endpoint.port || !device_peer_is_live(peer, now) ||
		    (known && sockpoint_eq(&known->seen, &peer->endpoint)) ||
		    (p->candidates && !candidates_heard(p->candidates, peer)))
			continue;
		if (!keys && (!(keys = keys_of_view(p, a, true, &n_keys)) ||
			      !(new = arena_array(a, there->n_peers, sizeof(*new))))) {
			d->out_of_memory = true;
			return -1;
		}
		if (bsearch(&peer->key, keys, n_keys, sizeof(*keys), key_sort_cmp))
			new[n++] = (struct hint){.key = peer->key,
						 .seen = peer->endpoint,
						 .at = known ? known->at : NULL,
						 .n_at = known ? known->n_at : 0};
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
	const struct prefix *root = peer_held_root(p->held, &n_root);
	size_t n = 0;
	int r = -1;

	if (!a) {
		d->out_of_memory = true;
		return -1;
	}
	if (store_load_hints(peer_held_store(p->held), a, &h, d) < 0)
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
	if (peer_held_view(p->held) && merge(p, a, new, h.n_hints, d) < 0)
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
	if (store_save_hints(peer_held_store(p->held), &h, &d) == 0) {
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

	if (a && device_read(a, peer_file_ifname(p->file), &there, &ignored) == 0 && there->exists)
		peer_hints_learn(p, a, there, clock_unix(), &ignored);
	diags_free(&ignored);
	arena_free(a);
}

/* What the last seconds told is not lost; but whoever has left the network leaves nothing behind. */
void peer_hints_close(struct this_peer *p)
{
	struct diags ignored = {0};
	bool ours = peer_held_store(p->held)->lock < 0;

	if (!p->keeps_hints || !peer_file_is_there(p->file))
		return;
	if (store_lock(peer_held_store(p->held), 0, &ignored) == 0 && peer_file_is_there(p->file)) {
		if (p->last)
			learn_now(p);
		peer_hints_save(p, true);
	}
	if (ours)
		store_unlock(peer_held_store(p->held));
	diags_free(&ignored);
}
