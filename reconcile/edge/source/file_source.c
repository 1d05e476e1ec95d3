#include "reconcile/edge/source/file_source.h"
#include "reconcile/edge/base/file_watch.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/repo_write.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/impact/guard.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct file_source {
	struct loop *loop;
	const char *path;
	struct verdicts *verdicts;
	struct conditions *conditions;
	const struct served *served;
	void (*written)(void *ctx);
	void *ctx;
	struct file_watch *watch; /* NULL: not watched, or not yet */
	bool refused;             /* at the last look that read it */
};

struct file_source *file_source_new(struct loop *l, const char *path, struct verdicts *v, struct conditions *c,
				    const struct served *s, void (*written)(void *ctx), void *ctx)
{
	struct file_source *f = calloc(1, sizeof(*f));

	if (f)
		*f = (struct file_source){.loop = l,
					  .path = path,
					  .verdicts = v,
					  .conditions = c,
					  .served = s,
					  .written = written,
					  .ctx = ctx};
	return f;
}

void file_source_free(struct file_source *f)
{
	if (f)
		file_watch_free(f->watch);
	free(f);
}

/* What a commit's trailer says is said in a comment here: "# Innernet-Accept: PLAN-ID". */
static const char accept_comment[] = "# " ACCEPT_TRAILER ":";

/* The file's folder with its slash; "" for the current one. In the arena; NULL: out of memory. */
static const char *folder_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');

	return arena_strndup(a, path, slash ? (size_t)(slash - path) + 1 : 0);
}

/* A file that was touched just now may be half written: it is looked at in a moment. */
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
static int commit(const struct file_source *f, struct repo *repo, struct arena *a, const struct model *m,
		  const char *folder, struct diags *d)
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
				     f->path),
			  "give the file that is included another name");
		return -1;
	}
	if (files) {
		for (uint32_t i = 0; i < m->n_files; i++)
			files[i] = (struct source_file){i ? m->files[i] + skip : SOURCE_NAME, m->sources[i]};
		buf_printf(&message, "%s\n", f->path);
		put_trailers(&message, m->sources[0]);
	}
	if (!files || message.failed)
		diags_out_of_memory(d);
	else
		made = repo_commit_files(repo, files, m->n_files, message.p, d);
	buf_free(&message);
	return made;
}

/* Now: the diagnostics' places are in the arena. */
static void refuse(const struct file_source *f, const struct diags *d)
{
	verdicts_refuse(f->verdicts, "", d);
	conditions_fail(f->conditions, CONDITION_SOURCE, NULL, d);
}

static int take(struct file_source *f, struct repo *repo, struct arena *a, struct diags *d)
{
	const char *path = f->path, *folder;
	struct model *m;
	struct stat st;

	if (f->written && !f->watch)
		f->watch = file_watch_new(f->loop, f->written, f->ctx, d);
	if (a && !stat(path, &st) && S_ISDIR(st.st_mode))
		path = arena_printf(a, "%s/" SOURCE_NAME, path);
	folder = a && path ? folder_of(a, path) : NULL;
	if (!folder)
		return diags_out_of_memory(d);
	if (f->watch) {
		file_watch_folder(f->watch, *folder ? folder : ".");
		if (!is_settled(path)) {
			file_watch_again(f->watch);
			return 1;
		}
	}
	if (!(m = source_load(a, path, false, d))) {
		refuse(f, d);
		return -1;
	}
	for (uint32_t i = 1; i < m->n_files && f->watch; i++) {
		const char *included = folder_of(a, m->files[i]);
		if (included)
			file_watch_folder(f->watch, included);
	}
	if (commit(f, repo, a, m, folder, d) < 0) {
		refuse(f, d);
		return -1;
	}
	conditions_set(f->conditions, CONDITION_SOURCE, TRUTH_TRUE, "Read", NULL, "%s", f->path);
	return 0;
}

/* The file was put back as it was. Its commit had a verdict; that of a served one stands, another is given anew. */
static void put_back(const struct file_source *f, const char *tip)
{
	const struct revision *now = served_now(f->served);

	if (strcmp(tip, verdicts_attempted(f->verdicts)))
		return;
	if (now && !strcmp(now->commit.sha, tip))
		verdicts_accept(f->verdicts, tip);
	else
		verdicts_set_attempted(f->verdicts, "");
}

int file_source_take(struct file_source *f, struct repo *repo)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	char tip[HASH_HEX_LEN + 1];
	const int taken = take(f, repo, a, &d);

	if (!taken && f->refused && repo_tip(repo, tip, &d) == 0)
		put_back(f, tip);
	if (taken <= 0)
		f->refused = taken < 0;
	arena_free(a);
	diags_free(&d);
	return taken;
}
