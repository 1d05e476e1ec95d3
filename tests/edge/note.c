/* Notes as git(1) reads them, whatever fan-out they have, and with another process writing at the same time. */
#include "reconcile/edge/git/note.h"
#include "tests/edge/git_test.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <utime.h>

#define MAIN "refs/heads/main"

struct fixture {
	char folder[64], path[96];
	git_repository *git;
	struct repo *repo;
	git_oid commits[8];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct git_file file = {"network.yaml", "network: corp\n", 0};
	struct diags d = {0};

	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/network.git", f->folder);
	f->git = bare_make(f->path);
	for (int i = 0; i < 8; i++)
		f->commits[i] = commit_make(f->git, MAIN, i ? &f->commits[i - 1] : NULL, i ? 1 : 0, &file, 1, 1000 + i);
	f->repo = repo_open(f->path, MAIN, &d);
	assert_non_null(f->repo);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	repo_close(f->repo);
	git_repository_free(f->git);
	git_libgit2_shutdown();
	folder_remove(f->folder);
	free(f);
	return 0;
}

static int put(struct fixture *f, int i, const char *text, struct diags *d)
{
	char sha[GIT_OID_HEXSZ + 1];

	git_oid_tostr(sha, sizeof(sha), &f->commits[i]);
	return note_write(f->repo, sha, span_str(text), d);
}

static void must_put(struct fixture *f, int i, const char *text)
{
	struct diags d = {0};

	assert_int_equal(put(f, i, text, &d), 0);
	assert_null(d.first);
	diags_free(&d);
}

static void must_say(struct fixture *f, int i, const char *text)
{
	git_note *note = NULL;

	assert_int_equal(git_note_read(&note, f->git, NOTE_REF, &f->commits[i]), 0);
	assert_string_equal(git_note_message(note), text);
	git_note_free(note);
}

static git_oid tip(struct fixture *f)
{
	git_oid id;

	assert_int_equal(git_reference_name_to_id(&id, f->git, NOTE_REF), 0);
	return id;
}

static void test_written_replaced_and_left_alone(void **state)
{
	struct fixture *f = *state;
	git_oid before, after;

	for (int i = 0; i < 8; i++)
		must_put(f, i, "published\n");
	must_put(f, 3, "refused\n");
	must_say(f, 2, "published\n");
	must_say(f, 3, "refused\n");
	before = tip(f);
	must_put(f, 3, "refused\n");
	after = tip(f);
	assert_true(git_oid_equal(&before, &after));
}

/* git notes rewrites the fan-out as it likes: no commit ends up with two notes. */
static void test_another_fan_out(void **state)
{
	struct fixture *f = *state;
	git_signature *who = NULL;
	git_oid id;

	assert_int_equal(git_signature_new(&who, "Somebody", "s@example.com", 1000, 0), 0);
	assert_int_equal(git_note_create(&id, f->git, NOTE_REF, who, who, &f->commits[0], "by hand\n", 0), 0);
	git_signature_free(who);
	must_put(f, 1, "published\n");
	must_say(f, 0, "by hand\n");
	must_put(f, 0, "refused\n");
	must_say(f, 0, "refused\n");
	must_say(f, 1, "published\n");
}

static void test_a_lock_in_the_way(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	char lock[160];
	int fd;

	must_put(f, 0, "published\n");
	snprintf(lock, sizeof(lock), "%s/" NOTE_REF ".lock", f->path);
	assert_true((fd = open(lock, O_CREAT | O_WRONLY, 0600)) >= 0);
	close(fd);
	assert_int_equal(put(f, 1, "published\n", &d), -1);
	assert_string_equal(code_of(&d), "note-busy");
	diags_free(&d);
	/* Left behind by a kill: it goes. */
	const struct utimbuf old = {1000, 1000};
	assert_int_equal(utime(lock, &old), 0);
	must_put(f, 1, "published\n");
	must_say(f, 1, "published\n");
}

/* Two servers on one repository: none of the notes is lost. */
static void test_two_writers(void **state)
{
	struct fixture *f = *state;
	pid_t pid[2];
	int status;

	for (int k = 0; k < 2; k++) {
		pid[k] = fork();
		assert_true(pid[k] >= 0);
		if (pid[k])
			continue;
		struct diags d = {0};
		struct repo *r = repo_open(f->path, MAIN, &d);
		int bad = !r;
		for (int i = k; i < 8 && !bad; i += 2) {
			char sha[GIT_OID_HEXSZ + 1];
			git_oid_tostr(sha, sizeof(sha), &f->commits[i]);
			while ((bad = note_write(r, sha, span_str("published\n"), &d)) &&
			       !strcmp(code_of(&d), "note-busy"))
				diags_free(&d), d = (struct diags){0};
		}
		_exit(bad ? 1 : 0);
	}
	for (int k = 0; k < 2; k++) {
		assert_int_equal(waitpid(pid[k], &status, 0), pid[k]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (int i = 0; i < 8; i++)
		must_say(f, i, "published\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_written_replaced_and_left_alone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_another_fan_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_a_lock_in_the_way, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_two_writers, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
