/*
 * Edits of a definition, as data. Each changes the lines that it must and no other byte: comments, order, quoting,
 * styles and line ends stay. Pure: bytes in, bytes out. What tells one kind from another is its row (edit_row.h).
 *
 * Two edits that are each other's reverse (add and delete, rename and rename back, disable and enable, an endpoint
 * set and unset) give the first bytes again. Where the first bytes have a form that no edit writes (`disabled: false`,
 * an empty section at the end of the file), only the meaning comes back.
 */
#ifndef SCHEMA_EDIT_H
#define SCHEMA_EDIT_H

#include "schema/load.h"

enum edit_kind {
	EDIT_ADD_PEER,
	EDIT_RENAME_PEER,
	EDIT_DISABLE_PEER,
	EDIT_ENABLE_PEER,
	EDIT_DELETE_PEER,
	EDIT_INVITE_PEER, /* a new invite replaces its key, or the invite that it has */
	EDIT_SET_KEY,     /* a WireGuard key replaces its invite, or the key that it has */
	EDIT_SET_ENDPOINT,
	EDIT_ADD_CIDR,
	EDIT_RENAME_CIDR,
	EDIT_DELETE_CIDR,
	EDIT_ADD_ASSOCIATION,
	EDIT_DELETE_ASSOCIATION,
	EDIT_FOLD, /* the keys that peers enrolled replace their invites */
	N_EDIT_KINDS
};

/* A peer, and the WireGuard key that its invite became. */
struct edit_fold {
	const char *name; /* borrowed */
	struct key key;   /* zero: not known yet, as edit_check() takes it */
};

/* One edit. Strings are borrowed. */
struct edit {
	enum edit_kind kind;
	const char *name;  /* of the peer or CIDR; one CIDR of an association. Of add-peer: peer.name */
	const char *other; /* the new name; the other CIDR */
	/*
	 * add-peer: its name, addresses, key or invite, and attributes. invite-peer: key and invite_expires. set-key: key,
	 * and `via` unless it is NULL. Nothing else of it is looked at; the loader validates it.
	 */
	struct peer peer;
	struct cidr cidr;              /* add-cidr: prefixes and attributes */
	const char *endpoint;          /* set-endpoint; NULL: none any more */
	const char *parent;            /* add-peer, add-cidr: the CIDR that it must turn out to be in; NULL: any */
	const struct edit_fold *folds; /* fold: sorted by name, each once. Borrowed */
	uint32_t n_folds;
};

/*
 * What an edit finds in `m`, the definition as it is. It refuses, with diagnostics, names that are unknown or taken
 * ("unknown-name", "peer-exists", "cidr-exists"), and a deletion of what is still used ("in-use").
 */
enum edit_state {
	EDIT_REFUSED = -1,
	EDIT_TO_DO,
	EDIT_ALREADY, /* the definition says this already */
};
enum edit_state edit_check(const struct edit *e, const struct model *m, struct diags *d);

/*
 * Makes the edit. `files` are those of the definition, the root file first (what d->files names); out[i] gets the new
 * bytes of each file that changes, and stays empty for other files. A rename goes through all files, associations
 * and tests. -1 with diagnostics ("edit-style" for a layout that it does not write in: nothing is guessed), or when
 * out of memory; the caller frees `out` then, too.
 */
int edit_apply(const struct edit *e, const struct span *files, uint32_t n_files, struct buf *out, struct diags *d);

/* Checks that `after` is `before` with the edit made. -1 with "edit-style" when it is not. */
int edit_verify(const struct edit *e, const struct model *before, const struct model *after, struct diags *d);

/* "add peer bob", "rename CIDR humans to people", "associate humans with ops": for questions and commits. */
void edit_describe(const struct edit *e, struct buf *out);
/* "Peer 'bob' is disabled already.": what edit_check() found in `m`, where it found EDIT_ALREADY. */
void edit_already(const struct edit *e, const struct model *m, struct buf *out);

#endif
