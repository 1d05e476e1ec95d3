#include "schema/yaml.h"

#include "schema/limits.h"
#include "schema/order.h"
#include "schema/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct place node_place(const struct node *n, uint32_t file)
{
	return (struct place){file, n->line, n->column, n->end_line, n->end_column};
}

struct node *node_find(const struct node *map, const char *key)
{
	if (map && map->kind == NODE_MAP)
		for (node_pairs(k, map))
			if (k->kind == NODE_SCALAR && !strcmp(k->text, key))
				return k;
	return NULL;
}

/* YAML 1.2's core schema (section 10.3.2): what a plain scalar means when it is no text. */
bool node_is_null(const struct node *n)
{
	return n->kind == NODE_SCALAR && n->style == NODE_PLAIN &&
	       (n->n == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0 ||
		strcmp(n->text, "Null") == 0 || strcmp(n->text, "NULL") == 0);
}

/*
 * libyaml counts code points; people who edit a file count bytes. Marks hardly ever go back, so one
 * cursor turns one into the other in a single pass.
 */
struct cursor {
	const uint8_t *p;
	size_t n, index, byte;
	size_t base; /* of a byte order mark that was cut off */
	bool ascii;
};

static size_t byte_of(struct cursor *c, size_t index)
{
	if (c->ascii)
		return c->base + (index < c->n ? index : c->n);
	for (; c->index < index && c->byte < c->n; c->index++)
		do
			c->byte++;
		while (c->byte < c->n && (c->p[c->byte] & 0xc0) == 0x80);
	for (; c->index > index; c->index--)
		do
			c->byte--;
		while ((c->p[c->byte] & 0xc0) == 0x80);
	return c->base + c->byte;
}

/* One container that is being read. */
struct level {
	struct node *node;
	struct node **end;
	bool value_next; /* of a map: what comes is a value */
};

struct reader {
	struct arena *arena;
	struct diags *diags;
	uint32_t file;
	struct cursor cursor;
	struct level levels[YAML_DEPTH_MAX + 1];
	unsigned depth;
	size_t n_nodes;
	struct node *root;
};

static struct place place_at(const struct reader *r, const yaml_mark_t *m)
{
	uint32_t line = (uint32_t)m->line + 1, column = (uint32_t)m->column + 1;

	return (struct place){r->file, line, column, line, column};
}

static int refuse(struct reader *r, const char *code, uint32_t line, uint32_t column, const char *what,
		  const char *help)
{
	struct place at = {r->file, line, column, line, column + 1};

	diag_help(r->diags, diag_error(r->diags, code, &at, "%s", what), "%s", help);
	return -1;
}

/*
 * The whole text before libyaml sees it: its reader gives errors no line, and takes as line breaks
 * what no editor shows as one (a lone CR, NEL, LS, PS).
 */
static int check_text(struct reader *r, struct span s)
{
	uint32_t line = 1, column = 1, cp = 0;
	bool ascii = true;
	uint64_t word;
	unsigned len;

	for (size_t i = 0; i < s.n; i += len) {
		/* Eight printable ASCII bytes at a time: none has its top bit, none is below 0x20 or 0x7f. */
		while (s.n - i >= 8) {
			memcpy(&word, s.p + i, 8);
			if (((word | (word - 0x2020202020202020u) | (word + 0x0101010101010101u)) &
			     0x8080808080808080u) != 0)
				break;
			column += 8;
			i += 8;
		}
		if (i == s.n)
			break;
		len = utf8_decode(s.p + i, s.n - i, &cp);
		if (len == 0)
			return refuse(r, "not-utf8", line, column, "this is not UTF-8", "save the file as UTF-8");
		if (cp == '\n') {
			line++;
			column = 1;
			continue;
		}
		if (cp == '\r' ? i + 1 == s.n || s.p[i + 1] != '\n' : cp == 0x85 || cp == 0x2028 || cp == 0x2029)
			return refuse(r, "bad-character", line, column, "a line break other than LF or CRLF",
				      "take it out, or end the line with LF");
		if ((cp < 0x20 && cp != '\t' && cp != '\r') || (cp >= 0x7f && cp < 0xa0) || cp == 0xfeff ||
		    cp == 0xfffe || cp == 0xffff)
			return refuse(r, "bad-character", line, column, "a character that YAML does not allow",
				      "take it out: it cannot be seen in most editors");
		ascii = ascii && len == 1;
		column++;
	}
	r->cursor.ascii = ascii;
	return 0;
}

static struct node *node_new(struct reader *r, enum node_kind kind, const yaml_event_t *e)
{
	struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;
	struct node *n;

	if (++r->n_nodes > YAML_NODES_MAX) {
		struct place at = place_at(r, &e->start_mark);

		diag_error(r->diags, "too-large", &at, "more than %u YAML nodes", YAML_NODES_MAX);
		return NULL;
	}
	n = arena_alloc(r->arena, sizeof(*n));
	if (!n) {
		diags_out_of_memory(r->diags);
		return NULL;
	}
	n->kind = (uint8_t)kind;
	n->line = (uint32_t)e->start_mark.line + 1;
	n->column = (uint32_t)e->start_mark.column + 1;
	n->end_line = (uint32_t)e->end_mark.line + 1;
	n->end_column = (uint32_t)e->end_mark.column + 1;
	n->start = (uint32_t)byte_of(&r->cursor, e->start_mark.index);
	n->end = (uint32_t)byte_of(&r->cursor, e->end_mark.index);
	if (!top) {
		r->root = n;
		return n;
	}
	*top->end = n;
	top->end = &n->next;
	if (top->node->kind == NODE_LIST || top->value_next)
		top->node->n++;
	top->value_next = top->node->kind == NODE_MAP && !top->value_next;
	return n;
}

/* After node_new(): returns whether the node that it added is the key of a pair. */
static bool is_key(const struct reader *r)
{
	const struct level *top = r->depth ? &r->levels[r->depth - 1] : NULL;

	return top && top->node->kind == NODE_MAP && top->value_next;
}

static void refuse_marks(struct reader *r, const struct node *n, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct place at = node_place(n, r->file);

	if (anchor)
		diag_help(r->diags, diag_error(r->diags, "yaml-alias", &at, "the anchor '&%s' is not allowed", anchor),
			  "write the value out where it is needed");
	if (tag)
		diag_help(r->diags, diag_error(r->diags, "yaml-tag", &at, "the tag '%s' is not allowed", tag),
			  "take it out: each key takes one type of value");
}

static int read_scalar(struct reader *r, const yaml_event_t *e)
{
	static const uint8_t styles[] = {
	    [YAML_ANY_SCALAR_STYLE] = NODE_PLAIN,
	    [YAML_PLAIN_SCALAR_STYLE] = NODE_PLAIN,
	    [YAML_SINGLE_QUOTED_SCALAR_STYLE] = NODE_SINGLE_QUOTED,
	    [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = NODE_DOUBLE_QUOTED,
	    [YAML_LITERAL_SCALAR_STYLE] = NODE_LITERAL,
	    [YAML_FOLDED_SCALAR_STYLE] = NODE_FOLDED,
	};
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	struct node *n = node_new(r, NODE_SCALAR, e);
	struct place at;

	if (!n)
		return -1;
	at = node_place(n, r->file);
	n->style = styles[e->data.scalar.style];
	refuse_marks(r, n, e->data.scalar.anchor, e->data.scalar.tag);
	if (len > YAML_SCALAR_MAX || memchr(text, '\0', len)) {
		if (len > YAML_SCALAR_MAX)
			diag_help(r->diags,
				  diag_error(r->diags, "too-large", &at, "a text of %zu bytes; at most %u are allowed",
					     len, YAML_SCALAR_MAX),
				  "is a quote left open before this?");
		else
			diag_help(r->diags,
				  diag_error(r->diags, "bad-character", &at, "a NUL character is not allowed"),
				  "take it out");
		n->kind = NODE_BAD;
		return 0;
	}
	n->n = (uint32_t)len;
	n->text = arena_strndup(r->arena, text, len);
	if (!n->text)
		return diags_out_of_memory(r->diags);
	return 0;
}

static int read_start(struct reader *r, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	struct node *n = node_new(r, map ? NODE_MAP : NODE_LIST, e);
	struct place at;

	if (!n)
		return -1;
	at = node_place(n, r->file);
	if (is_key(r))
		diag_help(
		    r->diags,
		    diag_error(r->diags, "bad-type", &at, "a key must be a word, not a %s", map ? "mapping" : "list"),
		    "is a '?' or a bracket before this that should not be there?");
	if (r->depth == YAML_DEPTH_MAX) {
		diag_help(r->diags, diag_error(r->diags, "too-deep", &at, "nested more than %d deep", YAML_DEPTH_MAX),
			  "is a bracket or a brace left open before this?");
		return -1;
	}
	if (map) {
		n->flow = e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
		refuse_marks(r, n, e->data.mapping_start.anchor, e->data.mapping_start.tag);
	} else {
		n->flow = e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
		refuse_marks(r, n, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	}
	r->levels[r->depth++] = (struct level){.node = n, .end = &n->first};
	return 0;
}

static int key_node_cmp(const void *va, const void *vb)
{
	const struct node *a = *(struct node *const *)va, *b = *(struct node *const *)vb;
	int c = strcmp(a->text, b->text);

	return c ? c : (a->start > b->start) - (a->start < b->start);
}

static struct span key_item(const void *ctx, uint32_t i)
{
	const struct node *key = ((struct node *const *)ctx)[i];

	return (struct span){(const uint8_t *)key->text, key->n};
}

/* Small maps are compared pair by pair; larger ones by their hashes first, and sorted when two may be the same. */
#define SMALL_MAP 12

static void duplicate(struct reader *r, const struct node *first, const struct node *again)
{
	struct place at = node_place(again, r->file), before = node_place(first, r->file);
	struct diag *g = diag_error(r->diags, "duplicate-key", &at, "'%s' is here twice", again->text);

	diag_note(r->diags, g, &before, "it was first given");
	diag_help(r->diags, g, "keep one of the two");
}

static int check_duplicates(struct reader *r, const struct node *map)
{
	struct node *small[SMALL_MAP], **keys = small;
	size_t n = 0;

	if (map->n > SMALL_MAP)
		keys = malloc(map->n * sizeof(*keys));
	if (!keys)
		return diags_out_of_memory(r->diags);
	for (node_pairs(k, map))
		if (k->kind == NODE_SCALAR)
			keys[n++] = k;
	if (keys == small) {
		for (size_t i = 1; i < n; i++)
			for (size_t j = 0; j < i; j++)
				if (keys[i]->n == keys[j]->n && memcmp(keys[i]->text, keys[j]->text, keys[i]->n) == 0) {
					duplicate(r, keys[j], keys[i]);
					break;
				}
		return 0;
	}
	if (!order_maybe_twice((uint32_t)n, key_item, keys)) {
		free(keys);
		return 0;
	}
	qsort(keys, n, sizeof(*keys), key_node_cmp);
	for (size_t i = 1, first = 0; i < n; i++) {
		if (strcmp(keys[i]->text, keys[first]->text) == 0)
			duplicate(r, keys[first], keys[i]);
		else
			first = i;
	}
	free(keys);
	return 0;
}

static int read_end(struct reader *r, const yaml_event_t *e)
{
	struct level *top = &r->levels[--r->depth];
	struct node *n = top->node, *last = n->first;

	if (n->flow) {
		n->end_line = (uint32_t)e->end_mark.line + 1;
		n->end_column = (uint32_t)e->end_mark.column + 1;
		n->end = (uint32_t)byte_of(&r->cursor, e->end_mark.index);
	} else if (last) {
		/* To libyaml a block ends at the next token; to a reader, where its last value does. */
		last = (struct node *)((char *)top->end - offsetof(struct node, next));
		n->end_line = last->end_line;
		n->end_column = last->end_column;
		n->end = last->end;
	}
	return n->kind == NODE_MAP ? check_duplicates(r, n) : 0;
}

static int read_event(struct reader *r, const yaml_event_t *e, unsigned *documents)
{
	struct place at = place_at(r, &e->start_mark);
	struct node *n;
	int rc = 0;

	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		if ((*documents)++) {
			diag_help(r->diags,
				  diag_error(r->diags, "second-document", &at, "a second document starts here"),
				  "take the '---' out, or put what follows into a file that is included");
			return -1;
		}
		return 0;
	case YAML_ALIAS_EVENT:
		n = node_new(r, NODE_BAD, e);
		if (!n)
			return -1;
		at = node_place(n, r->file);
		diag_help(
		    r->diags,
		    diag_error(r->diags, "yaml-alias", &at, "the alias '*%s' is not allowed", e->data.alias.anchor),
		    "write the value out where it is needed");
		return 0;
	case YAML_SCALAR_EVENT:
		rc = read_scalar(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		rc = read_start(r, e);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		rc = read_end(r, e);
		break;
	default:
		break;
	}
	return rc;
}

/* What people usually did when libyaml says so. */
static const char *syntax_help(const char *problem)
{
	static const char *const usual[][2] = {
	    {"mapping values are not allowed", "a text with ': ' in it needs quotes; else look at the indentation"},
	    {"expected ',' or '}'", "is a comma, a closing brace or a closing quote missing before this?"},
	    {"expected ',' or ']'", "is a comma, a closing bracket or a closing quote missing before this?"},
	    {"expected <block end>", "keys of one mapping start in one column: look at the indentation"},
	    {"expected ':'", "a key needs a colon and a space after it: 'name: value'"},
	    {"unexpected end of stream", "a quote, a brace or a bracket is never closed"},
	    {"cannot start any token", "put the text into quotes"},
	    {"unknown escape", "in double quotes a backslash is written twice; or use single quotes"},
	};

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strstr(problem, usual[i][0]))
			return usual[i][1];
	return "look at the indentation, the quotes and the brackets before this";
}

/* Where git left what it could not merge: each place, with the line that ends it. False: nowhere. */
static bool merge_conflicts(struct reader *r)
{
	const uint8_t *p = r->cursor.p, *end = p + r->cursor.n;
	struct diag *open = NULL;
	bool found = false;

	for (uint32_t line = 1; p < end; line++) {
		const uint8_t *next = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((next ? next : end) - p);
		struct place at = {r->file, line, 1, line, 8};

		if (n >= 7 && memcmp(p, "<<<<<<<", 7) == 0) {
			open = diag_error(r->diags, "merge-conflict", &at, "a merge conflict that is not resolved yet");
			diag_help(
			    r->diags, open,
			    "keep what is right of the two sides, take out the three marks, and `git add` the file");
			found = true;
		} else if (open && n >= 7 && memcmp(p, ">>>>>>>", 7) == 0) {
			diag_note(r->diags, open, &at, "it ends");
			open = NULL;
		}
		p = next ? next + 1 : end;
	}
	return found;
}

static void syntax_error(struct reader *r, const yaml_parser_t *p)
{
	struct place at = place_at(r, &p->problem_mark), context;
	size_t byte = byte_of(&r->cursor, p->problem_mark.index) - r->cursor.base;
	struct diag *g;

	if (p->error == YAML_MEMORY_ERROR) {
		diags_out_of_memory(r->diags);
		return;
	}
	if (merge_conflicts(r))
		return;
	at.end_column++;
	g = diag_error(r->diags, "yaml-syntax", &at, "this is not YAML: %s", p->problem ? p->problem : "unreadable");
	if (p->context) {
		context = place_at(r, &p->context_mark);
		diag_note(r->diags, g, &context, "%s that starts", p->context);
	}
	if (byte < r->cursor.n && r->cursor.p[byte] == '\t')
		diag_help(r->diags, g, "YAML takes spaces for indentation, not tabs");
	else if (byte < r->cursor.n && r->cursor.p[byte] == ':')
		diag_help(r->diags, g, "a text that starts with ':' needs quotes, as some IPv6 addresses do");
	else
		diag_help(r->diags, g, "%s", syntax_help(p->problem ? p->problem : ""));
}

int yaml_read(struct arena *a, struct span bytes, uint32_t file, struct node **root, struct diags *d)
{
	struct reader r = {.arena = a, .diags = d, .file = file};
	unsigned documents = 0;
	bool end = false;
	yaml_parser_t parser;
	yaml_event_t event;
	int rc = 0;

	*root = NULL;
	if (bytes.n > DEFINITION_MAX) {
		struct place at = {file, 1, 1, 1, 1};

		diag_error(d, "too-large", &at, "a file of %zu bytes; at most %u are allowed", bytes.n, DEFINITION_MAX);
		return -1;
	}
	if (bytes.n >= 3 && memcmp(bytes.p, "\xef\xbb\xbf", 3) == 0) {
		bytes.p += 3;
		bytes.n -= 3;
		r.cursor.base = 3;
	}
	if (check_text(&r, bytes))
		return -1;
	r.cursor.p = bytes.p;
	r.cursor.n = bytes.n;
	if (!yaml_parser_initialize(&parser))
		return diags_out_of_memory(d);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, bytes.n ? bytes.p : (const uint8_t *)"", bytes.n);
	while (!end && rc == 0) {
		if (!yaml_parser_parse(&parser, &event)) {
			syntax_error(&r, &parser);
			rc = -1;
			break;
		}
		end = event.type == YAML_STREAM_END_EVENT;
		rc = read_event(&r, &event, &documents);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (rc == 0)
		*root = r.root;
	return rc;
}
