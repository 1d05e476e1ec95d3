#include "reconcile/net/reach.h"

#include <stdlib.h>
#include <string.h>

/*
 * Walking the tree of CIDRs once gives each the interval [in, out] of the walk in which all that is under it
 * lies. The CIDRs that an association's end covers are then an interval, and a set of such intervals that do
 * not overlap answers "does any of them cover this CIDR" by a binary search.
 */
enum counted {
	ENABLED,  /* peers that there are, and are enabled */
	POSSIBLE, /* peers that there could be: possible_in() */
	N_COUNTED
};
struct sum {
	uint32_t peers, infra; /* all; those of infra CIDRs alone */
};
struct cover {
	uint32_t in, out;
	uint32_t other, association;  /* the far end, and the first association that has it */
	struct sum before[N_COUNTED]; /* in the covers before this one */
};

/* What a CIDR reaches by associations. CIDRs without an association of their own share their parent's. */
struct covers {
	struct cover *by_walk; /* sorted by `in`, disjoint */
	uint32_t *ends;        /* the same CIDRs, in the order of CIDRs */
	uint32_t n;
	struct sum all[N_COUNTED]; /* in all of them */
};

struct reach_index {
	const struct model *m;
	uint32_t *in, *out;            /* by CIDR */
	uint32_t *order;               /* CIDRs by `in` */
	struct sum *before[N_COUNTED]; /* n_cidrs + 1: of the CIDRs before this point of the walk */
	struct covers **covers;        /* by CIDR */
	uint32_t *infra, n_infra;
};

static void walk_tree(struct reach_index *x)
{
	const struct model *m = x->m;
	uint32_t n = 0, c = 0;

	while (n < m->n_cidrs) {
		x->in[c] = n;
		x->order[n++] = c;
		if (m->cidrs[c].first_child != NONE) {
			c = m->cidrs[c].first_child;
			continue;
		}
		x->out[c] = n - 1;
		while (m->cidrs[c].next_sibling == NONE && m->cidrs[c].parent != NONE) {
			c = m->cidrs[c].parent;
			x->out[c] = n - 1;
		}
		if (m->cidrs[c].parent == NONE)
			break;
		c = m->cidrs[c].next_sibling;
	}
}

static uint32_t enabled_in(const struct model *m, uint32_t cidr)
{
	const struct cidr *c = &m->cidrs[cidr];
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_peers; i++)
		n += !m->peers[m->by_cidr[c->first_peer + i]].disabled;
	return n;
}

#define WHOLE_LOG2 50 /* parts of a prefix are counted in 2^-50 of it: smaller ones do not fill it */

/* How much of a prefix one child takes. */
static uint64_t part_of(const struct prefix *p, const struct cidr *child)
{
	uint64_t part = 0;

	for (unsigned i = 0; i < child->n_prefixes; i++)
		if (prefix_covers(p, &child->prefix[i]) && child->prefix[i].len - p->len <= WHOLE_LOG2)
			part += 1ull << (WHOLE_LOG2 - (child->prefix[i].len - p->len));
	return part;
}

/*
 * How many peers a CIDR stands for in the tests: two, for any two that could be in it; none where its children take all of
 * its addresses.
 */
static uint32_t possible_in(const struct model *m, uint32_t cidr)
{
	const struct cidr *c = &m->cidrs[cidr];

	for (unsigned i = 0; i < c->n_prefixes; i++) {
		uint64_t taken = 0;
		for (uint32_t k = c->first_child; k != NONE; k = m->cidrs[k].next_sibling)
			taken += part_of(&c->prefix[i], &m->cidrs[k]);
		if (taken < 1ull << WHOLE_LOG2)
			return 2;
	}
	return 0;
}

static int cover_cmp(const void *a, const void *b)
{
	const struct cover *x = a, *y = b;

	if (x->in != y->in)
		return x->in < y->in ? -1 : 1;
	return (x->association > y->association) - (x->association < y->association);
}

static int index_cmp(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Of the CIDRs from one point of the walk to another. */
static struct sum sum_of(const struct reach_index *x, enum counted what, uint32_t in, uint32_t out)
{
	const struct sum *b = x->before[what];

	return (struct sum){b[out + 1].peers - b[in].peers, b[out + 1].infra - b[in].infra};
}

/* The ends that `inherited` covers and n_own more, without those under another. */
static struct covers *covers_new(struct arena *a, const struct reach_index *x, const struct covers *inherited,
				 const struct cover *own, uint32_t n_own)
{
	uint32_t n = (inherited ? inherited->n : 0) + n_own, kept = 0;
	struct covers *s = arena_alloc(a, sizeof(*s));
	struct cover *all = arena_array(a, n, sizeof(*all));

	if (!s || (n && !all))
		return NULL;
	if (inherited && inherited->n)
		memcpy(all, inherited->by_walk, inherited->n * sizeof(*all));
	if (n_own)
		memcpy(all + n - n_own, own, n_own * sizeof(*all));
	if (n)
		qsort(all, n, sizeof(*all), cover_cmp);
	for (uint32_t i = 0; i < n; i++) {
		if (kept && all[i].in <= all[kept - 1].out)
			continue;
		all[kept] = all[i];
		for (unsigned k = 0; k < N_COUNTED; k++) {
			struct sum in = sum_of(x, k, all[i].in, all[i].out);
			all[kept].before[k] = s->all[k];
			s->all[k].peers += in.peers;
			s->all[k].infra += in.infra;
		}
		kept++;
	}
	s->by_walk = all;
	s->n = kept;
	s->ends = arena_array(a, kept, sizeof(*s->ends));
	if (kept && !s->ends)
		return NULL;
	for (uint32_t i = 0; i < kept; i++)
		s->ends[i] = all[i].other;
	if (kept)
		qsort(s->ends, kept, sizeof(*s->ends), index_cmp);
	return s;
}

/* Associations by either end: first[c] .. first[c + 1] in `far`. */
static int far_ends(struct arena *a, const struct reach_index *x, uint32_t **first_out, struct cover **far_out)
{
	const struct model *m = x->m;
	uint32_t *first = arena_array(a, (size_t)m->n_cidrs + 2, sizeof(*first));
	struct cover *far = arena_array(a, 2 * (size_t)m->n_associations, sizeof(*far));

	if (!first || (m->n_associations && !far))
		return -1;
	/* Counted one place to the right, so that filling leaves each `first` where its CIDR begins. */
	for (uint32_t i = 0; i < m->n_associations; i++) {
		first[m->associations[i].a + 2]++;
		if (m->associations[i].b != m->associations[i].a)
			first[m->associations[i].b + 2]++;
	}
	for (uint32_t c = 2; c <= m->n_cidrs + 1; c++)
		first[c] += first[c - 1];
	for (uint32_t i = 0; i < m->n_associations; i++) {
		uint32_t p = m->associations[i].a, q = m->associations[i].b;

		far[first[p + 1]++] = (struct cover){.in = x->in[q], .out = x->out[q], .other = q, .association = i};
		if (p != q)
			far[first[q + 1]++] =
			    (struct cover){.in = x->in[p], .out = x->out[p], .other = p, .association = i};
	}
	*first_out = first;
	*far_out = far;
	return 0;
}

static int build_covers(struct arena *a, struct reach_index *x)
{
	const struct model *m = x->m;
	uint32_t *first;
	struct cover *far;

	if (far_ends(a, x, &first, &far) < 0)
		return -1;
	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		uint32_t c = x->order[i], parent = m->cidrs[c].parent;
		struct covers *inherited = parent == NONE ? NULL : x->covers[parent];
		uint32_t n_own = first[c + 1] - first[c];

		x->covers[c] = inherited;
		if (!inherited || n_own)
			x->covers[c] = covers_new(a, x, inherited, far + first[c], n_own);
		if (!x->covers[c])
			return -1;
	}
	return 0;
}

struct reach_index *reach_index_new(struct arena *a, const struct model *m)
{
	struct reach_index *x = arena_alloc(a, sizeof(*x));
	size_t n = m->n_cidrs;

	if (!x)
		return NULL;
	x->m = m;
	x->in = arena_array(a, n, sizeof(*x->in));
	x->out = arena_array(a, n, sizeof(*x->out));
	x->order = arena_array(a, n, sizeof(*x->order));
	x->infra = arena_array(a, n, sizeof(*x->infra));
	x->covers = arena_array(a, n, sizeof(struct covers *));
	for (unsigned k = 0; k < N_COUNTED; k++)
		if (!(x->before[k] = arena_array(a, n + 1, sizeof(*x->before[k]))))
			return NULL;
	if (!x->in || !x->out || !x->order || !x->infra || !x->covers)
		return NULL;
	walk_tree(x);
	for (unsigned k = 0; k < N_COUNTED; k++)
		for (uint32_t i = 0; i < n; i++) {
			uint32_t c = x->order[i], peers = k == ENABLED ? enabled_in(m, c) : possible_in(m, c);
			const struct sum *was = &x->before[k][i];

			x->before[k][i + 1] =
			    (struct sum){was->peers + peers, was->infra + (m->cidrs[c].infra ? peers : 0)};
		}
	for (uint32_t c = 0; c < n; c++)
		if (m->cidrs[c].infra)
			x->infra[x->n_infra++] = c;
	return build_covers(a, x) < 0 ? NULL : x;
}

/* How many covers begin before `point` of the walk. */
static uint32_t covers_before(const struct covers *s, uint32_t point)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (s->by_walk[mid].in < point)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct cover *cover_of(const struct reach_index *x, uint32_t from, uint32_t to)
{
	const struct covers *s = x->covers[from];
	uint32_t k = covers_before(s, x->in[to] + 1);

	return k && s->by_walk[k - 1].out >= x->in[to] ? &s->by_walk[k - 1] : NULL;
}

bool reach_covers(const struct reach_index *x, uint32_t cidr, uint32_t other)
{
	return cover_of(x, cidr, other) != NULL;
}

struct reach reach_cidrs(const struct reach_index *x, uint32_t c1, uint32_t c2)
{
	struct reach r = {.rule = REACH_NONE, .association = NONE, .cidr = NONE};
	const struct cidr *cidrs = x->m->cidrs;
	/* Always asked from the lower one, so that both directions name the same association. */
	uint32_t lo = c1 < c2 ? c1 : c2, hi = c1 < c2 ? c2 : c1;
	const struct cover *cover;

	if (cidrs[lo].infra || cidrs[hi].infra) {
		r.rule = REACH_INFRA;
		r.cidr = cidrs[lo].infra ? lo : hi;
	} else if (lo == hi) {
		if (!cidrs[lo].isolated) {
			r.rule = REACH_SAME_CIDR;
			r.cidr = lo;
		}
	} else if ((cover = cover_of(x, lo, hi))) {
		r.rule = REACH_ASSOCIATION;
		r.association = cover->association;
	}
	return r;
}

struct reach reach_peers(const struct reach_index *x, uint32_t p1, uint32_t p2)
{
	return reach_cidrs(x, x->m->peers[p1].cidr, x->m->peers[p2].cidr);
}

const uint32_t *reach_subtrees(const struct reach_index *x, uint32_t cidr, uint32_t *n)
{
	*n = x->covers[cidr]->n;
	return x->covers[cidr]->ends;
}

const uint32_t *reach_infra(const struct reach_index *x, uint32_t *n)
{
	*n = x->n_infra;
	return x->infra;
}

/*
 * Tests are about rules. A CIDR in a test stands for every peer that could be in it or under it, whether or not there is one;
 * an address that no peer has stands for a peer that had it. `can_reach` asks that each peer of `from` reaches each peer of
 * the target, `cannot_reach` that none does; no peer is asked about reaching itself.
 */
struct group {
	uint32_t in, out; /* CIDRs, by the walk */
	uint32_t peer;    /* NONE: all peers of those CIDRs */
	enum counted counted;
	bool imagined; /* one more peer than the model has, in that CIDR */
	bool empty;    /* a disabled peer */
};

static bool group_of(const struct reach_index *x, const struct ref *r, enum counted counted, struct group *g)
{
	uint32_t cidr = r->index;

	*g = (struct group){.peer = NONE, .counted = counted};
	if (r->kind == REF_ADDR && r->index == NONE) {
		cidr = model_cidr_of_addr(x->m, &r->addr);
		g->imagined = true;
		if (cidr == NONE)
			return false;
	} else if (r->kind != REF_CIDR) {
		g->peer = r->index;
		g->empty = x->m->peers[r->index].disabled;
		cidr = x->m->peers[r->index].cidr;
	}
	g->in = x->in[cidr];
	g->out = r->kind == REF_CIDR ? x->out[cidr] : g->in;
	return true;
}

/* How many peers of the CIDR at `point` of the walk belong to the group. */
static uint32_t group_at(const struct reach_index *x, const struct group *g, uint32_t point)
{
	if (g->empty || point < g->in || point > g->out)
		return 0;
	return g->imagined || g->peer != NONE ? 1 : sum_of(x, g->counted, point, point).peers;
}

/* Of a whole range of CIDRs, how many enabled peers do those of the CIDR at `point` reach? Its own are not counted. */
static uint32_t reached_in(const struct reach_index *x, const struct group *to, uint32_t point)
{
	const struct covers *s = x->covers[x->order[point]];
	const struct sum all = sum_of(x, to->counted, to->in, to->out);
	uint32_t lo = covers_before(s, to->in), hi = covers_before(s, to->out + 1);
	uint32_t own = group_at(x, to, point), c = x->order[point];
	struct sum first, last;

	if (x->m->cidrs[c].infra)
		return all.peers - own;
	/* A cover that begins before the range and reaches into it holds all of it. */
	if (lo && s->by_walk[lo - 1].out >= to->in)
		return all.peers - own;
	first = lo < s->n ? s->by_walk[lo].before[to->counted] : s->all[to->counted];
	last = hi < s->n ? s->by_walk[hi].before[to->counted] : s->all[to->counted];
	/* All that the covers have, and of the infra CIDRs those outside of them. */
	return last.peers - first.peers + all.infra - (last.infra - first.infra) - (cover_of(x, c, c) ? own : 0);
}

/* The first CIDR of `to` whose peers are, or are not, reached from the CIDR at `point`, against the wish. */
static uint32_t first_at_fault(const struct reach_index *x, const struct group *to, uint32_t point, bool wanted)
{
	for (uint32_t t = to->in; t <= to->out; t++) {
		bool reached = reach_cidrs(x, x->order[point], x->order[t]).rule != REACH_NONE;

		if (t != point && group_at(x, to, t) && reached != wanted)
			return t;
	}
	return to->in;
}

/* "'alice'", or "a peer that is added to 'ci'" where no peer, or no second one, is there yet. */
static void put_name(struct buf *out, const struct reach_index *x, const struct group *g, const struct ref *r,
		     uint32_t point, bool second)
{
	const struct cidr *c = &x->m->cidrs[x->order[point]];

	if (g->peer != NONE) {
		buf_printf(out, "'%s'", x->m->peers[g->peer].name);
		return;
	}
	if (g->imagined) {
		buf_printf(out, "'%s'", r->text);
		return;
	}
	for (uint32_t i = 0; i < c->n_peers; i++) {
		const struct peer *p = &x->m->peers[x->m->by_cidr[c->first_peer + i]];

		if (!p->disabled && !second) {
			buf_printf(out, "'%s'", p->name);
			return;
		}
		second = second && p->disabled;
	}
	buf_printf(out, "%s peer that is added to '%s'", c->n_peers ? "another" : "a", c->name);
}

static void explain(const struct reach_index *x, struct diags *d, struct diag *g, uint32_t c1, uint32_t c2)
{
	const struct model *m = x->m;
	struct reach r = reach_cidrs(x, c1, c2);

	switch (r.rule) {
	case REACH_INFRA:
		diag_note(d, g, &m->cidrs[r.cidr].at, "'%s' holds a server: every peer reaches its peers",
			  m->cidrs[r.cidr].name);
		break;
	case REACH_SAME_CIDR:
		diag_note(d, g, &m->cidrs[r.cidr].at, "both are in '%s', which is not isolated", m->cidrs[r.cidr].name);
		break;
	case REACH_ASSOCIATION:
		diag_note(d, g, &m->associations[r.association].at, "the association [%s, %s] joins them",
			  m->cidrs[m->associations[r.association].a].name,
			  m->cidrs[m->associations[r.association].b].name);
		break;
	case REACH_NONE:
		if (c1 == c2)
			diag_note(d, g, &m->cidrs[c1].at, "both are in '%s', which is isolated", m->cidrs[c1].name);
		else
			diag_note(d, g, NULL, "no association joins '%s' and '%s'", m->cidrs[c1].name,
				  m->cidrs[c2].name);
		break;
	}
}

struct check {
	const struct ref *from, *to;
	struct group f, t;
	bool wanted;
};

static void report(const struct reach_index *x, const struct check *k, uint32_t from, uint32_t to, struct diags *d)
{
	struct buf one = {0}, other = {0};
	struct diag *g;

	put_name(&one, x, &k->f, k->from, from, false);
	put_name(&other, x, &k->t, k->to, to, from == to && k->t.peer == NONE);
	if (one.failed || other.failed) {
		diags_out_of_memory(d);
	} else {
		g = diag_error(d, "test-failed", &k->to->at,
			       k->wanted ? "expected that '%s' can reach '%s', but %s cannot reach %s"
					 : "expected that '%s' cannot reach '%s', but %s reaches %s",
			       k->from->text, k->to->text, one.p, other.p);
		explain(x, d, g, x->order[from], x->order[to]);
		diag_help(d, g, "`innernet why` says what joins two of them, or would; change that, or the test");
	}
	buf_free(&one);
	buf_free(&other);
}

/* Does this CIDR have a peer of one group and another peer of the other? */
static bool two_here(const struct reach_index *x, const struct check *k, uint32_t point)
{
	uint32_t from = group_at(x, &k->f, point), to = group_at(x, &k->t, point);

	if (from == 0 || to == 0)
		return false;
	if (from > 1 || to > 1)
		return true;
	if (k->f.imagined || k->t.imagined)
		return k->f.imagined != k->t.imagined || addr_cmp(&k->from->addr, &k->to->addr) != 0;
	/* One each: a CIDR's only peer is the one that is named, if one is. */
	return k->f.peer != NONE && k->t.peer != NONE && k->f.peer != k->t.peer;
}

/* Two points of the walk at which a peer of each group goes against the wish. */
static bool find_fault(const struct reach_index *x, const struct check *k, uint32_t *from, uint32_t *to)
{
	for (uint32_t p = k->f.in; p <= k->f.out; p++) {
		uint32_t own = group_at(x, &k->t, p), others, reached;
		bool one = k->t.peer != NONE || k->t.imagined;

		if (group_at(x, &k->f, p) == 0)
			continue;
		*from = *to = p;
		if (two_here(x, k, p) && (reach_cidrs(x, x->order[p], x->order[p]).rule != REACH_NONE) != k->wanted)
			return true;
		others = one ? (own ? 0 : 1) : sum_of(x, k->t.counted, k->t.in, k->t.out).peers - own;
		if (one)
			reached = others && reach_cidrs(x, x->order[p], x->order[k->t.in]).rule != REACH_NONE;
		else
			reached = reached_in(x, &k->t, p);
		if (k->wanted ? reached < others : reached > 0) {
			*to = first_at_fault(x, &k->t, p, k->wanted);
			return true;
		}
	}
	return false;
}

bool reach_example(const struct reach_index *x, const struct ref *from, const struct ref *to, bool reached,
		   uint32_t *c1, uint32_t *c2)
{
	struct check k = {.from = from, .to = to, .wanted = !reached};
	uint32_t p, q;

	if (!group_of(x, from, ENABLED, &k.f) || !group_of(x, to, ENABLED, &k.t) || k.f.empty || k.t.empty ||
	    !find_fault(x, &k, &p, &q))
		return false;
	*c1 = x->order[p];
	*c2 = x->order[q];
	return true;
}

static void run_check(const struct reach_index *x, const struct check *k, struct diags *d)
{
	const struct model *m = x->m;
	const struct ref *off = k->f.empty ? k->from : k->t.empty ? k->to : NULL;
	uint32_t from, to;

	if (!off) {
		if (find_fault(x, k, &from, &to))
			report(x, k, from, to, d);
	} else if (k->wanted) {
		diag_note(d,
			  diag_error(d, "test-failed", &k->to->at, "expected that '%s' can reach '%s'", k->from->text,
				     k->to->text),
			  &m->peers[off->index].at, "'%s' is disabled, and reaches no peer", off->text);
	}
}

static void run_pair(const struct reach_index *x, const struct ref *from, const struct ref *to, bool wanted,
		     struct diags *d)
{
	struct check k = {.from = from, .to = to, .wanted = wanted};
	const struct ref *outside = !group_of(x, from, POSSIBLE, &k.f) ? from
				    : !group_of(x, to, POSSIBLE, &k.t) ? to
								       : NULL;

	if (!outside)
		run_check(x, &k, d);
	else
		diag_error(d, "test-failed", &outside->at, "'%s' is not an address of this network", outside->text);
}

void reach_run_tests(const struct reach_index *x, struct diags *d)
{
	for (uint32_t i = 0; i < x->m->n_tests; i++) {
		const struct reach_test *t = &x->m->tests[i];

		for (uint32_t f = 0; f < t->n_from; f++) {
			for (uint32_t k = 0; k < t->n_can; k++)
				run_pair(x, &t->from[f], &t->can[k], true, d);
			for (uint32_t k = 0; k < t->n_cannot; k++)
				run_pair(x, &t->from[f], &t->cannot[k], false, d);
		}
	}
}
