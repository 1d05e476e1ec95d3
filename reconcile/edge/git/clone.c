#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/base/run.h"
#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/source.h"
#include "schema/time.h"

#include <fnmatch.h>
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

/*
 * Whether the clone's configuration has a key of this name, which may be a glob(7) pattern. Not by
 * git_config_iterator_glob_new(), which takes a regular expression and loses memory for each key (libgit2 1.5, PCRE2).
 */
static bool config_has(struct clone *c, const char *name)
{
	git_config *config = NULL;
	git_config_iterator *it = NULL;
	git_config_entry *entry;
	bool found = false;

	if (!git_repository_config_snapshot(&config, repo_git(c->repo)) && !git_config_iterator_new(&it, config))
		while (!found && !git_config_next(&entry, it))
			found = fnmatch(name, entry->name, 0) == 0;
	git_config_iterator_free(it);
	git_config_free(config);
	return found;
}

enum clone_gaps clone_gaps(struct clone *c)
{
	if (git_repository_is_shallow(repo_git(c->repo)) == 1)
		return CLONE_SHALLOW;
	return config_has(c, "extensions.partialclone") || config_has(c, "remote.*.promisor") ? CLONE_PARTIAL
											      : CLONE_WHOLE;
}

const char *clone_fill_command(enum clone_gaps gaps)
{
	switch (gaps) {
	case CLONE_SHALLOW:
		return "git fetch --unshallow origin";
	case CLONE_PARTIAL:
		return "git fetch --refetch --no-filter origin";
	case CLONE_WHOLE:
		break;
	}
	return NULL;
}

/* Only names that a shell takes as they are. */
static bool is_plain(struct span name)
{
	return name.n && name.p[0] != '-' &&
	       strspn((const char *)name.p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-") >=
		   name.n;
}

static bool has_reference(struct clone *c, const char *folder, struct span name)
{
	struct buf b = {0};
	git_oid id;
	bool found;

	buf_printf(&b, "%s%.*s", folder, (int)name.n, (const char *)name.p);
	found = !b.failed && !git_reference_name_to_id(&id, repo_git(c->repo), b.p);
	buf_free(&b);
	return found;
}

void clone_fetch_command(struct clone *c, const char *revision, struct buf *out)
{
	const struct span stem = {.p = (const unsigned char *)revision, .n = strcspn(revision, "~^@:{")};
	const size_t prefix = strlen("origin/");
	const char *fill = clone_fill_command(clone_gaps(c));
	char sha[HASH_HEX_LEN + 1], name[256];
	struct diags quiet = {0};
	bool known;

	if (!is_plain(stem) || stem.n >= sizeof(name) || !config_has(c, "remote.origin.url"))
		return;
	memcpy(name, revision, stem.n);
	name[stem.n] = '\0';
	known = clone_resolve(c, name, sha, &quiet) > 0;
	diags_free(&quiet);
	if (known || (stem.n < GIT_OID_HEXSZ && strspn(name, "0123456789abcdef") == stem.n)) {
		/* An ancestor, or a commit by a part of its name: in a clone with all commits it does not exist. */
		if (fill)
			buf_str(out, fill);
	} else if (strspn(name, "0123456789abcdef") == GIT_OID_HEXSZ) {
		buf_printf(out, "git fetch origin %s", name);
	} else if (!strncmp(name, "origin/", prefix)) {
		buf_printf(out, "git fetch origin +refs/heads/%s:refs/remotes/%s", name + prefix, name);
	} else if (has_reference(c, "refs/remotes/origin/", stem)) {
		buf_printf(out, "git branch %s origin/%s", name, name);
	} else {
		buf_printf(out, "git fetch origin %s:%s", name, name);
	}
}

int clone_merge_base(struct clone *c, const char *a, const char *b, char out[static HASH_HEX_LEN + 1], struct diags *d)
{
	git_oid one, two, base;
	int err = git_oid_fromstr(&one, a);

	if (!err)
		err = git_oid_fromstr(&two, b);
	if (!err)
		err = git_merge_base(&base, repo_git(c->repo), &one, &two);
	if (!err) {
		git_oid_tostr(out, GIT_OID_HEXSZ + 1, &base);
		return 1;
	}
	/* A shallow clone's oldest commits name parents that it lacks: this is the same error. */
	if (err == GIT_ENOTFOUND)
		return 0;
	diag_error(d, "repository-error", NULL, "cannot find the common ancestor of %.12s and %.12s: %s", a, b,
		   repo_git_error());
	return -1;
}

bool clone_behind(struct clone *c, const char *base, const char *head, size_t *out)
{
	git_oid one, two;
	size_t ahead;

	return !git_oid_fromstr(&one, head) && !git_oid_fromstr(&two, base) &&
	       !git_graph_ahead_behind(&ahead, out, repo_git(c->repo), &one, &two);
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
	const bool partial = clone_gaps(c) == CLONE_PARTIAL;
	struct diags lacking = {0};
	struct diag *g;
	git_oid id;
	int r;

	*out = (struct repo_definition){0};
	/* After an error (-1) repo_definition_at() meets it again, and reports it. */
	if (find_definition(c, sha, &id) == 0)
		return 0;
	r = repo_definition_at(c->repo, sha, c->path, a, out, partial ? &lacking : d) < 0 ? -1 : 1;
	if (r < 0 && lacking.out_of_memory) {
		diags_out_of_memory(d);
	} else if (r < 0 && partial) {
		g = diag_error(d, "clone-partial", NULL,
			       "this partial clone lacks files that the definition of commit %.12s is made of", sha);
		diag_help(d, g, "%s", clone_fill_command(CLONE_PARTIAL));
	}
	diags_free(&lacking);
	return r;
}

struct span clone_message(struct clone *c, const char *sha, struct arena *a, struct diags *d)
{
	return repo_message(c->repo, sha, a, d);
}

struct ledger *clone_ledger(struct clone *c, const struct key *id, struct diags *d)
{
	git_oid tip;
	bool own = !git_reference_name_to_id(&tip, repo_git(c->repo), LEDGER_REF);
	const char *fill = clone_fill_command(clone_gaps(c));
	struct diags quiet = {0};
	struct ledger *l = NULL;

	if (!own && git_reference_name_to_id(&tip, repo_git(c->repo), LEDGER_TRACKING_REF))
		return NULL;
	l = own ? ledger_new(c->repo, id, NULL, &quiet) : ledger_new_tracking(c->repo, id, &quiet);
	if (l && ledger_refresh(l, &quiet) < 0) {
		struct diag *g =
		    diag_warning(d, "ledger-corrupt", NULL, "this clone's copy of the ledger cannot be read: %s",
				 quiet.first ? quiet.first->message : "no reason given");
		diag_help(d, g, "%s; until then, re-used addresses are found at the push",
			  fill ? fill : "git fetch origin");
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
	const char *const argv[] = {"git", "-C", c->folder, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
				    "origin",
				    /* A pattern: a remote without a ledger is no error. */
				    "+" LEDGER_REF "*:" LEDGER_TRACKING_REF "*", NULL};
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

/* Whether the clone lacks the file at `path` of this tree, or a folder on the way. An absent file is not lacking. */
static bool lacks_file(git_repository *r, git_odb *odb, const git_tree *tree, const char *path)
{
	const char *slash = strchr(path, '/');
	char name[NAME_MAX + 1];
	size_t n = slash ? (size_t)(slash - path) : strlen(path);
	const git_tree_entry *entry;
	git_tree *sub = NULL;
	bool lacks;

	if (n >= sizeof(name))
		return true;
	memcpy(name, path, n);
	name[n] = '\0';
	entry = git_tree_entry_byname(tree, name);
	if (!entry)
		return false;
	if (!slash)
		return !git_odb_exists(odb, git_tree_entry_id(entry));
	if (git_tree_entry_type(entry) != GIT_OBJECT_TREE)
		return false;
	lacks = git_tree_lookup(&sub, r, git_tree_entry_id(entry)) || lacks_file(r, odb, sub, slash + 1);
	git_tree_free(sub);
	return lacks;
}

static bool lacks_parent(git_repository *r, git_odb *odb, const git_oid *id, const char *path)
{
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	bool lacks =
	    git_commit_lookup(&parent, r, id) || git_commit_tree(&tree, parent) || lacks_file(r, odb, tree, path);

	git_tree_free(tree);
	git_commit_free(parent);
	return lacks;
}

/*
 * Where a parent, or its version of the file, is not in the clone, libgit2 stops and names the commit where it stopped. The
 * header names the parents that `.git/shallow` hides.
 */
static bool stopped_early(struct clone *c, const git_commit *commit, const char *path)
{
	git_odb *odb = NULL;
	bool early = git_repository_odb(&odb, repo_git(c->repo)) != 0;
	const char *line = git_commit_raw_header(commit), *parent = "parent ";
	git_oid id;

	for (; !early && line && *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!strncmp(line, parent, strlen(parent)))
			early = git_oid_fromstrn(&id, line + strlen(parent), GIT_OID_HEXSZ) ||
				lacks_parent(repo_git(c->repo), odb, &id, path);
	git_odb_free(odb);
	return early;
}

static int blame_copy(struct clone *c, const git_blame_hunk *h, const char *path, struct arena *a, struct blame *out,
		      struct diags *d)
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
	if (stopped_early(c, commit, path)) {
		out->unknown = clone_gaps(c);
		if (out->unknown != CLONE_WHOLE) {
			out->committed = false;
			git_commit_free(commit);
			return 1;
		}
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

static bool in_head(struct clone *c, const char *path)
{
	git_object *head = NULL;
	git_tree_entry *entry = NULL;
	bool found = !git_revparse_single(&head, repo_git(c->repo), "HEAD^{tree}") &&
		     !git_tree_entry_bypath(&entry, (git_tree *)head, path);

	git_tree_entry_free(entry);
	git_object_free(head);
	return found;
}

int clone_blame(struct clone *c, const char *path, struct span bytes, uint32_t line, struct arena *a, struct blame *out,
		struct diags *d)
{
	git_blame *committed = NULL, *blame = NULL;
	char *inside = path_inside(c, path);
	const git_blame_hunk *h;
	int err = 0, ret = 0;

	*out = (struct blame){0};
	if (!inside || !in_head(c, inside))
		goto out;
	err = git_blame_file(&committed, repo_git(c->repo), inside, NULL);
	/* A line that the work tree changed since has no author yet. */
	if (!err)
		err = git_blame_buffer(&blame, committed, (const char *)bytes.p, bytes.n);
	if (!err) {
		h = git_blame_get_hunk_byline(blame, line);
		ret = h ? blame_copy(c, h, inside, a, out, d) : 0;
		goto out;
	}
	ret = 1;
	out->unknown = clone_gaps(c);
	if (out->unknown == CLONE_WHOLE) {
		diag_error(d, "repository-error", NULL, "cannot find the author of a line of %s: %s", path,
			   repo_git_error());
		ret = -1;
	}
out:
	git_blame_free(blame);
	git_blame_free(committed);
	free(inside);
	return ret;
}
