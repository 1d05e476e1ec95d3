/*
 * YAML text to a tree of nodes, each with its place. Strict: one document, no anchors, aliases
 * or tags, no duplicate keys, UTF-8, bounded in depth and size.
 */
#ifndef SCHEMA_YAML_H
#define SCHEMA_YAML_H

#include "schema/diag.h"

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD, /* stands where something was refused; its diagnostic has been added */
};
enum node_style { NODE_PLAIN, NODE_SINGLE_QUOTED, NODE_DOUBLE_QUOTED, NODE_LITERAL, NODE_FOLDED };

struct node {
	uint8_t kind;        /* enum node_kind */
	uint8_t style;       /* enum node_style of a scalar */
	bool flow;           /* of a list or map: in brackets */
	uint32_t n;          /* bytes of a scalar; items of a list; pairs of a map */
	uint32_t start, end; /* byte offsets in the file, end exclusive; an empty value is where it would stand */
	uint32_t line, column, end_line, end_column; /* as in struct place */
	union {
		const char *text;   /* of a scalar, NUL-terminated; NUL never occurs in it */
		struct node *first; /* of a list: its items; of a map: key, value, key, value ... */
	};
	struct node *next;
};

struct place node_place(const struct node *n, uint32_t file);

/* Iterates over the pairs of a map: `for (node_pairs(k, map))`, the value being k->next. A key may be
   of any kind: those that are no scalar have a diagnostic already. */
#define node_pairs(k, map)                                                                                             \
	struct node *k = (map)->first;                                                                                 \
	k;                                                                                                             \
	k = k->next->next

/* The key of a pair. NULL: there is none, or `map` (may be NULL) is no mapping. */
struct node *node_find(const struct node *map, const char *key);
bool node_is_null(const struct node *n); /* an empty value, ~ or null */

/*
 * Reads `bytes`, which are those of the file with that index. The tree and its texts are in the
 * arena. Returns 0 when it could be read to its end, with *root NULL when nothing is in it;
 * -1 when not. Either way there may be diagnostics.
 */
int yaml_read(struct arena *a, struct span bytes, uint32_t file, struct node **root, struct diags *d);

#endif
