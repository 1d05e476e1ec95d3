#include "reconcile/table.h"

#include "schema/utf8.h"

#include <string.h>

#define GAP 2 /* spaces between two columns */

void table_cell_end(struct table *t)
{
	buf_char(&t->cells, '\0');
}

void table_free(struct table *t)
{
	buf_free(&t->cells);
}

static size_t columns_of(const char *s, size_t n)
{
	size_t columns = 0;
	uint32_t cp;

	for (size_t i = 0; i < n; columns++) {
		unsigned len = utf8_decode((const uint8_t *)s + i, n - i, &cp);
		i += len ? len : 1;
	}
	return columns;
}

struct column {
	size_t width, least; /* of the whole cell, of the longest word */
};

static void measure(struct column *c, const char *cell)
{
	size_t all = columns_of(cell, strlen(cell));

	if (all > c->width)
		c->width = all;
	for (const char *p = cell; *p;) {
		size_t n = strcspn(p, " "), word = columns_of(p, n);
		if (word > c->least)
			c->least = word;
		p += n + strspn(p + n, " ");
	}
}

/* Takes from the widest until it fits, or until every column is as narrow as its longest word. */
static void fit(struct column *c, unsigned n, size_t width)
{
	size_t total = (size_t)GAP * (n - 1);

	for (unsigned i = 0; i < n; i++)
		total += c[i].width;
	while (width && total > width) {
		struct column *widest = NULL;
		for (unsigned i = 0; i < n; i++) {
			if (c[i].width > c[i].least && (!widest || c[i].width > widest->width))
				widest = &c[i];
		}
		if (!widest)
			return;
		widest->width--;
		total--;
	}
}

/* As many words of *p as fit, at least one; *p moves on to the next. */
static size_t take_line(const char **p, size_t width)
{
	const char *s = *p;
	size_t taken = strcspn(s, " "), next;

	for (next = taken; s[next]; next = taken) {
		next += strspn(s + next, " ");
		next += strcspn(s + next, " ");
		if (columns_of(s, next) > width)
			break;
		taken = next;
	}
	*p = s + taken + strspn(s + taken, " ");
	return taken;
}

static void put_row(struct buf *out, const char **cells, const struct column *c, unsigned n)
{
	bool more = true;

	while (more) {
		size_t blank = 0; /* spaces that are owed: none stands at the end of a line */
		more = false;
		for (unsigned i = 0; i < n; i++) {
			const char *from = cells[i];
			size_t bytes = *from ? take_line(&cells[i], c[i].width) : 0;
			size_t columns = columns_of(from, bytes);
			if (bytes) {
				buf_printf(out, "%*s", (int)blank, "");
				buf_add(out, from, bytes);
				blank = 0;
			}
			blank += (c[i].width > columns ? c[i].width - columns : 0) + GAP;
			more |= *cells[i] != '\0';
		}
		buf_char(out, '\n');
	}
}

void table_render(struct buf *out, const struct table *t, unsigned width)
{
	const char *end = t->cells.p ? t->cells.p + t->cells.n : NULL, *cells[TABLE_COLUMNS_MAX];
	struct column c[TABLE_COLUMNS_MAX] = {0};
	unsigned n = t->n_columns, i = 0;

	out->failed |= t->cells.failed;
	if (out->failed)
		return;
	for (i = 0; i < n; i++)
		measure(&c[i], cells[i] = t->titles[i]);
	i = 0;
	for (const char *p = t->cells.p; p < end; p += strlen(p) + 1)
		measure(&c[i++ % n], p);
	fit(c, n, width);
	put_row(out, cells, c, n);
	i = 0;
	for (const char *p = t->cells.p; p < end; p += strlen(p) + 1) {
		cells[i++] = p;
		if (i == n) {
			/* put_row() moves the cells on to their ends: `p` is a pointer of its own. */
			put_row(out, cells, c, n);
			i = 0;
		}
	}
}
