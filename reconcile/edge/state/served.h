/*
 * What is served: the newest published revision, those before it that peers may still run, and the record of it in
 * DATA/published (publish.h). The turn publishes; the ledger's position and the chain of signers are written through
 * here by their owners; every answer reads it.
 */
#ifndef EDGE_SERVED_H
#define EDGE_SERVED_H

#include "reconcile/edge/git/repo.h"
#include "reconcile/edge/revision/publish.h"

struct served;

struct served *served_new(const char *data_dir); /* NULL: out of memory */
void served_free(struct served *s);              /* NULL is fine */
/* Reads the record of what was published last. -1 with diagnostics: published_read()'s. */
int served_read(struct served *s, struct diags *d);

const char *served_folder(const struct served *s); /* DATA/published */
/* As it is on the disk; `statement.text.p` is NULL while nothing was published. */
const struct published *served_record(const struct served *s);
bool served_has_record(const struct served *s);
/* The revision that is served; `older` are the ones before it. NULL: none, or what was published cannot be built. */
const struct revision *served_now(const struct served *s);
/* The same or an older one, by its statement. NULL: it is not in memory. */
const struct revision *served_named(const struct served *s, const struct hash *statement);
int64_t served_since(const struct served *s); /* Unix time when it was taken, or built again after a start */

/*
 * At the start: builds what the record says is published, from the copy beside git or else from the commit in `repo`
 * (may be NULL). The bytes must be the ones that were signed. False: neither can be built, which the log says.
 */
bool served_restore(struct served *s, struct repo *repo, const struct server_config *c);
/*
 * Writes `g`, which is signed, to the disk and serves it. `position` is the ledger's; NULL: as it was. -1 with
 * diagnostics: nothing changed, and `g` stays the caller's.
 */
int served_publish(struct served *s, struct revision *g, const char *position, struct diags *d);
/*
 * The same of a revision with the same content: the statement stays, the definition is that of `g`. *was, which it
 * replaces, is the caller's to free.
 */
int served_adopt(struct served *s, struct revision *g, struct revision **was, struct diags *d);

/* Writes the ledger's position, or another chain of statements that changed the signers. -1 with diagnostics. */
int served_write_position(struct served *s, const char *position, struct diags *d);
int served_write_chain(struct served *s, const struct signed_text *chain, size_t n, struct diags *d);

#endif
