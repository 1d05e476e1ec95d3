/* JUnit's XML, which GitLab, Jenkins and other CI servers show as a test report. */
#include "reconcile/show/diag_formats.h"

#include "schema/utf8.h"

#include <string.h>

/* XML 1.0 (section 2.2) has no place for most control characters, not even as a reference. */
static bool in_xml(uint32_t cp)
{
	return cp >= 0x20 ? cp != 0xfffe && cp != 0xffff : cp == '\t' || cp == '\n';
}

static void put_text(struct buf *out, struct span text)
{
	uint32_t cp = 0;
	unsigned len;

	for (size_t i = 0; i < text.n; i += len ? len : 1) {
		len = utf8_decode(text.p + i, text.n - i, &cp);
		if (len == 0 || !in_xml(cp))
			buf_str(out, "\xef\xbf\xbd");
		else if (cp == '&')
			buf_str(out, "&amp;");
		else if (cp == '<')
			buf_str(out, "&lt;");
		else if (cp == '>')
			buf_str(out, "&gt;");
		else if (cp == '"')
			buf_str(out, "&quot;");
		else
			buf_add(out, text.p + i, len);
	}
}

static void put_attribute(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, " %s=\"", name);
	put_text(out, span_str(value));
	buf_char(out, '"');
}

/* What one test case is about: a file, or (NULL) everything that has none. */
struct report {
	const struct diags *diags;
	const char *file;
	const struct diag *first_error;
	size_t n_errors;
	struct buf errors, warnings; /* as a person reads them */
};

static bool is_about(const struct diag *g, const char *file)
{
	return file ? g->file && strcmp(g->file, file) == 0 : !g->file;
}

static void collect(struct report *r)
{
	struct source_cursor c = {0};

	for (const struct diag *g = r->diags->first; g; g = g->next) {
		struct buf *to = g->severity == SEVERITY_ERROR ? &r->errors : &r->warnings;

		if (!is_about(g, r->file))
			continue;
		if (to->n)
			buf_char(to, '\n');
		diag_render_human(to, r->diags, g, r->diags->sources, &c, false);
		if (g->severity != SEVERITY_ERROR)
			continue;
		r->n_errors++;
		if (!r->first_error)
			r->first_error = g;
	}
	if (!r->file && r->diags->n_dropped)
		buf_printf(&r->warnings, "%zu more are not shown\n", r->diags->n_dropped);
}

/* A file that could not be read is no finding about what it says. */
static bool could_not_run(const struct diag *g)
{
	return !g->file || strncmp(g->code, "file-", 5) == 0;
}

struct totals {
	size_t tests, failures, errors;
};

static void put_case(struct buf *out, const struct diags *d, const char *file, struct totals *t)
{
	struct report r = {.diags = d, .file = file};
	const char *element;

	collect(&r);
	out->failed = out->failed || r.errors.failed || r.warnings.failed;
	t->tests++;
	buf_str(out, "    <testcase classname=\"innernet.validate\"");
	put_attribute(out, "name", file ? file : "innernet validate");
	if (file)
		put_attribute(out, "file", file);
	buf_str(out, " time=\"0\">\n");
	if (r.first_error) {
		bool broken = could_not_run(r.first_error);

		*(broken ? &t->errors : &t->failures) += 1;
		element = broken ? "error" : "failure";
		buf_printf(out, "      <%s", element);
		put_attribute(out, "type", r.first_error->code);
		buf_str(out, " message=\"");
		if (r.first_error->at.line)
			buf_printf(out, "%u:%u: ", r.first_error->at.line, r.first_error->at.column);
		put_text(out, span_str(r.first_error->message));
		if (r.n_errors > 1)
			buf_printf(out, " (and %zu more)", r.n_errors - 1);
		buf_str(out, "\">");
		put_text(out, buf_span(&r.errors));
		buf_printf(out, "</%s>\n", element);
	}
	if (r.warnings.n) {
		buf_str(out, "      <system-out>");
		put_text(out, buf_span(&r.warnings));
		buf_str(out, "</system-out>\n");
	}
	buf_str(out, "    </testcase>\n");
	buf_free(&r.errors);
	buf_free(&r.warnings);
}

static bool known(const struct diags *d, const char *file)
{
	for (size_t i = 0; i < d->n_files; i++)
		if (strcmp(d->files[i], file) == 0)
			return true;
	return false;
}

static bool seen_before(const struct diags *d, const struct diag *g)
{
	for (const struct diag *h = d->first; h != g; h = h->next)
		if (h->file && strcmp(h->file, g->file) == 0)
			return true;
	return false;
}

int diags_render_junit(struct buf *out, const struct diags *d)
{
	struct totals t = {0};
	struct buf cases = {0};
	bool without_file = d->n_dropped || d->out_of_memory;

	for (size_t i = 0; i < d->n_files; i++)
		put_case(&cases, d, d->files[i], &t);
	for (const struct diag *g = d->first; g; g = g->next) {
		without_file = without_file || !g->file;
		if (g->file && !known(d, g->file) && !seen_before(d, g))
			put_case(&cases, d, g->file, &t);
	}
	if (without_file)
		put_case(&cases, d, NULL, &t);
	buf_str(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_printf(out, "<testsuites name=\"innernet validate\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
		   t.tests, t.failures, t.errors);
	buf_printf(out,
		   "  <testsuite name=\"innernet validate\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\""
		   " skipped=\"0\" time=\"0\">\n",
		   t.tests, t.failures, t.errors);
	buf_add(out, cases.p, cases.n);
	buf_str(out, "  </testsuite>\n</testsuites>\n");
	out->failed = out->failed || cases.failed;
	buf_free(&cases);
	return out->failed ? -1 : 0;
}
