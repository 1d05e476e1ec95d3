/* The status as the server wrote it down last, for whoever looks at it from outside; it may not be running. */
#ifndef EDGE_STATUS_FILE_H
#define EDGE_STATUS_FILE_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <jansson.h>

/*
 * Reads DATA-DIR/NAME/status.json. 1: *out (json_decref()) is an object, and `text` (may be NULL) the document as it
 * is. 0: there is none yet (no diagnostic). -1 with a diagnostic: "bad-status", file_read()'s.
 */
int status_file_read(const char *data_dir, struct buf *text, json_t **out, struct diags *d);

/* The text of a member; "" when it has none. */
const char *status_text(const json_t *o, const char *key);
/* "0.7", or "-" when nothing was published. */
void status_put_version(struct buf *out, const json_t *o);
/* The condition of a type; NULL. */
json_t *status_condition(const json_t *o, const char *type);

/* Does somebody hold the server's lock? True when it cannot be told. */
bool status_server_runs(const char *data_dir);
/* Nobody does: it is not ready, whatever it was when it wrote. */
void status_not_running(json_t *o);

#endif
