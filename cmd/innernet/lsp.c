/* innernet lsp: the language server of definitions, which an editor starts. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/validate.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/lsp/lsp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"stdio", 0, NULL, "talk over standard input and output, as it does anyway; editors give this option"},
    {"without-server", 0, NULL, "accept a definition without a server"},
    {0},
};

static const char *find_root(void *ctx, struct arena *a, const char *path, struct span text)
{
	(void)ctx;
	return source_root(a, path, text);
}

static struct model *load(void *ctx, struct arena *a, const char *root, const struct source_file *open, size_t n,
			  struct diags *d)
{
	struct validated t = {.path = root};

	validated_check(&t, a, open, n, option_given(ctx, "without-server"));
	*d = t.diags;
	return t.model;
}

/* Handles what comes until the editor ends it, or its end of the pipe is closed. */
static enum lsp_state serve(struct invocation *inv, struct lsp *server)
{
	static uint8_t bytes[65536];
	enum lsp_state state = LSP_GOES_ON;

	while (state == LSP_GOES_ON) {
		ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));
		struct buf out = {0};
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return LSP_FAILED;
		state = lsp_read(server, (struct span){bytes, (size_t)n}, &out);
		if (out.n && print_buf(inv, &out))
			state = LSP_FAILED;
		buf_free(&out);
	}
	return state;
}

static int run(struct invocation *inv)
{
	const struct lsp_files files = {.ctx = inv, .root = find_root, .load = load};
	enum lsp_state state = LSP_MEMORY;
	struct lsp *server;

	if (isatty(STDIN_FILENO))
		return usage_error(inv,
				   "an editor starts lsp, and talks to it over standard input; innernet(1) says how");
	server = lsp_new(&files);
	if (server)
		state = serve(inv, server);
	if (state == LSP_MEMORY)
		fprintf(stderr, "%s: out of memory\n", inv->program->name);
	lsp_free(server);
	return state == LSP_ENDED ? 0 : 1;
}

const struct command command_lsp = {
    .name = "lsp",
    .synopsis = "[--stdio] [--without-server]",
    .summary = "the language server of definitions, for editors",
    .text =
	"Talks the Language Server Protocol over standard input and output: the diagnostics of `innernet validate` as\n"
	"you type, its safe corrections, completion of keys, of names and of free addresses, what a key means, which\n"
	"peers a peer reaches and why. An editor starts it for YAML files; files of no definition are left alone.",
    .example = "innernet lsp --stdio",
    .options = options,
    .run = run,
};
