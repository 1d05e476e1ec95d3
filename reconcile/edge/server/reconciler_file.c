/*
 * A definition that is a plain file, for trying things out. Each time that it says something else, and is valid, the
 * server commits it to a repository of its own: from there on all is as with a definition that people push. The
 * version's number is that of the changes.
 */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/edge/git/repo_write.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/impact/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What a commit's trailer says is said in a comment here: "# Innernet-Accept: PLAN-ID". */
static const char accept_comment[] = "# " ACCEPT_TRAILER ":";

static void on_written(void *ctx)
{
	reconciler_turn(ctx);
}

/* The file's folder with its slash; "" for the current one. In the arena; NULL: out of memory. */
static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(a, path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* Whoever writes it may not be done: a file that was touched just now is looked at in a moment. */
static bool is_settled(const char *path)
{
	struct timespec now;
	struct stat st;

	if (stat(path, &st) || clock_gettime(CLOCK_REALTIME, &now))
		return true;
	const int64_t age =
	    (int64_t)(now.tv_sec - st.st_mtim.tv_sec) * 1000 + (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
	return age < 0 || age >= FILE_WATCH_QUIET_MS;
}

/* Lines of the file that accept a plan, as trailers. */
static void put_trailers(struct buf *message, struct span text)
{
	const char *p = (const char *)text.p, *end = p + text.n;
	const size_t n = sizeof(accept_comment) - 1;
	bool first = true;

	for (const char *nl; p < end; p = nl + 1) {
		if (!(nl = memchr(p, '\n', (size_t)(end - p))))
			nl = end;
		if ((size_t)(nl - p) <= n || memcmp(p, accept_comment, n))
			continue;
		buf_printf(message, "%s%.*s\n", first ? "\n" : "", (int)(nl - p - 2), p + 2);
		first = false;
	}
}

/* The files as the repository has them: by their names below the root's folder, the root as network.yaml. */
static int commit(struct reconciler *r, struct arena *a, const struct model *m, const char *folder, struct diags *d)
{
	struct source_file *files = arena_array(a, m->n_files, sizeof(*files));
	const size_t skip = strlen(folder);
	struct buf message = {0};
	int made = -1;

	for (uint32_t i = 1; i < m->n_files; i++) {
		if (strcmp(m->files[i] + skip, SOURCE_NAME))
			continue;
		diag_help(d,
			  diag_error(d, "include-pattern", NULL,
				     "%s cannot be included: the server keeps %s itself by that name", m->files[i],
				     r->config->file),
			  "give the file that is included another name");
		return -1;
	}
	if (files) {
		for (uint32_t i = 0; i < m->n_files; i++)
			files[i] = (struct source_file){i ? m->files[i] + skip : SOURCE_NAME, m->sources[i]};
		buf_printf(&message, "%s\n", r->config->file);
		put_trailers(&message, m->sources[0]);
	}
	if (!files || message.failed)
		d->out_of_memory = true;
	else
		made = repo_commit_files(r->repo, files, m->n_files, message.p, d);
	buf_free(&message);
	return made;
}

int reconciler_file_take(struct reconciler *r, struct diags *d)
{
	struct arena *a = arena_new();
	const char *path = r->config->file, *folder;
	struct model *m;
	struct stat st;
	int ret = -1;

	if (r->o.watch && !r->file_watch)
		r->file_watch = file_watch_new(r->loop, on_written, r, d);
	if (a && !stat(path, &st) && S_ISDIR(st.st_mode))
		path = arena_printf(a, "%s/" SOURCE_NAME, path);
	folder = a && path ? folder_of(a, path) : NULL;
	if (!folder) {
		d->out_of_memory = true;
		goto out;
	}
	if (r->file_watch) {
		file_watch_folder(r->file_watch, *folder ? folder : ".");
		if (!is_settled(path)) {
			file_watch_again(r->file_watch);
			ret = 1;
			goto out;
		}
	}
	if (!(m = source_load(a, path, false, d))) {
		reconciler_refuse(r, "", d); /* now: its places are in the arena */
		conditions_fail(r->conditions, CONDITION_SOURCE, NULL, d);
		goto out;
	}
	for (uint32_t i = 1; i < m->n_files && r->file_watch; i++) {
		const char *included = folder_of(a, m->files[i]);
		if (included)
			file_watch_folder(r->file_watch, included);
	}
	if (commit(r, a, m, folder, d) < 0) {
		reconciler_refuse(r, "", d);
		conditions_fail(r->conditions, CONDITION_SOURCE, NULL, d);
		goto out;
	}
	conditions_set(r->conditions, CONDITION_SOURCE, TRUTH_TRUE, "Read", NULL, "%s", r->config->file);
	ret = 0;
out:
	arena_free(a);
	return ret;
}
