/*
 * What is published, on disk: DATA/published/
 *
 *   current                  a bundle: every statement that changed the signers, the newest statement with its
 *                            signatures, the ledger's position
 *   definition-<16 hex>      the definition that is in force and its commit, beside git: the statement's own, or that
 *                            of a later commit that says the same to every peer, so that it is not forgotten; the
 *                            digits begin the statement's hash
 *   enrolments               a bundle: every enrolment of the last good ledger, for a ledger that is gone
 *   due                      invites that were replaced and are not on the ledger as spent yet
 *   readers                  which formats each peer reads, and when it polled last
 *   moves                    addresses that a moved peer keeps until it polls from its new one
 *   own-moves                addresses that this server keeps until each peer polls at its new one
 *
 * Objects are not kept: the same definition compiles to the same bytes (promise 1), which is checked when the server
 * starts. Each file is replaced atomically; `current` is written last.
 */
#ifndef EDGE_PUBLISH_H
#define EDGE_PUBLISH_H

#include "reconcile/wire/bundle.h"
#include "reconcile/edge/revision/revision.h"
#include "reconcile/impact/formats.h"

struct published {
	struct signed_text *chain; /* oldest first; the newest may be the statement itself */
	size_t n_chain;
	struct signed_text statement; /* text.p NULL: nothing was published yet */
	struct statement parsed;
	char ledger[POSITION_LEN + 1]; /* "-": there was none */
};

/* `folder` is DATA/published. Nothing there yet is no error. What is there, but damaged, is ("published-corrupt"). */
int published_read(const char *folder, struct arena *a, struct published *out, struct diags *d);
/* The definition kept beside `s`, as the loader wants it, in the arena; and the commit that it is of. */
int published_definition(const char *folder, const struct statement *s, struct arena *a,
			 char commit[static HASH_HEX_LEN + 1], struct source_file *root, struct includes *includes,
			 struct diags *d);

/* Writes the definition of `m` as that of the statement's commit, then `current`, then removes older definitions. */
int published_write(const char *folder, const struct published *p, const struct model *m, struct diags *d);
/*
 * For a commit that changes nothing for the peers: the statement stays, and the definition of `commit`, `m`, is kept in
 * the place of the earlier one.
 */
int published_adopt(const char *folder, const struct statement *s, const char *commit, const struct model *m,
		    struct diags *d);

/* The records of enrolments, sorted or not; *out in the arena. */
int published_write_enrolments(const char *folder, const struct ledger_facts *f, struct diags *d);
int published_read_enrolments(const char *folder, struct arena *a, struct span **out, size_t *n, struct diags *d);

/* A moved peer's earlier address, that stays on its key until it has polled from the new one. */
struct move {
	struct key mark; /* its key or invite, as the definition has it */
	struct addr old;
};
/* `file`: "moves", or "own-moves": an address that this server left, and a peer that has not polled at the new one. */
int published_write_moves(const char *folder, const char *file, const struct move *moves, size_t n, struct diags *d);
/* *out is malloc'ed. Lines that are no moves are left out. */
int published_read_moves(const char *folder, const char *file, struct move **out, size_t *n, struct diags *d);

/* Invites, a key a line. None: the file goes. *out is malloc'ed; it ends where a line is no key. */
int published_write_due(const char *folder, const struct key *invites, size_t n, struct diags *d);
int published_read_due(const char *folder, struct key **out, size_t *n, struct diags *d);

/* What a peer reads, under its mark. One a line. */
struct kept_reader {
	struct key mark; /* its key or invite, as the definition has it */
	struct reader reader;
};
int published_write_readers(const char *folder, const struct kept_reader *readers, size_t n, struct diags *d);
/* *out is malloc'ed. Lines that are none are left out. */
int published_read_readers(const char *folder, struct kept_reader **out, size_t *n, struct diags *d);

/*
 * The definition's container, from bytes. In the arena; the files point into `bytes`. -1 for anything malformed.
 * `commit` is "" when the container names none: then it is that of the statement.
 */
int definition_container_parse(struct arena *a, struct span bytes, char commit[static HASH_HEX_LEN + 1],
			       struct source_file **files, size_t *n);

#endif
