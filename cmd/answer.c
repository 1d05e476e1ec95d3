#include "cmd/answer.h"

#include "reconcile/show/diag_json.h"
#include "reconcile/text/json.h"

void answer_add(struct answer *a, const struct diags *d)
{
	json_t *list;

	if (!a || !(d->first || d->out_of_memory))
		return;
	list = diags_json(d);
	if (!a->diagnostics)
		a->diagnostics = json_array();
	if (!list || !a->diagnostics || json_array_extend(a->diagnostics, list))
		a->incomplete = true;
	json_decref(list);
}

void answer_render(struct buf *out, const struct answer *a, int exit_code)
{
	json_t *list = a->diagnostics ? json_incref(a->diagnostics) : json_array();

	json_render(out, json_pack("{s:s, s:b, s:i, s:o}", "format_version", "1.0", "failed", exit_code != 0,
				   "exit_code", exit_code, "diagnostics", list));
	out->failed |= a->incomplete;
}

void answer_free(struct answer *a)
{
	json_decref(a->diagnostics);
	a->diagnostics = NULL;
}
