#include "cmd/innernet/edit/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <sodium.h>
#include <string.h>

#define MARGIN 4 /* modules around the code: ISO/IEC 18004, 6.3.8 */

static bool dark(const QRcode *q, int x, int y)
{
	return x >= 0 && y >= 0 && x < q->width && y < q->width && (q->data[y * q->width + x] & 1);
}

/*
 * A character draws two modules, one above the other. With colour the text is black, so that ink is a dark module. Without
 * colour ink has the terminal's text colour, and is a light module.
 */
static void put_line(struct buf *out, const QRcode *q, int y, bool color)
{
	static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};

	if (color)
		buf_str(out, "\033[38;5;16;48;5;231m");
	for (int x = -MARGIN; x < q->width + MARGIN; x++) {
		/* A code has an odd number of rows: the lower half of the last line is light. */
		bool upper = dark(q, x, y) == color;
		bool lower = y + 1 < q->width + MARGIN ? dark(q, x, y + 1) == color : !color;

		buf_str(out, blocks[2 * upper + lower]);
	}
	buf_str(out, color ? "\033[0m\n" : "\n");
}

int qr_render(struct buf *out, struct span text, unsigned columns, bool color, struct diags *d)
{
	QRcode *q = NULL;
	unsigned width;
	int r = -1;

	if (text.n && text.n <= QR_BYTES_MAX)
		q = QRcode_encodeData((int)text.n, text.p, 0, QR_ECLEVEL_L);
	if (!q && (text.n > QR_BYTES_MAX || errno == ERANGE)) {
		diag_help(d,
			  diag_error(d, "qr-too-large", NULL,
				     "the configuration has %zu bytes, and a QR code holds at most %d", text.n,
				     QR_BYTES_MAX),
			  "write it to a file with -o, and copy that to the machine");
		return -1;
	}
	if (!q)
		return diags_out_of_memory(d);
	width = (unsigned)(q->width + 2 * MARGIN);
	if (columns && width > columns) {
		diag_help(d,
			  diag_error(d, "qr-too-wide", NULL,
				     "the code takes %u columns and %u lines, and the terminal has %u columns", width,
				     (width + 1) / 2, columns),
			  "make the window larger or its letters smaller, or write a file with -o");
	} else {
		for (int y = -MARGIN; y < q->width + MARGIN; y += 2)
			put_line(out, q, y, color);
		r = 0;
	}
	sodium_memzero(q->data, (size_t)q->width * (size_t)q->width);
	QRcode_free(q);
	return r;
}
