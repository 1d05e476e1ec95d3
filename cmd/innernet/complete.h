/* Names for shell completion: the networks of this machine and this user, and the peers and CIDRs in them. */
#ifndef CMD_INNERNET_COMPLETE_H
#define CMD_INNERNET_COMPLETE_H

#include "cmd/command.h"

/* The member `complete` of struct program. */
void complete_names(const struct invocation *line, unsigned kinds, struct buf *out);

#endif
