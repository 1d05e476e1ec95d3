/* The merge driver of definitions, which git(1) runs. */
#ifndef CMD_INNERNET_MERGE_DRIVER_H
#define CMD_INNERNET_MERGE_DRIVER_H

#include "schema/diag.h"

/* Makes git use the driver for network.yaml in the clone of a folder. -1 with a diagnostic. */
int merge_driver_install(const char *folder, struct diags *d);

#endif
