#include "cmd/innernet/edit/git.h"
#include "cmd/innernet/edit/edit.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/impact/guard.h"
#include "reconcile/edge/base/run.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Returns the real path of a file's folder, in the arena. NULL with a diagnostic. */
static const char *folder_of(struct edit_job *job, const char *path)
{
	char *real, *folder = NULL;
	const char *slash = strrchr(path, '/');
	char *typed =
	    slash ? arena_strndup(job->arena, path, (size_t)(slash - path) + 1) : arena_strdup(job->arena, ".");

	real = typed ? realpath(typed, NULL) : NULL;
	if (real)
		folder = arena_strdup(job->arena, real);
	free(real);
	if (!folder)
		diag_file_error(&job->diags, "file-error", path, "cannot find the folder of %s", path);
	return folder;
}

/*
 * Runs `git -C FOLDER WORD...`. With `files`, appends "--" and the changed files (all files of the definition when none
 * changes). git's output goes to standard error, or into `out`. Returns git's exit code, or -1 with a diagnostic.
 */
static int git(struct edit_job *job, const char *folder, struct buf *out, enum run_stderr errors, struct diags *d,
	       bool files, const char *const words[])
{
	const struct model *m = job->before;
	size_t n = 0;
	const char **argv = calloc(m->n_files + 32, sizeof(*argv));
	char **real = calloc(m->n_files + 1, sizeof(*real));
	bool any = false;
	int rc = -1;

	if (!argv || !real) {
		diags_out_of_memory(d);
		goto out;
	}
	argv[n++] = "git";
	argv[n++] = "-C";
	argv[n++] = folder;
	while (*words && n < 24)
		argv[n++] = *words++;
	if (files)
		argv[n++] = "--";
	for (uint32_t i = 0; i < m->n_files; i++)
		any |= job->bytes[i].p != NULL;
	for (uint32_t i = 0; files && i < m->n_files; i++) {
		if (any && !job->bytes[i].p)
			continue;
		real[i] = realpath(m->files[i], NULL);
		if (!real[i]) {
			diag_file_error(d, "file-error", m->files[i], "cannot find %s", m->files[i]);
			goto out;
		}
		argv[n++] = real[i];
	}
	rc = run_program(argv, errors, out, 1 << 16, d);
out:
	for (uint32_t i = 0; real && i < m->n_files; i++)
		free(real[i]);
	free(real);
	free(argv);
	return rc;
}
#define GIT(job, folder, out, errors, d, files, ...)                                                                   \
	git(job, folder, out, errors, d, files, (const char *const[]){__VA_ARGS__, NULL})

/* Returns the first line of git's output, in the arena. NULL when git fails or prints nothing. */
static const char *git_line(struct edit_job *job, const char *folder, const char *const words[])
{
	struct buf out = {0};
	struct diags d = {0};
	const char *line = NULL;

	if (!git(job, folder, &out, RUN_STDERR_DROPPED, &d, false, words) && out.p)
		line = arena_strndup(job->arena, out.p, strcspn(out.p, "\r\n"));
	buf_free(&out);
	diags_free(&d);
	return line;
}
#define GIT_LINE(job, folder, ...) git_line(job, folder, (const char *const[]){__VA_ARGS__, NULL})

/* Returns the folder of the root file, or of its target when it is a symbolic link. git runs there. */
static const char *work_folder(struct edit_job *job)
{
	char *real = realpath(job->before->files[0], NULL);
	const char *folder = folder_of(job, real ? real : job->before->files[0]);
	free(real);
	return folder;
}

int edit_git_open(struct edit_job *job, const char *word, bool other)
{
	const char *no_edit = job->command->no_edit;

	if (own_clone_named(job->arena, word, other, &job->git.own, &job->diags) < 0)
		return -1;
	if (!job->git.own.path)
		return 0;
	if (!(no_edit && option_given(job->inv, no_edit)) && option_add(job->inv, "push", ""))
		return diags_out_of_memory(&job->diags);
	return own_clone_freshen(&job->git.own, &job->diags);
}

static bool tracked(struct edit_job *job, const char *folder)
{
	struct buf out = {0};
	struct diags d = {0};
	bool yes = !GIT(job, folder, &out, RUN_STDERR_DROPPED, &d, true, "ls-files", "--error-unmatch");
	buf_free(&out);
	diags_free(&d);
	return yes;
}

int edit_git_check_clean(struct edit_job *job)
{
	const char *folder;
	struct diag *g;
	int rc;

	if (!option_given(job->inv, "commit") && !option_given(job->inv, "push"))
		return 0;
	if (!(folder = work_folder(job)))
		return -1;
	if (!tracked(job, folder)) {
		g = diag_error(&job->diags, "not-in-git", NULL, "%s is not in a git repository, or not added to it",
			       job->before->files[0]);
		diag_help(&job->diags, g, "leave out --commit and --push, or `git add` it first");
		return -1;
	}
	rc = GIT(job, folder, NULL, RUN_STDERR_SHOWN, &job->diags, true, "diff", "--quiet", "HEAD");
	if (rc > 0) {
		g = diag_error(&job->diags, "uncommitted-changes", NULL,
			       "%s has uncommitted changes, which --commit would commit too",
			       job->before->n_files > 1 ? "the definition" : job->before->files[0]);
		diag_help(&job->diags, g, "commit them first, or leave out --commit");
	}
	return rc ? -1 : 0;
}

int edit_git_check_pushed(struct edit_job *job)
{
	const char *folder, *ahead;

	if (!option_given(job->inv, "push") || !(folder = work_folder(job)))
		return 0;
	/* Without an upstream branch git fails here, which is ignored: a later push reports it. */
	ahead = GIT_LINE(job, folder, "rev-list", "--count", "@{upstream}..HEAD");
	if (!ahead || strcmp(ahead, "0") == 0)
		return 0;
	diag_help(&job->diags,
		  diag_error(&job->diags, "not-pushed", NULL, "%s commit%s of this branch %s not pushed yet", ahead,
			     strcmp(ahead, "1") ? "s" : "", strcmp(ahead, "1") ? "are" : "is"),
		  "git push");
	return -1;
}

void edit_git_floor(struct edit_job *job, struct version *floor)
{
	const char *folder = work_folder(job);
	struct diags d = {0};
	struct buf out = {0};

	*floor = (struct version){0, 0};
	if (folder && tracked(job, folder) &&
	    !GIT(job, folder, &out, RUN_STDERR_DROPPED, &d, false, "--no-replace-objects", "rev-list", "--count",
		 "HEAD"))
		*floor = (struct version){job->before->epoch, strtoull(out.p ? out.p : "", NULL, 10)};
	buf_free(&out);
	diags_free(&d);
}

/* Notes that the network's own clone is rolled back. Returns -1. */
static int undone(struct edit_job *job, bool raced)
{
	job->git.undone = true;
	job->git.raced = raced;
	if (!raced)
		fputs("Nothing was changed.\n", stderr);
	return -1;
}

/* Handles a failed `git push`. Returns 0 when the server has the commit all the same, else -1. */
static int push_failed(struct edit_job *job)
{
	const char *path = job->git.own.path;
	struct diag *g;

	switch (path ? own_clone_settle(&job->git.own, &job->diags) : PUSH_UNKNOWN) {
	case PUSH_TAKEN:
		return 0;
	case PUSH_REFUSED: /* git has shown the server's reason */
		return undone(job, false);
	case PUSH_RACED:
		return undone(job, true);
	case PUSH_UNKNOWN:
		g = diag_error(&job->diags, "git-failed", NULL, "`git push` failed; the commit stays in the clone");
		diag_help(&job->diags, g, "after resolving the failure: git %s%s%spush", path ? "-C " : "",
			  path ? path : "", path ? " " : "");
	}
	return -1;
}

int edit_git_commit(struct edit_job *job, const char *message)
{
	const char *folder, *trailer = "--quiet";
	struct diag *g;
	int rc;

	if (!option_given(job->inv, "commit") && !option_given(job->inv, "push"))
		return 0;
	if (!(folder = work_folder(job)))
		return -1;
	if (job->accepted)
		trailer = arena_printf(job->arena, "--trailer=" ACCEPT_TRAILER ": %s", job->accepted);
	if (!trailer)
		return diags_out_of_memory(&job->diags);
	rc = GIT(job, folder, NULL, RUN_STDERR_SHOWN, &job->diags, true, "commit", trailer, "--quiet", "--message",
		 message, "--only");
	if (rc > 0 && job->git.own.path) {
		diag_error(&job->diags, "git-failed", NULL, "`git commit` failed");
		GIT(job, folder, NULL, RUN_STDERR_SHOWN, &job->diags, true, "checkout", "--quiet", "HEAD");
		return undone(job, false);
	}
	if (rc) {
		if (rc > 0) {
			g = diag_error(&job->diags, "git-failed", NULL,
				       "`git commit` failed; the edit stays in the files");
			diag_help(&job->diags, g, "git commit -m '%s' %s", message, job->before->files[0]);
		}
		return -1;
	}
	if (!option_given(job->inv, "push"))
		return 0;
	/* No advice from git after a lost race: this program retries by itself. */
	rc = job->git.own.path ? GIT(job, folder, NULL, RUN_STDERR_SHOWN, &job->diags, false, "-c",
				     "advice.pushUpdateRejected=false", "push", "--quiet")
			       : GIT(job, folder, NULL, RUN_STDERR_SHOWN, &job->diags, false, "push", "--quiet");
	return rc > 0 ? push_failed(job) : rc;
}

/* Writes a path as a pattern of gitignore(5), relative to the top of the work tree. */
static void put_pattern(struct buf *out, const char *prefix, const char *name)
{
	buf_char(out, '/');
	for (int part = 0; part < 2; part++) {
		for (const char *s = part ? name : prefix; *s; s++) {
			if (strchr("\\*?[ !#", *s))
				buf_char(out, '\\');
			buf_char(out, *s);
		}
	}
	buf_char(out, '\n');
}

int edit_git_exclude(struct edit_job *job, const char *path)
{
	const char *folder = folder_of(job, path), *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *prefix, *file;
	struct buf bytes = {0}, pattern = {0};
	bool absent = false;
	int rc = -1;

	if (!folder)
		return -1;
	prefix = GIT_LINE(job, folder, "rev-parse", "--show-prefix");
	file = GIT_LINE(job, folder, "rev-parse", "--path-format=absolute", "--git-path", "info/exclude");
	/* Nothing to do: the folder is in no work tree, or git ignores the file already. */
	if (!prefix || !file || *file != '/' || GIT_LINE(job, folder, "check-ignore", "--", name))
		return 0;
	if (file_read(file, CONFIG_MAX, &bytes, &absent, &job->diags))
		goto out;
	if (bytes.n && bytes.p[bytes.n - 1] != '\n')
		buf_char(&bytes, '\n');
	put_pattern(&pattern, prefix, name);
	buf_add(&bytes, pattern.p ? pattern.p : "", pattern.n);
	if (bytes.failed || pattern.failed) {
		diags_out_of_memory(&job->diags);
		goto out;
	}
	if (absent) {
		slash = strrchr(file, '/');
		char *info = arena_strndup(job->arena, file, (size_t)(slash - file));
		if (!info || file_mkdirs(info, 0755, &job->diags))
			goto out;
	}
	rc = file_write(file, buf_span(&bytes), 0644, &job->diags);
out:
	buf_free(&bytes);
	buf_free(&pattern);
	return rc;
}
