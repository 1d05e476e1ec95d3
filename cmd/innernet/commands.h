/* The subcommands of innernet, one a file: each declares itself here and stands in the table of main.c. */
#ifndef CMD_INNERNET_COMMANDS_H
#define CMD_INNERNET_COMMANDS_H

#include "cmd/command.h"

extern const struct command command_add_peer;
extern const struct command command_validate;

#endif
