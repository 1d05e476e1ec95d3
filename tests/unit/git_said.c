/* What git says of a remote. */
#include "reconcile/wire/git_said.h"
#include "tests/cmocka.h"

#include <string.h>

#define A "64d00c268638da03d9f2fdcad5f6c19a52d17357"

static void test_refs(void **state)
{
	char hex[HASH_HEX_LEN + 1];

	(void)state;
	assert_true(git_said_ref(span_str(A "\trefs/heads/main\n"), "refs/heads/main", hex));
	assert_string_equal(hex, A);
	assert_true(
	    git_said_ref(span_str("x\n" A "\trefs/heads/main2\n" A "\trefs/heads/main"), "refs/heads/main", hex));
	assert_false(git_said_ref(span_str(A "\trefs/heads/main2\n"), "refs/heads/main", hex));
	assert_false(git_said_ref(span_str(A " refs/heads/main\n"), "refs/heads/main", hex));
	assert_false(git_said_ref(span_str("64d0\trefs/heads/main\n"), "refs/heads/main", hex));
	assert_false(git_said_ref((struct span){0}, "refs/heads/main", hex));
}

static void test_refused(void **state)
{
	char reason[GIT_REASON_MAX];

	(void)state;
	assert_true(git_said_refused(span_str("To x\n!\ta:refs/heads/b\t[rejected] (stale info)\nDone\n"), reason));
	assert_string_equal(reason, "[rejected] (stale info)");
	assert_true(git_said_refused(span_str("! \x1b[31m"), reason));
	assert_string_equal(reason, "! \\x1b[31m");
	assert_false(git_said_refused(span_str("To x\n*\ta:refs/heads/b\t[new branch]\nDone\n"), reason));
}

static void test_why(void **state)
{
	static const char *const said[][2] = {
	    {"fatal: '/srv/n.git' does not appear to be a git repository\n"
	     "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\n"
	     "and the repository exists.\n",
	     "'/srv/n.git' does not appear to be a git repository"},
	    {"@@@@@@@\r\n@  WARNING  @\r\nHost key verification failed.\r\nfatal: Could not read from remote "
	     "repository.\n",
	     "Host key verification failed."},
	    {"warning: x\nfatal: Authentication failed for 'https://h/n.git/'\n",
	     "Authentication failed for 'https://h/n.git/'"},
	    {"plain", "plain"},
	};
	char why[GIT_REASON_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		assert_true(git_said_why(span_str(said[i][0]), why));
		assert_string_equal(why, said[i][1]);
	}
	assert_false(git_said_why(span_str("hint: x\n\n"), why));
	char many[2000];
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_true(git_said_why(span_str(many), why));
	assert_true(strlen(why) < GIT_REASON_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_refs),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
