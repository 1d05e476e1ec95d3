#include "schema/rewrite_parts.h"

#include <stdlib.h>
#include <string.h>

int rewrite_refuse(struct rewrite *w, const struct node *at, const char *why)
{
	struct place place = node_place(at, w->index);
	struct diag *g;

	if (place.end_line != place.line) {
		place.end_line = place.line;
		place.end_column = place.column + 1;
	}
	g = diag_error(w->diags, "edit-style", &place, "this cannot be edited as it is written: %s", why);
	diag_help(w->diags, g, "write one member a line, as in `bob: { ip: 10.60.64.3 }`, or edit it by hand");
	return -1;
}

int rewrite_open(struct rewrite *w, struct arena *a, struct span file, uint32_t index, struct diags *d)
{
	size_t errors = d->n_errors;

	*w = (struct rewrite){.arena = a, .file = file, .index = index, .diags = d, .quotes_names = -1};
	if (yaml_read(a, file, index, &w->root, d) || d->n_errors != errors || d->out_of_memory)
		return -1;
	return 0;
}

void rewrite_close(struct rewrite *w)
{
	for (size_t i = 0; i < w->n_splices; i++)
		buf_free(&w->splices[i].text);
	free(w->splices);
	w->splices = NULL;
	w->n_splices = w->cap = 0;
}

/* NULL: out of memory. Valid until the next call. */
static struct buf *splice_at(struct rewrite *w, size_t at, size_t deleted)
{
	if (w->n_splices == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : SPLICES_MIN;
		struct splice *more = realloc(w->splices, cap * sizeof(*more));
		if (!more) {
			diags_out_of_memory(w->diags);
			return NULL;
		}
		w->splices = more;
		w->cap = cap;
	}
	struct splice *s = &w->splices[w->n_splices++];
	*s = (struct splice){.at = at, .deleted = deleted};
	return &s->text;
}

int rewrite_splice(struct rewrite *w, size_t at, size_t deleted, const struct buf *text)
{
	struct buf *out = splice_at(w, at, deleted);

	if (!out)
		return -1;
	buf_add(out, text && text->p ? text->p : "", text ? text->n : 0);
	out->failed |= text && text->failed;
	return out->failed ? diags_out_of_memory(w->diags) : 0;
}

static struct node *scalar_node(struct rewrite *w, const char *text)
{
	struct node *n = arena_alloc(w->arena, sizeof(*n));
	if (!n || !(n->text = arena_strdup(w->arena, text)))
		return NULL;
	n->n = (uint32_t)strlen(text);
	return n;
}

/* The nodes of a value, its key before it; *end is where the next one is to be linked. */
static int value_nodes(struct rewrite *w, const struct value *v, struct node ***end)
{
	struct node *n;

	if (v->key) {
		if (!(**end = scalar_node(w, v->key)))
			return diags_out_of_memory(w->diags);
		*end = &(**end)->next;
	}
	if (v->kind != VALUE_LIST && v->kind != VALUE_MAP) {
		if (!(n = scalar_node(w, v->text)))
			return diags_out_of_memory(w->diags);
	} else {
		if (!(n = arena_alloc(w->arena, sizeof(*n))))
			return diags_out_of_memory(w->diags);
		n->kind = v->kind == VALUE_LIST ? NODE_LIST : NODE_MAP;
		n->n = (uint32_t)v->n;
		struct node **inner = &n->first;
		for (size_t i = 0; i < v->n; i++)
			if (value_nodes(w, &v->items[i], &inner))
				return -1;
	}
	**end = n;
	*end = &n->next;
	return 0;
}

/* `after`: the last node of the member before; NULL: none. */
int rewrite_tree_add(struct rewrite *w, struct node *container, struct node *after, const struct value *v)
{
	struct node **link = after ? &after->next : &container->first, *rest = *link, **end = link;

	if (value_nodes(w, v, &end))
		return -1;
	*end = rest;
	container->n++;
	return 0;
}

void rewrite_tree_remove(struct node *container, const struct node *member)
{
	bool map = container->kind == NODE_MAP;
	for (struct node **link = &container->first; *link; link = map ? &(*link)->next->next : &(*link)->next) {
		if (*link == member) {
			*link = map ? member->next->next : member->next;
			container->n--;
			return;
		}
	}
}

bool rewrite_is_written(const struct node *member)
{
	return member->line != 0;
}

struct node *rewrite_member_next(const struct node *container, const struct node *member)
{
	return container->kind == NODE_MAP ? member->next->next : member->next;
}

struct node *rewrite_member_before(const struct node *container, const struct node *member)
{
	struct node *before = NULL;

	for (struct node *n = container->first; n && n != member; n = rewrite_member_next(container, n))
		if (rewrite_is_written(n))
			before = n;
	return before;
}

struct node *rewrite_member_last(const struct node *container)
{
	return rewrite_member_before(container, NULL);
}

struct node *rewrite_member_value(const struct node *container, struct node *member)
{
	return container->kind == NODE_MAP ? member->next : member;
}

size_t rewrite_member_end(const struct rewrite *w, const struct node *container, struct node *member)
{
	const struct node *value = rewrite_member_value(container, member);
	size_t end = value->end > member->end ? value->end : member->end;

	while (end > member->start && end > (value == member ? 0 : member->end) &&
	       strchr(" \t\r\n", w->file.p[end - 1]))
		end--;
	return end;
}

/* Looks at the names in the sections and at the first key of the root, and remembers the answer. */
bool rewrite_quotes_names(struct rewrite *w, const struct node *except)
{
	if (w->quotes_names >= 0)
		return w->quotes_names;
	w->quotes_names = w->root->kind == NODE_MAP && w->root->first->style == NODE_DOUBLE_QUOTED;
	for (const struct node *section = w->root->first; section; section = section->next) {
		const struct node *n = section->kind == NODE_MAP || section->kind == NODE_LIST ? section->first : NULL;
		for (; n && !w->quotes_names; n = n->next)
			w->quotes_names = n != except && n->kind == NODE_SCALAR && n->style == NODE_DOUBLE_QUOTED &&
					  section->kind == NODE_MAP && n->text[0] >= 'a' &&
					  !rewrite_name_needs_quotes(n->text);
	}
	return w->quotes_names;
}

bool rewrite_quoted_by_choice(struct rewrite *w, const struct node *n)
{
	return n->style == NODE_DOUBLE_QUOTED && (!rewrite_name_needs_quotes(n->text) || rewrite_quotes_names(w, n));
}

/* A text that is itself without quotes, wherever it stands: an endpoint, a key. */
static bool plain_text(const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!word && (!i || !strchr("._:/+=-", c)))
			return false;
	}
	return n && text[n - 1] != ':';
}

int rewrite_scalar(struct rewrite *w, struct node *scalar, enum value_kind kind, const char *text)
{
	struct buf out = {0};
	int rc = -1;

	if (scalar->kind != NODE_SCALAR || scalar->style == NODE_LITERAL || scalar->style == NODE_FOLDED)
		return rewrite_refuse(w, scalar, "it is not a word on one line");
	if (scalar->start == scalar->end)
		return rewrite_refuse(w, scalar, "there is no value");
	if (scalar->style == NODE_SINGLE_QUOTED && !strchr(text, '\''))
		buf_printf(&out, "'%s'", text);
	else if (scalar->style == NODE_PLAIN && kind == VALUE_TEXT && plain_text(text))
		buf_str(&out, text);
	else if (kind == VALUE_NAME && rewrite_name_needs_quotes(scalar->text) && !rewrite_quotes_names(w, scalar))
		rewrite_put_scalar(&out, kind, text, false); /* the quotes were the old name's */
	else
		rewrite_put_scalar(&out, kind, text, scalar->style != NODE_PLAIN);
	if (!rewrite_splice(w, scalar->start, scalar->end - scalar->start, &out)) {
		scalar->text = arena_strdup(w->arena, text);
		scalar->n = (uint32_t)strlen(text);
		rc = scalar->text ? 0 : diags_out_of_memory(w->diags);
	}
	buf_free(&out);
	return rc;
}

/* The value of `key` stands in the column of another one-line pair, that needed more than one space for it. */
static bool in_table(const struct node *map, const struct node *key)
{
	const struct node *v = key->next;

	if (map->flow || v->line != key->line || v->start <= key->end)
		return false;
	for (node_pairs(k, map))
		if (k != key && k->next->line == k->line && k->next->column == v->column && k->next->start > k->end + 2)
			return true;
	return false;
}

int rewrite_key(struct rewrite *w, const struct node *map, struct node *key, const char *name)
{
	bool table = in_table(map, key);
	size_t colon = key->end, old = key->end - key->start, room;

	if (rewrite_scalar(w, key, VALUE_NAME, name))
		return -1;
	if (!table || colon >= w->file.n || w->file.p[colon] != ':')
		return 0;
	size_t new = w->splices[w->n_splices - 1].text.n;
	room = key->next->start - colon - 1;
	if (!rewrite_only_spaces(w->file, colon + 1, key->next->start) || (new > old &&new - old >= room))
		return 0;
	if (new > old)
		return rewrite_splice(w, colon + 1, new - old, NULL);
	struct buf more = {0};
	rewrite_put_spaces(&more, (unsigned)(old - new));
	int rc = rewrite_splice(w, colon + 1, 0, &more);
	buf_free(&more);
	return rc;
}

static bool same_tree(const struct node *a, const struct node *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == NODE_SCALAR)
		return !strcmp(a->text, b->text);
	for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
		if (!same_tree(a, b))
			return false;
	return !a && !b;
}

/* The bytes say what the tree says. */
static bool says_it(struct rewrite *w, struct span bytes)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct node *root = NULL;
	bool ok = a && !yaml_read(a, bytes, w->index, &root, &d) && !d.n_errors && !d.out_of_memory;

	w->diags->out_of_memory |= !a || d.out_of_memory;
	if (ok)
		ok = root && w->root ? same_tree(w->root, root) : !root && (!w->root || !w->root->n);
	diags_free(&d);
	arena_free(a);
	return ok;
}

static bool comes_later(const struct splice *s, const struct splice *t)
{
	return s->at != t->at ? s->at > t->at : s->deleted && !t->deleted;
}

/* In the order of the file. At one place, what is put in precedes what is replaced, else the order of the calls holds. */
static void sort_splices(struct rewrite *w)
{
	for (size_t i = 1; i < w->n_splices; i++) {
		struct splice s = w->splices[i];
		size_t j = i;
		for (; j > 0 && comes_later(&w->splices[j - 1], &s); j--)
			w->splices[j] = w->splices[j - 1];
		w->splices[j] = s;
	}
}

int rewrite_finish(struct rewrite *w, struct buf *out)
{
	struct buf edited = {0};
	size_t at = 0;
	bool apart = true, deleting = false;
	int rc = -1;

	sort_splices(w);
	for (size_t i = 0; i < w->n_splices && apart; i++) {
		const struct splice *s = &w->splices[i];
		size_t end = s->at + s->deleted;
		bool only_deletes = s->deleted && !s->text.n;
		apart = (s->at >= at || (deleting && only_deletes)) && end <= w->file.n;
		if (!apart)
			break;
		if (s->at > at)
			buf_add(&edited, w->file.p + at, s->at - at);
		buf_add(&edited, s->text.p ? s->text.p : "", s->text.n);
		edited.failed |= s->text.failed;
		deleting = only_deletes;
		at = end > at ? end : at;
	}
	if (apart)
		buf_add(&edited, w->file.p + at, w->file.n - at);
	buf_str(&edited, "");
	if (edited.failed) {
		diags_out_of_memory(w->diags);
	} else if (!apart || !says_it(w, buf_span(&edited))) {
		if (!w->diags->out_of_memory)
			diag_help(w->diags,
				  diag_error(w->diags, "edit-style", NULL,
					     "this cannot be done without changing what else the file says"),
				  "edit it by hand");
	} else {
		buf_add(out, edited.p, edited.n);
		rc = out->failed ? diags_out_of_memory(w->diags) : 0;
	}
	buf_free(&edited);
	return rc;
}
