/* Running out of memory is an error, not a crash: each allocation of the loader fails once. */
#include "tests/unit/schema_test.h"

#include <sodium.h>
#include <stdlib.h>

static long until_failure; /* allocations that still succeed; -1: all */

static bool fails(void)
{
	return until_failure >= 0 && until_failure-- == 0;
}
static void *failing_malloc(size_t n)
{
	return fails() ? NULL : malloc(n);
}
static void *failing_calloc(size_t n, size_t size)
{
	return fails() ? NULL : calloc(n, size);
}
static void *failing_realloc(void *p, size_t n)
{
	return fails() ? NULL : realloc(p, n);
}

/* The files under test are compiled in with their allocator replaced. */
#define malloc  failing_malloc
#define calloc  failing_calloc
#define realloc failing_realloc
#include "schema/buf.c"
#include "schema/check_order.c"
#include "schema/check_rules.c"
#undef malloc
#undef calloc
#undef realloc

static const char good[] = "network: corp\n"
			   "cidr: 10.60.0.0/16\n"
			   "cidrs: { infra: 10.60.0.0/24, a: 10.60.1.0/24 }\n"
			   "associations: [[a, infra]]\n"
			   "peers:\n"
			   "  hub: { ip: 10.60.0.1, public_key: SPrps3IDBV6RrS/otJ+VcDfXhISQFxRzzMyPRiHiQxg=,\n"
			   "         endpoint: \"h:1\", server: true, routes: [192.168.0.0/16] }\n"
			   "tests: [{ from: a, can_reach: hub }]\n"
			   "reuse: [10.60.1.1]\n";
static const char bad[] = "network: corp\n"
			  "cidr: 10.60.0.0/16\n"
			  "cidrs: { infra: 10.60.0.1/24, a: 10.60.1.0/24, b: 10.60.1.0/24 }\n"
			  "associations: [[a, infra], [infra, a], [x, y]]\n"
			  "peers: { hub: { ip: 10.60.0.1, color: red }, b: { ip: 10.60.0.1 } }\n";

static void each_allocation_fails_once(const char *text, bool valid)
{
	struct source_file file = {"network.yaml", span_str(text)};
	bool done = false;

	for (long n = 0; !done; n++) {
		struct diags d = {0};
		struct buf b = {0};
		struct model *m = NULL;
		struct arena *a;

		assert_true(n < 10000);
		until_failure = n;
		a = arena_new();
		if (a)
			m = definition_load(a, &file, NULL, false, &d);
		done = until_failure >= 0;
		diags_render_human(&b, &d, NULL, false);
		until_failure = -1;
		if (done && valid)
			assert_non_null(m);
		else
			assert_null(m);
		if (a && !m)
			assert_true(d.n_errors || d.out_of_memory);
		buf_free(&b);
		diags_free(&d);
		arena_free(a);
	}
}

static void a_valid_one(void **state)
{
	(void)state;
	each_allocation_fails_once(good, true);
}

static void one_with_errors(void **state)
{
	(void)state;
	each_allocation_fails_once(bad, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_valid_one), cmocka_unit_test(one_with_errors)};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("load_memory", tests, NULL, NULL);
}
