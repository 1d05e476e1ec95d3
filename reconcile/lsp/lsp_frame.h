/* The framing of the Language Server Protocol: a header, an empty line, and a JSON text of as many bytes as it says. */
#ifndef RECONCILE_LSP_LSP_FRAME_H
#define RECONCILE_LSP_LSP_FRAME_H

#include "schema/buf.h"

#include <jansson.h>

/*
 * Finds the first message in what has been read. 1: *message is its JSON, and the first *used bytes are done with. 0: more
 * has to be read. -1: this is no header, or the message is longer than LSP_MESSAGE_MAX; the stream is of no more use.
 */
int lsp_frame_read(struct span in, struct span *message, size_t *used);

/* Writes a message with its header. Takes `message` over; NULL sets out->failed. */
void lsp_frame_write(struct buf *out, json_t *message);

#endif
