/* The kernel's WireGuard by generic netlink (linux/wireguard.h). Errors are negative errno values. */
#ifndef EDGE_WGNL_H
#define EDGE_WGNL_H

#include "reconcile/edge/device/device_build.h"
#include "reconcile/edge/device/netlink.h"

/* The number of the "wireguard" family. -ENOENT: the kernel has no WireGuard (yet). */
int wgnl_family(struct nl *genl, uint16_t *out);
int wgnl_get(uint16_t family, uint32_t index, struct device_build *b);
/* Applies the WireGuard operations of a plan, in messages of at most NETLINK_MESSAGE bytes. */
int wgnl_set(struct nl *genl, uint16_t family, uint32_t index, const struct op *ops, uint32_t n,
	     const uint8_t *private_key);

/* The pure half, for tests and fuzzing. */
int wgnl_message(void *ctx, const struct nlmsghdr *nlh); /* one message of a dump; ctx: struct device_build */
/* Sends one WG_CMD_SET_DEVICE message. The message may have the private key, so the function keeps no copy. */
typedef int wgnl_emit_fn(void *ctx, struct nlmsghdr *nlh);
int wgnl_write(uint16_t family, uint32_t index, const struct op *ops, uint32_t n, const uint8_t *private_key,
	       wgnl_emit_fn *emit, void *ctx);

#endif
