/*
 * A netlink reply from anywhere: the first byte chooses the reader, the rest is one datagram, taken as the answer to
 * whatever its first message says it answers. Each reader gets a state that is sorted and unique, or an error.
 */
#include "reconcile/edge/device/rtnl.h"
#include "reconcile/edge/device/wgnl.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_device(struct nl_reply *r, const char *bytes, size_t n)
{
	struct device_build b = {0};
	struct device_state s = {0};
	struct arena *a = arena_new();

	if (a && nl_reply_feed(r, bytes, n, wgnl_message, &b) == 0 && device_build_finish(&b, a, &s) == 0) {
		for (uint32_t i = 1; i < s.n_peers; i++) {
			if (key_cmp(&s.peers[i - 1].key, &s.peers[i].key) >= 0)
				abort();
		}
	}
	device_build_free(&b);
	arena_free(a);
}

static void read_prefixes(struct nl_reply *r, const char *bytes, size_t n, uint32_t index, nl_message_fn *fn)
{
	struct prefix_list list = {.index = index};

	(void)nl_reply_feed(r, bytes, n, fn, &list);
	for (uint32_t i = 0; i < list.n; i++) {
		if (list.p[i].len > 128)
			abort();
	}
	list.n = order_prefixes(list.p, list.n);
	free(list.p);
}

static int notified(void *ctx, const struct nlmsghdr *nlh)
{
	(void)notification_concerns(nlh, 2, ctx);
	(void)notification_concerns(nlh, 0, ctx);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[] = "corp", *bytes;
	struct link_list links = {0};
	struct link any = {.index = 2};
	struct local_list local = {.links = &links};
	struct nl_reply r = {0};
	struct link link;

	if (size < 1 + sizeof(struct nlmsghdr))
		return 0;
	bytes = malloc(size - 1); /* of exactly its size, and aligned */
	if (!bytes)
		return 0;
	memcpy(bytes, data + 1, size - 1);
	r.seq = ((const struct nlmsghdr *)bytes)->nlmsg_seq;
	r.portid = ((const struct nlmsghdr *)bytes)->nlmsg_pid;
	r.dump = data[0] & 0x80;
	switch (data[0] & 7) {
	case 0:
		read_device(&r, bytes, size - 1);
		break;
	case 1:
		read_prefixes(&r, bytes, size - 1, 2, addresses_message);
		break;
	case 2:
		links.links = &any;
		links.n = 1;
		(void)nl_reply_feed(&r, bytes, size - 1, local_addresses_message, &local);
		free(local.a);
		break;
	case 3:
		read_prefixes(&r, bytes, size - 1, 2, routes_message);
		break;
	case 4:
		(void)nl_reply_feed(&r, bytes, size - 1, links_message, &links);
		free(links.links);
		break;
	case 5:
		(void)nl_reply_feed(&r, bytes, size - 1, link_message, &link);
		break;
	default:
		(void)nl_reply_feed(&r, bytes, size - 1, notified, name);
	}
	free(bytes);
	return 0;
}
