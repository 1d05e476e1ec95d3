/* Noticing pushes, however git or libgit2 make them; and not noticing what is none. */
#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/base/watch.h"
#include "tests/edge/git_test.h"

#include <sys/inotify.h>

struct fixture {
	char folder[64], path[96];
	git_repository *git;
	struct loop *loop;
	struct watch *watch;
	struct loop_timer stop;
	int seen;
	bool timed_out;
};

static void on_change(void *ctx)
{
	struct fixture *f = ctx;

	f->seen++;
	loop_stop(f->loop);
}

static void on_stop(void *ctx)
{
	struct fixture *f = ctx;

	f->timed_out = true;
	loop_stop(f->loop);
}

/* Until something is noticed, or not within the time. */
static int noticed(struct fixture *f, int ms)
{
	f->seen = 0;
	f->timed_out = false;
	loop_timer_set(f->loop, &f->stop, ms);
	loop_run(f->loop);
	loop_timer_del(f->loop, &f->stop);
	return f->seen;
}

/* Everything that is still under way. */
static void settle(struct fixture *f)
{
	while (noticed(f, 50))
		;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diags d = {0};
	char folder[100];

	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/network.git", f->folder);
	snprintf(folder, sizeof(folder), "%s/", f->path);
	f->git = bare_make(f->path);
	assert_non_null(f->loop = loop_new(&d));
	f->stop = (struct loop_timer){.fn = on_stop, .ctx = f};
	assert_non_null(f->watch = watch_new(f->loop, folder, WATCH_POLL_MS, on_change, f, &d));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	watch_free(f->watch);
	loop_free(f->loop);
	git_repository_free(f->git);
	folder_remove(f->folder);
	free(f);
	return 0;
}

static const struct git_file one_file[] = {{"network.yaml", "network: corp\n", 0}};

static void run_git(const struct fixture *f, const char *args)
{
	char line[400];

	snprintf(line, sizeof(line), "git -C %s -c user.name=T -c user.email=t@example.com %s >/dev/null 2>&1", f->path,
		 args);
	assert_int_equal(system(line), 0);
}

static void test_libgit2(void **state)
{
	struct fixture *f = *state;
	git_oid a = commit_make(f->git, "refs/heads/main", NULL, 0, one_file, 1, 1);

	assert_true(noticed(f, 5000));
	settle(f);
	commit_make(f->git, "refs/heads/main", &a, 1, one_file, 1, 2);
	assert_true(noticed(f, 5000));
	settle(f);
	/* Objects alone are no push. */
	commit_make(f->git, NULL, &a, 1, one_file, 1, 3);
	assert_false(noticed(f, 60));
}

/* A ref in a folder that is new: its watch is younger than the ref may be. */
static void test_new_folders(void **state)
{
	struct fixture *f = *state;
	git_oid a = commit_make(f->git, "refs/heads/a/b/c", NULL, 0, one_file, 1, 1);

	assert_true(noticed(f, 5000));
	settle(f);
	commit_make(f->git, "refs/heads/a/b/d", &a, 1, one_file, 1, 2);
	assert_true(noticed(f, 5000));
	settle(f);
	commit_make(f->git, "refs/heads/a/b/c", &a, 1, one_file, 1, 3);
	assert_true(noticed(f, 5000));
}

static void test_git(void **state)
{
	struct fixture *f = *state;
	git_oid a = commit_make(f->git, "refs/heads/main", NULL, 0, one_file, 1, 1);
	git_oid b = commit_make(f->git, NULL, &a, 1, one_file, 1, 2);
	char args[200];

	settle(f);
	snprintf(args, sizeof(args), "update-ref refs/heads/main %s", git_oid_tostr_s(&b));
	run_git(f, args);
	assert_true(noticed(f, 5000));
	settle(f);
	run_git(f, "pack-refs --all");
	assert_true(noticed(f, 5000));
	settle(f);
	/* After packing there is no loose ref, and the folder may have gone: the next one is noticed all the same. */
	snprintf(args, sizeof(args), "update-ref refs/heads/main %s", git_oid_tostr_s(&a));
	run_git(f, args);
	assert_true(noticed(f, 5000));
	settle(f);
	run_git(f, "update-ref -d refs/heads/main");
	assert_true(noticed(f, 5000));
}

/* More events than the kernel keeps: one look is enough, and it comes. */
static void test_overflow(void **state)
{
	struct fixture *f = *state;
	char path[160];

	for (int i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "%s/refs/heads/x%d.lock", f->path, i % 50);
		FILE *file = fopen(path, "w");
		assert_non_null(file);
		fclose(file);
		unlink(path);
	}
	assert_true(noticed(f, 5000));
	settle(f);
	commit_make(f->git, "refs/heads/main", NULL, 0, one_file, 1, 1);
	assert_true(noticed(f, 5000));
}

/* Takes away all that the kernel would tell, without a trace: our one inotify descriptor is the watch's. */
static void lose_events(void)
{
	char path[64], to[64];

	for (int fd = 3; fd < 64; fd++) {
		ssize_t n;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if ((n = readlink(path, to, sizeof(to) - 1)) < 0)
			continue;
		to[n] = '\0';
		if (strcmp(to, "anon_inode:inotify"))
			continue;
		for (int wd = 1; wd < 64; wd++)
			inotify_rm_watch(fd, wd);
		char chunk[4096];
		while (read(fd, chunk, sizeof(chunk)) > 0)
			;
		return;
	}
	fail_msg("there is no inotify descriptor");
}

/* An event that never comes changes nothing but the delay, and the next one is heard again. */
static void test_lost_event(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	char folder[100];
	git_oid a;

	watch_free(f->watch);
	snprintf(folder, sizeof(folder), "%s/", f->path);
	assert_non_null(f->watch = watch_new(f->loop, folder, 400, on_change, f, &d));
	lose_events();
	a = commit_make(f->git, "refs/heads/main", NULL, 0, one_file, 1, 1);
	assert_false(noticed(f, 100));
	assert_true(noticed(f, 5000));
	/* With the poll the watches are back. */
	commit_make(f->git, "refs/heads/main", &a, 1, one_file, 1, 2);
	assert_true(noticed(f, 200));
}

static void test_nothing_there(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};

	assert_null(watch_new(f->loop, "/nonexistent/", WATCH_POLL_MS, on_change, f, &d));
	assert_string_equal(code_of(&d), "watch-failed");
	diags_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_libgit2, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_folders, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_git, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_overflow, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_event, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nothing_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
