#include "reconcile/edge/device/userspace.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/device/uapi.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* On kernels that have WireGuard it asks to be told that it was chosen on purpose (its main.go, warning()). */
#define ON_PURPOSE "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1"

extern char **environ;

static const char *program(void)
{
	const char *named = getenv("WG_USERSPACE");

	return named && *named ? named : "wireguard-go";
}

static bool answers(const char *ifname)
{
	int fd = uapi_connect(ifname);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Not only a socket, which wireguard-go hands on to its child: that one sets up the link once more (the MTU with it)
 * before it answers.
 */
static bool serves(const char *ifname)
{
	struct device_build ignored = {0};
	int fd = uapi_connect(ifname);
	int err = fd;

	if (fd >= 0) {
		err = uapi_get(fd, &ignored);
		close(fd);
	}
	device_build_free(&ignored);
	return err >= 0;
}

/* Closes descriptors that a library opened without close-on-exec: the child process would keep them open. */
static int close_others(posix_spawn_file_actions_t *files)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
	return posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#else
	(void)files;
	return 0;
#endif
}

/* Its own session, none of our descriptors, no signals blocked or ignored. */
static int spawn(const char *ifname, pid_t *pid)
{
	const char *name = program();
	char *argv[] = {(char *)name, (char *)ifname, NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	size_t n = 0;
	char **env;
	int err;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return -ENOMEM;
	memcpy(env, environ, n * sizeof(*env));
	env[n] = (char *)ON_PURPOSE;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	err = posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDWR, 0);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDOUT_FILENO);
	if (!err)
		err = posix_spawn_file_actions_adddup2(&files, STDIN_FILENO, STDERR_FILENO);
	if (!err)
		err = close_others(&files);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	if (!err)
		err = posix_spawnp(pid, name, &files, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(env);
	return -err;
}

/* Tells when a name appears in or goes from the sockets' folder. -1: it cannot be watched. */
static int watch_sockets(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, UAPI_DIR, IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void swallow(int watch)
{
	char events[4096];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

/* Until `child` has ended or something happened in the folder (either may be -1); false: the deadline has passed. */
static bool wait_event(int child, int watch, int64_t deadline)
{
	struct pollfd fds[2] = {{.fd = child, .events = POLLIN}, {.fd = watch, .events = POLLIN}};
	int64_t left = deadline - clock_boot_ms();

	if (left <= 0)
		return false;
	if (poll(fds, 2, (int)left) > 0 && fds[1].revents)
		swallow(watch);
	return true;
}

static void explain_failure(const char *ifname, int status, struct diags *d)
{
	struct diag *g;

	if (answers(ifname)) {
		g = diag_error(d, "device-userspace", NULL,
			       "%s did not start: another interface named '%s' answers at " UAPI_DIR "/%s.sock",
			       program(), ifname, ifname);
		diag_help(
		    d, g,
		    "network namespaces share that folder: give each interface a name of its own, or each namespace "
		    "a private tmpfs there");
		return;
	}
	if (WIFSIGNALED(status))
		g = diag_error(d, "device-userspace", NULL, "%s was killed by signal %d while it made '%s'", program(),
			       WTERMSIG(status), ifname);
	else
		g = diag_error(d, "device-userspace", NULL, "%s failed to make '%s' (exit status %d)", program(),
			       ifname, WEXITSTATUS(status));
	if (access("/dev/net/tun", R_OK | W_OK) != 0)
		diag_help(d, g, "/dev/net/tun cannot be opened (%s): load the tun module, run as root",
			  strerror(errno));
	else
		diag_help(d, g, "`%s -f %s` shows why", program(), ifname);
}

/* Waits until no process answers any more; false: one still does. */
static bool wait_silence(const char *ifname, int watch, int64_t deadline)
{
	bool there;

	while ((there = answers(ifname)) && watch >= 0 && wait_event(-1, watch, deadline))
		;
	return !there;
}

int userspace_start(const char *ifname, const char *why, struct diags *d)
{
	int64_t deadline = clock_boot_ms() + USERSPACE_START_MS;
	int watch, child = -1, status = 0, err;
	bool ended = false, in_time = true;
	pid_t pid = -1;

	/* Made before, so that it can be watched; the usual mode (wireguard-go's ipc/uapi_unix.go). */
	if (mkdir(UAPI_DIR, 0755) < 0 && errno == EACCES) {
		struct diag *g =
		    diag_error(d, "device-permission", NULL, "%s: cannot make the folder " UAPI_DIR, ifname);

		diag_help(d, g, "run as root");
		return -1;
	}
	watch = watch_sockets();
	/* A process whose link was deleted a moment ago may still be ending. */
	(void)wait_silence(ifname, watch, clock_boot_ms() + USERSPACE_END_MS);
	err = spawn(ifname, &pid);
	if (err < 0) {
		struct diag *g = diag_error(d, "device-no-wireguard", NULL, "no WireGuard: %s%s %s", why, program(),
					    err == -ENOENT ? "is not installed" : strerror(-err));

		diag_help(d, g,
			  "install a kernel with WireGuard (linux 5.6 or newer: `modprobe wireguard`), or the package "
			  "wireguard-go");
		err = -1;
		goto out;
	}
	child = (int)syscall(SYS_pidfd_open, pid, 0);
	for (;;) {
		if (!ended && waitpid(pid, &status, WNOHANG) == pid) {
			ended = true;
			if (child >= 0)
				close(child);
			child = -1;
		}
		err = ended && status != 0 ? -1 : ended && serves(ifname) ? 0 : 1;
		if (err <= 0 || !in_time)
			break;
		in_time = wait_event(child, watch, deadline);
	}
	if (err < 0) {
		explain_failure(ifname, status, d);
	} else if (err > 0) {
		if (!ended) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
		}
		diag_error(d, "device-userspace", NULL,
			   ended ? "%s was started, but no process answers at " UAPI_DIR "/%s.sock"
				 : "%s did not go into the background for '%s'; it was ended",
			   program(), ifname);
		err = -1;
	}
out:
	if (child >= 0)
		close(child);
	if (watch >= 0)
		close(watch);
	return err;
}

void userspace_ended(const char *ifname)
{
	int watch = watch_sockets();
	char path[UAPI_PATH_LEN];

	uapi_path(ifname, path);
	if (wait_silence(ifname, watch, clock_boot_ms() + USERSPACE_END_MS))
		(void)unlink(path); /* it was killed: no other process cleans up after it */
	if (watch >= 0)
		close(watch);
}
