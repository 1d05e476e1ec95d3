#include "cmd/innernet/validate.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/net/reach.h"

void validated_check(struct validated *t, struct arena *a, const struct source_file *edited, size_t n,
		     bool without_server)
{
	struct reach_index *x;

	t->model = source_load_edited(a, t->path, edited, n, without_server, &t->diags);
	if (!t->model)
		return;
	x = reach_index_new(a, t->model);
	if (!x) {
		diags_out_of_memory(&t->diags);
		return;
	}
	reach_run_tests(x, &t->diags);
	diags_sort(&t->diags);
}
