/* Diagnostics as people and programs read them. */
#include "tests/unit/schema_test.h"

#include "reconcile/show/diag_json.h"
#include "schema/limits.h"

#include <jansson.h>

static const char *const files[] = {"network.yaml", "teams/a.yaml"};

static struct place at(uint32_t file, uint32_t line, uint32_t column, uint32_t end_column)
{
	return (struct place){file, line, column, line, end_column};
}

static void assert_human(const struct diags *d, const struct span *sources, bool color, const char *expected)
{
	struct buf b = {0};

	diags_render_human(&b, d, sources, color);
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

static void as_people_read_it(void **state)
{
	struct span sources[2] = {
	    SPAN("network: corp\n\n  alice:  { ip: 10.60.64.2 }\n  bob:    { ip: 10.60.64.2, invite: \"x\" }\n"),
	    SPAN(""),
	};
	struct diags d = {.files = files, .n_files = 2};
	struct place bob = at(0, 4, 17, 27), alice = at(0, 3, 17, 27);
	struct diag *g =
	    diag_error(&d, "address-in-use", &bob, "%s is already taken by peer '%s'", "10.60.64.2", "alice");

	(void)state;
	diag_note(&d, g, &alice, "'alice' has it");
	diag_help(&d, g, "the next free address in 'humans' is 10.60.64.5");
	assert_human(&d, sources, false,
		     "error[address-in-use]: 10.60.64.2 is already taken by peer 'alice'\n"
		     " --> network.yaml:4:17\n"
		     "  |\n"
		     "4 |   bob:    { ip: 10.60.64.2, invite: \"x\" }\n"
		     "  |                 ^^^^^^^^^^\n"
		     "  note: 'alice' has it at network.yaml:3:17\n"
		     "  help: the next free address in 'humans' is 10.60.64.5\n");
	assert_human(
	    &d, sources, true,
	    "\033[1;31merror[address-in-use]\033[0m\033[1m: 10.60.64.2 is already taken by peer 'alice'\033[0m\n"
	    " \033[1;34m-->\033[0m network.yaml:4:17\n"
	    "  |\n"
	    "4 |   bob:    { ip: 10.60.64.2, invite: \"x\" }\n"
	    "  |                 \033[1;31m^^^^^^^^^^\033[0m\n"
	    "  \033[1mnote:\033[0m 'alice' has it at network.yaml:3:17\n"
	    "  \033[1mhelp:\033[0m the next free address in 'humans' is 10.60.64.5\n");
	/* Without the text, or with a place that is not in it, the rest still stands. */
	assert_human(&d, NULL, false,
		     "error[address-in-use]: 10.60.64.2 is already taken by peer 'alice'\n"
		     " --> network.yaml:4:17\n"
		     "  note: 'alice' has it at network.yaml:3:17\n"
		     "  help: the next free address in 'humans' is 10.60.64.5\n");
	diags_free(&d);
}

static void without_a_place(void **state)
{
	struct diags d = {0};

	(void)state;
	diag_file_error(&d, "file-error", "/etc/innernet/corp.yaml", "cannot open it");
	diag_warning(&d, "clock", NULL, "the clock jumped");
	assert_human(&d, NULL, false,
		     "error[file-error]: cannot open it\n"
		     " --> /etc/innernet/corp.yaml\n"
		     "\n"
		     "warning[clock]: the clock jumped\n");
	assert_int_equal(d.n_errors, 1);
	assert_int_equal(d.n_warnings, 1);
	diags_free(&d);
}

/* What is quoted may come from anywhere: no terminal is driven by it. */
static void nothing_dangerous_is_printed(void **state)
{
	struct diags d = {0};

	(void)state;
	diag_error(&d, "x", NULL, "%s",
		   "a\nb\tc\033[2Jd\x7f\xff\xc2\x9b"
		   "e\xe2\x80\xae"
		   "f caf\xc3\xa9");
	assert_human(&d, NULL, false, "error[x]: a\\nb\\tc\\x1b[2Jd\\x7f\\xff\\x9be\\u202ef caf\xc3\xa9\n");
	diags_free(&d);
}

/* Nor by the name of a file, which git takes with any byte, nor by the line that is shown. */
static void names_and_lines_hide_nothing(void **state)
{
	static const char *const odd[] = {"teams/\033]0;x\007\xff.yaml"};
	struct span sources[1] = {SPAN("a: \xc2\x9b"
				       "2J\xe2\x80\xae b\n")};
	struct diags d = {.files = odd, .n_files = 1, .sources = sources};
	struct place p = at(0, 1, 1, 2);
	struct buf b = {0};
	json_t *o;

	(void)state;
	diag_note(&d, diag_error(&d, "x", &p, "no"), &p, "there");
	assert_human(&d, sources, false,
		     "error[x]: no\n"
		     " --> teams/\\x1b]0;x\\x07\\xff.yaml:1:1\n"
		     "  |\n"
		     "1 | a: \xef\xbf\xbd"
		     "2J\xef\xbf\xbd b\n"
		     "  | ^\n"
		     "  note: there at teams/\\x1b]0;x\\x07\\xff.yaml:1:1\n");
	assert_int_equal(diags_render_json(&b, &d), 0);
	o = json_loads(b.p, 0, NULL);
	assert_non_null(o);
	json_decref(o);
	buf_free(&b);
	diags_free(&d);
}

static void in_the_order_of_the_files(void **state)
{
	struct diags d = {.files = files, .n_files = 2};
	static const struct {
		uint32_t file, line, column;
		const char *code;
	} cases[] = {{1, 1, 1, "6"}, {0, 9, 5, "4"}, {0, 0, 0, "7"},  {0, 9, 1, "3"},
		     {0, 2, 8, "1"}, {0, 2, 8, "2"}, {0, 10, 1, "5"}, {1, 0, 0, "8"}};
	char order[16] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place p = at(cases[i].file, cases[i].line, cases[i].column, cases[i].column);

		diag_error(&d, cases[i].code, cases[i].line ? &p : NULL, "x");
	}
	diags_sort(&d);
	for (const struct diag *g = d.first; g; g = g->next)
		order[strlen(order)] = g->code[0];
	assert_string_equal(order, "12345678");
	assert_string_equal(d.last->code, "8");
	diag_error(&d, "9", NULL, "x");
	assert_string_equal(d.last->code, "9");
	diags_free(&d);
}

static void many_are_counted(void **state)
{
	struct diags d = {0};
	struct buf b = {0};

	(void)state;
	for (int i = 0; i < DIAGS_MAX + 5; i++)
		diag_help(&d, diag_error(&d, "x", NULL, "%d", i), "help");
	assert_int_equal(d.n_errors, DIAGS_MAX + 5);
	assert_int_equal(d.n_dropped, 5);
	diags_render_human(&b, &d, NULL, false);
	assert_non_null(strstr(b.p, "\n... and 5 more\n"));
	buf_free(&b);
	diags_free(&d);
}

static void as_programs_read_it(void **state)
{
	struct span sources[2] = {SPAN("a: b\nc: \xff\n"), SPAN("x")};
	struct diags d = {.files = files, .n_files = 2, .sources = sources};
	struct place first = at(0, 2, 4, 5), second = at(1, 1, 1, 2);
	struct diag *g = diag_error(&d, "not-utf8", &first, "this is not UTF-8");
	struct buf b = {0};
	json_t *expected, *got;

	(void)state;
	diag_note(&d, g, &second, "look");
	diag_help(&d, g, "do");
	diag_warning(&d, "w", NULL, "hm");
	assert_int_equal(diags_render_json(&b, &d), 0);
	assert_int_equal(strncmp(b.p, "{\n  \"format_version\": \"1.0\",", 28), 0);
	got = json_loads(b.p, 0, NULL);
	expected =
	    json_loads("{\"format_version\": \"1.0\", \"valid\": false, \"error_count\": 1, \"warning_count\": 1,"
		       "\"diagnostics\": [{\"severity\": \"error\", \"code\": \"not-utf8\","
		       "\"message\": \"this is not UTF-8\", \"file\": \"network.yaml\","
		       "\"start\": {\"line\": 2, \"column\": 4}, \"end\": {\"line\": 2, \"column\": 5},"
		       "\"snippet\": {\"code\": \"c: \xef\xbf\xbd\", \"start_line\": 2},"
		       "\"notes\": [{\"message\": \"look\", \"file\": \"teams/a.yaml\","
		       "\"start\": {\"line\": 1, \"column\": 1}, \"end\": {\"line\": 1, \"column\": 2}}],"
		       "\"help\": \"do\"},"
		       "{\"severity\": \"warning\", \"code\": \"w\", \"message\": \"hm\", \"notes\": []}]}",
		       0, NULL);
	assert_non_null(expected);
	assert_true(json_equal(got, expected));
	json_decref(got);
	json_decref(expected);
	buf_free(&b);
	diags_free(&d);
}

static void codes_are_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < n_definition_codes; i++)
		assert_true(strcmp(definition_codes[i - 1].code, definition_codes[i].code) < 0);
	for (size_t i = 1; i < n_diag_codes; i++)
		assert_true(strcmp(diag_codes[i - 1].code, diag_codes[i].code) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_people_read_it),
	    cmocka_unit_test(without_a_place),
	    cmocka_unit_test(nothing_dangerous_is_printed),
	    cmocka_unit_test(names_and_lines_hide_nothing),
	    cmocka_unit_test(in_the_order_of_the_files),
	    cmocka_unit_test(many_are_counted),
	    cmocka_unit_test(as_programs_read_it),
	    cmocka_unit_test(codes_are_sorted),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
