/* Members of mappings and lists, put in and taken out in the style of their neighbours. */
#include "schema/rewrite_parts.h"

#include <string.h>

static void style_of_value(struct rewrite *w, const struct node *value, struct style *s)
{
	struct span f = w->file;
	const struct node *first = value->kind == NODE_SCALAR ? value : value->first;

	s->flow = value->kind != NODE_MAP || value->flow;
	s->quoted = first && first->kind == NODE_SCALAR && value->kind != NODE_SCALAR
			? rewrite_quoted_by_choice(w, first)
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
	int rc = rewrite_splice(w, at, 0, &text);
	buf_free(&text);
	return rc;
}

/* What was added at the end of a file without a last line end brought one for the line before: it goes along. */
static int remove_lines(struct rewrite *w, size_t from, size_t to)
{
	if (to == w->file.n && to > from && w->file.p[to - 1] != '\n')
		from = rewrite_eol_start(w->file, from);
	return rewrite_splice(w, from, to - from, NULL);
}

/*
 * The column where a block member starts its line, its dash included. False: something else is before it.
 */
static bool block_indent(const struct rewrite *w, const struct node *container, const struct node *member,
			 unsigned *indent, unsigned *gap)
{
	struct span f = w->file;
	size_t start = rewrite_line_start(f, member->start), dash = start;

	while (dash < member->start && f.p[dash] == ' ')
		dash++;
	*indent = (unsigned)(dash - start);
	*gap = 0;
	if (container->kind == NODE_MAP)
		return dash == member->start;
	if (dash == member->start || f.p[dash] != '-' || !rewrite_only_spaces(f, dash + 1, member->start))
		return false;
	*gap = (unsigned)(member->start - dash - 1);
	return true;
}

/*
 * A block container: after the member's line and, when it is the last, after the comments below it that are indented
 * as a member or deeper, since those are not about what follows.
 */
static int add_to_block(struct rewrite *w, struct node *container, struct node *after, const struct value *v, size_t n)
{
	struct span f = w->file;
	struct node *value = rewrite_member_value(container, after);
	struct style s = {.step = 2};
	size_t end = rewrite_member_end(w, container, after), at = rewrite_next_line(f, end);

	if (!block_indent(w, container, after, &s.indent, &s.gap))
		return rewrite_refuse(w, after, "it does not start its line");
	if (container->kind == NODE_MAP) {
		s.quoted_name = rewrite_quoted_by_choice(w, after);
		s.value_column = aligned_column(container, after);
	}
	style_of_value(w, value, &s);
	if (!s.flow && value->first)
		s.step = value->first->column > after->column ? value->first->column - after->column : 2;
	s.eol = rewrite_eol_of(f, end);
	if (after == rewrite_member_last(container))
		at = rewrite_skip_comments(f, at, s.indent);

	struct buf lines = {0};
	for (size_t i = 0; i < n; i++) {
		buf_str(&lines, i ? s.eol : "");
		rewrite_put_spaces(&lines, s.indent);
		if (container->kind == NODE_LIST) {
			buf_char(&lines, '-');
			rewrite_put_spaces(&lines, s.gap);
		}
		rewrite_put_member(&lines, &s, &v[i]);
	}
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
		at = f.p[at] == '#' ? rewrite_next_line(f, at) : at + 1;
	}
	return false;
}

/* Does a member in brackets have lines for itself, as far as its start says? */
static bool own_line(struct span f, const struct node *container, const struct node *member)
{
	return member->line != container->line &&
	       rewrite_only_spaces(f, rewrite_line_start(f, member->start), member->start);
}

static bool blank_or_comment(struct span f, size_t at)
{
	while (at < f.n && (f.p[at] == ' ' || f.p[at] == '\t'))
		at++;
	return at == f.n || f.p[at] == '#' || f.p[at] == '\n' || f.p[at] == '\r';
}

/* The closing bracket of a container. */
static size_t bracket(const struct node *container)
{
	return container->end - 1;
}

static struct node *next_written(const struct node *container, const struct node *member)
{
	struct node *next = rewrite_member_next(container, member);
	while (next && !rewrite_is_written(next))
		next = rewrite_member_next(container, next);
	return next;
}

/* How far the comma after a member can be: the next member, or the closing bracket. */
static size_t written_limit(const struct node *container, const struct node *member)
{
	const struct node *next = next_written(container, member);
	return next ? next->start : bracket(container);
}

/* Brackets with something in them: after the member, on lines of their own where that one has one. */
static int add_to_flow(struct rewrite *w, struct node *container, struct node *after, const struct value *v, size_t n)
{
	struct span f = w->file;
	struct style s = {.flow = true};
	bool section = container == w->root;
	size_t end = rewrite_member_end(w, container, after), comma = 0;
	bool has_comma = find_comma(f, end, written_limit(container, after), &comma);
	size_t from = has_comma ? comma + 1 : end, limit = bracket(container);
	bool own = own_line(f, container, after) &&
		   (blank_or_comment(f, from) || from == limit || rewrite_only_spaces(f, from, limit));
	/* Past a comment on that line, unless the closing bracket stands there. */
	size_t at = own && rewrite_line_end(f, from) < limit ? rewrite_line_end(f, from) : from;
	struct buf text = {0};

	if (container->kind == NODE_MAP)
		s.quoted_name = rewrite_quoted_by_choice(w, after);
	style_of_value(w, rewrite_member_value(container, after), &s);
	s.flow = true;
	if (section) { /* rewrite_remove() knows a section that was made by its room */
		s.tight = false;
		s.loose_list = true;
	}
	if (!has_comma && at != from && rewrite_splice(w, from, 0, &(struct buf){.p = (char[]){","}, .n = 1}))
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (i || (!has_comma && at == from))
			buf_char(&text, ',');
		if (own) {
			size_t line = rewrite_line_start(f, after->start);
			buf_str(&text, rewrite_eol_of(f, at));
			buf_add(&text, f.p + line, after->start - line);
		} else {
			buf_char(&text, ' ');
		}
		rewrite_put_member(&text, &s, &v[i]);
	}
	if (has_comma)
		buf_char(&text, ',');
	int rc = rewrite_splice(w, at, 0, &text);
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
	rewrite_put_member(&text, &s, v);
	if (room && strchr("#", f.p[container->start + 1]))
		buf_char(&text, ' ');
	int rc = rewrite_splice(w, container->start + 1, 0, &text);
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
	rewrite_put_spaces(out, s->indent);
	if (!v->key)
		buf_str(out, "- ");
	s->flow = true;
	rewrite_put_member(out, s, v);
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
		return rewrite_refuse(w, key, "its key and its value are on different lines");
	struct style s = {.indent = key->column - 1 + usual_step(w->root), .eol = rewrite_eol_of(f, colon)};
	struct buf lines = {0};
	if (value->n && rewrite_splice(w, colon + 1, value->end - colon - 1, NULL))
		return -1;
	put_first(&lines, &s, v);
	int rc =
	    add_lines(w, rewrite_skip_comments(f, rewrite_next_line(f, value->n ? value->end : colon), key->column),
		      s.eol, &lines);
	buf_free(&lines);
	return rc;
}

/* No such section: it comes at the end of the file (before "...", which ends a document). */
static int add_section(struct rewrite *w, const char *section, const struct value *v)
{
	struct span f = w->file;
	const struct node *root = w->root;
	size_t end = rewrite_next_line(f, root->end);
	bool blank_lines = false;

	for (size_t line = 0; line < f.n && !blank_lines; line = rewrite_next_line(f, line))
		blank_lines = rewrite_line_end(f, line) == line;
	while (end < f.n && !(f.n - end >= 3 && !memcmp(f.p + end, "...", 3)))
		end = rewrite_next_line(f, end);
	struct style s = {.indent = root->first->column - 1 + usual_step(root), .eol = rewrite_eol_of(f, end)};
	struct buf lines = {0};
	if (blank_lines)
		buf_str(&lines, s.eol);
	rewrite_put_spaces(&lines, root->first->column - 1);
	buf_printf(&lines, "%s:%s", section, s.eol);
	put_first(&lines, &s, v);
	int rc = add_lines(w, end, s.eol, &lines);
	buf_free(&lines);
	return rc;
}

/* Members behind a written one: in the bytes, and in the tree behind those that were put there before. */
static int add_members(struct rewrite *w, struct node *container, struct node *after, const struct value *v, size_t n)
{
	struct node *last = after, *next;

	if (container->flow ? add_to_flow(w, container, after, v, n) : add_to_block(w, container, after, v, n))
		return -1;
	while ((next = rewrite_member_next(container, last)) && !rewrite_is_written(next))
		last = next;
	for (size_t i = 0; i < n; i++) {
		if (rewrite_tree_add(w, container, rewrite_member_value(container, last), &v[i]))
			return -1;
		last = rewrite_member_next(container, last);
	}
	return 0;
}

/* The section is missing: as a value it is a container of one. */
static int add_whole(struct rewrite *w, const char *section, const struct value *v)
{
	struct value whole = {section, v->key ? VALUE_MAP : VALUE_LIST, NULL, v, 1};
	struct node *last = rewrite_member_last(w->root);

	if (w->root->flow)
		return add_members(w, w->root, last, &whole, 1);
	return add_section(w, section, v) ? -1 : rewrite_tree_add(w, w->root, last->next, &whole);
}

/* The value of the section is null, which gives way. */
static int add_for_null(struct rewrite *w, struct node *key, const struct value *v)
{
	struct node *value = key->next;
	bool quoted = key->style == NODE_DOUBLE_QUOTED;
	struct style s = {.flow = true, .quoted = quoted, .quoted_name = quoted};
	struct value whole = {NULL, v->key ? VALUE_MAP : VALUE_LIST, NULL, v, 1};
	struct buf text = {0};
	int rc;

	if (w->root->flow) {
		if (!value->n)
			return rewrite_refuse(w, key, "it has no value");
		rewrite_put_flow(&text, &s, &whole);
		rc = rewrite_splice(w, value->start, value->end - value->start, &text);
		buf_free(&text);
	} else {
		rc = add_first(w, key, v);
	}
	*value = (struct node){.kind = v->key ? NODE_MAP : NODE_LIST, .next = value->next};
	return rc ? -1 : rewrite_tree_add(w, value, NULL, v);
}

int rewrite_add(struct rewrite *w, const char *section, const struct value *v)
{
	struct node *key = node_find(w->root, section), *value = key ? key->next : NULL, *last;

	if (!w->root || w->root->kind != NODE_MAP || !w->root->first) {
		diag_error(w->diags, "edit-style", NULL,
			   "nothing can be added to a file that is not a network's definition");
		return -1;
	}
	if (!key)
		return add_whole(w, section, v);
	if (node_is_null(value))
		return add_for_null(w, key, v);
	if (value->kind != (v->key ? NODE_MAP : NODE_LIST))
		return rewrite_refuse(w, key, v->key ? "it is not a mapping" : "it is not a list");
	last = rewrite_member_last(value);
	if (last)
		return add_members(w, value, last, v, 1);
	return fill_flow(w, value, key->style == NODE_DOUBLE_QUOTED, v) ? -1 : rewrite_tree_add(w, value, NULL, v);
}

/* Members that leave a container together. */
struct leaving {
	struct node *container, **members;
	size_t n;
};

static bool leaves(const struct leaving *l, const struct node *member)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->members[i] == member)
			return true;
	return false;
}

/* Some member before this one stays; after it, with `after`. */
static bool one_stays(const struct leaving *l, const struct node *member, bool after)
{
	bool passed = false;

	for (const struct node *n = l->container->first; n; n = rewrite_member_next(l->container, n)) {
		passed |= n == member;
		if (passed == after && rewrite_is_written(n) && !leaves(l, n))
			return true;
	}
	return false;
}

/* The lines of each. Neighbours go in one piece: at the end of a file a line end more goes with them, once. */
static int remove_from_block(struct rewrite *w, const struct leaving *l)
{
	struct span f = w->file;
	size_t from = 0, to = 0;

	for (struct node *n = l->container->first; n; n = rewrite_member_next(l->container, n)) {
		unsigned indent, gap;
		size_t start = rewrite_line_start(f, n->start);
		if (!leaves(l, n))
			continue;
		if (!block_indent(w, l->container, n, &indent, &gap))
			return rewrite_refuse(w, n, "it does not start its line");
		if (start != to) {
			if (to && remove_lines(w, from, to))
				return -1;
			from = start;
		}
		to = rewrite_skip_comments(f, rewrite_next_line(f, rewrite_member_end(w, l->container, n)), indent + 1);
	}
	return remove_lines(w, from, to);
}

/* Its comma goes along; that of the member before it, when it is the last of those that stay and has none itself. */
static int remove_from_flow(struct rewrite *w, const struct leaving *l, struct node *member)
{
	struct span f = w->file;
	struct node *container = l->container, *before = rewrite_member_before(container, member);
	const struct node *next = next_written(container, member);
	size_t start = member->start, end = rewrite_member_end(w, container, member), limit = bracket(container);
	size_t comma = 0, last_comma;
	bool has_comma = find_comma(f, end, next ? next->start : limit, &comma), own = own_line(f, container, member);
	size_t after = has_comma ? comma + 1 : end, left = start;
	struct node *last = rewrite_member_last(container);

	while (left > container->start + 1 && strchr(" \t", f.p[left - 1]))
		left--;
	if (own && blank_or_comment(f, after) && rewrite_next_line(f, after) <= limit) {
		/* Its lines, a comment on the last one too. */
		if (rewrite_splice(w, rewrite_line_start(f, start),
				   rewrite_next_line(f, after) - rewrite_line_start(f, start), NULL))
			return -1;
	} else if (own && !next && before) {
		/* Its lines up to the bracket that stands on the last one, which no comment may swallow. */
		size_t above = rewrite_eol_start(f, rewrite_line_start(f, start)),
		       from = rewrite_member_end(w, container, before);
		left = memchr(f.p + from, '#', above - from) ? start : above;
		if (rewrite_splice(w, left, after - left, NULL))
			return -1;
	} else if (next && next->line == member->line && !one_stays(l, member, false)) {
		return rewrite_splice(w, start, next->start - start, NULL);
	} else if (rewrite_splice(w, left, after - left, NULL)) {
		return -1;
	}
	if (!before || one_stays(l, member, true) ||
	    find_comma(f, rewrite_member_end(w, container, last), limit, &last_comma))
		return 0;
	if (!find_comma(f, rewrite_member_end(w, container, before), start, &comma))
		return rewrite_refuse(w, member, "a comma is missing");
	return rewrite_splice(w, comma, 1, NULL);
}

static int remove_members(struct rewrite *w, struct node *container, struct node **members, size_t n)
{
	const struct leaving l = {container, members, n};

	if (n && !container->flow && remove_from_block(w, &l))
		return -1;
	for (size_t i = 0; i < n && container->flow; i++)
		if (remove_from_flow(w, &l, members[i]))
			return -1;
	for (size_t i = 0; i < n; i++)
		rewrite_tree_remove(container, members[i]);
	return 0;
}

/* The only member of a section: would rewrite_add() have made the section for it? Then its lines are from ... to. */
static bool section_made(const struct rewrite *w, const struct node *key, struct node *member, size_t *from, size_t *to)
{
	struct span f = w->file;
	size_t colon = key->end, end = rewrite_member_end(w, key->next, member);

	if (colon >= f.n || f.p[colon] != ':' || w->root->n < 2 || key->next->flow || w->root->flow)
		return false;
	*from = rewrite_line_start(f, key->start);
	*to = rewrite_next_line(f, end);
	if (!rewrite_only_spaces(f, *from, key->start) || rewrite_line_end(f, colon) != colon + 1 ||
	    rewrite_line_start(f, member->start) != rewrite_next_line(f, colon) || !rewrite_at_end(f, *to))
		return false;
	if (*from > 0) { /* the empty line before it */
		size_t above = rewrite_line_start(f, *from - 1);
		if (rewrite_line_end(f, above) == above)
			*from = above;
	}
	return true;
}

int rewrite_remove(struct rewrite *w, const char *section, struct node *member)
{
	struct node *key = node_find(w->root, section), *container = key->next;
	size_t from, to;

	if (container->flow && container->n == 1 && w->root->flow && w->root->n > 1 &&
	    rewrite_member_last(w->root) == key && w->file.p[container->start + 1] == ' ')
		return remove_members(w, w->root, &key, 1);
	if (container->flow || container->n > 1)
		return remove_members(w, container, &member, 1);
	if (section_made(w, key, member, &from, &to)) {
		if (remove_lines(w, from, to))
			return -1;
		rewrite_tree_remove(w->root, key);
		return 0;
	}
	if (remove_members(w, container, &member, 1))
		return -1;
	*container = (struct node){.kind = NODE_SCALAR, .text = "", .next = container->next};
	return 0;
}

/* Behind which pair a new one comes. */
static struct node *pair_place(const struct node *map, const struct pair *p)
{
	struct node *after = p->after ? node_find(map, p->after) : NULL;
	return after && rewrite_is_written(after) ? after : rewrite_member_last(map);
}

/* Those with one place come in one go. */
static int add_pairs(struct rewrite *w, struct node *map, const struct pair **pairs, size_t n)
{
	struct value *values = arena_array(w->arena, n + 1, sizeof(*values));

	if (!values)
		return diags_out_of_memory(w->diags);
	for (size_t i = 0; i < n; i++) {
		struct node *after = pairs[i] ? pair_place(map, pairs[i]) : NULL;
		size_t together = 0;
		for (size_t k = i; after && k < n; k++) {
			if (!pairs[k] || pair_place(map, pairs[k]) != after)
				continue;
			values[together++] = pairs[k]->value;
			pairs[k] = NULL;
		}
		if (after && add_members(w, map, after, values, together))
			return -1;
	}
	return 0;
}

int rewrite_pairs(struct rewrite *w, struct node *map, const struct pair *pairs, size_t n)
{
	struct node **going = arena_array(w->arena, n + 1, sizeof(struct node *));
	const struct pair **coming = arena_array(w->arena, n + 1, sizeof(const struct pair *));
	size_t n_going = 0, n_coming = 0, swapped;

	if (!going || !coming)
		return diags_out_of_memory(w->diags);
	if (map->kind != NODE_MAP || !map->first)
		return rewrite_refuse(w, map, "it has no members");
	for (size_t i = 0; i < n; i++) {
		const struct value *v = &pairs[i].value;
		struct node *key = node_find(map, v->key);
		if (key && !v->text)
			going[n_going++] = key;
		else if (key && rewrite_scalar(w, key->next, v->kind, v->text))
			return -1;
		else if (!key && v->text)
			coming[n_coming++] = &pairs[i];
	}
	swapped = n_going < n_coming ? n_going : n_coming;
	for (size_t i = 0; i < swapped; i++) {
		const struct value *v = &coming[i]->value;
		if (rewrite_key(w, map, going[i], v->key) || rewrite_scalar(w, going[i]->next, v->kind, v->text))
			return -1;
	}
	if (add_pairs(w, map, coming + swapped, n_coming - swapped))
		return -1;
	return remove_members(w, map, going + swapped, n_going - swapped);
}
