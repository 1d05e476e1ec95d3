/* Inside rewrite.c: the lines of a file, and how a value is written in the style of its neighbours. */
#ifndef SCHEMA_REWRITE_TEXT_H
#define SCHEMA_REWRITE_TEXT_H

#include "schema/rewrite.h"

/* How what is added is written: as its neighbour is. */
struct style {
	const char *eol;
	unsigned indent;       /* columns before a member */
	unsigned step;         /* columns more before the keys of its value, in block style */
	unsigned gap;          /* spaces between the dash of an item and its value */
	unsigned value_column; /* values of one-line pairs are aligned there (0-based); 0: they are not */
	bool flow;             /* the value in brackets */
	bool tight;            /* {a: b}, not { a: b } */
	bool loose_list;       /* [ a, b ], not [a, b] */
	bool quoted_name;      /* "bob": */
	bool quoted;           /* keys and texts within: JSON */
};

/* Where the line of `at` starts; where it ends, before CR LF; where the next one starts. */
size_t rewrite_line_start(struct span f, size_t at);
size_t rewrite_line_end(struct span f, size_t at);
size_t rewrite_next_line(struct span f, size_t at);
size_t rewrite_eol_start(struct span f, size_t next); /* of a line that ends at `next` */
const char *rewrite_eol_of(struct span f, size_t at);
bool rewrite_only_spaces(struct span f, size_t from, size_t to);
/* From `line` on, past the comment lines (and the empty ones before them) that are indented by `indent` or deeper. */
size_t rewrite_skip_comments(struct span f, size_t line, unsigned indent);
/* Nothing from `line` on but empty lines, or the mark that ends a document. */
bool rewrite_at_end(struct span f, size_t line);

bool rewrite_name_needs_quotes(const char *name); /* no, 007: other readers of YAML take it for something else */
void rewrite_put_spaces(struct buf *out, unsigned n);
void rewrite_put_scalar(struct buf *out, enum value_kind kind, const char *text, bool quoted);
/* On one line. */
void rewrite_put_flow(struct buf *out, const struct style *s, const struct value *v);
/* A pair or an item, without what stands before it on its line and without the line's end. */
void rewrite_put_member(struct buf *out, const struct style *s, const struct value *v);

#endif
