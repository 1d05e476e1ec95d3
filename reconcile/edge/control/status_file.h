/* The server's last status, for commands and hooks. Needs no running server. */
#ifndef EDGE_STATUS_FILE_H
#define EDGE_STATUS_FILE_H

#include "schema/buf.h"
#include "schema/diag.h"
#include <jansson.h>

#define STATUS_FILE      "status.json" /* in the network's data folder */
#define STATUS_FILE_MAX  (64u << 20)   /* bytes: about 200 a peer */
#define SERVER_LOCK_FILE "lock"        /* beside it; flock(2)'ed while the server runs */

/*
 * Reads DATA-DIR/NAME/status.json. Returns 1: *out is an object (the caller calls json_decref()), and `text` (may be NULL)
 * the file's text. 0: there is no file (no diagnostic). -1 with a diagnostic: "bad-status", or those of file_read().
 */
int status_file_read(const char *data_dir, struct buf *text, json_t **out, struct diags *d);

/* Returns the text of a member, or "" when it has none. */
const char *status_text(const json_t *o, const char *key);
/* Appends "0.7", or "-" when no version is published. */
void status_put_version(struct buf *out, const json_t *o);
/* Returns the condition of a type, borrowed, or NULL. */
json_t *status_condition(const json_t *o, const char *type);

/* Returns whether a process holds the server's lock. True when that is unknown. */
bool status_server_runs(const char *data_dir);
/* For a server that does not run: sets the condition Ready to False. */
void status_not_running(json_t *o);

#endif
