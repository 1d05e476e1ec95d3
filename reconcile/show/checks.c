#include "reconcile/show/checks.h"

#include "reconcile/text/json.h"
#include "reconcile/show/plan.h"
#include "schema/diag.h"
#include "schema/utf8.h"

#include <string.h>

#define CHECKS_MAX 4096

static const struct level {
	const char *word, *color;
} levels[] = {
    [CHECK_OK] = {"ok", "\033[32m"},     [CHECK_NOTE] = {"note", ""},           [CHECK_WARN] = {"warn", "\033[33m"},
    [CHECK_UNKNOWN] = {"?", "\033[33m"}, [CHECK_FAIL] = {"FAIL", "\033[1;31m"},
};

__attribute__((format(printf, 2, 0))) static const char *format(struct checks *c, const char *fmt, va_list ap)
{
	struct buf b = {0}, shown = {0};
	const char *text;

	buf_vprintf(&b, fmt, ap);
	/* What it quotes may come from anywhere. */
	buf_visible(&shown, buf_span(&b));
	text = b.failed || shown.failed ? NULL : arena_strndup(c->arena, shown.p ? shown.p : "", shown.n);
	buf_free(&b);
	buf_free(&shown);
	if (!text)
		c->failed = true;
	return text;
}

struct check *checks_add(struct checks *c, enum check_level level, const char *what, const char *fmt, ...)
{
	struct check *more;
	va_list ap;

	if (c->n == CHECKS_MAX)
		return NULL;
	if (c->n == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : 32;

		more = arena_array(c->arena, cap, sizeof(*more));
		if (!more) {
			c->failed = true;
			return NULL;
		}
		if (c->n)
			memcpy(more, c->list, c->n * sizeof(*more));
		c->list = more;
		c->cap = cap;
	}
	more = &c->list[c->n];
	*more = (struct check){.level = level, .what = arena_strdup(c->arena, what)};
	va_start(ap, fmt);
	more->text = format(c, fmt, ap);
	va_end(ap);
	c->failed |= !more->what;
	if (!more->text || !more->what)
		return NULL;
	c->n++;
	return more;
}

void checks_help(struct checks *c, struct check *at, const char *fmt, ...)
{
	va_list ap;

	if (!at)
		return;
	va_start(ap, fmt);
	at->help = format(c, fmt, ap);
	va_end(ap);
}

int checks_verdict(const struct checks *c)
{
	int verdict = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		if (c->list[i].level == CHECK_FAIL)
			return 1;
		if (c->list[i].level == CHECK_UNKNOWN)
			verdict = 2;
	}
	return verdict;
}

const char *checks_verdict_word(int verdict)
{
	return verdict == 0 ? "fine" : verdict == 1 ? "wrong" : "unknown";
}

void checks_text(struct buf *out, const struct checks *c, bool color)
{
	int width = 10;

	for (uint32_t i = 0; i < c->n; i++) {
		int n = (int)strlen(c->list[i].what);

		width = n > width && n <= 24 ? n : width;
	}
	for (uint32_t i = 0; i < c->n; i++) {
		const struct check *k = &c->list[i];
		const struct level *l = &levels[k->level];

		buf_printf(out, "  %s%-4s%s  %-*s  %s\n", color ? l->color : "", l->word,
			   color && l->color[0] ? COLOR_RESET : "", width, k->what, k->text);
		if (k->help)
			buf_printf(out, "  %-4s  %-*s  -> %s\n", "", width, "", k->help);
	}
	out->failed |= c->failed;
}

json_t *checks_json(const struct checks *c)
{
	static const char *const words[] = {[CHECK_OK] = "ok",
					    [CHECK_NOTE] = "note",
					    [CHECK_WARN] = "warn",
					    [CHECK_UNKNOWN] = "unknown",
					    [CHECK_FAIL] = "fail"};
	json_t *list = c->failed ? NULL : json_array();

	for (uint32_t i = 0; list && i < c->n; i++) {
		const struct check *k = &c->list[i];
		json_t *o = json_pack("{s:s, s:s, s:s, s:o}", k->is_peer ? "peer" : "check", k->what, "level",
				      words[k->level], "text", k->text, "help", text_json(k->help));

		if (!json_add(list, o)) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}
