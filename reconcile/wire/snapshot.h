/* Compiles a model to a statement and the objects to which it commits: innernet-snapshot(5). */
#ifndef RECONCILE_WIRE_SNAPSHOT_H
#define RECONCILE_WIRE_SNAPSHOT_H

#include "reconcile/net/reach.h"

struct object {
	struct hash name; /* BLAKE2b-256 of the bytes */
	struct span bytes;
};

struct commit_info {
	char sha[HASH_HEX_LEN + 1]; /* 40 or 64 hex digits */
	uint64_t number;            /* commits reachable from it, itself too */
	int64_t time;               /* committer's, Unix seconds */
};
extern const struct commit_info commit_outside_git; /* forty zeros, number 1, time 0 */

struct snapshot_view {
	uint32_t cidr;    /* whose view */
	uint32_t only;    /* the one peer of an isolated CIDR, or NONE */
	struct hash name; /* of the innernet-view object */
	struct hash own;  /* of the list that its `own` line names */
	uint32_t format;  /* what a peer has to read to take it: the highest of all objects that it sends */
};

struct snapshot {
	struct span statement; /* the bytes that get signed */
	struct hash statement_name;
	struct object *objects; /* sorted by name, unique; published = sent by some view */
	size_t n_objects;
	struct snapshot_view *views; /* in the tree's order */
	uint32_t n_views;
	uint32_t *view_of_peer; /* by model peer index; NONE for a disabled one */
	const struct model *model;
	const struct reach_index *reach;
	struct commit_info commit;
	struct hash *tree;            /* over the views: merkle_build() */
	struct object_place *places;  /* of each object; snapshot_places.h */
	struct snapshot_lists *lists; /* by CIDR; snapshot_places.h */
};

/*
 * Each object has the lowest format that can express it. So all servers write the same bytes, and a new word of one
 * peer changes only the objects on its path. Returns the highest format that an object of this definition needs.
 */
uint32_t model_format(const struct model *m);

/* NULL only when out of memory, or when a limit is passed (diagnostic added). Reads no clock and no ledger. */
struct snapshot *snapshot_compile(struct arena *a, const struct model *m, const struct reach_index *x,
				  const struct commit_info *commit, struct diags *d);

const struct object *snapshot_object(const struct snapshot *s, const struct hash *name); /* NULL: none */

/*
 * The objects that one view sends (the view object first, then in a fixed order), without those
 * that `old_view` of `old` sends (old may be NULL: all). What an `only` view withholds is left out
 * by its place. Returns 0, or -1 out of memory; *out is in the arena.
 */
int snapshot_view_objects(struct arena *a, const struct snapshot *s, uint32_t view, const struct snapshot *old,
			  uint32_t old_view, const struct object ***out, size_t *n);

/* The Merkle path of a view: n hashes from the leaf up (RFC 6962's shape over BLAKE2b-256). */
unsigned snapshot_path(const struct snapshot *s, uint32_t view, struct hash out[static PATH_MAX_LEN]);

/*
 * The tree over the views (merkle.c). A tree of n names is merkle_size(n) hashes, level by level, the root last.
 * merkle_check() takes a path of exactly the length that index and count imply, and no other.
 */
void merkle_leaf(const struct hash *name, struct hash *out);
size_t merkle_size(size_t n);
void merkle_build(const struct hash *names, size_t n, struct hash *tree);
unsigned merkle_path(const struct hash *tree, size_t n, size_t index, struct hash out[static PATH_MAX_LEN]);
bool merkle_check(const struct hash *name, uint64_t index, uint64_t count, const struct hash *path, size_t n_path,
		  const struct hash *root);

#endif
