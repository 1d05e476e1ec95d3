#include "schema/rewrite_text.h"

#include <stdlib.h>
#include <string.h>

static int no_memory(struct rewrite *w)
{
	w->diags->out_of_memory = true;
	return -1;
}

static int refuse(struct rewrite *w, const struct node *at, const char *why)
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
			no_memory(w);
			return NULL;
		}
		w->splices = more;
		w->cap = cap;
	}
	struct splice *s = &w->splices[w->n_splices++];
	*s = (struct splice){.at = at, .deleted = deleted};
	return &s->text;
}

static int splice(struct rewrite *w, size_t at, size_t deleted, const struct buf *text)
{
	struct buf *out = splice_at(w, at, deleted);

	if (!out)
		return -1;
	buf_add(out, text && text->p ? text->p : "", text ? text->n : 0);
	out->failed |= text && text->failed;
	return out->failed ? no_memory(w) : 0;
}

/* The tree. */
struct node *node_find(const struct node *map, const char *key)
{
	if (map && map->kind == NODE_MAP)
		for (node_pairs(k, map))
			if (k->kind == NODE_SCALAR && !strcmp(k->text, key))
				return k;
	return NULL;
}

bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->style == NODE_PLAIN &&
	       (!n->n || !strcmp(n->text, "~") || !strcmp(n->text, "null"));
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
			return no_memory(w);
		*end = &(**end)->next;
	}
	if (v->kind != VALUE_LIST && v->kind != VALUE_MAP) {
		if (!(n = scalar_node(w, v->text)))
			return no_memory(w);
	} else {
		if (!(n = arena_alloc(w->arena, sizeof(*n))))
			return no_memory(w);
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
static int tree_add(struct rewrite *w, struct node *container, struct node *after, const struct value *v)
{
	struct node **link = after ? &after->next : &container->first, *rest = *link, **end = link;

	if (value_nodes(w, v, &end))
		return -1;
	*end = rest;
	container->n++;
	return 0;
}

static void tree_remove(struct node *container, const struct node *member)
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

static struct node *last_member(const struct node *container)
{
	struct node *last = NULL;
	for (struct node *n = container->first; n; n = container->kind == NODE_MAP ? n->next->next : n->next)
		last = n;
	return last;
}

static struct node *previous_member(const struct node *container, const struct node *member)
{
	struct node *before = NULL, *n = container->first;
	while (n && n != member) {
		before = n;
		n = container->kind == NODE_MAP ? n->next->next : n->next;
	}
	return before;
}

static struct node *member_value(const struct node *container, struct node *member)
{
	return container->kind == NODE_MAP ? member->next : member;
}

/* Where a member ends, without the white space that a block value takes along. */
static size_t member_end(const struct rewrite *w, const struct node *container, struct node *member)
{
	const struct node *value = member_value(container, member);
	size_t end = value->end > member->end ? value->end : member->end;

	while (end > member->start && end > (value == member ? 0 : member->end) &&
	       strchr(" \t\r\n", w->file.p[end - 1]))
		end--;
	return end;
}

/* Some other name in the sections, or the first key of all, is in quotes that it does not need: it is the file's way. */
static bool quotes_names(struct rewrite *w, const struct node *except)
{
	if (w->quotes_names >= 0)
		return w->quotes_names;
	w->quotes_names = w->root->kind == NODE_MAP && w->root->first->style == NODE_DOUBLE_QUOTED;
	for (const struct node *section = w->root->first; section; section = section->next) {
		const struct node *n = section->kind == NODE_MAP || section->kind == NODE_LIST ? section->first : NULL;
		for (; n && !w->quotes_names; n = n->next)
			w->quotes_names = n != except && n->kind == NODE_SCALAR && n->style == NODE_DOUBLE_QUOTED &&
					  section->kind == NODE_MAP && n->text[0] >= 'a' && !name_needs_quotes(n->text);
	}
	return w->quotes_names;
}

/* In quotes, and not for want of a better name. */
static bool quoted_by_choice(struct rewrite *w, const struct node *n)
{
	return n->style == NODE_DOUBLE_QUOTED && (!name_needs_quotes(n->text) || quotes_names(w, n));
}

static void style_of_value(struct rewrite *w, const struct node *value, struct style *s)
{
	struct span f = w->file;
	const struct node *first = value->kind == NODE_SCALAR ? value : value->first;

	s->flow = value->kind != NODE_MAP || value->flow;
	s->quoted = first && first->kind == NODE_SCALAR && value->kind != NODE_SCALAR ? quoted_by_choice(w, first)
										      : s->quoted_name;
	if (!first || !value->flow || value->kind == NODE_SCALAR)
		return;
	bool tight = value->start + 1 < f.n && !strchr(" \r\n", f.p[value->start + 1]);
	if (value->kind == NODE_MAP)
		s->tight = tight;
	else
		s->loose_list = !tight;
}

/* Aligned: the value of `last` stands where some pair put it with more than one space. */
static unsigned aligned_column(const struct node *map, const struct node *last)
{
	const struct node *v = last->next;
	if (v->line != last->line || v->column <= 1 || v->start <= last->end)
		return 0;
	for (node_pairs(k, map))
		if (k->next->line == k->line && k->next->column == v->column && k->next->start > k->end + 2)
			return v->column - 1;
	return 0;
}

/* Adds whole lines at `at`, where a line starts or the file ends; a last line without its end stays without. */
static int add_lines(struct rewrite *w, size_t at, const char *eol, const struct buf *lines)
{
	bool open = at > 0 && w->file.p[at - 1] != '\n';
	struct buf text = {0};
	buf_printf(&text, "%s%s%s", open ? eol : "", lines->p ? lines->p : "", open ? "" : eol);
	text.failed |= lines->failed;
	int rc = splice(w, at, 0, &text);
	buf_free(&text);
	return rc;
}

/* What was added at the end of a file without a last line end brought one for the line before: it goes along. */
static int remove_lines(struct rewrite *w, size_t from, size_t to)
{
	if (to == w->file.n && to > from && w->file.p[to - 1] != '\n')
		from = eol_start(w->file, from);
	return splice(w, from, to - from, NULL);
}

/*
 * The column where a block member starts its line, its dash included. False: something else is before it.
 */
static bool block_indent(const struct rewrite *w, const struct node *container, const struct node *member,
			 unsigned *indent, unsigned *gap)
{
	struct span f = w->file;
	size_t start = line_start(f, member->start), dash = start;

	while (dash < member->start && f.p[dash] == ' ')
		dash++;
	*indent = (unsigned)(dash - start);
	*gap = 0;
	if (container->kind == NODE_MAP)
		return dash == member->start;
	if (dash == member->start || f.p[dash] != '-' || !only_spaces(f, dash + 1, member->start))
		return false;
	*gap = (unsigned)(member->start - dash - 1);
	return true;
}

/*
 * A block container: after the member's line and, when it is the last, after the comments below it that are indented
 * as a member or deeper, since those are not about what follows.
 */
static int add_to_block(struct rewrite *w, struct node *container, struct node *after, const struct value *v)
{
	struct span f = w->file;
	struct node *value = member_value(container, after), *style_like = last_member(container);
	struct style s = {.step = 2};
	size_t end = member_end(w, container, after), at = next_line(f, end);

	if (!block_indent(w, container, after, &s.indent, &s.gap))
		return refuse(w, after, "it does not start its line");
	if (container->kind == NODE_MAP) {
		s.quoted_name = quoted_by_choice(w, after);
		s.value_column = aligned_column(container, after);
	}
	style_of_value(w, value, &s);
	if (!s.flow && value->first)
		s.step = value->first->column > after->column ? value->first->column - after->column : 2;
	s.eol = eol_of(f, end);
	if (after == style_like)
		at = skip_comments(f, at, s.indent);

	struct buf lines = {0};
	put_spaces(&lines, s.indent);
	if (container->kind == NODE_LIST) {
		buf_char(&lines, '-');
		put_spaces(&lines, s.gap);
	}
	put_member(&lines, &s, v);
	int rc = add_lines(w, at, s.eol, &lines);
	buf_free(&lines);
	return rc;
}

/* After a member in brackets: white space, comments, and the comma, if there is one. */
static bool find_comma(struct span f, size_t at, size_t end, size_t *comma)
{
	while (at < end) {
		if (f.p[at] == ',') {
			*comma = at;
			return true;
		}
		at = f.p[at] == '#' ? next_line(f, at) : at + 1;
	}
	return false;
}

/* Does a member in brackets have lines for itself, as far as its start says? */
static bool own_line(struct span f, const struct node *container, const struct node *member)
{
	return member->line != container->line && only_spaces(f, line_start(f, member->start), member->start);
}

static bool blank_or_comment(struct span f, size_t at)
{
	while (at < f.n && (f.p[at] == ' ' || f.p[at] == '\t'))
		at++;
	return at == f.n || f.p[at] == '#' || f.p[at] == '\n' || f.p[at] == '\r';
}

/* Where `end` is that of the container: its bracket. */
static size_t bracket(const struct node *container)
{
	return container->end - 1;
}

/* Brackets with something in them: after the member, on a line of its own where that one has one. */
static int add_to_flow(struct rewrite *w, struct node *container, struct node *after, const struct value *v)
{
	struct span f = w->file;
	struct style s = {.flow = true};
	bool section = container == w->root;
	size_t end = member_end(w, container, after), comma = 0, limit = bracket(container);
	struct node *value = member_value(container, after), *next = value->next;
	bool has_comma = find_comma(f, end, next ? next->start : limit, &comma);
	size_t from = has_comma ? comma + 1 : end;
	bool own = own_line(f, container, after) &&
		   (blank_or_comment(f, from) || from == limit || only_spaces(f, from, limit));
	/* Past a comment on that line, unless the closing bracket stands there. */
	size_t at = own && line_end(f, from) < limit ? line_end(f, from) : from;
	struct buf text = {0};

	if (container->kind == NODE_MAP)
		s.quoted_name = quoted_by_choice(w, after);
	style_of_value(w, value, &s);
	s.flow = true;
	if (section) { /* rewrite_remove() knows a section that was made by its room */
		s.tight = false;
		s.loose_list = true;
	}
	if (!has_comma)
		buf_char(&text, ',');
	if (!has_comma && at != from) {
		if (splice(w, from, 0, &text)) {
			buf_free(&text);
			return -1;
		}
		buf_reset(&text);
	}
	if (own) {
		buf_str(&text, eol_of(f, at));
		buf_add(&text, f.p + line_start(f, after->start), after->start - line_start(f, after->start));
	} else {
		buf_char(&text, ' ');
	}
	put_member(&text, &s, v);
	if (has_comma)
		buf_char(&text, ',');
	int rc = splice(w, at, 0, &text);
	buf_free(&text);
	return rc;
}

/* Empty brackets, which stay: [a], or [ a ] where there was room for one. */
static int fill_flow(struct rewrite *w, const struct node *container, bool quoted, const struct value *v)
{
	struct span f = w->file;
	bool room = container->start + 2 < container->end;
	struct style s = {.flow = true, .tight = !room, .quoted_name = quoted, .quoted = quoted};
	struct buf text = {0};

	if (room)
		buf_char(&text, ' ');
	put_member(&text, &s, v);
	if (room && strchr("#", f.p[container->start + 1]))
		buf_char(&text, ' ');
	int rc = splice(w, container->start + 1, 0, &text);
	buf_free(&text);
	return rc;
}

/* How much deeper than their section's key members are written in this file. */
static unsigned usual_step(const struct node *root)
{
	for (node_pairs(k, root)) {
		const struct node *v = k->next;
		if (v->kind == NODE_MAP && !v->flow && v->first && v->first->column > k->column)
			return v->first->column - k->column;
	}
	return 2;
}

/* A member of a section that has none, on a line of its own. */
static void put_first(struct buf *out, struct style *s, const struct value *v)
{
	put_spaces(out, s->indent);
	if (!v->key)
		buf_str(out, "- ");
	s->flow = true;
	put_member(out, s, v);
}

/* The first member of an empty section, in block style below the line of its key and the comments there. */
static int add_first(struct rewrite *w, struct node *key, const struct value *v)
{
	struct span f = w->file;
	struct node *value = key->next;
	size_t colon = key->end;

	while (colon < f.n && f.p[colon] == ' ')
		colon++;
	if (colon == f.n || f.p[colon] != ':' || (value->n && value->line != key->line))
		return refuse(w, key, "its key and its value are on different lines");
	struct style s = {.indent = key->column - 1 + usual_step(w->root), .eol = eol_of(f, colon)};
	struct buf lines = {0};
	if (value->n && splice(w, colon + 1, value->end - colon - 1, NULL))
		return -1;
	put_first(&lines, &s, v);
	int rc =
	    add_lines(w, skip_comments(f, next_line(f, value->n ? value->end : colon), key->column), s.eol, &lines);
	buf_free(&lines);
	return rc;
}

/* No such section: it comes at the end of the file (before "...", which ends a document). */
static int add_section(struct rewrite *w, const char *section, const struct value *v)
{
	struct span f = w->file;
	const struct node *root = w->root;
	size_t end = next_line(f, root->end);
	bool blank_lines = false;

	for (size_t line = 0; line < f.n && !blank_lines; line = next_line(f, line))
		blank_lines = line_end(f, line) == line;
	while (end < f.n && !(f.n - end >= 3 && !memcmp(f.p + end, "...", 3)))
		end = next_line(f, end);
	struct style s = {.indent = root->first->column - 1 + usual_step(root), .eol = eol_of(f, end)};
	struct buf lines = {0};
	if (blank_lines)
		buf_str(&lines, s.eol);
	put_spaces(&lines, root->first->column - 1);
	buf_printf(&lines, "%s:%s", section, s.eol);
	put_first(&lines, &s, v);
	int rc = add_lines(w, end, s.eol, &lines);
	buf_free(&lines);
	return rc;
}

static bool can_hold(const struct node *container, const struct value *v)
{
	return container->kind == (v->key ? NODE_MAP : NODE_LIST);
}

int rewrite_add_pair(struct rewrite *w, struct node *map, struct node *after, const struct value *pair)
{
	if (!after)
		after = last_member(map);
	if (!after || !can_hold(map, pair))
		return refuse(w, map, "it has no members");
	if (map->flow ? add_to_flow(w, map, after, pair) : add_to_block(w, map, after, pair))
		return -1;
	return tree_add(w, map, member_value(map, after), pair);
}

/* The section is missing: as a value it is a container of one. */
static int add_whole(struct rewrite *w, const char *section, const struct value *v)
{
	struct value whole = {section, v->key ? VALUE_MAP : VALUE_LIST, NULL, v, 1};
	struct node *last = last_member(w->root);

	if (w->root->flow ? add_to_flow(w, w->root, last, &whole) : add_section(w, section, v))
		return -1;
	return tree_add(w, w->root, last->next, &whole);
}

int rewrite_add(struct rewrite *w, const char *section, const struct value *v)
{
	struct node *key = node_find(w->root, section), *value = key ? key->next : NULL, *last;
	bool quoted = key && key->style == NODE_DOUBLE_QUOTED;
	int rc;

	if (!w->root || w->root->kind != NODE_MAP || !w->root->first) {
		diag_error(w->diags, "edit-style", NULL,
			   "nothing can be added to a file that is not a network's definition");
		return -1;
	}
	if (!key)
		return add_whole(w, section, v);
	if (node_is_null(value)) {
		if (w->root->flow) {
			struct style s = {.flow = true, .quoted = quoted, .quoted_name = quoted};
			struct value whole = {NULL, v->key ? VALUE_MAP : VALUE_LIST, NULL, v, 1};
			struct buf text = {0};
			if (!value->n)
				return refuse(w, key, "it has no value");
			put_flow(&text, &s, &whole);
			rc = splice(w, value->start, value->end - value->start, &text);
			buf_free(&text);
		} else {
			rc = add_first(w, key, v);
		}
		*value = (struct node){.kind = v->key ? NODE_MAP : NODE_LIST, .next = value->next};
		return rc ? -1 : tree_add(w, value, NULL, v);
	}
	if (!can_hold(value, v))
		return refuse(w, key, v->key ? "it is not a mapping" : "it is not a list");
	last = last_member(value);
	if (!last)
		rc = fill_flow(w, value, quoted, v);
	else
		rc = value->flow ? add_to_flow(w, value, last, v) : add_to_block(w, value, last, v);
	return rc ? -1 : tree_add(w, value, last ? member_value(value, last) : NULL, v);
}

static int remove_from_block(struct rewrite *w, struct node *container, struct node *member)
{
	struct span f = w->file;
	size_t next = next_line(f, member_end(w, container, member));
	unsigned indent, gap;

	if (!block_indent(w, container, member, &indent, &gap))
		return refuse(w, member, "it does not start its line");
	return remove_lines(w, line_start(f, member->start), skip_comments(f, next, indent + 1));
}

static int remove_from_flow(struct rewrite *w, struct node *container, struct node *member)
{
	struct span f = w->file;
	struct node *before = previous_member(container, member), *next = member_value(container, member)->next;
	size_t start = member->start, end = member_end(w, container, member), limit = bracket(container), comma = 0;
	bool has_comma = find_comma(f, end, next ? next->start : limit, &comma), own = own_line(f, container, member);
	size_t after = has_comma ? comma + 1 : end, left = start;

	while (left > container->start + 1 && strchr(" \t", f.p[left - 1]))
		left--;
	if (own && blank_or_comment(f, after) && next_line(f, after) <= limit) {
		/* Its lines, a comment on the last one too. */
		if (splice(w, line_start(f, start), next_line(f, after) - line_start(f, start), NULL))
			return -1;
	} else if (own && !next && before) {
		/* Its lines up to the bracket that stands on the last one, which no comment may swallow. */
		size_t above = eol_start(f, line_start(f, start)), from = member_end(w, container, before);
		left = memchr(f.p + from, '#', above - from) ? start : above;
		if (splice(w, left, after - left, NULL))
			return -1;
	} else if (!before && next && next->line == member->line) {
		return splice(w, start, next->start - start, NULL);
	} else if (splice(w, left, after - left, NULL)) {
		return -1;
	}
	if (has_comma || !before)
		return 0;
	/* The last member had no comma: the one before it is the last now. */
	if (!find_comma(f, member_end(w, container, before), start, &comma))
		return refuse(w, member, "a comma is missing");
	return splice(w, comma, 1, NULL);
}

int rewrite_remove_pair(struct rewrite *w, struct node *map, struct node *key)
{
	if (map->flow ? remove_from_flow(w, map, key) : remove_from_block(w, map, key))
		return -1;
	tree_remove(map, key);
	return 0;
}

/* The only member of a section: would rewrite_add() have made the section for it? Then its lines are from ... to. */
static bool section_made(const struct rewrite *w, const struct node *key, struct node *member, size_t *from, size_t *to)
{
	struct span f = w->file;
	size_t colon = key->end, end = member_end(w, key->next, member);

	if (colon >= f.n || f.p[colon] != ':' || w->root->n < 2 || key->next->flow || w->root->flow)
		return false;
	*from = line_start(f, key->start);
	*to = next_line(f, end);
	if (!only_spaces(f, *from, key->start) || line_end(f, colon) != colon + 1 ||
	    line_start(f, member->start) != next_line(f, colon) || !at_end(f, *to))
		return false;
	if (*from > 0) { /* the empty line before it */
		size_t above = line_start(f, *from - 1);
		if (line_end(f, above) == above)
			*from = above;
	}
	return true;
}

int rewrite_remove(struct rewrite *w, const char *section, struct node *member)
{
	struct node *key = node_find(w->root, section), *container = key->next;
	size_t from, to;

	if (container->flow && container->n == 1 && w->root->flow && w->root->n > 1 && last_member(w->root) == key &&
	    w->file.p[container->start + 1] == ' ')
		return rewrite_remove_pair(w, w->root, key);
	if (container->flow || container->n > 1)
		return rewrite_remove_pair(w, container, member);
	if (section_made(w, key, member, &from, &to)) {
		if (remove_lines(w, from, to))
			return -1;
		tree_remove(w->root, key);
		return 0;
	}
	if (remove_from_block(w, container, member))
		return -1;
	*container = (struct node){.kind = NODE_SCALAR, .text = "", .next = container->next};
	return 0;
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
		return refuse(w, scalar, "it is not a word on one line");
	if (scalar->start == scalar->end)
		return refuse(w, scalar, "there is no value");
	if (scalar->style == NODE_SINGLE_QUOTED && !strchr(text, '\''))
		buf_printf(&out, "'%s'", text);
	else if (scalar->style == NODE_PLAIN && kind == VALUE_TEXT && plain_text(text))
		buf_str(&out, text);
	else if (kind == VALUE_NAME && name_needs_quotes(scalar->text) && !quotes_names(w, scalar))
		put_scalar(&out, kind, text, false); /* the quotes were the old name's */
	else
		put_scalar(&out, kind, text, scalar->style != NODE_PLAIN);
	if (!splice(w, scalar->start, scalar->end - scalar->start, &out)) {
		scalar->text = arena_strdup(w->arena, text);
		scalar->n = (uint32_t)strlen(text);
		rc = scalar->text ? 0 : no_memory(w);
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
	if (!only_spaces(w->file, colon + 1, key->next->start) || (new > old &&new - old >= room))
		return 0;
	if (new > old)
		return splice(w, colon + 1, new - old, NULL);
	struct buf more = {0};
	put_spaces(&more, (unsigned)(old - new));
	int rc = splice(w, colon + 1, 0, &more);
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

/* In the order of the file; of one place, in the order in which they were made. */
static void sort_splices(struct rewrite *w)
{
	for (size_t i = 1; i < w->n_splices; i++) {
		struct splice s = w->splices[i];
		size_t j = i;
		for (; j > 0 && w->splices[j - 1].at > s.at; j--)
			w->splices[j] = w->splices[j - 1];
		w->splices[j] = s;
	}
}

int rewrite_finish(struct rewrite *w, struct buf *out)
{
	struct buf edited = {0};
	size_t at = 0;
	bool apart = true;
	int rc = -1;

	sort_splices(w);
	for (size_t i = 0; i < w->n_splices && apart; i++) {
		const struct splice *s = &w->splices[i];
		apart = s->at >= at && s->at + s->deleted <= w->file.n;
		if (!apart)
			break;
		buf_add(&edited, w->file.p + at, s->at - at);
		buf_add(&edited, s->text.p ? s->text.p : "", s->text.n);
		edited.failed |= s->text.failed;
		at = s->at + s->deleted;
	}
	if (apart)
		buf_add(&edited, w->file.p + at, w->file.n - at);
	buf_str(&edited, "");
	if (edited.failed) {
		no_memory(w);
	} else if (!apart || !says_it(w, buf_span(&edited))) {
		if (!w->diags->out_of_memory)
			diag_help(w->diags,
				  diag_error(w->diags, "edit-style", NULL,
					     "this cannot be done without changing what else the file says"),
				  "edit it by hand");
	} else {
		buf_add(out, edited.p, edited.n);
		rc = out->failed ? no_memory(w) : 0;
	}
	buf_free(&edited);
	return rc;
}
