/*
 * What an editor may send to the language server: bytes as they come, or messages (with a byte between them that JSON has
 * not) in their frames. What it answers is whole messages.
 */
#include "reconcile/lsp/lsp.h"
#include "reconcile/lsp/lsp_frame.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static const char *find_root(void *ctx, struct arena *a, const char *path, struct span text)
{
	(void)ctx;
	/* Files below /part are of one definition. */
	return strncmp(path, "/part/", 6) == 0 ? arena_strdup(a, "/part/network.yaml") : text.n ? path : NULL;
}

struct opened {
	const struct source_file *files;
	size_t n;
};

static int match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	const struct opened *o = ctx;

	(void)pattern;
	(void)d;
	*out = o->files;
	*n = o->n;
	return 0;
}

static struct model *load(void *ctx, struct arena *a, const char *root, const struct source_file *open, size_t n,
			  struct diags *d)
{
	struct opened o = {open, n};
	struct includes includes = {.ctx = &o, .match = match};

	(void)ctx;
	for (size_t i = 0; i < n; i++)
		if (strcmp(open[i].name, root) == 0)
			return definition_load(a, &open[i], &includes, true, d);
	diag_error(d, "file-error", NULL, "not open");
	return NULL;
}

static void check_answers(const struct buf *out)
{
	struct span rest = buf_span(out), message;
	size_t used;

	while (rest.n) {
		must(lsp_frame_read(rest, &message, &used) == 1);
		json_t *m = json_loadb((const char *)message.p, message.n, JSON_ALLOW_NUL, NULL);
		must(json_is_object(m));
		json_decref(m);
		rest.p += used;
		rest.n -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct lsp_files files = {.root = find_root, .load = load};
	struct lsp *s = lsp_new(&files);
	enum lsp_state state = LSP_GOES_ON;
	struct buf out = {0};

	while (s && size && state == LSP_GOES_ON) {
		const uint8_t *cut = memchr(data, 0xff, size);
		size_t n = cut ? (size_t)(cut - data) : size;
		struct buf in = {0};
		if (n && data[0] != 'C')
			buf_printf(&in, "Content-Length: %zu\r\n\r\n", n);
		buf_add(&in, data, n);
		state = lsp_read(s, buf_span(&in), &out);
		must(state != LSP_MEMORY);
		buf_free(&in);
		data += n + (cut != NULL);
		size -= n + (cut != NULL);
	}
	check_answers(&out);
	buf_free(&out);
	lsp_free(s);
	return 0;
}
