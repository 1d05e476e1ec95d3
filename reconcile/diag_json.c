#include "reconcile/diag_json.h"

#include "schema/utf8.h"

#include <jansson.h>
#include <stdlib.h>

/* Takes the value over; false when it is NULL or memory is short. */
static bool put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *point(uint32_t line, uint32_t column)
{
	return json_pack("{s:I,s:I}", "line", (json_int_t)line, "column", (json_int_t)column);
}

static bool put_place(json_t *object, const char *file, const struct place *at)
{
	if (!file)
		return true;
	if (!put(object, "file", json_string(file)))
		return false;
	return !at->line || (put(object, "start", point(at->line, at->column)) &&
			     put(object, "end", point(at->end_line, at->end_column)));
}

/* JSON is UTF-8: what is not, in a file that was refused for it, is shown as U+FFFD. */
static json_t *text_of(struct span line)
{
	struct buf b = {0};
	json_t *out = NULL;
	uint32_t cp;

	for (size_t i = 0; i < line.n;) {
		unsigned len = utf8_decode(line.p + i, line.n - i, &cp);

		if (len)
			buf_add(&b, line.p + i, len);
		else
			buf_str(&b, "\xef\xbf\xbd");
		i += len ? len : 1;
	}
	if (!b.failed)
		out = json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return out;
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
	return put(snippet, "code", text_of(line)) && put(snippet, "start_line", json_integer(g->at.line)) &&
	       put(object, "snippet", snippet);
}

static json_t *one(const struct diags *d, const struct diag *g, struct source_cursor *c)
{
	json_t *o = json_object(), *notes = json_array();
	bool ok = put(o, "severity", json_string(g->severity == SEVERITY_ERROR ? "error" : "warning")) &&
		  put(o, "code", json_string(g->code)) && put(o, "message", json_string(g->message)) &&
		  put_place(o, g->file, &g->at) && put_snippet(o, d, g, c);

	for (const struct diag_note *n = g->notes; n && ok; n = n->next) {
		json_t *note = json_object();

		ok = put(note, "message", json_string(n->text)) && put_place(note, n->file, &n->at);
		ok = json_array_append_new(notes, note) == 0 && ok;
	}
	ok = ok && put(o, "notes", json_incref(notes));
	if (ok && g->help)
		ok = put(o, "help", json_string(g->help));
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
		if (json_array_append_new(list, one(d, g, &c))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

int diags_render_json(struct buf *out, const struct diags *d)
{
	json_t *root = json_object();
	char *text = NULL;
	bool ok = put(root, "format_version", json_string("1.0")) &&
		  put(root, "valid", json_boolean(d->n_errors == 0)) &&
		  put(root, "error_count", json_integer((json_int_t)d->n_errors)) &&
		  put(root, "warning_count", json_integer((json_int_t)d->n_warnings)) &&
		  put(root, "diagnostics", diags_json(d));

	if (ok)
		text = json_dumps(root, JSON_INDENT(2));
	if (text) {
		buf_str(out, text);
		buf_char(out, '\n');
	}
	free(text);
	json_decref(root);
	return text && !out->failed ? 0 : -1;
}
