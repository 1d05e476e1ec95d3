/* How long to wait before trying again, so that neither one machine nor a fleet of them is a load on a server. */
#ifndef EDGE_BACKOFF_H
#define EDGE_BACKOFF_H

#include <stdint.h>

/* Milliseconds. Half of `ms` for certain, the other half by chance: a fleet does not come back at one moment. */
int64_t backoff_jittered(int64_t ms);
/* After so many failures in a row (at least 1): from a second on, twice as long each time, up to a minute. */
int64_t backoff_ms(unsigned failures);

#endif
