/* A QR code (ISO/IEC 18004) on a terminal. */
#ifndef CMD_INNERNET_EDIT_QR_H
#define CMD_INNERNET_EDIT_QR_H

#include "schema/buf.h"
#include "schema/diag.h"

#define QR_BYTES_MAX 2953 /* capacity of version 40 at level L */

/*
 * Appends the code of `text`, two rows a line, with the standard's margin of four modules. With `color` the code is black
 * on white; without it, dark modules have the terminal's background. Returns -1 with a diagnostic when the text is too
 * long for a code, or the code is wider than `columns` (0: no limit).
 */
int qr_render(struct buf *out, struct span text, unsigned columns, bool color, struct diags *d);

#endif
