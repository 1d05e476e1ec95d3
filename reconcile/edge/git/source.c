#include "reconcile/edge/git/source.h"

#include "reconcile/edge/base/file.h"
#include "schema/yaml.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	struct arena *arena;
	const char *folder;               /* of the root file, with its slash; "" for the current one */
	const struct source_file *edited; /* bytes that stand for a file's own */
	size_t n_edited;
	size_t looked; /* directory entries seen, at most INCLUDE_LOOKS_MAX */
};

/* A file's bytes, in the arena. */
static int read_into(struct source *s, const char *path, struct span *out, struct diags *d)
{
	struct buf b = {0};
	int rc;

	for (size_t i = 0; i < s->n_edited; i++) {
		if (strcmp(s->edited[i].name, path) == 0) {
			*out = s->edited[i].bytes;
			return 0;
		}
	}
	if (access(path, F_OK) && errno == ENOENT) {
		struct diag *g = diag_file_error(d, "file-error", path, "cannot open %s: %s", path, strerror(ENOENT));

		diag_help(d, g, "run it in the folder of the definition, or name that folder or the file");
		return -1;
	}
	rc = file_read(path, DEFINITION_MAX, &b, NULL, d);
	if (rc == 0) {
		*out = arena_span(s->arena, buf_span(&b));
		if (!out->p) {
			diags_out_of_memory(d);
			rc = -1;
		}
	}
	buf_free(&b);
	return rc;
}

/* What one search has found. */
struct search {
	struct source *source;
	struct diags *diags;
	struct source_file *files;
	size_t n, cap;
};

static int add_found(struct search *f, const char *path)
{
	struct source_file *bigger;

	if (f->n > INCLUDE_FILES_MAX)
		return 0; /* enough for the loader to say that it is too many */
	if (f->n == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		bigger = realloc(f->files, f->cap * sizeof(*bigger));
		if (!bigger)
			return diags_out_of_memory(f->diags);
		f->files = bigger;
	}
	f->files[f->n].name = arena_strdup(f->source->arena, path);
	if (!f->files[f->n].name)
		return diags_out_of_memory(f->diags);
	return read_into(f->source, path, &f->files[f->n].bytes, f->diags) ? -1 : (int)(f->n++, 0);
}

static int search(struct search *f, int dir, const char *path, const char *pattern);

/* One entry that matches the pattern's first component. `rest` is what follows that; NULL at its end. */
static int matched(struct search *f, int dir, const char *path, const char *name, const char *rest)
{
	char *full = arena_printf(f->source->arena, "%s%s%s", path, name, rest ? "/" : "");
	struct stat st;
	int fd, rc;

	if (!full)
		return diags_out_of_memory(f->diags);
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return 0; /* it went meanwhile */
	if (!rest)
		return S_ISREG(st.st_mode) ? add_found(f, full) : 0;
	if (!S_ISDIR(st.st_mode))
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		diag_file_error(f->diags, "file-error", full, "cannot open %s: %s", full, strerror(errno));
		return -1;
	}
	rc = search(f, fd, full, rest);
	return rc;
}

/* All below `dir` (taken over) that matches, one component of the pattern after the other, as glob(7) has it. */
static int search(struct search *f, int dir, const char *path, const char *pattern)
{
	const char *slash = strchr(pattern, '/'), *rest = NULL;
	char *part = arena_strndup(f->source->arena, pattern, slash ? (size_t)(slash - pattern) : strlen(pattern));
	DIR *entries = fdopendir(dir);
	struct dirent *e;
	int rc = 0;

	if (!entries || !part) {
		if (entries)
			closedir(entries);
		else
			close(dir);
		return diags_out_of_memory(f->diags);
	}
	if (slash)
		for (rest = slash; *rest == '/'; rest++)
			;
	while (rc == 0 && (e = readdir(entries))) {
		if (++f->source->looked > INCLUDE_LOOKS_MAX) {
			diag_error(f->diags, "too-large", NULL,
				   "more than %d files and folders to look at for includes", INCLUDE_LOOKS_MAX);
			rc = -1;
		} else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			   fnmatch(part, e->d_name, FNM_PATHNAME | FNM_PERIOD) == 0) {
			rc = matched(f, dirfd(entries), path, e->d_name, rest);
		}
	}
	closedir(entries);
	return rc;
}

static int match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	struct source *s = ctx;
	struct search f = {.source = s, .diags = d};
	struct source_file *files;
	int fd, rc;

	while (strncmp(pattern, "./", 2) == 0)
		pattern += 2;
	fd = open(*s->folder ? s->folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		diag_file_error(d, "file-error", s->folder, "cannot open %s: %s", s->folder, strerror(errno));
		return -1;
	}
	rc = search(&f, fd, s->folder, pattern);
	if (f.n)
		qsort(f.files, f.n, sizeof(*f.files), source_file_cmp);
	files = rc ? NULL : arena_array(s->arena, f.n, sizeof(*files));
	if (files && f.n)
		memcpy(files, f.files, f.n * sizeof(*files));
	if (!rc && !files) {
		diags_out_of_memory(d);
		rc = -1;
	}
	free(f.files);
	*out = files;
	*n = rc ? 0 : f.n;
	return rc;
}

struct model *source_load_edited(struct arena *a, const char *path, const struct source_file *edited, size_t n_edited,
				 bool without_server, struct diags *d)
{
	struct source s = {.arena = a, .edited = edited, .n_edited = n_edited};
	struct includes includes = {.ctx = &s, .match = match};
	struct source_file root = {0};
	const char *slash, *join;
	struct stat st;

	root.name = path;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		join = path[strlen(path) - 1] == '/' ? "" : "/";
		root.name = strcmp(path, ".") == 0 ? SOURCE_NAME : arena_printf(a, "%s%s" SOURCE_NAME, path, join);
	}
	slash = root.name ? strrchr(root.name, '/') : NULL;
	s.folder = root.name ? arena_strndup(a, root.name, slash ? (size_t)(slash - root.name) + 1 : 0) : NULL;
	if (!root.name || !s.folder) {
		diags_out_of_memory(d);
		return NULL;
	}
	if (read_into(&s, root.name, &root.bytes, d))
		return NULL;
	return definition_load(a, &root, &includes, without_server, d);
}

struct model *source_load(struct arena *a, const char *path, bool without_server, struct diags *d)
{
	return source_load_edited(a, path, NULL, 0, without_server, d);
}

static bool names_network(struct span bytes)
{
	struct arena *a = arena_new();
	struct node *root = NULL;
	struct diags d = {0};
	bool yes = a && !yaml_read(a, bytes, 0, &root, &d) && node_find(root, "network");

	diags_free(&d);
	arena_free(a);
	return yes;
}

const char *source_root(struct arena *a, const char *path, struct span bytes)
{
	const char *slash = strrchr(path, '/');
	char *folder, *end, *root;

	if (strcmp(slash ? slash + 1 : path, SOURCE_NAME) == 0 || names_network(bytes))
		return path;
	for (folder = arena_strdup(a, path); folder; *end = '\0') {
		end = strrchr(folder, '/');
		root = arena_printf(a, "%.*s" SOURCE_NAME, end ? (int)(end - folder) + 1 : 0, folder);
		if (!root || access(root, F_OK) == 0)
			return root;
		if (!end)
			break;
	}
	return NULL;
}
