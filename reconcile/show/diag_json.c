#include "reconcile/show/diag_json.h"

#include "reconcile/text/json_value.h"

static json_t *point(uint32_t line, uint32_t column)
{
	return json_pack("{s:I,s:I}", "line", (json_int_t)line, "column", (json_int_t)column);
}

static bool put_place(json_t *object, const char *file, const struct place *at)
{
	if (!file)
		return true;
	if (!value_put(object, "file", value_text(span_str(file))))
		return false;
	return !at->line || (value_put(object, "start", point(at->line, at->column)) &&
			     value_put(object, "end", point(at->end_line, at->end_column)));
}

#define SNIPPET_BYTES 1024 /* a longer line is left out */

static bool put_snippet(json_t *object, const struct diags *d, const struct diag *g, struct source_cursor *c)
{
	struct span line = {0};
	json_t *snippet;

	if (d->sources && g->file && g->at.line && g->at.file < d->n_files)
		line = source_line(c, d->sources, g->at.file, g->at.line);
	if (!line.p || line.n > SNIPPET_BYTES)
		return true;
	snippet = json_object();
	return value_put(snippet, "code", value_text(line)) &&
	       value_put(snippet, "start_line", json_integer(g->at.line)) && value_put(object, "snippet", snippet);
}

static bool put_fix(json_t *object, const struct diags *d, const struct diag_fix *f)
{
	json_t *fix = json_object();
	bool ok = put_place(fix, d->files[f->at.file], &f->at) && value_put(fix, "text", value_text(span_str(f->text)));

	return value_put(object, "fix", fix) && ok;
}

static json_t *one(const struct diags *d, const struct diag *g, struct source_cursor *c)
{
	json_t *o = json_object(), *notes = json_array();
	bool ok = value_put(o, "severity", json_string(g->severity == SEVERITY_ERROR ? "error" : "warning")) &&
		  value_put(o, "code", json_string(g->code)) && value_put(o, "message", json_string(g->message)) &&
		  put_place(o, g->file, &g->at) && put_snippet(o, d, g, c);

	for (const struct diag_note *n = g->notes; n && ok; n = n->next) {
		json_t *note = json_object();

		ok = value_put(note, "message", json_string(n->text)) && put_place(note, n->file, &n->at);
		ok = value_append(notes, note) && ok;
	}
	ok = ok && value_put(o, "notes", json_incref(notes));
	if (ok && g->fix && g->fix->at.file < d->n_files)
		ok = put_fix(o, d, g->fix);
	if (ok && g->help)
		ok = value_put(o, "help", json_string(g->help));
	json_decref(notes);
	if (!ok) {
		json_decref(o);
		return NULL;
	}
	return o;
}

json_t *diags_json(const struct diags *d)
{
	json_t *list = json_array();
	struct source_cursor c = {0};

	for (const struct diag *g = d->first; g; g = g->next) {
		if (!value_append(list, one(d, g, &c))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int diags_render_json(struct buf *out, const struct diags *d)
{
	json_t *root = json_object();
	bool ok = value_put(root, "format_version", json_string("1.0")) &&
		  value_put(root, "valid", json_boolean(d->n_errors == 0)) &&
		  value_put(root, "error_count", json_integer((json_int_t)d->n_errors)) &&
		  value_put(root, "warning_count", json_integer((json_int_t)d->n_warnings)) &&
		  value_put(root, "diagnostics", diags_json(d));
	int rc = ok ? value_write(out, root) : -1;

	json_decref(root);
	return rc;
}
