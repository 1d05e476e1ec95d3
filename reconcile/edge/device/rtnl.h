/* Links, addresses and routes by rtnetlink(7). Errors are negative errno values; errors.note says what the kernel said. */
#ifndef EDGE_RTNL_H
#define EDGE_RTNL_H

#include "reconcile/edge/device/netlink.h"
#include "reconcile/wire/endpoints.h"

enum link_kind { LINK_OTHER, LINK_WIREGUARD, LINK_TUN };

struct link {
	uint32_t index; /* 0: none */
	uint32_t mtu;
	bool up;
	enum link_kind kind;
	char name[NETWORK_MAX_LEN + 1];
	char kind_name[32]; /* "dummy", "bridge", ...; empty: a device without a kind */
};

/* -ENODEV when there is none of this name in our network namespace. */
int link_get(struct nl *nl, const char *ifname, struct link *out);
int link_add_wireguard(struct nl *nl, const char *ifname); /* -EOPNOTSUPP: the kernel has no WireGuard */
int link_del(struct nl *nl, uint32_t index);
int link_set_mtu(struct nl *nl, uint32_t index, uint32_t mtu);
int link_set_up(struct nl *nl, uint32_t index);

/* A malloc'ed list; the caller frees `links`. */
struct link_list {
	struct link *links;
	uint32_t n, cap;
};
int links_dump(struct link_list *out);

/* A growing list of prefixes; the caller frees `p`. */
struct prefix_list {
	uint32_t index; /* in: of this link */
	struct prefix *p;
	uint32_t n, cap;
};
/*
 * Addresses as the interface has them: the whole address, with the length of its network (10.0.0.1/24 keeps its
 * host bits). Link-local ones and those of host scope are left out.
 */
int addresses_dump(struct prefix_list *out);
/* The same of all of `links` but loopback; without tentative and deprecated ones. The caller frees `a`. */
struct local_list {
	const struct link_list *links; /* in */
	struct local_address *a;
	uint32_t n, cap;
};
int local_addresses_dump(struct local_list *out);
/* Unicast routes of table main through this link, those of the kernel itself left out. */
int routes_dump(struct prefix_list *out);

int address_add(struct nl *nl, uint32_t index, const struct prefix *p);
int address_del(struct nl *nl, uint32_t index, const struct prefix *p);
int route_add(struct nl *nl, uint32_t index, const struct prefix *p);
int route_del(struct nl *nl, uint32_t index, const struct prefix *p);

/* The pure half, for tests and fuzzing: one message of a dump. `ctx` is the struct named. */
int link_message(void *ctx, const struct nlmsghdr *nlh);            /* struct link: 0, and index 0 when it is none */
int links_message(void *ctx, const struct nlmsghdr *nlh);           /* struct link_list */
int addresses_message(void *ctx, const struct nlmsghdr *nlh);       /* struct prefix_list */
int local_addresses_message(void *ctx, const struct nlmsghdr *nlh); /* struct local_list */
int routes_message(void *ctx, const struct nlmsghdr *nlh);          /* struct prefix_list */
/* Whether a notification is about this link. index 0 (it is not there): any link that comes or goes may be it. */
bool notification_concerns(const struct nlmsghdr *nlh, uint32_t index, const char *ifname);

#endif
