/* What the tests with repositories share: a folder that goes at the end, and commits made without git(1). */
#ifndef TESTS_EDGE_GIT_TEST_H
#define TESTS_EDGE_GIT_TEST_H

#include "schema/buf.h"
#include "schema/diag.h"
#include "tests/cmocka.h"

#include <ftw.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What other processes do, and no descriptor tells of: looked at every few milliseconds, until it is so or for so long.
 */
#define AWAIT_MS 20000
#define AWAIT(condition)                                                                                               \
	do {                                                                                                           \
		int waits = AWAIT_MS / 5;                                                                              \
		while (!(condition)) {                                                                                 \
			if (!waits--)                                                                                  \
				fail_msg("not within %d s: %s", AWAIT_MS / 1000, #condition);                          \
			usleep(5000);                                                                                  \
		}                                                                                                      \
	} while (0)

static inline int git_test_remove(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* A new folder; `path` has room for PATH_MAX. */
static inline void folder_make(char *path)
{
	strcpy(path, "/tmp/innernet-test.XXXXXX");
	assert_non_null(mkdtemp(path));
}

static inline void folder_remove(const char *path)
{
	nftw(path, git_test_remove, 32, FTW_DEPTH | FTW_PHYS);
}

static inline git_repository *bare_make(const char *path)
{
	git_repository *git = NULL;
	git_repository_init_options o;

	git_libgit2_init();
	git_repository_init_options_init(&o, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	o.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	o.initial_head = "main";
	assert_int_equal(git_repository_init_ext(&git, path, &o), 0);
	return git;
}

/* One file of a commit: its path, its text, its mode (0: 0100644). */
struct git_file {
	const char *path, *text;
	unsigned mode;
};

/* Of the commits that are made next. */
static const char *commit_message = "a commit\n";

/* A commit with exactly these files; `ref` NULL: no ref is moved. The time is its own, so that dates can lie. */
static inline git_oid commit_make(git_repository *git, const char *ref, const git_oid *parents, size_t n_parents,
				  const struct git_file *files, size_t n_files, int64_t time)
{
	git_index *index = NULL;
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_oid tree_id, id, blob;
	git_commit *list[8] = {0};
	git_reference *moved = NULL;

	assert_int_equal(git_index_new(&index), 0);
	for (size_t i = 0; i < n_files; i++) {
		git_index_entry e = {.path = files[i].path, .mode = files[i].mode ? files[i].mode : 0100644};
		assert_int_equal(git_blob_create_from_buffer(&blob, git, files[i].text, strlen(files[i].text)), 0);
		e.id = blob;
		assert_int_equal(git_index_add(index, &e), 0);
	}
	assert_int_equal(git_index_write_tree_to(&tree_id, index, git), 0);
	assert_int_equal(git_tree_lookup(&tree, git, &tree_id), 0);
	assert_int_equal(git_signature_new(&who, "Test", "test@example.com", time, 0), 0);
	for (size_t i = 0; i < n_parents; i++)
		assert_int_equal(git_commit_lookup(&list[i], git, &parents[i]), 0);
	assert_int_equal(git_commit_create(&id, git, NULL, who, who, NULL, commit_message, tree, n_parents,
					   (const git_commit **)list),
			 0);
	if (ref)
		assert_int_equal(git_reference_create(&moved, git, ref, &id, 1, NULL), 0);
	git_reference_free(moved);
	for (size_t i = 0; i < n_parents; i++)
		git_commit_free(list[i]);
	git_tree_free(tree);
	git_signature_free(who);
	git_index_free(index);
	return id;
}

static inline const char *code_of(const struct diags *d)
{
	return d->first ? d->first->code : "(none)";
}

#endif
