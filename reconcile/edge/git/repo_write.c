#include "reconcile/edge/git/repo_write.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/loop.h"
#include "schema/buf.h"
#include "schema/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int repo_commit_make(struct repo *r, const git_oid *parent, const git_tree_update *updates, size_t n,
		     const char *message, git_oid *out)
{
	git_repository *git = repo_git(r);
	git_commit *on = NULL;
	git_tree *base = NULL, *tree = NULL;
	git_signature *who = NULL;
	git_oid tree_id;
	int err;

	if (parent && (err = repo_commit_load(r, parent, &on, &base)))
		goto out;
	if ((err = git_tree_create_updated(&tree_id, git, base, n, updates)) ||
	    (err = git_tree_lookup(&tree, git, &tree_id)) ||
	    (err = git_signature_new(&who, "innernet-reconcile", "innernet-reconcile@localhost", clock_unix(), 0)))
		goto out;
	const git_commit *parents[1] = {on};
	err = git_commit_create(out, git, NULL, who, who, NULL, message, tree, on ? 1 : 0, parents);
out:
	git_signature_free(who);
	git_tree_free(tree);
	git_tree_free(base);
	git_commit_free(on);
	return err;
}

void repo_lock_clear(struct repo *r, const char *ref)
{
	struct buf path = {0};
	struct stat st;

	buf_printf(&path, "%s%s.lock", repo_folder(r), ref);
	if (!path.failed && !lstat(path.p, &st) && st.st_mtime + REPO_LOCK_SECONDS < clock_unix() && !unlink(path.p))
		log_warn("stale-lock", "removed %s, which was left behind", path.p);
	buf_free(&path);
}

/* Is it older than this, by its last change? */
static bool is_older(int folder, const char *name, int64_t seconds)
{
	struct stat st;

	return !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode) &&
	       st.st_mtime + seconds < clock_unix();
}

void repo_packs_clear(struct repo *r)
{
	struct buf path = {0};
	struct dirent *e;
	int64_t seconds;
	DIR *dir;

	/* git gc writes such files too; gc.pid exists while it runs. */
	buf_printf(&path, "%sgc.pid", repo_folder(r));
	seconds = path.failed || !access(path.p, F_OK) ? GC_SECONDS : REPO_LOCK_SECONDS;
	buf_reset(&path);
	buf_printf(&path, "%sobjects/pack", repo_folder(r));
	dir = path.failed ? NULL : opendir(path.p);
	while (dir && (e = readdir(dir)))
		if (!strncmp(e->d_name, "tmp_", 4) && is_older(dirfd(dir), e->d_name, seconds) &&
		    !unlinkat(dirfd(dir), e->d_name, 0))
			log_debug("stale-pack", "removed %s/%s, which was left behind", path.p, e->d_name);
	if (dir)
		closedir(dir);
	buf_free(&path);
}

static void pause_shortly(void)
{
	struct timespec ts = {.tv_nsec = (long)(1 + randombytes_uniform(8)) * 1000000};

	nanosleep(&ts, NULL);
}

int repo_ref_swap(struct repo *r, const char *ref, const git_oid *was, const git_oid *id, const char *message)
{
	git_reference *moved = NULL;
	int err = git_reference_create_matching(&moved, repo_git(r), ref, id, was != NULL, was, message);

	git_reference_free(moved);
	if (err != GIT_EMODIFIED && err != GIT_EEXISTS && err != GIT_ELOCKED)
		return err;
	if (err == GIT_ELOCKED)
		repo_lock_clear(r, ref);
	pause_shortly();
	return 1;
}

/* The tree that has these files and nothing else. */
static int files_tree(git_repository *git, const struct source_file *files, size_t n, git_oid *out)
{
	git_tree_update *updates = calloc(n + 1, sizeof(*updates));
	int err = updates ? 0 : GIT_ERROR;

	for (size_t i = 0; i < n && !err; i++) {
		updates[i] = (git_tree_update){
		    .action = GIT_TREE_UPDATE_UPSERT, .filemode = GIT_FILEMODE_BLOB, .path = files[i].name};
		err = git_blob_create_from_buffer(&updates[i].id, git, files[i].bytes.p, files[i].bytes.n);
	}
	if (!err)
		err = git_tree_create_updated(out, git, NULL, n, updates);
	free(updates);
	return err;
}

static int commit_tree(struct repo *r, const git_oid *tree_id, const git_oid *on, const char *message)
{
	git_repository *git = repo_git(r);
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	git_signature *who = NULL;
	git_oid id;
	int err;

	if ((on && (err = git_commit_lookup(&parent, git, on))) || (err = git_tree_lookup(&tree, git, tree_id)) ||
	    (err = git_signature_new(&who, "innernet-reconcile", "innernet-reconcile@localhost", clock_unix(), 0)))
		goto out;
	const git_commit *parents[1] = {parent};
	err = git_commit_create(&id, git, NULL, who, who, NULL, message, tree, parent ? 1 : 0, parents);
	if (!err)
		err = repo_ref_swap(r, repo_ref(r), on, &id, "commit");
out:
	git_signature_free(who);
	git_tree_free(tree);
	git_commit_free(parent);
	return err;
}

int repo_commit_files(struct repo *r, const struct source_file *files, size_t n, const char *message, struct diags *d)
{
	git_oid tip, tree;
	git_commit *c = NULL;
	git_tree *is = NULL;
	struct diag *g;
	int err, found;

	git_error_clear();
	found = git_reference_name_to_id(&tip, repo_git(r), repo_ref(r));
	err = found == GIT_ENOTFOUND ? 0 : found;
	if (!found)
		err = repo_commit_load(r, &tip, &c, &is);
	if (!err)
		err = files_tree(repo_git(r), files, n, &tree);
	const bool same = !err && is && git_oid_equal(git_tree_id(is), &tree);
	git_tree_free(is);
	git_commit_free(c);
	if (!err && !same)
		err = commit_tree(r, &tree, found ? NULL : &tip, message);
	if (!err)
		return !same;
	g = diag_error(d, "repository-error", NULL, "cannot commit to %s: %s", repo_folder(r), repo_git_error());
	diag_help(d, g, "is there room, and may this user write there?");
	return -1;
}
