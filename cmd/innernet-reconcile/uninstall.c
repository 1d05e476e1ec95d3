/* innernet-reconcile uninstall: removes a server from this machine; the repository stays unless --repository is given. */
#include "cmd/backend.h"
#include "cmd/innernet-reconcile/commands.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/edge/device/device.h"
#include "reconcile/edge/git/repo.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"yes", 'y', NULL, "do not ask"},
    {"repository", 0, NULL, "remove the repository too: the definition, its history and the ledger"},
    {0},
};

/* The entries of DATA/NAME that are removed before the lock file. A repository in that folder is not one of them. */
static const char *const parts[] = {"published", "control", "push.yaml", STATUS_FILE};

struct ending {
	const char *name;
	struct server_paths paths;
	struct server_config *config;
	bool repository;
	bool interface; /* the interface exists and has this server's key */
	enum device_backend backend;
};

/* Returns whether the interface has this server's key. One with another key belongs to another program. */
static bool interface_is_ours(const struct server_config *c)
{
	struct arena *a = arena_new();
	struct device_state *s = NULL;
	struct diags quiet = {0};
	bool ours =
	    a && !device_read(a, c->interface, &s, &quiet) && s->exists && key_eq(&s->public_key, &c->public_key);

	diags_free(&quiet);
	arena_free(a);
	return ours;
}

/* Returns -1 with a diagnostic when the repository is not bare: `init` makes bare ones, so it is a user's work tree. */
static int check_repository(const struct server_config *c, struct diags *d)
{
	struct repo *r;
	struct diag *g;
	size_t n = strlen(c->repository);
	int ret = -1;

	if (access(c->repository, F_OK) && errno == ENOENT)
		return 0;
	if (!(r = repo_open(c->repository, c->ref, d)))
		return -1;
	while (n > 1 && c->repository[n - 1] == '/')
		n--;
	if (strlen(repo_folder(r)) == n + 1 && !strncmp(repo_folder(r), c->repository, n)) {
		ret = 0;
	} else {
		g = diag_error(d, "repository-kept", NULL, "%s is not a bare repository: it is not removed",
			       c->repository);
		diag_help(d, g, "leave out --repository, and remove it by hand; nothing was changed");
	}
	repo_close(r);
	return ret;
}

static bool confirmed(const struct invocation *inv, const struct ending *e, struct diags *d)
{
	struct diag *g;

	fprintf(stderr, "This ends the server of %s and removes from this machine:\n", e->name);
	if (e->interface)
		fprintf(stderr, "  the interface %s\n", e->config->interface);
	fprintf(stderr, "  %s: what is published\n", e->paths.data);
	fprintf(stderr, "  %s: its signing keys; without a copy no server can publish to its peers again\n",
		e->paths.config);
	if (e->config->remote)
		fprintf(stderr, "  %s: a copy of %s, which stays\n", e->config->repository, e->config->remote);
	else if (e->repository)
		fprintf(stderr, "  %s: the definition, its history and the ledger\n", e->config->repository);
	else
		fprintf(stderr, "The repository stays: %s\n", e->config->repository);
	if (option_given(inv, "yes") || ask_yes("\nEnd it?"))
		return true;
	g = diag_error(d, "not-confirmed", NULL, "nothing was changed%s",
		       isatty(STDIN_FILENO) ? "" : ": there is no terminal to ask at");
	if (!isatty(STDIN_FILENO))
		diag_help(d, g, "--yes removes without asking");
	return false;
}

static int remove_in(const char *folder, const char *name, struct diags *d)
{
	struct buf path = {0};
	int ret = -1;

	buf_printf(&path, "%s/%s", folder, name);
	if (!path.failed)
		ret = file_remove_tree(path.p, d);
	buf_free(&path);
	return ret;
}

/* Removes the server's own file last, so that an interrupted uninstall can be run again. */
static int end(const struct ending *e, struct diags *d)
{
	struct diags quiet = {0};
	bool gone;

	if (e->interface && device_remove(e->config->interface, e->backend, &gone, d) < 0)
		return -1;
	if (e->repository) {
		if (file_remove_tree(e->config->repository, d) < 0)
			return -1;
	} else {
		/* A missing or foreign repository does not stop the uninstall. */
		hooks_remove(e->config, &quiet);
		diags_free(&quiet);
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (remove_in(e->paths.data, parts[i], d) < 0)
			return -1;
	if (file_remove(e->paths.config, d) < 0 || remove_in(e->paths.data, SERVER_LOCK_FILE, d) < 0)
		return -1;
	rmdir(e->paths.data); /* fails, and must, when the repository is in it */
	return 0;
}

static int lock(const struct ending *e, int *fd, struct diags *d)
{
	struct buf path = {0};
	struct diag *g;
	int busy = -1;

	buf_printf(&path, "%s/" SERVER_LOCK_FILE, e->paths.data);
	if (!path.failed && !file_mkdirs(e->paths.data, 0755, d))
		busy = file_lock(path.p, 0, fd, d);
	if (busy > 0) {
		g = diag_error(d, "running", NULL, "the server of '%s' runs", e->name);
		diag_help(d, g, "stop it first; nothing was changed");
	}
	buf_free(&path);
	return busy ? -1 : 0;
}

static int run(struct invocation *inv)
{
	struct ending e = {.name = inv->args[0], .repository = option_given(inv, "repository")};
	struct diags d = {0};
	int fd = -1, code = FAILED;

	if (backend_option(inv, &e.backend) < 0 || paths_make(inv, e.name, &e.paths) < 0)
		return FAILED;
	if (server_config_read(e.paths.config, &e.config, &d) < 0 ||
	    ((e.repository |= e.config->remote != NULL) && check_repository(e.config, &d) < 0) || lock(&e, &fd, &d) < 0)
		goto out;
	e.interface = interface_is_ours(e.config);
	if (!confirmed(inv, &e, &d)) {
		code = REFUSED;
		goto out;
	}
	if (end(&e, &d) == 0) {
		printf("%s: the server is removed from this machine%s%s\n", e.name,
		       e.repository ? "" : "; the repository stays: ", e.repository ? "" : e.config->repository);
		code = DONE;
	}
out:
	report(inv, &d, NULL);
	diags_free(&d);
	if (fd >= 0)
		close(fd);
	server_config_free(e.config);
	paths_free(&e.paths);
	return code;
}

const struct command server_command_uninstall = {
    .name = "uninstall",
    .synopsis = "NAME [--yes] [--repository]",
    .summary = "remove a server: its interface, its own file, its published snapshots",
    .text = "Shows what it removes, and asks. The repository stays unless --repository is given. The peers keep their\n"
	    "last snapshot.",
    .example = "innernet-reconcile uninstall corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
