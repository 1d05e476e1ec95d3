/*
 * WireGuard interfaces for real: the kernel's (netlink: WireGuard's generic netlink, links, addresses,
 * routes) and userspace's (the UAPI socket; wireguard-go or whatever WG_USERSPACE names). These few
 * functions hide which of both it is from all callers.
 */
#ifndef EDGE_DEVICE_H
#define EDGE_DEVICE_H

#include "reconcile/plan/device.h"
#include "reconcile/wire/endpoints.h"

enum device_backend { BACKEND_AUTO, BACKEND_KERNEL, BACKEND_USERSPACE };
int device_backend_parse(const char *s, enum device_backend *out); /* "auto", "kernel", "userspace" */

/*
 * Reads an interface as it is. An absent one is not an error (exists = false). A partial or interrupted
 * dump is read again, never returned. -1 with a diagnostic ("device-..."), never a half-filled state.
 */
int device_read(struct arena *a, const char *ifname, struct device_state **out, struct diags *d);

/*
 * Does what the plan says, in its order. `private_key` is used by OP_KEY_SET alone (NULL: a plan without one).
 * OP_LINK_ADD creates the interface: the kernel's, or with BACKEND_AUTO a userspace one when the kernel has
 * none (BACKEND_USERSPACE: always). Large peer sets are split into messages. Stops at the first error:
 * -1 with a diagnostic; the caller reads again and plans again.
 */
int device_apply(const struct plan *p, enum device_backend backend, const uint8_t *private_key, struct diags *d);

/* Removes an interface. *absent (may be NULL): there was none, which is no error. */
int device_remove(const char *ifname, enum device_backend backend, bool *absent, struct diags *d);

/* Names of all WireGuard interfaces of this network namespace, kernel and userspace, sorted. */
int device_list(struct arena *a, const char *const **names, size_t *n, struct diags *d);

/*
 * A netlink socket that becomes readable when a link, address or route of this namespace changes.
 * device_monitor_drain() reads everything there is, and says what may have changed (also after ENOBUFS: unknown counts
 * as changed).
 */
int device_monitor_open(struct diags *d);
enum { CHANGED_DEVICE = 1 /* something about `ifname` */, CHANGED_ADDRESSES = 2 /* some address, of any interface */ };
unsigned device_monitor_drain(int fd, const char *ifname);

/*
 * This machine's own addresses, by address, each once: of interfaces that are up and no WireGuard's, of global scope
 * (linux/rtnetlink.h), neither tentative nor deprecated.
 */
int device_local_addresses(struct arena *a, struct local_address **out, size_t *n, struct diags *d);

#endif
