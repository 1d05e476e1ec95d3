/* Workflow commands, which GitHub shows as annotations of a change. */
#include "reconcile/show/diag_formats.h"

#include "schema/utf8.h"

/* In a text a percent sign and the ends of lines are escaped, in a property colons and commas too. */
static void put_escaped(struct buf *out, const char *s, bool property)
{
	struct buf text = {0};

	buf_utf8(&text, span_str(s));
	out->failed = out->failed || text.failed;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%' || c == '\r' || c == '\n' || (property && (c == ':' || c == ',')))
			buf_printf(out, "%%%02X", (unsigned)c);
		else
			buf_char(out, c);
	}
	buf_free(&text);
}

static void put_place(struct buf *out, const char *file, const struct place *at)
{
	buf_str(out, "file=");
	put_escaped(out, file, true);
	buf_char(out, ',');
	if (!at->line)
		return;
	buf_printf(out, "line=%u,", at->line);
	if (at->end_line != at->line)
		buf_printf(out, "endLine=%u,", at->end_line);
	else
		buf_printf(out, "col=%u,endLine=%u,endColumn=%u,", at->column, at->end_line, at->end_column);
}

int diags_render_github(struct buf *out, const struct diags *d)
{
	for (const struct diag *g = d->first; g; g = g->next) {
		buf_str(out, g->severity == SEVERITY_ERROR ? "::error " : "::warning ");
		if (g->file)
			put_place(out, g->file, &g->at);
		buf_str(out, "title=");
		put_escaped(out, g->code, true);
		buf_str(out, "::");
		put_escaped(out, g->message, false);
		for (const struct diag_note *n = g->notes; n; n = n->next) {
			buf_str(out, "%0Anote: ");
			put_escaped(out, n->text, false);
			if (!n->file)
				continue;
			buf_str(out, " at ");
			put_escaped(out, n->file, false);
			buf_printf(out, ":%u:%u", n->at.line, n->at.column);
		}
		if (g->help) {
			buf_str(out, "%0Ahelp: ");
			put_escaped(out, g->help, false);
		}
		buf_char(out, '\n');
	}
	if (d->n_dropped)
		buf_printf(out, "::warning title=too-many::%zu more are not shown\n", d->n_dropped);
	return out->failed ? -1 : 0;
}
