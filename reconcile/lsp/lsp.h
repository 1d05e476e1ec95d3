/*
 * The language server: bytes of an editor in, bytes for it out, by the Language Server Protocol 3.17 (JSON-RPC 2.0). Of what
 * is asked for, the files are read by the caller (lsp_check.h).
 */
#ifndef RECONCILE_LSP_LSP_H
#define RECONCILE_LSP_LSP_H

#include "reconcile/lsp/lsp_check.h"

struct lsp;
/* `files` is borrowed. NULL: out of memory. */
struct lsp *lsp_new(const struct lsp_files *files);
void lsp_free(struct lsp *s); /* NULL is fine */

enum lsp_state {
	LSP_GOES_ON,
	LSP_ENDED,  /* the editor has asked for the end, in the right order */
	LSP_FAILED, /* it ended without a `shutdown`, or what came is no message */
	LSP_MEMORY, /* there is no memory left */
};
/* Takes bytes as they come, handles each message that is whole, and writes the answers. */
enum lsp_state lsp_read(struct lsp *s, struct span bytes, struct buf *out);

#endif
