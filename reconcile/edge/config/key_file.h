/* A file with one secret key, as `wg genkey` writes it: 32 bytes in canonical base64, and a newline or not. */
#ifndef EDGE_KEY_FILE_H
#define EDGE_KEY_FILE_H

#include "schema/model.h"

/*
 * Refused when others can read it ("file-permissions"), and when there is something else in it ("bad-key": `what` says
 * what should be, "a WireGuard private key"). The caller wipes `out`, which is zeros after an error.
 */
int key_file_read(const char *path, const char *what, uint8_t out[static KEY_LEN], struct diags *d);
/* The private key of a peer, whose public one the model has: "peer-invited" when it has none, "key-mismatch". */
int key_file_read_peer(const char *path, const struct model *m, uint32_t peer, uint8_t out[static KEY_LEN],
		       struct diags *d);
void key_say_invited(const struct peer *p, struct diags *d); /* that it has an invite and no key */

#endif
