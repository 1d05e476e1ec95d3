/* innernet graph: draws a definition. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/run.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/show/graph.h"

#include <string.h>
#include <sys/stat.h>

#define SVG_MAX (256u << 20) /* bytes of Graphviz's answer */

static const struct option_spec options[] = {
    {"format", 0, "dot|mermaid|svg", "by default from the suffix of FILE, else dot"},
    {"output", 'o', "FILE", "write to FILE instead of standard output"},
    {"peers", 0, NULL, "name the peers, instead of counting them"},
    {0},
};

enum format { DOT, MERMAID, SVG };
static const struct {
	const char *name, *suffix, *suffix2;
} formats[] = {
    [DOT] = {"dot", ".dot", ".gv"},
    [MERMAID] = {"mermaid", ".mmd", ".mermaid"},
    [SVG] = {"svg", ".svg", ".svg"},
};
#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

static bool ends_in(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* Finds the format by --format or by the suffix of --output. Returns -1 after a usage error for an unknown one. */
static int find_format(const struct invocation *inv, enum format *out)
{
	const char *word = option_value(inv, "format"), *file = option_value(inv, "output");

	*out = DOT;
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (word ? strcmp(word, formats[i].name) == 0
			 : file && (ends_in(file, formats[i].suffix) || ends_in(file, formats[i].suffix2))) {
			*out = (enum format)i;
			return 0;
		}
	}
	if (!word)
		return 0;
	usage_error(inv, "--format takes dot, mermaid or svg, not '%s'", word);
	return -1;
}

static int make_svg(struct buf *out, struct diags *d)
{
	static const char *const argv[] = {"dot", "-Tsvg", NULL};
	struct buf dot = *out;
	int r;

	*out = (struct buf){0};
	r = run_filter(argv, "graphviz", buf_span(&dot), out, SVG_MAX, d);
	if (r > 0)
		diag_error(d, "program-failed", NULL, "Graphviz's 'dot' ended with exit code %d", r);
	else if (r < 0 && d->last && strcmp(d->last->code, "program-missing") == 0)
		diag_note(d, d->last, NULL, "SVG needs Graphviz; --format dot and mermaid do not");
	buf_free(&dot);
	return r ? -1 : 0;
}

static int draw(const struct invocation *inv, enum format format, struct arena *a, struct buf *out, struct diags *d)
{
	const struct model *m = source_load(a, inv->n_args ? inv->args[0] : ".", true, d);
	const struct graph *g = m ? graph_new(a, m, option_given(inv, "peers")) : NULL;

	if (!m)
		return -1;
	if (g && format == MERMAID)
		graph_render_mermaid(out, a, g);
	else if (g)
		graph_render_dot(out, g);
	if (!g || out->failed)
		return diags_out_of_memory(d);
	return format == SVG ? make_svg(out, d) : 0;
}

/* Writes the file by rename(2). Refuses a device or a pipe, which the rename would replace. */
static int save(const char *file, const struct buf *b, struct diags *d)
{
	struct stat st;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode)) {
		diag_file_error(d, "file-not-regular", file, "%s is not a regular file and is not replaced", file);
		diag_help(d, d->last, "without -o the command writes to standard output");
		return -1;
	}
	return file_write(file, buf_span(b), 0644, d);
}

static int run(struct invocation *inv)
{
	const char *file = option_value(inv, "output");
	enum format format;
	struct arena *a;
	struct buf out = {0};
	struct diags d = {0};
	int code = FAILED;

	if (find_format(inv, &format) < 0)
		return FAILED;
	a = arena_new();
	d.out_of_memory = !a;
	if (a && draw(inv, format, a, &out, &d) == 0 &&
	    (file && strcmp(file, "-") != 0 ? save(file, &out, &d) : print_buf(inv, &out)) == 0)
		code = DONE;
	report(inv, &d, NULL);
	buf_free(&out);
	diags_free(&d);
	arena_free(a);
	return code;
}

const struct command command_graph = {
    .name = "graph",
    .synopsis = "[FILE | DIR] [--format FORMAT] [-o FILE] [--peers]",
    .summary = "draw a definition: CIDRs within CIDRs, and what joins them",
    .text =
	"Draws FILE, or network.yaml of DIR or the current folder. A line joins the two CIDRs of an association, with\n"
	"all CIDRs under them. Every peer reaches an infra CIDR (bold), which has no lines for that. In an isolated\n"
	"CIDR (dashed) the peers do not reach each other. SVG needs Graphviz's `dot`.",
    .example = "innernet graph -o network.svg",
    .options = options,
    .max_args = 1,
    .words = {WORD_FILE},
    .run = run,
};
