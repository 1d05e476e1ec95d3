/* What the shells complete: the networks of this machine and this person, and the names in them. */
#ifndef CMD_INNERNET_COMPLETE_H
#define CMD_INNERNET_COMPLETE_H

#include "cmd/command.h"

/* As struct program has it. */
void complete_names(const struct invocation *line, unsigned kinds, struct buf *out);

#endif
