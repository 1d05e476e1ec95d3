#include "reconcile/edge/device/device.h"
#include "reconcile/edge/device/rtnl.h"
#include "reconcile/edge/device/uapi.h"
#include "reconcile/edge/device/userspace.h"
#include "reconcile/edge/device/wgnl.h"
#include "schema/order.h"
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int device_backend_parse(const char *s, enum device_backend *out)
{
	static const char *const names[] = {
	    [BACKEND_AUTO] = "auto", [BACKEND_KERNEL] = "kernel", [BACKEND_USERSPACE] = "userspace"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]) == 0) {
			*out = (enum device_backend)i;
			return 0;
		}
	}
	return -1;
}

/* One error, said once: what could not be done, to which interface, why, and what to do. Returns -1. */
static int fail(struct diags *d, const char *ifname, int err, const char *note, const char *what)
{
	const char *why = note && *note ? note : strerror(-err);
	struct diag *g;

	switch (err) {
	case -EPERM:
	case -EACCES:
		g = diag_error(d, "device-permission", NULL, "%s: cannot %s: %s", ifname, what, why);
		diag_help(
		    d, g,
		    "WireGuard interfaces are for root, or a process with CAP_NET_ADMIN in this network namespace");
		break;
	case -EADDRINUSE:
		g = diag_error(d, "device-port-in-use", NULL, "%s: cannot %s: its UDP port is in use", ifname, what);
		diag_help(d, g, "`ss -lunp` shows by which program; give this interface another listen port");
		break;
	case -ENODEV:
		diag_error(d, "device-absent", NULL, "%s: cannot %s: the interface is gone", ifname, what);
		break;
	case -ETIMEDOUT:
		diag_error(d, "device-timeout", NULL, "%s: cannot %s: no answer within %d s", ifname, what,
			   DEVICE_ANSWER_SECONDS);
		break;
	case -EINTR:
	case -ENOBUFS:
	case -EAGAIN:
		diag_error(d, "device-busy", NULL, "%s: cannot %s: it changed during each of %d attempts", ifname, what,
			   DUMP_RETRIES);
		break;
	case -EBADMSG:
		diag_error(d, "device-answer", NULL, "%s: cannot %s: the answer makes no sense", ifname, what);
		break;
	default:
		diag_error(d, "device-failed", NULL, "%s: cannot %s: %s", ifname, what, why);
	}
	return -1;
}

/* Copies the collected prefixes into the arena, sorted; 0 or -ENOMEM. */
static int take_prefixes(struct arena *a, const struct prefix_list *from, struct prefix **p, uint32_t *n)
{
	*p = arena_array(a, from->n ? from->n : 1, sizeof(**p));
	if (!*p)
		return -ENOMEM;
	if (from->n)
		memcpy(*p, from->p, from->n * sizeof(**p));
	*n = order_prefixes(*p, from->n);
	return 0;
}

static int read_network(struct arena *a, uint32_t index, struct device_state *s)
{
	struct prefix_list list = {.index = index};
	int err = addresses_dump(&list);

	if (err == 0)
		err = take_prefixes(a, &list, &s->addresses, &s->n_addresses);
	if (err == 0)
		err = routes_dump(&list);
	if (err == 0)
		err = take_prefixes(a, &list, &s->routes, &s->n_routes);
	free(list.p);
	return err;
}

static int read_kernel(uint32_t index, struct device_build *b)
{
	struct nl genl;
	uint16_t family;
	int err = nl_open(&genl, NETLINK_GENERIC);

	if (err == 0)
		err = wgnl_family(&genl, &family);
	if (err == 0)
		err = wgnl_get(family, index, b);
	nl_close(&genl);
	return err;
}

/* -ENOTSUP: the link is not WireGuard's. A socket counts with a link in this namespace only. */
static int read_wireguard(const struct link *l, struct device_build *b, bool *userspace)
{
	int fd, err;

	device_build_reset(b);
	*userspace = l->kind == LINK_TUN;
	if (l->kind == LINK_WIREGUARD)
		return read_kernel(l->index, b);
	if (l->kind != LINK_TUN)
		return -ENOTSUP;
	fd = uapi_connect(l->name);
	if (fd == -ENOENT || fd == -ECONNREFUSED || fd == -ENOTDIR)
		return -ENOTSUP;
	if (fd < 0)
		return fd;
	err = uapi_get(fd, b);
	close(fd);
	return err;
}

static int read_once(struct arena *a, const char *ifname, struct nl *rt, struct device_state *s, struct link *l,
		     struct device_build *b)
{
	int err;

	memset(s, 0, sizeof(*s));
	strncpy(s->name, ifname, sizeof(s->name) - 1);
	err = link_get(rt, ifname, l);
	if (err < 0)
		return err;
	err = read_wireguard(l, b, &s->userspace);
	if (err == 0)
		err = device_build_finish(b, a, s);
	if (err == 0)
		err = read_network(a, l->index, s);
	s->exists = true;
	s->up = l->up;
	s->mtu = l->mtu;
	return err;
}

/* A name longer than the kernel's limit names no interface: it must not be cut to the name of another one. */
static int check_name(const char *ifname, struct diags *d)
{
	size_t n = strlen(ifname);

	if (n && n <= NETWORK_MAX_LEN && !strchr(ifname, '/') && strcmp(ifname, ".") != 0 && strcmp(ifname, "..") != 0)
		return 0;
	diag_error(d, "device-name", NULL, "'%s' cannot be the name of an interface", ifname);
	return -1;
}

int device_read(struct arena *a, const char *ifname, struct device_state **out, struct diags *d)
{
	struct device_build build = {0};
	struct device_state *s;
	struct link link = {0};
	struct nl rt = {0};
	int err;

	*out = NULL;
	if (check_name(ifname, d) < 0)
		return -1;
	s = arena_alloc(a, sizeof(*s));
	err = s ? nl_open(&rt, NETLINK_ROUTE) : -ENOMEM;
	/* A link that is deleted, or made again, while it is read is looked at anew. */
	for (int i = 0; i < DUMP_RETRIES && err == 0; i++) {
		err = read_once(a, ifname, &rt, s, &link, &build);
		if (err != -ENODEV && err != -EAGAIN && err != -ECONNRESET)
			break;
		if (err == -ENODEV && !link.index)
			break;
		if (i + 1 < DUMP_RETRIES)
			err = 0;
	}
	if (err == -ENODEV && !link.index) {
		s->exists = false;
		err = 0;
	} else if (err == -ENOTSUP) {
		diag_help(d,
			  diag_error(d, "device-not-wireguard", NULL,
				     "%s: there is an interface of this name, and it is not WireGuard%s%s", ifname,
				     link.kind_name[0] ? ", but of kind " : "", link.kind_name),
			  "`ip link show %s` shows it; it has to go, or the network needs another name", ifname);
		err = -1;
	} else if (err < 0) {
		err = fail(d, ifname, err, rt.note, "read the interface");
	}
	nl_close(&rt);
	device_build_free(&build);
	if (err == 0)
		*out = s;
	return err;
}

/* What an apply has at hand. */
struct session {
	const char *ifname;
	const struct plan *plan;
	enum device_backend backend;
	const uint8_t *private_key;
	struct diags *d;
	struct nl rt, genl;
	uint16_t family;
	uint32_t index;
	bool userspace;
};

/* Finds the link, and how to talk to its WireGuard. */
static int session_attach(struct session *s)
{
	struct link link;
	int err = link_get(&s->rt, s->ifname, &link);

	if (err == 0 && link.kind == LINK_OTHER)
		err = -ENODEV;
	if (err < 0)
		return fail(s->d, s->ifname, err, s->rt.note, "find the interface");
	s->index = link.index;
	s->userspace = link.kind == LINK_TUN;
	if (s->userspace || s->genl.sock)
		return 0;
	err = nl_open(&s->genl, NETLINK_GENERIC);
	if (err == 0)
		err = wgnl_family(&s->genl, &s->family);
	return err < 0 ? fail(s->d, s->ifname, err, s->genl.note, "reach the kernel's WireGuard") : 0;
}

static int add_link(struct session *s)
{
	int err = -EOPNOTSUPP;

	if (s->backend != BACKEND_USERSPACE)
		err = link_add_wireguard(&s->rt, s->ifname);
	if (err == -EOPNOTSUPP && s->backend == BACKEND_KERNEL) {
		struct diag *g =
		    diag_error(s->d, "device-no-wireguard", NULL, "no WireGuard: the kernel has no wireguard module");

		diag_help(s->d, g,
			  "install a kernel with WireGuard (linux 5.6 or newer: `modprobe wireguard`), or use the "
			  "backend 'auto' with wireguard-go");
		return -1;
	}
	if (err == -EOPNOTSUPP) {
		const char *why = s->backend == BACKEND_AUTO ? "the kernel has no wireguard module and " : "";

		if (userspace_start(s->ifname, why, s->d) < 0)
			return -1;
	} else if (err < 0) {
		return fail(s->d, s->ifname, err, s->rt.note, "create the interface");
	}
	return session_attach(s);
}

static int delete_link(struct session *s)
{
	int err = link_del(&s->rt, s->index);

	if (err < 0 && err != -ENODEV)
		return fail(s->d, s->ifname, err, s->rt.note, "delete the interface");
	if (s->userspace)
		userspace_ended(s->ifname);
	return 0;
}

/*
 * wireguard-go opens its port when it sees the link come up, on its own time, and when that fails only its log says
 * so. So a port that it is to have is tried before.
 */
static int port_free(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd, err = 0, yes = 1;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		if (bind(fd, (const struct sockaddr *)&any4, sizeof(any4)) < 0)
			err = -errno;
		close(fd);
	}
	fd = err == 0 ? socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	if (fd >= 0) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
		if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
			err = -errno;
		close(fd);
	}
	return err;
}

static int prefix_fail(struct session *s, int err, const char *verb, const struct prefix *p)
{
	char what[PREFIX_STR_LEN + 32], at[PREFIX_STR_LEN];
	struct diag *g;

	prefix_format(p, at);
	snprintf(what, sizeof(what), "%s %s", verb, at);
	if (err == -EEXIST) {
		g = diag_error(s->d, "device-route-exists", NULL, "%s: cannot %s: this machine has another route there",
			       s->ifname, what);
		diag_help(s->d, g, "`ip route show %s` shows it; remove it, or do without this network's routes", at);
		return -1;
	}
	if (err == -EACCES && !prefix_is_v4(p)) {
		g = diag_error(s->d, "device-ipv6-off", NULL, "%s: cannot %s: IPv6 is turned off here", s->ifname,
			       what);
		diag_help(s->d, g, "`sysctl net.ipv6.conf.%s.disable_ipv6=0`", s->ifname);
		return -1;
	}
	return fail(s->d, s->ifname, err, s->rt.note, what);
}

static int apply_link_op(struct session *s, const struct op *op)
{
	int err;

	if (op->kind != OP_LINK_ADD && !s->index && session_attach(s) < 0)
		return -1;
	switch (op->kind) {
	case OP_LINK_ADD:
		return add_link(s);
	case OP_LINK_DEL:
		return delete_link(s);
	case OP_LINK_UP:
		err = link_set_up(&s->rt, s->index);
		return err < 0 ? fail(s->d, s->ifname, err, s->rt.note, "bring the interface up") : 0;
	case OP_LINK_MTU:
		err = link_set_mtu(&s->rt, s->index, op->new_value);
		return err < 0 ? fail(s->d, s->ifname, err, s->rt.note, "set the MTU") : 0;
	case OP_ADDRESS_ADD:
		err = address_add(&s->rt, s->index, &op->prefix);
		return err < 0 ? prefix_fail(s, err, "add the address", &op->prefix) : 0;
	case OP_ADDRESS_DEL:
		err = address_del(&s->rt, s->index, &op->prefix);
		return err < 0 ? prefix_fail(s, err, "remove the address", &op->prefix) : 0;
	case OP_ROUTE_ADD:
		err = route_add(&s->rt, s->index, &op->prefix);
		return err < 0 ? prefix_fail(s, err, "add the route", &op->prefix) : 0;
	case OP_ROUTE_DEL:
		err = route_del(&s->rt, s->index, &op->prefix);
		return err < 0 ? prefix_fail(s, err, "remove the route", &op->prefix) : 0;
	case OP_KEY_SET:
	case OP_PORT_SET:
	case OP_FWMARK_SET:
	case OP_PEER_REMOVE:
	case OP_PEER_CHANGE:
	case OP_PEER_ADD:
	case N_OP_KINDS:
		break; /* WireGuard's */
	}
	return fail(s->d, s->ifname, -EINVAL, NULL, "do an operation that is unknown");
}

/* A run of operations on WireGuard itself goes in as few messages as hold it. */
static int apply_wireguard_ops(struct session *s, const struct op *ops, uint32_t n)
{
	int err = 0;

	if (!s->index && session_attach(s) < 0)
		return -1;
	for (uint32_t i = 0; i < n && s->userspace && err == 0; i++) {
		if (ops[i].kind == OP_PORT_SET)
			err = port_free((uint16_t)ops[i].new_value);
	}
	if (err == -EADDRINUSE)
		return fail(s->d, s->ifname, err, NULL, "set the listen port");
	if (s->userspace)
		err = uapi_set(s->ifname, ops, n, s->private_key);
	else
		err = wgnl_set(&s->genl, s->family, s->index, ops, n, s->private_key);
	if (err < 0)
		return fail(s->d, s->ifname, err, s->userspace ? NULL : s->genl.note, "configure WireGuard");
	return 0;
}

int device_apply(const struct plan *p, enum device_backend backend, const uint8_t *private_key, struct diags *d)
{
	struct session s = {
	    .ifname = p->desired ? p->desired->name : p->observed->name,
	    .plan = p,
	    .backend = backend,
	    .private_key = private_key,
	    .d = d,
	};
	int err = 0;

	if (!p->n_ops)
		return 0;
	if (check_name(s.ifname, d) < 0)
		return -1;
	err = nl_open(&s.rt, NETLINK_ROUTE);
	if (err < 0)
		return fail(d, s.ifname, err, NULL, "open a netlink socket");
	for (uint32_t i = 0, run; i < p->n_ops && err == 0; i += run) {
		for (run = 0; i + run < p->n_ops && op_rows[p->ops[i + run].kind].backend == BY_WIREGUARD; run++)
			;
		if (run) {
			err = apply_wireguard_ops(&s, &p->ops[i], run);
		} else {
			err = apply_link_op(&s, &p->ops[i]);
			run = 1;
		}
	}
	nl_close(&s.genl);
	nl_close(&s.rt);
	return err;
}

static int link_cmp(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static bool is_wireguard(const struct link *l)
{
	int fd;

	if (l->kind != LINK_TUN)
		return l->kind == LINK_WIREGUARD;
	fd = uapi_connect(l->name);
	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EACCES || fd == -EPERM;
}

int device_list(struct arena *a, const char *const **names, size_t *n, struct diags *d)
{
	struct link_list list = {0};
	const char **out;
	int err = links_dump(&list);

	*names = NULL;
	*n = 0;
	if (err < 0) {
		diag_error(d, "device-failed", NULL, "cannot list the interfaces: %s", strerror(-err));
		goto out;
	}
	qsort(list.links, list.n, sizeof(*list.links), link_cmp);
	out = arena_array(a, list.n ? list.n : 1, sizeof(*out));
	if (!out)
		err = -ENOMEM;
	for (uint32_t i = 0; i < list.n && err == 0; i++) {
		if (!is_wireguard(&list.links[i]))
			continue;
		out[*n] = arena_strdup(a, list.links[i].name);
		err = out[(*n)++] ? 0 : -ENOMEM;
	}
	if (err < 0)
		diag_error(d, "device-failed", NULL, "cannot list the interfaces: %s", strerror(ENOMEM));
	else
		*names = out;
out:
	free(list.links);
	return err < 0 ? -1 : 0;
}

/* The address that packets to somewhere far away come from: a UDP socket that sends nothing asks the routing table. */
static bool default_source(int family, struct addr *out)
{
	/* Of documentation (RFC 5737, RFC 3849): no route but the default one leads there. */
	static const uint8_t far4[] = {198, 51, 100, 1}, far6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	memcpy(&v4.sin_addr, far4, sizeof(far4));
	memcpy(&v6.sin6_addr, far6, sizeof(far6));
	found = fd >= 0 && connect(fd, sa, len) == 0 && getsockname(fd, sa, &len) == 0;
	if (fd >= 0)
		close(fd);
	if (found && family == AF_INET) {
		memcpy(out->b, mapped, sizeof(mapped));
		memcpy(out->b + 12, &v4.sin_addr, 4);
	} else if (found) {
		memcpy(out->b, &v6.sin6_addr, 16);
	}
	return found;
}

static int local_cmp(const void *x, const void *y)
{
	return addr_cmp(&((const struct local_address *)x)->ip, &((const struct local_address *)y)->ip);
}

int device_local_addresses(struct arena *a, struct local_address **out, size_t *n, struct diags *d)
{
	struct link_list links = {0};
	struct local_list list = {.links = &links};
	struct addr from[2];
	bool known[2] = {default_source(AF_INET, &from[0]), default_source(AF_INET6, &from[1])};
	int err = links_dump(&links);
	uint32_t kept = 0;

	*out = NULL;
	*n = 0;
	for (uint32_t i = 0; err == 0 && i < links.n; i++) {
		if (links.links[i].up && !is_wireguard(&links.links[i]))
			links.links[kept++] = links.links[i];
	}
	links.n = kept;
	if (err == 0)
		err = local_addresses_dump(&list);
	if (err == 0 && !(*out = arena_array(a, list.n + 1, sizeof(**out))))
		err = -ENOMEM;
	if (err < 0)
		diag_error(d, "device-failed", NULL, "cannot list this machine's addresses: %s", strerror(-err));
	if (err == 0 && list.n > 1)
		qsort(list.a, list.n, sizeof(*list.a), local_cmp);
	for (uint32_t i = 0; err == 0 && i < list.n; i++) {
		if (*n && !local_cmp(&(*out)[*n - 1], &list.a[i]))
			continue;
		(*out)[*n] = list.a[i];
		for (unsigned k = 0; k < 2; k++)
			(*out)[*n].preferred |= known[k] && !addr_cmp(&from[k], &list.a[i].ip);
		++*n;
	}
	free(list.a);
	free(links.links);
	return err < 0 ? -1 : 0;
}

int device_remove(const char *ifname, enum device_backend backend, bool *absent, struct diags *d)
{
	struct arena *a = arena_new();
	struct device_state *there = NULL;
	struct plan *plan;
	int r = -1;

	if (!a)
		return diags_out_of_memory(d);
	if (device_read(a, ifname, &there, d) < 0)
		goto out;
	if (absent)
		*absent = !there->exists;
	plan = device_teardown(a, there);
	if (!plan)
		diags_out_of_memory(d);
	else
		r = plan->n_ops ? device_apply(plan, backend, NULL, d) : 0;
out:
	arena_free(a);
	return r;
}

int device_monitor_open(struct diags *d)
{
	struct sockaddr_nl groups = {
	    .nl_family = AF_NETLINK,
	    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0) {
		diag_error(d, "device-failed", NULL, "cannot watch the interfaces: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* One datagram of notifications. What cannot be read may be about anything. */
static unsigned concerns(const char *bytes, size_t n, uint32_t index, const char *ifname)
{
	unsigned changed = 0;
	int left = (int)n;

	for (const struct nlmsghdr *nlh = (const struct nlmsghdr *)bytes; mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		if (notification_concerns(nlh, index, ifname))
			changed |= CHANGED_DEVICE;
		if (nlh->nlmsg_type == RTM_NEWADDR || nlh->nlmsg_type == RTM_DELADDR)
			changed |= CHANGED_ADDRESSES;
	}
	return left > 0 ? CHANGED_DEVICE | CHANGED_ADDRESSES : changed;
}

unsigned device_monitor_drain(int fd, const char *ifname)
{
	_Alignas(struct nlmsghdr) char bytes[32u << 10];
	uint32_t index = if_nametoindex(ifname);
	const unsigned all = CHANGED_DEVICE | CHANGED_ADDRESSES;
	unsigned changed = 0;

	for (;;) {
		struct sockaddr_nl from = {0};
		struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
		struct msghdr msg = {.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
		ssize_t n = recvmsg(fd, &msg, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			changed = all; /* some were lost; those that are left come next */
			continue;
		}
		if (n < 0)
			return errno != EAGAIN && errno != EWOULDBLOCK ? all : changed;
		if (from.nl_pid != 0)
			continue;
		changed |= msg.msg_flags & MSG_TRUNC ? all : concerns(bytes, (size_t)n, index, ifname);
	}
}
