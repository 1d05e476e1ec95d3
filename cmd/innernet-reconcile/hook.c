/* innernet-reconcile hook: the hooks that git runs on a push, and their installation. */
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/push/push.h"
#include "reconcile/edge/git/repo.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char mark[] = "# Written by `innernet-reconcile hook install`, which replaces it.\n";
#define HOOK_MAX (64u << 10)

static const char *const hooks[] = {"pre-receive", "post-receive"};

/* --- the hooks, run by git --- */

static void on_alarm(int signo)
{
	static const char late[] = "Refused: the check of this push has timed out; nothing was changed.\n";
	ssize_t n = write(STDERR_FILENO, late, sizeof(late) - 1);

	(void)signo;
	(void)n;
	_exit(FAILED);
}

/* Limits memory and time: the pushed content is not trusted, and the user waits for git. */
static void bound(void)
{
#ifndef INNERNET_SANITIZED
	const struct rlimit memory = {PUSH_MEMORY, PUSH_MEMORY};
	setrlimit(RLIMIT_DATA, &memory);
#endif
	signal(SIGALRM, on_alarm);
	alarm(PUSH_SECONDS);
}

/* Reads git's standard input, at most PUSH_LINES_MAX bytes. A longer input ends in an invalid line ("?"). */
static void read_lines(struct buf *in)
{
	char chunk[8192];
	ssize_t n;

	while (in->n < PUSH_LINES_MAX && !in->failed) {
		n = read(STDIN_FILENO, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf_add(in, chunk, (size_t)n);
	}
	/* Discards the rest, so that git does not get EPIPE in the middle of a write. */
	buf_char(in, '?');
	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR))
		;
}

static int run_hook(const struct invocation *inv, const struct server_paths *paths, const char *name, bool before)
{
	const struct push p = {.data_dir = paths->data, .network = name, .color = use_color(inv, stderr)};
	struct buf in = {0}, out = {0};
	bool taken = true;

	bound();
	read_lines(&in);
	const struct span lines = {(const uint8_t *)(in.p ? in.p : ""), in.n};
	if (in.failed)
		taken = !before;
	else if (before)
		taken = push_judge(&p, lines, &out);
	else
		push_follow(&p, lines, &out);
	if (out.n)
		fwrite(out.p, 1, out.n, stderr);
	if (in.failed || out.failed) {
		taken = !before;
		fputs("error[out-of-memory]: out of memory\n", stderr);
	}
	buf_free(&in);
	buf_free(&out);
	return taken ? DONE : FAILED;
}

/* --- installation --- */

static void put_quoted(struct buf *out, const char *s)
{
	buf_char(out, '\'');
	for (; *s; s++)
		if (*s == '\'')
			buf_str(out, "'\\''");
		else
			buf_char(out, *s);
	buf_char(out, '\'');
}

static int put_folder(const struct invocation *inv, const char *option, struct buf *out)
{
	const char *given = option_value(inv, option);
	char *path = given ? paths_absolute(given) : NULL;

	if (given && !path)
		return -1;
	if (path) {
		buf_printf(out, " --%s ", option);
		put_quoted(out, path);
	}
	free(path);
	return 0;
}

static int put_script(const struct invocation *inv, const char *hook, const char *network, struct buf *out)
{
	char program[4096];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0)
		return -1;
	program[n] = '\0';
	buf_printf(out, "#!/bin/sh\n%sexec ", mark);
	put_quoted(out, program);
	if (put_folder(inv, "config-dir", out) < 0 || put_folder(inv, "data-dir", out) < 0)
		return -1;
	buf_printf(out, " hook %s '%s'\n", hook, network);
	return out->failed ? -1 : 0;
}

/* Returns 0 when there is no hook at `path`, or one that has our mark. Returns -1 with a diagnostic for another one. */
static int replaceable(const char *path, const char *hook, const char *network, struct diags *d)
{
	struct buf text = {0};
	bool absent = false;
	struct diag *g;
	int ret = -1;

	if (file_read(path, HOOK_MAX, &text, &absent, d) < 0)
		goto out;
	if (absent || (text.p && strstr(text.p, mark))) {
		ret = 0;
		goto out;
	}
	g = diag_file_error(d, "hook-exists", path, "%s exists already, and innernet-reconcile did not write it", path);
	diag_help(d, g, "call this in it, with the standard input from git: innernet-reconcile hook %s %s", hook,
		  network);
out:
	buf_free(&text);
	return ret;
}

int hooks_install(const struct invocation *inv, const struct server_config *c, const struct server_paths *paths,
		  struct diags *d)
{
	struct arena *a = arena_new();
	struct repo *r = a ? repo_open(c->repository, c->ref, d) : NULL;
	const char *folder = r ? repo_hooks_folder(r, a, d) : NULL;
	int ret = -1;

	if (!folder || file_mkdirs(folder, 0755, d) < 0 || file_mkdirs(paths->data, 0755, d) < 0 ||
	    server_public_write(paths->data, c, d) < 0)
		goto out;
	ret = 0;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const char *path = arena_printf(a, "%s/%s", folder, hooks[i]);
		struct buf text = {0};
		if (!path || put_script(inv, hooks[i], c->network, &text) < 0) {
			diags_out_of_memory(d);
			ret = -1;
		} else if (replaceable(path, hooks[i], c->network, d) < 0 ||
			   file_write(path, buf_span(&text), 0755, d) < 0) {
			ret = -1;
		}
		buf_free(&text);
	}
out:
	if (!a)
		diags_out_of_memory(d);
	repo_close(r);
	arena_free(a);
	return ret;
}

int hooks_remove(const struct server_config *c, struct diags *d)
{
	struct arena *a = arena_new();
	struct repo *r = a ? repo_open(c->repository, c->ref, d) : NULL;
	const char *folder = r ? repo_hooks_folder(r, a, d) : NULL;
	int ret = folder ? 0 : -1;

	for (size_t i = 0; folder && i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		const char *path = arena_printf(a, "%s/%s", folder, hooks[i]);
		struct diags theirs = {0};
		if (!path || (!replaceable(path, hooks[i], c->network, &theirs) && file_remove(path, d) < 0))
			ret = -1;
		diags_free(&theirs);
	}
	repo_close(r);
	arena_free(a);
	return ret;
}

static int install(const struct invocation *inv, const struct server_paths *paths)
{
	struct server_config *c = NULL;
	struct diags d = {0};
	int code = FAILED;

	if (!server_config_read(paths->config, &c, &d) && !hooks_install(inv, c, paths, &d)) {
		printf("%s has the hooks: each push is checked before git accepts it\n", c->repository);
		code = DONE;
	}
	report(inv, &d, NULL);
	diags_free(&d);
	server_config_free(c);
	return code;
}

static int run(struct invocation *inv)
{
	const char *what = inv->args[0], *name = inv->args[1];
	const bool before = !strcmp(what, hooks[0]), after = !strcmp(what, hooks[1]);
	struct server_paths paths;
	int code;

	if (!before && !after && strcmp(what, "install"))
		return usage_error(inv, "hook takes install, pre-receive or post-receive, not '%s'", what);
	if (paths_make(inv, name, &paths) < 0)
		return FAILED;
	code = before || after ? run_hook(inv, &paths, name, before) : install(inv, &paths);
	paths_free(&paths);
	return code;
}

const struct command server_command_hook = {
    .name = "hook",
    .synopsis = "install | pre-receive | post-receive  NAME",
    .summary = "check a push before git accepts it, and print its result",
    .text =
	"`init` puts two hooks into the repository that it makes; `hook install` puts them into an existing one. git\n"
	"runs them as the user of the push. `hook pre-receive` prints the output of `innernet validate` and\n"
	"`innernet plan`, and refuses an invalid or guarded commit. `hook post-receive` waits up to twenty seconds "
	"for\n"
	"the verdict of the running server. Neither hook reads a secret.",
    .example = "innernet-reconcile hook install corp",
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
