/*
 * Inside the edits: what a row of the table of edit.c is made of, and the functions that the rows name. A new kind of
 * edit is its word in enum edit_kind, its row, and two functions in the file of what it is about.
 */
#ifndef SCHEMA_EDIT_ROW_H
#define SCHEMA_EDIT_ROW_H

#include "schema/attributes.h"
#include "schema/edit.h"
#include "schema/rewrite.h"

/* What edits are about: peers, CIDRs, associations (edit_names.c). */
struct edit_thing {
	const char *section; /* of the definition */
	const char *noun;    /* "peer" */
	size_t count;        /* the offset of their number in struct model */
	/* By name. The second says why with a diagnostic. NULL: they have no names. */
	uint32_t (*by_name)(const struct model *m, const char *name);
	uint32_t (*find)(const struct model *m, const char *name, struct diags *d);
};
extern const struct edit_thing edit_peers, edit_cidrs, edit_associations;

/* One edit of all files of a definition. */
struct editor {
	const struct edit *edit;
	struct arena *arena;
	const struct edit_row *row;
	struct rewrite *files;
	uint32_t n_files;
	struct diags *diags;
};

struct edit_row;
/* Whether the model is as the edit would have it (edit_check() in edit.h). */
typedef enum edit_state edit_check_fn(const struct edit *e, const struct edit_row *row, const struct model *m,
				      struct diags *d);
/* Makes the edit in the files. -1 with diagnostics. */
typedef int edit_apply_fn(struct editor *e);
/* What was added is where it was asked for. -1 with a diagnostic. */
typedef int edit_place_fn(const struct edit *e, const struct model *after, struct diags *d);

/* A kind of edit. A row names each member, the last one too: clang refuses one that is forgotten. */
struct edit_row {
	const struct edit_thing *thing;
	int delta; /* how many more of these there are afterwards: 1, 0, -1 */
	edit_check_fn *check;
	edit_apply_fn *apply;
	/* "rename peer {name} to {other}", as edit_describe() and edit_already() write it. The words are those of edit.c. */
	const char *describe, *already;
	edit_place_fn *place; /* NULL: it is asked for nowhere in particular */
};
extern const struct edit_row edit_rows[N_EDIT_KINDS];

/* edit_names.c: what peers and CIDRs have in common, a name that other sections use. */
edit_check_fn edit_check_rename, edit_check_delete;
edit_apply_fn edit_rename, edit_delete;
/* A peer or a CIDR has this name: true, with a diagnostic. */
bool edit_name_taken(const struct model *m, const char *name, struct diags *d);
/* Both are the same text, or NULL. */
bool edit_same_text(const char *x, const char *y);
/* The value of a section in one file; NULL: the file has no such section. */
const struct node *edit_section(const struct rewrite *w, const char *section);
/* A name in a section: the file, the mapping it is a key of, and the key. -1 with a diagnostic. */
struct edit_found {
	struct rewrite *file;
	struct node *map, *key;
};
/*
 * Puts an attribute that is given into values[*n], as a file spells it; in the arena. -1: out of memory.
 */
int edit_put_attribute(struct editor *e, const struct key_spec *k, const void *thing, struct value *values, size_t *n);
int edit_find(struct editor *e, const char *section, const char *name, struct edit_found *out);

/* edit_peer.c. */
edit_check_fn edit_check_add_peer, edit_check_disable, edit_check_enable, edit_check_endpoint;
edit_apply_fn edit_add_peer, edit_disable, edit_enable, edit_set_endpoint;
edit_place_fn edit_peer_place;
/* The peer that the edit names. NULL with a diagnostic. */
const struct peer *edit_peer_in(const struct edit *e, const struct model *m, struct diags *d);
/* The mapping of the peer that the edit names, and its file. -1 with a diagnostic. */
int edit_find_peer(struct editor *e, struct edit_found *out);

/* edit_key.c: the key or the invite of a peer. */
edit_check_fn edit_check_invite, edit_check_key, edit_check_fold;
edit_apply_fn edit_invite, edit_set_key, edit_fold_peers;
void edit_put_folds(const struct edit *e, struct buf *out); /* "the keys of alice, bob and 3 more" */

/* edit_cidr.c: CIDRs and associations. */
edit_check_fn edit_check_add_cidr, edit_check_association;
edit_apply_fn edit_add_cidr, edit_add_association, edit_delete_association;
edit_place_fn edit_cidr_place;

#endif
