#include "reconcile/edge/own_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_private(const struct addr *a)
{
	static const char *const ranges[] = {"10.0.0.0/8",    "172.16.0.0/12",  "192.168.0.0/16",
					     "100.64.0.0/10", "169.254.0.0/16", "fc00::/7"};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct prefix p;
		if (prefix_parse(ranges[i], strlen(ranges[i]), &p) == PREFIX_OK && prefix_has(&p, a))
			return true;
	}
	return false;
}

/* Usable at all: of no loopback, no link alone, no group. */
static bool from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	memset(out, 0, sizeof(*out));
	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)sa;
		out->b[10] = out->b[11] = 0xff;
		memcpy(out->b + 12, &in->sin_addr, 4);
		return out->b[12] && out->b[12] != 127 && out->b[12] < 224 && !(out->b[12] == 169 && out->b[13] == 254);
	}
	if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)(const void *)sa;
		memcpy(out->b, &in->sin6_addr, 16);
		return !IN6_IS_ADDR_UNSPECIFIED(&in->sin6_addr) && !IN6_IS_ADDR_LOOPBACK(&in->sin6_addr) &&
		       !IN6_IS_ADDR_LINKLOCAL(&in->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&in->sin6_addr);
	}
	return false;
}

/* The source address that the kernel would take. Connecting a UDP socket sends nothing. */
static bool towards_internet(int family, struct addr *out)
{
	/* Addresses of documentation (RFC 5737, RFC 3849): they have the default route, and are nobody's. */
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(9)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_storage own;
	socklen_t n = sizeof(own);
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found = false;

	inet_pton(AF_INET, "198.51.100.1", &v4.sin_addr);
	inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
	if (fd >= 0 && !connect(fd, family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
				family == AF_INET ? sizeof(v4) : sizeof(v6)))
		found = !getsockname(fd, (struct sockaddr *)&own, &n) && from_sockaddr((struct sockaddr *)&own, out);
	if (fd >= 0)
		close(fd);
	return found;
}

/* How much it is to be preferred: public, by the default route, IPv4. */
static int worth(const struct own_address *a, bool routed)
{
	return 4 * !a->is_private + 2 * routed + addr_is_v4(&a->ip);
}

int own_address_find(struct own_address *out, struct diags *d)
{
	struct addr by_route[2];
	bool routed[2] = {towards_internet(AF_INET, &by_route[0]), towards_internet(AF_INET6, &by_route[1])};
	struct ifaddrs *list = NULL;
	int best = -1;

	if (getifaddrs(&list)) {
		diag_error(d, "no-address", NULL, "this machine's addresses cannot be read: %s", strerror(errno));
		return -1;
	}
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct own_address a = {.ifname = ""};
		if (!(i->ifa_flags & IFF_UP) || !from_sockaddr(i->ifa_addr, &a.ip))
			continue;
		const unsigned six = !addr_is_v4(&a.ip);
		a.is_private = is_private(&a.ip);
		const int w = worth(&a, routed[six] && !addr_cmp(&by_route[six], &a.ip));
		if (w <= best)
			continue;
		best = w;
		*out = a;
		memcpy(out->ifname, i->ifa_name, strnlen(i->ifa_name, sizeof(out->ifname) - 1));
	}
	freeifaddrs(list);
	if (best >= 0)
		return 0;
	diag_help(d, diag_error(d, "no-address", NULL, "this machine has no address that others could reach it by"),
		  "say where they do: --external-endpoint HOST:PORT");
	return -1;
}
