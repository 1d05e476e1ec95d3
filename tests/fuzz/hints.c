/* The file of hints: whatever is taken from it is written again byte for byte. */
#include "reconcile/plan/hints.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct span bytes = {data, n};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct buf b = {0};
	struct hints h;

	if (!a)
		return 0;
	if (hints_parse(a, bytes, &h, &d) == 0) {
		hints_write(&b, &h);
		if (!b.failed && !span_eq(buf_span(&b), bytes))
			abort();
	} else if ((!d.n_errors && !d.out_of_memory) || h.n_hints || h.n_resolved) {
		abort();
	}
	buf_free(&b);
	diags_free(&d);
	arena_free(a);
	return 0;
}
