/* A QR code (ISO/IEC 18004) on a terminal. */
#ifndef CMD_INNERNET_EDIT_QR_H
#define CMD_INNERNET_EDIT_QR_H

#include "schema/buf.h"
#include "schema/diag.h"

#define QR_BYTES_MAX 2953 /* of a code of version 40 at level L */

/*
 * Appends the code of `text`, two rows a line, with the margin of four modules that the standard asks for. With `color`
 * black on white, whatever the terminal has; without it, dark is what the terminal has for a background. -1 with a
 * diagnostic: too much text for a code, or too wide for `columns` (0: no limit).
 */
int qr_render(struct buf *out, struct span text, unsigned columns, bool color, struct diags *d);

#endif
