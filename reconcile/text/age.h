#ifndef RECONCILE_TEXT_AGE_H
#define RECONCILE_TEXT_AGE_H

#include "schema/buf.h"

/* How long ago that was: "12 s ago", "3 min ago"; "in the future" when the clock was set back since. */
void age_put(struct buf *out, int64_t seconds);

#endif
