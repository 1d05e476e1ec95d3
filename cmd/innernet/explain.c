/* innernet explain: what the code of a diagnostic means, why it is one, and what to do. */
#include "cmd/innernet/commands.h"
#include "reconcile/text/json_value.h"
#include "schema/keys.h"

#include <jansson.h>
#include <string.h>

#define TYPO_MAX 3 /* letters by which a mistyped code may differ */

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    {0},
};

/* One code of either table; `why` and `mend` are NULL for those that a definition does not cause. */
struct entry {
	const char *code, *meaning, *why, *mend;
};

static struct entry entry_at(size_t i)
{
	const struct diag_code *other;

	if (i < n_definition_codes)
		return (struct entry){definition_codes[i].code, definition_codes[i].meaning, definition_codes[i].why,
				      definition_codes[i].mend};
	other = &diag_codes[i - n_definition_codes];
	return (struct entry){other->code, other->meaning, NULL, NULL};
}

static size_t n_entries(void)
{
	return n_definition_codes + n_diag_codes;
}

static size_t find(const char *code)
{
	size_t i = 0;

	while (i < n_entries() && strcmp(entry_at(i).code, code) != 0)
		i++;
	return i;
}

/* The code that a mistyped one stands for, or NULL. */
static const char *nearest(const char *code)
{
	const char *best = NULL;
	unsigned least = TYPO_MAX + 1;

	for (size_t i = 0; i < n_entries(); i++) {
		unsigned n = word_distance(code, entry_at(i).code, least);
		if (n < least) {
			least = n;
			best = entry_at(i).code;
		}
	}
	return best;
}

static json_t *json_entry(const struct entry *e)
{
	return json_pack("{s:s, s:s, s:s?, s:s?}", "code", e->code, "meaning", e->meaning, "why", e->why, "mend",
			 e->mend);
}

static void put_json(struct buf *out, size_t from, size_t to)
{
	json_t *list = json_array(), *root;
	bool ok = list != NULL;

	for (size_t i = from; ok && i < to; i++) {
		const struct entry e = entry_at(i);
		ok = !json_array_append_new(list, json_entry(&e));
	}
	root = json_pack("{s:s, s:o}", "format_version", "1.0", "codes", list);
	if (!ok || value_write(out, root))
		out->failed = true;
	json_decref(root);
}

static void put_text(struct buf *out, const struct entry *e)
{
	buf_printf(out, "%s: %s.\n", e->code, e->meaning);
	if (e->why)
		buf_printf(out, "\n%s\n%s\n", e->why, e->mend);
}

static void put_list(struct buf *out)
{
	for (size_t i = 0; i < n_entries(); i++)
		buf_printf(out, "%-26s %s\n", entry_at(i).code, entry_at(i).meaning);
}

static int unknown(struct invocation *inv, const char *code)
{
	const char *near = nearest(code);
	struct diags d = {0};
	struct diag *g = diag_error(&d, "unknown-name", NULL, "no diagnostic has the code '%.80s'", code);

	if (near)
		diag_help(&d, g, "did you mean '%s'?", near);
	else
		diag_help(&d, g, "innernet explain lists the codes");
	report(inv, &d, NULL);
	diags_free(&d);
	return 1;
}

static int run(struct invocation *inv)
{
	const bool one = inv->n_args > 0;
	size_t at = one ? find(inv->args[0]) : 0;
	struct buf b = {0};
	struct entry e;
	int rc;

	if (at == n_entries())
		return unknown(inv, inv->args[0]);
	e = entry_at(at);
	if (option_given(inv, "json"))
		put_json(&b, at, one ? at + 1 : n_entries());
	else if (one)
		put_text(&b, &e);
	else
		put_list(&b);
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

const struct command command_explain = {
    .name = "explain",
    .synopsis = "[CODE] [--json]",
    .summary = "explain the code of a diagnostic, or list the codes",
    .text = "Of a code that a definition can cause it says what it means, why it is an error or a warning, and what\n"
	    "to do; network.yaml(5) says the same. Without CODE it lists every code of both programs.",
    .example = "innernet explain address-reused",
    .options = options,
    .max_args = 1,
    .run = run,
};
