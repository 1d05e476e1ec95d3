#include "reconcile/edge/device/rtnl.h"
#include "reconcile/edge/device/device_build.h"
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

/* Some routes of one prefix differ in metric only: deleting by prefix takes one at a time. */
#define SAME_PREFIX_MAX 16

/* The loopback device's index in every namespace (include/net/flow.h; not in the user's headers). */
#define LOOPBACK_INDEX 1

/* Space for a request, aligned as netlink wants it. */
struct request {
	_Alignas(struct nlmsghdr) char bytes[NL_REQUEST_MAX];
};

static struct nlmsghdr *request_start(struct request *r, uint16_t type, uint16_t flags, size_t header, void *extra)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(r->bytes);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	*(void **)extra = mnl_nlmsg_put_extra_header(nlh, header);
	return nlh;
}

/* A NUL-terminated string that fits. */
static int get_str(const struct nlattr *attr, char *out, size_t size)
{
	size_t n;

	if (!attr)
		return -1;
	n = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (n == mnl_attr_get_payload_len(attr) || n >= size)
		return -1;
	memcpy(out, mnl_attr_get_payload(attr), n + 1);
	return 0;
}

int link_message(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[IFLA_LINKINFO + 1], *info[IFLA_INFO_KIND + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link *l = ctx;

	memset(l, 0, sizeof(*l));
	if (nlh->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (nl_attrs(nlh, sizeof(*ifi), tb, IFLA_LINKINFO) < 0 || ifi->ifi_index <= 0)
		return -EBADMSG;
	if (get_str(tb[IFLA_IFNAME], l->name, sizeof(l->name)) < 0 || nl_get(tb[IFLA_MTU], &l->mtu, sizeof(l->mtu)) < 0)
		return -EBADMSG;
	if (tb[IFLA_LINKINFO]) {
		if (nl_nested(tb[IFLA_LINKINFO], info, IFLA_INFO_KIND) < 0)
			return -EBADMSG;
		if (info[IFLA_INFO_KIND] && get_str(info[IFLA_INFO_KIND], l->kind_name, sizeof(l->kind_name)) < 0)
			return -EBADMSG;
	}
	l->index = (uint32_t)ifi->ifi_index;
	l->up = ifi->ifi_flags & IFF_UP;
	l->kind = strcmp(l->kind_name, "wireguard") == 0 ? LINK_WIREGUARD
		  : strcmp(l->kind_name, "tun") == 0     ? LINK_TUN
							 : LINK_OTHER;
	return 0;
}

int link_get(struct nl *nl, const char *ifname, struct link *out)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_GETLINK, 0, sizeof(*ifi), &ifi);
	int err;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	memset(out, 0, sizeof(*out));
	err = nl_request(nl, nlh, link_message, out);
	if (err < 0)
		return err;
	return out->index ? 0 : -ENODEV;
}

int links_message(void *ctx, const struct nlmsghdr *nlh)
{
	struct link_list *list = ctx;
	struct link *grown = device_build_grow(list->links, list->n, &list->cap, sizeof(*grown), DEVICE_LINKS_MAX);
	int err;

	if (!grown)
		return -ENOMEM;
	list->links = grown;
	err = link_message(&grown[list->n], nlh);
	if (err == 0 && grown[list->n].index)
		list->n++;
	return err;
}

static void links_begin(void *ctx)
{
	((struct link_list *)ctx)->n = 0;
}

int links_dump(struct link_list *out)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_GETLINK, 0, sizeof(*ifi), &ifi);

	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return nl_dump(NETLINK_ROUTE, nlh, links_begin, links_message, out);
}

int link_add_wireguard(struct nl *nl, const char *ifname)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(*ifi), &ifi);
	struct nlattr *info;

	mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "wireguard");
	mnl_attr_nest_end(nlh, info);
	return nl_request(nl, nlh, NULL, NULL);
}

int link_del(struct nl *nl, uint32_t index)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_DELLINK, 0, sizeof(*ifi), &ifi);

	ifi->ifi_index = (int)index;
	return nl_request(nl, nlh, NULL, NULL);
}

int link_set_mtu(struct nl *nl, uint32_t index, uint32_t mtu)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_NEWLINK, 0, sizeof(*ifi), &ifi);

	ifi->ifi_index = (int)index;
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return nl_request(nl, nlh, NULL, NULL);
}

int link_set_up(struct nl *nl, uint32_t index)
{
	struct request req;
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = request_start(&req, RTM_NEWLINK, 0, sizeof(*ifi), &ifi);

	ifi->ifi_index = (int)index;
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	return nl_request(nl, nlh, NULL, NULL);
}

/* An address of a message, 4 or 16 bytes by its family, and its length on the wire. */
static int get_prefix(const struct nlattr *attr, uint8_t family, uint8_t wire_len, struct prefix *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	memset(out, 0, sizeof(*out));
	if (family == AF_INET && wire_len <= 32) {
		memcpy(out->base.b, mapped, sizeof(mapped));
		out->len = 96 + wire_len;
		return attr ? nl_get(attr, out->base.b + 12, 4) : 0;
	}
	if (family == AF_INET6 && wire_len <= 128) {
		out->len = wire_len;
		return attr ? nl_get(attr, out->base.b, 16) : 0;
	}
	return -1;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct prefix *p)
{
	if (prefix_is_v4(p))
		mnl_attr_put(nlh, type, 4, p->base.b + 12);
	else
		mnl_attr_put(nlh, type, 16, p->base.b);
}

static int keep(struct prefix_list *list, const struct prefix *p)
{
	struct prefix *grown = device_build_grow(list->p, list->n, &list->cap, sizeof(*p), DEVICE_ROUTES_MAX);

	if (!grown)
		return -ENOMEM;
	list->p = grown;
	list->p[list->n++] = *p;
	return 0;
}

/* One address that counts: 1; 0: none. -EBADMSG when it is garbled. */
static int take_address(const struct nlmsghdr *nlh, struct prefix *p, uint32_t *index, uint32_t *flags)
{
	const struct nlattr *tb[IFA_FLAGS + 1];
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return 0;
	if (nl_attrs(nlh, sizeof(*ifa), tb, IFA_FLAGS) < 0)
		return -EBADMSG;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return 0;
	if (ifa->ifa_scope >= RT_SCOPE_LINK)
		return 0;
	if (nl_get(tb[IFA_FLAGS], flags, sizeof(*flags)) < 0)
		*flags = ifa->ifa_flags;
	*index = ifa->ifa_index;
	/* On a point-to-point link IFA_ADDRESS is the other end's (linux/if_addr.h). */
	if (!tb[IFA_LOCAL] && !tb[IFA_ADDRESS])
		return -EBADMSG;
	if (get_prefix(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], ifa->ifa_family, ifa->ifa_prefixlen, p) < 0)
		return -EBADMSG;
	return 1;
}

int addresses_message(void *ctx, const struct nlmsghdr *nlh)
{
	struct prefix_list *list = ctx;
	uint32_t index, flags;
	struct prefix p;
	int r = take_address(nlh, &p, &index, &flags);

	return r <= 0 || index != list->index ? (r < 0 ? r : 0) : keep(list, &p);
}

int local_addresses_message(void *ctx, const struct nlmsghdr *nlh)
{
	struct local_list *list = ctx;
	struct local_address *grown;
	uint32_t index, flags, i = 0;
	struct prefix p;
	int r = take_address(nlh, &p, &index, &flags);

	if (r <= 0)
		return r;
	while (i < list->links->n && list->links->links[i].index != index)
		i++;
	if (i == list->links->n || index == LOOPBACK_INDEX ||
	    flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED))
		return 0;
	grown = device_build_grow(list->a, list->n, &list->cap, sizeof(*grown), DEVICE_ROUTES_MAX);
	if (!grown)
		return -ENOMEM;
	list->a = grown;
	/* IFA_F_TEMPORARY is the same bit as IFA_F_SECONDARY, which has another meaning for IPv4. */
	list->a[list->n++] =
	    (struct local_address){.ip = p.base, .temporary = !prefix_is_v4(&p) && flags & IFA_F_TEMPORARY};
	return 0;
}

int routes_message(void *ctx, const struct nlmsghdr *nlh)
{
	const struct nlattr *tb[RTA_TABLE + 1];
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct prefix_list *list = ctx;
	uint32_t table, oif;
	struct prefix p;

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (nl_attrs(nlh, sizeof(*rtm), tb, RTA_TABLE) < 0)
		return -EBADMSG;
	if (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6)
		return 0;
	table = rtm->rtm_table;
	if (tb[RTA_TABLE] && nl_get(tb[RTA_TABLE], &table, sizeof(table)) < 0)
		return -EBADMSG;
	if (rtm->rtm_type != RTN_UNICAST || table != RT_TABLE_MAIN || rtm->rtm_protocol == RTPROT_KERNEL ||
	    rtm->rtm_flags & RTM_F_CLONED || rtm->rtm_tos != 0)
		return 0;
	if (nl_get(tb[RTA_OIF], &oif, sizeof(oif)) < 0 || oif != list->index)
		return 0; /* several next hops, or none: not ours to judge */
	if (get_prefix(tb[RTA_DST], rtm->rtm_family, rtm->rtm_dst_len, &p) < 0)
		return -EBADMSG;
	return keep(list, &p);
}

static void prefixes_begin(void *ctx)
{
	((struct prefix_list *)ctx)->n = 0;
}

int addresses_dump(struct prefix_list *out)
{
	struct request req;
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh = request_start(&req, RTM_GETADDR, 0, sizeof(*ifa), &ifa);

	ifa->ifa_index = out->index;
	return nl_dump(NETLINK_ROUTE, nlh, prefixes_begin, addresses_message, out);
}

static void local_begin(void *ctx)
{
	((struct local_list *)ctx)->n = 0;
}

int local_addresses_dump(struct local_list *out)
{
	struct request req;
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh = request_start(&req, RTM_GETADDR, 0, sizeof(*ifa), &ifa);

	return nl_dump(NETLINK_ROUTE, nlh, local_begin, local_addresses_message, out);
}

int routes_dump(struct prefix_list *out)
{
	struct request req;
	struct rtmsg *rtm;
	struct nlmsghdr *nlh = request_start(&req, RTM_GETROUTE, 0, sizeof(*rtm), &rtm);

	/*
	 * Both families at once: asked for one family alone, a namespace without a single route has no table
	 * main yet and answers ENOENT (inet_dump_fib() in net/ipv4/fib_frontend.c).
	 */
	rtm->rtm_table = RT_TABLE_MAIN;
	mnl_attr_put_u32(nlh, RTA_OIF, out->index);
	return nl_dump(NETLINK_ROUTE, nlh, prefixes_begin, routes_message, out);
}

static int address_request(struct nl *nl, uint16_t type, uint16_t flags, uint32_t index, const struct prefix *p,
			   bool local)
{
	struct request req;
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh = request_start(&req, type, flags, sizeof(*ifa), &ifa);

	ifa->ifa_family = prefix_is_v4(p) ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = (uint8_t)prefix_wire_len(p);
	ifa->ifa_index = index;
	put_addr(nlh, IFA_LOCAL, p);
	if (!local)
		put_addr(nlh, IFA_ADDRESS, p);
	/* No route for the address's own prefix, and no duplicate detection: no other machine is on this link. */
	if (type == RTM_NEWADDR)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE | (prefix_is_v4(p) ? 0 : IFA_F_NODAD));
	return nl_request(nl, nlh, NULL, NULL);
}

int address_add(struct nl *nl, uint32_t index, const struct prefix *p)
{
	return address_request(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, p, false);
}

int address_del(struct nl *nl, uint32_t index, const struct prefix *p)
{
	int err = address_request(nl, RTM_DELADDR, 0, index, p, false);

	/* An address with a peer (point-to-point) needs that peer in IFA_ADDRESS, which is not kept here. */
	if (err == -EADDRNOTAVAIL)
		err = address_request(nl, RTM_DELADDR, 0, index, p, true);
	return err == -EADDRNOTAVAIL ? 0 : err;
}

static int route_request(struct nl *nl, uint16_t type, uint16_t flags, uint32_t index, const struct prefix *p)
{
	struct request req;
	struct rtmsg *rtm;
	struct nlmsghdr *nlh = request_start(&req, type, flags, sizeof(*rtm), &rtm);
	bool add = type == RTM_NEWROUTE;

	rtm->rtm_family = prefix_is_v4(p) ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = (uint8_t)prefix_wire_len(p);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = add ? RTPROT_STATIC : RTPROT_UNSPEC; /* whichever program made it */
	rtm->rtm_scope = add ? RT_SCOPE_LINK : RT_SCOPE_NOWHERE; /* any scope */
	rtm->rtm_type = RTN_UNICAST;
	put_addr(nlh, RTA_DST, p);
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	return nl_request(nl, nlh, NULL, NULL);
}

int route_add(struct nl *nl, uint32_t index, const struct prefix *p)
{
	/* NLM_F_EXCL: to replace would take the prefix from another interface. */
	return route_request(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, index, p);
}

int route_del(struct nl *nl, uint32_t index, const struct prefix *p)
{
	for (int i = 0; i < SAME_PREFIX_MAX; i++) {
		int err = route_request(nl, RTM_DELROUTE, 0, index, p);

		if (err < 0)
			return err == -ESRCH || err == -ENOENT ? 0 : err;
	}
	return 0;
}

bool notification_concerns(const struct nlmsghdr *nlh, uint32_t index, const char *ifname)
{
	const struct nlattr *tb[RTA_NH_ID + 1];
	char name[IFNAMSIZ];
	uint32_t oif;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (nl_attrs(nlh, sizeof(struct ifinfomsg), tb, IFLA_IFNAME) < 0 || index == 0)
			return true;
		if ((uint32_t)((const struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_index == index)
			return true;
		return get_str(tb[IFLA_IFNAME], name, sizeof(name)) < 0 || strcmp(name, ifname) == 0;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (nl_attrs(nlh, sizeof(struct ifaddrmsg), tb, 0) < 0)
			return true;
		return ((const struct ifaddrmsg *)mnl_nlmsg_get_payload(nlh))->ifa_index == index;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (nl_attrs(nlh, sizeof(struct rtmsg), tb, RTA_NH_ID) < 0)
			return true;
		if (tb[RTA_OIF])
			return nl_get(tb[RTA_OIF], &oif, sizeof(oif)) < 0 || oif == index;
		return tb[RTA_MULTIPATH] || tb[RTA_NH_ID];
	default:
		return false;
	}
}
