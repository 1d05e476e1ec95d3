#include "reconcile/edge/git/maintenance.h"
#include "reconcile/edge/base/child.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/libgit2.h"
#include "schema/limits.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP_NAME "innernet-gc" /* in the repository: its time is that of the last run */
#define SAMPLE     "objects/17"  /* one of the 256 folders of loose objects; git gc --auto looks into the same */

struct maintenance {
	struct loop *loop;
	struct repo *repo;
	struct loop_timer timer;
	struct child *child;
	char git_dir[4200];
};

/* A path in the repository. */
static void path_in(const struct repo *r, const char *name, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "%s%s", repo_folder(r), name);
}

static bool is_ours(struct repo *r)
{
	git_config *c = NULL;
	struct stat st;
	int yes = 0;

	if (git_repository_config_snapshot(&c, repo_git(r)) || git_config_get_bool(&yes, c, MAINTENANCE_KEY))
		yes = 0;
	git_config_free(c);
	return yes && !stat(repo_folder(r), &st) && st.st_uid == geteuid();
}

static size_t entries_of(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

bool maintenance_due(struct repo *r)
{
	struct buf path = {0};
	struct stat st;
	bool due = false;

	path_in(r, SAMPLE, &path);
	if (!path.failed && entries_of(path.p) * 256 > LOOSE_OBJECTS_MAX) {
		path_in(r, STAMP_NAME, &path);
		/* A stamp in the future is ignored. */
		due = !path.failed && (stat(path.p, &st) || st.st_mtime + MAINTENANCE_SECONDS <= clock_unix() ||
				       st.st_mtime > clock_unix());
	}
	buf_free(&path);
	return due && is_ours(r);
}

static void on_packed(void *ctx, const struct child_result *result)
{
	struct maintenance *m = ctx;
	const int n = result->err.n < 300 ? (int)result->err.n : 300;

	m->child = NULL;
	if (result->status)
		log_warn("maintenance", "git gc of %s %s: %.*s", repo_folder(m->repo),
			 result->late ? "took too long" : "failed", n, n ? (const char *)result->err.p : "");
	else
		log_debug("maintenance", "%s is packed", repo_folder(m->repo));
}

static void pack(struct maintenance *m)
{
	static const char *const env[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					  "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", NULL};
	const char *const argv[] = {"git", m->git_dir,
				    "-c",  "core.hooksPath=/dev/null",
				    "-c",  "gc.reflogExpire=never",
				    "-c",  "gc.reflogExpireUnreachable=never",
				    "-c",  "gc.writeCommitGraph=false",
				    "-c",  "pack.threads=1",
				    "-c",  "pack.windowMemory=64m",
				    "gc",  "--quiet",
				    NULL};
	const struct child_options o = {.argv = argv,
					.env = env,
					.output_max = 4096,
					.deadline_ms = GC_SECONDS * 1000,
					.idle = true,
					.ended = on_packed,
					.ctx = m};
	struct buf path = {0};
	struct diags d = {0};

	/* Before it: what fails is tried again tomorrow, not each hour. */
	path_in(m->repo, STAMP_NAME, &path);
	if (path.failed || file_replace(path.p, SPAN(""), 0644, &d) < 0 || !(m->child = child_start(m->loop, &o, &d)))
		log_diags("maintenance", &d);
	buf_free(&path);
	diags_free(&d);
}

static void on_time(void *ctx)
{
	struct maintenance *m = ctx;

	loop_timer_set(m->loop, &m->timer, MAINTENANCE_EVERY_MS);
	if (!m->child && maintenance_due(m->repo))
		pack(m);
}

struct maintenance *maintenance_new(struct loop *l, struct repo *r, unsigned first_ms)
{
	struct maintenance *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	*m = (struct maintenance){.loop = l, .repo = r, .timer = {.fn = on_time, .ctx = m}};
	snprintf(m->git_dir, sizeof(m->git_dir), "--git-dir=%s", repo_folder(r));
	if (loop_timer_set(l, &m->timer, first_ms) == 0)
		return m;
	free(m);
	return NULL;
}

void maintenance_free(struct maintenance *m)
{
	if (!m)
		return;
	loop_timer_del(m->loop, &m->timer);
	child_free(m->child);
	free(m);
}
