#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/base/run.h"
#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/source.h"
#include "schema/time.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FETCH_SECONDS 60 /* of the ledger: a few objects */

struct clone {
	struct repo *repo;
	char *folder; /* the work tree's, as realpath() has it, without a trailing slash */
	char *path;   /* the definition's, from there */
};

/* The folder and the name of a file that need not exist; a folder stands for the definition in it. */
static int split(const char *path, char folder[static PATH_MAX], char name[static NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	struct stat st;
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		base = SOURCE_NAME;
		n = strlen(path);
	} else if (slash && !n) {
		n = 1;
	}
	if (n >= PATH_MAX || strlen(base) > NAME_MAX)
		return -1;
	memcpy(folder, n ? path : ".", n ? n : 1);
	folder[n ? n : 1] = '\0';
	strcpy(name, base);
	return 0;
}

/* `path` from the work tree's folder, or NULL: it is not in it. */
static char *path_inside(const struct clone *c, const char *path)
{
	char folder[PATH_MAX], name[NAME_MAX + 1], *real;
	size_t n = strlen(c->folder);
	struct buf b = {0};

	if (split(path, folder, name) < 0 || !(real = realpath(folder, NULL)))
		return NULL;
	if (!strncmp(real, c->folder, n) && (!real[n] || real[n] == '/'))
		buf_printf(&b, "%s%s%s", real[n] ? real + n + 1 : "", real[n] ? "/" : "", name);
	free(real);
	if (b.failed)
		buf_free(&b);
	return b.p;
}

int clone_open(const char *path, struct clone **out, struct diags *d)
{
	char folder[PATH_MAX], name[NAME_MAX + 1];
	size_t errors = d->n_errors;
	struct clone *c;
	const char *work;

	*out = NULL;
	if (split(path, folder, name) < 0)
		return 0;
	if (!(c = calloc(1, sizeof(*c))))
		return diags_out_of_memory(d);
	c->repo = repo_open_clone(folder, d);
	if (!c->repo) {
		clone_close(c);
		return d->n_errors > errors ? -1 : 0;
	}
	work = git_repository_workdir(repo_git(c->repo));
	if (work)
		c->folder = realpath(work, NULL);
	if (c->folder)
		c->path = path_inside(c, path);
	if (!c->path) {
		clone_close(c);
		return 0;
	}
	*out = c;
	return 1;
}

void clone_close(struct clone *c)
{
	if (!c)
		return;
	repo_close(c->repo);
	free(c->folder);
	free(c->path);
	free(c);
}

int clone_resolve(struct clone *c, const char *revision, char sha[static HASH_HEX_LEN + 1], struct diags *d)
{
	git_object *object = NULL, *commit = NULL;
	int err = git_revparse_single(&object, repo_git(c->repo), revision);

	if (!err)
		err = git_object_peel(&commit, object, GIT_OBJECT_COMMIT);
	if (!err)
		git_oid_tostr(sha, GIT_OID_HEXSZ + 1, git_object_id(commit));
	git_object_free(commit);
	git_object_free(object);
	if (!err)
		return 1;
	if (err == GIT_ENOTFOUND || err == GIT_EINVALIDSPEC || err == GIT_EUNBORNBRANCH || err == GIT_EPEEL)
		return 0;
	diag_error(d, "repository-error", NULL, "cannot read the revision '%s': %s", revision, repo_git_error());
	return -1;
}

/* The definition's file in a commit. 1 and its id; 0: the commit does not have it; -1: cannot be told. */
static int find_definition(struct clone *c, const char *sha, git_oid *out)
{
	git_oid id;
	git_commit *commit = NULL;
	git_tree *tree = NULL;
	git_tree_entry *entry = NULL;
	int err, found = -1;

	if (!git_oid_fromstr(&id, sha) && !git_commit_lookup(&commit, repo_git(c->repo), &id) &&
	    !git_commit_tree(&tree, commit)) {
		err = git_tree_entry_bypath(&entry, tree, c->path);
		found = !err ? 1 : err == GIT_ENOTFOUND ? 0 : -1;
	}
	if (found > 0)
		*out = *git_tree_entry_id(entry);
	git_tree_entry_free(entry);
	git_tree_free(tree);
	git_commit_free(commit);
	return found;
}

/* Compares sizes before the file is hashed: most edits change the size, and hashing a large definition is slow. */
static bool same_size(struct clone *c, const char *path, const git_oid *id)
{
	git_odb *odb = NULL;
	git_object_t type;
	struct stat st;
	size_t n;
	bool same = !git_repository_odb(&odb, repo_git(c->repo)) && !git_odb_read_header(&n, &type, odb, id) &&
		    !stat(path, &st) && st.st_size >= 0 && (uint64_t)st.st_size == n;

	git_odb_free(odb);
	return same;
}

bool clone_unchanged(struct clone *c, const char *sha)
{
	struct buf path = {0};
	git_oid was, is;
	bool same;

	buf_printf(&path, "%s/%s", c->folder, c->path);
	same = !path.failed && find_definition(c, sha, &was) > 0 && same_size(c, path.p, &was) &&
	       !git_odb_hashfile(&is, path.p, GIT_OBJECT_BLOB) && git_oid_equal(&was, &is);
	buf_free(&path);
	return same;
}

int clone_definition(struct clone *c, const char *sha, struct arena *a, struct repo_definition *out, struct diags *d)
{
	git_oid id;

	*out = (struct repo_definition){0};
	/* After an error (-1) repo_definition_at() meets it again, and reports it. */
	if (find_definition(c, sha, &id) == 0)
		return 0;
	return repo_definition_at(c->repo, sha, c->path, a, out, d) < 0 ? -1 : 1;
}

struct span clone_message(struct clone *c, const char *sha, struct arena *a, struct diags *d)
{
	return repo_message(c->repo, sha, a, d);
}

struct ledger *clone_ledger(struct clone *c, const struct key *id, struct diags *d)
{
	git_oid tip;
	bool own = !git_reference_name_to_id(&tip, repo_git(c->repo), LEDGER_REF);
	struct diags quiet = {0};
	struct ledger *l = NULL;

	if (!own && git_reference_name_to_id(&tip, repo_git(c->repo), LEDGER_TRACKING_REF))
		return NULL;
	l = own ? ledger_new(c->repo, id, NULL, &quiet) : ledger_new_tracking(c->repo, id, &quiet);
	if (l && ledger_refresh(l, &quiet) < 0) {
		struct diag *g =
		    diag_warning(d, "ledger-corrupt", NULL, "this clone's copy of the ledger cannot be read: %s",
				 quiet.first ? quiet.first->message : "no reason given");
		diag_help(d, g, "git fetch origin; until then, re-used addresses are found at the push");
		ledger_free(l);
		l = NULL;
	}
	if (l && quiet.n_warnings)
		diag_warning(d, "ledger-record", NULL, "this clone's copy of the ledger: %zu record%s left out: %s",
			     quiet.n_warnings, quiet.n_warnings == 1 ? " is" : "s are",
			     quiet.first ? quiet.first->message : "no reason given");
	diags_free(&quiet);
	return l;
}

/* The ledger in this clone may be older than the server's. */
static void say_stale(struct clone *c, struct diags *d)
{
	char newest[TIME_STR_LEN];
	git_commit *tip = NULL;
	git_oid id;
	struct diag *g = diag_warning(d, "ledger-stale", NULL, "the ledger could not be fetched from origin");

	if (!git_reference_name_to_id(&id, repo_git(c->repo), LEDGER_TRACKING_REF) &&
	    !git_commit_lookup(&tip, repo_git(c->repo), &id) && !time_format(git_commit_time(tip), newest))
		diag_help(d, g, "this clone's copy is used: what was recorded since %s is not in it", newest);
	git_commit_free(tip);
}

static void fetch_ledger(struct clone *c, struct diags *d)
{
	const char *const argv[] = {"git",
				    "-C",
				    c->folder,
				    "fetch",
				    "--quiet",
				    "--no-tags",
				    "--no-write-fetch-head",
				    "origin",
				    "+" LEDGER_REF ":" LEDGER_TRACKING_REF,
				    NULL};
	struct diags why = {0};
	git_config *config = NULL;
	git_config_entry *url = NULL;
	git_oid tip;
	/* Not by git_remote_lookup(), which loses memory for each `insteadOf` that it looks for (libgit2 1.5). */
	bool wanted = git_reference_name_to_id(&tip, repo_git(c->repo), LEDGER_REF) &&
		      !git_repository_config_snapshot(&config, repo_git(c->repo)) &&
		      !git_config_get_entry(&url, config, "remote.origin.url");

	git_config_entry_free(url);
	git_config_free(config);
	if (wanted && run_program_within(argv, FETCH_SECONDS, &why))
		say_stale(c, d);
	diags_free(&why);
}

void clone_open_for(const struct model *m, bool fetch, struct clone **clone, struct ledger **ledger, struct diags *d)
{
	struct diags quiet = {0};

	*ledger = NULL;
	if (clone_open(m->files[0], clone, &quiet) < 0 && quiet.first) {
		struct diag *g = diag_warning(d, quiet.first->code, NULL, "%s", quiet.first->message);
		if (quiet.first->help)
			diag_help(d, g, "%s", quiet.first->help);
	}
	diags_free(&quiet);
	if (*clone && fetch)
		fetch_ledger(*clone, d);
	if (*clone && m->trust.present)
		*ledger = clone_ledger(*clone, &m->trust.id, d);
}

static int blame_copy(struct clone *c, const git_blame_hunk *h, struct arena *a, struct blame *out, struct diags *d)
{
	git_commit *commit = NULL;
	const git_signature *by = h->final_signature;

	out->committed = !git_oid_is_zero(&h->final_commit_id);
	if (!out->committed)
		return 1;
	git_oid_tostr(out->sha, sizeof(out->sha), &h->final_commit_id);
	if (git_commit_lookup(&commit, repo_git(c->repo), &h->final_commit_id)) {
		diag_error(d, "repository-error", NULL, "cannot read commit %.12s: %s", out->sha, repo_git_error());
		return -1;
	}
	if (!by)
		by = git_commit_author(commit);
	out->author = arena_strdup(a, by && by->name ? by->name : "");
	out->email = arena_strdup(a, by && by->email ? by->email : "");
	out->time = by ? by->when.time : git_commit_time(commit);
	out->summary = arena_strdup(a, git_commit_summary(commit) ? git_commit_summary(commit) : "");
	git_commit_free(commit);
	return out->author && out->email && out->summary ? 1 : diags_out_of_memory(d);
}

int clone_blame(struct clone *c, const char *path, struct span bytes, uint32_t line, struct arena *a, struct blame *out,
		struct diags *d)
{
	git_blame *committed = NULL, *blame = NULL;
	char *inside = path_inside(c, path);
	const git_blame_hunk *h;
	int err, ret = -1;

	*out = (struct blame){0};
	if (!inside)
		return 0;
	err = git_blame_file(&committed, repo_git(c->repo), inside, NULL);
	if (err == GIT_ENOTFOUND || err == GIT_EUNBORNBRANCH) {
		ret = 0;
		goto out;
	}
	/* A line that the work tree changed since has no author yet. */
	if (!err)
		err = git_blame_buffer(&blame, committed, (const char *)bytes.p, bytes.n);
	if (err) {
		diag_error(d, "repository-error", NULL, "cannot find the author of a line of %s: %s", path,
			   repo_git_error());
		goto out;
	}
	h = git_blame_get_hunk_byline(blame, line);
	ret = h ? blame_copy(c, h, a, out, d) : 0;
out:
	git_blame_free(blame);
	git_blame_free(committed);
	free(inside);
	return ret;
}
