/* Inside the rewriter: the splices and the tree of a file (rewrite.c), for what puts members in and takes them out. */
#ifndef SCHEMA_REWRITE_PARTS_H
#define SCHEMA_REWRITE_PARTS_H

#include "schema/rewrite_text.h"

/* "this cannot be edited as it is written: WHY", at the place of `at`. Both return -1. */
int rewrite_refuse(struct rewrite *w, const struct node *at, const char *why);
/*
 * Takes out `deleted` bytes at `at` and puts `text` (NULL: nothing) there. Splices at one place keep the order of the
 * calls. Two that only delete may overlap: each byte goes once.
 */
int rewrite_splice(struct rewrite *w, size_t at, size_t deleted, const struct buf *text);

/* A new member in the tree, behind the node `after` (the value of the member before it; NULL: it is the first). */
int rewrite_tree_add(struct rewrite *w, struct node *container, struct node *after, const struct value *v);
void rewrite_tree_remove(struct node *container, const struct node *member);

/*
 * Members of a mapping (their keys) or of a list. A member that was put into the tree by rewrite_tree_add() is not in
 * the bytes of the file yet: it has no place, and is never a neighbour in whose style something is written.
 */
bool rewrite_is_written(const struct node *member);
struct node *rewrite_member_next(const struct node *container, const struct node *member);
struct node *rewrite_member_before(const struct node *container,
				   const struct node *member);  /* a written one, or NULL */
struct node *rewrite_member_last(const struct node *container); /* likewise */
struct node *rewrite_member_value(const struct node *container, struct node *member);
/* Where a member ends, without the white space that a block value takes along. */
size_t rewrite_member_end(const struct rewrite *w, const struct node *container, struct node *member);

/* A name elsewhere in the file is in quotes that it does not need: so are the names that are written. */
bool rewrite_quotes_names(struct rewrite *w, const struct node *except);
/* In quotes that its text does not need, or that the whole file has. */
bool rewrite_quoted_by_choice(struct rewrite *w, const struct node *n);

#endif
