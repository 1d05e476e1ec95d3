#include "schema/edit.h"

#include "schema/yaml.h"

#include <string.h>

/* How what is added is written: as its neighbour is. */
struct style {
	const char *eol;
	unsigned indent;       /* columns before an entry */
	unsigned step;         /* columns more before its keys, in block style */
	unsigned value_column; /* values of one-line entries are aligned there (0-based); 0: they are not */
	bool flow;             /* the value in braces */
	bool tight;            /* {a: b}, not { a: b } */
	bool quoted_name;      /* "bob": */
	bool quoted;           /* keys and texts within: JSON */
};

/* Bytes that go and come in one place. Changes are kept in the order of the file and do not overlap. */
struct change {
	size_t at, deleted;
	struct buf text;
};
struct editor {
	struct span file;
	const struct edit_peer *peer;
	struct change changes[2];
	unsigned n_changes;
};

static struct buf *change_at(struct editor *e, size_t at, size_t deleted)
{
	struct change *c = &e->changes[e->n_changes++];
	c->at = at;
	c->deleted = deleted;
	return &c->text;
}

static void spaces(struct buf *out, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_char(out, ' ');
}

static void put_quoted(struct buf *out, const char *text)
{
	buf_char(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			buf_char(out, '\\');
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buf_printf(out, "\\x%02x", (unsigned char)*text);
		else
			buf_char(out, *text);
	}
	buf_char(out, '"');
}

/* Names that other readers of YAML take for something else: 1, 0x1, 1e3, null, no, off, ... */
static bool name_needs_quotes(const char *name)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
	if (name[0] < 'a' || name[0] > 'z')
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(name, words[i]))
			return true;
	return false;
}

/* Starts the n-th field of an entry's value. */
static void put_field(struct buf *out, const struct style *s, unsigned *n, const char *key)
{
	if (s->flow) {
		buf_str(out, *n ? ", " : s->tight ? "{" : "{ ");
	} else {
		buf_str(out, s->eol);
		spaces(out, s->indent + s->step);
	}
	buf_printf(out, s->quoted ? "\"%s\": " : "%s: ", key);
	++*n;
}

static void put_ips(struct buf *out, const struct style *s, const struct edit_peer *p)
{
	if (p->n_ips > 1)
		buf_char(out, '[');
	for (unsigned i = 0; i < p->n_ips; i++) {
		char text[ADDR_STR_LEN];
		addr_format(&p->ip[i], text);
		bool quoted = s->quoted || !addr_is_v4(&p->ip[i]);
		buf_printf(out, quoted ? "%s\"%s\"" : "%s%s", i ? ", " : "", text);
	}
	if (p->n_ips > 1)
		buf_char(out, ']');
}

static void put_value(struct buf *out, const struct style *s, const struct edit_peer *p)
{
	char text[ED25519_STR_LEN + 1], time[TIME_STR_LEN];
	unsigned n = 0;

	put_field(out, s, &n, "ip");
	put_ips(out, s, p);
	put_field(out, s, &n, p->is_invite ? "invite" : "public_key");
	if (p->is_invite)
		ed25519_format(&p->key, text);
	else
		key_format(&p->key, text);
	put_quoted(out, text);
	if (p->is_invite && p->invite_expires && !time_format(p->invite_expires, time)) {
		put_field(out, s, &n, "invite_expires");
		buf_printf(out, s->quoted ? "\"%s\"" : "%s", time);
	}
	if (p->endpoint) {
		put_field(out, s, &n, "endpoint");
		put_quoted(out, p->endpoint);
	}
	if (p->admin) {
		put_field(out, s, &n, "admin");
		buf_str(out, "true");
	}
	if (p->keepalive >= 0) {
		put_field(out, s, &n, "keepalive");
		buf_printf(out, "%d", (int)p->keepalive);
	}
	if (p->description) {
		put_field(out, s, &n, "description");
		put_quoted(out, p->description);
	}
	if (s->flow)
		buf_str(out, s->tight ? "}" : " }");
}

/* "bob: { ip: 10.60.64.3, ... }", without what stands before it on its line and without the line's end. */
static void put_entry(struct buf *out, const struct style *s, const struct edit_peer *p)
{
	bool quoted = s->quoted_name || name_needs_quotes(p->name);
	size_t column = s->indent + strlen(p->name) + (quoted ? 3 : 1);

	buf_printf(out, quoted ? "\"%s\":" : "%s:", p->name);
	if (s->flow)
		spaces(out, s->value_column > column ? s->value_column - (unsigned)column : 1);
	put_value(out, s, p);
}

/* Where the line of `at` starts; where it ends, before CR LF; where the next one starts. */
static size_t line_start(struct span f, size_t at)
{
	while (at > 0 && f.p[at - 1] != '\n')
		at--;
	return at;
}

static size_t next_line(struct span f, size_t at)
{
	const uint8_t *lf = at < f.n ? memchr(f.p + at, '\n', f.n - at) : NULL;
	return lf ? (size_t)(lf - f.p) + 1 : f.n;
}

static size_t line_end(struct span f, size_t at)
{
	size_t next = next_line(f, at);
	if (next > at && f.p[next - 1] == '\n')
		next--;
	if (next > at && f.p[next - 1] == '\r')
		next--;
	return next;
}

static const char *eol_of(struct span f, size_t at)
{
	size_t start = line_start(f, at), next = start ? start : next_line(f, at);
	return next > 1 && f.p[next - 1] == '\n' && f.p[next - 2] == '\r' ? "\r\n" : "\n";
}

static bool only_spaces(struct span f, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (f.p[i] != ' ')
			return false;
	return true;
}

/* Adds a whole line at `at`, where a line starts or the file ends; a last line without its end stays without. */
static void add_lines(struct editor *e, size_t at, const char *eol, const struct buf *lines)
{
	bool open = at > 0 && e->file.p[at - 1] != '\n';
	struct buf *out = change_at(e, at, 0);
	buf_printf(out, "%s%s%s", open ? eol : "", lines->p ? lines->p : "", open ? "" : eol);
	out->failed |= lines->failed;
}

static const struct node *last_pair(const struct node *map)
{
	const struct node *last = NULL;
	for (node_pairs(k, map))
		last = k;
	return last;
}

static void style_of_value(struct span f, const struct node *value, struct style *s)
{
	s->flow = value->kind != NODE_MAP || value->flow;
	if (value->kind != NODE_MAP || !value->first)
		return;
	s->quoted = value->first->style == NODE_DOUBLE_QUOTED;
	if (value->flow)
		s->tight = value->start + 1 < f.n && !strchr(" \r\n", f.p[value->start + 1]);
}

/* Aligned: the last value stands where some entry put it with more than one space. */
static unsigned aligned_column(const struct node *map, const struct node *last)
{
	const struct node *v = last->next;
	if (v->line != last->line || v->column <= 1)
		return 0;
	for (node_pairs(k, map))
		if (k->next->line == k->line && k->next->column == v->column && k->next->start > k->end + 2)
			return v->column - 1;
	return 0;
}

/*
 * A block mapping: after the last entry's line, and after the comments below it that are indented as an entry or
 * deeper, since those are not about what follows.
 */
static int add_to_block(struct editor *e, const struct node *map, const char **why)
{
	struct span f = e->file;
	const struct node *key = last_pair(map), *value = key->next;
	size_t start = line_start(f, key->start), end = value->end > key->end ? value->end : key->end;
	struct style s = {.indent = key->column - 1, .step = 2};

	if (!only_spaces(f, start, key->start)) {
		*why = "the last entry does not start its line";
		return -1;
	}
	s.quoted_name = key->style == NODE_DOUBLE_QUOTED;
	style_of_value(f, value, &s);
	if (!s.flow)
		s.step = value->first->column - key->column;
	s.value_column = aligned_column(map, key);
	while (end > key->end && strchr(" \t\r\n", f.p[end - 1]))
		end--;
	s.eol = eol_of(f, end);

	size_t at = next_line(f, end);
	for (size_t line = at; line < f.n; line = next_line(f, line)) {
		size_t text = line;
		while (text < f.n && f.p[text] == ' ')
			text++;
		if (text < f.n && f.p[text] == '#' && text - line >= s.indent)
			at = next_line(f, line);
		else if (text != line_end(f, line))
			break;
	}
	struct buf lines = {0};
	spaces(&lines, s.indent);
	put_entry(&lines, &s, e->peer);
	add_lines(e, at, s.eol, &lines);
	buf_free(&lines);
	return 0;
}

/* After the last value in braces: white space, comments, and the comma, if there is one. */
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

/* A mapping in braces with something in it: `entry` comes after its last value, on a line of its own where that one has one. */
static void add_to_flow(struct editor *e, const struct node *map, const struct buf *entry)
{
	struct span f = e->file;
	const struct node *key = last_pair(map), *value = key->next;
	size_t start = line_start(f, key->start), after = value->end > key->end ? value->end : key->end, comma = 0;
	bool own_line = key->line != map->line;
	for (size_t i = start; i < key->start; i++)
		own_line = own_line && (f.p[i] == ' ' || f.p[i] == '\t');
	bool has_comma = find_comma(f, after, map->end - 1, &comma);
	size_t from = has_comma ? comma + 1 : after;
	/* Past a comment on that line, unless the closing brace stands there. */
	size_t at = own_line && line_end(f, from) < map->end - 1 ? line_end(f, from) : from;

	if (!has_comma && at != from)
		buf_char(change_at(e, from, 0), ',');
	struct buf *out = change_at(e, at, 0);
	if (!has_comma && at == from)
		buf_char(out, ',');
	if (own_line) {
		buf_str(out, eol_of(f, at));
		buf_add(out, f.p + start, key->start - start);
	} else {
		buf_char(out, ' ');
	}
	buf_printf(out, "%s%s", entry->p ? entry->p : "", has_comma ? "," : "");
	out->failed |= entry->failed;
}

/* An empty mapping in braces that stays one: the whole definition is written so, or a comment is in it. */
static void fill_flow(struct editor *e, const struct node *map, const struct buf *entry)
{
	bool brace_next = map->start + 2 == map->end;
	buf_printf(change_at(e, map->start + 1, 0), " %s%s", entry->p ? entry->p : "", brace_next ? " " : "");
	e->changes[e->n_changes - 1].text.failed |= entry->failed;
}

static void put_flow_entry(struct buf *out, const struct editor *e, const struct node *like_key, bool quoted)
{
	struct style s = {.flow = true, .quoted_name = quoted, .quoted = quoted};
	if (like_key) {
		s.quoted_name = like_key->style == NODE_DOUBLE_QUOTED;
		style_of_value(e->file, like_key->next, &s);
		s.flow = true;
	}
	put_entry(out, &s, e->peer);
}

/* The first entry of `peers:`, in block style below the line of its key; what stood for the value goes. */
static int add_first(struct editor *e, const struct node *key, const struct node *value, const char **why)
{
	struct span f = e->file;
	size_t colon = key->end;
	while (colon < f.n && f.p[colon] == ' ')
		colon++;
	if (colon == f.n || f.p[colon] != ':' || (value->end > colon && value->line != key->line)) {
		*why = "its key and its value are on different lines";
		return -1;
	}
	struct style s = {.flow = true, .indent = key->column + 1, .eol = eol_of(f, colon)};
	struct buf lines = {0};
	if (value->end > colon + 1)
		change_at(e, colon + 1, value->end - colon - 1);
	spaces(&lines, s.indent);
	put_entry(&lines, &s, e->peer);
	add_lines(e, next_line(f, value->end > colon ? value->end : colon), s.eol, &lines);
	buf_free(&lines);
	return 0;
}

/* No `peers:` at all: it comes at the end of the file (before "...", which ends a document). */
static void add_section(struct editor *e, const struct node *root)
{
	struct span f = e->file;
	size_t end = next_line(f, root->end);
	bool blank_lines = false;
	for (size_t line = 0; line < f.n; line = next_line(f, line))
		blank_lines |= line_end(f, line) == line;
	while (end < f.n && !(f.n - end >= 3 && !memcmp(f.p + end, "...", 3)))
		end = next_line(f, end);

	struct style s = {.flow = true, .indent = root->first->column + 1, .eol = eol_of(f, end)};
	struct buf lines = {0};
	if (blank_lines)
		buf_str(&lines, s.eol);
	spaces(&lines, root->first->column - 1);
	buf_printf(&lines, "peers:%s", s.eol);
	spaces(&lines, s.indent);
	put_entry(&lines, &s, e->peer);
	add_lines(e, end, s.eol, &lines);
	buf_free(&lines);
}

static void add_to_flow_root(struct editor *e, const struct node *root)
{
	bool quoted = root->first->style == NODE_DOUBLE_QUOTED;
	struct buf entry = {0};
	buf_str(&entry, quoted ? "\"peers\": { " : "peers: { ");
	put_flow_entry(&entry, e, NULL, quoted);
	buf_str(&entry, " }");
	add_to_flow(e, root, &entry);
	buf_free(&entry);
}

static int edit(struct editor *e, const struct node *root, struct diags *d)
{
	const struct node *key = NULL;
	const char *why = NULL;

	if (root && root->kind == NODE_MAP && root->first) {
		for (node_pairs(k, root))
			if (k->kind == NODE_SCALAR && !strcmp(k->text, "peers"))
				key = k;
	} else {
		diag_error(d, "edit-style", NULL, "no peer can be added to a file that is not a network's definition");
		return -1;
	}
	const struct node *value = key ? key->next : NULL;
	bool map = value && value->kind == NODE_MAP;
	if (!key && root->flow) {
		add_to_flow_root(e, root);
	} else if (!key) {
		add_section(e, root);
	} else if (map && value->first && !value->flow) {
		add_to_block(e, value, &why);
	} else if (map && (value->first || root->flow || !only_spaces(e->file, value->start + 1, value->end - 1))) {
		struct buf entry = {0};
		put_flow_entry(&entry, e, last_pair(value), key->style == NODE_DOUBLE_QUOTED);
		if (value->first)
			add_to_flow(e, value, &entry);
		else
			fill_flow(e, value, &entry);
		buf_free(&entry);
	} else if (map || (value->kind == NODE_SCALAR && !value->n && !root->flow)) {
		add_first(e, key, value, &why);
	} else {
		why = "it is not a mapping";
	}
	if (!why)
		return 0;
	struct place at = node_place(key, 0);
	struct diag *g = diag_error(d, "edit-style", &at, "no peer can be added to 'peers' as it is written: %s", why);
	diag_help(d, g,
		  "write one peer a line, as in `bob: { ip: 10.60.64.3, public_key: \"...\" }`, or add it by hand");
	return -1;
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

/* The entries of `old` in their order, then one more. */
static bool same_entries_and(const struct node *old, const struct node *new, const char *name)
{
	const struct node *n = new->kind == NODE_MAP ? new->first : NULL;
	if (old && old->kind == NODE_MAP) {
		for (node_pairs(o, old)) {
			if (!n || !same_tree(o, n) || !same_tree(o->next, n->next))
				return false;
			n = n->next->next;
		}
	}
	return n && n->kind == NODE_SCALAR && !strcmp(n->text, name) && !n->next->next;
}

/*
 * The result, read again, is the same document with one entry more. Layouts exist in which it is not (a block scalar
 * that ends the file without a line end has another text once a line follows): those are refused, not guessed at.
 */
static bool only_added(struct arena *a, const struct node *old, const struct buf *out, const char *name)
{
	struct diags d = {0};
	struct node *new = NULL;
	bool ok = !out->failed && !yaml_read(a, buf_span(out), 0, &new, &d) && !d.n_errors && !d.out_of_memory &&
		  new &&new->kind == NODE_MAP;

	diags_free(&d);
	if (!ok)
		return false;
	const struct node *n = new->first;
	bool seen = false;
	for (node_pairs(o, old)) {
		bool peers = n && o->kind == NODE_SCALAR && !strcmp(o->text, "peers");
		if (!n || !same_tree(o, n) ||
		    !(peers ? same_entries_and(o->next, n->next, name) : same_tree(o->next, n->next)))
			return false;
		seen |= peers;
		n = n->next->next;
	}
	if (seen)
		return !n;
	return n && n->kind == NODE_SCALAR && !strcmp(n->text, "peers") && same_entries_and(NULL, n->next, name) &&
	       !n->next->next;
}

int edit_add_peer(struct span file, const struct edit_peer *p, struct buf *out, struct diags *d)
{
	struct editor e = {.file = file, .peer = p};
	struct arena *a = arena_new();
	struct buf edited = {0};
	struct node *root;
	size_t errors = d->n_errors;
	int rc = -1;

	if (!a) {
		d->out_of_memory = true;
		return -1;
	}
	if (yaml_read(a, file, 0, &root, d) || d->n_errors != errors || edit(&e, root, d))
		goto out;
	size_t at = 0;
	for (unsigned i = 0; i < e.n_changes; i++) {
		struct change *c = &e.changes[i];
		buf_add(&edited, file.p + at, c->at - at);
		buf_add(&edited, c->text.p ? c->text.p : "", c->text.n);
		edited.failed |= c->text.failed;
		at = c->at + c->deleted;
	}
	buf_add(&edited, file.p + at, file.n - at);
	if (!edited.failed && !only_added(a, root, &edited, p->name)) {
		struct diag *g = diag_error(d, "edit-style", NULL,
					    "'%s' cannot be added without changing what else the file says", p->name);
		diag_help(d, g, "add it by hand");
		goto out;
	}
	buf_add(out, edited.p, edited.n);
	out->failed |= edited.failed;
	d->out_of_memory |= out->failed;
	rc = out->failed ? -1 : 0;
out:
	for (unsigned i = 0; i < e.n_changes; i++)
		buf_free(&e.changes[i].text);
	buf_free(&edited);
	arena_free(a);
	return rc;
}

int time_format(int64_t unix_seconds, char out[static TIME_STR_LEN])
{
	static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (unix_seconds < 0 || unix_seconds > 253402300799) /* the end of the year 9999 */
		return -1;
	unsigned day = (unsigned)(unix_seconds / 86400), second = (unsigned)(unix_seconds % 86400);
	unsigned year = 1970, month = 0;
	for (;; year++) {
		unsigned leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		if (day < 365 + leap) {
			for (unsigned n; day >= (n = month_days[month] + (month == 1 && leap)); month++)
				day -= n;
			break;
		}
		day -= 365 + leap;
	}

	struct buf b = {0};
	buf_printf(&b, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month + 1, day + 1, second / 3600, second / 60 % 60,
		   second % 60);
	int rc = b.failed || b.n >= TIME_STR_LEN ? -1 : 0;
	if (!rc)
		memcpy(out, b.p, b.n + 1);
	buf_free(&b);
	return rc;
}
