/* --backend, an option of both programs: what carries out the operations on WireGuard. */
#ifndef CMD_BACKEND_H
#define CMD_BACKEND_H

#include "cmd/command.h"
#include "reconcile/edge/device/device.h"

/* "auto" when it was not given. Prints and returns -1 for another word than auto, kernel or userspace. */
int backend_option(const struct invocation *inv, enum device_backend *out);

#endif
