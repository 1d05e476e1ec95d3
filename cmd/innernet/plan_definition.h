/* innernet plan of a definition. plan.c has the plan of an interface. */
#ifndef CMD_INNERNET_PLAN_DEFINITION_H
#define CMD_INNERNET_PLAN_DEFINITION_H

#include "cmd/command.h"

int plan_definition(struct invocation *inv); /* returns the exit code */

#endif
