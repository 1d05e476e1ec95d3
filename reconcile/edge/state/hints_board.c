#include "reconcile/edge/state/hints_board.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/plan/hints.h"

#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 1000  /* held polls are woken for hints at most so often, however many peers move */
#define BURST     6     /* announcements that a peer may cause in a row: joining, a better address, a new network */
#define REFILL_MS 20000 /* it gets one back so often: a peer that moves without end is announced three times a minute */
#define KEEP_MS   10000 /* the file is written at most so often */

struct hints_board {
	struct loop *loop;
	const struct served *served;
	const struct enrolments *enrolments;
	void (*announced)(void *ctx);
	void *ctx;
	struct known *known; /* sorted by key */
	size_t n_known;
	/* Those announced after `recent_after`, as places in `known`: most polls lack nothing older. */
	uint32_t recent[RECENT_MAX];
	uint32_t n_recent;
	uint64_t recent_after;
	/*
	 * Of the newest announcement. It starts at the server's start in nanoseconds, of which those within the second are
	 * drawn: no other run, of this server or of another one, has the same.
	 */
	uint64_t sequence, first;
	int64_t last;               /* clock_boot_ms() of the newest announcement; 0: none yet */
	int64_t kept;               /* the same of the last writing */
	bool keep_due, keep_failed; /* the file is to be written; it could not be */
	struct loop_timer announce_timer, keep_timer;
	uint64_t reports, announcements;
};

static int known_cmp(const void *key, const void *known)
{
	return key_cmp(key, &((const struct known *)known)->key);
}

static struct known *find(const struct hints_board *b, const struct key *key)
{
	return b->n_known ? bsearch(key, b->known, b->n_known, sizeof(*b->known), known_cmp) : NULL;
}

const struct known *hints_board_find(const struct hints_board *b, const struct key *key)
{
	return find(b, key);
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

int hints_board_hint(struct arena *a, const struct known *k, struct hint *out)
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

/* The interface cannot always be read when a revision comes: until then the index is that of an earlier one. */
uint32_t hints_board_peer(const struct hints_board *b, const struct known *k)
{
	const struct revision *g = served_now(b->served);

	if (k->peer < g->model->n_peers && key_eq(&g->model->peers[k->peer].key, &k->mark))
		return k->peer;
	return enrolments_owner(b->enrolments, g, &k->mark);
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
static void schedule(struct hints_board *b)
{
	const int64_t now = clock_boot_ms(), window = b->last ? b->last + WINDOW_MS : now;
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < b->n_known; i++) {
		struct known *k = &b->known[i];
		int64_t at;

		if (!k->changed)
			continue;
		refill(k, now);
		at = k->budget || k->refilled + REFILL_MS < window ? window : k->refilled + REFILL_MS;
		due = at < due ? at : due;
	}
	if (due != INT64_MAX)
		loop_timer_set(b->loop, &b->announce_timer, due > now ? due - now : 0);
}

/* False: there are more than there is room for. */
static bool recent_find(struct hints_board *b)
{
	b->n_recent = 0;
	for (size_t i = 0; i < b->n_known; i++) {
		if (b->known[i].sequence <= b->recent_after)
			continue;
		if (b->n_recent == RECENT_MAX)
			return false;
		b->recent[b->n_recent++] = (uint32_t)i;
	}
	return true;
}

/*
 * After each announcement, and whenever `known` is another array or in another order. A peer is there once, however
 * often it moves: the few that always do leave room for the rest. When it is full, the older half of the announcements
 * is found by looking at all that is known.
 */
static void recent_renew(struct hints_board *b)
{
	while (!recent_find(b))
		b->recent_after += (b->sequence - b->recent_after + 1) / 2;
}

static void on_announce(void *ctx)
{
	struct hints_board *b = ctx;
	const int64_t now = clock_boot_ms();
	bool any = false;

	for (size_t i = 0; i < b->n_known; i++) {
		struct known *k = &b->known[i];

		if (k->changed)
			refill(k, now);
		if (!k->changed || !k->budget)
			continue;
		if (k->budget == BURST)
			k->refilled = now;
		k->budget--;
		k->changed = false;
		k->sequence = b->sequence + 1;
		any = true;
	}
	if (any) {
		b->sequence++;
		b->last = now;
		b->announcements++;
		recent_renew(b);
		b->announced(b->ctx);
	}
	schedule(b);
}

/* It is written soon, and announced soon. */
static void changed(struct hints_board *b)
{
	const int64_t now = clock_boot_ms(), due = b->kept ? b->kept + KEEP_MS : now;

	schedule(b);
	if (!b->keep_due)
		loop_timer_set(b->loop, &b->keep_timer, due > now ? due - now : 0);
	b->keep_due = true;
}

uint64_t hints_board_position(const struct hints_board *b)
{
	return b->sequence;
}

bool hints_board_is_ours(const struct hints_board *b, uint64_t position)
{
	return position >= b->first && position <= b->sequence;
}

struct hints_range hints_board_since(const struct hints_board *b, uint64_t position, bool all)
{
	if (!all && hints_board_is_ours(b, position) && position >= b->recent_after)
		return (struct hints_range){b->known, b->recent, b->n_recent};
	return (struct hints_range){b->known, NULL, b->n_known};
}

struct hints_counts hints_board_counts(const struct hints_board *b)
{
	return (struct hints_counts){b->n_known, b->reports, b->announcements};
}

/* --- what the interface sees --- */

/* The peer of `g` that has this key for good. NONE: the key is temporary, or no peer's. */
static uint32_t owner_of(const struct hints_board *b, const struct revision *g, const struct device_peer *p)
{
	uint32_t i = p->name ? model_peer_by_name(g->model, p->name) : NONE;
	const struct peer *peer = i == NONE ? NULL : &g->model->peers[i];
	struct key key;

	if (!peer)
		return NONE;
	key = enrolments_key_now(b->enrolments, peer);
	return key_eq(&key, &p->key) && enrolments_has_key(b->enrolments, peer) ? i : NONE;
}

/* `wanted` is sorted by key, so the list comes out sorted. A peer that is not wanted any more is forgotten. */
void hints_board_see(struct hints_board *b, const struct revision *g, const struct device_state *wanted,
		     const struct device_state *observed)
{
	const struct cidr *root = &g->model->cidrs[0];
	struct known *list = calloc(wanted->n_peers ? wanted->n_peers : 1, sizeof(*list));
	size_t n = 0, kept = 0;
	bool news = false;

	if (!list)
		return;
	for (uint32_t i = 0; i < wanted->n_peers; i++) {
		const struct device_peer *there =
		    observed ? device_peer_find(observed->peers, observed->n_peers, &wanted->peers[i].key) : NULL;
		struct known *was = find(b, &wanted->peers[i].key);
		const bool seen =
		    there && there->handshake && hint_usable(root->prefix, root->n_prefixes, &there->endpoint);
		uint32_t index = was || seen ? owner_of(b, g, &wanted->peers[i]) : NONE;

		if (index == NONE)
			continue;
		struct known *k = &list[n++];
		*k = was ? *was : (struct known){.key = wanted->peers[i].key, .budget = BURST};
		if (was)
			was->said = NULL; /* the new entry owns it */
		kept += was != NULL;
		k->mark = g->model->peers[index].key;
		k->peer = index;
		if (seen && !sockpoint_eq(&k->seen, &there->endpoint)) {
			k->seen = there->endpoint;
			k->changed = news = true;
		}
	}
	news |= kept != b->n_known;
	for (size_t i = 0; i < b->n_known; i++)
		free(b->known[i].said);
	free(b->known);
	b->known = list;
	b->n_known = n;
	recent_renew(b);
	if (news)
		changed(b);
}

/* --- what peers report --- */

static struct known *insert(struct hints_board *b, const struct key *key)
{
	struct known *more = realloc(b->known, (b->n_known + 1) * sizeof(*more));
	size_t i = 0;

	if (!more)
		return NULL;
	b->known = more;
	while (i < b->n_known && key_cmp(&more[i].key, key) < 0)
		i++;
	memmove(&more[i + 1], &more[i], (b->n_known - i) * sizeof(*more));
	more[i] = (struct known){.key = *key, .budget = BURST};
	b->n_known++;
	recent_renew(b);
	return &more[i];
}

int hints_board_report(struct hints_board *b, uint32_t peer, const struct endpoints *e)
{
	const struct peer *p = &served_now(b->served)->model->peers[peer];
	const struct key key = enrolments_key_now(b->enrolments, p);
	struct endpoints before = {0};
	struct known *k = find(b, &key);

	if (k)
		said_get(k, &before);
	if (endpoints_eq(&before, e))
		return 0;
	if (!k && !(k = insert(b, &key)))
		return -1;
	k->mark = p->key;
	k->peer = peer;
	if (said_set(k, e) < 0)
		return -1;
	k->changed = true;
	b->reports++;
	changed(b);
	return 0;
}

/* --- over a restart --- */

static bool path_of(const struct hints_board *b, const char *name, char out[static PATH_MAX])
{
	int n = snprintf(out, PATH_MAX, "%s/%s", served_folder(b->served), name);

	return n > 0 && n < PATH_MAX;
}

/* As they were said: 0.0.0.0 is another host after the next start. */
static int known_write(const struct hints_board *b, struct diags *d)
{
	struct hint *list = calloc(b->n_known + 1, sizeof(*list));
	struct hints h = {.hints = list};
	struct buf bytes = {0};
	char path[PATH_MAX];
	int ret = -1;

	for (size_t i = 0; list && i < b->n_known; i++) {
		const struct known *k = &b->known[i];

		if (k->seen.port || k->n_said)
			list[h.n_hints++] =
			    (struct hint){.key = k->key, .seen = k->seen, .at = k->said, .n_at = k->n_said};
	}
	if (list)
		hints_write(&bytes, &h);
	if (!list || bytes.failed)
		diags_out_of_memory(d);
	else if (path_of(b, "hints", path) && file_mkdirs(served_folder(b->served), 0700, d) == 0)
		ret = file_write(path, buf_span(&bytes), 0600, d);
	buf_free(&bytes);
	free(list);
	return ret;
}

void hints_board_keep(struct hints_board *b)
{
	struct diags d = {0};

	if (!b->keep_due)
		return;
	b->kept = clock_boot_ms();
	if (known_write(b, &d) == 0) {
		b->keep_due = b->keep_failed = false;
	} else {
		if (!b->keep_failed)
			log_diags("hints", &d);
		b->keep_failed = true;
		loop_timer_set(b->loop, &b->keep_timer, KEEP_MS);
	}
	diags_free(&d);
}

static void on_keep(void *ctx)
{
	hints_board_keep(ctx);
}

/* What is on the disk may be anything. A file that makes no sense is set aside, for people to look at. */
static void known_read(struct hints_board *b, struct arena *a)
{
	char path[PATH_MAX], aside[PATH_MAX];
	struct buf bytes = {0};
	struct diags d = {0};
	bool absent = false;
	struct hints h = {0};

	if (!path_of(b, "hints", path) || !path_of(b, "hints.corrupt", aside))
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
	b->known = calloc(h.n_hints + 1, sizeof(*b->known));
	for (size_t i = 0; b->known && i < h.n_hints; i++) {
		struct known *k = &b->known[b->n_known];
		struct endpoints said = {.n = h.hints[i].n_at};

		memcpy(said.at, h.hints[i].at, said.n * sizeof(*said.at));
		*k = (struct known){.key = h.hints[i].key,
				    .seen = h.hints[i].seen,
				    .sequence = b->sequence,
				    .peer = NONE,
				    .budget = BURST};
		if (said_set(k, &said) == 0)
			b->n_known++;
	}
	diags_free(&d);
	buf_free(&bytes);
}

struct hints_board *hints_board_new(struct loop *l, const struct served *s, const struct enrolments *e,
				    void (*announced)(void *ctx), void *ctx)
{
	struct hints_board *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct hints_board){.loop = l, .served = s, .enrolments = e, .announced = announced, .ctx = ctx};
	b->announce_timer = (struct loop_timer){.fn = on_announce, .ctx = b};
	b->keep_timer = (struct loop_timer){.fn = on_keep, .ctx = b};
	b->first = (uint64_t)clock_unix() * 1000000000 + randombytes_uniform(1000000000);
	b->sequence = b->recent_after = b->first;
	return b;
}

void hints_board_read(struct hints_board *b)
{
	struct arena *a = arena_new();

	if (a)
		known_read(b, a);
	arena_free(a);
}

void hints_board_free(struct hints_board *b)
{
	if (!b)
		return;
	loop_timer_del(b->loop, &b->announce_timer);
	loop_timer_del(b->loop, &b->keep_timer);
	for (size_t i = 0; i < b->n_known; i++)
		free(b->known[i].said);
	free(b->known);
	free(b);
}
