/* What the service manager is told: by path and by abstract name, the watchdog from the loop, nothing without it. */
#include "reconcile/edge/base/notify.h"
#include "tests/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_at(const struct sockaddr_un *a, size_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)a, (socklen_t)len), 0);
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[600];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
}

static void expect_nothing(int fd)
{
	char got[600];

	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
}

static void words(void **state)
{
	char dir[] = "/tmp/notify-test-XXXXXX", path[64];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct notify n;
	char got[100];
	ssize_t len;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/notify", dir);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = listen_at(&a, sizeof(a));
	setenv("NOTIFY_SOCKET", path, 1);
	notify_open(&n, NULL);
	assert_null(getenv("NOTIFY_SOCKET")); /* what we start cannot speak for us */

	notify_ready(&n);
	expect(fd, "READY=1");
	notify_status(&n, "corp: version %d.%d", 0, 7);
	expect(fd, "STATUS=corp: version 0.7");
	notify_status(&n, "corp: version %d.%d", 0, 7);
	expect_nothing(fd);
	notify_status(&n, "%s", "corp\nMAINPID=1");
	len = recv(fd, got, sizeof(got), MSG_DONTWAIT);
	assert_true(len > 0);
	assert_null(memchr(got, '\n', (size_t)len));
	notify_reloading(&n);
	len = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(len > 0);
	got[len] = '\0';
	assert_ptr_equal(strstr(got, "RELOADING=1\nMONOTONIC_USEC="), got);
	notify_stopping(&n);
	expect(fd, "STOPPING=1");
	notify_close(&n);
	close(fd);
	unlink(path);
	rmdir(dir);
}

static void on_done(void *ctx)
{
	loop_stop(ctx);
}

static void watchdog(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct diags d = {0};
	struct loop *l = loop_new(&d);
	struct loop_timer done = {.fn = on_done, .ctx = l};
	struct notify n;
	char name[64];
	int fd, fed = 0, len;

	(void)state;
	assert_non_null(l);
	len = snprintf(name, sizeof(name), "@innernet-notify-%d", (int)getpid());
	memcpy(a.sun_path + 1, name + 1, (size_t)len - 1);
	fd = listen_at(&a, offsetof(struct sockaddr_un, sun_path) + (size_t)len);

	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	notify_open(&n, l);
	assert_null(getenv("WATCHDOG_USEC"));
	loop_timer_set(l, &done, 100);
	assert_int_equal(loop_run(l), 0);
	for (char got[16]; recv(fd, got, sizeof(got), MSG_DONTWAIT) == 10; fed++)
		assert_memory_equal(got, "WATCHDOG=1", 10);
	assert_in_range(fed, 2, 11);
	notify_close(&n);

	/* The parent's watchdog is not ours. */
	setenv("NOTIFY_SOCKET", name, 1);
	setenv("WATCHDOG_USEC", "20000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	notify_open(&n, l);
	assert_int_equal(n.every_ms, 0);
	expect_nothing(fd);
	notify_close(&n);
	close(fd);
	loop_free(l);
	diags_free(&d);
}

static void no_manager(void **state)
{
	static const char *const bad[] = {NULL, "", "notify", "/", "@", "/nowhere/at/all"};
	char longest[300];
	struct notify n;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		const char *path = i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : longest;

		if (path)
			setenv("NOTIFY_SOCKET", path, 1);
		notify_open(&n, NULL);
		notify_ready(&n);
		notify_status(&n, "as it is");
		notify_stopping(&n);
		notify_close(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),
	    cmocka_unit_test(watchdog),
	    cmocka_unit_test(no_manager),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
