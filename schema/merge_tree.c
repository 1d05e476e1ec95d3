/* Three versions of a tree and the fourth that has both changes: comparison, and the check of a merge. */
#include "schema/merge_tree.h"

#include <stdlib.h>
#include <string.h>

bool merge_same(const struct node *x, const struct node *y)
{
	if (!x || !y)
		return x == y;
	if (x->kind != y->kind || x->n != y->n)
		return false;
	if (x->kind == NODE_BAD)
		return false;
	if (x->kind == NODE_SCALAR)
		return (x->style == NODE_PLAIN) == (y->style == NODE_PLAIN) && strcmp(x->text, y->text) == 0;
	for (x = x->first, y = y->first; x && y; x = x->next, y = y->next)
		if (!merge_same(x, y))
			return false;
	return x == y;
}

bool merge_is_container(const struct node *n, enum node_kind kind)
{
	return node_is_null(n) || n->kind == kind;
}

static void put_id(struct buf *out, const struct node *n)
{
	if (n->kind == NODE_SCALAR) {
		buf_printf(out, "%c%u:%s", n->style == NODE_PLAIN ? 'p' : 'q', n->n, n->text);
		return;
	}
	buf_printf(out, "%c%u", n->kind == NODE_LIST ? '[' : '{', n->n);
	for (const struct node *i = n->kind == NODE_BAD ? NULL : n->first; i; i = i->next)
		put_id(out, i);
}

const char *merge_node_id(struct arena *a, const struct node *n)
{
	struct buf b = {0};
	const char *id;

	put_id(&b, n);
	id = b.failed || !b.p ? NULL : arena_strndup(a, b.p, b.n);
	buf_free(&b);
	return id;
}

/* The members of one version: pairs by their keys, items by what they say. */
struct member {
	const char *id;
	const struct node *value;
};
struct members {
	struct member *all;
	uint32_t n, at;
};

static int member_cmp(const void *x, const void *y)
{
	return strcmp(((const struct member *)x)->id, ((const struct member *)y)->id);
}

static bool members_of(struct arena *a, const struct node *container, struct members *out)
{
	bool map = container && container->kind == NODE_MAP;
	bool any = container && (map || container->kind == NODE_LIST);

	*out = (struct members){0};
	if (!any)
		return true;
	out->all = arena_array(a, container->n + 1, sizeof(*out->all));
	if (!out->all)
		return false;
	for (const struct node *n = container->first; n; n = map ? n->next->next : n->next) {
		struct member m = {NULL, map ? n->next : n};
		m.id = map && n->kind == NODE_SCALAR ? n->text : merge_node_id(a, n);
		if (!m.id)
			return false;
		out->all[out->n++] = m;
	}
	qsort(out->all, out->n, sizeof(*out->all), member_cmp);
	return true;
}

/* How many members have this id at the cursor, which goes past them; *value is the first one's. */
static uint32_t take(struct members *m, const char *id, const struct node **value)
{
	uint32_t n = 0;

	*value = NULL;
	for (; m->at < m->n && strcmp(m->all[m->at].id, id) == 0; m->at++)
		if (!n++)
			*value = m->all[m->at].value;
	return n;
}

static bool fits(struct arena *a, const struct node *const tree[4], bool *failed);

/* By the members. The first three versions all differ. */
static bool members_fit(struct arena *a, const struct node *const tree[4], bool map, bool *failed)
{
	struct members m[4];

	for (int i = 0; i < 4; i++) {
		if (!members_of(a, tree[i], &m[i])) {
			*failed = true;
			return false;
		}
	}
	for (;;) {
		const struct node *value[4];
		const char *id = NULL;
		uint32_t n[4];

		for (int i = 0; i < 4; i++)
			if (m[i].at < m[i].n && (!id || strcmp(m[i].all[m[i].at].id, id) < 0))
				id = m[i].all[m[i].at].id;
		if (!id)
			return true;
		for (int i = 0; i < 4; i++)
			n[i] = take(&m[i], id, &value[i]);
		if (map ? !fits(a, value, failed)
			: n[3] != (n[0] == n[1] ? n[2] : n[1]) || (n[0] != n[1] && n[0] != n[2] && n[1] != n[2]))
			return false;
	}
}

static bool fits(struct arena *a, const struct node *const tree[4], bool *failed)
{
	const struct node *base = tree[0], *ours = tree[1], *theirs = tree[2], *result = tree[3];

	if (merge_same(ours, theirs) || merge_same(base, theirs))
		return merge_same(result, ours);
	if (merge_same(base, ours) && merge_same(result, theirs))
		return true;
	for (int kind = NODE_LIST; kind <= NODE_MAP; kind++)
		if (ours && theirs && result && (!base || merge_is_container(base, kind)) &&
		    merge_is_container(ours, kind) && merge_is_container(theirs, kind) &&
		    merge_is_container(result, kind))
			return members_fit(a, tree, kind == NODE_MAP, failed);
	return false;
}

bool merge_fits(const struct node *base, const struct node *ours, const struct node *theirs, const struct node *result,
		bool *failed)
{
	const struct node *const tree[4] = {base, ours, theirs, result};
	struct arena *a = arena_new();
	bool ok = a && fits(a, tree, failed);

	*failed |= !a;
	arena_free(a);
	return ok;
}
