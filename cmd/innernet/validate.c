/* innernet validate: checks definitions. */
#include "cmd/innernet/validate.h"
#include "cmd/innernet/commands.h"
#include "cmd/innernet/own_clone.h"
#include "reconcile/show/diag_formats.h"
#include "reconcile/show/diag_json.h"

#include <stdlib.h>
#include <string.h>

enum { VALID = 0, FINDINGS = 1, FAILED = 2 };

static const struct option_spec options[] = {
    {"format", 0, "human|json|github|sarif|junit", "what is printed; human by default"},
    {"fix", 0, NULL, "make the safe corrections; change no other byte"},
    {"diff", 0, NULL, "print the changes of --fix as a diff; write nothing"},
    {"without-server", 0, NULL, "accept a definition without a server"},
    {0},
};

/* The output formats. All but "human" print one document for all definitions. */
static const struct format {
	const char *name;
	int (*render)(struct buf *out, const struct diags *d); /* NULL: print_human() */
} formats[] = {
    {"human", NULL},
    {"json", diags_render_json},
    {"github", diags_render_github},
    {"sarif", diags_render_sarif},
    {"junit", diags_render_junit},
};

static const char *s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Returns whether the check could run. An unreadable file is an error of the command, not of the definition. */
static bool could_run(const struct diags *d)
{
	if (d->out_of_memory || !d->files)
		return false;
	for (const struct diag *g = d->first; g; g = g->next)
		if (strncmp(g->code, "file-", 5) == 0)
			return false;
	return true;
}

static int print_human(const struct invocation *inv, const struct validated *t)
{
	const struct diags *d = &t->diags;
	const struct model *m = t->model;
	const char *file = d->files && d->n_files ? d->files[0] : t->path;
	struct buf b = {0};
	int rc = 0;

	if (d->first) {
		report(inv, d, NULL);
		fputc('\n', stderr);
	}
	if (d->n_errors && could_run(d))
		fprintf(stderr, "%s: not valid: %zu error%s, %zu warning%s\n", file, d->n_errors, s(d->n_errors),
			d->n_warnings, s(d->n_warnings));
	if (m && !d->n_errors) {
		buf_printf(&b, "%s: valid: network %s, %u CIDR%s, %u peer%s, %u association%s", file, m->network,
			   m->n_cidrs, s(m->n_cidrs), m->n_peers, s(m->n_peers), m->n_associations,
			   s(m->n_associations));
		if (m->n_tests)
			buf_printf(&b, ", %u test%s", m->n_tests, s(m->n_tests));
		buf_char(&b, '\n');
		rc = print_buf(inv, &b);
	}
	buf_free(&b);
	return rc;
}

static void move_places(struct diag *g, uint32_t by)
{
	g->at.file += by;
	for (struct diag_note *n = g->notes; n; n = n->next)
		n->at.file += by;
	if (g->fix)
		g->fix->at.file += by;
}

/* Moves all targets' diagnostics into one list with one table of files. The targets still own the memory. */
static int join(struct arena *a, struct validated *targets, int n, struct diags *all)
{
	const char **files;
	struct span *sources;
	size_t total = 0;

	for (int i = 0; i < n; i++)
		total += targets[i].diags.n_files;
	files = arena_array(a, total + 1, sizeof(*files));
	sources = arena_array(a, total + 1, sizeof(*sources));
	if (!files || !sources)
		return -1;
	all->files = files;
	all->sources = sources;
	for (int i = 0; i < n; i++) {
		struct diags *d = &targets[i].diags;

		for (struct diag *g = d->first; g; g = g->next)
			move_places(g, (uint32_t)all->n_files);
		if (d->first) {
			*(all->last ? &all->last->next : &all->first) = d->first;
			all->last = d->last;
		}
		for (size_t j = 0; j < d->n_files; j++) {
			files[all->n_files] = d->files[j];
			sources[all->n_files++] = d->sources[j];
		}
		all->n_errors += d->n_errors;
		all->n_warnings += d->n_warnings;
		all->n_dropped += d->n_dropped;
		all->out_of_memory = all->out_of_memory || d->out_of_memory;
	}
	return 0;
}

static int print_format(const struct invocation *inv, const struct format *f, struct arena *a,
			struct validated *targets, int n)
{
	struct diags all = {0};
	struct buf b = {0};
	int rc;

	b.failed = join(a, targets, n, &all) || f->render(&b, &all);
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc;
}

static const struct format *format_of(const struct invocation *inv)
{
	const char *name = option_value(inv, "format");

	if (!name)
		return &formats[0];
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	usage_error(inv, "--format takes human, json, github, sarif or junit, not '%s'", name);
	return NULL;
}

/* Checks one definition, with or without fixes, and prints the fixes. Returns -1 when a file or output was not written. */
static int handle(const struct invocation *inv, struct validated *t, struct arena *a, bool human)
{
	bool without_server = option_given(inv, "without-server"), diff = option_given(inv, "diff");
	struct buf out = {0}, said = {0};
	struct own_clone own;
	int rc = 0;

	if (own_clone_named(a, t->path, false, &own, &t->diags) < 0)
		return 0;
	if (own.path)
		t->path = own.path;
	if (diff || option_given(inv, "fix")) {
		rc = validated_fix(t, a, without_server, diff, &out, &said);
		if (out.failed)
			rc = -1;
		if (out.n && print_buf(inv, &out))
			rc = -1;
		if (said.n && !diff && human)
			rc = print_buf(inv, &said) || rc ? -1 : 0;
		else if (said.n)
			fputs(said.p, stderr);
		buf_free(&out);
		buf_free(&said);
	} else {
		validated_check(t, a, NULL, 0, without_server);
	}
	return rc;
}

static int run(struct invocation *inv)
{
	const struct format *format = format_of(inv);
	int n = inv->n_args ? inv->n_args : 1, code = VALID;
	struct validated *targets = calloc((size_t)n, sizeof(*targets));
	struct arena *a = arena_new();

	if (format && format->render && option_given(inv, "diff")) {
		usage_error(inv, "--diff takes no --format %s", format->name);
		format = NULL;
	}
	for (int i = 0; i < n && targets && a && format; i++) {
		struct validated *t = &targets[i];
		int rc;

		t->path = inv->n_args ? inv->args[i] : ".";
		rc = handle(inv, t, a, !format->render);
		if (!format->render && print_human(inv, t))
			rc = -1;
		if (rc || !could_run(&t->diags))
			code = FAILED;
		else if (code == VALID && (!t->model || t->diags.n_errors))
			code = FINDINGS;
	}
	if (!format || !targets || !a || (format->render && print_format(inv, format, a, targets, n)))
		code = FAILED;
	for (int i = 0; i < n && targets; i++)
		diags_free(&targets[i].diags);
	free(targets);
	arena_free(a);
	return code;
}

const struct command command_validate = {
    .name = "validate",
    .synopsis = "[IFACE | FILE | DIR]... [--format FORMAT] [--fix | --diff] [--without-server]",
    .summary = "check a definition and its tests, and report every error",
    .text = "Reads network.yaml of the current folder, of DIR, or FILE, with all included files, and runs its tests.\n"
	    "IFACE is a network that `innernet clone` has cloned: checks the files in the clone, without a fetch. It\n"
	    "needs no network and no rights. Exit code: 0 valid, 1 not valid, 2 could not be read.",
    .example = "innernet validate examples/network.yaml",
    .options = options,
    .max_args = -1,
    .words = {WORD_DEFINITION},
    .usage_exit = FAILED,
    .format_json = true,
    .run = run,
};
