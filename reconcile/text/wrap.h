/* Lines that list things, for a terminal of some width. */
#ifndef RECONCILE_TEXT_WRAP_H
#define RECONCILE_TEXT_WRAP_H

#include "schema/buf.h"

/*
 * Writes `text`, where each line that has more than `width` columns is broken after a comma; what follows is indented by four
 * columns. An entry that is wider than the terminal stays whole. Escape sequences of colours have no width. `width` 0: no limit.
 */
void text_wrap(struct buf *out, struct span text, unsigned width);

#endif
