/*
 * Believing a snapshot, step by step and in this order: enough signatures, the network, the version, a change
 * of signers, the path to the view, the objects, the peer's own entry, the enrolments. Nothing is taken before
 * all of it is. Enrolments are in verify_enrolments.c, objects in flatten.c.
 */
#include "reconcile/wire/flatten.h"
#include "reconcile/wire/object.h"
#include "reconcile/wire/verify_enrolments.h"

#include <stdlib.h>
#include <string.h>

struct run {
	struct arena *a;
	const struct verifier *v;
	const struct bundle *b;
	struct diags *d;
	int64_t now;
	struct statement statement; /* the newest */
	struct trust trust;         /* in force, as far as the chain was followed */
	struct version base;        /* what is known already: the held one's, or the floor */
	struct signed_text *chain;  /* what changed the signers, to be kept */
	uint32_t n_chain;
	bool same;                                  /* it is the held statement */
	const struct object **in_bundle, **in_held; /* sorted by name */
};

bool trust_has_signer(const struct trust *t, const struct key *by)
{
	for (unsigned i = 0; i < t->n_signers; i++)
		if (key_eq(&t->signers[i], by))
			return true;
	return false;
}

bool trust_same_signers(const struct trust *a, const struct trust *b)
{
	return a->threshold == b->threshold && a->n_signers == b->n_signers &&
	       memcmp(a->signers, b->signers, a->n_signers * sizeof(a->signers[0])) == 0;
}

/* How many of these keys have signed. One key counts once; what is not a signature counts for nothing. */
static unsigned count_signers(const struct signed_text *s, const char *type, const struct key *id,
			      const struct key *keys, unsigned n_keys)
{
	struct diags unheard = {0};
	bool has[SIGNERS_MAX] = {false};
	struct signature sig;
	struct hash over;
	unsigned n = 0;

	hash_bytes(s->text.p, s->text.n, &over);
	for (unsigned i = 0; i < s->n_signatures; i++) {
		if (signature_parse(s->signatures[i], &sig, &unheard) < 0 || hash_cmp(&sig.over, &over) != 0)
			continue;
		for (unsigned k = 0; k < n_keys; k++)
			if (!has[k] && key_eq(&keys[k], &sig.by) && sign_check(type, id, s->text, &sig.by, sig.sig)) {
				has[k] = true;
				n++;
			}
	}
	diags_free(&unheard);
	return n;
}

bool trust_is_signed(const struct trust *t, const struct key *id, const struct signed_text *s)
{
	return count_signers(s, "statement", id, t->signers, t->n_signers) >= t->threshold;
}

static bool enough(const struct run *r, const struct signed_text *s, const struct trust *trust)
{
	return trust_is_signed(trust, &r->v->pinned.id, s);
}

static int check_signed(struct run *r, const struct signed_text *s, const struct statement *st)
{
	struct diag *g;

	if (enough(r, s, &r->trust))
		return 0;
	g = diag_error(r->d, "snapshot-unsigned", NULL,
		       "version %llu.%llu is not signed by enough of the network's signers (%u needed)",
		       (unsigned long long)st->version.epoch, (unsigned long long)st->version.number,
		       r->trust.threshold);
	if (!key_eq(&st->trust.id, &r->v->pinned.id))
		diag_note(r->d, g, NULL, "it says that it is of another network, '%s'", st->network);
	else if (!trust_same_signers(&st->trust, &r->trust))
		diag_note(r->d, g, NULL, "it names other signers: the change to them is missing, or was not signed");
	return -1;
}

static int check_network(struct run *r, const struct statement *st)
{
	const char *held = r->v->held_view ? r->v->held_view->statement.network : NULL;

	if (!key_eq(&st->trust.id, &r->v->pinned.id)) {
		diag_error(r->d, "snapshot-other-network", NULL, "the snapshot is of another network, '%s'",
			   st->network);
		return -1;
	}
	if (held && strcmp(held, st->network) != 0) {
		diag_error(r->d, "snapshot-other-network", NULL, "the snapshot calls network '%s' '%s'", held,
			   st->network);
		return -1;
	}
	return 0;
}

/* A change of signers has to be signed by enough of the new ones as well. */
static int check_new_signers(struct run *r, const struct signed_text *s, const struct statement *st)
{
	if (trust_same_signers(&st->trust, &r->trust) || enough(r, s, &st->trust))
		return 0;
	diag_error(r->d, "snapshot-signers", NULL,
		   "version %llu.%llu changes the signers, and not enough of the new ones have signed it",
		   (unsigned long long)st->version.epoch, (unsigned long long)st->version.number);
	return -1;
}

static int follow_chain(struct run *r)
{
	struct version last = r->base;
	struct statement st;

	for (uint32_t i = 0; i < r->b->n_chain; i++) {
		const struct signed_text *s = &r->b->chain[i];

		if (statement_parse(s->text, &st, r->d) < 0)
			return -1;
		/* The peer knows this change already, or its invitation did. */
		if (version_cmp(&st.version, &r->base) <= 0)
			continue;
		if (version_cmp(&st.version, &last) <= 0) {
			diag_error(r->d, "snapshot-signers", NULL, "the changes of signers are out of order");
			return -1;
		}
		if (check_signed(r, s, &st) < 0 || check_network(r, &st) < 0 || check_new_signers(r, s, &st) < 0)
			return -1;
		last = st.version;
		if (!trust_same_signers(&st.trust, &r->trust))
			r->chain[r->n_chain++] = *s;
		r->trust = st.trust;
	}
	r->base = last;
	return 0;
}

/* The version against what the peer has, and against the floor of its invitation. */
static enum verify_result check_version(struct run *r, const struct version *had)
{
	const struct version *is = &r->statement.version;
	const struct view *held = r->v->held_view;
	int cmp = version_cmp(is, had);

	if (r->v->held && cmp == 0 && hash_cmp(&r->statement.name, &held->statement.name) != 0) {
		diag_error(r->d, "snapshot-equivocation", NULL,
			   "the signers signed two different snapshots as version %llu.%llu; the first one stays",
			   (unsigned long long)is->epoch, (unsigned long long)is->number);
		return VERIFY_REFUSED;
	}
	if (cmp < 0 || version_cmp(is, &r->v->floor) < 0) {
		const struct version *than = cmp < 0 ? had : &r->v->floor;

		diag_error(r->d, "snapshot-behind", NULL,
			   "the server is behind: it has version %llu.%llu, %s %llu.%llu",
			   (unsigned long long)is->epoch, (unsigned long long)is->number,
			   cmp < 0 && r->v->held ? "and this peer" : "and the invitation begins at",
			   (unsigned long long)than->epoch, (unsigned long long)than->number);
		return VERIFY_BEHIND;
	}
	if (version_cmp(is, &r->base) < 0) {
		diag_error(r->d, "snapshot-signers", NULL, "a change of signers comes after the snapshot");
		return VERIFY_REFUSED;
	}
	r->same = r->v->held && cmp == 0;
	return VERIFY_OK;
}

/* What changed the signers before and with the held statement has to be kept for the next start. */
static int inherit_chain(struct run *r)
{
	const struct bundle *held = r->v->held;
	const struct trust *before = &r->v->pinned;
	struct statement st;

	r->chain = arena_array(r->a, (size_t)(held ? held->n_chain + 1 : 0) + r->b->n_chain, sizeof(*r->chain));
	if (!r->chain && (held || r->b->n_chain))
		return diags_out_of_memory(r->d);
	if (!held)
		return 0;
	for (uint32_t i = 0; i < held->n_chain; i++)
		r->chain[r->n_chain++] = held->chain[i];
	if (held->n_chain) {
		if (statement_parse(held->chain[held->n_chain - 1].text, &st, r->d) < 0)
			return -1;
		before = &st.trust;
	}
	if (!r->same && !trust_same_signers(before, &r->v->held_view->statement.trust))
		r->chain[r->n_chain++] = held->statement;
	return 0;
}

static enum verify_result check_statement(struct run *r)
{
	const struct verifier *v = r->v;
	const struct signed_text *s = &r->b->statement;
	struct version had = v->held ? v->held_view->statement.version : v->floor;
	enum verify_result result;

	r->trust = v->held ? v->current : v->pinned;
	r->base = had;
	if (!s->text.p) {
		if (!v->held) {
			diag_error(r->d, "snapshot-missing", NULL, "there is no snapshot in the bundle");
			return VERIFY_REFUSED;
		}
		r->statement = v->held_view->statement;
		r->same = true;
		return inherit_chain(r) < 0 ? VERIFY_REFUSED : VERIFY_OK;
	}
	if (statement_parse(s->text, &r->statement, r->d) < 0)
		return VERIFY_REFUSED;
	r->same = v->held && hash_cmp(&r->statement.name, &v->held_view->statement.name) == 0;
	if (inherit_chain(r) < 0 || follow_chain(r) < 0)
		return VERIFY_REFUSED;
	if (check_signed(r, s, &r->statement) < 0 || check_network(r, &r->statement) < 0)
		return VERIFY_REFUSED;
	result = check_version(r, &had);
	if (result != VERIFY_OK)
		return result;
	if (check_new_signers(r, s, &r->statement) < 0)
		return VERIFY_REFUSED;
	r->trust = r->statement.trust;
	return VERIFY_OK;
}

static int object_cmp(const void *a, const void *b)
{
	return hash_cmp(&(*(const struct object *const *)a)->name, &(*(const struct object *const *)b)->name);
}

static const struct object **sorted_objects(struct run *r, const struct bundle *b)
{
	size_t n = b ? b->n_objects : 0;
	const struct object **out = arena_array(r->a, n ? n : 1, sizeof(*out));

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++)
		out[i] = &b->objects[i];
	if (n)
		qsort((void *)out, n, sizeof(*out), object_cmp);
	return out;
}

static const struct object *find_object(const struct object *const *sorted, size_t n, const struct hash *name)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = hash_cmp(name, &sorted[mid]->name);

		if (cmp == 0)
			return sorted[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static const struct object *get_object(void *ctx, const struct hash *name)
{
	const struct run *r = ctx;
	const struct object *o = find_object(r->in_bundle, r->b->n_objects, name);

	if (!o && r->v->held)
		o = find_object(r->in_held, r->v->held->n_objects, name);
	return o;
}

/* The view comes first, in a bundle that has one; a reply leaves it out when the peer has it already. */
static const struct object *first_view(const struct bundle *b)
{
	return b && b->n_objects && object_kind(b->objects[0].bytes) == OBJECT_VIEW ? &b->objects[0] : NULL;
}

static const struct object *check_path(struct run *r)
{
	const struct bundle *b = r->b->has_path ? r->b : r->same ? r->v->held : NULL;
	const struct object *view = first_view(r->b);

	if (!view)
		view = first_view(r->v->held);
	if (!view) {
		diag_error(r->d, "snapshot-object-missing", NULL, "the peer's view is missing from the bundle");
		return NULL;
	}
	if (!b || b->path_count != r->statement.n_views ||
	    !merkle_check(&view->name, b->path_index, b->path_count, b->path, b->n_path, &r->statement.views_root)) {
		diag_error(r->d, "snapshot-path", NULL, "%s",
			   b ? "the view is none of those that were signed" : "the path to the view is missing");
		return NULL;
	}
	return view;
}

static int self_missing(struct run *r, const char *of)
{
	struct diag *g =
	    diag_error(r->d, "snapshot-self-missing", NULL, "this peer's key and invite are not in the network%s", of);

	diag_help(r->d, g, "it was removed, disabled or invited anew; ask an admin for a new invitation");
	return -1;
}

/* The peer's own entry, in the view's own list, by its key; or, while it waits for one, by its invite. */
static uint32_t entry_of(const struct run *r, const struct flattened *f)
{
	const struct view *view = f->view;
	uint32_t by_invite = NONE;

	for (uint32_t i = 0; i < view->n_peers; i++) {
		const struct view_peer *p = &view->peers[i];

		if (p->cidr != f->own_cidr)
			continue;
		if (!p->pending && key_eq(&p->key, &r->v->own_key))
			return i;
		if (!key_is_zero(&r->v->invite) && key_eq(&p->invite, &r->v->invite))
			by_invite = i;
	}
	return by_invite;
}

/*
 * Runs before the enrolments: a peer whose stored invite is lost matches by its enrolled key alone, so a pending entry
 * may be its own.
 */
static int find_self(struct run *r, const struct flattened *f)
{
	f->view->self = entry_of(r, f);
	if (f->view->self != NONE) {
		if (!f->only || strcmp(f->only, f->view->peers[f->view->self].name) == 0)
			return 0;
		return self_missing(r, "'s view for it");
	}
	for (uint32_t i = 0; i < f->view->n_peers; i++)
		if (f->view->peers[i].cidr == f->own_cidr && f->view->peers[i].pending)
			return 0;
	return self_missing(r, "");
}

/* And after the enrolments: no other peer may have redeemed its invite. */
static int confirm_self(struct run *r, const struct flattened *f)
{
	struct view *view = f->view;
	const struct view_peer *p;

	view->self = entry_of(r, f);
	if (view->self == NONE)
		return self_missing(r, "");
	p = &view->peers[view->self];
	if (p->pending || key_eq(&p->key, &r->v->own_key))
		return 0;
	diag_error(r->d, "snapshot-self-missing", NULL,
		   "the invite of '%s' was redeemed with a key that is not this peer's", p->name);
	return -1;
}

/* A freshness counts when an online key signed it for this very statement. Returns its end, or 0. */
static int64_t fresh_until(const struct run *r, const struct signed_text *s)
{
	const struct trust *t = &r->statement.trust;
	struct diags unheard = {0};
	struct fresh f;
	bool good = s->text.p && fresh_parse(s->text, &f, &unheard) == 0 &&
		    hash_cmp(&f.statement, &r->statement.name) == 0 &&
		    count_signers(s, "fresh", &t->id, t->online, t->n_online) > 0;

	diags_free(&unheard);
	return good ? f.until : 0;
}

/* Staleness is an alarm, never a refusal. */
static int64_t judge_freshness(struct run *r, struct signed_text *kept)
{
	const struct signed_text *held = r->same ? &r->v->held->fresh : NULL;
	int64_t until = fresh_until(r, &r->b->fresh), old = held ? fresh_until(r, held) : 0;

	/* A freshness from the future gives way to any new one. It is kept only to warn of a wrong clock. */
	const bool renewed = until && (until >= old || fresh_is_from_the_future(old, r->now));

	*kept = renewed || !old ? r->b->fresh : *held;
	if (!renewed)
		until = old;
	if (until == 0)
		*kept = (struct signed_text){.text = {NULL, 0}};
	if ((r->same || !r->v->held) && until < r->v->told_until && !fresh_is_from_the_future(r->v->told_until, r->now))
		until = r->v->told_until;
	if (until == 0)
		diag_warning(r->d, "snapshot-stale", NULL, "no server says that this is still the newest snapshot");
	else if (fresh_is_from_the_future(until, r->now))
		diag_warning(r->d, "snapshot-stale", NULL,
			     "the server that says that this is still the newest snapshot has a clock that is %lld s "
			     "ahead of this machine's",
			     (long long)(until - r->now - FRESH_SECONDS));
	else if (until < r->now)
		diag_warning(r->d, "snapshot-stale", NULL,
			     "no server has said for %lld s that this is still the newest snapshot",
			     (long long)(r->now - until));
	return until;
}

static void merge_positions(struct run *r, struct bundle *m)
{
	const struct bundle *held = r->v->held;

	if (r->b->ledger[0])
		memcpy(m->ledger, r->b->ledger, sizeof(m->ledger));
	else if (held)
		memcpy(m->ledger, held->ledger, sizeof(m->ledger));
	if (r->b->has_hints || !held) {
		m->has_hints = r->b->has_hints;
		m->hints_position = r->b->hints_position;
		m->hints = r->b->hints;
		m->n_hints = r->b->n_hints;
	}
}

static int merge_objects(struct run *r, const struct flattened *f, struct bundle *m)
{
	m->n_objects = f->n_used;
	m->objects = arena_array(r->a, f->n_used, sizeof(*m->objects));
	if (!m->objects)
		return diags_out_of_memory(r->d);
	for (size_t i = 0; i < f->n_used; i++)
		m->objects[i] = *f->used[i];
	return 0;
}

static int merge(struct run *r, const struct flattened *f, struct bundle *m)
{
	const struct bundle *path = r->b->has_path ? r->b : r->v->held;

	m->chain = r->chain;
	m->n_chain = r->n_chain;
	m->statement = r->same ? r->v->held->statement : r->b->statement;
	m->has_path = true;
	m->path_index = path->path_index;
	m->path_count = path->path_count;
	m->n_path = path->n_path;
	memcpy(m->path, path->path, sizeof(m->path));
	merge_positions(r, m);
	return merge_objects(r, f, m);
}

/* All below the statement: path, objects, enrolments, the peer's own entry. */
static enum verify_result check_view(struct run *r, struct view **out, struct bundle *m)
{
	struct object_source src = {get_object, r, r->b->n_objects + (r->v->held ? r->v->held->n_objects : 0)};
	const struct object *view = check_path(r);
	struct flattened f;

	r->in_bundle = sorted_objects(r, r->b);
	r->in_held = sorted_objects(r, r->v->held);
	if (!r->in_bundle || !r->in_held) {
		diags_out_of_memory(r->d);
		return VERIFY_REFUSED;
	}
	if (!view || view_flatten(r->a, &src, &view->name, &f, r->d) < 0)
		return VERIFY_REFUSED;
	f.view->statement = r->statement;
	if (strcmp(f.view->cidrs[f.view->root].name, r->statement.network) != 0) {
		diag_error(r->d, "bad-object", NULL, "the view is of a network '%s'", f.view->cidrs[f.view->root].name);
		return VERIFY_REFUSED;
	}
	if (find_self(r, &f) < 0 || verify_enrolments(r->a, f.view, &r->v->pinned.id, r->v->held, r->b, m, r->d) < 0 ||
	    confirm_self(r, &f) < 0 || merge(r, &f, m) < 0)
		return VERIFY_REFUSED;
	f.view->fresh_until = judge_freshness(r, &m->fresh);
	*out = f.view;
	return VERIFY_OK;
}

enum verify_result snapshot_verify(struct arena *a, const struct verifier *v, const struct bundle *b, int64_t now,
				   struct view **out, struct bundle **merged, struct diags *d)
{
	struct run r = {.a = a, .v = v, .b = b, .d = d, .now = now};
	enum verify_result result;
	struct bundle *m = arena_alloc(a, sizeof(*m));

	*out = NULL;
	*merged = NULL;
	if (!m) {
		diags_out_of_memory(d);
		return VERIFY_REFUSED;
	}
	result = check_statement(&r);
	if (result != VERIFY_OK)
		return result;
	if (r.same && !(b->n_enrolments && verify_has_news(a, b, v->held_view, d))) {
		*m = *v->held;
		judge_freshness(&r, &m->fresh);
		merge_positions(&r, m);
		*merged = m;
		return VERIFY_UNCHANGED;
	}
	result = check_view(&r, out, m);
	if (result == VERIFY_OK)
		*merged = m;
	return result;
}

/* The view of one peer of a compiled snapshot, unsigned. */

static const struct object *get_compiled(void *ctx, const struct hash *name)
{
	return snapshot_object(ctx, name);
}

static const struct enrolment *enrolment_of(const struct enrolment *e, size_t n, const struct key *invite)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = key_cmp(invite, &e[mid].invite);

		if (cmp == 0)
			return &e[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct view *view_of_peer(struct arena *a, const struct snapshot *s, uint32_t peer, const struct enrolment *enrolments,
			  size_t n_enrolments, struct diags *d)
{
	/* The source does not write to what it reads. */
	struct object_source src = {get_compiled, (void *)(uintptr_t)s, s->n_objects};
	const struct model *m = s->model;
	struct flattened f;

	if (s->view_of_peer[peer] == NONE) {
		diag_error(d, "peer-disabled", &m->peers[peer].at, "peer '%s' is disabled: it has no view",
			   m->peers[peer].name);
		return NULL;
	}
	if (view_flatten(a, &src, &s->views[s->view_of_peer[peer]].name, &f, d) < 0)
		return NULL;
	statement_of(s, &f.view->statement);
	for (uint32_t i = 0; i < f.view->n_peers; i++) {
		struct view_peer *p = &f.view->peers[i];
		const struct enrolment *e = p->pending ? enrolment_of(enrolments, n_enrolments, &p->invite) : NULL;

		if (e) {
			p->key = e->key;
			p->pending = false;
		}
		if (strcmp(p->name, m->peers[peer].name) == 0)
			f.view->self = i;
	}
	return f.view;
}

struct view *view_of_bundle(struct arena *a, const struct bundle *b, const char *peer, struct diags *d)
{
	static const struct verifier none;
	struct run r = {.a = a, .v = &none, .b = b, .d = d};
	struct object_source src = {get_object, &r, b->n_objects};
	const struct object *view = first_view(b);
	struct flattened f;
	const char *root;

	r.in_bundle = sorted_objects(&r, b);
	if (!r.in_bundle) {
		diags_out_of_memory(d);
		return NULL;
	}
	if (!view) {
		diag_error(d, "snapshot-object-missing", NULL, "the peer's view is missing from the bundle");
		return NULL;
	}
	if (view_flatten(a, &src, &view->name, &f, d) < 0)
		return NULL;
	root = f.view->cidrs[f.view->root].name;
	if (!network_name_valid(root, strlen(root))) {
		diag_error(d, "bad-object", NULL, "the view is of a network '%s'", root);
		return NULL;
	}
	memcpy(f.view->statement.network, root, strlen(root) + 1);
	for (uint32_t i = 0; i < f.view->n_peers; i++)
		if (strcmp(f.view->peers[i].name, peer) == 0) {
			f.view->self = i;
			return f.view;
		}
	diag_error(d, "snapshot-self-missing", NULL, "the view has no peer '%s'", peer);
	return NULL;
}

const char *view_peer_via(const struct view *v, uint32_t peer)
{
	const struct view_peer *self = &v->peers[v->self], *p = &v->peers[peer];
	const char *via = self->via ? self->via : p->via;

	return !via || p == self || strcmp(via, p->name) == 0 || strcmp(via, self->name) == 0 ? NULL : via;
}
