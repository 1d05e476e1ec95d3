#include "reconcile/edge/answer/git_child.h"
#include "reconcile/edge/base/confine.h"
#include "schema/limits.h"
#include "schema/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct git_child {
	struct git_children *all;
	pid_t pid; /* leads a process group */
	int pidfd;
	int out;  /* a pipe, not blocking; -1: at its end */
	int said; /* a file in memory: its standard error */
	bool ended, ending;
	ssize_t how; /* it ended: GIT_CHILD_... */
	struct loop_timer kill;
	void (*ready)(void *ctx); /* NULL: dropped */
	void *ctx;
	struct git_child *next, *prev;
};

struct git_children {
	struct loop *loop;
	struct git_children_options o;
	char *repository, *data_dir; /* absolute, without links: children are somewhere else */
	char program[PATH_MAX];      /* ours: what the hooks run */
	struct git_child *first;
	unsigned n;
};

struct git_children *git_children_new(struct loop *l, const struct git_children_options *o)
{
	struct git_children *all = calloc(1, sizeof(*all));
	ssize_t n;

	if (!all)
		return NULL;
	all->loop = l;
	all->o = *o;
	all->repository = realpath(o->repository, NULL);
	all->data_dir = realpath(o->data_dir, NULL);
	if (!all->repository || !all->data_dir) {
		n = errno;
		git_children_free(all);
		errno = (int)n;
		return NULL;
	}
	n = readlink("/proc/self/exe", all->program, sizeof(all->program) - 1);
	all->program[n > 0 ? n : 0] = '\0';
	return all;
}

unsigned git_children_count(const struct git_children *all)
{
	return all->n;
}

/* --- what it is given --- */

/* Strings for an environment, one after the other. */
struct words {
	struct buf text;
	size_t at[40];
	unsigned n;
	char *list[41];
};

__attribute__((format(printf, 2, 3))) static void word(struct words *w, const char *fmt, ...)
{
	va_list ap;

	if (w->n == sizeof(w->at) / sizeof(w->at[0])) {
		w->text.failed = true;
		return;
	}
	w->at[w->n++] = w->text.n;
	va_start(ap, fmt);
	buf_vprintf(&w->text, fmt, ap);
	va_end(ap);
	buf_char(&w->text, '\0');
}

static int words_end(struct words *w)
{
	for (unsigned i = 0; !w->text.failed && i < w->n; i++)
		w->list[i] = w->text.p + w->at[i];
	return w->text.failed ? -1 : 0;
}

static void environment(const struct git_children *all, const struct git_command *c, struct words *w)
{
	/* No push writes the server's own refs, with hooks or without. */
	const char *const settings[][2] = {
	    {"safe.directory", all->repository},         {"receive.fsckObjects", "true"},
	    {"receive.hideRefs", "refs/heads/innernet"}, {"receive.hideRefs", "refs/notes/innernet"},
	    {"receive.hideRefs", "refs/innernet"},       {NULL, NULL}};
	const char *path = getenv("PATH");
	int n = 0;

	word(w, "PATH=%s", path ? path : "/usr/local/bin:/usr/bin:/bin");
	word(w, "HOME=/");
	word(w, "LC_ALL=C.UTF-8");
	word(w, "GIT_CONFIG_NOSYSTEM=1");
	word(w, "GIT_CONFIG_GLOBAL=/dev/null");
#ifdef INNERNET_SANITIZED /* a hook of ours: LeakSanitizer traces its own process, which is refused */
	word(w, "ASAN_OPTIONS=detect_leaks=0");
#endif
	if (c->protocol)
		word(w, "GIT_PROTOCOL=%s", c->protocol);
	/* As git-http-backend(1) does: the reflog names the peer that pushed. */
	word(w, "REMOTE_USER=%s", c->peer);
	word(w, "REMOTE_ADDR=%s", c->address);
	word(w, "GIT_COMMITTER_NAME=%s", c->peer);
	word(w, "GIT_COMMITTER_EMAIL=%s@%s", c->peer, all->o.network);
	for (; settings[n][0]; n++) {
		word(w, "GIT_CONFIG_KEY_%d=%s", n, settings[n][0]);
		word(w, "GIT_CONFIG_VALUE_%d=%s", n, settings[n][1]);
	}
	word(w, "GIT_CONFIG_KEY_%d=receive.maxInputSize", n);
	word(w, "GIT_CONFIG_VALUE_%d=%u", n++, GIT_PUSH_MAX);
	word(w, "GIT_CONFIG_COUNT=%d", n);
}

static void set_limits(void)
{
	static const struct {
		int what;
		rlim_t most;
	} limits[] = {
	    {RLIMIT_CORE, 0},
	    {RLIMIT_CPU, GIT_CPU_SECONDS},
	    {RLIMIT_FSIZE, GIT_FILE_MAX},
	    {RLIMIT_NOFILE, GIT_FILES_OPEN_MAX},
#ifndef INNERNET_SANITIZED
	    {RLIMIT_DATA, GIT_MEMORY},
#endif
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit l;
		if (getrlimit((__rlimit_resource_t)limits[i].what, &l))
			continue;
		if (l.rlim_max > limits[i].most)
			l.rlim_max = limits[i].most;
		l.rlim_cur = l.rlim_max;
		setrlimit((__rlimit_resource_t)limits[i].what, &l);
	}
}

/* What root writes into another's repository breaks its owner's next push. */
static const char *become_owner(const char *repository)
{
	struct stat st;

	if (geteuid() != 0)
		return NULL;
	if (stat(repository, &st))
		return "find the repository";
	if (st.st_uid && (setgroups(0, NULL) || setgid(st.st_gid) || setuid(st.st_uid)))
		return "become the owner of the repository";
	return NULL;
}

static const char *step_into(const struct git_children *all, const int fds[static 3])
{
	/* Programs and their libraries, where systems have them; what these read; what our hooks read. */
	const char *const readable[] = {"/usr",
					"/bin",
					"/sbin",
					"/lib",
					"/lib32",
					"/lib64",
					"/opt",
					"/nix",
					"/gnu",
					"/proc",
					"/etc/ld.so.cache",
					"/etc/ld.so.preload",
					"/etc/passwd",
					"/etc/group",
					"/etc/nsswitch.conf",
					"/etc/localtime",
					"/etc/alternatives",
					"/etc/gitconfig",
					"/dev/zero",
					"/dev/random",
					"/dev/urandom",
					all->program,
					all->data_dir,
					NULL};
	const char *const writable[] = {all->repository, "/dev/null", NULL};
	const struct confinement c = {readable, writable};
	const char *failed;
	sigset_t none;

	setpgid(0, 0);
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	if (dup2(fds[0], 0) < 0 || dup2(fds[1], 1) < 0 || dup2(fds[2], 2) < 0 || close_range(3, ~0u, 0) < 0)
		return "hand over descriptors";
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0 || chdir(all->repository) < 0)
		return "go to the repository";
	set_limits();
	if ((failed = become_owner(all->repository)) || (failed = confine(&c)))
		return failed;
	/* After any change of user, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return "be told of the server's end";
	return NULL;
}

_Noreturn static void become_git(const struct git_children *all, const struct git_command *c, char *const *env,
				 const int fds[static 3], pid_t parent)
{
	const char *argv[7] = {"git"}, *failed = step_into(all, fds);
	int n = 1;

	argv[n++] = git_service_name(c->request.service);
	argv[n++] = "--stateless-rpc";
	if (c->request.advertise)
		argv[n++] = "--advertise-refs"; /* as of git 2.34 also --http-backend-info-refs */
	argv[n++] = all->repository;
	if (!failed && getppid() == parent) {
		execvpe(argv[0], (char *const *)argv, env);
		failed = "run git";
	}
	if (failed)
		dprintf(STDERR_FILENO, "cannot %s: %s\n", failed, strerror(errno));
	_exit(126);
}

/* --- its life --- */

static void child_free(struct git_child *c)
{
	struct git_children *all = c->all;

	loop_timer_del(all->loop, &c->kill);
	if (c->out >= 0) {
		loop_fd_del(all->loop, c->out);
		close(c->out);
	}
	if (c->pidfd >= 0) {
		loop_fd_del(all->loop, c->pidfd);
		close(c->pidfd);
	}
	if (c->said >= 0)
		close(c->said);
	*(c->prev ? &c->prev->next : &all->first) = c->next;
	if (c->next)
		c->next->prev = c->prev;
	all->n -= !c->ended;
	free(c);
}

static void on_kill(void *ctx)
{
	const struct git_child *c = ctx;

	kill(-c->pid, SIGKILL);
}

/* SIGTERM first: git takes its locks and its half-written files away. */
static void child_end(struct git_child *c)
{
	if (c->ending || c->ended)
		return;
	c->ending = true;
	kill(-c->pid, SIGTERM);
	loop_timer_set(c->all->loop, &c->kill, GIT_END_MS);
}

static void on_ended(void *ctx, int fd, uint32_t events)
{
	struct git_child *c = ctx;
	struct git_children *all = c->all;
	siginfo_t how = {0};

	(void)events;
	/* What it started, and does not end with it. Afterwards the group's number may be another's. */
	if (c->ending)
		kill(-c->pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)fd, &how, WEXITED | WNOHANG) < 0 || !how.si_pid)
		return;
	loop_fd_del(all->loop, fd);
	loop_timer_del(all->loop, &c->kill);
	c->ended = true;
	c->how = how.si_code != CLD_EXITED ? GIT_CHILD_KILLED : how.si_status ? GIT_CHILD_FAILED : GIT_CHILD_END;
	all->n--;
	if (!c->ready)
		child_free(c);
	else
		c->ready(c->ctx);
	if (all->o.ended)
		all->o.ended(all->o.ctx);
}

static void on_output(void *ctx, int fd, uint32_t events)
{
	struct git_child *c = ctx;

	(void)fd;
	(void)events;
	c->ready(c->ctx);
}

/* A file of fixed size: a write beyond it fails, and nothing has to read it meanwhile. */
static int file_for_errors(void)
{
	int fd = memfd_create("said", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, GIT_SAID_MAX) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) < 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int child_fork(struct git_child *c, const struct git_command *command, char *const *env, int output)
{
	const pid_t parent = getpid();
	int input =
	    command->input >= 0 ? fcntl(command->input, F_DUPFD_CLOEXEC, 3) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (input < 0)
		return -1;
	c->pid = fork();
	if (!c->pid) {
		const int fds[3] = {input, output, c->said};
		become_git(c->all, command, env, fds, parent);
	}
	close(input);
	if (c->pid < 0)
		return -1;
	setpgid(c->pid, c->pid); /* in both processes: whichever comes first */
	c->pidfd = pidfd_open(c->pid, 0);
	return c->pidfd < 0 ? -1 : 0;
}

struct git_child *git_child_start(struct git_children *all, const struct git_command *command, void (*ready)(void *ctx),
				  void *ctx)
{
	struct git_child *c = calloc(1, sizeof(*c));
	struct words env = {.text = {0}};
	int pipes[2] = {-1, -1}, err;

	if (!c)
		return NULL;
	*c = (struct git_child){.all = all, .pidfd = -1, .out = -1, .said = -1, .ready = ready, .ctx = ctx};
	c->kill = (struct loop_timer){.fn = on_kill, .ctx = c};
	c->next = all->first;
	if (c->next)
		c->next->prev = c;
	all->first = c;
	all->n++;
	environment(all, command, &env);
	if (words_end(&env) < 0) {
		errno = ENOMEM;
		goto fail;
	}
	if ((c->said = file_for_errors()) < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		goto fail;
	c->out = pipes[0];
	if (child_fork(c, command, env.list, pipes[1]) < 0 || fcntl(c->out, F_SETFL, O_NONBLOCK) < 0 ||
	    loop_fd_set(all->loop, c->pidfd, EPOLLIN, on_ended, c) < 0 ||
	    loop_fd_set(all->loop, c->out, EPOLLIN | EPOLLONESHOT, on_output, c) < 0)
		goto fail;
	close(pipes[1]);
	buf_free(&env.text);
	return c;
fail:
	err = errno;
	if (c->pid > 0) {
		kill(-c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	if (pipes[1] >= 0)
		close(pipes[1]);
	buf_free(&env.text);
	child_free(c);
	errno = err;
	return NULL;
}

ssize_t git_child_read(struct git_child *c, void *to, size_t n)
{
	ssize_t got = c->out >= 0 ? read(c->out, to, n) : 0;

	if (got > 0)
		return got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		loop_fd_set(c->all->loop, c->out, EPOLLIN | EPOLLONESHOT, on_output, c);
		return GIT_CHILD_WAIT;
	}
	if (c->out >= 0) {
		loop_fd_del(c->all->loop, c->out);
		close(c->out);
		c->out = -1;
	}
	/* The end of its output is not yet its own: whether all was well comes last. */
	return c->ended ? c->how : GIT_CHILD_WAIT;
}

void git_child_said(const struct git_child *c, struct buf *out)
{
	char text[GIT_SAID_MAX];
	ssize_t n = pread(c->said, text, sizeof(text), 0);
	struct span line = {(const uint8_t *)text, 0};

	while (n > 0 && line.n < (size_t)n && text[line.n] && text[line.n] != '\n')
		line.n++;
	buf_visible(out, line);
}

void git_child_drop(struct git_child *c)
{
	if (c->ended) {
		child_free(c);
		return;
	}
	c->ready = NULL;
	if (c->out >= 0) {
		loop_fd_del(c->all->loop, c->out);
		close(c->out);
		c->out = -1;
	}
	child_end(c);
}

void git_children_free(struct git_children *all)
{
	const int64_t until = clock_boot_ms() + GIT_END_MS;

	if (!all)
		return;
	for (struct git_child *c = all->first; c; c = c->next)
		child_end(c);
	while (all->first) {
		struct git_child *c = all->first;
		const int64_t left = until - clock_boot_ms();
		if (!c->ended) {
			poll(&(struct pollfd){.fd = c->pidfd, .events = POLLIN}, 1, left > 0 ? (int)left : 0);
			kill(-c->pid, SIGKILL); /* as on_ended() */
			waitpid(c->pid, NULL, 0);
		}
		child_free(c);
	}
	free(all->repository);
	free(all->data_dir);
	free(all);
}
