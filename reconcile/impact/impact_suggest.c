/* Tests that a change asks for: what it makes possible, and no test of the definition speaks of. */
#include "reconcile/impact/impact.h"

#define NAMED_MAX 3

/* One or all enabled peers of a CIDR of `after`. */
struct party {
	uint32_t cidr;
	uint32_t peer; /* NONE: all of them */
};

struct suggester {
	const struct impact *im;
	const struct model *m;
	uint32_t *below; /* by CIDR: enabled peers in it and under it */
	uint32_t *own;
};

static bool count_peers(struct suggester *s, struct arena *a)
{
	const struct model *m = s->m;

	s->below = arena_array(a, m->n_cidrs, sizeof(*s->below));
	s->own = arena_array(a, m->n_cidrs, sizeof(*s->own));
	if (!s->below || !s->own)
		return false;
	for (uint32_t i = 0; i < m->n_peers; i++) {
		if (m->peers[i].disabled)
			continue;
		s->own[m->peers[i].cidr]++;
		for (uint32_t c = m->peers[i].cidr; c != NONE; c = m->cidrs[c].parent)
			s->below[c]++;
	}
	return true;
}

static uint32_t first_enabled(const struct model *m, uint32_t cidr)
{
	const struct cidr *c = &m->cidrs[cidr];

	for (uint32_t i = 0; i < c->n_peers; i++)
		if (!m->peers[m->by_cidr[c->first_peer + i]].disabled)
			return m->by_cidr[c->first_peer + i];
	return NONE;
}

/* The CIDR by its name, which in a test means what is under it too; else one of its peers stands for all. */
static struct party party_cidr(const struct suggester *s, uint32_t cidr)
{
	return (struct party){cidr, s->below[cidr] == s->own[cidr] ? NONE : first_enabled(s->m, cidr)};
}

static const char *party_name(const struct suggester *s, struct party w)
{
	return w.peer == NONE ? s->m->cidrs[w.cidr].name : s->m->peers[w.peer].name;
}

static bool ref_covers(const struct suggester *s, const struct ref *r, struct party w)
{
	if (r->kind == REF_CIDR)
		return model_cidr_under(s->m, w.cidr, r->index);
	return w.peer != NONE && r->index == w.peer;
}

static bool refs_cover(const struct suggester *s, const struct ref *r, uint32_t n, struct party w)
{
	for (uint32_t i = 0; i < n; i++)
		if (ref_covers(s, &r[i], w))
			return true;
	return false;
}

static bool spoken(const struct suggester *s, struct party x, struct party y)
{
	for (uint32_t i = 0; i < s->m->n_tests; i++) {
		const struct reach_test *t = &s->m->tests[i];
		for (int swap = 0; swap < 2; swap++) {
			struct party from = swap ? y : x, to = swap ? x : y;
			if (refs_cover(s, t->from, t->n_from, from) &&
			    (refs_cover(s, t->can, t->n_can, to) || refs_cover(s, t->cannot, t->n_cannot, to)))
				return true;
		}
	}
	return false;
}

/* What a subject stands for: its few peers, or its CIDR. */
static uint32_t subject_names(const struct suggester *s, const struct impact_class *k,
			      struct party out[static NAMED_MAX])
{
	if (k->same || k->n_peers > NAMED_MAX) {
		out[0] = party_cidr(s, k->after);
		return 1;
	}
	for (uint32_t i = 0; i < k->n_peers; i++)
		out[i] = (struct party){k->after, s->im->peers[k->first + i].after};
	return k->n_peers;
}

/* Returns the class of the peers at one row of im->peers, by binary search: the classes are sorted by their first row. */
static const struct impact_class *class_of(const struct impact *im, uint32_t row)
{
	uint32_t lo = 0, hi = im->n_classes;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (im->classes[mid].first <= row)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &im->classes[lo - 1];
}

/* A peer that came or moved too, and was a subject before: the two were spoken of there. */
static bool told(const struct impact *im, const struct impact_target *t, uint32_t class)
{
	const struct impact_class *k;

	if (t->peer == NONE)
		return false;
	k = class_of(im, t->peer);
	return !k->same && k < &im->classes[class];
}

static void suggest(struct buf *out, const struct suggester *s, const struct impact_effect *e)
{
	struct party from[NAMED_MAX] = {{NONE, NONE}}, to;
	uint32_t n_from = subject_names(s, &s->im->classes[e->class], from), n = 0;

	for (uint32_t i = 0; i < e->n_gained; i++) {
		const struct impact_target *t = &e->gained[i];
		bool known = true;
		to = t->peer == NONE ? party_cidr(s, t->cidr) : (struct party){t->cidr, s->im->peers[t->peer].after};
		for (uint32_t f = 0; f < n_from; f++)
			known = known && spoken(s, from[f], to);
		if (known || told(s->im, t, e->class) || (n_from == 1 && to.peer != NONE && to.peer == from[0].peer))
			continue;
		if (!n) {
			buf_str(out, n_from > 1 ? "  - { from: [" : "  - { from: ");
			for (uint32_t f = 0; f < n_from; f++)
				buf_printf(out, "%s%s", f ? ", " : "", party_name(s, from[f]));
			buf_str(out, n_from > 1 ? "], can_reach: [" : ", can_reach: [");
		}
		buf_printf(out, "%s%s", n++ ? ", " : "", party_name(s, to));
	}
	if (n)
		buf_str(out, "] }\n");
}

void impact_suggest_tests(struct buf *out, const struct impact *im)
{
	struct suggester s = {.im = im, .m = im->after};
	struct arena *a = im->after ? arena_new() : NULL;

	if (!im->after)
		return;
	if (a && count_peers(&s, a)) {
		for (uint32_t i = 0; i < im->n_effects; i++)
			if (im->effects[i].n_gained)
				suggest(out, &s, &im->effects[i]);
	} else {
		out->failed = true;
	}
	arena_free(a);
}
