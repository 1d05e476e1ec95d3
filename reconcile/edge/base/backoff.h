/* Exponential back-off with jitter, so that retries of one machine or of a fleet do not overload a server. */
#ifndef EDGE_BACKOFF_H
#define EDGE_BACKOFF_H

#include <stdint.h>

/* Returns a random time from `ms` / 2 to `ms`, in milliseconds: the jitter spreads the retries of a fleet. */
int64_t backoff_jittered(int64_t ms);
/* Returns the wait in milliseconds after `failures` in a row (at least 1): 1 s, doubled up to 60 s, with jitter. */
int64_t backoff_ms(unsigned failures);

#endif
