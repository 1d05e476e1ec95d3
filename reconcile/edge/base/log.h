/* The log of the long-running programs: one line for each event, to stderr, human or JSON. It never has a secret. */
#ifndef EDGE_LOG_H
#define EDGE_LOG_H

#include "schema/diag.h"

enum log_format { LOG_HUMAN, LOG_JSON };
void log_open(enum log_format format, bool verbose, bool timestamps);
/* `event` is a stable word ("published", "redeemed"), for JSON and for tests. */
void log_info(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_debug(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool log_verbose(void);                                   /* whether log_debug() writes */
void log_diags(const char *event, const struct diags *d); /* one line for each: code, message, help */

#endif
