#include "schema/rewrite_text.h"

#include <string.h>

/* Offsets of the line that has the byte `at`: of its start, of its end (before CR LF), and of the start of the next line. */
size_t rewrite_line_start(struct span f, size_t at)
{
	while (at > 0 && f.p[at - 1] != '\n')
		at--;
	return at;
}

size_t rewrite_next_line(struct span f, size_t at)
{
	const uint8_t *lf = at < f.n ? memchr(f.p + at, '\n', f.n - at) : NULL;
	return lf ? (size_t)(lf - f.p) + 1 : f.n;
}

size_t rewrite_eol_start(struct span f, size_t next) /* of a line that ends at `next` */
{
	if (next > 0 && f.p[next - 1] == '\n')
		next--;
	if (next > 0 && f.p[next - 1] == '\r')
		next--;
	return next;
}

size_t rewrite_line_end(struct span f, size_t at)
{
	size_t next = rewrite_next_line(f, at);
	if (next == f.n && (next == 0 || f.p[next - 1] != '\n'))
		return next;
	size_t end = rewrite_eol_start(f, next);
	return end < at ? at : end;
}

const char *rewrite_eol_of(struct span f, size_t at)
{
	size_t next = rewrite_next_line(f, at);
	if (next == at || f.p[next - 1] != '\n') /* the last line, without an end: as the one before */
		next = rewrite_line_start(f, at);
	return next > 1 && f.p[next - 1] == '\n' && f.p[next - 2] == '\r' ? "\r\n" : "\n";
}

bool rewrite_only_spaces(struct span f, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (f.p[i] != ' ' && f.p[i] != '\t')
			return false;
	return true;
}

/* From `line` on, past the comment lines (and the empty ones before them) that are indented by `indent` or deeper. */
size_t rewrite_skip_comments(struct span f, size_t line, unsigned indent)
{
	size_t at = line;

	for (; line < f.n; line = rewrite_next_line(f, line)) {
		size_t text = line;
		while (text < f.n && f.p[text] == ' ')
			text++;
		if (text < f.n && f.p[text] == '#' && text - line >= indent)
			at = rewrite_next_line(f, line);
		else if (text != rewrite_line_end(f, line))
			break;
	}
	return at;
}

/* Nothing but empty lines, or the mark that ends a document. */
bool rewrite_at_end(struct span f, size_t line)
{
	for (; line < f.n; line = rewrite_next_line(f, line)) {
		if (f.n - line >= 3 && !memcmp(f.p + line, "...", 3))
			return true;
		if (!rewrite_only_spaces(f, line, rewrite_line_end(f, line)))
			return false;
	}
	return true;
}

void rewrite_put_spaces(struct buf *out, unsigned n)
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
			buf_printf(out, "\\u%04x", (unsigned char)*text);
		else
			buf_char(out, *text);
	}
	buf_char(out, '"');
}

/* Names that other readers of YAML take for something else: 1, 0x1, 1e3, null, no, off, ... */
bool rewrite_name_needs_quotes(const char *name)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
	if (name[0] < 'a' || name[0] > 'z')
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(name, words[i]))
			return true;
	return false;
}

void rewrite_put_scalar(struct buf *out, enum value_kind kind, const char *text, bool quoted)
{
	if (kind == VALUE_TEXT || (kind != VALUE_BARE && quoted) ||
	    (kind == VALUE_NAME && rewrite_name_needs_quotes(text)))
		put_quoted(out, text);
	else
		buf_str(out, text);
}

/* On one line. */
void rewrite_put_flow(struct buf *out, const struct style *s, const struct value *v)
{
	bool map = v->kind == VALUE_MAP, loose = map ? !s->tight : s->loose_list;

	if (!map && v->kind != VALUE_LIST) {
		rewrite_put_scalar(out, v->kind, v->text, s->quoted);
		return;
	}
	buf_char(out, map ? '{' : '[');
	for (size_t i = 0; i < v->n; i++) {
		buf_str(out, i ? ", " : loose ? " " : "");
		if (map)
			buf_printf(out, s->quoted ? "\"%s\": " : "%s: ", v->items[i].key);
		rewrite_put_flow(out, s, &v->items[i]);
	}
	if (loose)
		buf_char(out, ' ');
	buf_char(out, map ? '}' : ']');
}

/* A pair or an item, without what stands before it on its line and without the line's end. */
void rewrite_put_member(struct buf *out, const struct style *s, const struct value *v)
{
	size_t start = out->n;

	if (v->key) {
		rewrite_put_scalar(out, VALUE_NAME, v->key, s->quoted_name);
		buf_char(out, ':');
		if (v->kind == VALUE_MAP && !s->flow) {
			for (size_t i = 0; i < v->n; i++) {
				buf_str(out, s->eol);
				rewrite_put_spaces(out, s->indent + s->step);
				buf_printf(out, s->quoted ? "\"%s\": " : "%s: ", v->items[i].key);
				rewrite_put_flow(out, s, &v->items[i]);
			}
			return;
		}
		size_t column = s->indent + out->n - start;
		rewrite_put_spaces(out, s->value_column > column ? s->value_column - (unsigned)column : 1);
	}
	rewrite_put_flow(out, s, v);
}
