/* The place of the definition for `init`. */
#include "cmd/innernet-reconcile/init_source.h"
#include "reconcile/edge/base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options that are valid only with --remote. */
static const char *const of_remote[] = {"interval", "ssh-key", "known-hosts", "credentials"};

/* Sets *out to the absolute path of `given` or of the option; leaves it NULL without either. The caller frees it. */
static int take_path(const struct invocation *inv, const char *option, const char *given, char **out)
{
	const char *value = given ? given : option_value(inv, option);

	if (!value)
		return 0;
	if (!*value) {
		usage_error(inv, "--%s takes a path", option);
		return -1;
	}
	return (*out = paths_absolute(value)) ? 0 : -1;
}

static int take_branch(const struct invocation *inv, struct server_config *c)
{
	const char *branch = option_value(inv, "branch");
	struct buf ref = {0};

	buf_printf(&ref, "refs/heads/%s", branch ? branch : &REPO_DEFAULT_REF[strlen("refs/heads/")]);
	c->ref = ref.failed ? NULL : strdup(ref.p);
	buf_free(&ref);
	if (branch && (!*branch || branch[0] == '-' || strpbrk(branch, " ~^:?*[\\") || strstr(branch, ".."))) {
		usage_error(inv, "--branch takes the name of a branch, not '%s'", branch);
		return -1;
	}
	return c->ref ? 0 : -1;
}

int init_source_take(const struct invocation *inv, const struct init_asked *asked, struct server_config *c)
{
	const char *refused = asked->remote ? remote_url_refused(asked->remote) : NULL;
	long interval;

	if (asked->remote && asked->file) {
		usage_error(inv, "--remote or --file, not both");
		return -1;
	}
	for (size_t i = 0; i < sizeof(of_remote) / sizeof(of_remote[0]); i++)
		if (!asked->remote && option_given(inv, of_remote[i])) {
			usage_error(inv, "--%s needs --remote", of_remote[i]);
			return -1;
		}
	if (refused) {
		usage_error(inv, "--remote %s", refused);
		return -1;
	}
	if (option_number(inv, "interval", 1, REMOTE_INTERVAL_MAX, REMOTE_INTERVAL, &interval) < 0 ||
	    take_path(inv, "ssh-key", NULL, &c->ssh_key) < 0 ||
	    take_path(inv, "known-hosts", NULL, &c->known_hosts) < 0 ||
	    take_path(inv, "credentials", NULL, &c->credentials) < 0 ||
	    take_path(inv, "file", asked->file, &c->file) < 0 || take_branch(inv, c) < 0)
		return -1;
	c->interval = (uint32_t)interval;
	return asked->remote && !(c->remote = strdup(asked->remote)) ? -1 : 0;
}

struct remote_access init_source_access(const struct server_config *c)
{
	return (struct remote_access){
	    .url = c->remote, .ssh_key = c->ssh_key, .known_hosts = c->known_hosts, .credentials = c->credentials};
}

int init_mirror_make(const char *beside, const struct server_config *c, struct init_mirror *out, struct diags *d)
{
	const struct remote_access how = init_source_access(c);
	struct buf path = {0};
	char *slash;
	int made;

	*out = (struct init_mirror){0};
	buf_str(&path, beside);
	if (!path.failed && (slash = strrchr(path.p, '/')) && slash != path.p) {
		*slash = '\0';
		out->folder = access(path.p, F_OK) ? strdup(path.p) : NULL;
		if (file_mkdirs(path.p, 0755, d) < 0)
			goto fail;
	}
	buf_reset(&path);
	buf_printf(&path, "%s.new-%ld", beside, (long)getpid());
	if (path.failed || !(out->path = strdup(path.p))) {
		diags_out_of_memory(d);
		goto fail;
	}
	buf_free(&path);
	made = repo_init(out->path, c->ref, NULL, 0, NULL, d);
	if (made < 0)
		return -1;
	if (!(out->repo = repo_open(out->path, c->ref, d)))
		return -1;
	return remote_look_now(out->repo, &how, d);
fail:
	buf_free(&path);
	return -1;
}

int init_repository_check(const struct server_config *c, struct diags *d)
{
	struct stat st;

	if (lstat(c->repository, &st))
		return 0;
	diag_help(d, diag_error(d, "repository-exists", NULL, "%s exists already", c->repository),
		  "name another folder with --repository, or remove this one; nothing was changed");
	return -1;
}

int init_mirror_keep(struct init_mirror *m, const struct server_config *c, struct diags *d)
{
	struct buf folder = {0};
	char *slash;
	int ret = -1;

	buf_str(&folder, c->repository);
	if (!folder.failed && (slash = strrchr(folder.p, '/')) && slash != folder.p)
		*slash = '\0';
	if (folder.failed) {
		diags_out_of_memory(d);
	} else if (init_repository_check(c, d) == 0 && file_mkdirs(folder.p, 0755, d) == 0) {
		ret = rename(m->path, c->repository);
		if (ret)
			diag_error(d, "repository-error", NULL, "cannot make the repository %s: %s", c->repository,
				   strerror(errno));
	}
	if (!ret) {
		free(m->path);
		m->path = NULL;
	}
	buf_free(&folder);
	return ret;
}

void init_mirror_end(struct init_mirror *m)
{
	struct diags quiet = {0};

	repo_close(m->repo);
	if (m->path) {
		file_remove_tree(m->path, &quiet);
		if (m->folder)
			rmdir(m->folder);
	}
	diags_free(&quiet);
	free(m->path);
	free(m->folder);
	*m = (struct init_mirror){0};
}
