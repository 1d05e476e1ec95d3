/*
 * WireGuard's cross-platform userspace protocol (www.wireguard.com/xplatform): text over a Unix socket.
 * Errors are negative errno values.
 */
#ifndef EDGE_UAPI_H
#define EDGE_UAPI_H

#include "reconcile/edge/device/device_build.h"

/* As wireguard-go and wg spell it; mostly the same as /run/wireguard. */
#define UAPI_DIR      "/var/run/wireguard"
#define UAPI_PATH_LEN (sizeof(UAPI_DIR) + NETWORK_MAX_LEN + sizeof("/.sock"))
void uapi_path(const char *ifname, char out[static UAPI_PATH_LEN]);

/*
 * A connected socket. -ENOENT: there is none. -ECONNREFUSED: a stale one without a listener. The folder is
 * shared by all network namespaces, so the caller makes sure that the link is in ours before it believes what it hears.
 */
int uapi_connect(const char *ifname);
int uapi_get(int fd, struct device_build *b);
/*
 * Applies the WireGuard operations of a plan, in transactions of at most NETLINK_MESSAGE bytes, a connection for
 * each, since not every implementation takes a second one.
 */
int uapi_set(const char *ifname, const struct op *ops, uint32_t n, const uint8_t *private_key);

/* The pure half, for tests and fuzzing. The reply to a get, in pieces of any size. */
#define UAPI_LINE_MAX 256
struct uapi_reply {
	struct device_build *build; /* NULL: a reply to a set, which has nothing but errno */
	char line[UAPI_LINE_MAX];   /* the one that is not whole yet; it may hold a key: wipe it */
	size_t n;
	uint64_t total; /* bytes so far, at most UAPI_REPLY_MAX */
	bool ended;     /* errno came; the empty line is awaited */
	bool done;      /* out */
	int error;      /* out: negative errno that the other side reported */
};
int uapi_reply_feed(struct uapi_reply *r, const void *bytes, size_t n); /* 0, or -EBADMSG, -ENOMEM */

/* Sends the text of one transaction, with its empty line. The text may have the private key, so the function keeps no copy. */
typedef int uapi_emit_fn(void *ctx, const char *text, size_t n);
int uapi_write(const struct op *ops, uint32_t n, const uint8_t *private_key, uapi_emit_fn *emit, void *ctx);

#endif
