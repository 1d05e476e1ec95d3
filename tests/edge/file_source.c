/* A definition that is a plain file: each valid change is a version; what is not valid changes nothing. */
#include "tests/edge/server_test.h"

static char file_path[220];

static int file_setup(void **state)
{
	struct fixture *f;
	char path[160];

	setup(state);
	f = *state;
	snprintf(path, sizeof(path), "%s/def", f->folder);
	assert_int_equal(mkdir(path, 0755), 0);
	f->config->file = strdup(path);
	snprintf(file_path, sizeof(file_path), "%s/network.yaml", path);
	/* The repository is made when it is needed. */
	free(f->config->repository);
	snprintf(f->repository, sizeof(f->repository), "%s/private.git", f->folder);
	f->config->repository = strdup(f->repository);
	return 0;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void save(const struct fixture *f, const char *more)
{
	struct buf text = {0};

	definition(f, more, &text);
	write_text(file_path, text.p);
	buf_free(&text);
}

static uint64_t number(const struct fixture *f)
{
	struct seen seen;
	uint64_t n;

	fetch(f, NULL, &seen);
	n = seen.view->statement.version.number;
	arena_free(seen.arena);
	return n;
}

static void await_number(const struct fixture *f, uint64_t n)
{
	AWAIT(number(f) == n);
}

static void test_changes(void **state)
{
	struct fixture *f = *state;
	struct buf whole = {0}, half = {0};
	char team[250], sub[200];
	json_t *o;

	save(f, "");
	server_start(f);
	assert_int_equal(number(f), 1);
	json_decref(await_condition(f, "Source", "True", "Read"));
	save(f, "associations: [[humans, machines]]\n");
	await_number(f, 2);

	/* Not valid: said, with its place, and nothing else. */
	definition(f, "associations: [[humans, machines]]\n", &whole);
	buf_add(&half, whole.p, whole.n / 2 - 7);
	write_text(file_path, half.p);
	o = await_condition(f, "Valid", "False", "yaml-syntax");
	assert_non_null(strstr(json_string_value(json_object_get(o, "problem")), file_path));
	json_decref(o);
	assert_int_equal(number(f), 2);
	/* Put back as it was: nothing new. */
	write_text(file_path, whole.p);
	json_decref(await_condition(f, "Valid", "True", "Valid"));
	assert_int_equal(number(f), 2);

	/* Files that it includes count, in a folder that is new too. */
	snprintf(sub, sizeof(sub), "%s/teams", f->config->file);
	assert_int_equal(mkdir(sub, 0755), 0);
	snprintf(team, sizeof(team), "%s/a.yaml", sub);
	write_text(team, "cidrs: { more: 127.60.70.0/24 }\n");
	save(f, "include: [teams/*.yaml]\n");
	await_number(f, 3);
	write_text(team, "cidrs: { more: 127.60.71.0/24 }\npeers: { x: { ip: 127.60.71.2, invite: "
			 "\"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\" } }\n");
	await_number(f, 4);
	buf_free(&whole);
	buf_free(&half);
}

/* In the repository the root is network.yaml, whatever it is called here: no other file can be that. */
static void test_name_of_root(void **state)
{
	struct fixture *f = *state;
	const char *folder = f->config->file;
	char other[200];

	snprintf(file_path, sizeof(file_path), "%s/corp.yaml", folder);
	snprintf(other, sizeof(other), "%s/network.yaml", folder);
	free(f->config->file);
	f->config->file = strdup(file_path);
	write_text(other, "cidrs: { more: 127.60.70.0/24 }\n");
	save(f, "include: ['n*.yaml']\n");
	int said = server_begin(f);
	json_t *o = await_condition(f, "Valid", "False", "include-pattern");
	assert_non_null(strstr(json_string_value(json_object_get(o, "problem")), "another name"));
	json_decref(o);
	save(f, "");
	server_ready(f, said);
	assert_int_equal(number(f), 1);
}

/* What a commit's trailer is elsewhere is a comment here. */
static void test_guard(void **state)
{
	struct fixture *f = *state;
	struct buf text = {0}, accepted = {0};
	const char *problem, *id;
	json_t *o;
	char *line;

	save(f, "");
	server_start(f);
	definition(f, "", &text);
	assert_non_null(line = strstr(text.p, "  alice:"));
	memcpy(line, "# alic", 6);
	write_text(file_path, text.p);
	o = await_condition(f, "Valid", "False", "guard-admin");
	json_decref(o);
	memcpy(line, "  alic", 6);
	assert_non_null(line = strstr(text.p, "signers: ["));
	/* Another signer beside: a change of trust. */
	buf_add(&accepted, text.p, (size_t)(line - text.p) + 10);
	buf_str(&accepted, "\"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\", ");
	buf_str(&accepted, line + 10);
	write_text(file_path, accepted.p);
	o = await_condition(f, "Valid", "False", "guard-trust");
	problem = json_string_value(json_object_get(o, "problem"));
	assert_non_null(id = strstr(problem, "Innernet-Accept: "));
	char comment[128];
	snprintf(comment, sizeof(comment), "# %.*s\n", (int)strcspn(id, "'\"\n"), id);
	json_decref(o);
	struct buf whole = {0};
	buf_printf(&whole, "%s%s", comment, accepted.p);
	write_text(file_path, whole.p);
	json_decref(await_condition(f, "Valid", "True", "Valid"));
	buf_free(&text);
	buf_free(&accepted);
	buf_free(&whole);
}

/* The file goes, and the folder with it: what is published stays; both come back. */
static void test_gone(void **state)
{
	struct fixture *f = *state;
	char gone[250];

	save(f, "");
	server_start(f);
	snprintf(gone, sizeof(gone), "%s.gone", file_path);
	assert_int_equal(rename(file_path, gone), 0);
	json_decref(await_condition(f, "Source", "False", "file-error"));
	assert_int_equal(number(f), 1);
	assert_int_equal(rename(gone, file_path), 0);
	json_decref(await_condition(f, "Source", "True", "Read"));
	server_stop(f);
	/* A restart has the number of before. */
	server_start(f);
	assert_int_equal(number(f), 1);
	save(f, "associations: [[humans, machines]]\n");
	await_number(f, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_changes, file_setup, teardown),
	    cmocka_unit_test_setup_teardown(test_name_of_root, file_setup, teardown),
	    cmocka_unit_test_setup_teardown(test_guard, file_setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gone, file_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
