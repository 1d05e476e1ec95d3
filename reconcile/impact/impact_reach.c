/*
 * How many pairs of peers gain and lose each other, and which peers these are.
 *
 * Peers that share their CIDR before and their CIDR after are one class. Classes are numbered along a walk of the
 * tree of CIDRs after, so that all that an association's end covers there is one interval of numbers; along a walk
 * of the tree before it is one interval too, but of that order, and so a few runs of numbers wherever the two trees
 * are much alike. What a class reaches before and after are then two short sorted lists of runs, shared by all
 * CIDRs that the same associations cover, and their difference is a merge. The CIDR of the class itself follows
 * another rule (isolated or not), so its few classes are put right one by one.
 */
#include "reconcile/impact/impact.h"

#include <stdlib.h>
#include <string.h>

/* Classes lo .. hi - 1. */
struct run {
	uint32_t lo, hi;
};
struct runs {
	struct run *r;
	uint32_t n, cap;
};

/* One of the two models, as classes see it. */
struct side {
	const struct model *m;
	const struct reach_index *x;
	uint32_t *in, *out; /* by CIDR: the walk */
	uint32_t *cover;    /* by CIDR: the first CIDR that has the same associations over it */
	uint32_t *order;    /* classes that are there, along this side's walk */
	uint32_t *start;    /* n_cidrs + 1: where those of the CIDR at this point of the walk begin in `order` */
	uint32_t *next;     /* by position in `order`: where its run of consecutive classes ends */
	uint32_t n;         /* of `order` */
};

/* Classes that the same associations cover on both sides. */
struct group {
	struct runs set[2];       /* what they reach before and after, but for their own CIDR */
	struct runs gained, lost; /* the differences of these */
};

struct counter {
	struct arena *arena;
	struct impact *im;
	struct side side[2];
	uint64_t *weight; /* n_classes + 1: peers in the classes before this one */
	uint64_t *stay;   /* the same of peers that are enabled on both sides */
	uint32_t *group;  /* by class */
	struct group *groups;
	uint32_t n_groups;
};

#define BEFORE 0
#define AFTER  1

static uint32_t class_cidr(const struct impact_class *k, int side)
{
	return side == AFTER ? k->after : k->before;
}

static int walk_side(struct arena *a, struct side *s)
{
	uint32_t n = s->m ? s->m->n_cidrs : 0, at = 0, c = 0;
	const struct cidr *cidrs = s->m ? s->m->cidrs : NULL;

	s->in = arena_array(a, n, sizeof(*s->in));
	s->out = arena_array(a, n, sizeof(*s->out));
	s->cover = arena_array(a, n, sizeof(*s->cover));
	if (!s->in || !s->out || !s->cover)
		return -1;
	while (at < n) {
		uint32_t mine, its, parent = cidrs[c].parent;
		s->in[c] = at++;
		s->cover[c] = c;
		if (parent != NONE && reach_subtrees(s->x, c, &mine) == reach_subtrees(s->x, parent, &its) &&
		    mine == its)
			s->cover[c] = s->cover[parent];
		if (cidrs[c].first_child != NONE) {
			c = cidrs[c].first_child;
			continue;
		}
		s->out[c] = at - 1;
		while (cidrs[c].next_sibling == NONE && cidrs[c].parent != NONE) {
			c = cidrs[c].parent;
			s->out[c] = at - 1;
		}
		if (cidrs[c].parent == NONE)
			break;
		c = cidrs[c].next_sibling;
	}
	return 0;
}

/* A peer's row while rows are being sorted into classes. */
struct row {
	uint32_t at[2];   /* points of the walks; one past the last: not there */
	uint32_t cidr[2]; /* the CIDRs at them; NONE */
	struct impact_peer peer;
};

static void row_place(const struct counter *w, struct row *r, int side, uint32_t peer)
{
	const struct side *s = &w->side[side];

	r->cidr[side] = NONE;
	r->at[side] = s->m ? s->m->n_cidrs : 0;
	if (peer == NONE || s->m->peers[peer].disabled)
		return;
	r->cidr[side] = s->m->peers[peer].cidr;
	r->at[side] = s->in[r->cidr[side]];
}

/* Sorts by the points of one side, by counting, and keeps the order otherwise. `start` has a zero for each point. */
static void rows_sort(const struct row *from, struct row *to, uint32_t n, int side, uint32_t *start, uint32_t n_points)
{
	for (uint32_t i = 0; i < n; i++)
		start[from[i].at[side] + 1]++;
	for (uint32_t p = 1; p <= n_points; p++)
		start[p] += start[p - 1];
	for (uint32_t i = 0; i < n; i++)
		to[start[from[i].at[side]]++] = from[i];
}

/* All peers, in the order of their points after, and then of those before. NULL: out of memory. */
static struct row *rows_new(struct counter *w)
{
	struct impact *im = w->im;
	uint32_t n[2] = {im->before ? im->before->n_cidrs : 0, im->after ? im->after->n_cidrs : 0};
	struct row *rows = calloc((size_t)im->n_peers + 1, sizeof(*rows));
	struct row *half = calloc((size_t)im->n_peers + 1, sizeof(*half));
	uint32_t *start[2] = {calloc((size_t)n[0] + 2, sizeof(**start)), calloc((size_t)n[1] + 2, sizeof(**start))};
	bool ok = rows && half && start[0] && start[1];

	for (uint32_t i = 0; ok && i < im->n_peers; i++) {
		rows[i].peer = im->peers[i];
		row_place(w, &rows[i], BEFORE, im->peers[i].before);
		row_place(w, &rows[i], AFTER, im->peers[i].after);
		im->peers_before += rows[i].cidr[BEFORE] != NONE;
		im->peers_after += rows[i].cidr[AFTER] != NONE;
	}
	if (ok) {
		rows_sort(rows, half, im->n_peers, BEFORE, start[BEFORE], n[BEFORE] + 1);
		rows_sort(half, rows, im->n_peers, AFTER, start[AFTER], n[AFTER] + 1);
	}
	free(start[0]);
	free(start[1]);
	free(half);
	if (ok)
		return rows;
	free(rows);
	return NULL;
}

static bool stays(const struct impact_class *k)
{
	return k->before != NONE && k->after != NONE;
}

static int make_classes(struct counter *w)
{
	struct impact *im = w->im;
	struct row *rows = rows_new(w);

	im->classes = arena_array(w->arena, im->n_peers, sizeof(*im->classes));
	w->weight = arena_array(w->arena, (size_t)im->n_peers + 1, sizeof(*w->weight));
	w->stay = arena_array(w->arena, (size_t)im->n_peers + 1, sizeof(*w->stay));
	if (!rows || !im->classes || !w->weight || !w->stay) {
		free(rows);
		return -1;
	}
	for (uint32_t i = 0; i < im->n_peers; i++) {
		struct impact_class *k = im->n_classes ? &im->classes[im->n_classes - 1] : NULL;
		im->peers[i] = rows[i].peer;
		if (rows[i].cidr[BEFORE] == NONE && rows[i].cidr[AFTER] == NONE)
			continue;
		if (!k || k->before != rows[i].cidr[BEFORE] || k->after != rows[i].cidr[AFTER]) {
			k = &im->classes[im->n_classes++];
			*k = (struct impact_class){
			    .before = rows[i].cidr[BEFORE], .after = rows[i].cidr[AFTER], .first = i};
			k->same = k->before != NONE && k->after != NONE && im->cidr_after[k->before] == k->after;
		}
		k->n_peers++;
	}
	for (uint32_t i = 0; i < im->n_classes; i++) {
		w->weight[i + 1] = w->weight[i] + im->classes[i].n_peers;
		w->stay[i + 1] = w->stay[i] + (stays(&im->classes[i]) ? im->classes[i].n_peers : 0);
	}
	free(rows);
	return 0;
}

/* Classes of each CIDR of a side, by counting. */
static int order_side(struct counter *w, int which)
{
	struct impact *im = w->im;
	struct side *s = &w->side[which];
	uint32_t n = s->m ? s->m->n_cidrs : 0;
	uint32_t *at = arena_array(w->arena, (size_t)n + 2, sizeof(*at));

	s->order = arena_array(w->arena, im->n_classes, sizeof(*s->order));
	s->next = arena_array(w->arena, im->n_classes, sizeof(*s->next));
	if (!at || !s->order || !s->next)
		return -1;
	/* Counted one place to the right, so that filling leaves each where its CIDR begins. */
	for (uint32_t i = 0; i < im->n_classes; i++)
		if (class_cidr(&im->classes[i], which) != NONE)
			at[s->in[class_cidr(&im->classes[i], which)] + 2]++;
	for (uint32_t p = 2; p <= n + 1; p++)
		at[p] += at[p - 1];
	s->n = at[n + 1];
	for (uint32_t i = 0; i < im->n_classes; i++)
		if (class_cidr(&im->classes[i], which) != NONE)
			s->order[at[s->in[class_cidr(&im->classes[i], which)] + 1]++] = i;
	s->start = at;
	for (uint32_t i = s->n; i-- > 0;)
		s->next[i] = i + 1 < s->n && s->order[i + 1] == s->order[i] + 1 ? s->next[i + 1] : i + 1;
	return 0;
}

static int runs_add(struct counter *w, struct runs *s, uint32_t lo, uint32_t hi)
{
	if (lo == hi)
		return 0;
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? 2 * s->cap : 8;
		struct run *more = arena_array(w->arena, cap, sizeof(*more));
		if (!more)
			return -1;
		if (s->n)
			memcpy(more, s->r, s->n * sizeof(*more));
		s->r = more;
		s->cap = cap;
	}
	s->r[s->n++] = (struct run){lo, hi};
	return 0;
}

/* All classes of the CIDRs from one point of a side's walk to another. */
static int runs_add_cidrs(struct counter *w, const struct side *s, struct runs *out, uint32_t in, uint32_t last)
{
	uint32_t end = s->start[last + 1];

	for (uint32_t i = s->start[in]; i < end; i = s->next[i] < end ? s->next[i] : end) {
		uint32_t stop = s->next[i] < end ? s->next[i] : end;
		if (runs_add(w, out, s->order[i], s->order[i] + (stop - i)) < 0)
			return -1;
	}
	return 0;
}

static int run_cmp(const void *p, const void *q)
{
	const struct run *x = p, *y = q;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

static void runs_join(struct runs *s)
{
	uint32_t n = 0;

	if (s->n)
		qsort(s->r, s->n, sizeof(*s->r), run_cmp);
	for (uint32_t i = 0; i < s->n; i++) {
		if (n && s->r[i].lo <= s->r[n - 1].hi) {
			if (s->r[i].hi > s->r[n - 1].hi)
				s->r[n - 1].hi = s->r[i].hi;
		} else {
			s->r[n++] = s->r[i];
		}
	}
	s->n = n;
}

/* What the peers of a CIDR reach, but for their own CIDR. */
static int reached(struct counter *w, int which, uint32_t cidr, struct runs *out)
{
	const struct side *s = &w->side[which];
	const uint32_t *ends, *infra;
	uint32_t n_ends, n_infra;

	*out = (struct runs){0};
	if (cidr == NONE)
		return 0;
	if (s->m->cidrs[cidr].infra) {
		if (runs_add_cidrs(w, s, out, 0, s->m->n_cidrs - 1) < 0)
			return -1;
	} else {
		ends = reach_subtrees(s->x, cidr, &n_ends);
		infra = reach_infra(s->x, &n_infra);
		for (uint32_t i = 0; i < n_ends; i++)
			if (runs_add_cidrs(w, s, out, s->in[ends[i]], s->out[ends[i]]) < 0)
				return -1;
		for (uint32_t i = 0; i < n_infra; i++)
			if (runs_add_cidrs(w, s, out, s->in[infra[i]], s->in[infra[i]]) < 0)
				return -1;
	}
	runs_join(out);
	return 0;
}

/* x without y. */
static int runs_without(struct counter *w, const struct runs *x, const struct runs *y, struct runs *out)
{
	uint32_t k = 0;

	*out = (struct runs){0};
	for (uint32_t i = 0; i < x->n; i++) {
		uint32_t lo = x->r[i].lo;
		while (k < y->n && y->r[k].hi <= lo)
			k++;
		for (uint32_t j = k; j < y->n && y->r[j].lo < x->r[i].hi; j++) {
			if (y->r[j].lo > lo && runs_add(w, out, lo, y->r[j].lo) < 0)
				return -1;
			lo = y->r[j].hi;
		}
		if (lo < x->r[i].hi && runs_add(w, out, lo, x->r[i].hi) < 0)
			return -1;
	}
	return 0;
}

static bool runs_have(const struct runs *s, uint32_t class)
{
	uint32_t lo = 0, hi = s->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (s->r[mid].hi <= class)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->r[lo].lo <= class;
}

static uint64_t runs_weight(const uint64_t *weight, const struct runs *s)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < s->n; i++)
		sum += weight[s->r[i].hi] - weight[s->r[i].lo];
	return sum;
}

/* What decides a class's group: the CIDRs that stand for what covers it. */
struct grouping {
	uint32_t cover[2];
	uint32_t class;
};

static int grouping_cmp(const void *p, const void *q)
{
	const struct grouping *x = p, *y = q;

	for (int s = 0; s < 2; s++)
		if (x->cover[s] != y->cover[s])
			return x->cover[s] < y->cover[s] ? -1 : 1;
	return (x->class > y->class) - (x->class < y->class);
}

/* All infra CIDRs reach the same; the root's cover can be one's own, so they have a number of their own. */
static uint32_t cover_of_class(const struct counter *w, const struct impact_class *k, int which)
{
	const struct side *s = &w->side[which];
	uint32_t c = class_cidr(k, which);

	if (c == NONE)
		return NONE;
	return s->m->cidrs[c].infra ? NONE - 1 : s->cover[c];
}

static int make_groups(struct counter *w)
{
	struct impact *im = w->im;
	struct grouping *g = calloc((size_t)im->n_classes + 1, sizeof(*g));
	struct group *now = NULL;
	int ret = -1;

	w->group = arena_array(w->arena, im->n_classes, sizeof(*w->group));
	w->groups = arena_array(w->arena, im->n_classes, sizeof(*w->groups));
	if (!g || !w->group || !w->groups)
		goto out;
	for (uint32_t i = 0; i < im->n_classes; i++)
		g[i] = (struct grouping){
		    {cover_of_class(w, &im->classes[i], BEFORE), cover_of_class(w, &im->classes[i], AFTER)}, i};
	qsort(g, im->n_classes, sizeof(*g), grouping_cmp);
	for (uint32_t i = 0; i < im->n_classes; i++) {
		const struct impact_class *k = &im->classes[g[i].class];
		if (!now || g[i].cover[BEFORE] != g[i - 1].cover[BEFORE] ||
		    g[i].cover[AFTER] != g[i - 1].cover[AFTER]) {
			struct group *last = now;
			now = &w->groups[w->n_groups++];
			if (last && g[i].cover[BEFORE] == g[i - 1].cover[BEFORE])
				now->set[BEFORE] = last->set[BEFORE];
			else if (reached(w, BEFORE, k->before, &now->set[BEFORE]) < 0)
				goto out;
			if (reached(w, AFTER, k->after, &now->set[AFTER]) < 0 ||
			    runs_without(w, &now->set[AFTER], &now->set[BEFORE], &now->gained) < 0 ||
			    runs_without(w, &now->set[BEFORE], &now->set[AFTER], &now->lost) < 0)
				goto out;
		}
		w->group[g[i].class] = w->n_groups - 1;
	}
	ret = 0;
out:
	free(g);
	return ret;
}

/* The rule itself, between two classes. */
static bool reaches(const struct counter *w, int which, const struct impact_class *k, const struct impact_class *l)
{
	uint32_t c = class_cidr(k, which), d = class_cidr(l, which);

	return c != NONE && d != NONE && reach_cidrs(w->side[which].x, c, d).rule != REACH_NONE;
}

/* The classes that share a CIDR with class `i`, each once: those after, then those before that are not among them. */
struct own {
	uint32_t at, end;
	int which;
};

static bool own_next(const struct counter *w, uint32_t i, struct own *o, uint32_t *out)
{
	const struct impact_class *k = &w->im->classes[i];

	for (;;) {
		while (o->at == o->end) {
			uint32_t c;
			if (o->which == 2)
				return false;
			int which = o->which == 0 ? AFTER : BEFORE;
			o->which++;
			c = class_cidr(k, which);
			if (c == NONE)
				continue;
			o->at = w->side[which].start[w->side[which].in[c]];
			o->end = w->side[which].start[w->side[which].in[c] + 1];
		}
		*out = w->side[o->which == 1 ? AFTER : BEFORE].order[o->at++];
		if (o->which == 1 || k->after == NONE || w->im->classes[*out].after != k->after)
			return true;
	}
}

/* Peers that each peer of a class reaches; what it gains and loses. */
static void count_class(struct counter *w, uint32_t i)
{
	struct impact_class *k = &w->im->classes[i];
	const struct group *g = &w->groups[w->group[i]];
	uint64_t *total[2] = {&k->reached_before, &k->reached_after};
	struct own o = {0};
	uint32_t l;

	for (int s = 0; s < 2; s++)
		*total[s] = runs_weight(w->weight, &g->set[s]);
	k->gained = runs_weight(w->weight, &g->gained);
	k->lost = runs_weight(w->weight, &g->lost);
	k->stay_gained = runs_weight(w->stay, &g->gained);
	k->stay_lost = runs_weight(w->stay, &g->lost);
	while (own_next(w, i, &o, &l)) {
		const struct impact_class *other = &w->im->classes[l];
		uint32_t n = other->n_peers, n_true = n - (l == i);
		uint64_t gained, lost;
		bool set[2], is[2];
		for (int s = 0; s < 2; s++) {
			set[s] = runs_have(&g->set[s], l);
			is[s] = reaches(w, s, k, other);
			*total[s] += (is[s] ? n_true : 0) - (uint64_t)(set[s] ? n : 0);
		}
		gained = (is[AFTER] && !is[BEFORE] ? n_true : 0) - (uint64_t)(set[AFTER] && !set[BEFORE] ? n : 0);
		lost = (is[BEFORE] && !is[AFTER] ? n_true : 0) - (uint64_t)(set[BEFORE] && !set[AFTER] ? n : 0);
		k->gained += gained;
		k->lost += lost;
		k->stay_gained += stays(other) ? gained : 0;
		k->stay_lost += stays(other) ? lost : 0;
	}
}

static void count_pairs(struct counter *w)
{
	struct impact *im = w->im;

	for (uint32_t i = 0; i < im->n_classes; i++) {
		const struct impact_class *k = &im->classes[i];
		count_class(w, i);
		im->pairs_before += k->reached_before * k->n_peers;
		im->pairs_after += k->reached_after * k->n_peers;
		im->pairs_gained += k->gained * k->n_peers;
		im->pairs_lost += k->lost * k->n_peers;
	}
	/* Each was counted from both of its ends. */
	im->pairs_before /= 2;
	im->pairs_after /= 2;
	im->pairs_gained /= 2;
	im->pairs_lost /= 2;
}

/* Adds peers of a class to what its subject gains or loses, by CIDR. */
static void add_target(struct counter *w, struct impact_effect *e, uint32_t l, bool gained)
{
	const struct impact_class *other = &w->im->classes[l];
	uint32_t n = other->n_peers - (l == e->class), cidr = gained ? other->after : other->before;
	struct impact_target *t = gained ? e->gained : e->lost;
	uint32_t *count = gained ? &e->n_gained : &e->n_lost, i;

	if (!n)
		return;
	for (i = *count; i > 0 && t[i - 1].cidr != cidr; i--)
		;
	if (i == 0 && *count == IMPACT_TARGETS_MAX) {
		*(gained ? &e->gained_left : &e->lost_left) += n;
		return;
	}
	if (i == 0) {
		t[*count] = (struct impact_target){.cidr = cidr, .peer = NONE};
		i = ++*count;
	}
	t[i - 1].n_peers += n;
	t[i - 1].peer = t[i - 1].n_peers == 1 && other->n_peers == 1 ? other->first : NONE;
	*(gained ? &e->gained_shown : &e->lost_shown) += n;
}

/*
 * Of two classes whose peers all stay where they are, only one tells about the other; what came, went or moved tells
 * about every class.
 */
static bool tells(const struct counter *w, uint32_t i, uint32_t l)
{
	const struct impact_class *k = w->im->classes;

	return !k[i].same || (k[l].same && i <= l);
}

static int list_targets(struct counter *w, struct impact_effect *e, bool gained)
{
	const struct group *g = &w->groups[w->group[e->class]];
	const struct runs *s = gained ? &g->gained : &g->lost;
	const struct impact_class *k = &w->im->classes[e->class];
	struct impact_target **t = gained ? &e->gained : &e->lost;
	struct own o = {0};
	uint32_t l;

	if (!(*t = arena_array(w->arena, IMPACT_TARGETS_MAX, sizeof(**t))))
		return -1;
	/* Its own CIDRs first. */
	while (own_next(w, e->class, &o, &l)) {
		const struct impact_class *other = &w->im->classes[l];
		bool before = reaches(w, BEFORE, k, other), after = reaches(w, AFTER, k, other);
		if ((gained ? after && !before : before && !after) && tells(w, e->class, l))
			add_target(w, e, l, gained);
	}
	for (uint32_t r = 0; r < s->n; r++) {
		for (l = s->r[r].lo; l < s->r[r].hi; l++) {
			const struct impact_class *other = &w->im->classes[l];
			bool own = (k->after != NONE && other->after == k->after) ||
				   (k->before != NONE && other->before == k->before);
			if (!own && tells(w, e->class, l))
				add_target(w, e, l, gained);
		}
	}
	return 0;
}

/* Subjects: those that came, went or moved, and then those that stayed. */
static int list_effects(struct counter *w)
{
	struct impact *im = w->im;

	im->effects = arena_array(w->arena, IMPACT_EFFECTS_MAX, sizeof(*im->effects));
	if (!im->effects)
		return -1;
	for (int stayed = 0; stayed < 2; stayed++) {
		for (uint32_t i = 0; i < im->n_classes; i++) {
			const struct impact_class *k = &im->classes[i];
			if (k->same != stayed || (!k->gained && !k->lost))
				continue;
			if (im->n_effects == IMPACT_EFFECTS_MAX) {
				im->effects_left++;
				continue;
			}
			struct impact_effect *e = &im->effects[im->n_effects];
			*e = (struct impact_effect){.class = i};
			if ((k->gained && list_targets(w, e, true) < 0) || (k->lost && list_targets(w, e, false) < 0))
				return -1;
			/* The effects of other classes say all that this one would say. */
			im->n_effects += e->n_gained || e->n_lost;
		}
	}
	return 0;
}

int impact_count(struct arena *a, struct impact *im)
{
	struct counter w = {.arena = a, .im = im};

	w.side[BEFORE] = (struct side){.m = im->before, .x = im->reach_before};
	w.side[AFTER] = (struct side){.m = im->after, .x = im->reach_after};
	if (walk_side(a, &w.side[BEFORE]) < 0 || walk_side(a, &w.side[AFTER]) < 0 || make_classes(&w) < 0 ||
	    order_side(&w, BEFORE) < 0 || order_side(&w, AFTER) < 0 || make_groups(&w) < 0)
		return -1;
	count_pairs(&w);
	return list_effects(&w);
}
