/* Signatures, freshness and enrolments: the small signed texts of innernet-snapshot(5). */
#ifndef RECONCILE_WIRE_SIGN_H
#define RECONCILE_WIRE_SIGN_H

#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/key.h"
#include "schema/model.h"

/*
 * Ed25519 over "innernet-<type>-v1\0" || id || bytes. `type` is "statement", "fresh" or "enrolment".
 * The seed is secret: 32 bytes, owned and wiped by the caller.
 */
int sign_detached(const char *type, const struct key *id, struct span bytes, const uint8_t seed[static KEY_LEN],
		  uint8_t sig[static SIG_LEN]);
bool sign_check(const char *type, const struct key *id, struct span bytes, const struct key *by,
		const uint8_t sig[static SIG_LEN]);

/* innernet-signature: by, over, sig. For statements and freshness alike (`over` is the hash of the signed text). */
struct signature {
	struct key by;
	struct hash over;
	uint8_t sig[SIG_LEN];
};
void signature_write(struct buf *out, const struct signature *s);
int signature_parse(struct span bytes, struct signature *out, struct diags *d);
/* Signs `bytes` and fills `out`. */
int signature_make(const char *type, const struct key *id, struct span bytes, const uint8_t seed[static KEY_LEN],
		   struct signature *out);

/* innernet-fresh */
struct fresh {
	struct hash statement;
	int64_t issued, until;
};
void fresh_write(struct buf *out, const struct fresh *f);
int fresh_parse(struct span bytes, struct fresh *out, struct diags *d);
/*
 * Does its end lie further ahead than a server with a right clock can promise? Then it would stand for as long as
 * that clock was wrong, and says nothing about now.
 */
bool fresh_is_from_the_future(int64_t until, int64_t now);

/*
 * innernet-enrolment; its signature (64 raw bytes, base64 on one line "sig <b64>" in an `enrolment record`) stands
 * beside it.
 */
struct enrolment {
	struct key id;     /* the network */
	struct key invite; /* Ed25519 */
	struct key key;    /* the peer's own WireGuard key */
	int64_t time;
	struct span extra; /* the x- lines of format 2, in the bytes that were read; p NULL: none */
	uint8_t sig[SIG_LEN];
};
/*
 * A record as it is posted, sent and kept in the ledger: the enrolment's text followed by an innernet-signature text.
 */
void enrolment_write(struct buf *out, const struct enrolment *e);                /* the whole record */
int enrolment_parse(struct span record, struct enrolment *out, struct diags *d); /* shape only */
int enrolment_make(const struct key *id, const struct key *invite, const struct key *key, int64_t time,
		   const uint8_t seed[static KEY_LEN], struct enrolment *out);
/* Network, signature by the invite's key, a usable X25519 key that is not the invite's own. -1 with a diagnostic. */
int enrolment_check(const struct enrolment *e, const struct key *id, struct diags *d);
/*
 * Is it of format 1? A server takes no other enrolment: a peer that reads format 1 alone refuses every snapshot that
 * comes with it.
 */
static inline bool enrolment_is_for_all(const struct enrolment *e)
{
	return !e->extra.p;
}

#endif
