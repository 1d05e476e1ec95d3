/* From files to a model: reads the YAML of each, finds the includes, hands on to the sections and the checks. */
#include "schema/loader.h"

#include <string.h>

int source_file_cmp(const void *a, const void *b)
{
	return strcmp(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

static const struct node *map_get(const struct node *map, const char *key)
{
	const struct node *k = node_find(map, key);

	return k ? k->next : NULL;
}

/* Reads one file's YAML. 0 also when it holds nothing (then roots[] is NULL); -1 when it could not be read. */
static int add_file(struct loader *l, const struct source_file *f)
{
	uint32_t i = l->n_files;
	struct place at = {i, 1, 1, 1, 1};
	struct node *root;

	l->names[i] = arena_strdup(l->arena, f->name);
	if (!l->names[i])
		return diags_out_of_memory(l->diags);
	l->sources[i] = f->bytes;
	l->diags->n_files = ++l->n_files;
	if (yaml_read(l->tree, f->bytes, i, &root, l->diags))
		return -1;
	if (root && node_is_null(root))
		root = NULL;
	if (root && root->kind != NODE_MAP) {
		at = node_place(root, i);
		diag_help(l->diags, diag_error(l->diags, "bad-type", &at, "a definition is a mapping"),
			  "it starts with keys, such as 'network: corp'; network.yaml(5) has an example");
		return -1;
	}
	if (!root && i == 0) {
		diag_help(l->diags, diag_error(l->diags, "definition-empty", &at, "there is nothing in the file"),
			  "an empty file would take the whole network down; say so peer by peer");
		return -1;
	}
	l->roots[i] = root;
	return 0;
}

static bool pattern_leaves(const char *p)
{
	if (*p == '/' || *p == '\0')
		return true;
	while (p) {
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return true;
		p = strchr(p, '/');
		p = p ? p + 1 : NULL;
	}
	return false;
}

static bool known_file(const struct loader *l, const char *name)
{
	for (uint32_t i = 0; i < l->n_files; i++)
		if (strcmp(l->names[i], name) == 0)
			return true;
	return false;
}

/* One pattern. -1 when a file could not be read: the rest is still looked at. */
static int include(struct loader *l, const struct includes *includes, const struct key_spec *k, const struct node *v)
{
	const char *pattern = load_text(l, k, v, 0);
	const struct source_file *found = NULL;
	struct place at = node_place(v, 0);
	size_t n = 0;
	int rc = 0;

	if (!pattern)
		return -1;
	if (pattern_leaves(pattern)) {
		diag_help(l->diags,
			  diag_error(l->diags, "include-pattern", &at, "'%.*s' leaves the folder of the definition", 80,
				     pattern),
			  "name files below it, without '..' and without a leading '/'");
		return -1;
	}
	if (includes && includes->match(includes->ctx, pattern, &found, &n, l->diags))
		return -1;
	if (n == 0) {
		diag_help(l->diags, diag_error(l->diags, "include-pattern", &at, "no file matches '%.*s'", 80, pattern),
			  "it counts from the folder of %s; symbolic links and hidden files do not count", l->names[0]);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (known_file(l, found[i].name))
			continue;
		if (l->n_files > INCLUDE_FILES_MAX) {
			diag_error(l->diags, "too-large", &at, "more than %d included files", INCLUDE_FILES_MAX);
			return -1;
		}
		if (add_file(l, &found[i]))
			rc = -1;
	}
	return rc;
}

static int include_all(struct loader *l, const struct includes *includes)
{
	const struct key_spec *k = key_find(IN_ROOT, "include");
	const struct node *v = map_get(l->roots[0], "include");
	int rc = 0;

	if (!v || node_is_null(v))
		return 0;
	if (!load_check_list(l, k, v, 0))
		return -1;
	for (const struct node *i = v->first; i; i = i->next)
		if (include(l, includes, k, i))
			rc = -1;
	return rc;
}

/* Room for all that the files name. */
static int make_model(struct loader *l)
{
	struct model *m = l->model;
	uint64_t cidrs = 1, peers = 0;
	const struct node *v;
	struct place at = {0, 1, 1, 1, 1};

	for (uint32_t i = 0; i < l->n_files; i++) {
		v = map_get(l->roots[i], "cidrs");
		cidrs += v && v->kind == NODE_MAP ? v->n : 0;
		v = map_get(l->roots[i], "peers");
		peers += v && v->kind == NODE_MAP ? v->n : 0;
	}
	if (cidrs > CIDRS_MAX || peers > PEERS_MAX) {
		diag_error(l->diags, "too-large", &at, "%llu CIDRs and %llu peers; at most %u and %u are allowed",
			   (unsigned long long)cidrs, (unsigned long long)peers, CIDRS_MAX, PEERS_MAX);
		return -1;
	}
	m->cidrs = arena_array(l->arena, cidrs, sizeof(*m->cidrs));
	m->peers = arena_array(l->arena, peers, sizeof(*m->peers));
	m->files = l->names;
	m->sources = l->sources;
	m->n_files = l->n_files;
	return m->cidrs && m->peers ? 0 : diags_out_of_memory(l->diags);
}

static bool failed(const struct loader *l)
{
	return l->addrs.failed || l->routes.failed || l->keys.failed || l->pairs.failed || l->tests.failed ||
	       l->reuse.failed || l->renames.failed;
}

static int load(struct loader *l, const struct source_file *root, const struct includes *includes)
{
	size_t n = INCLUDE_FILES_MAX + 1;
	int rc;

	l->model = arena_alloc(l->arena, sizeof(*l->model));
	l->names = arena_array(l->arena, n, sizeof(*l->names));
	l->sources = arena_array(l->arena, n, sizeof(*l->sources));
	l->tree = arena_new();
	l->roots = l->tree ? arena_array(l->tree, n, sizeof(struct node *)) : NULL;
	if (!l->model || !l->names || !l->sources || !l->roots)
		return diags_out_of_memory(l->diags);
	l->diags->files = l->names;
	l->diags->sources = l->sources;
	if (add_file(l, root))
		return -1;
	rc = include_all(l, includes);
	if (make_model(l))
		return -1;
	for (uint32_t i = 0; i < l->n_files; i++)
		if (l->roots[i])
			load_sections(l, i);
	if (failed(l) || check_order(l) || check_rules(l))
		return diags_out_of_memory(l->diags);
	/* A file that could not be read has names that other files use: more errors would only be noise. */
	if (rc == 0 && check_refs(l))
		return diags_out_of_memory(l->diags);
	return rc;
}

struct model *definition_load(struct arena *a, const struct source_file *root, const struct includes *includes,
			      bool without_server, struct diags *d)
{
	struct loader l = {.arena = a, .diags = d, .without_server = without_server, .searches = 200000};
	size_t before = d->n_errors;
	int rc = load(&l, root, includes);

	arena_free(l.tree);
	buf_free(&l.addrs);
	buf_free(&l.routes);
	buf_free(&l.keys);
	buf_free(&l.pairs);
	buf_free(&l.tests);
	buf_free(&l.reuse);
	buf_free(&l.renames);
	diags_sort(d);
	if (d->out_of_memory && d->n_errors == before)
		diags_out_of_memory(d);
	return rc || d->out_of_memory || d->n_errors > before ? NULL : l.model;
}
