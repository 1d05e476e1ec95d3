/* Points in time as a definition and its readers write them. */
#ifndef SCHEMA_TIME_H
#define SCHEMA_TIME_H

#include <stdint.h>

/* "2026-12-06T12:00:00Z" (RFC 3339, UTC). Years 1970 to 9999; -1 for other years. */
#define TIME_STR_LEN 21
int time_format(int64_t unix_seconds, char out[static TIME_STR_LEN]);

#endif
