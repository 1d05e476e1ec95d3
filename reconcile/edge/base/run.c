#include "reconcile/edge/base/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int start(const char *const argv[], enum run_stderr errors, int input, int output, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	err = posix_spawn_file_actions_adddup2(&files, output >= 0 ? output : STDERR_FILENO, STDOUT_FILENO);
	if (!err && input >= 0)
		err = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	if (!err && errors == RUN_STDERR_DROPPED)
		err = posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	if (!err)
		err = posix_spawnp(pid, argv[0], &files, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

/* Reads to the end of file, also beyond `max`: a child process with a full pipe would block for ever. -EFBIG then. */
static int capture(int fd, struct buf *out, size_t max)
{
	char chunk[4096];
	bool over = false;

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return over ? -EFBIG : 0;
		over = over || out->n + (size_t)n > max;
		if (!over)
			buf_add(out, chunk, (size_t)n);
	}
}

/* Waits for the end of the child process; after `seconds` sends it SIGTERM. */
static void give(pid_t pid, unsigned seconds)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};

	if (p.fd < 0)
		return;
	if (poll(&p, 1, (int)seconds * 1000) == 0)
		kill(pid, SIGTERM);
	close(p.fd);
}

static int run(const char *const argv[], const char *package, enum run_stderr errors, int input, struct buf *out,
	       size_t max, unsigned seconds, struct diags *d)
{
	int pipes[2] = {-1, -1}, err, failed = 0, status;
	struct diag *g;
	pid_t pid;

	if (out && pipe2(pipes, O_CLOEXEC) < 0) {
		diag_error(d, "program-failed", NULL, "cannot run '%s': %s", argv[0], strerror(errno));
		return -1;
	}
	err = start(argv, errors, input, pipes[1], &pid);
	if (pipes[1] >= 0)
		close(pipes[1]);
	if (!err && out)
		failed = capture(pipes[0], out, max);
	if (pipes[0] >= 0)
		close(pipes[0]);
	if (err == ENOENT) {
		g = diag_error(d, "program-missing", NULL, "there is no program '%s'", argv[0]);
		diag_help(d, g, "install it, as in `apt install %s`", package);
		return -1;
	}
	if (err) {
		diag_error(d, "program-failed", NULL, "cannot run '%s': %s", argv[0], strerror(err));
		return -1;
	}
	if (seconds)
		give(pid, seconds);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			diag_error(d, "program-failed", NULL, "cannot wait for '%s': %s", argv[0], strerror(errno));
			return -1;
		}
	}
	if (failed) {
		diag_error(d, "program-failed", NULL, "cannot read the output of '%s': %s", argv[0], strerror(-failed));
		return -1;
	}
	if (out && out->failed)
		return diags_out_of_memory(d);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_program(const char *const argv[], enum run_stderr errors, struct buf *out, size_t max, struct diags *d)
{
	return run(argv, argv[0], errors, -1, out, max, 0, d);
}

int run_program_within(const char *const argv[], unsigned seconds, struct diags *d)
{
	return run(argv, argv[0], RUN_STDERR_SHOWN, -1, NULL, 0, seconds, d);
}

int run_filter(const char *const argv[], const char *package, struct span in, struct buf *out, size_t max,
	       struct diags *d)
{
	/* A memfd, not a pipe: writing to a pipe while reading the output would need poll(2) to avoid a deadlock. */
	int input = memfd_create("input", MFD_CLOEXEC), r = -1;
	size_t done = 0;

	while (input >= 0 && done < in.n) {
		ssize_t n = write(input, in.p + done, in.n - done);
		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	if (input >= 0 && done == in.n && lseek(input, 0, SEEK_SET) == 0)
		r = run(argv, package, RUN_STDERR_SHOWN, input, out, max, 0, d);
	else
		diag_error(d, "program-failed", NULL, "cannot run '%s': %s", argv[0], strerror(errno));
	if (input >= 0)
		close(input);
	return r;
}
