/* Places in a text as editors count them: lines from 0, and within a line the units that the editor chose. */
#ifndef RECONCILE_LSP_LSP_POSITION_H
#define RECONCILE_LSP_LSP_POSITION_H

#include "schema/diag.h"

#include <jansson.h>

enum lsp_units { LSP_UTF16, LSP_UTF8, LSP_UTF32 };
struct lsp_position {
	uint32_t line, character;
};

/* Lines end with LF or CR LF. Both clamp what is outside the text. */
size_t lsp_offset(struct span text, struct lsp_position at, enum lsp_units units);
struct lsp_position lsp_position_of(struct span text, size_t offset, enum lsp_units units);

/* The bytes of a place (schema/diag.h) in the text of its file; at least one, where there is one on the line. */
void lsp_place_bytes(struct span text, const struct place *at, size_t *from, size_t *to);

/* As JSON, and back (false: it is none). NULL: out of memory. */
json_t *lsp_range(struct span text, size_t from, size_t to, enum lsp_units units);
bool lsp_read_position(const json_t *position, struct lsp_position *out);

#endif
