/* Diagnostics for people, in the shape that rustc and ruff made familiar. */
#include "schema/diag.h"

#include "schema/utf8.h"

#include <stdio.h>
#include <string.h>

#define SNIPPET_MAX  160 /* code points of a line that are shown */
#define SNIPPET_LEAD 60  /* of them before the place, when the line is longer */

struct span source_line(struct source_cursor *c, const struct span *sources, uint32_t file, uint32_t line)
{
	struct span s = sources[file], out = {0};
	const uint8_t *nl;

	if (c->file != file || c->line > line || c->line == 0)
		*c = (struct source_cursor){.file = file, .line = 1};
	while (c->line < line) {
		nl = c->at < s.n ? memchr(s.p + c->at, '\n', s.n - c->at) : NULL;
		if (!nl)
			return out;
		c->at = (size_t)(nl - s.p) + 1;
		c->line++;
	}
	if (c->at >= s.n)
		return out;
	out.p = s.p + c->at;
	nl = memchr(out.p, '\n', s.n - c->at);
	out.n = nl ? (size_t)(nl - out.p) : s.n - c->at;
	if (out.n && out.p[out.n - 1] == '\r')
		out.n--;
	if (line == 1 && out.n >= 3 && memcmp(out.p, "\xef\xbb\xbf", 3) == 0) {
		out.p += 3;
		out.n -= 3;
	}
	return out;
}

static unsigned decode(struct span s, size_t i, uint32_t *cp)
{
	unsigned len = utf8_decode(s.p + i, s.n - i, cp);

	if (len == 0)
		*cp = 0xfffd;
	return len ? len : 1;
}

/* The line, and below it carets under columns [from, to) (1-based code points). */
static void render_snippet(struct buf *out, struct span line, const struct place *at, int width, const char *mark,
			   const char *plain)
{
	uint32_t cp, column = 1, from = at->column, to, first = 1;
	struct buf under = {0};
	size_t i = 0;

	for (column = 1; i < line.n; column++)
		i += decode(line, i, &cp);
	to = at->end_line == at->line ? at->end_column : column;
	if (to <= from)
		to = from + 1;
	if (column > SNIPPET_MAX && from > SNIPPET_LEAD)
		first = from - SNIPPET_LEAD;
	buf_printf(out, "%*u | %s", width, at->line, first > 1 ? "..." : "");
	buf_printf(&under, "%*s | %s", width, "", first > 1 ? "   " : "");
	for (i = 0, column = 1; i < line.n; column++) {
		unsigned len = decode(line, i, &cp);

		if (column >= first + SNIPPET_MAX) {
			buf_str(out, "...");
			break;
		}
		if (column >= first) {
			if (cp == '\t' || (!utf8_hides(cp) && cp != 0xfffd))
				buf_add(out, line.p + i, len);
			else
				buf_str(out, "\xef\xbf\xbd");
			if (column < from)
				buf_char(&under, cp == '\t' ? '\t' : ' ');
		}
		i += len;
	}
	for (; column < from; column++)
		buf_char(&under, ' ');
	buf_str(&under, mark);
	for (column = from; column < to && column < first + SNIPPET_MAX; column++)
		buf_char(&under, '^');
	buf_printf(out, "\n%s%s\n", under.p ? under.p : "", plain);
	buf_free(&under);
}

void diag_render_human(struct buf *out, const struct diags *d, const struct diag *g, const struct span *sources,
		       struct source_cursor *c, bool color)
{
	const char *bold = color ? "\033[1m" : "", *plain = color ? "\033[0m" : "", *blue = color ? "\033[1;34m" : "";
	const char *mark = !color ? "" : g->severity == SEVERITY_ERROR ? "\033[1;31m" : "\033[1;33m";
	struct span line = {0};
	int width;

	buf_printf(out, "%s%s[%s]%s%s: %s%s\n", mark, g->severity == SEVERITY_ERROR ? "error" : "warning", g->code,
		   plain, bold, g->message, plain);
	if (g->file && g->at.line) {
		width = snprintf(NULL, 0, "%u", g->at.line);
		buf_printf(out, "%*s%s-->%s %s:%u:%u\n", width, "", blue, plain, g->file, g->at.line, g->at.column);
		if (sources && g->at.file < d->n_files)
			line = source_line(c, sources, g->at.file, g->at.line);
		if (line.p) {
			buf_printf(out, "%*s |\n", width, "");
			render_snippet(out, line, &g->at, width, mark, plain);
		}
	} else if (g->file) {
		buf_printf(out, " %s-->%s %s\n", blue, plain, g->file);
	}
	for (const struct diag_note *n = g->notes; n; n = n->next) {
		buf_printf(out, "  %snote:%s %s", bold, plain, n->text);
		if (n->file && n->at.line)
			buf_printf(out, " at %s:%u:%u", n->file, n->at.line, n->at.column);
		buf_char(out, '\n');
	}
	if (g->help)
		buf_printf(out, "  %shelp:%s %s\n", bold, plain, g->help);
}

void diags_render_human(struct buf *out, const struct diags *d, const struct span *sources, bool color)
{
	struct source_cursor c = {0};

	if (!sources)
		sources = d->sources;
	for (const struct diag *g = d->first; g; g = g->next) {
		diag_render_human(out, d, g, sources, &c, color);
		if (g->next || d->n_dropped)
			buf_char(out, '\n');
	}
	if (d->n_dropped)
		buf_printf(out, "... and %zu more%s\n", d->n_dropped, d->out_of_memory ? " (out of memory)" : "");
}
