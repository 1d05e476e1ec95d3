#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/maintenance.h"
#include "reconcile/edge/git/repo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int first_commit(git_repository *git, const char *ref, const struct source_file *files, size_t n,
			const char *message)
{
	git_treebuilder *tb = NULL;
	git_signature *who = NULL;
	git_tree *tree = NULL;
	git_oid blob, tree_id, commit;
	int err = git_treebuilder_new(&tb, git, NULL);

	for (size_t i = 0; i < n && !err; i++)
		if (!(err = git_blob_create_from_buffer(&blob, git, files[i].bytes.p, files[i].bytes.n)))
			err = git_treebuilder_insert(NULL, tb, files[i].name, &blob, GIT_FILEMODE_BLOB);
	if (err || (err = git_treebuilder_write(&tree_id, tb)) || (err = git_tree_lookup(&tree, git, &tree_id)) ||
	    (err = git_signature_new(&who, "innernet-reconcile", "innernet-reconcile@localhost", clock_unix(), 0)))
		goto out;
	err = git_commit_create(&commit, git, ref, who, who, NULL, message, tree, 0, NULL);
out:
	git_signature_free(who);
	git_tree_free(tree);
	git_treebuilder_free(tb);
	return err;
}

/* Pushes are checked for whole objects. The hooks decide which refs may be deleted. */
static int configure(git_repository *git)
{
	git_config *c = NULL;
	int err;

	if (!(err = git_repository_config(&c, git)) && !(err = git_config_set_bool(c, "receive.fsckObjects", 1)))
		err = git_config_set_bool(c, "core.logAllRefUpdates", 1);
	/* We pack it: what git begins after a push goes on in the background, when the pusher's process is gone. */
	if (!err)
		err = git_config_set_bool(c, "receive.autogc", 0);
	if (!err)
		err = git_config_set_bool(c, MAINTENANCE_KEY, 1);
	git_config_free(c);
	return err;
}

/* A repository that was not finished: made a moment ago by this process, and unused yet. */
static void remove_tree(const char *path)
{
	struct diags quiet = {0};

	file_remove_tree(path, &quiet);
	diags_free(&quiet);
}

int repo_init(const char *path, const char *ref, const struct source_file *files, size_t n, const char *message,
	      struct diags *d)
{
	git_repository_init_options opt;
	git_repository *git = NULL;
	struct buf temporary = {0};
	struct stat st;
	struct diag *g;
	int ret = -1;

	if (!lstat(path, &st)) {
		g = diag_error(d, "repository-exists", NULL, "%s is there already", path);
		diag_help(d, g, "name another folder, or remove it; nothing was changed");
		return -1;
	}
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	git_repository_init_options_init(&opt, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	opt.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKDIR | GIT_REPOSITORY_INIT_MKPATH |
		    GIT_REPOSITORY_INIT_NO_REINIT;
	opt.initial_head = strncmp(ref, "refs/heads/", 11) ? ref : ref + 11;
	buf_printf(&temporary, "%s.new-%ld", path, (long)getpid());
	if (temporary.failed) {
		diags_out_of_memory(d);
		goto out;
	}
	git_error_clear();
	if (git_repository_init_ext(&git, temporary.p, &opt) || configure(git) ||
	    (n && first_commit(git, ref, files, n, message))) {
		g = diag_error(d, "repository-error", NULL, "cannot make the repository %s: %s", path,
			       repo_git_error());
		diag_help(d, g, "may this user write there, and is there room?");
		remove_tree(temporary.p);
		goto out;
	}
	if (rename(temporary.p, path)) {
		diag_error(d, "repository-error", NULL, "cannot make the repository %s: %s", path, strerror(errno));
		remove_tree(temporary.p);
		goto out;
	}
	ret = 0;
out:
	git_repository_free(git);
	buf_free(&temporary);
	git_libgit2_shutdown();
	return ret;
}
