/*
 * What stands at a place of a definition's text, by the indentation of its lines and the brackets of its own line: while a
 * person types, the text is seldom YAML.
 */
#ifndef RECONCILE_LSP_LSP_CONTEXT_H
#define RECONCILE_LSP_LSP_CONTEXT_H

#include "schema/buf.h"
#include "schema/keys.h"
#include "schema/limits.h"

#define LSP_PATH_MAX 8 /* keys around a place; deeper ones are none of a definition's */

enum lsp_at {
	LSP_AT_NOTHING, /* a comment, a text in quotes, or nothing that a definition has */
	LSP_AT_KEY,     /* a key of `place` */
	LSP_AT_NAME,    /* the name of a member of a section: a new peer, a new CIDR */
	LSP_AT_VALUE,   /* the value of `key` in `place`, or one of its list */
};
struct lsp_context {
	enum lsp_at at;
	enum key_place place;
	const struct key_spec *key;  /* of LSP_AT_NAME: the section */
	size_t from, to;             /* the word at the place, which may be empty */
	char word[NAME_MAX_LEN + 1]; /* it, where it is a short one; else "" */
};

/* `whole`: the word to its end; else what is before the offset. */
void lsp_context_at(struct span text, size_t offset, bool whole, struct lsp_context *out);

/* Calls `name` for each name that the text defines in `section`, by its lines. Stops when it returns false. */
void lsp_context_names(struct span text, const char *section, bool (*name)(void *ctx, struct span name), void *ctx);

/* The line of an offset, up to the offset; and whether a byte is a word's. */
struct span lsp_line_before(struct span text, size_t offset);
bool lsp_is_word(uint8_t c);

#endif
