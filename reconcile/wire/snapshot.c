/*
 * Compiling: from a model to the objects of every view and the statement over them. Each step is linear in
 * what it writes, but for the sorting. An object that no view sends is hashed, and not kept.
 */
#include "reconcile/wire/snapshot.h"
#include "reconcile/wire/object.h"
#include "reconcile/wire/snapshot_places.h"
#include "reconcile/wire/verify.h"

#include <stdlib.h>
#include <string.h>

const struct commit_info commit_outside_git = {
    .sha = "0000000000000000000000000000000000000000",
    .number = 1,
    .time = 0,
};

struct placed {
	struct object object;
	struct object_place place;
};

struct compile {
	struct arena *a;
	const struct model *m;
	const struct reach_index *x;
	struct diags *d;
	struct snapshot *s;
	struct buf text;       /* the object being written */
	struct buf placed;     /* array of struct placed */
	uint32_t *enabled;     /* m->by_cidr without the disabled ones: first_peer stands */
	uint32_t *scratch;     /* children that hold peers, of the CIDR being written */
	uint32_t *viewers;     /* by CIDR: how many views send its subtree */
	const char *too_large; /* what passed its limit */
};

/* Hashes what stands in c->text and, when some view sends it, keeps it. */
static int add_object(struct compile *c, uint32_t cidr, uint8_t roles, struct hash *name)
{
	struct placed p = {.place = {.cidr = cidr, .roles = roles}};

	if (c->text.failed)
		return -1;
	if (c->text.n > OBJECT_MAX) {
		c->too_large = c->m->cidrs[cidr].name;
		return -1;
	}
	hash_bytes(c->text.p, c->text.n, name);
	if (!roles)
		return 0;
	p.object.name = *name;
	p.object.bytes = arena_span(c->a, buf_span(&c->text));
	if (!p.object.bytes.p)
		return -1;
	buf_add(&c->placed, &p, sizeof(p));
	return c->placed.failed ? -1 : 0;
}

/* A list of peers or of children: which, of which CIDR, and how it is kept. */
struct list {
	const uint32_t *members; /* peers or CIDRs, by key */
	bool of_peers;
	uint32_t cidr;
	uint8_t roles; /* 0: hashed alone */
};

static const struct addr *member_key(const struct compile *c, const struct list *l, uint32_t i)
{
	return l->of_peers ? peer_order(&c->m->peers[l->members[i]]) : cidr_order(&c->m->cidrs[l->members[i]]);
}

static uint32_t higher(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static int write_short_list(struct compile *c, const struct list *l, uint32_t lo, uint32_t hi, struct hash *name)
{
	uint32_t format = 1;

	buf_reset(&c->text);
	for (uint32_t i = lo; l->of_peers && i < hi; i++)
		format = higher(format, peer_format(&c->m->peers[l->members[i]]));
	if (l->of_peers)
		leaf_write_header(&c->text, format);
	else
		children_write_header(&c->text);
	for (uint32_t i = lo; i < hi; i++) {
		if (l->of_peers) {
			leaf_write_peer(&c->text, &c->m->peers[l->members[i]]);
		} else {
			const struct snapshot_lists *child = &c->s->lists[l->members[i]];

			children_write_child(&c->text, &(struct object_child){.name = c->m->cidrs[l->members[i]].name,
									      .ref = {child->n_all, child->subtree}});
		}
	}
	return add_object(c, l->cidr, l->roles, name);
}

/* The length, in bits, through the first nibble in which two keys differ; 0 when they are the same. */
static unsigned first_split(const struct addr *a, const struct addr *b)
{
	for (unsigned len = 4; len <= 128; len += 4)
		if (addr_nibble(a, len) != addr_nibble(b, len))
			return len;
	return 0;
}

/* Splits where the members' keys first differ: a function of the set alone. At most 32 levels, one a nibble. */
static int write_list(struct compile *c, const struct list *l, uint32_t lo, uint32_t hi, struct hash *name)
{
	struct object_node node = {.n = 0};
	unsigned len;

	if (hi - lo <= LIST_MAX)
		return write_short_list(c, l, lo, hi, name);
	len = first_split(member_key(c, l, lo), member_key(c, l, hi - 1));
	if (len == 0) {
		c->too_large = c->m->cidrs[l->cidr].name;
		return -1;
	}
	while (lo < hi) {
		struct object_part *part = &node.parts[node.n++];
		unsigned nibble = addr_nibble(member_key(c, l, lo), len);
		uint32_t end = lo + 1;

		while (end < hi && addr_nibble(member_key(c, l, end), len) == nibble)
			end++;
		part->prefix = (struct prefix){*member_key(c, l, lo), (uint8_t)len};
		prefix_clear_host_bits(&part->prefix);
		part->ref.count = end - lo;
		if (write_list(c, l, lo, end, &part->ref.name) < 0)
			return -1;
		lo = end;
	}
	buf_reset(&c->text);
	node_write(&c->text, &node);
	return add_object(c, l->cidr, l->roles, name);
}

uint32_t model_format(const struct model *m)
{
	uint32_t format = m->confirm != CONFIRM_DEFAULT ? 2 : 1;

	for (uint32_t i = 0; i < m->n_peers; i++)
		if (!m->peers[i].disabled)
			format = higher(format, peer_format(&m->peers[i]));
	return format;
}

/* Counts the enabled peers, their own and all, and how many views send each CIDR's subtree. */
static int count(struct compile *c)
{
	const struct model *m = c->m;
	struct snapshot_lists *lists = c->s->lists;

	for (uint32_t i = 0; i < m->n_cidrs; i++)
		for (uint32_t k = 0; k < m->cidrs[i].n_peers; k++) {
			uint32_t p = m->by_cidr[m->cidrs[i].first_peer + k];

			if (m->peers[p].disabled)
				continue;
			c->enabled[m->cidrs[i].first_peer + lists[i].n_own++] = p;
			lists[i].own_format = higher(lists[i].own_format, peer_format(&m->peers[p]));
		}
	/* A parent comes before its children in the order of CIDRs, so one way down and one way up will do. */
	for (uint32_t i = m->n_cidrs; i-- > 0;) {
		lists[i].n_all += lists[i].n_own;
		lists[i].n_new += lists[i].own_format > 1;
		if (m->cidrs[i].parent != NONE) {
			lists[m->cidrs[i].parent].n_all += lists[i].n_all;
			lists[m->cidrs[i].parent].n_new += lists[i].n_new;
		}
	}
	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		uint32_t n_views = m->cidrs[i].isolated ? lists[i].n_own : lists[i].n_own > 0, n;
		const uint32_t *ends = reach_subtrees(c->x, i, &n);

		c->s->n_views += n_views;
		if (m->cidrs[i].infra)
			c->viewers[0] += n_views;
		else if (n_views)
			for (uint32_t k = 0; k < n; k++)
				c->viewers[ends[k]] += n_views;
	}
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		if (m->cidrs[i].parent != NONE)
			c->viewers[i] += c->viewers[m->cidrs[i].parent];
	return 0;
}

/* Does any view send the full list of a CIDR's own peers? */
static bool own_is_sent(const struct compile *c, uint32_t cidr)
{
	uint32_t withheld;

	if (!c->m->cidrs[cidr].isolated)
		return true;
	/* The views of its own peers reach its subtree object, when they do, without that list. */
	withheld = reach_covers(c->x, cidr, cidr) ? c->s->lists[cidr].n_own : 0;
	return c->viewers[cidr] > withheld;
}

static int write_subtree(struct compile *c, uint32_t i)
{
	const struct cidr *cidr = &c->m->cidrs[i];
	struct snapshot_lists *l = &c->s->lists[i];
	struct object_subtree tree = {.cidr = *cidr};
	struct list own = {c->enabled + cidr->first_peer, true, i, own_is_sent(c, i) ? PLACE_OWN : 0};
	struct list children = {c->scratch, false, i, PLACE_TREE};
	uint32_t n = 0;

	if (l->n_own && write_list(c, &own, 0, l->n_own, &l->own) < 0)
		return -1;
	if (!c->viewers[i] || l->n_all == 0)
		return 0;
	for (uint32_t k = cidr->first_child; k != NONE; k = c->m->cidrs[k].next_sibling)
		if (c->s->lists[k].n_all)
			c->scratch[n++] = k;
	if (n && write_list(c, &children, 0, n, &tree.children.name) < 0)
		return -1;
	tree.own = (struct object_ref){l->n_own, l->own};
	tree.children.count = l->n_all - l->n_own;
	buf_reset(&c->text);
	subtree_write(&c->text, &tree);
	return add_object(c, i, PLACE_TREE, &l->subtree);
}

/* What all views of one CIDR have in common: ancestors, segments, subtrees. */
static int fill_view(struct compile *c, uint32_t i, struct object_view *v)
{
	const struct model *m = c->m;
	const struct snapshot_lists *lists = c->s->lists;
	uint32_t n_ends = 1, n_infra, root = 0, k = m->cidrs[i].depth;
	const uint32_t *ends = m->cidrs[i].infra ? &root : reach_subtrees(c->x, i, &n_ends);
	const uint32_t *infra = reach_infra(c->x, &n_infra);

	*v = (struct object_view){
	    .mtu = m->mtu, .keepalive = m->keepalive, .confirm = m->confirm, .cidr = m->cidrs[i], .n_ancestors = k};
	v->ancestors = arena_array(c->a, k, sizeof(*v->ancestors));
	v->segments = arena_array(c->a, n_infra, sizeof(*v->segments));
	v->subtrees = arena_array(c->a, n_ends, sizeof(*v->subtrees));
	if ((k && !v->ancestors) || (n_infra && !v->segments) || (n_ends && !v->subtrees))
		return -1;
	for (uint32_t up = m->cidrs[i].parent; up != NONE; up = m->cidrs[up].parent)
		v->ancestors[--k] = m->cidrs[up];
	for (k = 0; k < n_ends; k++)
		if (lists[ends[k]].n_all)
			v->subtrees[v->n_subtrees++] = (struct object_child){
			    m->cidrs[ends[k]].name, {lists[ends[k]].n_all, lists[ends[k]].subtree}};
	for (k = 0; k < n_infra && !m->cidrs[i].infra; k++)
		if (lists[infra[k]].n_own && !reach_covers(c->x, i, infra[k]))
			v->segments[v->n_segments++] =
			    (struct object_segment){m->cidrs[infra[k]], {lists[infra[k]].n_own, lists[infra[k]].own}};
	if (v->n_ancestors > ANCESTORS_MAX || v->n_segments > SEGMENTS_MAX || v->n_subtrees > SUBTREES_MAX) {
		c->too_large = m->cidrs[i].name;
		return -1;
	}
	return 0;
}

/*
 * What a peer has to read to take the view of a CIDR, or of `only`: the view itself, its own list, its segments and
 * what is under its subtrees, but for the list that is withheld.
 */
static uint32_t format_of_view(const struct compile *c, uint32_t i, uint32_t only, const struct object_view *v)
{
	const struct model *m = c->m;
	const struct snapshot_lists *lists = c->s->lists;
	uint32_t format = only == NONE ? lists[i].own_format : peer_format(&m->peers[only]), n_ends = 1, n, root = 0;
	const uint32_t *ends = m->cidrs[i].infra ? &root : reach_subtrees(c->x, i, &n_ends);
	const uint32_t *infra = reach_infra(c->x, &n);

	format = higher(format, view_format(v));
	for (uint32_t k = 0; k < n && !m->cidrs[i].infra; k++)
		if (lists[infra[k]].n_own)
			format = higher(format, lists[infra[k]].own_format);
	for (uint32_t k = 0; k < n_ends; k++) {
		bool withheld = only != NONE && lists[i].own_format > 1 && model_cidr_under(m, i, ends[k]);

		if (lists[ends[k]].n_new > withheld)
			format = higher(format, 2);
	}
	return format;
}

static int write_view(struct compile *c, uint32_t i, uint32_t only, const struct object_view *v)
{
	struct snapshot_view *view = &c->s->views[c->s->n_views++];

	view->format = format_of_view(c, i, only, v);
	buf_reset(&c->text);
	view_write(&c->text, v);
	view->cidr = i;
	view->only = only;
	view->own = v->own.name;
	return add_object(c, i, PLACE_VIEW, &view->name);
}

struct named {
	const char *name;
	uint32_t peer;
};

static int named_cmp(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* In an isolated CIDR each peer has a view of its own. */
static int write_only_views(struct compile *c, uint32_t i, struct object_view *v)
{
	const uint32_t *own = c->enabled + c->m->cidrs[i].first_peer;
	uint32_t n = c->s->lists[i].n_own;
	struct named *by_name = arena_array(c->a, n, sizeof(*by_name));

	if (!by_name)
		return -1;
	for (uint32_t k = 0; k < n; k++)
		by_name[k] = (struct named){c->m->peers[own[k]].name, own[k]};
	qsort(by_name, n, sizeof(*by_name), named_cmp);
	for (uint32_t k = 0; k < n; k++) {
		struct list alone = {&by_name[k].peer, true, i, PLACE_ONLY};

		v->only = by_name[k].name;
		v->own.count = 1;
		c->s->view_of_peer[by_name[k].peer] = c->s->n_views;
		if (write_list(c, &alone, 0, 1, &v->own.name) < 0 || write_view(c, i, by_name[k].peer, v) < 0)
			return -1;
	}
	return 0;
}

static int write_views(struct compile *c)
{
	c->s->n_views = 0;
	for (uint32_t i = 0; i < c->m->n_cidrs; i++) {
		const struct snapshot_lists *l = &c->s->lists[i];
		struct object_view v;

		if (l->n_own == 0)
			continue;
		if (fill_view(c, i, &v) < 0)
			return -1;
		if (c->m->cidrs[i].isolated) {
			if (write_only_views(c, i, &v) < 0)
				return -1;
			continue;
		}
		v.own = (struct object_ref){l->n_own, l->own};
		for (uint32_t k = 0; k < l->n_own; k++)
			c->s->view_of_peer[c->enabled[c->m->cidrs[i].first_peer + k]] = c->s->n_views;
		if (write_view(c, i, NONE, &v) < 0)
			return -1;
	}
	return 0;
}

static int write_tree(struct compile *c)
{
	struct snapshot *s = c->s;
	struct hash *names = arena_array(c->a, s->n_views, sizeof(*names));

	s->tree = arena_array(c->a, merkle_size(s->n_views), sizeof(*s->tree));
	if ((s->n_views && !names) || !s->tree)
		return -1;
	for (uint32_t i = 0; i < s->n_views; i++)
		names[i] = s->views[i].name;
	merkle_build(names, s->n_views, s->tree);
	return 0;
}

static int write_statement(struct compile *c)
{
	struct statement st;

	statement_of(c->s, &st);
	buf_reset(&c->text);
	statement_write(&c->text, &st);
	if (c->text.failed)
		return -1;
	c->s->statement = arena_span(c->a, buf_span(&c->text));
	hash_bytes(c->text.p, c->text.n, &c->s->statement_name);
	return c->s->statement.p ? 0 : -1;
}

static int placed_cmp(const void *a, const void *b)
{
	return hash_cmp(&((const struct placed *)a)->object.name, &((const struct placed *)b)->object.name);
}

/* Sorts the objects, and joins those that are the same: the list of an isolated CIDR's only peer is also its own. */
static int sort_objects(struct compile *c)
{
	struct snapshot *s = c->s;
	struct placed *all = (struct placed *)(void *)c->placed.p;
	size_t n = c->placed.n / sizeof(*all);

	if (n)
		qsort(all, n, sizeof(*all), placed_cmp);
	s->objects = arena_array(c->a, n, sizeof(*s->objects));
	s->places = arena_array(c->a, n, sizeof(*s->places));
	if (n && (!s->objects || !s->places))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s->n_objects && hash_cmp(&s->objects[s->n_objects - 1].name, &all[i].object.name) == 0) {
			s->places[s->n_objects - 1].roles |= all[i].place.roles;
			continue;
		}
		s->objects[s->n_objects] = all[i].object;
		s->places[s->n_objects++] = all[i].place;
	}
	return 0;
}

static int compile_all(struct compile *c)
{
	if (count(c) < 0)
		return -1;
	c->s->views = arena_array(c->a, c->s->n_views, sizeof(*c->s->views));
	if (c->s->n_views && !c->s->views)
		return -1;
	for (uint32_t i = c->m->n_cidrs; i-- > 0;)
		if (write_subtree(c, i) < 0)
			return -1;
	if (write_views(c) < 0 || sort_objects(c) < 0 || write_tree(c) < 0)
		return -1;
	return write_statement(c);
}

struct snapshot *snapshot_compile(struct arena *a, const struct model *m, const struct reach_index *x,
				  const struct commit_info *commit, struct diags *d)
{
	struct compile c = {.a = a, .m = m, .x = x, .d = d};
	int err = -1;

	c.s = arena_alloc(a, sizeof(*c.s));
	if (!c.s)
		goto out;
	c.s->model = m;
	c.s->reach = x;
	c.s->commit = *commit;
	c.s->lists = arena_array(a, m->n_cidrs, sizeof(*c.s->lists));
	c.s->view_of_peer = arena_array(a, m->n_peers, sizeof(*c.s->view_of_peer));
	c.enabled = arena_array(a, m->n_peers, sizeof(*c.enabled));
	c.scratch = arena_array(a, m->n_cidrs, sizeof(*c.scratch));
	c.viewers = arena_array(a, m->n_cidrs, sizeof(*c.viewers));
	if (!c.s->lists || !c.scratch || !c.viewers || (m->n_peers && (!c.s->view_of_peer || !c.enabled)))
		goto out;
	for (uint32_t i = 0; i < m->n_peers; i++)
		c.s->view_of_peer[i] = NONE;
	err = compile_all(&c);
out:
	if (c.too_large)
		diag_error(d, "too-large", NULL, "the view of '%s' is larger than a snapshot can hold", c.too_large);
	else if (err < 0)
		diags_out_of_memory(d);
	buf_free(&c.text);
	buf_free(&c.placed);
	return err < 0 ? NULL : c.s;
}

const struct object *snapshot_object(const struct snapshot *s, const struct hash *name)
{
	size_t lo = 0, hi = s->n_objects;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = hash_cmp(name, &s->objects[mid].name);

		if (cmp == 0)
			return &s->objects[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

unsigned snapshot_path(const struct snapshot *s, uint32_t view, struct hash out[static PATH_MAX_LEN])
{
	return merkle_path(s->tree, s->n_views, view, out);
}
