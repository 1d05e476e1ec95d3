#include "reconcile/edge/base/child.h"
#include "schema/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000 /* from SIGTERM to SIGKILL: git removes its lock files on SIGTERM */

struct child {
	struct loop *loop;
	struct child_options o;
	pid_t pid; /* also the id of its session and process group */
	int pidfd;
	int fd[2]; /* read ends of its standard output and error; -1: closed */
	struct buf text[2];
	struct loop_timer deadline;
	bool late, cut;
};

/* Runs in the child process, which may call only async-signal-safe functions (signal-safety(7)). Never returns. */
static void become(const struct child_options *o, const int out[2], int null, pid_t parent)
{
	const struct rlimit file = {o->file_max, o->file_max};
	const struct rlimit memory = {o->memory_max, o->memory_max};
	sigset_t none;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (o->file_max)
		setrlimit(RLIMIT_FSIZE, &file);
	if (o->memory_max)
		setrlimit(RLIMIT_DATA, &memory);
	if (o->idle)
		setpriority(PRIO_PROCESS, 0, 19);
	if (dup2(null, STDIN_FILENO) < 0 || dup2(out[0], STDOUT_FILENO) < 0 || dup2(out[1], STDERR_FILENO) < 0)
		_exit(127);
	if (o->env)
		execvpe(o->argv[0], (char *const *)o->argv, (char *const *)o->env);
	else
		execvp(o->argv[0], (char *const *)o->argv);
	_exit(127);
}

/* Reads what is available. Discards the bytes above output_max: a child process with a full pipe would block for ever. */
static void drain(struct child *c, int i)
{
	char chunk[4096];
	ssize_t n;

	if (c->fd[i] < 0)
		return;
	while ((n = read(c->fd[i], chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)) {
		const size_t got = n > 0 ? (size_t)n : 0, room = c->o.output_max - c->text[i].n;
		buf_add(&c->text[i], chunk, got < room ? got : room);
		c->cut |= got > room;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	loop_fd_del(c->loop, c->fd[i]);
	close(c->fd[i]);
	c->fd[i] = -1;
}

static void on_output(void *ctx, int fd, uint32_t events)
{
	struct child *c = ctx;

	(void)events;
	drain(c, fd == c->fd[0] ? 0 : 1);
}

static void child_release(struct child *c)
{
	loop_timer_del(c->loop, &c->deadline);
	for (int i = 0; i < 2; i++) {
		if (c->fd[i] >= 0) {
			loop_fd_del(c->loop, c->fd[i]);
			close(c->fd[i]);
		}
		buf_free(&c->text[i]);
	}
	if (c->pidfd >= 0) {
		loop_fd_del(c->loop, c->pidfd);
		close(c->pidfd);
	}
	free(c);
}

static void on_end(void *ctx, int fd, uint32_t events)
{
	struct child *c = ctx;
	struct child_result result = {.late = c->late};
	siginfo_t info = {0};

	(void)fd;
	(void)events;
	/* Kills the process group before waitid(): afterwards the kernel may give its id to another process. */
	kill(-c->pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) < 0)
		result.status = 127;
	else
		result.status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	for (int i = 0; i < 2; i++)
		drain(c, i);
	result.cut = c->cut || c->text[0].failed || c->text[1].failed;
	if (!c->text[0].failed)
		result.out = buf_span(&c->text[0]);
	if (!c->text[1].failed)
		result.err = buf_span(&c->text[1]);
	c->o.ended(c->o.ctx, &result);
	child_release(c);
}

static void on_deadline(void *ctx)
{
	struct child *c = ctx;

	kill(-c->pid, c->late ? SIGKILL : SIGTERM);
	c->late = true;
	loop_timer_set(c->loop, &c->deadline, GRACE_MS);
}

struct child *child_start(struct loop *l, const struct child_options *o, struct diags *d)
{
	struct child *c = calloc(1, sizeof(*c));
	int out[2] = {-1, -1}, null = open("/dev/null", O_RDONLY | O_CLOEXEC), ends[2];
	const pid_t parent = getpid();

	if (!c)
		goto fail;
	*c = (struct child){.loop = l, .o = *o, .pid = -1, .pidfd = -1, .fd = {-1, -1}};
	c->deadline = (struct loop_timer){.fn = on_deadline, .ctx = c};
	for (int i = 0; i < 2; i++) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			goto fail;
		c->fd[i] = ends[0];
		out[i] = ends[1];
		if (fcntl(c->fd[i], F_SETFL, O_NONBLOCK) < 0 || loop_fd_set(l, c->fd[i], EPOLLIN, on_output, c) < 0)
			goto fail;
	}
	if (null < 0 || (c->pid = fork()) < 0)
		goto fail;
	if (!c->pid)
		become(o, out, null, parent);
	if ((c->pidfd = pidfd_open(c->pid, 0)) < 0 || loop_fd_set(l, c->pidfd, EPOLLIN, on_end, c) < 0 ||
	    loop_timer_set(l, &c->deadline, o->deadline_ms) < 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
		goto fail;
	}
	for (int i = 0; i < 2; i++)
		close(out[i]);
	close(null);
	return c;
fail:
	diag_error(d, "program-failed", NULL, "cannot run '%s': %s", o->argv[0], strerror(errno));
	for (int i = 0; i < 2; i++)
		if (out[i] >= 0)
			close(out[i]);
	if (null >= 0)
		close(null);
	if (c)
		child_release(c);
	return NULL;
}

void child_free(struct child *c)
{
	siginfo_t info = {0};

	if (!c)
		return;
	pidfd_send_signal(c->pidfd, SIGTERM, NULL, 0);
	kill(-c->pid, SIGTERM);
	/* git removes its lock files within milliseconds. A child process that still runs after 0.5 s is killed. */
	for (int i = 0; i < 50 && !info.si_pid; i++) {
		if (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
			break;
		if (!info.si_pid)
			usleep(10000);
	}
	kill(-c->pid, SIGKILL);
	pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED);
	child_release(c);
}
