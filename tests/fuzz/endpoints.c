/* What a peer sends beside its polls: whatever is taken is written again byte for byte, and makes a bounded hint. */
#include "reconcile/wire/endpoints.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct prefix root = {.base = {.b = {[10] = 0xff, [11] = 0xff, [12] = 10, [13] = 60}}, .len = 112};
	const struct span bytes = {data, n};
	struct sockpoint seen = {.ip = {.b = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 7}}, .port = 7};
	struct endpoints e, told;
	struct diags d = {0};
	struct buf b = {0};
	struct key key;

	if (endpoints_parse(bytes, &e, &d) == 0) {
		endpoints_write(&b, &e);
		if (!b.failed && !span_eq(buf_span(&b), bytes))
			abort();
		endpoints_resolve(&e, &seen, &told);
		if (told.n > e.n)
			abort();
		if (endpoints_check(&e, &root, 1, &d) == 0) {
			for (unsigned i = 0; i < told.n; i++)
				if (!hint_usable(&root, 1, &told.at[i]))
					abort();
		}
	} else if ((!d.n_errors && !d.out_of_memory) || e.n) {
		abort();
	}
	buf_reset(&b);
	if (knock_parse(bytes, &key, &d) == 0) {
		knock_write(&b, &key);
		if (!b.failed && !span_eq(buf_span(&b), bytes))
			abort();
	}
	buf_free(&b);
	diags_free(&d);
	return 0;
}
