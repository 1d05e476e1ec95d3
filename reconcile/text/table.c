#include "reconcile/text/table.h"

#include "schema/utf8.h"

#include <string.h>

#define GAP        2  /* spaces between two columns */
#define WORD_LEAST 12 /* a word is not broken to fit into less, whatever the terminal */

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
	bool used;           /* some cell of it has a text */
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

/* Takes from the widest until it fits, or until every column is as narrow as it may be. */
static void fit(struct column *c, unsigned n, size_t width)
{
	size_t total = 0;

	for (unsigned i = 0; i < n; i++)
		total += c[i].used ? c[i].width + GAP : 0;
	total -= total ? GAP : 0;
	while (width && total > width) {
		struct column *widest = NULL;
		for (unsigned i = 0; i < n; i++) {
			if (c[i].used && c[i].width > c[i].least && (!widest || c[i].width > widest->width))
				widest = &c[i];
		}
		if (!widest)
			return;
		widest->width--;
		total--;
	}
}

/* First between words; a terminal that is too narrow for that gets long words broken. */
static void fit_words(struct column *c, unsigned n, size_t width)
{
	fit(c, n, width);
	for (unsigned i = 0; i < n; i++) {
		if (c[i].least > WORD_LEAST)
			c[i].least = WORD_LEAST;
	}
	fit(c, n, width);
}

/* The bytes of the first `columns` code points. */
static size_t bytes_of(const char *s, size_t n, size_t columns)
{
	size_t i = 0;
	uint32_t cp;

	for (; i < n && columns > 0; columns--) {
		unsigned len = utf8_decode((const uint8_t *)s + i, n - i, &cp);
		i += len ? len : 1;
	}
	return i;
}

/* As many words of *p as fit, or the beginning of one; *p moves on to what follows. */
static size_t take_line(const char **p, size_t width)
{
	const char *s = *p;
	size_t taken = strcspn(s, " "), next = taken;

	if (columns_of(s, taken) > width) {
		taken = bytes_of(s, taken, width);
		*p = s + taken;
		return taken;
	}
	while (s[next]) {
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
			if (!c[i].used)
				continue;
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
	for (i = 0; i < n; i++) {
		measure(&c[i], cells[i] = t->titles[i]);
		c[i].used = t->cells.n == 0;
	}
	i = 0;
	for (const char *p = t->cells.p; p < end; p += strlen(p) + 1, i++) {
		measure(&c[i % n], p);
		c[i % n].used |= *p != '\0';
	}
	fit_words(c, n, width);
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
