/* Netlink: replies taken apart, split, interrupted and garbled; the SETs that a plan becomes. */
#include "reconcile/edge/device/rtnl.h"
#include "reconcile/edge/device/wgnl.h"
#include "tests/unit/device_states.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <stdio.h>

#define FAMILY 29
#define SEQ    7
#define PORT   4711

/* Datagrams as the kernel would send them, one after the other. */
struct datagram {
	_Alignas(struct nlmsghdr) char bytes[256u << 10];
	size_t n;
};

static void append(struct datagram *d, struct nlmsghdr *nlh)
{
	assert_in_range(nlh->nlmsg_len, 1, sizeof(d->bytes) - d->n);
	nlh->nlmsg_seq = SEQ;
	nlh->nlmsg_pid = PORT;
	memcpy(d->bytes + d->n, nlh, nlh->nlmsg_len);
	d->n += MNL_ALIGN(nlh->nlmsg_len);
}

static void append_int(struct datagram *d, uint16_t type, int value)
{
	_Alignas(struct nlmsghdr) char bytes[256] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, type == NLMSG_ERROR ? sizeof(*err) : sizeof(int));

	nlh->nlmsg_type = type;
	err->error = value;
	append(d, nlh);
}

static int collect_set(void *ctx, struct nlmsghdr *nlh)
{
	assert_in_range(nlh->nlmsg_len, 1, NETLINK_MESSAGE);
	append(ctx, nlh);
	return 0;
}

static int count(void *ctx, const struct nlmsghdr *nlh)
{
	(void)nlh;
	++*(unsigned *)ctx;
	return 0;
}

static struct nl_reply a_dump(void)
{
	return (struct nl_reply){.seq = SEQ, .portid = PORT, .dump = true};
}

static void done_interrupted_refused(void **state)
{
	struct nl_reply r = a_dump();
	struct datagram d = {.n = 0};
	unsigned n = 0;

	(void)state;
	append_int(&d, FAMILY, 0);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), 0);
	assert_false(r.done);
	append_int(&d, NLMSG_DONE, 0);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), 0);
	assert_true(r.done);
	assert_int_equal(n, 2);

	/* Of an interrupted dump nothing more is taken, and it is known at its end. */
	((struct nlmsghdr *)d.bytes)->nlmsg_flags |= NLM_F_DUMP_INTR;
	r = a_dump();
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), 0);
	assert_true(r.done && r.interrupted);
	assert_int_equal(n, 2);

	/* NLMSG_DONE may bring an error; an acknowledgement is no end of a dump. */
	r = a_dump();
	d.n = 0;
	append_int(&d, NLMSG_DONE, -ENODEV);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), -ENODEV);
	r = a_dump();
	d.n = 0;
	append_int(&d, NLMSG_ERROR, 0);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), -EBADMSG);
	r.dump = false;
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), 0);
	assert_true(r.done);
	/* What is not ours is skipped. */
	r = a_dump();
	r.seq++;
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, count, &n), 0);
	assert_false(r.done);
}

static void what_the_kernel_says(void **state)
{
	_Alignas(struct nlmsghdr) char bytes[256] = {0};
	struct nl_reply r = {.seq = SEQ, .portid = PORT};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	struct datagram d = {.n = 0};

	(void)state;
	nlh->nlmsg_type = NLMSG_ERROR;
	nlh->nlmsg_flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
	err->error = -EINVAL;
	mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, "Invalid prefix for given prefix length");
	append(&d, nlh);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, NULL, NULL), -EINVAL);
	assert_string_equal(r.note, "Invalid prefix for given prefix length");
}

/* What a SET says is what a GET would: the two have one grammar, flags apart. */
static void peers_over_several_messages(void **state)
{
	struct arena *a = arena_new();
	struct device_peer peers[3] = {
	    peer_of(a, 1, NULL, "10.0.0.1/32,10.0.0.2/31,fd00::/64", "192.0.2.1:5", 25),
	    {.key = key_of(2), .n_allowed = 4000},
	    peer_of(a, 3, NULL, "", "[fe80::1]:9", 0),
	};
	struct op ops[4] = {{.kind = OP_PORT_SET, .new_value = 51820}};
	struct datagram *d = calloc(1, sizeof(*d));
	struct device_build b = {0};
	struct device_state s = {0};
	struct nl_reply r = a_dump();

	(void)state;
	peers[1].allowed = arena_array(a, 4000, sizeof(struct prefix));
	for (uint32_t i = 0; i < 4000; i++) {
		struct addr at = {.b = {0xfd, 1, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};

		peers[1].allowed[i] = prefix_host(&at);
	}
	peers[2].endpoint.scope = 4;
	for (int i = 0; i < 3; i++)
		ops[i + 1] = (struct op){.kind = OP_PEER_ADD, .after = &peers[i]};
	assert_int_equal(wgnl_write(FAMILY, 3, ops, 4, NULL, collect_set, d), 0);
	append_int(d, NLMSG_DONE, 0);
	assert_int_equal(nl_reply_feed(&r, d->bytes, d->n, wgnl_message, &b), 0);
	assert_true(r.done);
	assert_int_equal(device_build_finish(&b, a, &s), 0);
	assert_int_equal(s.listen_port, 51820);
	assert_false(s.has_key);
	assert_int_equal(s.n_peers, 3);
	for (int i = 0; i < 3; i++) {
		assert_memory_equal(&s.peers[i].key, &peers[i].key, KEY_LEN);
		assert_int_equal(s.peers[i].n_allowed, peers[i].n_allowed);
		for (uint32_t j = 0; j < peers[i].n_allowed; j++)
			assert_int_equal(prefix_cmp(&s.peers[i].allowed[j], &peers[i].allowed[j]), 0);
		assert_true(sockpoint_eq(&s.peers[i].endpoint, &peers[i].endpoint));
		assert_int_equal(s.peers[i].keepalive, peers[i].keepalive);
	}
	device_build_free(&b);
	free(d);
	arena_free(a);
}

static int first_peer_flags(const struct nlmsghdr *nlh, uint32_t *flags)
{
	const struct nlattr *tb[WGDEVICE_A_MAX + 1], *peer[WGPEER_A_MAX + 1];

	*flags = 0;
	assert_int_equal(nl_attrs(nlh, sizeof(struct genlmsghdr), tb, WGDEVICE_A_MAX), 0);
	if (!tb[WGDEVICE_A_PEERS])
		return -1;
	assert_int_equal(nl_nested(mnl_attr_get_payload(tb[WGDEVICE_A_PEERS]), peer, WGPEER_A_MAX), 0);
	(void)nl_get(peer[WGPEER_A_FLAGS], flags, sizeof(*flags));
	return 0;
}

static void flags_of_a_split_peer(void **state)
{
	struct arena *a = arena_new();
	struct device_peer p = {.key = key_of(1), .n_allowed = 2000};
	struct op op = {.kind = OP_PEER_CHANGE, .before = &p, .after = &p, .set_allowed = true};
	struct datagram *d = calloc(1, sizeof(*d));
	unsigned n = 0;

	(void)state;
	p.allowed = arena_array(a, p.n_allowed, sizeof(struct prefix));
	for (uint32_t i = 0; i < p.n_allowed; i++)
		p.allowed[i].len = 128;
	assert_int_equal(wgnl_write(FAMILY, 3, &op, 1, NULL, collect_set, d), 0);
	for (size_t at = 0; at < d->n; n++) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(d->bytes + at);
		uint32_t flags;

		assert_int_equal(first_peer_flags(nlh, &flags), 0);
		assert_int_equal(flags, WGPEER_F_UPDATE_ONLY | (n ? 0 : WGPEER_F_REPLACE_ALLOWEDIPS));
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	assert_in_range(n, 2, 20);
	assert_int_equal(wgnl_write(FAMILY, 3, &(struct op){.kind = OP_KEY_SET}, 1, NULL, collect_set, d), -EINVAL);
	free(d);
	arena_free(a);
}

/* What is not WireGuard's is refused: the table says which these are. */
static void the_operations_of_the_table(void **state)
{
	struct arena *a = arena_new();
	struct device_peer p = peer_of(a, 1, NULL, "10.0.0.1/32", "192.0.2.1:5", 25);
	struct key private_key = key_of(2);

	(void)state;
	for (int k = 0; k < N_OP_KINDS; k++) {
		struct op op = {.kind = (enum op_kind)k, .before = &p, .after = &p};
		struct datagram *d = calloc(1, sizeof(*d));

		assert_int_equal(wgnl_write(FAMILY, 3, &op, 1, private_key.b, collect_set, d),
				 op_rows[k].backend == BY_WIREGUARD ? 0 : -EINVAL);
		free(d);
	}
	arena_free(a);
}

/* Every cut of a good message, and every length in it changed, is refused or understood: never read past. */
static void cut_and_garbled(void **state)
{
	struct arena *a = arena_new();
	struct device_peer p = peer_of(a, 1, NULL, "10.0.0.1/32,fd00::/64", "192.0.2.1:5", 25);
	struct op op = {.kind = OP_PEER_ADD, .after = &p};
	struct datagram *d = calloc(1, sizeof(*d));
	size_t n;

	(void)state;
	assert_int_equal(wgnl_write(FAMILY, 3, &op, 1, NULL, collect_set, d), 0);
	n = d->n;
	for (size_t cut = 0; cut < n; cut++) {
		char *exact = malloc(cut ? cut : 1);
		struct device_build b = {0};
		struct nl_reply r = a_dump();

		memcpy(exact, d->bytes, cut);
		assert_int_equal(nl_reply_feed(&r, exact, cut, wgnl_message, &b), cut ? -EBADMSG : 0);
		/* The same with a header that agrees. */
		if (cut >= sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr)) {
			((struct nlmsghdr *)exact)->nlmsg_len = (uint32_t)cut;
			(void)nl_reply_feed(&r, exact, cut, wgnl_message, &b);
			assert_false(r.done);
		}
		device_build_free(&b);
		free(exact);
	}
	for (size_t at = 16; at < n; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			char *exact = malloc(n);
			struct device_build b = {0};
			struct nl_reply r = a_dump();

			memcpy(exact, d->bytes, n);
			exact[at] ^= (char)(1u << bit);
			(void)nl_reply_feed(&r, exact, n, wgnl_message, &b);
			device_build_free(&b);
			free(exact);
		}
	}
	free(d);
	arena_free(a);
}

/* A route of IPv4, or of IPv6 when the text has a colon. */
static void put_route(struct datagram *d, const char *prefix, uint8_t table, uint8_t type, uint8_t protocol,
		      uint32_t oif)
{
	_Alignas(struct nlmsghdr) char bytes[512] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	struct prefix p;
	bool v4 = !strchr(prefix, ':');

	assert_int_equal(prefix_parse(prefix, strlen(prefix), &p), PREFIX_OK);
	nlh->nlmsg_type = RTM_NEWROUTE;
	rtm->rtm_family = v4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = (uint8_t)prefix_wire_len(&p);
	rtm->rtm_table = table;
	rtm->rtm_type = type;
	rtm->rtm_protocol = protocol;
	if (rtm->rtm_dst_len)
		mnl_attr_put(nlh, RTA_DST, v4 ? 4 : 16, v4 ? p.base.b + 12 : p.base.b);
	mnl_attr_put_u32(nlh, RTA_OIF, oif);
	append(d, nlh);
}

static void routes_that_count(void **state)
{
	struct prefix_list list = {.index = 3};
	struct datagram d = {.n = 0};
	struct nl_reply r = a_dump();
	char text[PREFIX_STR_LEN];

	(void)state;
	put_route(&d, "10.0.0.0/8", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_STATIC, 3);
	put_route(&d, "0.0.0.0/0", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_BOOT, 3);
	put_route(&d, "::/0", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_BOOT, 3);
	put_route(&d, "10.1.0.0/16", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_STATIC, 4);
	put_route(&d, "10.2.0.0/16", RT_TABLE_LOCAL, RTN_UNICAST, RTPROT_STATIC, 3);
	put_route(&d, "10.3.0.0/16", RT_TABLE_MAIN, RTN_BLACKHOLE, RTPROT_STATIC, 3);
	put_route(&d, "fe80::/64", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_KERNEL, 3);
	append_int(&d, NLMSG_DONE, 0);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, routes_message, &list), 0);
	assert_int_equal(list.n, 3);
	prefix_format(&list.p[0], text);
	assert_string_equal(text, "10.0.0.0/8");
	prefix_format(&list.p[1], text);
	assert_string_equal(text, "0.0.0.0/0");
	prefix_format(&list.p[2], text);
	assert_string_equal(text, "::/0");
	free(list.p);
}

static void put_address(struct datagram *d, const char *local, const char *peer, uint8_t len, uint8_t scope,
			uint32_t index)
{
	_Alignas(struct nlmsghdr) char bytes[512] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	uint8_t at[16];
	int family = strchr(local, ':') ? AF_INET6 : AF_INET;

	nlh->nlmsg_type = RTM_NEWADDR;
	ifa->ifa_family = (uint8_t)family;
	ifa->ifa_prefixlen = len;
	ifa->ifa_scope = scope;
	ifa->ifa_index = index;
	assert_int_equal(inet_pton(family, local, at), 1);
	mnl_attr_put(nlh, peer ? IFA_LOCAL : IFA_ADDRESS, family == AF_INET ? 4 : 16, at);
	if (peer) {
		assert_int_equal(inet_pton(family, peer, at), 1);
		mnl_attr_put(nlh, IFA_ADDRESS, family == AF_INET ? 4 : 16, at);
	}
	append(d, nlh);
}

static void addresses_that_count(void **state)
{
	struct prefix_list list = {.index = 3};
	struct link two = {.index = 2}, lo = {.index = 1};
	struct link both[] = {lo, two};
	const struct link_list links = {.links = both, .n = 2};
	struct local_list local = {.links = &links};
	struct datagram d = {.n = 0};
	struct nl_reply r = a_dump();
	char text[PREFIX_STR_LEN];

	(void)state;
	put_address(&d, "10.0.0.1", "10.0.0.2", 32, RT_SCOPE_UNIVERSE, 3);
	put_address(&d, "10.9.0.1", "10.9.0.1", 24, RT_SCOPE_UNIVERSE, 3);
	put_address(&d, "fd00::1", NULL, 64, RT_SCOPE_UNIVERSE, 3);
	put_address(&d, "fe80::1", NULL, 64, RT_SCOPE_LINK, 3);
	put_address(&d, "192.0.2.1", "192.0.2.1", 24, RT_SCOPE_UNIVERSE, 2);
	put_address(&d, "192.0.2.9", "192.0.2.9", 32, RT_SCOPE_UNIVERSE, 1);
	append_int(&d, NLMSG_DONE, 0);
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, addresses_message, &list), 0);
	assert_int_equal(list.n, 3);
	prefix_format(&list.p[0], text);
	assert_string_equal(text, "10.0.0.1/32");
	prefix_format(&list.p[1], text);
	assert_string_equal(text, "10.9.0.1/24");
	prefix_format(&list.p[2], text);
	assert_string_equal(text, "fd00::1/64");

	r = a_dump();
	assert_int_equal(nl_reply_feed(&r, d.bytes, d.n, local_addresses_message, &local), 0);
	assert_int_equal(local.n, 1);
	addr_format(&local.a[0].ip, text);
	assert_string_equal(text, "192.0.2.1");
	free(list.p);
	free(local.a);
}

static void whom_a_notification_concerns(void **state)
{
	_Alignas(struct nlmsghdr) char bytes[512] = {0};
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct datagram d = {.n = 0};

	(void)state;
	nlh->nlmsg_type = RTM_NEWLINK;
	ifi->ifi_index = 5;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "corp");
	assert_true(notification_concerns(nlh, 5, "corp"));
	assert_true(notification_concerns(nlh, 5, "renamed"));
	assert_true(notification_concerns(nlh, 4, "corp"));
	assert_true(notification_concerns(nlh, 0, "other"));
	assert_false(notification_concerns(nlh, 4, "other"));

	put_route(&d, "10.0.0.0/8", RT_TABLE_MAIN, RTN_UNICAST, RTPROT_STATIC, 3);
	assert_true(notification_concerns((const struct nlmsghdr *)d.bytes, 3, "corp"));
	assert_false(notification_concerns((const struct nlmsghdr *)d.bytes, 4, "corp"));
	d.n = 0;
	put_address(&d, "fd00::1", NULL, 64, RT_SCOPE_UNIVERSE, 3);
	assert_true(notification_concerns((const struct nlmsghdr *)d.bytes, 3, "corp"));
	assert_false(notification_concerns((const struct nlmsghdr *)d.bytes, 4, "corp"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(done_interrupted_refused),
	    cmocka_unit_test(what_the_kernel_says),
	    cmocka_unit_test(peers_over_several_messages),
	    cmocka_unit_test(flags_of_a_split_peer),
	    cmocka_unit_test(the_operations_of_the_table),
	    cmocka_unit_test(cut_and_garbled),
	    cmocka_unit_test(routes_that_count),
	    cmocka_unit_test(addresses_that_count),
	    cmocka_unit_test(whom_a_notification_concerns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
