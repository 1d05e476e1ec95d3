/* Writing a hosts file: what it was besides its bytes stays, and what cannot be renamed over is written in place. */
#include "reconcile/edge/peer/hosts.h"
#include "tests/cmocka.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/innernet-test.XXXXXX";
static char path[64], link_path[64], folder[64];

static void put(const char *file, const char *text, mode_t mode)
{
	struct diags d = {0};

	assert_int_equal(file_write(file, span_str(text), mode, &d), 0);
}

static void has(const char *file, const char *text)
{
	struct diags d = {0};
	struct buf b = {0};

	assert_int_equal(hosts_read(file, &b, &d), 0);
	assert_string_equal(b.p ? b.p : "", text);
	buf_free(&b);
}

static int entries(void)
{
	char command[128];
	int n;
	FILE *f;

	snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &n), 1);
	pclose(f);
	return n;
}

static void test_write(void **state)
{
	struct diags d = {0};
	struct stat st, after;

	(void)state;
	/* None is an empty one; a new one is readable by every user. */
	has(path, "");
	assert_int_equal(hosts_check_writable(path, &d), 0);
	assert_int_equal(hosts_write(path, SPAN("1\n"), &d), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);

	assert_int_equal(chmod(path, 0640), 0);
	if (geteuid() == 0)
		assert_int_equal(chown(path, 12345, 23456), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(hosts_write(path, SPAN("22\n"), &d), 0);
	has(path, "22\n");
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_mode, st.st_mode);
	assert_int_equal(after.st_uid, st.st_uid);
	assert_int_equal(after.st_gid, st.st_gid);
	assert_int_not_equal(after.st_ino, st.st_ino); /* replaced at once, not written into */
	assert_int_equal(entries(), 1);
	assert_int_equal(d.n_errors, 0);
	unlink(path);
}

static void test_link(void **state)
{
	struct diags d = {0};
	struct stat st;
	char real[80];

	(void)state;
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(real, sizeof(real), "%s/real", folder);
	put(real, "a\n", 0644);
	assert_int_equal(symlink("folder/real", link_path), 0);
	assert_int_equal(hosts_write(link_path, SPAN("b\n"), &d), 0);
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	has(real, "b\n");
	unlink(real);
	/* A link to nothing is no place to write to. */
	assert_int_equal(hosts_write(link_path, SPAN("c\n"), &d), -1);
	assert_string_equal(d.first->code, "hosts-failed");
	assert_int_equal(hosts_check_writable(link_path, &d), -1);
	unlink(link_path);
	assert_int_equal(rmdir(folder), 0);
	diags_free(&d);
}

/* In a child with mounts of its own. Exit code 0: as it should be; 77: it may not mount. */
static int mounted(bool read_only_folder)
{
	struct diags d = {0};
	struct buf b = {0};
	struct stat st, after;
	char source[80];

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	snprintf(source, sizeof(source), "%s/source", dir);
	if (file_write(source, SPAN("a long line of a container\n"), 0644, &d) < 0 ||
	    file_write(path, SPAN("below\n"), 0644, &d) < 0)
		return 1;
	if (mount(source, path, NULL, MS_BIND, NULL) < 0)
		return 77;
	if (read_only_folder && (mount("/tmp", "/tmp", NULL, MS_BIND, NULL) < 0 ||
				 mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0))
		return 77;
	if (read_only_folder)
		return hosts_write(path, SPAN("x\n"), &d) == -1 && strcmp(d.first->code, "hosts-failed") == 0 ? 0 : 2;
	if (stat(path, &st) < 0 || hosts_check_writable(path, &d) < 0 || hosts_write(path, SPAN("short\n"), &d) < 0 ||
	    stat(path, &after) < 0 || st.st_ino != after.st_ino)
		return 3;
	if (hosts_read(path, &b, &d) < 0 || strcmp(b.p, "short\n") != 0)
		return 4;
	buf_free(&b);
	umount(path);
	return hosts_read(path, &b, &d) == 0 && strcmp(b.p, "below\n") == 0 ? 0 : 5;
}

static void in_child(bool read_only_folder)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(mounted(read_only_folder));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_mount(void **state)
{
	(void)state;
	in_child(false);
}

static void test_read_only(void **state)
{
	(void)state;
	in_child(true);
}

static void test_stamp(void **state)
{
	struct file_stamp zero = {0}, stamp;

	(void)state;
	put(path, "a\n", 0644);
	/* It was written a moment ago: its time says nothing yet. */
	stamp = hosts_stamp_of(path);
	assert_true(file_stamp_eq(&stamp, &zero));
	stamp = file_stamp_of(path);
	assert_false(file_stamp_eq(&stamp, &zero));
	put(path, "a\n", 0644);
	zero = file_stamp_of(path);
	assert_false(file_stamp_eq(&stamp, &zero));
	unlink(path);
}

static int clean(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) == 0 ? 0 : -1;
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/hosts", dir);
	snprintf(link_path, sizeof(link_path), "%s/link", dir);
	snprintf(folder, sizeof(folder), "%s/folder", dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_write), cmocka_unit_test(test_link),      cmocka_unit_test(test_stamp),
	    cmocka_unit_test(test_mount), cmocka_unit_test(test_read_only),
	};
	return cmocka_run_group_tests(tests, setup, clean);
}
