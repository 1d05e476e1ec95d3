/* The subcommands of innernet-reconcile, one a file: each declares itself here and stands in the table of main.c. */
#ifndef CMD_RECONCILE_COMMANDS_H
#define CMD_RECONCILE_COMMANDS_H

#include "cmd/command.h"

#endif
