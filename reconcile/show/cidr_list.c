#include "reconcile/show/cidr_list.h"

#include "reconcile/text/json.h"
#include "reconcile/text/table.h"
#include "schema/attributes.h"
#include "schema/utf8.h"

#include <string.h>

static struct cidr_list *list_new(struct arena *a, uint32_t n, uint32_t root)
{
	struct cidr_list *l = arena_alloc(a, sizeof(*l));

	if (!l || !(l->rows = arena_array(a, n, sizeof(*l->rows))))
		return NULL;
	l->n = n;
	l->root = root;
	return l;
}

/* Each CIDR's own peers count in all that are around it: at most 128 (ANCESTORS_MAX) a CIDR. */
static void add_up(struct cidr_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t c = i;
		for (unsigned depth = 0; c != NONE && depth <= ANCESTORS_MAX; depth++) {
			l->rows[c].all += l->rows[i].own;
			c = l->rows[c].parent;
		}
	}
}

struct cidr_list *cidr_list_of_model(struct arena *a, const struct model *m)
{
	struct cidr_list *l = list_new(a, m->n_cidrs, 0);

	for (uint32_t i = 0; l && i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i];
		l->rows[i] = (struct cidr_row){.name = c->name,
					       .description = c->description,
					       .cidr = c,
					       .prefix = c->prefix,
					       .n_prefixes = c->n_prefixes,
					       .parent = c->parent,
					       .isolated = c->isolated,
					       .infra = c->infra};
	}
	for (uint32_t i = 0; l && i < m->n_peers; i++) {
		struct cidr_row *r = &l->rows[m->peers[i].cidr];
		r->own += !m->peers[i].disabled;
		r->disabled += m->peers[i].disabled;
	}
	if (l)
		add_up(l);
	return l;
}

struct cidr_list *cidr_list_of_view(struct arena *a, const struct view *v)
{
	struct cidr_list *l = list_new(a, v->n_cidrs, v->root);

	for (uint32_t i = 0; l && i < v->n_cidrs; i++) {
		const struct view_cidr *c = &v->cidrs[i];
		l->rows[i] = (struct cidr_row){.name = c->name,
					       .prefix = c->prefix,
					       .n_prefixes = c->n_prefixes,
					       .parent = c->parent,
					       .named_only = c->ancestor_only};
	}
	for (uint32_t i = 0; l && i < v->n_peers; i++) {
		l->rows[v->peers[i].cidr].own++;
		l->rows[v->peers[i].cidr].infra |= v->peers[i].server;
	}
	if (l) {
		l->of_view = true;
		add_up(l);
	}
	return l;
}

static void put_prefixes(struct buf *out, const struct cidr_row *r)
{
	char text[PREFIX_STR_LEN];

	for (unsigned i = 0; i < r->n_prefixes; i++) {
		prefix_format(&r->prefix[i], text);
		buf_printf(out, "%s%s", i ? ", " : "", text);
	}
}

static void put_note(struct buf *out, bool *any, const char *note)
{
	buf_printf(out, "%s%s", *any ? ", " : "", note);
	*any = true;
}

void cidr_row_notes(struct buf *out, const struct cidr_row *r)
{
	bool any = false;

	if (r->infra)
		put_note(out, &any, "infra");
	if (r->isolated)
		put_note(out, &any, "isolated");
	if (r->named_only)
		put_note(out, &any, "named only");
	if (r->disabled) {
		put_note(out, &any, "");
		buf_printf(out, "%u disabled", r->disabled);
	}
}

void cidr_row_line(struct buf *out, const struct cidr_row *r)
{
	size_t before;

	buf_printf(out, "%s  ", r->name);
	put_prefixes(out, r);
	buf_str(out, "  ");
	before = out->n;
	cidr_row_notes(out, r);
	if (r->description) {
		buf_str(out, out->n > before ? "  (" : "(");
		buf_visible(out, span_str(r->description));
		buf_char(out, ')');
	}
	if (out->n == before && !out->failed)
		out->p[out->n -= 2] = '\0'; /* nothing to say: no spaces at the line's end */
}

void cidr_list_table(struct buf *out, const struct cidr_list *l, unsigned width)
{
	static const char *const titles[] = {"NAME", "PREFIXES", "PARENT", "PEERS", "NOTES", "DESCRIPTION"};
	struct table t = {.titles = titles, .n_columns = l->of_view ? 5 : 6};

	for (uint32_t i = 0; i < l->n; i++) {
		const struct cidr_row *r = &l->rows[i];
		buf_str(&t.cells, r->name);
		table_cell_end(&t);
		put_prefixes(&t.cells, r);
		table_cell_end(&t);
		buf_str(&t.cells, r->parent == NONE ? "" : l->rows[r->parent].name);
		table_cell_end(&t);
		buf_printf(&t.cells, "%u/%u", r->own, r->all);
		table_cell_end(&t);
		cidr_row_notes(&t.cells, r);
		table_cell_end(&t);
		if (l->of_view)
			continue;
		if (r->description)
			buf_visible(&t.cells, span_str(r->description));
		table_cell_end(&t);
	}
	table_render(out, &t, width);
	table_free(&t);
}

static void put_line(struct buf *out, uint32_t i, const void *ctx)
{
	const struct cidr_row *r = &((const struct cidr_list *)ctx)->rows[i];

	cidr_row_line(out, r);
	buf_printf(out, "  %u/%u peers", r->own, r->all);
}

void cidr_list_tree(struct buf *out, const struct cidr_list *l, enum tree_style style)
{
	const struct tree_lines lines = {.cidr = put_line, .ctx = l};
	struct tree t;

	if (tree_init(&t, l->n, 0, l->root) < 0) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < l->n; i++)
		t.parent[i] = l->rows[i].parent;
	tree_link(&t);
	tree_render(out, &t, style, 0, &lines);
	tree_free(&t);
}

static bool put_attributes(json_t *o, const struct cidr *c)
{
	const struct key_spec *k;
	bool ok = true;

	for (size_t i = 0; ok && (k = attribute_next(IN_CIDR, &i));)
		ok = json_put(o, k->name, attribute_json(k, c));
	return ok;
}

static json_t *row_json(const struct cidr_list *l, const struct cidr_row *r)
{
	json_t *o = json_object();
	bool ok = json_put(o, "name", json_string(r->name)) &&
		  json_put(o, "prefixes", prefixes_json(r->prefix, r->n_prefixes)) &&
		  json_put(o, "parent", text_json(r->parent == NONE ? NULL : l->rows[r->parent].name)) &&
		  json_put(o, "own_peers", json_integer(r->own)) && json_put(o, "all_peers", json_integer(r->all)) &&
		  json_put(o, "infra", json_boolean(r->infra));

	if (l->of_view)
		ok = ok && json_put(o, "ancestor_only", json_boolean(r->named_only));
	else
		ok = ok && json_put(o, "disabled_peers", json_integer(r->disabled)) && put_attributes(o, r->cidr);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

json_t *cidr_list_json(const struct cidr_list *l)
{
	json_t *list = json_array();
	bool ok = list != NULL;

	for (uint32_t i = 0; ok && i < l->n; i++)
		ok = json_add(list, row_json(l, &l->rows[i]));
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}
