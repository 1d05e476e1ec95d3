#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/git/libgit2.h"
#include "reconcile/edge/git/repo_write.h"

#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A set of object ids: open addressing, at most half full. */
struct oid_set {
	git_oid *slots;
	size_t cap, n;
};

struct repo {
	git_repository *git;
	git_odb *odb;
	char *ref;
	char folder[4096];
	struct oid_set base; /* what `base_tip` reaches; empty: nothing known */
	git_oid base_tip;
};

static const git_oid oid_zero;

static size_t oid_slot(const git_oid *id, size_t cap)
{
	size_t h;

	memcpy(&h, id->id, sizeof(h));
	return h & (cap - 1);
}

static bool oid_set_has(const struct oid_set *s, const git_oid *id)
{
	if (!s->n)
		return false;
	for (size_t i = oid_slot(id, s->cap); !git_oid_is_zero(&s->slots[i]); i = (i + 1) & (s->cap - 1))
		if (git_oid_equal(&s->slots[i], id))
			return true;
	return false;
}

static void oid_set_put(struct oid_set *s, const git_oid *id)
{
	size_t i = oid_slot(id, s->cap);

	while (!git_oid_is_zero(&s->slots[i]))
		i = (i + 1) & (s->cap - 1);
	s->slots[i] = *id;
	s->n++;
}

/* Adds an id that is not there yet. -1: out of memory. */
static int oid_set_add(struct oid_set *s, const git_oid *id)
{
	if (2 * (s->n + 1) > s->cap) {
		struct oid_set bigger = {.cap = s->cap ? 2 * s->cap : 256};
		bigger.slots = calloc(bigger.cap, sizeof(*bigger.slots));
		if (!bigger.slots)
			return -1;
		for (size_t i = 0; i < s->cap; i++)
			if (!git_oid_is_zero(&s->slots[i]))
				oid_set_put(&bigger, &s->slots[i]);
		free(s->slots);
		*s = bigger;
	}
	oid_set_put(s, id);
	return 0;
}

static void oid_set_free(struct oid_set *s)
{
	free(s->slots);
	*s = (struct oid_set){0};
}

const char *repo_git_error(void)
{
	const git_error *e = git_error_last();

	return e && e->message && *e->message ? e->message : "no reason given";
}

/*
 * The folder that git calls a repository at or, with `search`, above `path`, as its safe.directory wants it: absolute,
 * without `.git`. False when there is none. Looks at no owner.
 */
static bool repository_at(const char *path, bool search, char out[PATH_MAX])
{
	git_buf found = {0};
	char real[PATH_MAX];
	bool there = false;

	if (!git_repository_discover(&found, path, 0, NULL) && found.size < PATH_MAX && found.size > 1) {
		memcpy(out, found.ptr, found.size + 1);
		size_t n = found.size;
		while (n > 1 && out[n - 1] == '/')
			out[--n] = '\0';
		if (n > 5 && strcmp(out + n - 5, "/.git") == 0)
			out[n - 5] = '\0';
		there = search || (realpath(path, real) && strcmp(real, out) == 0);
	}
	git_buf_dispose(&found);
	return there;
}

static void open_failed(const char *path, int err, struct diags *d)
{
	char folder[PATH_MAX];
	struct diag *g;

	if (err == GIT_EOWNER) {
		if (repository_at(path, true, folder))
			path = folder;
		g = diag_error(d, "repository-owner", NULL, "the repository %s belongs to another user", path);
		diag_help(d, g,
			  "run as its owner, or say that you trust it: git config --global --add safe.directory %s",
			  path);
	} else if (err == GIT_ENOTFOUND) {
		g = diag_error(d, "repository-missing", NULL, "%s is not a git repository", path);
		diag_help(d, g,
			  access(path, F_OK)
			      ? "nothing is there: check `repository` in the server's file"
			      : "`git init --bare %s` makes one, `innernet-reconcile init` the whole server",
			  path);
	} else {
		g = diag_error(d, "repository-error", NULL, "cannot open the repository %s: %s", path,
			       repo_git_error());
		diag_help(d, g, "`git -C %s fsck` says more", path);
	}
}

/* Refuses shallow clones and grafts: they make the count of commits wrong. */
static int check_whole(struct repo *r, const char *path, struct diags *d)
{
	struct diag *g;

	if (git_repository_is_shallow(r->git) == 1) {
		g = diag_error(d, "repository-shallow", NULL, "%s is a shallow clone: its commits cannot be counted",
			       path);
		diag_help(d, g, "git -C %s fetch --unshallow", path);
		return -1;
	}
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 7
	/* From 1.7 on libgit2 follows grafts, and cannot be told not to. */
	struct buf grafts = {0};
	buf_printf(&grafts, "%sinfo/grafts", r->folder);
	bool there = !grafts.failed && !access(grafts.p, F_OK);
	buf_free(&grafts);
	if (there) {
		g = diag_error(d, "repository-shallow", NULL, "%s has grafts: its commits cannot be counted", path);
		diag_help(d, g, "remove %sinfo/grafts", r->folder);
		return -1;
	}
#endif
	return 0;
}

enum open_how { OPEN_SERVER, OPEN_CLONE, OPEN_HOOK };

static struct repo *open_at(const char *path, const char *ref, enum open_how how, struct diags *d)
{
	static const unsigned flags[] = {
	    [OPEN_SERVER] = GIT_REPOSITORY_OPEN_NO_SEARCH,
	    [OPEN_CLONE] = 0,
	    [OPEN_HOOK] = GIT_REPOSITORY_OPEN_FROM_ENV,
	};
	struct repo *r = calloc(1, sizeof(*r));
	int err;

	if (!r || !(r->ref = strdup(ref ? ref : REPO_DEFAULT_REF))) {
		free(r);
		diags_out_of_memory(d);
		return NULL;
	}
	git_libgit2_init();
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	if (how == OPEN_HOOK)
		git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	err = git_repository_open_ext(&r->git, how == OPEN_HOOK ? NULL : path, flags[how], NULL);
	if (err) {
		char there[PATH_MAX];
		/* Where no user has a .gitconfig, as in containers, libgit2 1.5 says of another user's that there is none. */
		if (err == GIT_ENOTFOUND && how != OPEN_HOOK && repository_at(path, how == OPEN_CLONE, there))
			err = GIT_EOWNER;
		if (how != OPEN_CLONE || err != GIT_ENOTFOUND)
			open_failed(path, err, d);
		goto fail;
	}
	const char *folder = git_repository_commondir(r->git);
	size_t n = folder ? strlen(folder) : 0;
	if (!n || n + 2 > sizeof(r->folder)) {
		diag_error(d, "repository-error", NULL, "cannot use the repository %s: its path is too long", path);
		goto fail;
	}
	memcpy(r->folder, folder, n);
	if (r->folder[n - 1] != '/')
		r->folder[n] = '/';
	if (git_repository_odb(&r->odb, r->git)) {
		open_failed(path, GIT_ERROR, d);
		goto fail;
	}
	if (how != OPEN_CLONE && check_whole(r, path, d) < 0)
		goto fail;
	return r;
fail:
	repo_close(r);
	return NULL;
}

struct repo *repo_open(const char *path, const char *ref, struct diags *d)
{
	return open_at(path, ref, OPEN_SERVER, d);
}

struct repo *repo_open_clone(const char *path, struct diags *d)
{
	return open_at(path, NULL, OPEN_CLONE, d);
}

struct repo *repo_open_hook(const char *ref, struct diags *d)
{
	return open_at(".", ref, OPEN_HOOK, d);
}

void repo_close(struct repo *r)
{
	if (!r)
		return;
	oid_set_free(&r->base);
	git_odb_free(r->odb);
	git_repository_free(r->git);
	free(r->ref);
	free(r);
	git_libgit2_shutdown();
}

const char *repo_folder(const struct repo *r)
{
	return r->folder;
}

const char *repo_ref(const struct repo *r)
{
	return r->ref;
}

struct git_repository *repo_git(struct repo *r)
{
	return r->git;
}

const char *repo_hooks_folder(struct repo *r, struct arena *a, struct diags *d)
{
	git_buf path = {0};
	git_config *c = NULL;
	const char *out = NULL;
	int err = git_repository_config_snapshot(&c, r->git);

	if (!err)
		err = git_config_get_path(&path, c, "core.hooksPath");
	if (!err)
		out = arena_printf(a, "%s%s", path.ptr[0] == '/' ? "" : r->folder, path.ptr);
	else if (err == GIT_ENOTFOUND)
		out = arena_printf(a, "%shooks", r->folder);
	if (!out && (!err || err == GIT_ENOTFOUND))
		diags_out_of_memory(d);
	else if (!out)
		diag_error(d, "repository-error", NULL, "cannot read the settings of %s: %s", r->folder,
			   repo_git_error());
	git_buf_dispose(&path);
	git_config_free(c);
	return out;
}

static const char *short_ref(const struct repo *r)
{
	return strncmp(r->ref, "refs/heads/", 11) ? r->ref : r->ref + 11;
}

int repo_tip(struct repo *r, char sha[static HASH_HEX_LEN + 1], struct diags *d)
{
	git_oid id;
	int err = git_reference_name_to_id(&id, r->git, r->ref);
	struct diag *g;

	if (!err) {
		git_oid_tostr(sha, GIT_OID_HEXSZ + 1, &id);
		return 0;
	}
	if (err == GIT_ENOTFOUND) {
		g = diag_error(d, "branch-missing", NULL, "the repository %s has no branch '%s'", r->folder,
			       short_ref(r));
		diag_help(d, g, "push one: git push origin HEAD:%s", short_ref(r));
	} else {
		g = diag_error(d, "repository-error", NULL, "cannot read '%s' of %s: %s", short_ref(r), r->folder,
			       repo_git_error());
		diag_help(d, g, "`git -C %s fsck` says more", r->folder);
	}
	return -1;
}

static int corrupt(struct repo *r, const git_oid *commit, const char *what, struct diags *d)
{
	struct diag *g;
	char sha[13];

	git_oid_tostr(sha, sizeof(sha), commit);
	g = diag_error(d, "commit-corrupt", NULL, "commit %s: cannot read %s: %s", sha, what, repo_git_error());
	diag_help(d, g, "`git -C %s fsck` says more; push the branch again from a whole clone", r->folder);
	return -1;
}

/* Size and kind of an object, before it is loaded. */
static int object_bounded(struct repo *r, const git_oid *id, git_object_t type, size_t max)
{
	git_object_t got;
	size_t n;

	git_error_clear();
	if (git_odb_read_header(&n, &got, r->odb, id))
		return -1;
	if (got != type || n > max) {
		git_error_set_str(GIT_ERROR_OBJECT,
				  got != type ? "the object is of another kind" : "the object is too large");
		return -1;
	}
	return 0;
}

int repo_tree_load(struct repo *r, const git_oid *id, git_tree **out)
{
	*out = NULL;
	return object_bounded(r, id, GIT_OBJECT_TREE, GIT_TREE_MAX) ? -1 : git_tree_lookup(out, r->git, id);
}

int repo_commit_load(struct repo *r, const git_oid *id, git_commit **out, git_tree **tree)
{
	*out = NULL;
	*tree = NULL;
	if (object_bounded(r, id, GIT_OBJECT_COMMIT, GIT_COMMIT_MAX) || git_commit_lookup(out, r->git, id))
		return -1;
	return repo_tree_load(r, git_commit_tree_id(*out), tree);
}

int repo_blob_load(struct repo *r, const git_oid *id, size_t max, git_blob **out)
{
	*out = NULL;
	return object_bounded(r, id, GIT_OBJECT_BLOB, max) ? -1 : git_blob_lookup(out, r->git, id);
}

static git_commit *commit_load(struct repo *r, const git_oid *id, struct diags *d)
{
	git_commit *c;

	if (object_bounded(r, id, GIT_OBJECT_COMMIT, GIT_COMMIT_MAX) || git_commit_lookup(&c, r->git, id)) {
		corrupt(r, id, "the commit", d);
		return NULL;
	}
	return c;
}

/* Adds to `seen` all that `from` reaches without passing what is in `known`, at most `max`. *hit: `known`'s tip was met. */
static int walk(struct repo *r, const git_oid *from, const struct oid_set *known, const git_oid *tip, size_t max,
		struct oid_set *seen, bool *hit, struct diags *d)
{
	git_oid *stack = NULL;
	size_t n = 0, cap = 0;
	int ret = -1;

	*hit = known->n && git_oid_equal(from, tip);
	if (oid_set_has(known, from))
		return 0;
	if (!(stack = malloc((cap = 64) * sizeof(*stack))) || oid_set_add(seen, from) < 0)
		goto memory;
	stack[n++] = *from;
	while (n) {
		git_commit *c = commit_load(r, &stack[--n], d);
		if (!c)
			goto out;
		unsigned parents = git_commit_parentcount(c);
		for (unsigned i = 0; i < parents; i++) {
			const git_oid *p = git_commit_parent_id(c, i);
			if (known->n && git_oid_equal(p, tip))
				*hit = true;
			if (oid_set_has(known, p) || oid_set_has(seen, p))
				continue;
			if (n == cap) {
				git_oid *more = realloc(stack, 2 * cap * sizeof(*stack));
				if (!more) {
					git_commit_free(c);
					goto memory;
				}
				stack = more;
				cap *= 2;
			}
			stack[n++] = *p;
			if (oid_set_add(seen, p) < 0) {
				git_commit_free(c);
				goto memory;
			}
		}
		git_commit_free(c);
		if (seen->n > max) {
			diag_error(d, "too-large", NULL, "the history has more than %zu %scommits", max,
				   known->n ? "new " : "");
			goto out;
		}
	}
	ret = 0;
	goto out;
memory:
	diags_out_of_memory(d);
out:
	free(stack);
	return ret;
}

/* Makes r->base what `id` reaches. */
static int base_set(struct repo *r, const git_oid *id, struct diags *d)
{
	struct oid_set more = {0};
	bool hit;
	int ret = -1;

	if (r->base.n && git_oid_equal(&r->base_tip, id))
		return 0;
	if (walk(r, id, &r->base, &r->base_tip, COMMITS_MAX, &more, &hit, d) < 0)
		goto out;
	if (!hit) {
		oid_set_free(&r->base);
		oid_set_free(&more);
		if (walk(r, id, &more, &oid_zero, COMMITS_MAX, &r->base, &hit, d) < 0) {
			oid_set_free(&r->base);
			goto out;
		}
	} else {
		for (size_t i = 0; i < more.cap; i++)
			if (!git_oid_is_zero(&more.slots[i]) && oid_set_add(&r->base, &more.slots[i]) < 0) {
				oid_set_free(&r->base);
				diags_out_of_memory(d);
				goto out;
			}
	}
	r->base_tip = *id;
	ret = 0;
out:
	oid_set_free(&more);
	return ret;
}

static int sha_parse(const char *sha, git_oid *out, struct diags *d)
{
	if (strlen(sha) == GIT_OID_HEXSZ && !git_oid_fromstr(out, sha))
		return 0;
	diag_error(d, "commit-corrupt", NULL, "'%s' is not a commit's name", sha);
	return -1;
}

int repo_commit_info(struct repo *r, const char *sha, const char *base, struct commit_info *out, bool *descends,
		     struct diags *d)
{
	struct oid_set seen = {0};
	git_oid id, base_id;
	git_commit *c = NULL;
	bool hit = false;
	int ret = -1;

	*out = (struct commit_info){0};
	*descends = false;
	if (sha_parse(sha, &id, d) < 0 || (base && sha_parse(base, &base_id, d) < 0))
		return -1;
	if (base && base_set(r, &base_id, d) < 0)
		return -1;
	c = commit_load(r, &id, d);
	if (!c || walk(r, &id, &r->base, &r->base_tip, COMMITS_MAX, &seen, &hit, d) < 0)
		goto out;
	out->number = r->base.n + seen.n;
	if (!hit) {
		const struct oid_set nothing = {0};
		bool unused;
		oid_set_free(&seen);
		if (walk(r, &id, &nothing, &oid_zero, COMMITS_MAX, &seen, &unused, d) < 0)
			goto out;
		out->number = seen.n;
	}
	*descends = base && hit;
	git_oid_tostr(out->sha, sizeof(out->sha), &id);
	out->time = git_commit_time(c);
	ret = 0;
out:
	oid_set_free(&seen);
	git_commit_free(c);
	return ret;
}

int repo_descends(struct repo *r, const git_oid *from, const git_oid *ancestor, size_t max, struct diags *d)
{
	struct oid_set known = {0}, seen = {0};
	bool hit = false;
	int ret = -1;

	if (oid_set_add(&known, ancestor) < 0)
		diags_out_of_memory(d);
	else if (walk(r, from, &known, ancestor, max, &seen, &hit, d) == 0)
		ret = hit;
	oid_set_free(&known);
	oid_set_free(&seen);
	return ret;
}

struct span repo_message(struct repo *r, const char *sha, struct arena *a, struct diags *d)
{
	struct span out = {0};
	git_commit *c;
	git_oid id;

	if (sha_parse(sha, &id, d) < 0 || !(c = commit_load(r, &id, d)))
		return out;
	out = arena_span(a, span_str(git_commit_message(c)));
	git_commit_free(c);
	if (!out.p)
		diags_out_of_memory(d);
	return out;
}

bool repo_has_commit(struct repo *r, const char *sha)
{
	git_oid id;
	git_commit *c;
	bool ok;

	if (strlen(sha) != GIT_OID_HEXSZ || git_oid_fromstr(&id, sha) ||
	    object_bounded(r, &id, GIT_OBJECT_COMMIT, GIT_COMMIT_MAX) || git_commit_lookup(&c, r->git, &id))
		return false;
	ok = !object_bounded(r, git_commit_tree_id(c), GIT_OBJECT_TREE, GIT_TREE_MAX);
	git_commit_free(c);
	return ok;
}

/* What `includes` of a definition reads from. In the arena. */
struct tree_source {
	struct repo *repo;
	struct arena *arena;
	git_oid commit, tree;
	size_t loaded; /* bytes of all files so far */
	size_t looked; /* entries of folders so far: one folder may stand at a thousand places */
};

/* Files found for one pattern. */
struct matches {
	struct source_file *files;
	size_t n, cap;
};

static int file_refused(const char *name, unsigned mode, struct diags *d)
{
	const char *what = mode == GIT_FILEMODE_TREE     ? "a folder"
			   : mode == GIT_FILEMODE_LINK   ? "a symbolic link"
			   : mode == GIT_FILEMODE_COMMIT ? "a submodule"
							 : "an executable file";
	struct diag *g = diag_error(d, "file-kind", NULL, "'%s' is %s: only regular files are read", name, what);

	if (mode == GIT_FILEMODE_BLOB_EXECUTABLE)
		diag_help(d, g, "git update-index --chmod=-x %s", name);
	else
		diag_help(d, g, "put a regular file in its place");
	return -1;
}

static int blob_load(struct tree_source *t, const git_tree_entry *e, const char *name, struct span *out,
		     struct diags *d)
{
	const git_oid *id = git_tree_entry_id(e);
	unsigned mode = git_tree_entry_filemode_raw(e);
	git_object_t type;
	git_blob *blob;
	size_t n;

	if (mode != GIT_FILEMODE_BLOB)
		return file_refused(name, mode, d);
	git_error_clear();
	if (git_odb_read_header(&n, &type, t->repo->odb, id) || type != GIT_OBJECT_BLOB)
		return corrupt(t->repo, &t->commit, name, d);
	if (n > DEFINITION_MAX || t->loaded + n > DEFINITION_MAX) {
		diag_error(d, "too-large", NULL, "'%s' makes the definition larger than %u MiB", name,
			   DEFINITION_MAX >> 20);
		return -1;
	}
	if (git_blob_lookup(&blob, t->repo->git, id))
		return corrupt(t->repo, &t->commit, name, d);
	t->loaded += n;
	n = (size_t)git_blob_rawsize(blob);
	*out = arena_span(t->arena, (struct span){n ? git_blob_rawcontent(blob) : (const void *)"", n});
	git_blob_free(blob);
	if (!out->p)
		return diags_out_of_memory(d);
	return 0;
}

static git_tree *tree_load(struct tree_source *t, const git_oid *id, struct diags *d)
{
	git_tree *tree;

	if (repo_tree_load(t->repo, id, &tree)) {
		corrupt(t->repo, &t->commit, "a folder", d);
		return NULL;
	}
	return tree;
}

static int matches_add(struct tree_source *t, struct matches *m, const git_tree_entry *e, const char *path,
		       struct diags *d)
{
	if (m->n == INCLUDE_FILES_MAX) {
		diag_error(d, "too-large", NULL, "more than %d files are included", INCLUDE_FILES_MAX);
		return -1;
	}
	if (m->n == m->cap) {
		size_t cap = m->cap ? 2 * m->cap : 16;
		struct source_file *more = arena_array(t->arena, cap, sizeof(*more));
		if (!more)
			goto memory;
		if (m->n)
			memcpy(more, m->files, m->n * sizeof(*more));
		m->files = more;
		m->cap = cap;
	}
	struct source_file *f = &m->files[m->n];
	if (blob_load(t, e, path, &f->bytes, d) < 0)
		return -1;
	if (!(f->name = arena_strdup(t->arena, path)))
		goto memory;
	m->n++;
	return 0;
memory:
	return diags_out_of_memory(d);
}

/* One folder of the tree against one component of the pattern; `pattern` is at its start. */
static int match_folder(struct tree_source *t, const git_oid *id, const char *prefix, const char *pattern,
			struct matches *m, struct diags *d)
{
	const char *slash = strchr(pattern, '/');
	size_t n = slash ? (size_t)(slash - pattern) : strlen(pattern);
	char *component = arena_strndup(t->arena, pattern, n);
	git_tree *tree = tree_load(t, id, d);
	int ret = -1;

	if (!tree)
		return -1;
	if (!component) {
		diags_out_of_memory(d);
		goto out;
	}
	for (size_t i = 0; i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);
		unsigned mode = git_tree_entry_filemode_raw(e);
		if (++t->looked > INCLUDE_LOOKS_MAX) {
			diag_error(d, "too-large", NULL, "more than %d files and folders to look at for includes",
				   INCLUDE_LOOKS_MAX);
			goto out;
		}
		if (fnmatch(component, name, FNM_PATHNAME | FNM_PERIOD))
			continue;
		/* A folder where a file is wanted does not match, nor a file where a folder is. */
		if ((mode == GIT_FILEMODE_TREE) != (slash != NULL))
			continue;
		char *path = arena_printf(t->arena, "%s%s%s", prefix, name, slash ? "/" : "");
		if (!path) {
			diags_out_of_memory(d);
			goto out;
		}
		if (slash ? match_folder(t, git_tree_entry_id(e), path, slash + 1, m, d)
			  : matches_add(t, m, e, path, d))
			goto out;
	}
	ret = 0;
out:
	git_tree_free(tree);
	return ret;
}

static int tree_match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	struct tree_source *t = ctx;
	struct matches m = {0};

	*out = NULL;
	*n = 0;
	while (!strncmp(pattern, "./", 2))
		pattern += 2;
	if (match_folder(t, &t->tree, "", pattern, &m, d) < 0)
		return -1;
	if (m.n)
		qsort(m.files, m.n, sizeof(*m.files), source_file_cmp);
	*out = m.files;
	*n = m.n;
	return 0;
}

/* The folder that holds `path`, by its components; *name is what is left. NULL: no such folder, or (*failed) an error. */
static git_tree *tree_of_path(struct tree_source *t, const char *path, const char **name, bool *failed, struct diags *d)
{
	git_tree *tree = tree_load(t, &t->tree, d);
	const char *slash;

	*failed = !tree;
	while (tree && (slash = strchr(path, '/'))) {
		char *component = arena_strndup(t->arena, path, (size_t)(slash - path));
		const git_tree_entry *e = component ? git_tree_entry_byname(tree, component) : NULL;
		git_tree *inner = NULL;
		if (!component)
			diags_out_of_memory(d);
		if (e && git_tree_entry_filemode_raw(e) == GIT_FILEMODE_TREE)
			*failed = !(inner = tree_load(t, git_tree_entry_id(e), d));
		else
			*failed = !component;
		git_tree_free(tree);
		tree = inner;
		path = slash + 1;
	}
	*name = path;
	return tree;
}

int repo_definition_at(struct repo *r, const char *sha, const char *path, struct arena *a, struct repo_definition *out,
		       struct diags *d)
{
	struct tree_source *t = arena_alloc(a, sizeof(*t));
	const git_tree_entry *e;
	git_commit *c = NULL;
	git_tree *tree = NULL;
	struct diag *g;
	bool failed;
	int ret = -1;

	*out = (struct repo_definition){0};
	if (!t)
		return diags_out_of_memory(d);
	*t = (struct tree_source){.repo = r, .arena = a};
	if (sha_parse(sha, &t->commit, d) < 0 || !(c = commit_load(r, &t->commit, d)))
		return -1;
	t->tree = *git_commit_tree_id(c);
	tree = tree_of_path(t, path, &out->root.name, &failed, d);
	if (failed)
		goto out;
	e = tree ? git_tree_entry_byname(tree, out->root.name) : NULL;
	if (!e) {
		g = diag_error(d, "definition-missing", NULL, "commit %.12s has no %s", sha, path);
		diag_help(d, g, "commit one; nothing changes until then");
		goto out;
	}
	t->tree = *git_tree_id(tree);
	if (blob_load(t, e, path, &out->root.bytes, d) < 0)
		goto out;
	if (!(out->root.name = arena_strdup(a, out->root.name))) {
		diags_out_of_memory(d);
		goto out;
	}
	out->includes = (struct includes){.ctx = t, .match = tree_match};
	ret = 0;
out:
	git_tree_free(tree);
	git_commit_free(c);
	return ret;
}

int repo_definition(struct repo *r, const char *sha, struct arena *a, struct repo_definition *out, struct diags *d)
{
	return repo_definition_at(r, sha, "network.yaml", a, out, d);
}
