/*
 * Bundles, and the walk from a view. What parses is written again as the same bytes. Hashes would keep a fuzzer
 * from ever changing an object that another one names, so here a name leads to any object of the bundle:
 * the walk has to end, whatever it finds.
 */
#include "reconcile/wire/flatten.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct object *any(void *ctx, const struct hash *name)
{
	const struct bundle *b = ctx;

	for (size_t i = 0; i < b->n_objects; i++)
		if (hash_cmp(&b->objects[i].name, name) == 0)
			return &b->objects[i];
	return b->n_objects ? &b->objects[name->b[0] % b->n_objects] : NULL;
}

static void verify(struct arena *a, const struct bundle *b)
{
	struct verifier v = {.pinned = {.threshold = 1, .n_signers = 1}};
	struct diags d = {0};
	struct view *view;
	struct bundle *merged;

	if (snapshot_verify(a, &v, b, 0, &view, &merged, &d) == VERIFY_OK || !d.first)
		abort();
	diags_free(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct bundle b;
	struct buf out = {0};
	struct object_source src = {any, &b, 0};
	struct flattened f;

	if (bundle_parse(a, (struct span){data, size}, &b, &d) == 0) {
		bundle_write(&out, &b);
		if (out.n != size || memcmp(out.p, data, size) != 0)
			abort();
		verify(a, &b);
		src.n = b.n_objects;
		if (b.n_objects && view_flatten(a, &src, &b.objects[0].name, &f, &d) < 0 && !d.n_errors)
			abort();
	}
	buf_free(&out);
	diags_free(&d);
	arena_free(a);
	return 0;
}
