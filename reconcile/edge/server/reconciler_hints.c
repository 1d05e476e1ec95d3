/* Where the peers are: what our interface sees, what they report of themselves, and when others are told. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/plan/hints.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 1000  /* held polls are woken for hints at most so often, whoever moves */
#define BURST     6     /* announcements that a peer may cause in a row: joining, a better address, a new network */
#define REFILL_MS 20000 /* it gets one back so often: who moves without end is announced three times a minute */
#define KEEP_MS   10000 /* the file is written at most so often */

static int known_cmp(const void *key, const void *known)
{
	return key_cmp(key, &((const struct known *)known)->key);
}

static struct known *find(const struct reconciler *r, const struct key *key)
{
	return r->n_known ? bsearch(key, r->known, r->n_known, sizeof(*r->known), known_cmp) : NULL;
}

const struct known *reconciler_known(const struct reconciler *r, const struct key *key)
{
	return find(r, key);
}

static void said_get(const struct known *k, struct endpoints *out)
{
	out->n = k->n_said;
	if (k->n_said)
		memcpy(out->at, k->said, k->n_said * sizeof(*k->said));
}

/* -1: out of memory; what was said before stays. */
static int said_set(struct known *k, const struct endpoints *e)
{
	struct sockpoint *said = malloc((e->n + 1u) * sizeof(*said));

	if (!said)
		return -1;
	memcpy(said, e->at, e->n * sizeof(*said));
	free(k->said);
	k->said = said;
	k->n_said = e->n;
	return 0;
}

int reconciler_hint(struct arena *a, const struct known *k, struct hint *out)
{
	struct sockpoint *at;
	struct endpoints said, told;

	said_get(k, &said);
	endpoints_resolve(&said, &k->seen, &told);
	at = arena_array(a, told.n + 1u, sizeof(*at));
	if (!at)
		return -1;
	memcpy(at, told.at, told.n * sizeof(*at));
	*out = (struct hint){.key = k->key, .seen = k->seen, .at = at, .n_at = told.n};
	return 0;
}

/* --- announcing --- */

static void refill(struct known *k, int64_t now)
{
	while (k->budget < BURST && now - k->refilled >= REFILL_MS) {
		k->budget++;
		k->refilled += REFILL_MS;
	}
}

/* When the next change may be announced. */
static void schedule(struct reconciler *r)
{
	const int64_t now = clock_boot_ms(), window = r->announced ? r->announced + WINDOW_MS : now;
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < r->n_known; i++) {
		struct known *k = &r->known[i];
		int64_t at;

		if (!k->changed)
			continue;
		refill(k, now);
		at = k->budget || k->refilled + REFILL_MS < window ? window : k->refilled + REFILL_MS;
		due = at < due ? at : due;
	}
	if (due != INT64_MAX)
		loop_timer_set(r->loop, &r->announce_timer, due > now ? due - now : 0);
}

/* False: there are more than there is room for. */
static bool recent_find(struct reconciler *r)
{
	r->n_recent = 0;
	for (size_t i = 0; i < r->n_known; i++) {
		if (r->known[i].sequence <= r->recent_after)
			continue;
		if (r->n_recent == RECENT_MAX)
			return false;
		r->recent[r->n_recent++] = (uint32_t)i;
	}
	return true;
}

/*
 * A peer is there once, however often it moves: the few that always do leave room for the others. When it is full, the
 * older half of the announcements is left to those who look at all.
 */
void reconciler_hints_recent(struct reconciler *r)
{
	while (!recent_find(r))
		r->recent_after += (r->sequence - r->recent_after + 1) / 2;
}

static void on_announce(void *ctx)
{
	struct reconciler *r = ctx;
	const int64_t now = clock_boot_ms();
	bool any = false;

	for (size_t i = 0; i < r->n_known; i++) {
		struct known *k = &r->known[i];

		if (k->changed)
			refill(k, now);
		if (!k->changed || !k->budget)
			continue;
		if (k->budget == BURST)
			k->refilled = now;
		k->budget--;
		k->changed = false;
		k->sequence = r->sequence + 1;
		any = true;
	}
	if (any) {
		r->sequence++;
		r->announced = now;
		r->announcements++;
		reconciler_hints_recent(r);
		reconciler_wake(r);
	}
	schedule(r);
}

/* It is written soon, and others are told soon. */
static void changed(struct reconciler *r)
{
	const int64_t now = clock_boot_ms(), due = r->known_kept ? r->known_kept + KEEP_MS : now;

	schedule(r);
	if (!r->known_dirty)
		loop_timer_set(r->loop, &r->known_timer, due > now ? due - now : 0);
	r->known_dirty = true;
}

/* --- what the interface sees --- */

static const struct device_peer *peer_of_key(const struct device_state *st, const struct key *key)
{
	uint32_t low = 0, high = st ? st->n_peers : 0;

	while (low < high) {
		uint32_t i = low + (high - low) / 2;
		int c = key_cmp(&st->peers[i].key, key);

		if (!c)
			return &st->peers[i];
		if (c < 0)
			low = i + 1;
		else
			high = i;
	}
	return NULL;
}

/* Which peer of `g` has this key for good. NONE: it is temporary, and nobody's peer. */
static uint32_t owner_of(const struct reconciler *r, const struct revision *g, const struct device_peer *p)
{
	uint32_t i = p->name ? model_peer_by_name(g->model, p->name) : NONE;
	const struct peer *peer = i == NONE ? NULL : &g->model->peers[i];
	struct key key;

	if (!peer)
		return NONE;
	key = enrolments_key_now(r->enrolments, peer);
	if (!key_eq(&key, &p->key) ||
	    (peer->is_invite && !ledger_enrolment(enrolments_facts(r->enrolments), &peer->key)))
		return NONE;
	return i;
}

/* `wanted` is sorted by key, so the list comes out sorted. Who is not wanted any more is forgotten. */
void reconciler_hints_see(struct reconciler *r, const struct revision *g, const struct device_state *wanted,
			  const struct device_state *observed)
{
	const struct cidr *root = &g->model->cidrs[0];
	struct known *list = calloc(wanted->n_peers ? wanted->n_peers : 1, sizeof(*list));
	size_t n = 0, kept = 0;
	bool news = false;

	if (!list)
		return;
	for (uint32_t i = 0; i < wanted->n_peers; i++) {
		const struct device_peer *there = peer_of_key(observed, &wanted->peers[i].key);
		struct known *was = find(r, &wanted->peers[i].key);
		const bool seen =
		    there && there->handshake && hint_usable(root->prefix, root->n_prefixes, &there->endpoint);
		uint32_t index = was || seen ? owner_of(r, g, &wanted->peers[i]) : NONE;

		if (index == NONE)
			continue;
		struct known *k = &list[n++];
		*k = was ? *was : (struct known){.key = wanted->peers[i].key, .budget = BURST};
		if (was)
			was->said = NULL; /* it is the new one's now */
		kept += was != NULL;
		k->mark = g->model->peers[index].key;
		k->peer = index;
		if (seen && !sockpoint_eq(&k->seen, &there->endpoint)) {
			k->seen = there->endpoint;
			k->changed = news = true;
		}
	}
	news |= kept != r->n_known;
	for (size_t i = 0; i < r->n_known; i++)
		free(r->known[i].said);
	free(r->known);
	r->known = list;
	r->n_known = n;
	reconciler_hints_recent(r);
	if (news)
		changed(r);
}

/* --- what peers report --- */

static struct known *insert(struct reconciler *r, const struct key *key)
{
	struct known *more = realloc(r->known, (r->n_known + 1) * sizeof(*more));
	size_t i = 0;

	if (!more)
		return NULL;
	r->known = more;
	while (i < r->n_known && key_cmp(&more[i].key, key) < 0)
		i++;
	memmove(&more[i + 1], &more[i], (r->n_known - i) * sizeof(*more));
	more[i] = (struct known){.key = *key, .budget = BURST};
	r->n_known++;
	reconciler_hints_recent(r);
	return &more[i];
}

/* -1: out of memory. */
static int take_report(struct reconciler *r, uint32_t peer, const struct endpoints *e)
{
	const struct peer *p = &served_now(r->served)->model->peers[peer];
	struct endpoints before = {0};
	const struct key key = enrolments_key_now(r->enrolments, p);
	struct known *k = find(r, &key);

	if (k)
		said_get(k, &before);
	if (endpoints_eq(&before, e))
		return 0;
	if (!k && !(k = insert(r, &key)))
		return -1;
	k->mark = p->key;
	k->peer = peer;
	if (said_set(k, e) < 0)
		return -1;
	k->changed = true;
	r->endpoint_reports++;
	changed(r);
	return 0;
}

void reconciler_endpoints(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const struct cidr *root = &served_now(r->served)->model->cidrs[0];
	struct endpoints e;
	struct diags d = {0};
	struct buf empty = {0};

	(void)why;
	if (endpoints_parse(http_body(q), &e, &d) < 0 || endpoints_check(&e, root->prefix, root->n_prefixes, &d) < 0)
		http_refuse(q, 400, "bad-endpoints", "%s", d.first ? d.first->message : "out of memory");
	else if (take_report(r, who->peer, &e) < 0)
		http_refuse(q, 500, "out-of-memory", "out of memory");
	else
		http_answer(q, 204, NULL, &empty, NULL, NULL);
	diags_free(&d);
}

/* --- over a restart --- */

static bool path_of(const struct reconciler *r, const char *name, char out[static PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%s", served_folder(r->served), name);

	return n > 0 && n < PATH_MAX;
}

/* As they were said: 0.0.0.0 is another host after the next start. */
static int known_write(const struct reconciler *r, struct diags *d)
{
	struct hint *list = calloc(r->n_known + 1, sizeof(*list));
	struct hints h = {.hints = list};
	struct buf bytes = {0};
	char path[PATH_MAX];
	int ret = -1;

	for (size_t i = 0; list && i < r->n_known; i++) {
		const struct known *k = &r->known[i];

		if (k->seen.port || k->n_said)
			list[h.n_hints++] =
			    (struct hint){.key = k->key, .seen = k->seen, .at = k->said, .n_at = k->n_said};
	}
	if (list)
		hints_write(&bytes, &h);
	if (!list || bytes.failed)
		d->out_of_memory = true;
	else if (path_of(r, "hints", path) && file_mkdirs(served_folder(r->served), 0700, d) == 0)
		ret = file_write(path, buf_span(&bytes), 0600, d);
	buf_free(&bytes);
	free(list);
	return ret;
}

static void keep(struct reconciler *r)
{
	struct diags d = {0};

	if (!r->known_dirty)
		return;
	r->known_kept = clock_boot_ms();
	if (known_write(r, &d) == 0) {
		r->known_dirty = r->known_failed = false;
	} else {
		if (!r->known_failed)
			log_diags("hints", &d);
		r->known_failed = true;
		loop_timer_set(r->loop, &r->known_timer, KEEP_MS);
	}
	diags_free(&d);
}

static void on_keep(void *ctx)
{
	keep(ctx);
}

/* What is on the disk may be anything. What makes no sense is put aside, for people to look at. */
static void known_read(struct reconciler *r, struct arena *a)
{
	char path[PATH_MAX], aside[PATH_MAX];
	struct buf bytes = {0};
	struct diags d = {0};
	bool absent = false;
	struct hints h = {0};

	if (!path_of(r, "hints", path) || !path_of(r, "hints.corrupt", aside))
		return;
	if (file_read(path, HINTS_FILE_MAX, &bytes, &absent, &d) == 0 && !absent &&
	    hints_parse(a, buf_span(&bytes), &h, &d) < 0 && d.n_errors) {
		if (rename(path, aside) == 0)
			log_warn("hints", "where the peers were is not known: %s; it was set aside as %s",
				 d.first->message, aside);
		else
			log_error("hints", "%s cannot be renamed: %s", path, strerror(errno));
	} else if (d.n_errors) {
		log_diags("hints", &d);
	}
	r->known = calloc(h.n_hints + 1, sizeof(*r->known));
	for (size_t i = 0; r->known && i < h.n_hints; i++) {
		struct known *k = &r->known[r->n_known];
		struct endpoints said = {.n = h.hints[i].n_at};

		memcpy(said.at, h.hints[i].at, said.n * sizeof(*said.at));
		*k = (struct known){.key = h.hints[i].key,
				    .seen = h.hints[i].seen,
				    .sequence = r->sequence,
				    .peer = NONE,
				    .budget = BURST};
		if (said_set(k, &said) == 0)
			r->n_known++;
	}
	diags_free(&d);
	buf_free(&bytes);
}

void reconciler_hints_start(struct reconciler *r)
{
	struct arena *a = arena_new();

	r->announce_timer = (struct loop_timer){.fn = on_announce, .ctx = r};
	r->known_timer = (struct loop_timer){.fn = on_keep, .ctx = r};
	r->recent_after = r->sequence;
	if (a)
		known_read(r, a);
	arena_free(a);
}

void reconciler_hints_stop(struct reconciler *r)
{
	if (r->lock_fd >= 0)
		keep(r);
	loop_timer_del(r->loop, &r->announce_timer);
	loop_timer_del(r->loop, &r->known_timer);
	for (size_t i = 0; i < r->n_known; i++)
		free(r->known[i].said);
	free(r->known);
	free(r->knocks);
}
