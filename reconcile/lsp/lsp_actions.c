/* Code actions: the fixes that diagnostics carry, one by one and all at once. */
#include "reconcile/lsp/lsp_answer.h"
#include "reconcile/text/json_value.h"

#include <string.h>

struct actions {
	const struct lsp_question *q;
	const struct diags *diags;
	struct span text;
	json_t *list;
	json_t *all; /* the edits of all fixes, which do not overlap */
	size_t end;  /* of the last of them */
	unsigned n;
	bool failed;
};

static json_t *edit_of(const struct actions *x, const struct diag_fix *f)
{
	return json_pack("{s:o, s:o}", "range", lsp_range(x->text, f->start, f->end, x->q->client->units), "newText",
			 value_text(span_str(f->text)));
}

/* The edits (taken over) as a change of the document. */
static json_t *change_of(const struct actions *x, json_t *edits)
{
	json_t *changes = json_object();

	if (!changes || json_object_set_new(changes, x->q->document->uri, edits)) {
		json_decref(changes);
		return NULL;
	}
	return json_pack("{s:o}", "changes", changes);
}

static void add_fix(struct actions *x, const struct diag *g)
{
	struct buf title = {0};
	json_t *action;

	buf_printf(&title, "%s", g->help ? g->help : g->message);
	action = json_pack("{s:o, s:s, s:b, s:[o], s:o}", "title", value_text(buf_span(&title)), "kind", "quickfix",
			   "isPreferred", 1, "diagnostics", lsp_diagnostic(x->diags, g, x->q->client), "edit",
			   change_of(x, json_pack("[o]", edit_of(x, g->fix))));
	x->failed |= title.failed || !value_append(x->list, action);
	buf_free(&title);
}

json_t *lsp_actions(const struct lsp_question *q, size_t to)
{
	struct actions x = {.q = q, .text = {(const uint8_t *)q->document->text, q->document->n}};
	uint32_t file;
	const struct lsp_definition *def = lsp_definition_of(q->definitions, q->document, &file);

	if (!def)
		return json_null();
	x.diags = &def->now.diags;
	x.list = json_array();
	x.all = json_array();
	x.failed = !x.list || !x.all;
	for (const struct diag *g = x.diags->first; g && !x.failed; g = g->next) {
		const struct diag_fix *f = g->fix;
		size_t from, end;
		if (!f || f->at.file != file || f->end < f->start || f->end > x.text.n)
			continue;
		lsp_place_bytes(x.text, g->at.line ? &g->at : &f->at, &from, &end);
		if (from <= to && q->offset <= end)
			add_fix(&x, g);
		if (x.n && f->start < x.end)
			continue;
		x.n++;
		x.end = f->end;
		x.failed |= !value_append(x.all, edit_of(&x, f));
	}
	if (!x.failed && x.n)
		x.failed |=
		    !value_append(x.list, json_pack("{s:s, s:s, s:o}", "title", "Make all safe corrections", "kind",
						    "source.fixAll", "edit", change_of(&x, json_incref(x.all))));
	json_decref(x.all);
	if (!x.failed)
		return x.list;
	json_decref(x.list);
	return NULL;
}
