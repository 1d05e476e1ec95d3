/* From the bytes of a definition to its model, with every diagnostic at once. */
#ifndef SCHEMA_LOAD_H
#define SCHEMA_LOAD_H

#include "schema/model.h"

/* One file of a definition. Name as a person knows it, relative to the root file's folder ("teams/a.yaml"). */
struct source_file {
	const char *name;
	struct span bytes;
};
int source_file_cmp(const void *a, const void *b); /* for qsort(3): by name */

/*
 * How the loader reaches included files: a folder on disk, or a tree in git. Both live in
 * reconcile/edge; the loader itself touches nothing.
 */
struct includes {
	void *ctx;
	/*
	 * All regular files that match a glob(7) pattern, sorted by name; *out and what it holds stay
	 * valid as long as the model. Returns 0, or -1 with a diagnostic added. None matching is not an error here.
	 */
	int (*match)(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d);
};

/*
 * Reads, resolves and checks a definition: every rule of network.yaml(5), but `tests:` (reach_run_tests() runs them) and
 * the rules that need the ledger (ledger_check()). `includes` may be NULL: then an `include:` that matches nothing is an
 * error. `without_server`: a definition without a server is valid (apply -f).
 * Returns the model, or NULL after an error. In both cases d->files is set (in the arena), so that the diagnostics can be
 * rendered. The model's `sources` have the bytes of each file.
 */
struct model *definition_load(struct arena *a, const struct source_file *root, const struct includes *includes,
			      bool without_server, struct diags *d);

#endif
