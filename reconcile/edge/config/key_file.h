/* A file with one secret key, as `wg genkey` writes it: 32 bytes in canonical base64; the newline is optional. */
#ifndef EDGE_KEY_FILE_H
#define EDGE_KEY_FILE_H

#include "schema/model.h"

/*
 * Reads the key. Refuses a file that other users can read ("file-permissions") and other contents ("bad-key"; `what` is
 * the expected content, "a WireGuard private key"). The caller wipes `out`, which is zeros after an error.
 */
int key_file_read(const char *path, const char *what, uint8_t out[static KEY_LEN], struct diags *d);
/* Reads the private key of a peer of the model. "peer-invited": the peer has no key; "key-mismatch": another key. */
int key_file_read_peer(const char *path, const struct model *m, uint32_t peer, uint8_t out[static KEY_LEN],
		       struct diags *d);
void key_say_invited(const struct peer *p, struct diags *d); /* adds "peer-invited": an invite and no key */

#endif
