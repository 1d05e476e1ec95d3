/* Reading a definition from git: one ref, bounded, regular files alone; commits counted exactly. */
#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/git/repo_write.h"
#include "tests/edge/git_test.h"

#define MAIN "refs/heads/main"

struct fixture {
	char folder[64], path[96];
	git_repository *git;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/network.git", f->folder);
	f->git = bare_make(f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	git_repository_free(f->git);
	folder_remove(f->folder);
	free(f);
	return 0;
}

static const struct git_file one_file[] = {{"network.yaml", "network: corp\n", 0}};

static struct repo *open_it(const struct fixture *f)
{
	struct diags d = {0};
	struct repo *r = repo_open(f->path, NULL, &d);

	assert_non_null(r);
	assert_int_equal(d.n_errors, 0);
	diags_free(&d);
	return r;
}

static void test_not_a_repository(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0}, e = {0};

	assert_null(repo_open(f->folder, NULL, &d));
	assert_string_equal(code_of(&d), "repository-missing");
	assert_non_null(strstr(d.first->message, f->folder));
	assert_non_null(d.first->help);
	assert_null(repo_open("/nonexistent/network.git", NULL, &e));
	assert_string_equal(code_of(&e), "repository-missing");
	diags_free(&d);
	diags_free(&e);
}

static void test_no_branch(void **state)
{
	struct repo *r = open_it(*state);
	struct diags d = {0};
	char sha[HASH_HEX_LEN + 1];

	assert_int_equal(repo_tip(r, sha, &d), -1);
	assert_string_equal(code_of(&d), "branch-missing");
	assert_non_null(strstr(d.first->message, "no branch 'main'"));
	diags_free(&d);
	repo_close(r);
}

static void test_shallow(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	char path[128];
	git_oid id = commit_make(f->git, MAIN, NULL, 0, one_file, 1, 1000);
	FILE *file;

	snprintf(path, sizeof(path), "%s/shallow", f->path);
	assert_non_null(file = fopen(path, "w"));
	fprintf(file, "%s\n", git_oid_tostr_s(&id));
	fclose(file);
	assert_null(repo_open(f->path, NULL, &d));
	assert_string_equal(code_of(&d), "repository-shallow");
	diags_free(&d);
}

static uint64_t number(struct repo *r, const git_oid *id, const git_oid *base, bool *descends)
{
	struct diags d = {0};
	struct commit_info info;
	char sha[GIT_OID_HEXSZ + 1], base_sha[GIT_OID_HEXSZ + 1];

	git_oid_tostr(sha, sizeof(sha), id);
	if (base)
		git_oid_tostr(base_sha, sizeof(base_sha), base);
	assert_int_equal(repo_commit_info(r, sha, base ? base_sha : NULL, &info, descends, &d), 0);
	assert_string_equal(info.sha, sha);
	diags_free(&d);
	return info.number;
}

/* A history with merges whose dates go backwards: what cuts a walk short by dates would miscount. */
static void test_numbers(void **state)
{
	struct fixture *f = *state;
	struct repo *r = open_it(f);
	git_oid c[12];
	bool descends;

	c[0] = commit_make(f->git, MAIN, NULL, 0, one_file, 1, 9000);
	for (int i = 1; i < 5; i++) /* 0 - 1 - 2 - 3 - 4 */
		c[i] = commit_make(f->git, NULL, &c[i - 1], 1, one_file, 1, 9000 - 1000 * i);
	c[5] = commit_make(f->git, NULL, &c[1], 1, one_file, 1, 100000); /* a branch off 1: 5 - 6 */
	c[6] = commit_make(f->git, NULL, &c[5], 1, one_file, 1, 5);
	c[7] = commit_make(f->git, NULL, (git_oid[]){c[4], c[6]}, 2, one_file, 1, 1); /* the merge */
	c[8] = commit_make(f->git, NULL, &c[7], 1, one_file, 1, 2);
	assert_int_equal(number(r, &c[4], NULL, &descends), 5);
	assert_false(descends);
	assert_int_equal(number(r, &c[7], &c[4], &descends), 8);
	assert_true(descends);
	assert_int_equal(number(r, &c[8], &c[7], &descends), 9);
	assert_true(descends);
	assert_int_equal(number(r, &c[8], &c[6], &descends), 9);
	assert_true(descends);
	assert_int_equal(number(r, &c[6], &c[8], &descends), 4); /* rewound */
	assert_false(descends);
	assert_int_equal(number(r, &c[4], &c[6], &descends), 5); /* beside */
	assert_false(descends);
	assert_int_equal(number(r, &c[8], &c[8], &descends), 9); /* itself */
	assert_true(descends);
	/* Another root altogether. */
	c[9] = commit_make(f->git, NULL, NULL, 0, one_file, 1, 77);
	assert_int_equal(number(r, &c[9], &c[8], &descends), 1);
	assert_false(descends);
	repo_close(r);
}

/* A person that pushes a million commits does not keep the server busy with them. */
static void test_descends_within(void **state)
{
	struct fixture *f = *state;
	struct repo *r = open_it(f);
	struct diags d = {0};
	git_oid c[8];

	c[0] = commit_make(f->git, MAIN, NULL, 0, one_file, 1, 1);
	for (int i = 1; i < 8; i++)
		c[i] = commit_make(f->git, NULL, &c[i - 1], 1, one_file, 1, i);
	assert_int_equal(repo_descends(r, &c[5], &c[0], 5, &d), 1);
	assert_int_equal(repo_descends(r, &c[3], &c[5], 5, &d), 0);
	assert_null(d.first);
	assert_int_equal(repo_descends(r, &c[7], &c[0], 5, &d), -1);
	assert_string_equal(code_of(&d), "too-large");
	assert_string_equal(d.first->message, "the history has more than 5 new commits");
	diags_free(&d);
	repo_close(r);
}

static void test_replace_refs_are_ignored(void **state)
{
	struct fixture *f = *state;
	git_oid a = commit_make(f->git, MAIN, NULL, 0, one_file, 1, 1000);
	git_oid b = commit_make(f->git, MAIN, &a, 1, one_file, 1, 2000);
	git_oid c = commit_make(f->git, NULL, NULL, 0, one_file, 1, 3000);
	char ref[96];
	git_reference *made;
	struct repo *r;
	bool descends;

	snprintf(ref, sizeof(ref), "refs/replace/%s", git_oid_tostr_s(&b));
	assert_int_equal(git_reference_create(&made, f->git, ref, &c, 0, NULL), 0);
	git_reference_free(made);
	r = open_it(f);
	assert_int_equal(number(r, &b, NULL, &descends), 2);
	repo_close(r);
}

static int definition(struct fixture *f, const struct git_file *files, size_t n, struct arena *a,
		      struct repo_definition *out, struct repo **r, struct diags *d)
{
	git_oid id = commit_make(f->git, MAIN, NULL, 0, files, n, 1000);

	*r = open_it(f);
	return repo_definition(*r, git_oid_tostr_s(&id), a, out, d);
}

static git_oid commit_of_tree(git_repository *git, const git_oid *id)
{
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_oid commit;

	assert_int_equal(git_tree_lookup(&tree, git, id), 0);
	assert_int_equal(git_signature_new(&who, "Test", "test@example.com", 1000, 0), 0);
	assert_int_equal(git_commit_create(&commit, git, NULL, who, who, NULL, "a commit\n", tree, 0, NULL), 0);
	git_signature_free(who);
	git_tree_free(tree);
	return commit;
}

static void test_definition_and_includes(void **state)
{
	const struct git_file files[] = {
	    {"network.yaml", "network: corp\n", 0},   {"teams/b.yaml", "peers: {}\n", 0},
	    {"teams/a.yaml", "cidrs: {}\n", 0},       {"teams/.hidden.yaml", "x\n", 0},
	    {"teams/deep/c.yaml", "deep\n", 0},       {"teams/notes.txt", "no\n", 0},
	    {"other/teams/d.yaml", "elsewhere\n", 0},
	};
	struct arena *a = arena_new();
	struct repo_definition def;
	const struct source_file *found;
	struct diags d = {0};
	struct repo *r;
	size_t n;

	assert_int_equal(definition(*state, files, 7, a, &def, &r, &d), 0);
	assert_string_equal(def.root.name, "network.yaml");
	assert_true(span_eq(def.root.bytes, SPAN("network: corp\n")));
	assert_int_equal(def.includes.match(def.includes.ctx, "teams/*.yaml", &found, &n, &d), 0);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].name, "teams/a.yaml");
	assert_string_equal(found[1].name, "teams/b.yaml");
	assert_true(span_eq(found[1].bytes, SPAN("peers: {}\n")));
	assert_int_equal(def.includes.match(def.includes.ctx, "*/*/?.yaml", &found, &n, &d), 0);
	assert_int_equal(n, 2);
	assert_string_equal(found[0].name, "other/teams/d.yaml");
	assert_string_equal(found[1].name, "teams/deep/c.yaml");
	assert_int_equal(def.includes.match(def.includes.ctx, "nothing*", &found, &n, &d), 0);
	assert_int_equal(n, 0);
	assert_int_equal(d.n_errors, 0);
	arena_free(a);
	repo_close(r);
}

static void test_only_regular_files(void **state)
{
	const struct git_file link[] = {{"network.yaml", "/etc/shadow", 0120000}};
	const struct git_file script[] = {{"network.yaml", "network: corp\n", 0100755}};
	const struct git_file folder[] = {{"network.yaml/x", "network: corp\n", 0}};
	const struct git_file none[] = {{"other.yaml", "network: corp\n", 0}};
	const struct git_file included[] = {{"network.yaml", "x\n", 0}, {"teams/a.yaml", "../../etc/shadow", 0120000}};
	struct arena *a = arena_new();
	struct repo_definition def;
	const struct source_file *found;
	struct repo *r;
	size_t n;

#define REFUSED(files, code, text)                                                                                     \
	do {                                                                                                           \
		struct diags d = {0};                                                                                  \
		assert_int_equal(definition(*state, files, 1, a, &def, &r, &d), -1);                                   \
		assert_string_equal(code_of(&d), code);                                                                \
		assert_non_null(strstr(d.first->message, text));                                                       \
		diags_free(&d);                                                                                        \
		repo_close(r);                                                                                         \
	} while (0)
	REFUSED(link, "file-kind", "'network.yaml' is a symbolic link");
	REFUSED(script, "file-kind", "'network.yaml' is an executable file");
	REFUSED(folder, "file-kind", "'network.yaml' is a folder");
	REFUSED(none, "definition-missing", "has no network.yaml");
	struct diags d = {0};
	assert_int_equal(definition(*state, included, 2, a, &def, &r, &d), 0);
	assert_int_equal(def.includes.match(def.includes.ctx, "teams/*", &found, &n, &d), -1);
	assert_string_equal(code_of(&d), "file-kind");
	diags_free(&d);
	repo_close(r);
	arena_free(a);
}

/*
 * Ten folders in each of ten folders, and so on, are ten small objects: what a pattern may make us look at is bounded.
 */
static void test_folders_without_end(void **state)
{
	struct fixture *f = *state;
	struct arena *a = arena_new();
	const struct source_file *found;
	struct repo_definition def;
	struct diags d = {0};
	struct repo *r;
	git_oid inner, id;
	size_t n;

	assert_int_equal(git_blob_create_from_buffer(&inner, f->git, "", 0), 0);
	for (int depth = 0; depth < 12; depth++) {
		git_treebuilder *tb;
		assert_int_equal(git_treebuilder_new(&tb, f->git, NULL), 0);
		for (char name[] = "0"; *name <= '9'; (*name)++)
			assert_int_equal(git_treebuilder_insert(NULL, tb, name, &inner,
								depth ? GIT_FILEMODE_TREE : GIT_FILEMODE_BLOB),
					 0);
		if (depth == 11) {
			git_oid root;
			assert_int_equal(
			    git_blob_create_from_buffer(&root, f->git, one_file[0].text, strlen(one_file[0].text)), 0);
			assert_int_equal(git_treebuilder_insert(NULL, tb, "network.yaml", &root, GIT_FILEMODE_BLOB), 0);
		}
		assert_int_equal(git_treebuilder_write(&inner, tb), 0);
		git_treebuilder_free(tb);
	}
	id = commit_of_tree(f->git, &inner);
	r = open_it(f);
	assert_int_equal(repo_definition(r, git_oid_tostr_s(&id), a, &def, &d), 0);
	assert_int_equal(def.includes.match(def.includes.ctx, "*/*/*/*/*/*/*/*/*/*/*/nothing", &found, &n, &d), -1);
	assert_string_equal(code_of(&d), "too-large");
	diags_free(&d);
	arena_free(a);
	repo_close(r);
}

/* The last good one stays because the error says which commit it is about. */
static void test_corrupt_object_names_the_commit(void **state)
{
	struct fixture *f = *state;
	git_oid id = commit_make(f->git, MAIN, NULL, 0, one_file, 1, 1000), blob;
	struct arena *a = arena_new();
	struct repo_definition def;
	struct diags d = {0};
	struct repo *r;
	char path[256], hex[GIT_OID_HEXSZ + 1];
	FILE *file;

	assert_int_equal(git_blob_create_from_buffer(&blob, f->git, one_file[0].text, strlen(one_file[0].text)), 0);
	git_oid_tostr(hex, sizeof(hex), &blob);
	snprintf(path, sizeof(path), "%s/objects/%.2s/%s", f->path, hex, hex + 2);
	chmod(path, 0644);
	assert_non_null(file = fopen(path, "w"));
	fputs("garbage", file);
	fclose(file);
	r = open_it(f);
	assert_int_equal(repo_definition(r, git_oid_tostr_s(&id), a, &def, &d), -1);
	assert_string_equal(code_of(&d), "commit-corrupt");
	git_oid_tostr(hex, 13, &id);
	assert_non_null(strstr(d.first->message, hex));
	assert_non_null(strstr(d.first->message, "network.yaml"));
	diags_free(&d);
	arena_free(a);
	repo_close(r);
}

static void test_init(void **state)
{
	struct fixture *f = *state;
	const struct source_file file = {.name = "network.yaml", .bytes = SPAN("network: corp\n")};
	struct repo_definition def;
	struct arena *a = arena_new();
	struct diags d = {0};
	char path[96], sha[HASH_HEX_LEN + 1];
	struct repo *r;

	snprintf(path, sizeof(path), "%s/a/b/new.git", f->folder);
	assert_int_equal(repo_init(path, MAIN, &file, 1, "first\n", &d), 0);
	assert_non_null(r = repo_open(path, NULL, &d));
	assert_int_equal(repo_tip(r, sha, &d), 0);
	assert_int_equal(repo_definition(r, sha, a, &def, &d), 0);
	assert_true(span_eq(def.root.bytes, file.bytes));
	assert_int_equal(d.n_errors, 0);
	assert_int_equal(repo_init(path, MAIN, &file, 1, "first\n", &d), -1);
	assert_string_equal(code_of(&d), "repository-exists");
	diags_free(&d);
	arena_free(a);
	repo_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_not_a_repository, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_branch, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_shallow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_descends_within, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_replace_refs_are_ignored, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_definition_and_includes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_only_regular_files, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_folders_without_end, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_corrupt_object_names_the_commit, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_init, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
