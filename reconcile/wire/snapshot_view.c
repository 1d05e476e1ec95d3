/* Selecting: which of a snapshot's objects one view sends, and which of those another did not. */
#include "reconcile/wire/object.h"
#include "reconcile/wire/snapshot_places.h"

#include <string.h>

struct select {
	const struct snapshot *s, *old; /* old may be NULL */
	const struct snapshot_view *view, *old_view;
	struct buf out;        /* array of const struct object * */
	struct arena *scratch; /* the strings of parsed objects */
	struct diags d;        /* of our own objects, which parse */
};

static bool covered(const struct snapshot *s, const struct snapshot_view *v, uint32_t cidr)
{
	return s->model->cidrs[v->cidr].infra || reach_covers(s->reach, v->cidr, cidr);
}

/*
 * Does this view send the object? Answered from its place, without a walk. `cidr` is where it stands when
 * it is sent.
 */
static bool view_sends(const struct snapshot *s, const struct snapshot_view *v, const struct hash *name, uint32_t *cidr)
{
	const struct object *o = snapshot_object(s, name);
	const struct object_place *p;

	if (!o)
		return false;
	p = &s->places[o - s->objects];
	*cidr = p->cidr;
	if (hash_cmp(name, &v->name) == 0 || hash_cmp(name, &v->own) == 0)
		return true;
	if (p->roles & PLACE_TREE)
		return covered(s, v, p->cidr);
	if (!(p->roles & PLACE_OWN))
		return false;
	if (v->cidr == p->cidr)
		return v->only == NONE;
	return s->model->cidrs[p->cidr].infra || covered(s, v, p->cidr);
}

/*
 * The old view sent this object. Did it send all below it that the new view sends too? Not where it withheld
 * the list of its own isolated CIDR from somewhere below, unless the new view withholds the same one.
 */
static bool sent_whole(const struct select *x, uint32_t old_cidr)
{
	const struct model *om = x->old->model;

	if (x->old_view->only == NONE || !model_cidr_under(om, x->old_view->cidr, old_cidr))
		return true;
	return x->view->only != NONE &&
	       strcmp(om->cidrs[x->old_view->cidr].name, x->s->model->cidrs[x->view->cidr].name) == 0;
}

static int walk(struct select *x, const struct hash *name, unsigned depth);

static int walk_node(struct select *x, const struct object *o, unsigned depth)
{
	struct object_node node;

	if (node_parse(o->bytes, &node, &x->d) < 0)
		return -1;
	for (unsigned i = 0; i < node.n; i++)
		if (walk(x, &node.parts[i].ref.name, depth) < 0)
			return -1;
	return 0;
}

static int walk_children(struct select *x, const struct object *o, unsigned depth)
{
	struct object_children children;

	if (children_parse(x->scratch, o->bytes, &children, &x->d) < 0)
		return -1;
	for (unsigned i = 0; i < children.n; i++)
		if (walk(x, &children.children[i].ref.name, depth) < 0)
			return -1;
	return 0;
}

static int walk_subtree(struct select *x, const struct object *o, uint32_t cidr, unsigned depth)
{
	struct object_subtree tree;

	if (subtree_parse(x->scratch, o->bytes, &tree, &x->d) < 0)
		return -1;
	/* The view's own CIDR: its list stands in the view already, or is withheld. */
	if (tree.own.count && cidr != x->view->cidr && walk(x, &tree.own.name, depth) < 0)
		return -1;
	return tree.children.count ? walk(x, &tree.children.name, depth) : 0;
}

static int walk(struct select *x, const struct hash *name, unsigned depth)
{
	const struct object *o = snapshot_object(x->s, name);
	uint32_t old_cidr = NONE;
	bool held;

	if (!o || depth > WALK_DEPTH_MAX)
		return -1;
	held = x->old && view_sends(x->old, x->old_view, name, &old_cidr);
	if (held && sent_whole(x, old_cidr))
		return 0;
	if (!held)
		buf_add(&x->out, &o, sizeof(o));
	switch (object_kind(o->bytes)) {
	case OBJECT_NODE:
		return walk_node(x, o, depth + 1);
	case OBJECT_CHILDREN:
		return walk_children(x, o, depth + 1);
	case OBJECT_SUBTREE:
		return walk_subtree(x, o, x->s->places[o - x->s->objects].cidr, depth + 1);
	default:
		return 0;
	}
}

static int walk_view(struct select *x)
{
	const struct object *o = snapshot_object(x->s, &x->view->name);
	struct object_view v;
	uint32_t cidr;

	if (!o || view_parse(x->scratch, o->bytes, &v, &x->d) < 0)
		return -1;
	if (!x->old || !view_sends(x->old, x->old_view, &o->name, &cidr))
		buf_add(&x->out, &o, sizeof(o));
	if (walk(x, &v.own.name, 0) < 0)
		return -1;
	for (uint32_t i = 0; i < v.n_segments; i++)
		if (walk(x, &v.segments[i].own.name, 0) < 0)
			return -1;
	for (uint32_t i = 0; i < v.n_subtrees; i++)
		if (walk(x, &v.subtrees[i].ref.name, 0) < 0)
			return -1;
	return 0;
}

int snapshot_view_objects(struct arena *a, const struct snapshot *s, uint32_t view, const struct snapshot *old,
			  uint32_t old_view, const struct object ***out, size_t *n)
{
	struct select x = {.s = s, .old = old, .view = &s->views[view], .scratch = arena_new()};
	int err = -1;

	if (old)
		x.old_view = &old->views[old_view];
	if (!x.scratch || walk_view(&x) < 0 || x.out.failed)
		goto out;
	*n = x.out.n / sizeof(**out);
	*out = arena_array(a, *n, sizeof(**out));
	if (*n && !*out)
		goto out;
	if (*n)
		memcpy((void *)*out, x.out.p, x.out.n);
	err = 0;
out:
	buf_free(&x.out);
	diags_free(&x.d);
	arena_free(x.scratch);
	return err;
}
