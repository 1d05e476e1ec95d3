/* The lines of a file that an edit removes (-) and adds (+). */
#ifndef CMD_INNERNET_EDIT_LINES_H
#define CMD_INNERNET_EDIT_LINES_H

#include "schema/buf.h"

void edit_lines(struct buf *out, struct span before, struct span after, bool color);

#endif
