/* A repository of ours is packed when it has many loose objects, once a day; another's is left alone. */
#include "reconcile/edge/git/maintenance.h"
#include "reconcile/edge/git/repo_write.h"
#include "schema/limits.h"
#include "tests/edge/git_test.h"

#include <dirent.h>

struct fixture {
	char folder[64], path[96];
	struct repo *repo;
	struct loop *loop;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct source_file file = {.name = "network.yaml", .bytes = span_str("network: corp\n")};
	struct diags d = {0};

	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/network.git", f->folder);
	assert_int_equal(repo_init(f->path, REPO_DEFAULT_REF, &file, 1, "first\n", &d), 0);
	assert_non_null(f->repo = repo_open(f->path, NULL, &d));
	assert_non_null(f->loop = loop_new(&d));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	repo_close(f->repo);
	loop_free(f->loop);
	folder_remove(f->folder);
	free(f);
	return 0;
}

/* One commit of 3000 files, all of it loose objects; the same on every run, so that their folders are filled alike. */
static void grow(struct fixture *f, const char *salt)
{
	const size_t n = 3000;
	git_tree_update *updates = calloc(n, sizeof(*updates));
	char(*paths)[16] = calloc(n, sizeof(*paths)), text[64];
	git_oid tip, id;
	const bool first = git_reference_name_to_id(&tip, repo_git(f->repo), "refs/heads/x") != 0;

	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
	for (size_t i = 0; i < n; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%02zx/%zu", i % 256, i);
		snprintf(text, sizeof(text), "%s %zu\n", salt, i);
		updates[i] = (git_tree_update){
		    .action = GIT_TREE_UPDATE_UPSERT, .filemode = GIT_FILEMODE_BLOB, .path = paths[i]};
		assert_int_equal(git_blob_create_from_buffer(&updates[i].id, repo_git(f->repo), text, strlen(text)), 0);
	}
	assert_int_equal(repo_commit_make(f->repo, first ? NULL : &tip, updates, n, "grow\n", &id), 0);
	assert_int_equal(repo_ref_swap(f->repo, "refs/heads/x", first ? NULL : &tip, &id, "grow"), 0);
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	free(updates);
	free(paths);
}

static int files_in(const struct fixture *f, const char *folder)
{
	char path[200];
	struct dirent *e;
	int n = 0;

	snprintf(path, sizeof(path), "%s/%s", f->path, folder);
	DIR *dir = opendir(path);
	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static void on_stop(void *ctx)
{
	loop_stop(ctx);
}

static void run_for(struct fixture *f, int ms)
{
	struct loop_timer stop = {.fn = on_stop, .ctx = f->loop};

	loop_timer_set(f->loop, &stop, ms);
	loop_run(f->loop);
	loop_timer_del(f->loop, &stop);
}

static void test_packs(void **state)
{
	struct fixture *f = *state;
	struct maintenance *m;
	git_oid lost, found;
	git_commit *c;

	assert_false(maintenance_due(f->repo));
	grow(f, "a");
	assert_true(maintenance_due(f->repo));
	/* A history that was taken back is still in the ref's log. */
	assert_int_equal(git_reference_name_to_id(&lost, repo_git(f->repo), "refs/heads/x"), 0);
	assert_int_equal(git_reference_name_to_id(&found, repo_git(f->repo), REPO_DEFAULT_REF), 0);
	git_reference *back = NULL;
	assert_int_equal(git_reference_create(&back, repo_git(f->repo), "refs/heads/x", &found, 1, "back"), 0);
	git_reference_free(back);

	assert_non_null(m = maintenance_new(f->loop, f->repo, 1));
	for (int i = 0; i < 600 && files_in(f, "objects/17"); i++)
		run_for(f, 100);
	assert_int_equal(files_in(f, "objects/17"), 0);
	assert_true(files_in(f, "objects/pack") >= 2);
	maintenance_free(m);
	assert_int_equal(git_commit_lookup(&c, repo_git(f->repo), &lost), 0);
	git_commit_free(c);
	/* Not twice a day. */
	grow(f, "b");
	assert_false(maintenance_due(f->repo));
	clock_set(clock_unix() + MAINTENANCE_SECONDS + 1);
	assert_true(maintenance_due(f->repo));
	clock_set(-1);
}

static void test_not_ours(void **state)
{
	struct fixture *f = *state;
	git_config *c = NULL;

	grow(f, "a");
	assert_true(maintenance_due(f->repo));
	assert_int_equal(git_repository_config(&c, repo_git(f->repo)), 0);
	assert_int_equal(git_config_set_bool(c, MAINTENANCE_KEY, 0), 0);
	assert_false(maintenance_due(f->repo));
	assert_int_equal(git_config_delete_entry(c, MAINTENANCE_KEY), 0);
	assert_false(maintenance_due(f->repo));
	assert_int_equal(git_config_set_bool(c, MAINTENANCE_KEY, 1), 0);
	assert_true(maintenance_due(f->repo));
	git_config_free(c);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->path, 65534, 65534), 0);
		assert_false(maintenance_due(f->repo));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_packs, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
