/* What an editor asks about a place: completions, a hover, the place where a name is defined, the fixes of diagnostics. */
#ifndef RECONCILE_LSP_LSP_ANSWER_H
#define RECONCILE_LSP_LSP_ANSWER_H

#include "reconcile/lsp/lsp_check.h"

/* One question; borrowed. */
struct lsp_question {
	const struct lsp_definitions *definitions;
	const struct lsp_documents *documents;
	const struct lsp_client *client;
	const struct lsp_document *document;
	size_t offset; /* of the place, in bytes */
};

/* Each returns the result of its request, json_null() when there is none; NULL: out of memory. */
json_t *lsp_complete(const struct lsp_question *q);
json_t *lsp_hover(const struct lsp_question *q);
json_t *lsp_definition_place(const struct lsp_question *q);
/* From q->offset to `to`. */
json_t *lsp_actions(const struct lsp_question *q, size_t to);

#endif
