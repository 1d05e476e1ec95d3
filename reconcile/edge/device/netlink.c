#include "reconcile/edge/device/netlink.h"
#include <errno.h>
#include <linux/netlink.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

/* A dump's datagrams are at most 32 KiB (netlink_dump() in net/netlink/af_netlink.c). */
#define REPLY_MAX (64u << 10)

int nl_open(struct nl *nl, int bus)
{
	struct timeval patience = {.tv_sec = DEVICE_ANSWER_SECONDS};
	int yes = 1;
	int fd;

	memset(nl, 0, sizeof(*nl));
	nl->sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!nl->sock)
		return -errno;
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = -errno;

		nl_close(nl);
		return err;
	}
	nl->portid = mnl_socket_get_portid(nl->sock);
	fd = mnl_socket_get_fd(nl->sock);
	/* Old kernels lack both options. Without them the kernel filters less and adds no error text. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &yes, sizeof(yes));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return 0;
}

void nl_close(struct nl *nl)
{
	if (nl->sock)
		mnl_socket_close(nl->sock);
	nl->sock = NULL;
}

int nl_get(const struct nlattr *attr, void *out, size_t size)
{
	if (!attr || mnl_attr_get_payload_len(attr) != size)
		return -1;
	memcpy(out, mnl_attr_get_payload(attr), size);
	return 0;
}

/* Walks attributes that fill n bytes exactly, but for the padding of the last. */
static int walk(const char *p, size_t n, int (*fn)(void *ctx, const struct nlattr *attr), void *ctx)
{
	while (n) {
		const struct nlattr *attr = (const struct nlattr *)p;
		size_t step;
		int err;

		if (n < sizeof(*attr) || attr->nla_len < sizeof(*attr) || attr->nla_len > n)
			return -EBADMSG;
		err = fn(ctx, attr);
		if (err < 0)
			return err;
		step = MNL_ALIGN(attr->nla_len);
		if (step >= n)
			return 0;
		p += step;
		n -= step;
	}
	return 0;
}

int nl_each(const struct nlattr *nest, int (*fn)(void *ctx, const struct nlattr *attr), void *ctx)
{
	return walk(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), fn, ctx);
}

struct table {
	const struct nlattr **tb;
	size_t max;
};

static int enter(void *ctx, const struct nlattr *attr)
{
	const struct table *t = ctx;

	if (mnl_attr_get_type(attr) <= t->max)
		t->tb[mnl_attr_get_type(attr)] = attr;
	return 0;
}

static int collect(const char *p, size_t n, const struct nlattr **tb, size_t max)
{
	struct table t = {tb, max};

	memset(tb, 0, (max + 1) * sizeof(*tb));
	return walk(p, n, enter, &t);
}

int nl_attrs(const struct nlmsghdr *nlh, size_t header, const struct nlattr **tb, size_t max)
{
	size_t skip = MNL_NLMSG_HDRLEN + MNL_ALIGN(header);

	if (nlh->nlmsg_len < skip)
		return -EBADMSG;
	return collect((const char *)nlh + skip, nlh->nlmsg_len - skip, tb, max);
}

int nl_nested(const struct nlattr *nest, const struct nlattr **tb, size_t max)
{
	return collect(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), tb, max);
}

/* The text that the kernel adds to an error (Documentation/userspace-api/netlink/intro.rst, "Ext ACK"). */
static void keep_note(struct nl_reply *r, const struct nlmsghdr *nlh, const struct nlmsgerr *err)
{
	const struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	size_t skip = sizeof(*err);
	size_t n;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* The request comes back in the error unless it is capped; then only its header does. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && err->msg.nlmsg_len > MNL_NLMSG_HDRLEN)
		skip += MNL_ALIGN(err->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	if (nl_attrs(nlh, skip, tb, NLMSGERR_ATTR_MAX) < 0 || !tb[NLMSGERR_ATTR_MSG])
		return;
	n = mnl_attr_get_payload_len(tb[NLMSGERR_ATTR_MSG]);
	if (n > sizeof(r->note) - 1)
		n = sizeof(r->note) - 1;
	memcpy(r->note, mnl_attr_get_payload(tb[NLMSGERR_ATTR_MSG]), n);
	r->note[n] = '\0';
}

static int feed_one(struct nl_reply *r, const struct nlmsghdr *nlh, nl_message_fn *fn, void *ctx)
{
	const size_t payload = nlh->nlmsg_len - MNL_NLMSG_HDRLEN;

	if (nlh->nlmsg_seq != r->seq || nlh->nlmsg_pid != r->portid)
		return 0; /* the rest of an answer that its caller gave up waiting for */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		r->interrupted = true;

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

		if (payload < sizeof(*err) || err->error > 0 || err->error < -4095)
			return -EBADMSG;
		if (r->dump && err->error == 0)
			return -EBADMSG;
		r->done = true;
		keep_note(r, nlh, err);
		return err->error;
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		int err = 0;

		/* netlink_dump_done() always adds the result; older families may not. */
		if (payload >= sizeof(err))
			memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
		r->done = true;
		return err < 0 && err >= -4095 ? err : 0;
	}
	if (nlh->nlmsg_type == NLMSG_OVERRUN)
		return -ENOBUFS;
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE || !fn || r->interrupted)
		return 0;
	return fn(ctx, nlh);
}

int nl_reply_feed(struct nl_reply *r, const void *bytes, size_t n, nl_message_fn *fn, void *ctx)
{
	const char *p = bytes;

	while (n && !r->done) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)p;
		size_t step;
		int err;

		if (n < sizeof(*nlh) || nlh->nlmsg_len < sizeof(*nlh) || nlh->nlmsg_len > n)
			return -EBADMSG;
		err = feed_one(r, nlh, fn, ctx);
		if (err < 0)
			return err;
		step = MNL_ALIGN(nlh->nlmsg_len);
		if (step >= n)
			return 0;
		p += step;
		n -= step;
	}
	return 0;
}

/* One datagram, from the kernel alone: any local process may send to our port. */
static ssize_t receive(struct nl *nl, char *buf, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = buf, .iov_len = size};
		struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(mnl_socket_get_fd(nl->sock), &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
			continue;
		if (msg.msg_flags & MSG_TRUNC)
			return -ENOBUFS;
		return n;
	}
}

static int talk(struct nl *nl, struct nlmsghdr *nlh, bool dump, nl_message_fn *fn, void *ctx)
{
	struct nl_reply reply = {.seq = ++nl->seq, .portid = nl->portid, .dump = dump};
	char *buf = malloc(REPLY_MAX);
	int err = 0;

	if (!buf)
		return -ENOMEM;
	nlh->nlmsg_seq = reply.seq;
	nlh->nlmsg_pid = nl->portid;
	nlh->nlmsg_flags |= NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
	if (mnl_socket_sendto(nl->sock, nlh, nlh->nlmsg_len) < 0) {
		err = -errno;
		goto out;
	}
	while (!reply.done && err == 0) {
		ssize_t n = receive(nl, buf, REPLY_MAX);

		err = n < 0 ? (int)n : nl_reply_feed(&reply, buf, (size_t)n, fn, ctx);
	}
	memcpy(nl->note, reply.note, sizeof(nl->note));
	if (err == 0 && reply.interrupted)
		err = -EINTR;
out:
	sodium_memzero(buf, REPLY_MAX); /* WireGuard's dumps hold private and preshared keys */
	free(buf);
	return err;
}

int nl_request(struct nl *nl, struct nlmsghdr *nlh, nl_message_fn *fn, void *ctx)
{
	return talk(nl, nlh, false, fn, ctx);
}

int nl_dump(int bus, struct nlmsghdr *nlh, void (*begin)(void *ctx), nl_message_fn *fn, void *ctx)
{
	int err = -EINTR;

	for (int i = 0; i < DUMP_RETRIES && (err == -EINTR || err == -ENOBUFS || err == -EAGAIN); i++) {
		struct nl nl;

		begin(ctx);
		/* A dump that was given up may still be running on its socket, and a second one there is EBUSY. */
		err = nl_open(&nl, bus);
		if (err < 0)
			return err;
		err = talk(&nl, nlh, true, fn, ctx);
		nl_close(&nl);
	}
	return err;
}
