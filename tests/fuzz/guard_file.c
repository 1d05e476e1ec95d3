/* The limits of `plan --guard`, and the trailer of a commit's message: both come from people's files. */
#include "reconcile/edge/config/guard_file.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct guard_limits limits, again;
	struct guard_texts room;
	struct raw_guards raw;
	struct diags d = {0};
	const struct config_at at = {.file = "guard.yaml", .code = "bad-guard-file", .d = &d};

	if (guard_file_parse((struct span){data, n}, "guard.yaml", &limits, &d) == 0) {
		/* What was taken is within its range, and survives being written. */
		guard_raw(&limits, &room, &raw);
		if (guard_values(&at, &raw, &again) < 0 || limits.peers.percent > 100 || limits.pairs.percent > 100 ||
		    again.pairs.most != limits.pairs.most || again.keep_admin != limits.keep_admin ||
		    again.formats_days != limits.formats_days)
			abort();
	} else if (!d.n_errors && !d.out_of_memory) {
		abort();
	}
	guard_accepted((struct span){data, n}, "3f9a-01c2-88ab-7d10");
	diags_free(&d);
	return 0;
}
