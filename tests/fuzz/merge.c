/*
 * Three versions of a YAML file from anywhere, with a byte between them that YAML has not: what is merged has both sides'
 * changes and no other one, and where one side changed nothing it is the other side, byte for byte.
 */
#include "schema/merge.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool merge(struct span base, struct span ours, struct span theirs, struct buf *out)
{
	const struct span version[N_MERGE_VERSIONS] = {base, ours, theirs};
	struct diags d = {0};
	int rc = definition_merge(version, out, &d);

	must(rc == 1 ? !d.n_errors : d.n_errors || d.out_of_memory);
	if (rc == 1)
		must(definition_merge_fits(version, buf_span(out), &d));
	diags_free(&d);
	return rc == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span v[N_MERGE_VERSIONS] = {{0}};
	struct buf out = {0}, again = {0};

	for (int i = 0; i < N_MERGE_VERSIONS; i++) {
		const uint8_t *cut = size ? memchr(data, 0xff, size) : NULL;
		v[i] = (struct span){data, cut ? (size_t)(cut - data) : size};
		data += v[i].n + (cut != NULL);
		size -= v[i].n + (cut != NULL);
	}
	merge(v[0], v[1], v[2], &out);
	if (merge(v[0], v[1], v[0], &again))
		must(span_eq(buf_span(&again), v[1]));
	buf_free(&again);
	if (merge(v[0], v[0], v[2], &again))
		must(span_eq(buf_span(&again), v[2]));
	buf_free(&again);
	buf_free(&out);
	return 0;
}
