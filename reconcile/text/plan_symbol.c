#include "reconcile/text/plan_symbol.h"

static const struct symbol {
	const char *text, *color, *verb, *meaning;
} symbols[] = {
    [PLAN_CREATE] = {"+", "\033[32m", "added", "create"},
    [PLAN_CHANGE] = {"~", "\033[33m", "changed", "change in place"},
    [PLAN_REMOVE] = {"-", "\033[31m", "removed", "remove"},
};

const char *plan_verb(enum plan_action action)
{
	return symbols[action].verb;
}

void plan_put_symbol(struct buf *out, enum plan_action action, bool color)
{
	if (color)
		buf_printf(out, "%s%s" COLOR_RESET, symbols[action].color, symbols[action].text);
	else
		buf_str(out, symbols[action].text);
}

void plan_put_legend(struct buf *out, const bool used[static PLAN_ACTIONS], bool color)
{
	const char *separator = " ";

	buf_str(out, "Symbols:");
	for (unsigned i = 0; i < PLAN_ACTIONS; i++) {
		if (!used[i])
			continue;
		buf_str(out, separator);
		plan_put_symbol(out, i, color);
		buf_printf(out, " %s", symbols[i].meaning);
		separator = ", ";
	}
	buf_char(out, '\n');
}

void plan_put_summary(struct buf *out, uint32_t n_add, uint32_t n_change, uint32_t n_remove, bool color)
{
	buf_printf(out, "%sPlan:%s %u to add, %u to change, %u to remove.\n", color ? COLOR_BOLD : "",
		   color ? COLOR_RESET : "", n_add, n_change, n_remove);
}
