/* Diagnostics for forges and test reports, against what their formats say (facts, not copies of the schemas). */
#include "tests/unit/schema_test.h"

#include "reconcile/show/diag_formats.h"
#include "schema/limits.h"
#include "schema/utf8.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>

/* A broken definition in two files with odd names, and everything that a diagnostic can have. */
static const char *const files[] = {"net work/100%,a:b.yaml", "/etc/caf\xc3\xa9.yaml"};
static const char text_0[] = "a: 10.60.3.7/24\nb: \x01\x1b[31m]]> & <x> \"q\"\n";
static const struct span sources[] = {{(const uint8_t *)text_0, sizeof(text_0) - 1}, {(const uint8_t *)"x: y\n", 5}};

static struct place at(uint32_t file, uint32_t line, uint32_t column, uint32_t end_line, uint32_t end_column)
{
	return (struct place){file, line, column, end_line, end_column};
}

static struct diags all(void)
{
	struct diags d = {.files = files, .n_files = 2, .sources = sources};
	struct place p = at(0, 1, 4, 1, 16), q = at(1, 1, 1, 1, 2), over = at(0, 1, 4, 2, 3), weird = at(0, 2, 4, 2, 9);
	struct diag *g = diag_error(&d, "host-bits", &p, "10.60.3.7/24 has bits set");

	diag_note(&d, g, &q, "it was first given");
	diag_note(&d, g, NULL, "100%% sure");
	diag_help(&d, g, "the prefix is 10.60.3.0/24");
	diag_fix(&d, g, &p, 3, 15, "10.60.3.0/24");
	diag_warning(&d, "association-twice", &over, "over\r\ntwo lines: a, b");
	diag_error(&d, "bad-name", &weird, "']]>' & <x> \"q\" \x01\xff");
	diag_file_error(&d, "file-error", "gone.yaml", "cannot open it");
	diag_error(&d, "never-heard-of", NULL, "no place");
	return d;
}

typedef int (*renderer)(struct buf *out, const struct diags *d);

static char *rendered(renderer render, const struct diags *d)
{
	struct buf b = {0};

	assert_int_equal(render(&b, d), 0);
	return b.p ? b.p : calloc(1, 1);
}

static void github(void **state)
{
	struct diags d = all();
	char *text = rendered(diags_render_github, &d);

	(void)state;
	assert_string_equal(
	    text,
	    "::error file=net work/100%25%2Ca%3Ab.yaml,line=1,col=4,endLine=1,endColumn=16,title=host-bits::"
	    "10.60.3.7/24 has bits set%0Anote: it was first given at /etc/caf\xc3\xa9.yaml:1:1%0Anote: 100%25 sure"
	    "%0Ahelp: the prefix is 10.60.3.0/24\n"
	    "::warning file=net work/100%25%2Ca%3Ab.yaml,line=1,endLine=2,title=association-twice::"
	    "over\\x0d\\ntwo lines: a, b\n"
	    "::error file=net work/100%25%2Ca%3Ab.yaml,line=2,col=4,endLine=2,endColumn=9,title=bad-name::"
	    "']]>' & <x> \"q\" \\x01\\xff\n"
	    "::error file=gone.yaml,title=file-error::cannot open it\n"
	    "::error title=never-heard-of::no place\n");
	free(text);
	diags_free(&d);
}

/* SARIF 2.1.0. Each function checks one object of it: the properties that it must have, and their types. */
static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	assert_non_null(s);
	return s;
}

static void check_message(const json_t *m)
{
	assert_true(*text_of(m, "text") != '\0');
}

/* RFC 3986: nothing but its characters; no scheme but file:. */
static void check_uri(const char *uri)
{
	assert_true(*uri != '\0');
	for (const char *p = uri; *p; p++)
		assert_true(isalnum((unsigned char)*p) || strchr("-._~:/?#[]@!$&'()*+,;=%", *p));
	assert_true(!strchr(uri, ':') || strncmp(uri, "file:///", 8) == 0);
}

static json_int_t positive(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	assert_true(json_is_integer(v) && json_integer_value(v) >= 1);
	return json_integer_value(v);
}

static void check_region(const json_t *r)
{
	json_int_t line = positive(r, "startLine"), end = positive(r, "endLine");

	assert_true(end > line || (end == line && positive(r, "endColumn") >= positive(r, "startColumn")));
}

static void check_location(const json_t *l)
{
	const json_t *physical = json_object_get(l, "physicalLocation"), *region;

	check_uri(text_of(json_object_get(physical, "artifactLocation"), "uri"));
	region = json_object_get(physical, "region");
	if (region)
		check_region(region);
	if (json_object_get(l, "message"))
		check_message(json_object_get(l, "message"));
}

static void check_fix(const json_t *fix)
{
	const json_t *changes = json_object_get(fix, "artifactChanges"), *change, *replacement;
	size_t i, j;

	assert_true(json_array_size(changes) > 0);
	json_array_foreach(changes, i, change)
	{
		const json_t *replacements = json_object_get(change, "replacements");

		check_uri(text_of(json_object_get(change, "artifactLocation"), "uri"));
		assert_true(json_array_size(replacements) > 0);
		json_array_foreach(replacements, j, replacement)
		{
			check_region(json_object_get(replacement, "deletedRegion"));
			text_of(json_object_get(replacement, "insertedContent"), "text");
		}
	}
}

static void check_result(const json_t *r, const json_t *rules)
{
	const json_t *index = json_object_get(r, "ruleIndex"), *list, *item;
	size_t i;

	assert_true(json_is_integer(index));
	assert_string_equal(text_of(json_array_get(rules, (size_t)json_integer_value(index)), "id"),
			    text_of(r, "ruleId"));
	assert_true(strcmp(text_of(r, "level"), "error") == 0 || strcmp(text_of(r, "level"), "warning") == 0);
	check_message(json_object_get(r, "message"));
	list = json_object_get(r, "locations");
	assert_true(json_is_array(list));
	json_array_foreach(list, i, item) check_location(item);
	list = json_object_get(r, "relatedLocations");
	json_array_foreach(list, i, item) check_location(item);
	list = json_object_get(r, "fixes");
	json_array_foreach(list, i, item) check_fix(item);
}

/* Whole sentences, and for a code that a definition causes what to do. */
static void check_rule(const json_t *rule)
{
	const char *full = text_of(json_object_get(rule, "fullDescription"), "text");

	check_message(json_object_get(rule, "shortDescription"));
	assert_true(!islower((unsigned char)*full) && full[strlen(full) - 1] == '.');
	for (size_t i = 0; i < n_definition_codes; i++) {
		if (strcmp(definition_codes[i].code, text_of(rule, "id")) != 0)
			continue;
		assert_string_equal(text_of(json_object_get(rule, "help"), "text"), definition_codes[i].mend);
		assert_non_null(strstr(full, definition_codes[i].why));
	}
}

static json_t *check_sarif(const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const json_t *runs, *run, *driver, *rules, *rule, *result;
	size_t i, j;

	assert_non_null(root);
	assert_string_equal(text_of(root, "version"), "2.1.0");
	runs = json_object_get(root, "runs");
	assert_int_equal(json_array_size(runs), 1);
	json_array_foreach(runs, i, run)
	{
		driver = json_object_get(json_object_get(run, "tool"), "driver");
		assert_string_equal(text_of(driver, "name"), "innernet");
		rules = json_object_get(driver, "rules");
		json_array_foreach(rules, j, rule)
		{
			text_of(rule, "id");
			check_rule(rule);
			for (size_t k = 0; k < j; k++) /* section 3.19.23: unique */
				assert_string_not_equal(text_of(json_array_get(rules, k), "id"), text_of(rule, "id"));
		}
		assert_string_equal(text_of(run, "columnKind"), "unicodeCodePoints");
		assert_true(json_is_array(json_object_get(run, "results")));
		json_array_foreach(json_object_get(run, "results"), j, result) check_result(result, rules);
		json_array_foreach(json_object_get(run, "invocations"), j, rule)
		    assert_true(json_is_boolean(json_object_get(rule, "executionSuccessful")));
	}
	return root;
}

static void sarif(void **state)
{
	struct diags d = all();
	char *text = rendered(diags_render_sarif, &d);
	json_t *root = check_sarif(text), *first, *expected;

	(void)state;
	first = json_array_get(json_object_get(json_array_get(json_object_get(root, "runs"), 0), "results"), 0);
	json_object_del(first, "ruleIndex");
	expected = json_loads(
	    "{\"ruleId\": \"host-bits\", \"level\": \"error\", \"message\": {\"text\": \"10.60.3.7/24 has bits set\\n"
	    "note: 100% sure\\nhelp: the prefix is 10.60.3.0/24\"},"
	    "\"locations\": [{\"physicalLocation\": {\"artifactLocation\": {\"uri\": "
	    "\"net%20work/100%25%2Ca%3Ab.yaml\"},"
	    "\"region\": {\"startLine\": 1, \"startColumn\": 4, \"endLine\": 1, \"endColumn\": 16}}}],"
	    "\"relatedLocations\": [{\"message\": {\"text\": \"it was first given\"}, \"physicalLocation\": {"
	    "\"artifactLocation\": {\"uri\": \"file:///etc/caf%C3%A9.yaml\"},"
	    "\"region\": {\"startLine\": 1, \"startColumn\": 1, \"endLine\": 1, \"endColumn\": 2}}}],"
	    "\"fixes\": [{\"description\": {\"text\": \"the prefix is 10.60.3.0/24\"}, \"artifactChanges\": [{"
	    "\"artifactLocation\": {\"uri\": \"net%20work/100%25%2Ca%3Ab.yaml\"}, \"replacements\": [{"
	    "\"deletedRegion\": {\"startLine\": 1, \"startColumn\": 4, \"endLine\": 1, \"endColumn\": 16},"
	    "\"insertedContent\": {\"text\": \"10.60.3.0/24\"}}]}]}]}",
	    0, NULL);
	assert_non_null(expected);
	assert_true(json_equal(first, expected));
	json_decref(expected);
	json_decref(root);
	free(text);
	diags_free(&d);
}

/* Just enough of XML 1.0: elements that close in order, quoted attributes, the five entities, allowed characters. */
struct xml {
	const char *p;
	char open[16][32];
	unsigned depth, elements;
};

static void check_chars(const char *text)
{
	size_t n = strlen(text);
	uint32_t cp = 0;

	for (size_t i = 0; i < n;) {
		unsigned len = utf8_decode((const uint8_t *)text + i, n - i, &cp);

		assert_true(len > 0);
		assert_true(cp == '\t' || cp == '\n' || cp >= 0x20);
		assert_true(cp != 0xfffe && cp != 0xffff);
		i += len;
	}
}

static void xml_text(struct xml *x, const char *until)
{
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};

	for (; *x->p && !strchr(until, *x->p); x->p++) {
		bool known = *x->p != '&';

		for (size_t i = 0; i < 5; i++)
			known = known || strncmp(x->p, entities[i], strlen(entities[i])) == 0;
		assert_true(known);
		assert_true(*x->p != '<' && strncmp(x->p, "]]>", 3) != 0);
	}
}

static void xml_name(struct xml *x, char out[static 32])
{
	size_t n = strspn(x->p, "abcdefghijklmnopqrstuvwxyz-");

	assert_true(n > 0 && n < 32);
	memcpy(out, x->p, n);
	out[n] = '\0';
	x->p += n;
}

static void xml_tag(struct xml *x)
{
	char name[32];

	if (*++x->p == '/') {
		x->p++;
		xml_name(x, name);
		assert_true(x->depth > 0);
		assert_string_equal(name, x->open[--x->depth]);
	} else {
		assert_true(x->depth < 16);
		xml_name(x, x->open[x->depth++]);
		x->elements++;
		while (*x->p == ' ') {
			x->p++;
			xml_name(x, name);
			assert_true(strncmp(x->p, "=\"", 2) == 0);
			x->p += 2;
			xml_text(x, "\"");
			assert_true(*x->p++ == '"');
		}
	}
	assert_true(*x->p++ == '>');
}

static unsigned check_xml(const char *text)
{
	static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
	struct xml x = {.p = text + sizeof(head) - 1};

	assert_int_equal(strncmp(text, head, sizeof(head) - 1), 0);
	check_chars(text);
	while (*x.p) {
		if (*x.p == '<')
			xml_tag(&x);
		else
			xml_text(&x, "<");
	}
	assert_int_equal(x.depth, 0);
	return x.elements;
}

static void junit(void **state)
{
	struct diags d = all();
	char *text = rendered(diags_render_junit, &d);

	(void)state;
	/* testsuites, testsuite, four cases, of which three failed or could not be read and one has output too. */
	assert_int_equal(check_xml(text), 2 + 4 + 3 + 1);
	assert_non_null(strstr(text, "<testsuite name=\"innernet validate\" tests=\"4\" failures=\"1\" errors=\"2\""
				     " skipped=\"0\" time=\"0\">\n"));
	assert_non_null(
	    strstr(text, "<testcase classname=\"innernet.validate\" name=\"net work/100%,a:b.yaml\""
			 " file=\"net work/100%,a:b.yaml\" time=\"0\">\n"
			 "      <failure type=\"host-bits\" message=\"1:4: 10.60.3.7/24 has bits set (and 1 more)\">"
			 "error[host-bits]: 10.60.3.7/24 has bits set\n"));
	assert_non_null(strstr(text, "error[bad-name]: ']]&gt;' &amp; &lt;x&gt; &quot;q&quot; \\x01\\xff\n"));
	assert_non_null(strstr(text, "<system-out>warning[association-twice]: over"));
	assert_non_null(
	    strstr(text, "name=\"gone.yaml\" file=\"gone.yaml\" time=\"0\">\n      <error type=\"file-error\""));
	free(text);
	diags_free(&d);
}

static void nothing_to_say(void **state)
{
	struct diags d = {.files = files, .n_files = 1, .sources = sources};
	char *text = rendered(diags_render_github, &d);
	json_t *root;

	(void)state;
	assert_string_equal(text, "");
	free(text);
	text = rendered(diags_render_sarif, &d);
	root = check_sarif(text);
	json_decref(root);
	free(text);
	text = rendered(diags_render_junit, &d);
	assert_int_equal(check_xml(text), 3);
	assert_non_null(strstr(text, " tests=\"1\" failures=\"0\" errors=\"0\""));
	free(text);
}

static void what_is_left_out_is_counted(void **state)
{
	struct diags d = {0};
	char *text;

	(void)state;
	for (int i = 0; i < DIAGS_MAX + 5; i++)
		diag_error(&d, "host-bits", NULL, "%d", i);
	text = rendered(diags_render_github, &d);
	assert_non_null(strstr(text, "\n::warning title=too-many::5 more are not shown\n"));
	free(text);
	text = rendered(diags_render_sarif, &d);
	json_decref(check_sarif(text));
	assert_non_null(strstr(text, "5 more results are not listed"));
	free(text);
	text = rendered(diags_render_junit, &d);
	check_xml(text);
	assert_non_null(strstr(text, "5 more are not shown"));
	free(text);
	diags_free(&d);
}

/* What a program of ours makes of any bytes: still one XML, one JSON, one line each. */
static void any_bytes(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed < 200; seed++) {
		struct diags d;
		char name[24], *text;
		uint8_t bytes[64];
		const char *one[] = {name};
		struct span source = {bytes, sizeof(bytes)};
		struct place p = at(0, 1, 1 + seed % 9, 1, 9 + seed % 70);
		uint32_t x = seed * 2654435761u;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
		for (size_t i = 0; i < sizeof(name) - 1; i++)
			name[i] = bytes[i] ? (char)bytes[i] : 'x';
		name[sizeof(name) - 1] = '\0';
		d = (struct diags){.files = one, .n_files = 1, .sources = &source};
		diag_help(&d, diag_error(&d, "not-utf8", &p, "%.*s", 40, (const char *)name), "%s", name);
		text = rendered(diags_render_junit, &d);
		check_xml(text);
		free(text);
		text = rendered(diags_render_sarif, &d);
		json_decref(check_sarif(text));
		free(text);
		text = rendered(diags_render_github, &d);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		free(text);
		diags_free(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(github),    cmocka_unit_test(sarif),
	    cmocka_unit_test(junit),     cmocka_unit_test(nothing_to_say),
	    cmocka_unit_test(any_bytes), cmocka_unit_test(what_is_left_out_is_counted),
	};

	return cmocka_run_group_tests_name("diag formats", tests, NULL, NULL);
}
