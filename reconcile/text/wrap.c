#include "reconcile/text/wrap.h"

#include <string.h>

#define INDENT 4

/* Columns of UTF-8 text: one a character; colours ("\033[1m") have none. */
static unsigned columns(const uint8_t *p, const uint8_t *end)
{
	unsigned n = 0;

	while (p < end) {
		if (*p == '\033')
			while (p < end && *p != 'm')
				p++;
		else
			n += (*p & 0xc0) != 0x80;
		p += p < end;
	}
	return n;
}

/* The end of the entry at p: after its comma and space, or the end of the line. */
static const uint8_t *entry_end(const uint8_t *p, const uint8_t *end)
{
	for (; p + 1 < end; p++)
		if (p[0] == ',' && p[1] == ' ')
			return p + 2;
	return end;
}

static void wrap_line(struct buf *out, const uint8_t *p, const uint8_t *end, unsigned width)
{
	unsigned column = 0;

	while (p < end) {
		const uint8_t *next = entry_end(p, end);
		/* The space after the comma at the line's end takes no column. */
		const unsigned n = columns(p, next), seen = next < end ? n - 1 : n;
		if (column > INDENT && column + seen > width) {
			while (out->n && out->p[out->n - 1] == ' ')
				out->n--;
			buf_printf(out, "\n%*s", INDENT, "");
			column = INDENT;
		}
		buf_add(out, p, (size_t)(next - p));
		column += n;
		p = next;
	}
}

void text_wrap(struct buf *out, struct span text, unsigned width)
{
	const uint8_t *p = text.p, *end = text.p + text.n;

	while (p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *stop = nl ? nl : end;
		if (width && columns(p, stop) > width)
			wrap_line(out, p, stop, width);
		else
			buf_add(out, p, (size_t)(stop - p));
		if (nl)
			buf_char(out, '\n');
		p = stop + (nl != NULL);
	}
}
