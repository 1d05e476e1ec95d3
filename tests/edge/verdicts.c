/* What people are told: the verdict on each commit as a git note, and the history in the status. */
#include "reconcile/edge/control/control.h"
#include "tests/edge/server_test.h"

/* The note of a commit, once it is there; the caller frees it with free(). */
static char *await_note(const struct fixture *f, const git_oid *commit)
{
	git_note *note = NULL;
	char *text;

	AWAIT(git_note_read(&note, f->git, "refs/notes/innernet", commit) == 0);
	text = strdup(git_note_message(note));
	git_note_free(note);
	return text;
}

/* The status that answers the request with this word. */
static json_t *await_looked(const struct fixture *f, const char *word)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/status.json", f->data);
	for (int i = 0; i < 2000; i++) {
		json_t *o = json_load_file(path, 0, NULL);
		const char *got = json_string_value(json_object_get(json_object_get(o, "looked"), "word"));
		if (got && !strcmp(got, word))
			return o;
		json_decref(o);
		usleep(5000);
	}
	fail_msg("nobody looked");
	return NULL;
}

/* Each commit that was looked at says what became of it, and the status has the last of them, after a restart too. */
static void test_verdicts(void **state)
{
	struct fixture *f = *state;
	char *text, sha[HASH_HEX_LEN + 1];
	git_oid good, bad;
	json_t *o, *h;

	push(f, "");
	good = f->tip;
	server_start(f);
	text = await_note(f, &good);
	assert_string_equal(text, "published as version 0.1\n");
	free(text);
	push(f, "tests: [{ from: bob, can_reach: machines }]\n");
	bad = f->tip;
	text = await_note(f, &bad);
	assert_memory_equal(text, "refused: what was published stays\n\nerror[test-failed]: ", 55);
	free(text);
	push(f, "# a comment\n");
	text = await_note(f, &f->tip);
	assert_string_equal(text, "valid: says the same to every peer as version 0.1\n");
	free(text);
	json_decref(await_condition(f, "Published", "True", "SameContent"));
	server_stop(f);

	server_start(f);
	for (int i = 0; i < 8; i++) {
		push(f, i % 2 ? "" : "associations: [[humans, machines]]\n");
		free(await_note(f, &f->tip));
		if (i != 1)
			continue;
		/* Those of before the restart are still there. */
		o = await_condition(f, "Published", "True", "Published");
		h = json_object_get(o, "history");
		assert_int_equal(json_array_size(h), 5);
		git_oid_tostr(sha, sizeof(sha), &bad);
		assert_string_equal(json_string_value(json_object_get(json_array_get(h, 3), "commit")), sha);
		assert_string_equal(json_string_value(json_object_get(json_array_get(h, 3), "verdict")), "refused");
		assert_string_equal(json_string_value(json_object_get(json_array_get(h, 3), "reason")), "test-failed");
		json_decref(o);
	}
	git_oid_tostr(sha, sizeof(sha), &f->tip);
	o = await_condition(f, "Published", "True", "Published");
	h = json_object_get(o, "history");
	assert_int_equal(json_array_size(h), 5);
	assert_string_equal(json_string_value(json_object_get(json_array_get(h, 0), "commit")), sha);
	json_decref(o);
	server_stop(f);
}

/* A note that cannot be written holds nothing up. */
static void test_notes_cannot_be_written(void **state)
{
	struct fixture *f = *state;
	git_oid blob;
	git_reference *ref = NULL;
	git_note *note = NULL;

	push(f, "");
	assert_int_equal(git_blob_create_from_buffer(&blob, f->git, "x", 1), 0);
	assert_int_equal(git_reference_create(&ref, f->git, "refs/notes/innernet", &blob, 1, NULL), 0);
	git_reference_free(ref);
	server_start(f);
	push(f, "associations: [[humans, machines]]\n");
	json_t *o = await_condition(f, "Published", "True", "Published");
	json_decref(o);
	struct seen first;
	fetch(f, NULL, &first);
	assert_int_equal(first.view->statement.version.number, 2);
	arena_free(first.arena);
	server_stop(f);
	assert_int_not_equal(git_note_read(&note, f->git, "refs/notes/innernet", &f->tip), 0);
}

/* Suspended, the server serves what is published, over a restart too; resumed, it takes what came meanwhile. */
static void test_suspended(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct seen first;
	char word[CONTROL_WORD_LEN + 1], reason[CONTROL_REASON_MAX];
	json_t *o;

	push(f, "");
	server_start(f);
	json_decref(await_condition(f, "Suspended", "False", "Following"));
	assert_false(control_suspended(f->data, reason));
	assert_int_equal(control_suspend(f->data, "the server moves", &d), 0);
	o = await_condition(f, "Suspended", "True", "ByHand");
	assert_string_equal(condition_text(o, "Suspended", "message"), "the server moves");
	json_decref(o);
	push(f, "associations: [[humans, machines]]\n");
	assert_int_equal(control_ask(f->data, word, &d), 0);
	o = await_looked(f, word);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "looked"), "result")), "suspended");
	assert_string_equal(condition_text(o, "Valid", "status"), "True");
	json_decref(o);
	server_stop(f);

	server_start(f);
	json_decref(await_condition(f, "Suspended", "True", "ByHand"));
	fetch(f, NULL, &first);
	assert_int_equal(first.view->statement.version.number, 1);
	arena_free(first.arena);
	assert_int_equal(control_resume(f->data, &d), 0);
	json_decref(await_condition(f, "Suspended", "False", "Following"));
	fetch(f, NULL, &first);
	assert_int_equal(first.view->statement.version.number, 2);
	arena_free(first.arena);
	assert_int_equal(control_ask(f->data, word, &d), 0);
	o = await_looked(f, word);
	assert_string_equal(json_string_value(json_object_get(json_object_get(o, "looked"), "result")), "unchanged");
	json_decref(o);
	server_stop(f);
	assert_null(d.first);
}

/* Any bytes in these files. */
static void test_control_files_are_not_believed(void **state)
{
	struct fixture *f = *state;
	char path[160], reason[CONTROL_REASON_MAX], word[CONTROL_WORD_LEN + 1];
	static const char *const bad[] = {"\xff\xfe", "\x1b[2J", "two\rlines",
					  ("\xe2\x80\xae"
					   "back")};
	struct diags d = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(control_reason_valid(bad[i]));
		assert_int_equal(control_suspend(f->data, bad[i], &d), 0);
		assert_true(control_suspended(f->data, reason));
		assert_string_equal(reason, "");
	}
	assert_int_equal(control_resume(f->data, &d), 0);
	assert_int_equal(control_resume(f->data, &d), 0);
	assert_false(control_suspended(f->data, reason));
	/* What cannot be read is not over. */
	snprintf(path, sizeof(path), "%s/control/suspended", f->data);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(control_suspended(f->data, reason));
	assert_int_equal(rmdir(path), 0);
	snprintf(path, sizeof(path), "%s/control/look", f->data);
	assert_int_equal(file_write(path, span_str("../../../../etc/passwd and more of it"), 0600, &d), 0);
	control_asked(f->data, word);
	assert_string_equal(word, "");
	assert_null(d.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_verdicts, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_notes_cannot_be_written, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_suspended, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_control_files_are_not_believed, setup, teardown),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
