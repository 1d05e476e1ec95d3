/* The files that the editor has open, and the URIs of files. */
#ifndef RECONCILE_LSP_LSP_DOCUMENTS_H
#define RECONCILE_LSP_LSP_DOCUMENTS_H

#include "schema/buf.h"

#include <jansson.h>

struct lsp_document {
	char *uri, *path; /* path: absolute */
	char *text;
	size_t n;
	char *root; /* lsp_check.c's: the path of the definition's root file; NULL: it is no part of one */
	bool dirty; /* changed since it was checked; lsp_check.c ends it */
};
/* Zero-initialise. Only the functions below write it. */
struct lsp_documents {
	struct lsp_document *all;
	size_t n, bytes;
};

struct lsp_document *lsp_document_find(const struct lsp_documents *d, const char *uri);      /* NULL */
const struct lsp_document *lsp_document_at(const struct lsp_documents *d, const char *path); /* NULL */
/*
 * Opens a file, or gives it another text. `uri` must be of the scheme file. 0; 1: it is left alone, since it is too large,
 * too many are open, or the URI is another one (an open file of this URI is closed); -1: out of memory.
 */
int lsp_document_set(struct lsp_documents *d, const char *uri, const json_t *text);
void lsp_document_close(struct lsp_documents *d, const char *uri);
void lsp_documents_free(struct lsp_documents *d);

/* The path of "file:///..." or "file://localhost/...", and back. NULL: it is none, or out of memory. By malloc(3). */
char *lsp_uri_path(const char *uri);
char *lsp_path_uri(const char *path);

#endif
