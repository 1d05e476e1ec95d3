#include "cmd/innernet/edit/lines.h"
#include "schema/diag.h"
#include "schema/utf8.h"

#include <string.h>

#define LOOK_AHEAD 64 /* lines on each side in which the end of a difference is searched */

struct lines {
	struct span text;
	size_t at;
};

/* Returns the n-th line from the cursor with its line end; empty behind the last line. */
static struct span peek(const struct lines *l, size_t n)
{
	size_t at = l->at;
	for (;;) {
		const uint8_t *lf = at < l->text.n ? memchr(l->text.p + at, '\n', l->text.n - at) : NULL;
		size_t next = lf ? (size_t)(lf - l->text.p) + 1 : l->text.n;
		if (!n-- || at == l->text.n)
			return (struct span){l->text.p + at, next - at};
		at = next;
	}
}

static void put(struct buf *out, struct lines *l, size_t n, bool came, bool color)
{
	while (n--) {
		struct span s = peek(l, 0);
		l->at += s.n;
		while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
			s.n--;
		buf_str(out, color ? (came ? "\033[32m+" : "\033[31m-") : (came ? "+" : "-"));
		buf_visible(out, s);
		buf_str(out, color ? "\033[0m\n" : "\n");
	}
}

/* Returns whether a at line i and b at line j agree for two lines or to the end. */
static bool agree(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	struct span x = peek(a, i), y = peek(b, j);
	if (!span_eq(x, y))
		return false;
	return !x.n || span_eq(peek(a, i + 1), peek(b, j + 1));
}

/* Finds the smallest i + j at which both sides agree again; 1 and 1 when there is none. */
static void find_agreement(const struct lines *a, const struct lines *b, size_t *i, size_t *j)
{
	for (size_t sum = 1; sum <= 2 * LOOK_AHEAD; sum++) {
		for (*i = sum < LOOK_AHEAD ? sum : LOOK_AHEAD;; --*i) {
			*j = sum - *i;
			if (*j <= LOOK_AHEAD && agree(a, *i, b, *j))
				return;
			if (!*i)
				break;
		}
	}
	*i = *j = 1;
}

void edit_lines(struct buf *out, struct span before, struct span after, bool color)
{
	struct lines a = {before, 0}, b = {after, 0};
	size_t i, j;

	while (a.at < a.text.n || b.at < b.text.n) {
		struct span x = peek(&a, 0), y = peek(&b, 0);
		if (span_eq(x, y)) {
			a.at += x.n;
			b.at += y.n;
			continue;
		}
		find_agreement(&a, &b, &i, &j);
		/* As many lines on both sides: ends the difference at the first line that is equal in both. */
		if (i == j) {
			for (i = 1; i < j && !span_eq(peek(&a, i), peek(&b, i)); i++)
				;
			j = i;
		}
		put(out, &a, x.n ? i : 0, false, color);
		put(out, &b, y.n ? j : 0, true, color);
	}
}
