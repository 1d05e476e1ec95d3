/* Durable files: what is there afterwards, and what is refused. */
#include "reconcile/edge/base/file.h"
#include "tests/cmocka.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	char dir[64];
	char path[96];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/innernet-file.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/a", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0); /* no temporary file stays behind */
	free(f);
	return 0;
}

static void assert_code(struct diags *d, const char *code)
{
	assert_int_equal(d->n_errors, 1);
	assert_string_equal(d->first->code, code);
	diags_free(d);
}

static void write_then_read(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};
	struct stat st;

	assert_int_equal(file_write(f->path, SPAN("one"), 0600, &d), 0);
	assert_int_equal(file_write(f->path, SPAN("second"), 0640, &d), 0);
	assert_int_equal(file_read(f->path, 6, &b, NULL, &d), 0);
	assert_string_equal(b.p, "second");
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	buf_free(&b);
}

/* Upstream truncates the only copy of a key before it writes: no room, and it is gone. */
static void a_write_that_fails_leaves_the_old(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};
	struct rlimit was, small;

	assert_int_equal(file_write(f->path, SPAN("the key"), 0600, &d), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){.rlim_cur = 2, .rlim_max = was.rlim_max};
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_write(f->path, SPAN("another key"), 0600, &d), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_code(&d, "file-error");
	d = (struct diags){0};
	assert_int_equal(file_read(f->path, 20, &b, NULL, &d), 0);
	assert_string_equal(b.p, "the key");
	buf_free(&b);
}

static void never_overwrites(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};

	assert_int_equal(file_create(f->path, SPAN("one"), 0600, &d), 0);
	assert_int_equal(file_create(f->path, SPAN("two"), 0600, &d), -1);
	assert_code(&d, "file-exists");
	assert_int_equal(file_read(f->path, 6, &b, NULL, &d), 0);
	assert_string_equal(b.p, "one");
	buf_free(&b);
}

static void bounds(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};
	bool absent;

	assert_int_equal(file_read(f->path, 10, &b, &absent, &d), 0);
	assert_true(absent);
	assert_int_equal(file_read(f->path, 10, &b, NULL, &d), -1);
	assert_code(&d, "file-error");
	d = (struct diags){0};
	assert_int_equal(file_write(f->path, SPAN("0123456789a"), 0600, &d), 0);
	assert_int_equal(file_read(f->path, 10, &b, &absent, &d), -1);
	assert_code(&d, "file-too-large");
	d = (struct diags){0};
	assert_int_equal(file_read(f->dir, 10, &b, NULL, &d), -1);
	assert_code(&d, "file-not-regular");
	assert_null(b.p);
}

static void does_not_hang_on_a_fifo(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};

	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(file_read(f->path, 10, &b, NULL, &d), -1);
	assert_code(&d, "file-not-regular");
}

static void secrets_that_others_can_read(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	struct buf b = {0};

	assert_int_equal(file_write(f->path, SPAN("s"), 0600, &d), 0);
	assert_int_equal(file_read_secret(f->path, 10, &b, NULL, &d), 0);
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(chmod(f->path, 0640), 0);
	assert_int_equal(file_read_secret(f->path, 10, &b, NULL, &d), -1);
	assert_code(&d, "file-permissions");
}

static void folders(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	char deep[128];

	snprintf(deep, sizeof(deep), "%s/x/y/z", f->dir);
	assert_int_equal(file_mkdirs(deep, 0700, &d), 0);
	assert_int_equal(file_mkdirs(deep, 0700, &d), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rmdir(deep), 0);
		*strrchr(deep, '/') = '\0';
	}
	assert_int_equal(file_write(f->path, SPAN("s"), 0600, &d), 0);
	assert_int_equal(file_mkdirs(f->path, 0700, &d), -1);
	assert_code(&d, "file-error");
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(write_then_read), TEST(a_write_that_fails_leaves_the_old), TEST(never_overwrites),
	    TEST(bounds),          TEST(does_not_hang_on_a_fifo),           TEST(secrets_that_others_can_read),
	    TEST(folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
