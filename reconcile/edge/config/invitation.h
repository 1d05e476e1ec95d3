/*
 * An invitation: what `innernet add-peer` writes and `innernet install` reads (YAML, 0600). It is worth a
 * place in the network: who holds it can take that place, once.
 */
#ifndef EDGE_INVITATION_H
#define EDGE_INVITATION_H

#include "reconcile/edge/config/membership.h"

struct invitation {
	struct membership m;
	uint8_t *seed;     /* secret_new(): 32 bytes, of the invite's Ed25519 key; X25519 by seed_to_x25519() */
	struct key invite; /* its public key, as the definition names it */
	int64_t expires;   /* Unix seconds, for people alone: the server decides; 0: never */
};

void invitation_free(struct invitation *inv); /* wipes; NULL is fine */

/*
 * From bytes, with every value checked: -1 with diagnostics ("bad-invitation") that do not show the seed.
 * `name` is the file's, for people.
 */
int invitation_parse(struct span bytes, const char *name, struct invitation **out, struct diags *d);
/* The reverse. The caller wipes with buf_wipe(). */
int invitation_emit(const struct invitation *inv, struct buf *out, struct diags *d);

/* Refused when others can read the file. */
int invitation_read(const char *path, struct invitation **out, struct diags *d);
/* 0600, and never over a file that is there ("file-exists"). */
int invitation_write(const char *path, const struct invitation *inv, struct diags *d);

/*
 * The invitation of one peer of a model: its name and addresses, the servers that are enabled, the trust.
 * `seed` is copied; its public key should be the peer's `invite:`. `floor`: the last published version, or
 * zeros. -1 with a diagnostic ("not-invited": no `trust`, or no server with a key).
 */
int invitation_make(const struct model *m, uint32_t peer, const uint8_t seed[static KEY_LEN],
		    const struct version *floor, struct invitation **out, struct diags *d);

#endif
