/*
 * Edits of a definition, as data. Each changes the lines that it must and no other byte: comments, order, quoting,
 * styles and line ends stay. Pure: bytes in, bytes out.
 *
 * Two edits that are each other's reverse (add and delete, rename and rename back, disable and enable, an endpoint
 * given and taken away) give the first bytes again. Where the first bytes said something in a way that an edit would
 * not (`disabled: false`, a section that stands empty at the end of the file), only the meaning comes back.
 */
#ifndef SCHEMA_EDIT_H
#define SCHEMA_EDIT_H

#include "schema/load.h"

/* A peer to be written. Strings are borrowed; NULL: left out. What they say is the loader's to judge. */
struct edit_peer {
	const char *name;
	struct addr ip[2];
	uint8_t n_ips;
	struct key key; /* its WireGuard public key, or its invite's Ed25519 key */
	bool is_invite;
	int64_t invite_expires; /* Unix seconds; 0: never */
	const char *endpoint;
	const char *description;
	int32_t keepalive; /* seconds; -1: left out */
	bool admin;
	const char *cidr; /* which it is to be in; NULL: the one that its addresses are in. Not written */
};

enum edit_kind {
	EDIT_ADD_PEER,
	EDIT_RENAME_PEER,
	EDIT_DISABLE_PEER,
	EDIT_ENABLE_PEER,
	EDIT_DELETE_PEER,
	EDIT_INVITE_PEER, /* a new invite in the place of its key, or of the invite it has */
	EDIT_SET_KEY,     /* a WireGuard key in the place of its invite, or of the key it has */
	EDIT_SET_ENDPOINT,
	EDIT_ADD_CIDR,
	EDIT_RENAME_CIDR,
	EDIT_DELETE_CIDR,
	EDIT_ADD_ASSOCIATION,
	EDIT_DELETE_ASSOCIATION,
	EDIT_FOLD, /* the keys that peers enrolled in the place of their invites */
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
	const char *name;        /* of the peer or CIDR; one CIDR of an association. Of add-peer: peer.name */
	const char *other;       /* the new name; the other CIDR */
	struct edit_peer peer;   /* add-peer; of invite-peer: key, invite_expires; of set-key: key */
	const char *endpoint;    /* set-endpoint; NULL: none any more */
	const char *via;         /* who forwards for it. add-peer; NULL: nobody. set-key: from now on; NULL: as it is */
	struct prefix prefix[2]; /* add-cidr */
	uint8_t n_prefixes;      /* add-cidr */
	bool isolated;           /* add-cidr */
	const char *parent;      /* add-cidr: the CIDR that it must turn out to be in; NULL: any */
	const char *description; /* add-cidr; NULL: none */
	const struct edit_fold *folds; /* fold: sorted by name, each once. Borrowed */
	uint32_t n_folds;
};

/*
 * What an edit finds. `m` is the definition as it is. Refused, with diagnostics: names that mean nothing here, or
 * something else already ("unknown-name", "peer-exists", "cidr-exists"), and what others still use ("in-use").
 */
enum edit_state {
	EDIT_REFUSED = -1,
	EDIT_TO_DO,
	EDIT_ALREADY, /* the definition is as the edit would have it */
};
enum edit_state edit_check(const struct edit *e, const struct model *m, struct diags *d);

/*
 * Makes the edit. `files` are those of the definition, the root file first (what d->files names); out[i] gets the new
 * bytes of each file that changes, and is left alone for the others. A rename goes through all files, associations
 * and tests. -1 with diagnostics ("edit-style" for a layout that it does not write in: nothing is guessed), or when
 * out of memory; what is in `out` then is to be freed too.
 */
int edit_apply(const struct edit *e, const struct span *files, uint32_t n_files, struct buf *out, struct diags *d);

/* Is `after` what one expects of `before` and the edit? -1 with "edit-style" when it is not. */
int edit_verify(const struct edit *e, const struct model *before, const struct model *after, struct diags *d);

/* "add peer bob", "rename CIDR humans to people", "associate humans with ops": for people and commits. */
void edit_describe(const struct edit *e, struct buf *out);

#endif
