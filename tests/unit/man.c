/* network.yaml(5) says what the tables say: each key with its help, type, range and default, and each code. */
#include "tests/unit/schema_test.h"

#include "schema/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	enum key_place place;
	const char *heading;
} sections[] = {
    {IN_ROOT, ".Ss Keys of the file"}, {IN_DEFAULTS, ".Ss Keys of defaults"}, {IN_TRUST, ".Ss Keys of trust"},
    {IN_CIDR, ".Ss Keys of a CIDR"},   {IN_PEER, ".Ss Keys of a peer"},       {IN_TEST, ".Ss Keys of a test"},
};

static char *page;

static int read_page(void **state)
{
	FILE *f = fopen("man/network.yaml.5", "r");
	struct buf b = {0};
	char block[4096];
	size_t n;

	(void)state;
	if (!f)
		return -1;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&b, block, n);
	fclose(f);
	page = b.p;
	return page ? 0 : -1;
}

static int free_page(void **state)
{
	(void)state;
	free(page);
	return 0;
}

/* What the page says about one key, before any prose of its own. */
static void describe(struct buf *b, const struct key_spec *k)
{
	buf_printf(b, ".It Ic %s\n%c%s.\nIt takes %s", k->name, toupper((unsigned char)k->help[0]), k->help + 1,
		   key_type_expects(k->type));
	if (k->type == TYPE_INT)
		buf_printf(b, " from %lld to %lld", (long long)k->min, (long long)k->max);
	if (k->type == TYPE_TEXT)
		buf_printf(b, " of at most %lld bytes", (long long)k->max);
	if (k->max && k->type != TYPE_INT && k->type != TYPE_TEXT)
		buf_printf(b, ", at most %lld of them", (long long)k->max);
	if (k->preset)
		buf_printf(b, "; %s when left out", k->preset);
	buf_str(b, ".\n");
	if (k->required)
		buf_str(b, "Required.\n");
	if (k->root_only)
		buf_str(b, "In the root file alone.\n");
}

static void each_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		size_t n;
		const struct key_spec *keys = keys_of(sections[i].place, &n);
		const char *at = strstr(page, sections[i].heading), *end;

		assert_non_null(at);
		end = strstr(at + 1, "\n.Ss");
		assert_non_null(end);
		for (size_t j = 0; j < n; j++) {
			struct buf b = {0};
			const char *found;

			describe(&b, &keys[j]);
			found = strstr(at, b.p);
			if (!found || found > end)
				print_error("missing after '%s', or not in the table's order:\n%s", sections[i].heading,
					    b.p);
			assert_true(found && found < end);
			at = found;
			buf_free(&b);
		}
	}
}

/* A line of text may end at any space. */
static void each_code(void **state)
{
	char *text = strdup(page);

	(void)state;
	assert_non_null(text);
	for (char *p = text; *p; p++)
		*p = *p == '\n' ? ' ' : *p;
	for (size_t i = 0; i < n_definition_codes; i++) {
		struct buf b = {0};
		const struct definition_code *c = &definition_codes[i];

		buf_printf(&b, " .It Li %s %c%s. %s %s ", c->code, toupper((unsigned char)c->meaning[0]),
			   c->meaning + 1, c->why, c->mend);
		if (!strstr(text, b.p))
			print_error("missing:%s", b.p);
		assert_non_null(strstr(text, b.p));
		buf_free(&b);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_key), cmocka_unit_test(each_code)};

	return cmocka_run_group_tests_name("man", tests, read_page, free_page);
}
