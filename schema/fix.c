#include "schema/fix.h"
#include "schema/utf8.h"

#include <stdlib.h>
#include <string.h>

static int fix_cmp(const void *va, const void *vb)
{
	const struct diag_fix *a = (*(const struct diag *const *)va)->fix, *b = (*(const struct diag *const *)vb)->fix;

	return a->start != b->start ? (a->start > b->start) - (a->start < b->start)
				    : (a->end > b->end) - (a->end < b->end);
}

int fixes_apply(const struct diags *d, uint32_t file, struct span bytes, struct buf *out,
		void (*made)(void *ctx, const struct diag *g), void *ctx)
{
	const struct diag **all, *g;
	size_t n = 0, at = 0;
	int count = 0;

	for (g = d->first; g; g = g->next)
		n += g->fix && g->fix->at.file == file;
	all = calloc(n + 1, sizeof(const struct diag *));
	if (!all)
		return -1;
	n = 0;
	for (g = d->first; g; g = g->next)
		if (g->fix && g->fix->at.file == file)
			all[n++] = g;
	qsort(all, n, sizeof(const struct diag *), fix_cmp);
	for (size_t i = 0; i < n; i++) {
		const struct diag_fix *f = all[i]->fix;

		if (f->start < at || f->end < f->start || f->end > bytes.n)
			continue;
		buf_add(out, bytes.p + at, f->start - at);
		buf_str(out, f->text);
		at = f->end;
		count++;
		if (made)
			made(ctx, all[i]);
	}
	if (at < bytes.n)
		buf_add(out, bytes.p + at, bytes.n - at);
	free(all);
	return out->failed ? -1 : count;
}

/* Splits off one line with its end. */
static struct span take_line(struct span *text)
{
	const uint8_t *nl = text->n ? memchr(text->p, '\n', text->n) : NULL;
	struct span line = {text->p, nl ? (size_t)(nl - text->p) + 1 : text->n};

	text->p += line.n;
	text->n -= line.n;
	return line;
}

/* What would do something to a terminal is escaped, all else stays as patch(1) needs it. */
static void buf_tabbed(struct buf *out, struct span line)
{
	const uint8_t *tab;

	while (line.n && (tab = memchr(line.p, '\t', line.n))) {
		size_t n = (size_t)(tab - line.p);

		buf_visible(out, (struct span){line.p, n});
		buf_char(out, '\t');
		line.p += n + 1;
		line.n -= n + 1;
	}
	buf_visible(out, line);
}

static void put_line(struct buf *out, char mark, struct span line)
{
	bool whole = line.n && line.p[line.n - 1] == '\n', crlf;
	bool bom = line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0;

	line.n -= whole;
	crlf = line.n && line.p[line.n - 1] == '\r';
	line.n -= crlf;
	buf_char(out, mark);
	if (bom) {
		buf_add(out, line.p, 3);
		line.p += 3;
		line.n -= 3;
	}
	buf_tabbed(out, line);
	if (crlf)
		buf_char(out, '\r');
	buf_str(out, whole ? "\n" : "\n\\ No newline at end of file\n");
}

#define CONTEXT 3 /* lines around a change */

/* What has been read of one hunk: nothing before the first line that differs but its context. */
struct hunk {
	struct span before[CONTEXT]; /* the last equal lines, oldest first */
	unsigned n_before;
	struct buf text, minus, plus; /* the hunk's lines so far; those of a run that differs */
	size_t first, count;          /* its lines, from 1 */
	unsigned equal;               /* lines since the last difference */
	bool open;
};

static void flush_run(struct hunk *h)
{
	buf_add(&h->text, h->minus.p, h->minus.n);
	buf_add(&h->text, h->plus.p, h->plus.n);
	buf_reset(&h->minus);
	buf_reset(&h->plus);
}

static void end_hunk(struct hunk *h, struct buf *out)
{
	flush_run(h);
	if (h->open) {
		buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", h->first, h->count, h->first, h->count);
		buf_add(out, h->text.p, h->text.n);
	}
	out->failed = out->failed || h->text.failed || h->minus.failed || h->plus.failed;
	buf_reset(&h->text);
	h->open = false;
	h->n_before = 0;
}

static void remember(struct hunk *h, struct span line)
{
	if (h->n_before == CONTEXT) {
		memmove(h->before, h->before + 1, (CONTEXT - 1) * sizeof(h->before[0]));
		h->n_before--;
	}
	h->before[h->n_before++] = line;
}

static void add_equal(struct hunk *h, struct buf *out, struct span line)
{
	if (h->open && h->equal == CONTEXT)
		end_hunk(h, out);
	if (h->open) {
		flush_run(h);
		put_line(&h->text, ' ', line);
		h->count++;
		h->equal++;
	}
	remember(h, line);
}

static void add_different(struct hunk *h, size_t number, struct span before, struct span after)
{
	if (!h->open) {
		h->open = true;
		h->first = number - h->n_before;
		h->count = h->n_before;
		for (unsigned i = 0; i < h->n_before; i++)
			put_line(&h->text, ' ', h->before[i]);
	}
	put_line(&h->minus, '-', before);
	put_line(&h->plus, '+', after);
	h->count++;
	h->equal = 0;
	h->n_before = 0;
}

void diff_lines(struct buf *out, const char *name, struct span before, struct span after)
{
	struct hunk h = {0};

	if (span_eq(before, after))
		return;
	buf_printf(out, "--- %s\n+++ %s\n", name, name);
	for (size_t number = 1; before.n || after.n; number++) {
		struct span one = take_line(&before), two = take_line(&after);

		if (span_eq(one, two))
			add_equal(&h, out, one);
		else
			add_different(&h, number, one, two);
	}
	end_hunk(&h, out);
	buf_free(&h.text);
	buf_free(&h.minus);
	buf_free(&h.plus);
}
