#include "reconcile/lsp/lsp_context.h"

#include <string.h>

/* The keys around a place, the outermost first. ITEM: an item of a list. */
struct path {
	struct span names[LSP_PATH_MAX];
	unsigned n;
	bool too_deep;
};
#define ITEM ((struct span){(const uint8_t *)"-", 1})

static void push(struct path *p, struct span name)
{
	if (p->n == LSP_PATH_MAX)
		p->too_deep = true;
	else
		p->names[p->n++] = name;
}

static void pop_to(struct path *p, unsigned n)
{
	if (p->n > n)
		p->n = n;
}

bool lsp_is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_./:", (char)c) != NULL);
}

struct span lsp_line_before(struct span text, size_t offset)
{
	size_t at = offset < text.n ? offset : text.n, end = at;

	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	return (struct span){text.p + at, end - at};
}

/* One line: its dashes, and the key at its start. */
struct line {
	size_t indent;  /* before the first dash, or the key */
	size_t content; /* the column behind the dashes */
	unsigned dashes;
	struct span key; /* n is 0: there is none */
	bool opens;      /* nothing stands behind the key but a comment */
	bool empty;      /* nothing, or a comment alone */
};

static size_t skip_spaces(struct span s, size_t at)
{
	while (at < s.n && s.p[at] == ' ')
		at++;
	return at;
}

/* A key at `at`: a word, or one in quotes, and a colon. *end is behind the colon. */
static bool read_key(struct span s, size_t at, struct span *key, size_t *end)
{
	size_t from = at;

	if (at < s.n && (s.p[at] == '"' || s.p[at] == '\'')) {
		const uint8_t *quote = memchr(s.p + at + 1, s.p[at], s.n - at - 1);
		if (!quote)
			return false;
		*key = (struct span){s.p + at + 1, (size_t)(quote - s.p) - at - 1};
		at = (size_t)(quote - s.p) + 1;
	} else {
		while (at < s.n && lsp_is_word(s.p[at]) && s.p[at] != ':')
			at++;
		*key = (struct span){s.p + from, at - from};
	}
	if (!key->n || at >= s.n || s.p[at] != ':' || (at + 1 < s.n && !strchr(" \t\r", s.p[at + 1])))
		return false;
	*end = at + 1;
	return true;
}

static struct line read_line(struct span s)
{
	struct line l = {0};
	size_t at = skip_spaces(s, 0), end = 0;

	l.indent = at;
	while (at + 1 < s.n && s.p[at] == '-' && s.p[at + 1] == ' ') {
		l.dashes++;
		at = skip_spaces(s, at + 1);
	}
	l.content = at;
	l.empty = !l.dashes && (at >= s.n || s.p[at] == '#' || s.p[at] == '\r');
	if (read_key(s, at, &l.key, &end)) {
		end = skip_spaces(s, end);
		l.opens = end >= s.n || s.p[end] == '#' || s.p[end] == '\r';
	} else {
		l.key.n = 0;
	}
	return l;
}

/* The line that ends before `start`; false at the beginning of the text. */
static bool line_above(struct span text, size_t *start, struct span *line)
{
	size_t end = *start;

	if (!end)
		return false;
	*line = lsp_line_before(text, end - 1);
	*start = (size_t)(line->p - text.p);
	return true;
}

#define LINES_UP_MAX 100000 /* to the key around a line: a section may have many members */

/* The keys around a line whose content starts at `column`; `dash`: it is an item, which may stand as far out as its list. */
static void read_above(struct span text, size_t start, size_t column, bool dash, struct path *out)
{
	struct span found[LSP_PATH_MAX], line;
	unsigned n = 0;

	for (unsigned i = 0; i < LINES_UP_MAX && (column || dash) && line_above(text, &start, &line); i++) {
		struct line l = read_line(line);
		bool out_of_it = dash && !l.dashes ? l.content <= column : l.content < column;
		if (l.empty)
			continue;
		if (n + 2 > LSP_PATH_MAX) {
			out->too_deep = true;
			return;
		}
		if (l.dashes && l.content == column && !dash && l.indent < column) {
			/* The first key of the item that this one is of. */
			found[n++] = ITEM;
			column = l.indent;
			dash = true;
			continue;
		}
		if (!out_of_it || !l.key.n || !l.opens)
			continue;
		found[n++] = l.key;
		column = l.content;
		dash = false;
		if (l.dashes) {
			found[n++] = ITEM;
			column = l.indent;
			dash = true;
		}
	}
	while (n)
		push(out, found[--n]);
}

/*
 * The rest of the line before the place, from its content on. *value: a key has been read, and its value is what comes.
 * False: the place is in a comment or in quotes.
 */
static bool read_brackets(struct span s, size_t at, struct path *out, bool *value)
{
	unsigned depth[LSP_PATH_MAX], n = 0, base = out->n; /* depth[]: the path's length at each open bracket */
	bool map[LSP_PATH_MAX];
	bool word_start = true;

	while (at < s.n) {
		uint8_t c = s.p[at];
		struct span key;
		size_t end;
		if (c == '#' && (!at || s.p[at - 1] == ' '))
			return false;
		if (word_start && !*value && read_key(s, at, &key, &end)) {
			push(out, key);
			*value = true;
			at = end;
			continue;
		}
		word_start = strchr(" {[,", c) != NULL;
		if (c == '"' || c == '\'') {
			const uint8_t *quote = memchr(s.p + at + 1, c, s.n - at - 1);
			if (!quote)
				return false;
			at = (size_t)(quote - s.p);
		} else if (c == '{' || c == '[') {
			if (n == LSP_PATH_MAX)
				return false;
			/* A mapping in a list is an item. */
			if (c == '{' && n && !map[n - 1])
				push(out, ITEM);
			map[n] = c == '{';
			depth[n++] = out->n;
			*value = c == '[';
		} else if ((c == '}' || c == ']') && n) {
			n--;
			pop_to(out, n ? depth[n - 1] : base);
			*value = n ? !map[n - 1] : true;
		} else if (c == ',' && n) {
			pop_to(out, depth[n - 1]);
			*value = !map[n - 1];
		}
		at++;
	}
	return !out->too_deep;
}

static bool is_name(struct span s, const char *word)
{
	return s.n == strlen(word) && memcmp(s.p, word, s.n) == 0;
}

static const struct key_spec *find_key(enum key_place place, struct span name)
{
	size_t n;
	const struct key_spec *keys = keys_of(place, &n);

	for (size_t i = 0; i < n; i++)
		if (is_name(name, keys[i].name))
			return &keys[i];
	return NULL;
}

/* From the path to the table of keys. */
static void resolve(const struct path *p, bool value, struct lsp_context *out)
{
	const struct key_spec *key = NULL;
	enum key_place place = IN_ROOT;

	for (unsigned i = 0; i < p->n; i++) {
		if (key && (key->type == TYPE_PAIRS || is_name(p->names[i], "-")))
			continue; /* an item of a list of words */
		key = find_key(place, p->names[i]);
		if (!key)
			return;
		bool last = i + 1 == p->n;
		if (key->type != TYPE_MAP && key->type != TYPE_NAMED && key->type != TYPE_LIST)
			continue;
		if (key->type != TYPE_MAP && last) {
			out->key = key;
			out->place = key->inner;
			out->at = key->type == TYPE_NAMED && !value ? LSP_AT_NAME : LSP_AT_NOTHING;
			/* `- |` below `tests:` */
			return;
		}
		i += key->type != TYPE_MAP; /* the name of the member, or "-" */
		place = key->inner;
		if (i + 1 == p->n && value && key->type != TYPE_LIST)
			return; /* what a name or a mapping is given on its line: brackets */
		key = NULL;
	}
	out->place = place;
	out->key = key;
	out->at = key ? LSP_AT_VALUE : LSP_AT_KEY;
}

static void read_word(struct span text, size_t offset, bool whole, struct lsp_context *out)
{
	out->from = out->to = offset;
	while (out->from > 0 && lsp_is_word(text.p[out->from - 1]))
		out->from--;
	while (whole && out->to < text.n && lsp_is_word(text.p[out->to]))
		out->to++;
	/* The colon behind a key is none of its own. */
	if (whole && out->to > out->from && text.p[out->to - 1] == ':')
		out->to--;
	if (out->to - out->from <= NAME_MAX_LEN) {
		memcpy(out->word, text.p + out->from, out->to - out->from);
		out->word[out->to - out->from] = '\0';
	}
}

void lsp_context_at(struct span text, size_t offset, bool whole, struct lsp_context *out)
{
	struct path path = {.n = 0};
	struct span before;
	struct line l;
	bool value;

	*out = (struct lsp_context){.at = LSP_AT_NOTHING};
	if (offset > text.n)
		offset = text.n;
	read_word(text, offset, whole, out);
	before = lsp_line_before(text, out->from);
	l = read_line(before);
	if (l.content > before.n)
		l.content = before.n;
	/* `-` alone is the beginning of an item. */
	read_above(text, (size_t)(before.p - text.p), l.dashes ? l.indent : l.content, l.dashes > 0, &path);
	if (l.dashes)
		push(&path, ITEM);
	value = false;
	if (path.too_deep || !read_brackets(before, l.content, &path, &value))
		return;
	resolve(&path, value, out);
}

void lsp_context_names(struct span text, const char *section, bool (*name)(void *ctx, struct span name), void *ctx)
{
	size_t at = 0, column = 0;
	bool inside = false;

	while (at < text.n) {
		const uint8_t *lf = memchr(text.p + at, '\n', text.n - at);
		struct span line = {text.p + at, lf ? (size_t)(lf - text.p) - at : text.n - at};
		struct line l = read_line(line);
		at += line.n + 1;
		if (l.empty || !l.key.n)
			continue;
		if (l.content == 0) {
			inside = is_name(l.key, section);
			column = 0;
		} else if (inside && (!column || l.content == column)) {
			column = l.content;
			if (!name(ctx, l.key))
				return;
		}
	}
}
