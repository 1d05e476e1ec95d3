#include "reconcile/lsp/lsp_check.h"

#include "reconcile/lsp/lsp_frame.h"
#include "reconcile/text/json_value.h"
#include "schema/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- diagnostics ------------------------------------------------------------------------------------------------- */

static struct span source_of(const struct diags *d, uint32_t file)
{
	return d->sources && file < d->n_files && d->sources[file].p ? d->sources[file] : SPAN("");
}

static json_t *range_of(const struct diags *d, const struct place *at, enum lsp_units units)
{
	struct span text = at->line ? source_of(d, at->file) : SPAN("");
	size_t from = 0, to = 0;

	if (at->line)
		lsp_place_bytes(text, at, &from, &to);
	return lsp_range(text, from, to, units);
}

/* A file's URI as a JSON text. */
static json_t *uri_of(const char *path)
{
	char *uri = lsp_path_uri(path);
	json_t *text = uri ? json_string(uri) : NULL;

	free(uri);
	return text;
}

static bool has_place(const struct diags *d, const char *file, const struct place *at)
{
	return file && at->line && at->file < d->n_files;
}

static json_t *related(const struct diags *d, const struct diag *g, const struct lsp_client *client)
{
	json_t *list = json_array();

	for (const struct diag_note *n = g->notes; n; n = n->next)
		if (has_place(d, n->file, &n->at) &&
		    !value_append(list, json_pack("{s:o, s:{s:o, s:o}}", "message", value_text(span_str(n->text)),
						  "location", "uri", uri_of(d->files[n->at.file]), "range",
						  range_of(d, &n->at, client->units)))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *lsp_diagnostic(const struct diags *d, const struct diag *g, const struct lsp_client *client)
{
	struct place at = has_place(d, g->file, &g->at) ? g->at : (struct place){0};
	struct buf text = {0};
	json_t *o;

	buf_str(&text, g->message);
	for (const struct diag_note *n = g->notes; n; n = n->next)
		if (!client->related || !has_place(d, n->file, &n->at)) {
			buf_printf(&text, "\nnote: %s", n->text);
			if (has_place(d, n->file, &n->at))
				buf_printf(&text, " at %s:%u:%u", n->file, n->at.line, n->at.column);
		}
	if (g->help)
		buf_printf(&text, "\nhelp: %s", g->help);
	o = text.failed ? NULL
			: json_pack("{s:o, s:i, s:s, s:s, s:o}", "range", range_of(d, &at, client->units), "severity",
				    g->severity == SEVERITY_ERROR ? 1 : 2, "code", g->code, "source", "innernet",
				    "message", value_text(buf_span(&text)));
	buf_free(&text);
	if (o && client->related && g->notes && !value_put(o, "relatedInformation", related(d, g, client))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

/* The diagnostics of one file; those without a place are the root file's. NULL: out of memory. */
static json_t *diagnostics_of(const struct diags *d, uint32_t file, const struct lsp_client *client)
{
	json_t *list = json_array();

	for (const struct diag *g = d->first; list && g && json_array_size(list) < LSP_DIAGS_MAX; g = g->next) {
		uint32_t of = has_place(d, g->file, &g->at) ? g->at.file : 0;
		if (of == file && !value_append(list, lsp_diagnostic(d, g, client))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void publish(struct buf *out, const char *uri, json_t *list)
{
	lsp_frame_write(out, json_pack("{s:s, s:s, s:{s:o, s:o}}", "jsonrpc", "2.0", "method",
				       "textDocument/publishDiagnostics", "params", "uri", value_text(span_str(uri)),
				       "diagnostics", list));
}

/* ---- what was said ----------------------------------------------------------------------------------------------- */

static bool takes_part(const struct lsp_definition *def, const struct lsp_document *doc)
{
	for (size_t i = 0; i < def->now.diags.n_files; i++)
		if (strcmp(def->now.diags.files[i], doc->path) == 0)
			return true;
	return false;
}

/* A file that is open has the URI that the editor gave it. By malloc(3). */
static char *uri_for(const struct lsp_documents *docs, const char *path)
{
	const struct lsp_document *doc = lsp_document_at(docs, path);

	return doc ? strdup(doc->uri) : lsp_path_uri(path);
}

static bool remembered(char *const *said, size_t n, const char *uri)
{
	for (size_t i = 0; i < n; i++)
		if (said[i] && strcmp(said[i], uri) == 0)
			return true;
	return false;
}

static void forget(struct lsp_definition *def)
{
	for (size_t i = 0; i < def->n_said; i++)
		free(def->said[i]);
	free(def->said);
	def->said = NULL;
	def->n_said = 0;
}

/* The files that had diagnostics have none any more. */
static void retract(struct lsp_definition *def, struct buf *out)
{
	for (size_t i = 0; i < def->n_said; i++)
		publish(out, def->said[i], json_array());
	forget(def);
}

/* Of files that are open, or have diagnostics; when no open file takes part, of none. */
static int say(struct lsp_definition *def, const struct lsp_documents *docs, const struct lsp_client *client,
	       struct buf *out)
{
	const struct diags *d = &def->now.diags;
	char **said = calloc(d->n_files + 1, sizeof(char *));
	bool any = false;
	size_t n = 0;

	if (!said)
		return -1;
	for (size_t i = 0; i < docs->n && !any; i++)
		any = takes_part(def, &docs->all[i]);
	for (uint32_t i = 0; any && i < d->n_files; i++) {
		json_t *list = diagnostics_of(d, i, client);
		char *uri = uri_for(docs, d->files[i]);
		size_t count = json_array_size(list);
		if (!list || !uri) {
			json_decref(list);
			free(uri);
			out->failed = true;
			break;
		}
		if (count || lsp_document_at(docs, d->files[i]) || remembered(def->said, def->n_said, uri))
			publish(out, uri, list);
		else
			json_decref(list);
		if (count)
			said[n++] = uri;
		else
			free(uri);
	}
	for (size_t i = 0; i < def->n_said; i++) {
		bool again = remembered(said, n, def->said[i]);
		for (uint32_t k = 0; any && !again && k < d->n_files; k++) {
			char *uri = uri_for(docs, d->files[k]);
			again = uri && strcmp(uri, def->said[i]) == 0;
			free(uri);
		}
		if (!again)
			publish(out, def->said[i], json_array());
	}
	forget(def);
	def->said = said;
	def->n_said = n;
	return out->failed ? -1 : 0;
}

/* ---- definitions ------------------------------------------------------------------------------------------------- */

static void checked_free(struct lsp_checked *c)
{
	diags_free(&c->diags);
	arena_free(c->arena);
	*c = (struct lsp_checked){0};
}

static void definition_free(struct lsp_definition *def)
{
	checked_free(&def->now);
	checked_free(&def->good);
	forget(def);
	free(def->root);
	*def = (struct lsp_definition){0};
}

void lsp_definitions_free(struct lsp_definitions *x)
{
	for (size_t i = 0; i < x->n; i++)
		definition_free(&x->all[i]);
	free(x->all);
	*x = (struct lsp_definitions){0};
}

static struct lsp_definition *find(const struct lsp_definitions *x, const char *root)
{
	for (size_t i = 0; root && i < x->n; i++)
		if (strcmp(x->all[i].root, root) == 0)
			return &x->all[i];
	return NULL;
}

/* There are never more of them than open files. */
static struct lsp_definition *find_or_add(struct lsp_definitions *x, const char *root)
{
	struct lsp_definition *def = find(x, root);
	char *copy;

	if (def)
		return def;
	if (!x->all && !(x->all = calloc(LSP_DOCUMENTS_MAX + 1, sizeof(*x->all))))
		return NULL;
	copy = strdup(root);
	if (!copy)
		return NULL;
	def = &x->all[x->n++];
	*def = (struct lsp_definition){.root = copy};
	return def;
}

static bool is_used(const struct lsp_definition *def, const struct lsp_documents *docs)
{
	for (size_t i = 0; i < docs->n; i++)
		if (docs->all[i].root && strcmp(docs->all[i].root, def->root) == 0)
			return true;
	return false;
}

/* Takes the state over as the current one. The last valid one is kept beside a state that is not. */
static void replace(struct lsp_definition *def, const struct lsp_checked *next)
{
	if (def->now.model && !next->model) {
		checked_free(&def->good);
		def->good = def->now;
	} else {
		checked_free(&def->now);
		if (next->model)
			checked_free(&def->good);
	}
	def->now = *next;
}

static int check(struct lsp_definition *def, const struct lsp_documents *docs, const struct lsp_files *files,
		 const struct lsp_client *client, struct buf *out)
{
	struct lsp_checked next = {.arena = arena_new()};
	struct source_file *open = next.arena ? arena_array(next.arena, docs->n + 1, sizeof(*open)) : NULL;

	for (size_t i = 0; open && i < docs->n; i++) {
		const struct lsp_document *doc = &docs->all[i];
		open[i].name = arena_strdup(next.arena, doc->path);
		open[i].bytes = arena_span(next.arena, (struct span){(const uint8_t *)doc->text, doc->n});
		if (!open[i].name || !open[i].bytes.p)
			open = NULL;
	}
	if (!open) {
		arena_free(next.arena);
		return -1;
	}
	next.model = files->load(files->ctx, next.arena, def->root, open, docs->n, &next.diags);
	if (next.diags.n_errors && !next.diags.files)
		next.model = NULL;
	replace(def, &next);
	def->dirty = false;
	return say(def, docs, client, out);
}

/* Finds the root of each file that has changed. */
static int find_roots(struct lsp_documents *docs, const struct lsp_files *files)
{
	for (size_t i = 0; i < docs->n; i++) {
		struct lsp_document *doc = &docs->all[i];
		struct arena *a;
		const char *root;
		if (!doc->dirty)
			continue;
		if (!(a = arena_new()))
			return -1;
		root = files->root(files->ctx, a, doc->path, (struct span){(const uint8_t *)doc->text, doc->n});
		free(doc->root);
		doc->root = root ? strdup(root) : NULL;
		arena_free(a);
		doc->dirty = false;
	}
	return 0;
}

int lsp_check(struct lsp_definitions *x, struct lsp_documents *docs, const struct lsp_files *files,
	      const struct lsp_client *client, struct buf *out)
{
	bool changed[LSP_DOCUMENTS_MAX] = {false};

	for (size_t i = 0; i < docs->n; i++)
		changed[i] = docs->all[i].dirty;
	if (find_roots(docs, files))
		return -1;
	/* Those that no file has any more make room for others first. */
	for (size_t i = 0; i < x->n;) {
		if (is_used(&x->all[i], docs)) {
			i++;
			continue;
		}
		retract(&x->all[i], out);
		definition_free(&x->all[i]);
		x->all[i] = x->all[--x->n];
	}
	for (size_t i = 0; i < docs->n; i++) {
		struct lsp_definition *def = changed[i] && docs->all[i].root ? find_or_add(x, docs->all[i].root) : NULL;
		if (changed[i] && docs->all[i].root && !def)
			return -1;
		if (def)
			def->dirty = true;
	}
	for (size_t i = 0; i < x->n; i++)
		if (x->all[i].dirty && check(&x->all[i], docs, files, client, out))
			return -1;
	return 0;
}

void lsp_check_again(struct lsp_documents *docs)
{
	for (size_t i = 0; i < docs->n; i++)
		docs->all[i].dirty = true;
}

const struct lsp_definition *lsp_definition_of(const struct lsp_definitions *x, const struct lsp_document *doc,
					       uint32_t *file)
{
	const struct lsp_definition *def = find(x, doc->root);

	for (uint32_t i = 0; def && i < def->now.diags.n_files; i++) {
		if (strcmp(def->now.diags.files[i], doc->path) == 0) {
			*file = i;
			return def;
		}
	}
	return NULL;
}

const struct model *lsp_model_of(const struct lsp_definition *def)
{
	return def->now.model ? def->now.model : def->good.model;
}
