/* innernet validate: is this definition right? */
#include "cmd/innernet/commands.h"
#include "reconcile/diag_json.h"
#include "reconcile/edge/source.h"
#include "reconcile/reach.h"

#include <string.h>

enum { VALID = 0, FINDINGS = 1, FAILED = 2 };

static const struct option_spec options[] = {
    {"format", 0, "FORMAT", "human (the default) or json"},
    {"without-server", 0, NULL, "do not ask for a server, as `innernet apply -f` does not"},
    {0},
};

/* The loader, then the definition's own tests. NULL with diagnostics; they are in order either way. */
static struct model *check(struct arena *a, const char *path, bool without_server, struct diags *d)
{
	struct model *m = source_load(a, path, without_server, d);
	struct reach_index *x;

	if (!m)
		return NULL;
	x = reach_index_new(a, m);
	if (!x) {
		d->out_of_memory = true;
		return NULL;
	}
	reach_run_tests(x, d);
	diags_sort(d);
	return m;
}

static const char *s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* A file that cannot be read is no finding about the definition. */
static bool could_run(const struct diags *d)
{
	if (d->out_of_memory || !d->files)
		return false;
	for (const struct diag *g = d->first; g; g = g->next)
		if (strncmp(g->code, "file-", 5) == 0)
			return false;
	return true;
}

static int print_human(const struct invocation *inv, const struct model *m, const struct diags *d, const char *path)
{
	struct buf b = {0};
	const char *file = d->files && d->n_files ? d->files[0] : path;
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

static int print_json(const struct invocation *inv, const struct diags *d)
{
	struct buf b = {0};
	int rc = diags_render_json(&b, d) ? -1 : 0;

	b.failed = b.failed || rc;
	rc = print_buf(inv, &b);
	buf_free(&b);
	return rc;
}

static int run(struct invocation *inv)
{
	const char *format = option_value(inv, "format"), *path = inv->n_args ? inv->args[0] : ".";
	struct arena *a;
	struct diags d = {0};
	struct model *m = NULL;
	int rc = FAILED;

	if (format && strcmp(format, "human") != 0 && strcmp(format, "json") != 0)
		return usage_error(inv, "--format takes human or json, not '%s'", format);
	a = arena_new();
	if (a)
		m = check(a, path, option_given(inv, "without-server"), &d);
	else
		d.out_of_memory = true;
	if ((format && strcmp(format, "json") == 0 ? print_json(inv, &d) : print_human(inv, m, &d, path)) == 0 &&
	    could_run(&d))
		rc = m && !d.n_errors ? VALID : FINDINGS;
	diags_free(&d);
	arena_free(a);
	return rc;
}

const struct command command_validate = {
    .name = "validate",
    .synopsis = "[FILE | DIR] [--format FORMAT] [--without-server]",
    .summary = "check a definition and its tests, and say everything that is wrong",
    .text = "Reads network.yaml of the current folder, of DIR, or FILE, with all that it includes, and runs its\n"
	    "tests. It needs no network and no rights. Exit code: 0 valid, 1 not valid, 2 could not be read.",
    .example = "innernet validate examples/network.yaml",
    .options = options,
    .max_args = 1,
    .usage_exit = FAILED,
    .run = run,
};
