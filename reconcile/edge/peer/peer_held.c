#include "reconcile/edge/peer/peer_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peer_held {
	const struct peer_file *file;
	struct store store;
	struct kept *kept; /* NULL: none yet */
	uint64_t serial;
	char ledger[POSITION_LEN + 1];
	int64_t fresh_until;
	bool vouched;
};

struct peer_held *peer_held_new(const struct peer_file *f, struct kept *g, struct diags *d)
{
	struct peer_held *h = calloc(1, sizeof(*h));

	if (!h) {
		kept_free(g);
		diags_out_of_memory(d);
		return NULL;
	}
	h->file = f;
	h->kept = g;
	h->serial = 1;
	if (store_init(&h->store, peer_file_options(f)->data_dir, peer_file_ifname(f), d) == 0)
		return h;
	peer_held_free(h);
	return NULL;
}

void peer_held_free(struct peer_held *h)
{
	if (!h)
		return;
	store_unlock(&h->store);
	kept_free(h->kept);
	free(h);
}

struct store *peer_held_store(struct peer_held *h)
{
	return &h->store;
}

const struct view *peer_held_view(const struct peer_held *h)
{
	return h->kept ? h->kept->view : NULL;
}

const struct bundle *peer_held_bundle(const struct peer_held *h)
{
	return h->kept ? h->kept->bundle : NULL;
}

struct kept *peer_held_share(const struct peer_held *h)
{
	return kept_share(h->kept);
}

uint64_t peer_held_serial(const struct peer_held *h)
{
	return h->serial;
}

const char *peer_held_ledger(const struct peer_held *h)
{
	return h->ledger;
}

int64_t peer_held_fresh_until(const struct peer_held *h)
{
	return h->fresh_until;
}

bool peer_held_vouched(const struct peer_held *h)
{
	return h->vouched;
}

const struct prefix *peer_held_root(const struct peer_held *h, unsigned *n)
{
	const struct membership *m = &peer_file_config(h->file)->m;
	const struct view *v = peer_held_view(h);

	*n = v ? v->cidrs[v->root].n_prefixes : m->n_root;
	return v ? v->cidrs[v->root].prefix : m->root;
}

static void name_server(struct peer_server *out, const char *name, const struct addr *ip)
{
	snprintf(out->name, sizeof(out->name), "%s", name);
	out->ip = *ip;
}

size_t peer_held_servers(const struct peer_held *h, struct peer_server out[static SERVERS_MAX])
{
	const struct membership *m = &peer_file_config(h->file)->m;
	const struct view *v = peer_held_view(h);
	size_t n = 0;

	if (!v) {
		for (; n < m->n_servers; n++)
			name_server(&out[n], m->servers[n].name, &m->servers[n].ip[0]);
		return n;
	}
	for (uint32_t i = 0; i < v->n_peers && n < SERVERS_MAX; i++) {
		const struct view_peer *s = &v->peers[i];

		if (s->server && !s->pending && i != v->self)
			name_server(&out[n++], s->name, &s->ip[0]);
	}
	return n;
}

static struct verifier verifier_of(const struct peer_held *h)
{
	const struct peer_config *c = peer_file_config(h->file);
	struct verifier v = {
	    .pinned = c->m.trust,
	    .floor = c->m.floor,
	    .own_key = c->public_key,
	    .invite = c->invite,
	    .current = c->m.trust,
	    .told_until = h->fresh_until,
	};

	if (h->kept) {
		v.held = h->kept->bundle;
		v.held_view = h->kept->view;
		v.current = h->kept->view->statement.trust;
	}
	return v;
}

static void hold(struct peer_held *h, struct kept *g)
{
	kept_free(h->kept);
	h->kept = g;
	h->serial++;
}

int peer_held_load(struct peer_held *h, int64_t now, struct diags *d)
{
	struct verifier v = verifier_of(h);
	struct kept *g = NULL;

	if (store_load(&h->store, &v, now, &g, d) < 0)
		return -1;
	/* The snapshot in memory is good, whatever became of the file. */
	if (!g && h->kept)
		return 0;
	hold(h, g);
	h->ledger[0] = '\0';
	if (g) {
		memcpy(h->ledger, g->bundle->ledger, sizeof(h->ledger));
		h->fresh_until = g->view->fresh_until;
	}
	return 0;
}

int peer_held_refresh(struct peer_held *h, int64_t now, struct diags *d)
{
	return store_changed(&h->store) ? peer_held_load(h, now, d) : 0;
}

/* The new snapshot, on disk first, then held. */
static int keep(struct peer_held *h, const struct bundle *merged, int64_t now, struct diags *d)
{
	struct verifier v = verifier_of(h);
	struct bundle whole = *merged;
	struct kept *g = NULL;
	struct buf bytes = {0};
	struct diags why = {0};
	int r = -1;

	/* Hints have a file of their own: they change often, and no signature covers them. */
	whole.n_hints = whole.n_knocks = 0;
	whole.has_hints = false;
	bundle_write(&bytes, &whole);
	if (bytes.failed) {
		diags_out_of_memory(d);
		goto out;
	}
	/* Reads the bytes as the next start reads them from the disk. Its warnings are dropped: the caller has reported them. */
	g = kept_make(&bytes, &v, now, &why);
	if (!g) {
		diag_error(d, "store-failed", NULL, "cannot write the snapshot to the disk: it does not read back: %s",
			   why.first ? why.first->message : "out of memory");
		goto out;
	}
	if (store_save(&h->store, g, d) < 0)
		goto out;
	hold(h, g);
	g = NULL;
	r = 0;
out:
	kept_free(g);
	diags_free(&why);
	buf_free(&bytes);
	return r;
}

/* What a verified reply says besides: until when it is the newest, and the ledger's position. */
static void take_rest(struct peer_held *h, const struct bundle *b, const struct bundle *merged, struct diags *d)
{
	struct fresh f;

	if (merged->fresh.text.p && fresh_parse(merged->fresh.text, &f, d) == 0) {
		h->fresh_until = f.until;
		h->vouched = merged->fresh.text.p == b->fresh.text.p;
	}
	if (b->ledger[0])
		memcpy(h->ledger, b->ledger, sizeof(h->ledger));
}

int peer_held_take(struct peer_held *h, struct arena *a, struct span reply, int64_t now, struct bundle *b,
		   enum verify_result *result, struct diags *d)
{
	struct bundle *merged = NULL;
	struct view *view = NULL;
	struct verifier v;
	int r = 0;

	*result = VERIFY_REFUSED;
	h->vouched = false;
	if (peer_held_refresh(h, now, d) < 0)
		return -1;
	if (bundle_parse(a, reply, b, d) < 0)
		return 0;
	v = verifier_of(h);
	*result = snapshot_verify(a, &v, b, now, &view, &merged, d);
	if (*result == VERIFY_OK)
		r = keep(h, merged, now, d);
	if (r == 0 && (*result == VERIFY_OK || *result == VERIFY_UNCHANGED))
		take_rest(h, b, merged, d);
	return d->out_of_memory ? -1 : r;
}

void peer_held_take_nothing(struct peer_held *h, const char *server, int64_t now, struct diags *d)
{
	h->vouched = false;
	if (h->kept && (h->fresh_until < now || fresh_is_from_the_future(h->fresh_until, now)))
		diag_warning(d, "snapshot-stale", NULL,
			     "server %s has nothing new, but does not say that this is still the newest snapshot",
			     server);
}

void peer_held_hear(struct peer_held *h, int64_t fresh_until)
{
	h->fresh_until = fresh_until;
}

bool peer_held_is_stale(const struct peer_held *h, int64_t now, int64_t ms)
{
	if (!h->kept)
		return false;
	/* A time too far in the future is a clock's mistake, and counts as none. */
	if (h->fresh_until && !fresh_is_from_the_future(h->fresh_until, now))
		return now > h->fresh_until;
	return ms > FRESH_SECONDS * 1000;
}
