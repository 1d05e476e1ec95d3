/* A file with one secret key, as `wg genkey` writes it: 32 bytes in canonical base64, and a newline or not. */
#ifndef EDGE_KEY_FILE_H
#define EDGE_KEY_FILE_H

#include "schema/diag.h"
#include "schema/key.h"

/*
 * Refused when others can read it ("file-permissions"), and when there is something else in it ("bad-key": `what` says
 * what should be, "a WireGuard private key"). The caller wipes `out`, which is zeros after an error.
 */
int key_file_read(const char *path, const char *what, uint8_t out[static KEY_LEN], struct diags *d);

#endif
