/*
 * Netlink, as little of it as we need: a request that is answered, and a dump that is whole or nothing.
 * Messages are built and taken apart with libmnl; errors are negative errno values.
 */
#ifndef EDGE_NETLINK_H
#define EDGE_NETLINK_H

#include "schema/limits.h"
#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_NOTE_LEN 128

struct nl {
	struct mnl_socket *sock;
	uint32_t seq;
	uint32_t portid;
	char note[NL_NOTE_LEN]; /* what the kernel said of the last error (NLMSGERR_ATTR_MSG); empty: nothing */
};

int nl_open(struct nl *nl, int bus); /* NETLINK_ROUTE, NETLINK_GENERIC */
void nl_close(struct nl *nl);        /* an unopened (zeroed) one is fine */

/* One message of a reply. 0, or a negative errno that ends it; -EAGAIN: this makes no sense, ask again. */
typedef int nl_message_fn(void *ctx, const struct nlmsghdr *nlh);

/*
 * Sends `nlh` (its sequence number and NLM_F_ACK are set here) and waits for the kernel's acknowledgement.
 * `fn` gets what the kernel sends before that; NULL when nothing is expected.
 */
int nl_request(struct nl *nl, struct nlmsghdr *nlh, nl_message_fn *fn, void *ctx);

/*
 * Asks for a dump and hands each message to `fn`. When the kernel says that the dump was interrupted
 * (NLM_F_DUMP_INTR, EINTR), or when it was too much (ENOBUFS), it is asked again on a socket of its own, up to
 * DUMP_RETRIES times, after begin(ctx), which forgets what was collected. 0 means a whole dump; nothing else does.
 */
int nl_dump(int bus, struct nlmsghdr *nlh, void (*begin)(void *ctx), nl_message_fn *fn, void *ctx);

/*
 * The pure half, for tests and fuzzing: one datagram of a reply. Messages of another sequence number or port
 * are skipped. 0, or a negative errno: the kernel's, fn's, or -EBADMSG when the bytes are not netlink.
 */
struct nl_reply {
	uint32_t seq, portid;
	bool dump;              /* an acknowledgement does not end it, NLMSG_DONE does */
	bool done;              /* out: it has ended */
	bool interrupted;       /* out: NLM_F_DUMP_INTR was seen */
	char note[NL_NOTE_LEN]; /* out */
};
int nl_reply_feed(struct nl_reply *r, const void *bytes, size_t n, nl_message_fn *fn, void *ctx);

/* Collects the attributes of a message or a nest by type: tb[1..max], NULL where absent. 0, or -EBADMSG when they are garbled. */
int nl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, size_t max);
int nl_nested(const struct nlattr *nest, const struct nlattr **tb, size_t max);

/* Calls fn for each attribute of a nest; the first negative value ends it. -EBADMSG when they are garbled: never a part only. */
int nl_each(const struct nlattr *nest, int (*fn)(void *ctx, const struct nlattr *attr), void *ctx);

/* A value of exactly this size; -1 when the attribute is absent or of another size. */
int nl_get(const struct nlattr *attr, void *out, size_t size);

/* Room for requests; replies have a buffer of their own. */
#define NL_REQUEST_MAX 1024

#endif
