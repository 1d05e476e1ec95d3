/* The definitions of the open files: checked after a change, their diagnostics told to the editor. */
#ifndef RECONCILE_LSP_LSP_CHECK_H
#define RECONCILE_LSP_LSP_CHECK_H

#include "reconcile/lsp/lsp_documents.h"
#include "reconcile/lsp/lsp_position.h"
#include "schema/load.h"

/* How files are reached that are not open. */
struct lsp_files {
	void *ctx;
	/* The root file of the definition that a file may be a part of, in the arena. NULL: of none, or out of memory. */
	const char *(*root)(void *ctx, struct arena *a, const char *path, struct span text);
	/*
	 * The definition of that root file, with its tests; `open` files have other bytes than on the disk. Everything is in
	 * the arena. NULL with diagnostics. d->files is set when the root file could be read.
	 */
	struct model *(*load)(void *ctx, struct arena *a, const char *root, const struct source_file *open, size_t n,
			      struct diags *d);
};

/* One state of a definition. */
struct lsp_checked {
	struct arena *arena;
	struct diags diags;
	const struct model *model; /* NULL: not valid */
};
struct lsp_definition {
	char *root;
	struct lsp_checked now, good; /* good: the last valid state before; its arena is NULL when `now` is valid */
	char **said;                  /* URIs of the files that had diagnostics */
	size_t n_said;
	bool dirty;
};

/* What the editor can take. */
struct lsp_client {
	enum lsp_units units;
	bool markdown, related;
};

/* Zero-initialise; only lsp_check.c writes it. */
struct lsp_definitions {
	struct lsp_definition *all;
	size_t n;
};

/* Checks what has changed, and writes the diagnostics of each file that has some, or had. -1: out of memory. */
int lsp_check(struct lsp_definitions *x, struct lsp_documents *docs, const struct lsp_files *files,
	      const struct lsp_client *client, struct buf *out);
/* Everything is to be checked again: other files have changed. */
void lsp_check_again(struct lsp_documents *docs);
void lsp_definitions_free(struct lsp_definitions *x);

/* The definition of a file, when the file is a part of it; *file is its index in the diagnostics. NULL: it is of none. */
const struct lsp_definition *lsp_definition_of(const struct lsp_definitions *x, const struct lsp_document *doc,
					       uint32_t *file);
/* The model to look names up in: the current one, else the last valid one; NULL. */
const struct model *lsp_model_of(const struct lsp_definition *def);

/* One diagnostic as the protocol has it. NULL: out of memory. */
json_t *lsp_diagnostic(const struct diags *d, const struct diag *g, const struct lsp_client *client);

#endif
