#include "reconcile/lsp/lsp_position.h"

#include "schema/utf8.h"

#include <string.h>

/* How many units a code point has, which has `bytes` in UTF-8. */
static uint32_t units_of(uint32_t cp, unsigned bytes, enum lsp_units units)
{
	return units == LSP_UTF8 ? bytes : units == LSP_UTF16 && cp > 0xffff ? 2 : 1;
}

/* The code point at an offset; a byte that is no UTF-8 counts as one. Returns its bytes. */
static unsigned step(struct span text, size_t at, uint32_t *cp)
{
	unsigned n = utf8_decode(text.p + at, text.n - at, cp);

	if (!n)
		*cp = 0xfffd;
	return n ? n : 1;
}

/* The offset of a line from 0, and its end before CR LF. */
static size_t find_line(struct span text, uint32_t line, size_t *end)
{
	size_t at = 0;
	const uint8_t *lf;

	while (line && (lf = at < text.n ? memchr(text.p + at, '\n', text.n - at) : NULL)) {
		at = (size_t)(lf - text.p) + 1;
		line--;
	}
	if (line)
		at = text.n;
	lf = at < text.n ? memchr(text.p + at, '\n', text.n - at) : NULL;
	*end = lf ? (size_t)(lf - text.p) : text.n;
	if (lf && *end > at && text.p[*end - 1] == '\r')
		(*end)--;
	return at;
}

size_t lsp_offset(struct span text, struct lsp_position p, enum lsp_units units)
{
	size_t end, at = find_line(text, p.line, &end);
	uint32_t cp, left = p.character;

	while (at < end && left) {
		unsigned n = step(text, at, &cp);
		uint32_t u = units_of(cp, n, units);
		at += n;
		left -= u < left ? u : left;
	}
	return at < end ? at : end;
}

struct lsp_position lsp_position_of(struct span text, size_t offset, enum lsp_units units)
{
	struct lsp_position p = {0, 0};
	size_t at = 0;
	const uint8_t *lf;
	uint32_t cp;

	if (offset > text.n)
		offset = text.n;
	while ((lf = at < offset ? memchr(text.p + at, '\n', offset - at) : NULL)) {
		at = (size_t)(lf - text.p) + 1;
		p.line++;
	}
	while (at < offset) {
		unsigned n = step(text, at, &cp);
		p.character += units_of(cp, n, units);
		at += n;
	}
	return p;
}

void lsp_place_bytes(struct span text, const struct place *at, size_t *from, size_t *to)
{
	struct lsp_position start = {at->line ? at->line - 1 : 0, at->column ? at->column - 1 : 0};
	struct lsp_position stop = {at->end_line ? at->end_line - 1 : start.line,
				    at->end_column ? at->end_column - 1 : start.character};
	size_t end;

	*from = lsp_offset(text, start, LSP_UTF32);
	*to = lsp_offset(text, stop, LSP_UTF32);
	if (*to > *from)
		return;
	find_line(text, start.line, &end);
	*to = *from;
	if (*from < end) {
		uint32_t cp;
		*to += step(text, *from, &cp);
	}
}

static json_t *position(struct span text, size_t offset, enum lsp_units units)
{
	struct lsp_position p = lsp_position_of(text, offset, units);

	return json_pack("{s:I, s:I}", "line", (json_int_t)p.line, "character", (json_int_t)p.character);
}

json_t *lsp_range(struct span text, size_t from, size_t to, enum lsp_units units)
{
	return json_pack("{s:o, s:o}", "start", position(text, from, units), "end", position(text, to, units));
}

bool lsp_read_position(const json_t *p, struct lsp_position *out)
{
	const json_t *line = json_object_get(p, "line"), *character = json_object_get(p, "character");

	if (!json_is_integer(line) || !json_is_integer(character) || json_integer_value(line) < 0 ||
	    json_integer_value(character) < 0)
		return false;
	out->line = json_integer_value(line) > UINT32_MAX ? UINT32_MAX : (uint32_t)json_integer_value(line);
	out->character =
	    json_integer_value(character) > UINT32_MAX ? UINT32_MAX : (uint32_t)json_integer_value(character);
	return true;
}
