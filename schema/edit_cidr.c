/* Edits of CIDRs and of the associations that join them. */
#include "schema/edit_row.h"

#include "schema/find.h"

#include <string.h>

/* ---- a new CIDR ----------------------------------------------------------------------------------------------- */

int edit_cidr_place(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t i = e->parent ? model_cidr_by_name(m, e->name) : NONE;
	uint32_t parent = i == NONE ? NONE : m->cidrs[i].parent;

	if (i == NONE || (parent != NONE && !strcmp(m->cidrs[parent].name, e->parent)))
		return 0;
	diag_help(d,
		  diag_error(d, "prefix-outside", &m->cidrs[i].at, "'%s' is in CIDR '%s', not in '%s'", e->name,
			     parent == NONE ? "none" : m->cidrs[parent].name, e->parent),
		  "a CIDR is in the smallest other one around its prefix");
	return -1;
}

enum edit_state edit_check_add_cidr(const struct edit *e, const struct edit_row *row, const struct model *m,
				    struct diags *d)
{
	uint32_t i = model_cidr_by_name(m, e->name);
	const struct cidr *c = i == NONE ? NULL : &m->cidrs[i];

	(void)row;
	if (e->parent && model_find_cidr(m, e->parent, d) == NONE)
		return EDIT_REFUSED;
	if (!c)
		return edit_name_taken(m, e->name, d) ? EDIT_REFUSED : EDIT_TO_DO;
	if (edit_cidr_place(e, m, d))
		return EDIT_REFUSED;
	if (prefixes_same(c->prefix, c->n_prefixes, e->cidr.prefix, e->cidr.n_prefixes) &&
	    attributes_same(IN_CIDR, c, &e->cidr))
		return EDIT_ALREADY;
	diag_help(d, diag_error(d, "cidr-exists", &c->at, "CIDR '%s' is there already, and is another one", c->name),
		  "choose another name, or edit the line");
	return EDIT_REFUSED;
}

static struct value prefixes(const char *key, const struct cidr *c, char text[2][PREFIX_STR_LEN], struct value list[2])
{
	for (unsigned i = 0; i < c->n_prefixes; i++) {
		prefix_format(&c->prefix[i], text[i]);
		list[i] = (struct value){NULL, prefix_is_v4(&c->prefix[i]) ? VALUE_WORD : VALUE_TEXT, text[i], NULL, 0};
	}
	if (c->n_prefixes == 1)
		return (struct value){key, list[0].kind, text[0], NULL, 0};
	return (struct value){key, VALUE_LIST, NULL, list, c->n_prefixes};
}

/* The last CIDR of the root file is written as a mapping over several lines: so is the next one. */
static bool cidrs_in_blocks(const struct rewrite *root)
{
	const struct node *map = edit_section(root, edit_cidrs.section), *last = NULL;
	if (map && map->kind == NODE_MAP && !map->flow)
		for (node_pairs(k, map))
			last = k->next;
	return last && last->kind == NODE_MAP && !last->flow;
}

int edit_add_cidr(struct editor *e)
{
	const char *section = edit_cidrs.section, *name = e->edit->name;
	const struct cidr *c = &e->edit->cidr;
	char text[2][PREFIX_STR_LEN];
	struct value list[2], v[KEYS_MAX];
	const struct key_spec *k;
	size_t n = 0;

	v[n++] = prefixes("cidr", c, text, list);
	for (size_t i = 0; (k = attribute_next(IN_CIDR, &i));)
		if (edit_put_attribute(e, k, c, v, &n))
			return -1;
	if (n > 1 || cidrs_in_blocks(&e->files[0]))
		return rewrite_add(&e->files[0], section, &(struct value){name, VALUE_MAP, NULL, v, n});
	v[0].key = name;
	return rewrite_add(&e->files[0], section, &v[0]);
}

/* ---- associations --------------------------------------------------------------------------------------------- */

enum edit_state edit_check_association(const struct edit *e, const struct edit_row *row, const struct model *m,
				       struct diags *d)
{
	uint32_t a = model_find_cidr(m, e->name, d);
	uint32_t b = strcmp(e->name, e->other) != 0 ? model_find_cidr(m, e->other, d) : a;
	bool there = false;

	if (a == NONE || b == NONE)
		return EDIT_REFUSED;
	for (uint32_t i = 0; i < m->n_associations && !there; i++) {
		const struct association *x = &m->associations[i];
		there = (x->a == a && x->b == b) || (x->a == b && x->b == a);
	}
	return there == (row->delta > 0) ? EDIT_ALREADY : EDIT_TO_DO;
}

int edit_add_association(struct editor *e)
{
	const struct value names[] = {{NULL, VALUE_NAME, e->edit->name, NULL, 0},
				      {NULL, VALUE_NAME, e->edit->other, NULL, 0}};
	return rewrite_add(&e->files[0], edit_associations.section, &(struct value){NULL, VALUE_LIST, NULL, names, 2});
}

static bool joins(const struct node *item, const char *a, const char *b)
{
	const struct node *x = item->kind == NODE_LIST && item->n == 2 ? item->first : NULL, *y = x ? x->next : NULL;
	if (!x || x->kind != NODE_SCALAR || y->kind != NODE_SCALAR)
		return false;
	return (!strcmp(x->text, a) && !strcmp(y->text, b)) || (!strcmp(x->text, b) && !strcmp(y->text, a));
}

int edit_delete_association(struct editor *e)
{
	const char *section = edit_associations.section, *a = e->edit->name, *b = e->edit->other;

	for (uint32_t i = 0; i < e->n_files; i++) {
		const struct node *list = edit_section(&e->files[i], section);
		for (struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n; n = n->next)
			if (joins(n, a, b))
				return rewrite_remove(&e->files[i], section, n);
	}
	diag_error(e->diags, "unknown-name", NULL, "no association joins '%s' and '%s'", a, b);
	return -1;
}
