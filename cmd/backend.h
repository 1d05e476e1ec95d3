/* --backend, an option of both programs: kernel or userspace WireGuard. */
#ifndef CMD_BACKEND_H
#define CMD_BACKEND_H

#include "cmd/command.h"
#include "reconcile/edge/device/device.h"

/* *out is BACKEND_AUTO when the option is not given. Returns -1 after printing a usage error for an unknown value. */
int backend_option(const struct invocation *inv, enum device_backend *out);

#endif
