/* What the tests of schema/ share: cmocka, and a definition from a string. */
#ifndef TESTS_SCHEMA_TEST_H
#define TESTS_SCHEMA_TEST_H

#include "schema/load.h"
#include "tests/cmocka.h"

#include <string.h>

struct loaded {
	struct arena *arena;
	struct diags diags;
	struct model *model;
};

static inline struct loaded loaded_of(const char *text)
{
	struct loaded l = {.arena = arena_new()};
	struct source_file file = {"network.yaml", span_str(text)};

	assert_non_null(l.arena);
	l.model = definition_load(l.arena, &file, NULL, false, &l.diags);
	return l;
}

static inline void unload(struct loaded *l)
{
	diags_free(&l->diags);
	arena_free(l->arena);
}

/* Why it was refused, for a test that did not expect it. */
static inline void assert_loaded(const struct loaded *l)
{
	struct buf b = {0};

	if (!l->model) {
		diags_render_human(&b, &l->diags, NULL, false);
		print_error("%s", b.p ? b.p : "no diagnostic");
		buf_free(&b);
	}
	assert_non_null(l->model);
}

#endif
