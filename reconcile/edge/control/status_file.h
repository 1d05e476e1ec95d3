/* The status as the server wrote it last, for commands and hooks that read it. The server need not be running. */
#ifndef EDGE_STATUS_FILE_H
#define EDGE_STATUS_FILE_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <jansson.h>

#define STATUS_FILE      "status.json" /* in the network's folder of data */
#define STATUS_FILE_MAX  (64u << 20)   /* bytes: about 200 a peer */
#define SERVER_LOCK_FILE "lock"        /* beside it; flock(2)'ed while the server runs */

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

/* Does a process hold the server's lock? True when it cannot be told. */
bool status_server_runs(const char *data_dir);
/* No process holds it: sets Ready to False, whatever the server wrote. */
void status_not_running(json_t *o);

#endif
