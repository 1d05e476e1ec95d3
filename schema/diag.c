#include "schema/diag.h"

#include "schema/limits.h"
#include "schema/utf8.h"

#include <string.h>

int place_cmp(const struct place *a, const struct place *b)
{
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->column > b->column) - (a->column < b->column);
}

void diags_free(struct diags *d)
{
	arena_free(d->arena);
	*d = (struct diags){0};
}

void diags_soften(struct diags *d)
{
	for (struct diag *g = d->first; g; g = g->next)
		g->severity = SEVERITY_WARNING;
	d->n_warnings += d->n_errors;
	d->n_errors = 0;
}

/* A copy in which nothing hides. */
__attribute__((format(printf, 2, 0))) static char *escaped(struct arena *a, const char *fmt, va_list ap)
{
	struct buf raw = {0}, out = {0};
	char *text = NULL;

	buf_vprintf(&raw, fmt, ap);
	if (!raw.failed)
		buf_visible(&out, buf_span(&raw));
	if (!raw.failed && !out.failed)
		text = arena_strndup(a, out.p, out.n);
	buf_free(&raw);
	buf_free(&out);
	return text;
}

/* The name of a file, which git takes with any byte but NUL in it. */
static char *visible(struct arena *a, const char *s)
{
	struct buf out = {0};
	char *text = NULL;

	buf_visible(&out, span_str(s));
	if (!out.failed)
		text = arena_strndup(a, out.p ? out.p : "", out.n);
	buf_free(&out);
	return text;
}

static const char *file_name(const struct diags *d, const struct place *at)
{
	return at && at->line && d->files && at->file < d->n_files ? d->files[at->file] : NULL;
}

/* Counts one, and makes room for it: NULL when it is not to be kept. */
static struct diag *diag_new(struct diags *d, enum severity severity)
{
	struct diag *g;

	if (severity == SEVERITY_ERROR)
		d->n_errors++;
	else
		d->n_warnings++;
	if (d->n_errors + d->n_warnings > DIAGS_MAX) {
		d->n_dropped++;
		return NULL;
	}
	if (!d->arena)
		d->arena = arena_new();
	g = d->arena ? arena_alloc(d->arena, sizeof(*g)) : NULL;
	if (!g) {
		d->out_of_memory = true;
		d->n_dropped++;
	}
	return g;
}

__attribute__((format(printf, 6, 0))) static struct diag *diag_add(struct diags *d, enum severity severity,
								   const char *code, const struct place *at,
								   const char *file, const char *fmt, va_list ap)
{
	struct diag *g = diag_new(d, severity);

	if (!g)
		return NULL;
	g->severity = severity;
	g->code = code;
	g->message = escaped(d->arena, fmt, ap);
	if (at)
		g->at = *at;
	if (file)
		g->file = visible(d->arena, file);
	if (!g->message || (file && !g->file)) {
		d->out_of_memory = true;
		d->n_dropped++;
		return NULL;
	}
	if (d->last)
		d->last->next = g;
	else
		d->first = g;
	d->last = g;
	return g;
}

struct diag *diag_error(struct diags *d, const char *code, const struct place *at, const char *fmt, ...)
{
	struct diag *g;
	va_list ap;

	va_start(ap, fmt);
	g = diag_add(d, SEVERITY_ERROR, code, at, file_name(d, at), fmt, ap);
	va_end(ap);
	return g;
}

struct diag *diag_warning(struct diags *d, const char *code, const struct place *at, const char *fmt, ...)
{
	struct diag *g;
	va_list ap;

	va_start(ap, fmt);
	g = diag_add(d, SEVERITY_WARNING, code, at, file_name(d, at), fmt, ap);
	va_end(ap);
	return g;
}

struct diag *diag_file_error(struct diags *d, const char *code, const char *file, const char *fmt, ...)
{
	struct diag *g;
	va_list ap;

	va_start(ap, fmt);
	g = diag_add(d, SEVERITY_ERROR, code, NULL, file, fmt, ap);
	va_end(ap);
	return g;
}

int diags_out_of_memory(struct diags *d)
{
	static const char code[] = "out-of-memory";

	if (!d->last || strcmp(d->last->code, code) != 0)
		diag_error(d, code, NULL, "out of memory");
	d->out_of_memory = true;
	return -1;
}

void diag_note(struct diags *d, struct diag *g, const struct place *at, const char *fmt, ...)
{
	struct diag_note *note, **end;
	va_list ap;

	if (!g)
		return;
	va_start(ap, fmt);
	note = arena_alloc(d->arena, sizeof(*note));
	if (note)
		note->text = escaped(d->arena, fmt, ap);
	va_end(ap);
	if (!note || !note->text) {
		d->out_of_memory = true;
		return;
	}
	if (file_name(d, at)) {
		note->at = *at;
		note->file = visible(d->arena, file_name(d, at));
	}
	for (end = &g->notes; *end; end = &(*end)->next)
		;
	*end = note;
}

void diag_help(struct diags *d, struct diag *g, const char *fmt, ...)
{
	va_list ap;

	if (!g)
		return;
	va_start(ap, fmt);
	g->help = escaped(d->arena, fmt, ap);
	va_end(ap);
	if (!g->help)
		d->out_of_memory = true;
}

void diag_fix(struct diags *d, struct diag *g, const struct place *at, uint32_t start, uint32_t end, const char *text)
{
	struct diag_fix *fix = g ? arena_alloc(d->arena, sizeof(*fix)) : NULL;

	if (!g)
		return;
	if (fix) {
		*fix = (struct diag_fix){*at, start, end, arena_strdup(d->arena, text)};
		g->fix = fix->text ? fix : NULL;
	}
	if (!g->fix)
		d->out_of_memory = true;
}

static bool comes_after(const struct diag *a, const struct diag *b)
{
	if (!a->at.line || !b->at.line)
		return !a->at.line && b->at.line;
	return place_cmp(&a->at, &b->at) > 0;
}

/* A stable merge sort of the first `n` of a list; *rest is what follows them. */
static struct diag *sort_list(struct diag *list, size_t n, struct diag **rest)
{
	struct diag *a, *b, *first = NULL, **end = &first;
	size_t na = n / 2, nb = n - n / 2;

	if (n == 1) {
		*rest = list->next;
		return list;
	}
	a = sort_list(list, na, &b);
	b = sort_list(b, nb, rest);
	while (na || nb) {
		bool take_b = !na || (nb && comes_after(a, b));
		struct diag *g = take_b ? b : a;

		if (take_b) {
			b = b->next;
			nb--;
		} else {
			a = a->next;
			na--;
		}
		*end = g;
		end = &g->next;
	}
	return first;
}

void diags_sort(struct diags *d)
{
	struct diag *g, *rest = NULL;
	size_t n = 0;

	for (g = d->first; g; g = g->next)
		n++;
	if (n < 2)
		return;
	d->first = sort_list(d->first, n, &rest);
	for (g = d->first; --n; g = g->next)
		;
	g->next = NULL;
	d->last = g;
}
