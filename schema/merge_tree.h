/*
 * What a three-way merge of YAML trees is to say, whatever the bytes look like. A tree that is NULL is absent.
 */
#ifndef SCHEMA_MERGE_TREE_H
#define SCHEMA_MERGE_TREE_H

#include "schema/yaml.h"

/* The same kind, texts and order. An empty value and an absent one differ. */
bool merge_same(const struct node *x, const struct node *y);

/* Members can be merged one by one: a list or mapping, or an empty section. */
bool merge_is_container(const struct node *n, enum node_kind kind);

/* A text that equal nodes have and others have not; in the arena. NULL: out of memory. */
const char *merge_node_id(struct arena *a, const struct node *n);

/*
 * Whether `result` has both changes: for each value, that of the side that changed it; of a mapping whose two sides
 * changed it, by its keys; of a list, by its items, whatever their order. False too when both sides changed one value in
 * different ways, and out of memory (then *failed is set).
 */
bool merge_fits(const struct node *base, const struct node *ours, const struct node *theirs, const struct node *result,
		bool *failed);

#endif
