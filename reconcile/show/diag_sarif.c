/* SARIF 2.1.0 (OASIS), which forges and editors read; sections below are that standard's. */
#include "reconcile/show/diag_formats.h"

#include "reconcile/text/json_value.h"

#include <ctype.h>
#include <string.h>

/* All values are taken over by what they are put into, so that one check at the end is enough. */
struct log {
	const struct diags *diags;
	json_t *rules;
	bool ok;
};

static void put(struct log *l, json_t *object, const char *key, json_t *value)
{
	l->ok = value_put(object, key, value) && l->ok;
}

static void append(struct log *l, json_t *array, json_t *value)
{
	l->ok = value_append(array, value) && l->ok;
}

static json_t *message(struct log *l, const char *text)
{
	json_t *m = json_object();

	put(l, m, "text", value_text(span_str(text)));
	return m;
}

/* A file's name as a URI reference (RFC 3986): relative ones stay relative, and none looks like a scheme (3.4.4). */
static json_t *uri(const char *file)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	struct buf b = {0};
	json_t *out = NULL;

	if (*file == '/')
		buf_str(&b, "file://");
	for (; strncmp(file, "./", 2) == 0; file += 2)
		;
	for (; *file; file++) {
		if (strchr(plain, *file))
			buf_char(&b, *file);
		else
			buf_printf(&b, "%%%02X", (unsigned char)*file);
	}
	if (!b.failed)
		out = json_string(b.p ? b.p : ".");
	buf_free(&b);
	return out;
}

/* Section 3.30: lines and columns from 1, the end exclusive. */
static json_t *region(struct log *l, const struct place *at)
{
	json_t *r = json_object();

	put(l, r, "startLine", json_integer(at->line));
	put(l, r, "startColumn", json_integer(at->column));
	put(l, r, "endLine", json_integer(at->end_line));
	put(l, r, "endColumn", json_integer(at->end_column));
	return r;
}

static json_t *artifact(struct log *l, const char *file)
{
	json_t *a = json_object();

	put(l, a, "uri", uri(file));
	return a;
}

static json_t *location(struct log *l, const char *file, const struct place *at, const char *text)
{
	json_t *physical = json_object(), *o = json_object();

	put(l, physical, "artifactLocation", artifact(l, file));
	if (at->line)
		put(l, physical, "region", region(l, at));
	put(l, o, "physicalLocation", physical);
	if (text)
		put(l, o, "message", message(l, text));
	return o;
}

/* Section 3.49.10: whole sentences. */
static json_t *description(struct log *l, const struct definition_code *c)
{
	struct buf b = {0};
	json_t *m;

	buf_printf(&b, "%c%s.%s%s", toupper((unsigned char)*c->meaning), c->meaning + 1, c->why ? " " : "",
		   c->why ? c->why : "");
	l->ok = l->ok && !b.failed;
	m = message(l, b.p ? b.p : "");
	buf_free(&b);
	return m;
}

/* Of a code that no definition causes, `why` and `mend` are NULL. */
static void add_rule(struct log *l, const struct definition_code *c)
{
	json_t *rule = json_object();

	put(l, rule, "id", json_string(c->code));
	put(l, rule, "shortDescription", message(l, c->meaning));
	put(l, rule, "fullDescription", description(l, c));
	if (c->mend)
		put(l, rule, "help", message(l, c->mend));
	append(l, l->rules, rule);
}

/* The index of a code's rule; codes that no definition causes get theirs when they are met. */
static size_t rule_index(struct log *l, const char *code)
{
	size_t n = json_array_size(l->rules);

	for (size_t i = 0; i < n; i++)
		if (strcmp(json_string_value(json_object_get(json_array_get(l->rules, i), "id")), code) == 0)
			return i;
	for (size_t i = 0; i < n_diag_codes; i++) {
		if (strcmp(diag_codes[i].code, code) == 0) {
			add_rule(l, &(struct definition_code){diag_codes[i].code, diag_codes[i].meaning, NULL, NULL});
			return n;
		}
	}
	add_rule(l, &(struct definition_code){code, code, NULL, NULL});
	return n;
}

/* What it says, what has no place of its own, and what to do. */
static json_t *full_message(struct log *l, const struct diag *g)
{
	struct buf b = {0};
	json_t *m;

	buf_str(&b, g->message);
	for (const struct diag_note *n = g->notes; n; n = n->next)
		if (!n->file)
			buf_printf(&b, "\nnote: %s", n->text);
	if (g->help)
		buf_printf(&b, "\nhelp: %s", g->help);
	l->ok = l->ok && !b.failed;
	m = message(l, b.p ? b.p : "");
	buf_free(&b);
	return m;
}

/* Sections 3.55 to 3.57. */
static json_t *fixes(struct log *l, const struct diag *g)
{
	json_t *list = json_array(), *fix = json_object(), *changes = json_array(), *change = json_object(),
	       *replacements = json_array(), *replacement = json_object(), *content = json_object();

	put(l, content, "text", value_text(span_str(g->fix->text)));
	put(l, replacement, "deletedRegion", region(l, &g->fix->at));
	put(l, replacement, "insertedContent", content);
	append(l, replacements, replacement);
	put(l, change, "artifactLocation", artifact(l, l->diags->files[g->fix->at.file]));
	put(l, change, "replacements", replacements);
	append(l, changes, change);
	if (g->help)
		put(l, fix, "description", message(l, g->help));
	put(l, fix, "artifactChanges", changes);
	append(l, list, fix);
	return list;
}

static json_t *result(struct log *l, const struct diag *g)
{
	json_t *r = json_object(), *where = json_array(), *related = json_array();

	put(l, r, "ruleId", json_string(g->code));
	put(l, r, "ruleIndex", json_integer((json_int_t)rule_index(l, g->code)));
	put(l, r, "level", json_string(g->severity == SEVERITY_ERROR ? "error" : "warning"));
	put(l, r, "message", full_message(l, g));
	if (g->file)
		append(l, where, location(l, g->file, &g->at, NULL));
	put(l, r, "locations", where);
	for (const struct diag_note *n = g->notes; n; n = n->next)
		if (n->file)
			append(l, related, location(l, n->file, &n->at, n->text));
	if (json_array_size(related))
		put(l, r, "relatedLocations", related);
	else
		json_decref(related);
	if (g->fix && g->fix->at.file < l->diags->n_files)
		put(l, r, "fixes", fixes(l, g));
	return r;
}

/* Section 3.20: what was dropped is said, not passed over. */
static json_t *invocation(struct log *l)
{
	json_t *o = json_object(), *notes, *note;
	char text[64];

	put(l, o, "executionSuccessful", json_boolean(!l->diags->out_of_memory));
	if (l->diags->n_dropped) {
		snprintf(text, sizeof(text), "%zu more results are not listed", l->diags->n_dropped);
		notes = json_array();
		note = json_object();
		put(l, note, "level", json_string("warning"));
		put(l, note, "message", message(l, text));
		append(l, notes, note);
		put(l, o, "toolExecutionNotifications", notes);
	}
	return o;
}

int diags_render_sarif(struct buf *out, const struct diags *d)
{
	struct log l = {.diags = d, .rules = json_array(), .ok = true};
	json_t *root = json_object(), *runs = json_array(), *run = json_object(), *tool = json_object(),
	       *driver = json_object(), *results = json_array(), *invocations = json_array();
	int rc = -1;

	for (size_t i = 0; i < n_definition_codes; i++)
		add_rule(&l, &definition_codes[i]);
	for (const struct diag *g = d->first; g && l.ok; g = g->next)
		append(&l, results, result(&l, g));
	put(&l, driver, "name", json_string("innernet"));
	put(&l, driver, "version", json_string(INNERNET_VERSION));
	put(&l, driver, "rules", l.rules);
	put(&l, tool, "driver", driver);
	put(&l, run, "tool", tool);
	append(&l, invocations, invocation(&l));
	put(&l, run, "invocations", invocations);
	put(&l, run, "columnKind", json_string("unicodeCodePoints"));
	put(&l, run, "results", results);
	append(&l, runs, run);
	put(&l, root, "$schema", json_string("https://json.schemastore.org/sarif-2.1.0.json"));
	put(&l, root, "version", json_string("2.1.0"));
	put(&l, root, "runs", runs);
	if (l.ok)
		rc = value_write(out, root);
	json_decref(root);
	return rc;
}
