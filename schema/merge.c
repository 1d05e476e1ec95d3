/* A file in three versions, in parts: a part is a member of a section with the comment lines that belong to it. */
#include "schema/merge.h"

#include "schema/merge_tree.h"
#include "schema/rewrite_parts.h"

#include <stdlib.h>
#include <string.h>

/* One member of a container in block style. Its bytes are lead (the lines before it) and body. */
struct part {
	const char *id;         /* a key; of an item, what it says and which of its equals it is */
	const struct node *key; /* of an item: the item */
	const struct node *value;
	size_t from, line, to;
};
struct part_id {
	const char *id;
	uint32_t part;
};
/* head, parts and tail are all bytes of the container, in this order. */
struct parts {
	struct part *all;
	struct part_id *by_id;
	uint32_t n;
	size_t from, head_to, tail, to;
};

/* A member of the result: the same part in each version that has it. */
struct entry {
	const struct part *part[N_MERGE_VERSIONS];
	struct entry *next;
};

struct merger {
	struct arena *arena;
	struct span file[N_MERGE_VERSIONS];
	struct diags *diags;
	bool conflict, failed; /* failed: out of memory */
};

static void conflict(struct merger *m, const char *path, const char *what)
{
	if (!m->conflict || *path)
		diag_error(m->diags, "merge-conflict", NULL, "%s%s%s", what, *path ? ": " : "", path);
	m->conflict = true;
}
#define BOTH_CHANGED "both sides changed this in different ways"

static struct span cut(const struct merger *m, int version, size_t from, size_t to)
{
	return (struct span){m->file[version].p + from, to - from};
}

/* The bytes that win: those of the side that changed them. -1: both did, in different ways. */
static int text_winner(const struct span text[N_MERGE_VERSIONS])
{
	if (span_eq(text[MERGE_OURS], text[MERGE_THEIRS]) || span_eq(text[MERGE_BASE], text[MERGE_THEIRS]))
		return MERGE_OURS;
	return span_eq(text[MERGE_BASE], text[MERGE_OURS]) ? MERGE_THEIRS : -1;
}

/* Whole lines. */
static void put_lines(struct buf *out, struct span lines)
{
	if (lines.n && out->n && out->p[out->n - 1] != '\n')
		buf_str(out, out->n > 1 && memchr(out->p, '\r', out->n) ? "\r\n" : "\n");
	buf_add(out, lines.n ? (const void *)lines.p : "", lines.n);
}

static void put_winner(struct merger *m, const struct span text[N_MERGE_VERSIONS], const char *path, struct buf *out)
{
	int winner = text_winner(text);

	if (winner < 0)
		conflict(m, path, BOTH_CHANGED);
	else
		put_lines(out, text[winner]);
}

/* ---- a container into its parts ---------------------------------------------------------------------------------- */

/* Where the line of a member starts, and how far it is indented. False: something else is before it on its line. */
static bool starts_line(struct span f, const struct node *container, const struct node *member, size_t *line,
			unsigned *indent)
{
	size_t at = *line = rewrite_line_start(f, member->start);

	while (at < member->start && f.p[at] == ' ')
		at++;
	*indent = (unsigned)(at - *line);
	if (container->kind == NODE_MAP)
		return at == member->start;
	return at < member->start && f.p[at] == '-' && rewrite_only_spaces(f, at + 1, member->start);
}

static int id_cmp(const void *x, const void *y)
{
	const struct part_id *a = x, *b = y;
	int c = strcmp(a->id, b->id);

	return c ? c : (a->part > b->part) - (a->part < b->part);
}

/* Sorts by id; the second item of two equal ones gets an id of its own. */
static bool index_parts(struct merger *m, struct parts *p)
{
	const char *last = NULL;
	unsigned same = 0;

	p->by_id = arena_array(m->arena, p->n + 1, sizeof(*p->by_id));
	if (!p->by_id)
		return false;
	for (uint32_t i = 0; i < p->n; i++)
		p->by_id[i] = (struct part_id){p->all[i].id, i};
	qsort(p->by_id, p->n, sizeof(*p->by_id), id_cmp);
	for (uint32_t i = 0; i < p->n; i++) {
		struct part_id *id = &p->by_id[i];
		bool again = last && strcmp(id->id, last) == 0;
		same = again ? same + 1 : 0;
		last = id->id;
		/* Only items are equal, and what they say begins with its length: this is the id of no other one. */
		if (again && !(id->id = arena_printf(m->arena, "%s\x01%08u", last, same)))
			return false;
		p->all[id->part].id = id->id;
	}
	qsort(p->by_id, p->n, sizeof(*p->by_id), id_cmp);
	return true;
}

static const struct part *part_of(const struct parts *p, const char *id)
{
	uint32_t lo = 0, hi = p->n;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = strcmp(p->by_id[mid].id, id);
		if (!c)
			return &p->all[p->by_id[mid].part];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/*
 * Splits [from, to), which has the container and what is before it. `container` NULL or empty: all of it is head. False:
 * its layout is another one, or out of memory.
 */
static bool split(struct merger *m, int version, struct node *container, size_t from, size_t to, struct parts *out)
{
	const struct span f = m->file[version];
	const struct rewrite file = {.file = f};
	bool any = container && !node_is_null(container);

	*out = (struct parts){.from = from, .head_to = to, .tail = to, .to = to};
	out->all = arena_array(m->arena, any ? container->n + 1 : 1, sizeof(*out->all));
	m->failed |= !out->all;
	if (m->failed || (any && container->flow))
		return false;
	for (struct node *n = any ? container->first : NULL; n; n = rewrite_member_next(container, n)) {
		struct part *part = &out->all[out->n];
		unsigned indent;
		part->key = n;
		part->value = rewrite_member_value(container, n);
		part->id = container->kind == NODE_MAP && n->kind == NODE_SCALAR ? n->text : merge_node_id(m->arena, n);
		m->failed |= !part->id;
		if (m->failed || !starts_line(f, container, n, &part->line, &indent) || part->line < from ||
		    (out->n && part->line < part[-1].line))
			return false;
		part->from = out->n ? part[-1].to : part->line;
		part->to = rewrite_next_line(f, rewrite_member_end(&file, container, n));
		part->to = rewrite_skip_comments(f, part->to, indent + 1);
		if (part->to > to)
			part->to = to;
		if (part->from > part->line)
			return false;
		out->n++;
	}
	if (out->n) {
		out->head_to = out->all[0].line;
		out->tail = out->all[out->n - 1].to;
	}
	m->failed |= !index_parts(m, out);
	return !m->failed;
}

/* ---- brackets ---------------------------------------------------------------------------------------------------- */

/* The members of a container in brackets; parts without lines. False: out of memory. */
static bool split_flow(struct merger *m, struct node *container, struct parts *out)
{
	bool map = container->kind == NODE_MAP;

	*out = (struct parts){.all = arena_array(m->arena, container->n + 1, sizeof(*out->all))};
	m->failed |= !out->all;
	for (struct node *n = container->first; n && !m->failed; n = rewrite_member_next(container, n)) {
		struct part *part = &out->all[out->n++];
		*part = (struct part){.key = n, .value = rewrite_member_value(container, n)};
		part->id = map && n->kind == NODE_SCALAR ? n->text : merge_node_id(m->arena, n);
		m->failed |= !part->id;
	}
	m->failed = m->failed || !index_parts(m, out);
	return !m->failed;
}

static void merge_flow(struct merger *m, const struct node *const node[N_MERGE_VERSIONS], const char *path,
		       struct buf *out);

/* A member of brackets that both sides have. */
static void put_flow_both(struct merger *m, const struct entry *e, const char *path, struct buf *out)
{
	const struct part *ours = e->part[MERGE_OURS];
	const struct node *node[N_MERGE_VERSIONS];
	struct span text[N_MERGE_VERSIONS] = {{0}};
	int winner;

	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		node[v] = e->part[v] ? e->part[v]->value : NULL;
		if (node[v])
			text[v] = cut(m, v, node[v]->start, node[v]->end);
	}
	winner = text_winner(text);
	if (ours->key != ours->value) {
		struct span key = cut(m, MERGE_OURS, ours->key->start, ours->value->start);
		buf_add(out, key.p, key.n);
	}
	if (winner >= 0)
		buf_add(out, text[winner].p, text[winner].n);
	else
		merge_flow(m, node, path, out);
}

/* What stands between two members of ours: where it does not say, as between the first two. */
static void put_separator(const struct merger *m, const struct parts *ours, struct buf *out)
{
	struct span between = SPAN(", ");

	if (ours->n > 1)
		between = cut(m, MERGE_OURS, ours->all[0].value->end, ours->all[1].key->start);
	if (memchr(between.p, '#', between.n))
		between = SPAN(", ");
	buf_add(out, between.p, between.n);
}

static struct entry *merge_order(struct merger *m, struct parts p[N_MERGE_VERSIONS]);
static const char *path_to(struct merger *m, const char *path, const struct entry *e);
static bool goes(struct merger *m, const struct entry *e, const char *path);

/* Both sides changed what is in brackets: member by member, in the layout of ours. */
static void merge_flow(struct merger *m, const struct node *const node[N_MERGE_VERSIONS], const char *path,
		       struct buf *out)
{
	const struct node *ours = node[MERGE_OURS];
	struct parts p[N_MERGE_VERSIONS];
	bool first = true;

	for (int v = 0; v < N_MERGE_VERSIONS; v++)
		if (!node[v] || !node[v]->flow || node[v]->kind != ours->kind || ours->kind == NODE_SCALAR ||
		    !split_flow(m, (struct node *)node[v], &p[v])) {
			conflict(m, path, BOTH_CHANGED);
			return;
		}
	if (!p[MERGE_OURS].n) {
		conflict(m, path, BOTH_CHANGED);
		return;
	}
	buf_add(out, m->file[MERGE_OURS].p + ours->start, p[MERGE_OURS].all[0].key->start - ours->start);
	for (struct entry *e = merge_order(m, p); e; e = e->next) {
		const struct part *theirs = e->part[MERGE_THEIRS];
		const char *name = path_to(m, path, e);
		if (goes(m, e, name))
			continue;
		if (!first)
			put_separator(m, &p[MERGE_OURS], out);
		first = false;
		if (e->part[MERGE_OURS])
			put_flow_both(m, e, name, out);
		else
			buf_add(out, m->file[MERGE_THEIRS].p + theirs->key->start,
				theirs->value->end - theirs->key->start);
	}
	const struct part *last = &p[MERGE_OURS].all[p[MERGE_OURS].n - 1];
	buf_add(out, m->file[MERGE_OURS].p + last->value->end, ours->end - last->value->end);
}

/* ---- the members of the result ----------------------------------------------------------------------------------- */

static bool only_ours(const struct entry *e)
{
	return e->part[MERGE_OURS] && !e->part[MERGE_BASE] && !e->part[MERGE_THEIRS];
}

/* In the order of ours; what theirs added comes behind what it stands behind there, and behind what ours added there. */
static struct entry *merge_order(struct merger *m, struct parts p[N_MERGE_VERSIONS])
{
	const struct parts *ours = &p[MERGE_OURS], *theirs = &p[MERGE_THEIRS], *base = &p[MERGE_BASE];
	struct entry *all = arena_array(m->arena, (size_t)ours->n + theirs->n + 1, sizeof(*all)), *first = NULL;
	struct entry **end = &first, *anchor = NULL;
	uint32_t n = 0;

	if (!all) {
		m->failed = true;
		return NULL;
	}
	for (uint32_t i = 0; i < ours->n; i++) {
		struct entry *e = &all[n++];
		const char *id = ours->all[i].id;
		*e = (struct entry){{part_of(base, id), &ours->all[i], part_of(theirs, id)}, NULL};
		*end = e;
		end = &e->next;
	}
	for (uint32_t i = 0; i < theirs->n; i++) {
		const struct part *in_ours = part_of(ours, theirs->all[i].id);
		struct entry *e = in_ours ? &all[in_ours - ours->all] : &all[n++], **at;
		if (!in_ours) {
			*e = (struct entry){{part_of(base, theirs->all[i].id), NULL, &theirs->all[i]}, NULL};
			for (at = anchor ? &anchor->next : &first; *at && only_ours(*at);)
				at = &(*at)->next;
			e->next = *at;
			*at = e;
		}
		anchor = e;
	}
	return first;
}

static const char *path_to(struct merger *m, const char *path, const struct entry *e)
{
	const struct part *p = e->part[MERGE_OURS] ? e->part[MERGE_OURS] : e->part[MERGE_THEIRS];
	const char *name = p->key == p->value ? "an item" : p->id;

	name = arena_printf(m->arena, "%s%s%s", path, *path ? "." : "", name);
	m->failed |= !name;
	return name ? name : "";
}

/* One side took the member out. The other one must not have changed it. */
static bool goes(struct merger *m, const struct entry *e, const char *path)
{
	const struct part *base = e->part[MERGE_BASE], *left;

	if (!base || (e->part[MERGE_OURS] && e->part[MERGE_THEIRS]))
		return false;
	left = e->part[MERGE_OURS] ? e->part[MERGE_OURS] : e->part[MERGE_THEIRS];
	if (!merge_same(base->value, left->value))
		conflict(m, path, "one side removed this, the other one changed it");
	return true;
}

static void merge_members(struct merger *m, struct node *const node[N_MERGE_VERSIONS],
			  const size_t from[N_MERGE_VERSIONS], const size_t to[N_MERGE_VERSIONS], const char *path,
			  struct buf *out);

/*
 * A member that one side has. What both sides added behind the comments at the end of the container has these as its
 * lead on each side: they are put out once, with that of ours.
 */
static void put_one(struct merger *m, const struct entry *e, const struct span tail[N_MERGE_VERSIONS], struct buf *out)
{
	int v = e->part[MERGE_OURS] ? MERGE_OURS : MERGE_THEIRS;
	const struct part *p = e->part[v];
	const struct span was = tail[MERGE_BASE];
	size_t from = p->from;

	if (v == MERGE_THEIRS && !span_eq(was, tail[MERGE_OURS]) && p->line - from >= was.n &&
	    span_eq(was, cut(m, v, from, from + was.n)))
		from += was.n;
	put_lines(out, cut(m, v, from, p->to));
}

/* The value in brackets of a pair or item that both sides changed. What is around it must have one change at most. */
static void put_around_flow(struct merger *m, const struct entry *e, const char *path, struct buf *out)
{
	struct span before[N_MERGE_VERSIONS], after[N_MERGE_VERSIONS];
	const struct node *node[N_MERGE_VERSIONS];

	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		const struct part *p = e->part[v];
		node[v] = p->value;
		before[v] = cut(m, v, p->line, p->value->start);
		after[v] = cut(m, v, p->value->end, p->to);
	}
	int b = text_winner(before), a = text_winner(after);
	if (a < 0 || b < 0) {
		conflict(m, path, BOTH_CHANGED);
		return;
	}
	put_lines(out, before[b]);
	merge_flow(m, node, path, out);
	buf_add(out, after[a].p, after[a].n);
}

/* A member that ours and theirs have. Sections that both added are merged as if an empty one had been there. */
static void put_both(struct merger *m, const struct entry *e, const char *path, bool section, struct buf *out)
{
	struct span lead[N_MERGE_VERSIONS] = {{0}}, body[N_MERGE_VERSIONS] = {{0}};
	struct node *node[N_MERGE_VERSIONS] = {NULL};
	size_t from[N_MERGE_VERSIONS] = {0}, to[N_MERGE_VERSIONS] = {0};
	bool flow = true, block = true;
	int kind = -1, winner;

	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		const struct part *p = e->part[v];
		if (!p) {
			flow = false;
			block &= section;
			continue;
		}
		lead[v] = cut(m, v, p->from, p->line);
		body[v] = cut(m, v, p->line, p->to);
		from[v] = p->line;
		to[v] = p->to;
		node[v] = (struct node *)p->value;
		flow &= node[v]->kind != NODE_SCALAR && node[v]->flow;
		if (kind < 0 && !node_is_null(node[v]))
			kind = node[v]->kind;
		block &= node_is_null(node[v]) ||
			 (node[v]->kind == kind && kind != NODE_SCALAR && !node[v]->flow && node[v] != p->key);
	}
	put_winner(m, lead, path, out);
	winner = text_winner(body);
	if (winner >= 0)
		put_lines(out, body[winner]);
	else if (flow)
		put_around_flow(m, e, path, out);
	else if (block && kind >= 0)
		merge_members(m, node, from, to, path, out);
	else
		conflict(m, path, BOTH_CHANGED);
}

/* The container in each version, with the bytes around it. */
static void merge_members(struct merger *m, struct node *const node[N_MERGE_VERSIONS],
			  const size_t from[N_MERGE_VERSIONS], const size_t to[N_MERGE_VERSIONS], const char *path,
			  struct buf *out)
{
	struct span head[N_MERGE_VERSIONS], tail[N_MERGE_VERSIONS];
	struct parts p[N_MERGE_VERSIONS];

	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		if (!split(m, v, node[v], from[v], to[v], &p[v])) {
			conflict(m, path, "both sides changed this, and it is not written as a block, a member a line");
			return;
		}
		head[v] = cut(m, v, p[v].from, p[v].head_to);
		tail[v] = cut(m, v, p[v].tail, p[v].to);
	}
	put_winner(m, head, path, out);
	for (struct entry *e = merge_order(m, p); e; e = e->next) {
		const char *name = path_to(m, path, e);
		if (goes(m, e, name))
			continue;
		if (e->part[MERGE_OURS] && e->part[MERGE_THEIRS])
			put_both(m, e, name, !*path, out);
		else
			put_one(m, e, tail, out);
	}
	put_winner(m, tail, path, out);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static const char *const sides[] = {"the common ancestor", "our side", "their side"};

/* Reads a version. False, with a diagnostic: it is not YAML, or not a mapping. The result has no diagnostic. */
static bool read_version(struct merger *m, int which, struct span bytes, struct node **root)
{
	struct diags quiet = {0};
	bool ok =
	    !yaml_read(m->arena, bytes, 0, root, &quiet) && !quiet.n_errors && (!*root || (*root)->kind == NODE_MAP);

	m->failed |= quiet.out_of_memory;
	if (!ok && !m->failed && which < N_MERGE_VERSIONS)
		conflict(m, "",
			 arena_printf(m->arena, "%s is not a definition: %s", sides[which],
				      quiet.first ? quiet.first->message : "it is not a mapping"));
	diags_free(&quiet);
	return ok;
}

static bool ends_open(struct span f)
{
	return f.n && f.p[f.n - 1] != '\n';
}

static bool check(struct merger *m, struct node *const root[N_MERGE_VERSIONS], struct span bytes)
{
	struct node *result = NULL;
	bool ok = read_version(m, N_MERGE_VERSIONS, bytes, &result) &&
		  merge_fits(root[MERGE_BASE], root[MERGE_OURS], root[MERGE_THEIRS], result, &m->failed);

	if (!ok && !m->conflict)
		conflict(m, "", "the changes of both sides cannot be put together as they are written");
	return ok && !m->failed;
}

static int start(struct merger *m, const struct span version[N_MERGE_VERSIONS], struct node *root[N_MERGE_VERSIONS])
{
	m->arena = arena_new();
	m->failed = !m->arena;
	for (int v = 0; v < N_MERGE_VERSIONS && !m->failed; v++) {
		m->file[v] = version[v].n ? version[v] : SPAN("");
		if (!read_version(m, v, m->file[v], &root[v]))
			break;
	}
	return m->failed || m->conflict ? -1 : 0;
}

static int end(struct merger *m)
{
	arena_free(m->arena);
	return m->failed ? diags_out_of_memory(m->diags) : m->conflict ? 0 : 1;
}

int definition_merge(const struct span version[static N_MERGE_VERSIONS], struct buf *out, struct diags *d)
{
	struct merger m = {.diags = d};
	struct node *root[N_MERGE_VERSIONS] = {NULL};
	struct buf merged = {0};
	size_t from[N_MERGE_VERSIONS] = {0}, to[N_MERGE_VERSIONS];

	if (!start(&m, version, root)) {
		for (int v = 0; v < N_MERGE_VERSIONS; v++)
			to[v] = m.file[v].n;
		merge_members(&m, root, from, to, "", &merged);
		m.failed |= merged.failed;
		if (!m.failed && !m.conflict && merged.n && ends_open(m.file[MERGE_OURS]) &&
		    ends_open(m.file[MERGE_THEIRS]) && merged.p[merged.n - 1] == '\n')
			merged.n = rewrite_eol_start(buf_span(&merged), merged.n);
		if (!m.failed && !m.conflict && check(&m, root, buf_span(&merged))) {
			buf_add(out, merged.n ? merged.p : "", merged.n);
			m.failed |= out->failed;
		}
	}
	buf_free(&merged);
	return end(&m);
}

bool definition_merge_fits(const struct span version[static N_MERGE_VERSIONS], struct span result, struct diags *d)
{
	struct merger m = {.diags = d};
	struct node *root[N_MERGE_VERSIONS] = {NULL};

	if (!start(&m, version, root))
		check(&m, root, result);
	return end(&m) == 1;
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static bool is_address(const struct node *n, const struct addr *a)
{
	struct addr is;

	return n->kind == NODE_SCALAR && !addr_parse(n->text, n->n, &is) && addr_cmp(&is, a) == 0;
}

int definition_readdress(struct span file, const struct merge_address *moves, size_t n, struct buf *out,
			 struct diags *d)
{
	struct arena *a = arena_new();
	struct rewrite w = {0};
	char text[ADDR_STR_LEN];
	int rc = 0;

	if (!a)
		return diags_out_of_memory(d);
	if (rewrite_open(&w, a, file, 0, d)) {
		arena_free(a);
		return -1;
	}
	for (size_t i = 0; i < n && !rc; i++) {
		struct node *key = node_find(w.root, "peers");
		key = key ? node_find(key->next, moves[i].peer) : NULL;
		key = key ? node_find(key->next, "ip") : NULL;
		struct node *v = key && key->next->kind == NODE_LIST ? key->next->first : key ? key->next : NULL;
		while (v && key->next->kind == NODE_LIST && !is_address(v, &moves[i].from))
			v = v->next;
		addr_format(&moves[i].to, text);
		if (!v || !is_address(v, &moves[i].from))
			rc = 1;
		else
			rc = rewrite_scalar(&w, v, addr_is_v4(&moves[i].to) ? VALUE_WORD : VALUE_TEXT, text);
	}
	if (!rc)
		rc = rewrite_finish(&w, out);
	rewrite_close(&w);
	arena_free(a);
	return rc;
}
