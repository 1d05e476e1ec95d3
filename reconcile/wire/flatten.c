#include "reconcile/wire/flatten.h"
#include "reconcile/wire/object.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

#define BAD "bad-object"

struct walk {
	struct arena *a;
	const struct object_source *src;
	struct diags *d;
	struct object_view v;
	struct cidr root;
	struct buf used;  /* array of const struct object * */
	struct buf peers; /* array of struct view_peer; `cidr` by the order of finding */
	struct buf cidrs; /* array of struct found */
	unsigned depth;
};

/* A CIDR in the order of finding; one that is named at two places is found twice. */
struct found {
	struct cidr cidr;
	bool ancestor_only;
	uint32_t nth;
};

static int bad(struct walk *w, const char *name, const char *why)
{
	diag_error(w->d, BAD, NULL, "'%s': %s", name, why);
	return -1;
}

/* The object of that name, one level further down: w->depth is for the caller to take back. */
static const struct object *take(struct walk *w, const struct hash *name, const char *whose)
{
	const struct object *o = w->src->get(w->src->ctx, name);
	char hex[HASH_HEX_LEN + 1];

	/* Lists split at rising bits and CIDRs lie within each other, so no honest walk comes near this. */
	if (++w->depth > WALK_DEPTH_MAX) {
		bad(w, whose, "its lists lie too deep");
		return NULL;
	}
	if (!o) {
		hash_hex(name, hex);
		diag_error(w->d, "snapshot-object-missing", NULL,
			   "object %s of '%s' is missing, or is not what was signed", hex, whose);
		return NULL;
	}
	if (w->used.n / sizeof(o) >= w->src->n) {
		bad(w, whose, "one of its lists is named twice");
		return NULL;
	}
	buf_add(&w->used, &o, sizeof(o));
	return o;
}

static uint32_t add_cidr(struct walk *w, const struct cidr *c, bool ancestor_only)
{
	uint32_t nth = (uint32_t)(w->cidrs.n / sizeof(struct found));
	struct found f = {.cidr = *c, .ancestor_only = ancestor_only, .nth = nth};

	buf_add(&w->cidrs, &f, sizeof(f));
	return nth;
}

static bool cidr_has(const struct cidr *c, const struct addr *a)
{
	return prefix_has(&c->prefix[0], a) || (c->n_prefixes > 1 && prefix_has(&c->prefix[1], a));
}

/* Each prefix of `inner` lies in one of `outer`, and is not the same. */
static bool cidr_inside(const struct cidr *outer, const struct cidr *inner)
{
	for (unsigned i = 0; i < inner->n_prefixes; i++) {
		bool in = false;

		for (unsigned k = 0; k < outer->n_prefixes; k++)
			in |= outer->prefix[k].len < inner->prefix[i].len &&
			      prefix_covers(&outer->prefix[k], &inner->prefix[i]);
		if (!in)
			return false;
	}
	return true;
}

static bool same_cidr(const struct cidr *a, const struct cidr *b)
{
	if (strcmp(a->name, b->name) != 0 || a->n_prefixes != b->n_prefixes)
		return false;
	for (unsigned i = 0; i < a->n_prefixes; i++)
		if (prefix_cmp(&a->prefix[i], &b->prefix[i]) != 0)
			return false;
	return true;
}

/* Is the key of a member of a list in the part that leads to it? A part is 128 bits wide, whatever the family. */
static bool in_part(const struct prefix *part, const struct addr *key)
{
	struct prefix p = {*key, part->len};

	prefix_clear_host_bits(&p);
	return addr_cmp(&p.base, &part->base) == 0;
}

static bool part_in_part(const struct prefix *outer, const struct prefix *inner)
{
	return inner->len > outer->len && in_part(outer, &inner->base);
}

static const struct prefix whole = {{{0}}, 0};

static int add_peers(struct walk *w, const struct object_leaf *leaf, const struct prefix *part, const struct cidr *c,
		     uint32_t cidr)
{
	if (w->peers.n / sizeof(struct view_peer) + leaf->n > PEERS_MAX)
		return bad(w, w->v.cidr.name, "its view holds more peers than any network may");
	for (unsigned i = 0; i < leaf->n; i++) {
		const struct peer *p = &leaf->peers[i];
		struct view_peer out = {.leaf = p->leaf, .cidr = cidr, .pending = p->is_invite};

		if (p->is_invite)
			out.invite = p->key;
		if (!in_part(part, peer_order(p)))
			return bad(w, p->name, "stands in a part of the list that its address does not belong to");
		if (!cidr_has(c, &p->ip[0]) || (p->n_ips > 1 && !cidr_has(c, &p->ip[1])))
			return bad(w, p->name, "has an address outside its CIDR");
		buf_add(&w->peers, &out, sizeof(out));
	}
	return 0;
}

static int walk_leaf(struct walk *w, const struct object *o, const struct object_ref *ref, const struct prefix *part,
		     const struct cidr *c, uint32_t cidr)
{
	struct object_leaf leaf;

	if (leaf_parse(w->a, o->bytes, &leaf, w->d) < 0)
		return -1;
	if (leaf.n != ref->count)
		return bad(w, c->name, "a list of its peers is not as long as announced");
	return add_peers(w, &leaf, part, c, cidr);
}

/* A node of either kind whose entries were announced as `count` (0: it was not announced); its parts lie in `part`. */
static int read_node(struct walk *w, const struct object *o, uint32_t count, const struct prefix *part,
		     const struct cidr *c, struct object_node *node)
{
	if (node_parse(o->bytes, node, w->d) < 0)
		return -1;
	if (count && node->entries != count)
		return bad(w, c->name, "a list is not as long as announced");
	for (unsigned i = 0; i < node->n; i++)
		if (!part_in_part(part, &node->parts[i].prefix))
			return bad(w, c->name, "a part of a list lies outside the part that it belongs to");
	return 0;
}

/* The list of a CIDR's own peers. */
static int walk_peers(struct walk *w, const struct object_ref *ref, const struct prefix *part, const struct cidr *c,
		      uint32_t cidr)
{
	const struct object *o = take(w, &ref->name, c->name);
	struct object_node node = {.n = 0};

	if (!o || (ref->count <= LIST_MAX ? walk_leaf(w, o, ref, part, c, cidr)
					  : read_node(w, o, ref->count, part, c, &node)) < 0)
		return -1;
	for (unsigned i = 0; i < node.n; i++)
		if (walk_peers(w, &node.parts[i].ref, &node.parts[i].prefix, c, cidr) < 0)
			return -1;
	w->depth--;
	return 0;
}

/* Children, or subtrees of a view, as they come by: rising by key, none over another. */
struct siblings {
	const struct cidr *parent; /* what they have to lie in; NULL: it is the network itself */
	struct cidr last;
	bool any;
	uint64_t peers; /* of all so far */
	uint64_t max;   /* announced */
};

static int walk_subtree(struct walk *w, const struct object_child *child, const struct prefix *part,
			struct siblings *s);

static int walk_children(struct walk *w, const struct object *o, uint32_t entries, const struct prefix *part,
			 const struct cidr *parent, struct siblings *s)
{
	struct object_children children;

	if (children_parse(w->a, o->bytes, &children, w->d) < 0)
		return -1;
	if (entries && children.n != entries)
		return bad(w, parent->name, "a list of its children is not as long as announced");
	for (unsigned i = 0; i < children.n; i++)
		if (walk_subtree(w, &children.children[i], part, s) < 0)
			return -1;
	return 0;
}

/* The list of a CIDR's children. `entries`: announced by the part that leads here, or 0 at the top. */
static int walk_child_list(struct walk *w, const struct hash *name, uint32_t entries, const struct prefix *part,
			   const struct cidr *parent, struct siblings *s)
{
	const struct object *o = take(w, name, parent->name);
	struct object_node node = {.n = 0};
	bool split = entries > LIST_MAX || (o && !entries && object_kind(o->bytes) == OBJECT_NODE);

	if (!o ||
	    (split ? read_node(w, o, entries, part, parent, &node) : walk_children(w, o, entries, part, parent, s)) < 0)
		return -1;
	for (unsigned i = 0; i < node.n; i++)
		if (walk_child_list(w, &node.parts[i].ref.name, node.parts[i].ref.count, &node.parts[i].prefix, parent,
				    s) < 0)
			return -1;
	w->depth--;
	return 0;
}

/* The lists of a subtree object. Those of the view's own CIDR stand in the view already, or are withheld. */
static int walk_lists(struct walk *w, const struct object_subtree *tree, uint32_t cidr)
{
	struct siblings s = {.parent = &tree->cidr, .max = tree->children.count};

	if (strcmp(tree->cidr.name, w->v.cidr.name) == 0) {
		if (tree->own.count == 0 || (!w->v.only && (tree->own.count != w->v.own.count ||
							    hash_cmp(&tree->own.name, &w->v.own.name) != 0)))
			return bad(w, tree->cidr.name, "the view and a subtree name different lists of its peers");
	} else if (tree->own.count && walk_peers(w, &tree->own, &whole, &tree->cidr, cidr) < 0) {
		return -1;
	}
	if (tree->children.count == 0)
		return 0;
	if (walk_child_list(w, &tree->children.name, 0, &whole, &tree->cidr, &s) < 0)
		return -1;
	if (s.peers != tree->children.count)
		return bad(w, tree->cidr.name, "its children do not hold as many peers as announced");
	return 0;
}

static int check_place(struct walk *w, const struct object_subtree *tree, const struct object_child *child,
		       const struct prefix *part, struct siblings *s)
{
	if (strcmp(tree->cidr.name, child->name) != 0)
		return bad(w, child->name, "its subtree has another name");
	if ((uint64_t)tree->own.count + tree->children.count != child->ref.count)
		return bad(w, child->name, "its subtree does not hold as many peers as announced");
	s->peers += child->ref.count;
	if (s->peers > s->max)
		return bad(w, child->name, "stands in a list of more peers than announced");
	if (!in_part(part, cidr_order(&tree->cidr)))
		return bad(w, child->name, "stands in a part of the list that its prefix does not belong to");
	if (s->parent ? !cidr_inside(s->parent, &tree->cidr) : !same_cidr(&w->root, &tree->cidr))
		return bad(w, child->name, "does not lie in the CIDR that it is listed under");
	if (s->any &&
	    (cidr_order_cmp(&s->last, &tree->cidr) >= 0 || prefix_covers(&s->last.prefix[0], &tree->cidr.prefix[0])))
		return bad(w, child->name, "is out of order, or lies in the one before it");
	s->last = tree->cidr;
	s->any = true;
	return 0;
}

static int walk_subtree(struct walk *w, const struct object_child *child, const struct prefix *part, struct siblings *s)
{
	const struct object *o = take(w, &child->ref.name, child->name);
	struct object_subtree tree;

	if (!o || subtree_parse(w->a, o->bytes, &tree, w->d) < 0 || check_place(w, &tree, child, part, s) < 0 ||
	    walk_lists(w, &tree, add_cidr(w, &tree.cidr, false)) < 0)
		return -1;
	w->depth--;
	return 0;
}

static int walk_ancestors(struct walk *w)
{
	const struct object_view *v = &w->v;

	for (uint32_t i = 0; i < v->n_ancestors; i++) {
		const struct cidr *below = i + 1 < v->n_ancestors ? &v->ancestors[i + 1] : &v->cidr;

		if (!cidr_inside(&v->ancestors[i], below))
			return bad(w, below->name, "does not lie in the ancestor before it");
		add_cidr(w, &v->ancestors[i], true);
	}
	w->root = v->n_ancestors ? v->ancestors[0] : v->cidr;
	for (unsigned i = 0; i < w->root.n_prefixes; i++)
		if (!network_prefix_valid(&w->root.prefix[i]))
			return bad(w, w->root.name, "is all addresses of a family, which no network may be");
	return 0;
}

static int walk_view(struct walk *w)
{
	const struct object_view *v = &w->v;
	struct siblings s = {.parent = &w->root, .max = UINT64_MAX};

	if (walk_ancestors(w) < 0 || walk_peers(w, &v->own, &whole, &v->cidr, add_cidr(w, &v->cidr, false)) < 0)
		return -1;
	for (uint32_t i = 0; i < v->n_segments; i++) {
		const struct cidr *c = &v->segments[i].cidr;

		if (!cidr_inside(&w->root, c) && strcmp(c->name, w->root.name) != 0)
			return bad(w, c->name, "does not lie in the network");
		if (walk_peers(w, &v->segments[i].own, &whole, c, add_cidr(w, c, false)) < 0)
			return -1;
	}
	/* The network itself is a subtree that no other stands beside. */
	if (v->n_subtrees == 1 && strcmp(v->subtrees[0].name, w->root.name) == 0)
		s.parent = NULL;
	for (uint32_t i = 0; i < v->n_subtrees; i++)
		if (walk_subtree(w, &v->subtrees[i], &whole, &s) < 0)
			return -1;
	return 0;
}

static int found_cmp(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int c = cidr_order_cmp(&x->cidr, &y->cidr);

	return c ? c : (x->nth > y->nth) - (x->nth < y->nth);
}

/* Sorts the CIDRs and joins what was found twice. `at` maps the order of finding to the result. */
static int finish_cidrs(struct walk *w, struct view *out, uint32_t *at)
{
	struct found *f = (struct found *)(void *)w->cidrs.p;
	size_t n = w->cidrs.n / sizeof(*f);

	qsort(f, n, sizeof(*f), found_cmp);
	out->cidrs = arena_array(w->a, n, sizeof(*out->cidrs));
	if (!out->cidrs)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (i && same_cidr(&f[i - 1].cidr, &f[i].cidr)) {
			out->cidrs[out->n_cidrs - 1].ancestor_only &= f[i].ancestor_only;
		} else {
			out->cidrs[out->n_cidrs++] = (struct view_cidr){
			    .name = f[i].cidr.name,
			    .prefix = {f[i].cidr.prefix[0], f[i].cidr.prefix[1]},
			    .n_prefixes = f[i].cidr.n_prefixes,
			    .parent = NONE,
			    .ancestor_only = f[i].ancestor_only,
			};
		}
		at[f[i].nth] = out->n_cidrs - 1;
	}
	return 0;
}

struct family_prefix {
	struct prefix prefix;
	uint32_t cidr;
};

static int family_prefix_cmp(const void *a, const void *b)
{
	return prefix_cmp(&((const struct family_prefix *)a)->prefix, &((const struct family_prefix *)b)->prefix);
}

/*
 * The nearest CIDR known here that holds each one's key prefix: sorted prefixes nest, so a stack of those
 * that are open finds it. IPv6 in a CIDR of both families is its second prefix, so all prefixes take part.
 */
static int find_parents(struct walk *w, struct view *out)
{
	struct family_prefix *all = arena_array(w->a, 2 * (size_t)out->n_cidrs, sizeof(*all));
	uint32_t open[ANCESTORS_MAX + 2], depth = 0;
	size_t n = 0;

	if (!all)
		return -1;
	for (uint32_t i = 0; i < out->n_cidrs; i++)
		for (unsigned k = 0; k < out->cidrs[i].n_prefixes; k++)
			all[n++] = (struct family_prefix){out->cidrs[i].prefix[k], i};
	qsort(all, n, sizeof(*all), family_prefix_cmp);
	for (uint32_t i = 0; i < n; i++) {
		struct view_cidr *c = &out->cidrs[all[i].cidr];

		if (i && prefix_cmp(&all[i - 1].prefix, &all[i].prefix) == 0)
			return bad(w, c->name, "has another CIDR's prefix");
		while (depth && !prefix_covers(&all[open[depth - 1]].prefix, &all[i].prefix))
			depth--;
		if (depth && prefix_cmp(&c->prefix[0], &all[i].prefix) == 0)
			c->parent = all[open[depth - 1]].cidr;
		open[depth++] = i;
	}
	return 0;
}

static int peer_addr_cmp(const void *a, const void *b)
{
	return addr_cmp(&((const struct view_peer *)a)->ip[0], &((const struct view_peer *)b)->ip[0]);
}

/* CIDRs and peers share one name space. */
static int check_names(struct walk *w, const struct view *out)
{
	size_t n = (size_t)out->n_peers + out->n_cidrs;
	const char **names = arena_array(w->a, n, sizeof(*names));

	if (!names)
		return -1;
	for (size_t i = 0; i < n; i++)
		names[i] = i < out->n_peers ? out->peers[i].name : out->cidrs[i - out->n_peers].name;
	qsort((void *)names, n, sizeof(*names), order_text_cmp);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return bad(w, names[i], "stands in the view twice");
	return 0;
}

/* Keys before invites: those of one kind are never the other's. */
static int peer_key_cmp(const void *a, const void *b)
{
	const struct view_peer *x = *(const struct view_peer *const *)a, *y = *(const struct view_peer *const *)b;

	return x->pending != y->pending ? x->pending - y->pending : key_cmp(&x->key, &y->key);
}

static int second_addr_cmp(const void *a, const void *b)
{
	const struct view_peer *x = *(const struct view_peer *const *)a, *y = *(const struct view_peer *const *)b;

	return addr_cmp(&x->ip[x->n_ips - 1], &y->ip[y->n_ips - 1]);
}

static int check_unique(struct walk *w, const struct view *out)
{
	const struct view_peer **by = arena_array(w->a, out->n_peers, sizeof(struct view_peer *));

	if (!by)
		return -1;
	for (uint32_t i = 0; i < out->n_peers; i++)
		by[i] = &out->peers[i];
	qsort((void *)by, out->n_peers, sizeof(struct view_peer *), peer_key_cmp);
	for (uint32_t i = 1; i < out->n_peers; i++)
		if (peer_key_cmp(&by[i - 1], &by[i]) == 0)
			return bad(w, by[i]->name, "has another peer's key or invite");
	qsort((void *)by, out->n_peers, sizeof(struct view_peer *), second_addr_cmp);
	for (uint32_t i = 1; i < out->n_peers; i++) {
		if (addr_cmp(&out->peers[i - 1].ip[0], &out->peers[i].ip[0]) == 0)
			return bad(w, out->peers[i].name, "has another peer's address");
		if (second_addr_cmp(&by[i - 1], &by[i]) == 0)
			return bad(w, by[i]->name, "has another peer's address");
	}
	return check_names(w, out);
}

static int finish_peers(struct walk *w, struct view *out, const uint32_t *at)
{
	struct view_peer *p = (struct view_peer *)(void *)w->peers.p;
	size_t n = w->peers.n / sizeof(*p);

	qsort(p, n, sizeof(*p), peer_addr_cmp);
	out->peers = arena_array(w->a, n, sizeof(*p));
	if (!out->peers)
		return -1;
	memcpy(out->peers, p, n * sizeof(*p));
	out->n_peers = (uint32_t)n;
	for (uint32_t i = 0; i < out->n_peers; i++)
		out->peers[i].cidr = at[out->peers[i].cidr];
	return check_unique(w, out);
}

static int finish(struct walk *w, struct flattened *out)
{
	size_t n_cidrs = w->cidrs.n / sizeof(struct found);
	struct view *view = out->view;
	uint32_t *at = arena_array(w->a, n_cidrs, sizeof(*at));

	if (!at || w->used.failed || w->peers.failed || w->cidrs.failed)
		return -1;
	if (finish_cidrs(w, view, at) < 0 || find_parents(w, view) < 0 || finish_peers(w, view, at) < 0)
		return -1;
	/* Ancestors were found first, from the root down, and then the view's own CIDR. */
	view->root = at[0];
	out->own_cidr = at[w->v.n_ancestors];
	out->only = w->v.only;
	view->mtu = (uint16_t)w->v.mtu;
	view->keepalive = (uint16_t)w->v.keepalive;
	view->self = NONE;
	out->n_used = w->used.n / sizeof(*out->used);
	out->used = arena_array(w->a, out->n_used, sizeof(*out->used));
	if (!out->used)
		return -1;
	memcpy((void *)out->used, w->used.p, w->used.n);
	return 0;
}

int view_flatten(struct arena *a, const struct object_source *src, const struct hash *view_name, struct flattened *out,
		 struct diags *d)
{
	struct walk w = {.a = a, .src = src, .d = d};
	size_t errors = d->n_errors;
	const struct object *o = take(&w, view_name, "the view");
	int err = -1;

	memset(out, 0, sizeof(*out));
	out->view = arena_alloc(a, sizeof(*out->view));
	if (o && out->view && view_parse(a, o->bytes, &w.v, d) == 0 && walk_view(&w) == 0 && finish(&w, out) == 0)
		err = 0;
	else if (d->n_errors == errors)
		diags_out_of_memory(d);
	buf_free(&w.used);
	buf_free(&w.peers);
	buf_free(&w.cidrs);
	return err;
}
