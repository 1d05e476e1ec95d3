/*
 * An invitation: `innernet add-peer` writes it and `innernet install` reads it (YAML, 0600). It is a secret: a machine with
 * the file can join the network as its peer, once.
 */
#ifndef EDGE_INVITATION_H
#define EDGE_INVITATION_H

#include "reconcile/edge/config/membership.h"

struct invitation {
	struct membership m;
	uint8_t *seed;     /* secret_new(): the 32-byte seed of the invite's Ed25519 key; X25519 by seed_to_x25519() */
	struct key invite; /* the public key, `invite:` in the definition */
	int64_t expires;   /* Unix time in seconds, for display: the server decides; 0: never */
};

void invitation_free(struct invitation *inv); /* wipes; NULL is fine */

/*
 * Parses and checks every value. Returns -1 with diagnostics ("bad-invitation"), which never show the seed. `name`: the
 * file's name for diagnostics. The caller frees *out with invitation_free().
 */
int invitation_parse(struct span bytes, const char *name, struct invitation **out, struct diags *d);
/* The reverse. The caller wipes `out` with buf_wipe(). */
int invitation_emit(const struct invitation *inv, struct buf *out, struct diags *d);

/* Reads a file. Refuses one that other users can read. */
int invitation_read(const char *path, struct invitation **out, struct diags *d);
/* Creates the file with mode 0600. Refuses to replace an existing one ("file-exists"). */
int invitation_write(const char *path, const struct invitation *inv, struct diags *d);

/*
 * Makes the invitation of one peer of a model: its name and addresses, the enabled servers, the trust. Copies `seed`, whose
 * public key is the peer's `invite:`. `floor`: the last published version, or zeros. Returns -1 with the diagnostic
 * "not-invited" without a `trust` or a server with a key. The caller frees *out.
 */
int invitation_make(const struct model *m, uint32_t peer, const uint8_t seed[static KEY_LEN],
		    const struct version *floor, struct invitation **out, struct diags *d);

#endif
