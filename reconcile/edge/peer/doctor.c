#include "reconcile/edge/peer/doctor.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/edge/device/forwarding.h"
#include "reconcile/edge/device/netlink.h"
#include "reconcile/edge/device/wgnl.h"
#include "reconcile/plan/hosts.h"
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What WireGuard adds to a packet: its header and tag, UDP, and IP. */
#define OVERHEAD_V4    60
#define OVERHEAD_V6    80
#define NAMES_SHOWN    8   /* of the peers that are reached through this machine */
#define REACHED_RECENT 180 /* a server that answered within so many seconds vouches in time */

struct doctor {
	struct this_peer *peer;
	const struct device_state *device; /* NULL: could not be read */
	struct checks *c;
};

static bool in_path(const char *program)
{
	const char *path = getenv("PATH");
	char file[PATH_MAX];

	if (strchr(program, '/'))
		return access(program, X_OK) == 0;
	for (; path && *path; path += strcspn(path, ":"), path += *path == ':') {
		int n = snprintf(file, sizeof(file), "%.*s/%s", (int)strcspn(path, ":"), path, program);

		if (n > 0 && (size_t)n < sizeof(file) && access(file, X_OK) == 0)
			return true;
	}
	return false;
}

static bool kernel_has_wireguard(void)
{
	struct nl genl = {0};
	uint16_t family;
	bool has = nl_open(&genl, NETLINK_GENERIC) == 0 && wgnl_family(&genl, &family) == 0;

	nl_close(&genl);
	return has || access("/sys/module/wireguard", F_OK) == 0;
}

static void check_wireguard(const struct doctor *d)
{
	const char *named = getenv("WG_USERSPACE"), *program = named && *named ? named : "wireguard-go";
	struct check *k;

	if (d->device && d->device->exists)
		checks_add(d->c, CHECK_OK, "wireguard", "the interface is %s",
			   d->device->userspace ? "a userspace one" : "the kernel's");
	else if (kernel_has_wireguard())
		checks_add(d->c, CHECK_OK, "wireguard", "the kernel has it");
	else if (in_path(program))
		checks_add(d->c, CHECK_OK, "wireguard", "not in the kernel; %s is installed", program);
	else {
		k = checks_add(d->c, CHECK_FAIL, "wireguard", "neither the kernel has it nor is %s installed", program);
		checks_help(d->c, k, "modprobe wireguard, or install wireguard-go");
	}
}

static void check_rights(const struct doctor *d)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	struct check *k;

	if (syscall(SYS_capget, &header, data) == 0 && data[0].effective & (1u << CAP_NET_ADMIN)) {
		checks_add(d->c, CHECK_OK, "rights", "may change interfaces (CAP_NET_ADMIN)");
		return;
	}
	k = checks_add(d->c, CHECK_FAIL, "rights", "may not change interfaces: CAP_NET_ADMIN is missing");
	checks_help(d->c, k, "run it as root; in a container, with --cap-add NET_ADMIN");
}

/* 0: it is free. */
static int port_taken(int family, uint16_t port)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
	bool is6 = family == AF_INET6;
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return 0; /* a family that this machine does not have takes no port */
	if (is6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	err = bind(fd, is6 ? (const struct sockaddr *)&six : (const struct sockaddr *)&four,
		   is6 ? sizeof(six) : sizeof(four)) < 0
		  ? errno
		  : 0;
	close(fd);
	return err == EADDRINUSE ? err : 0;
}

static void check_port(const struct doctor *d)
{
	uint16_t want = peer_file_config(d->peer->file)->settings.listen_port;
	struct check *k;

	if (d->device && d->device->exists && (!want || d->device->listen_port == want)) {
		checks_add(d->c, CHECK_OK, "port", "listens on UDP port %u", d->device->listen_port);
	} else if (!want) {
		checks_add(d->c, CHECK_OK, "port", "any UDP port will do");
	} else if (port_taken(AF_INET, want) || port_taken(AF_INET6, want)) {
		k = checks_add(d->c, CHECK_FAIL, "port", "another program has UDP port %u", want);
		checks_help(d->c, k, "ss -lunp shows which; or take another: innernet set-listen-port %s -l PORT",
			    peer_file_ifname(d->peer->file));
	} else {
		checks_add(d->c, CHECK_OK, "port", "UDP port %u is free", want);
	}
}

static void check_clock(const struct doctor *d)
{
	const struct view *v = peer_held_view(d->peer->held);
	int64_t now = clock_unix(), until = peer_held_fresh_until(d->peer->held), behind = 0;
	struct daemon_state state;
	struct check *k = NULL;
	bool recent = store_load_state(peer_held_store(d->peer->held), &state) == 0 && state.reached &&
		      now - state.reached < REACHED_RECENT && now >= state.reached;

	if (recent && state.fresh_until > until)
		until = state.fresh_until;
	if (v && v->statement.time > now + CLOCK_SLACK)
		behind = v->statement.time - now;
	if (until > now + FRESH_SECONDS + CLOCK_SLACK && until - now - FRESH_SECONDS > behind)
		behind = until - now - FRESH_SECONDS;
	if (!v)
		checks_add(d->c, CHECK_UNKNOWN, "clock", "there is no snapshot to compare it with");
	else if (behind)
		k = checks_add(d->c, CHECK_FAIL, "clock",
			       "behind: the network's last news are %" PRId64 " s in the future", behind);
	else if (recent && until && until + CLOCK_SLACK < state.reached)
		k = checks_add(d->c, CHECK_FAIL, "clock",
			       "ahead, or the server's is behind: what it vouched for is over when it comes");
	else
		checks_add(d->c, CHECK_OK, "clock", "agrees with the snapshot");
	checks_help(d->c, k, "set it; timedatectl shows whether it is kept");
}

/* The kernel takes the higher of both (Documentation/networking/ip-sysctl). */
static void check_rp_filter(const struct doctor *d)
{
	const char *name = peer_file_ifname(d->peer->file);
	char path[80];
	int all = kernel_number("/proc/sys/net/ipv4/conf/all/rp_filter"), own;
	struct check *k;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	own = kernel_number(path);
	if (own < 0)
		own = kernel_number("/proc/sys/net/ipv4/conf/default/rp_filter");
	if (all == 1 || (own == 1 && all < 1)) {
		k = checks_add(d->c, peer_file_options(d->peer->file)->no_routing ? CHECK_WARN : CHECK_OK, "rp_filter",
			       "strict: what comes from an address without a route through %s is dropped", name);
		if (peer_file_options(d->peer->file)->no_routing)
			checks_help(d->c, k,
				    "with --no-routing the routes are yours to set; or: sysctl "
				    "net.ipv4.conf.%s.rp_filter=2 (all.rp_filter too)",
				    name);
	} else {
		checks_add(d->c, CHECK_OK, "rp_filter", "not strict");
	}
}

#define FORWARD_V4 (1u << 0)
#define FORWARD_V6 (1u << 1)

/* The families that this machine has to forward, and the peers that it does so for: "phone, tablet". */
static unsigned forwards_for(const struct view *v, struct buf *names)
{
	const char *self = v->peers[v->self].name;
	unsigned families = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];

		if (!p->via || strcmp(p->via, self) != 0)
			continue;
		if (n++ < NAMES_SHOWN)
			buf_printf(names, "%s%s", n > 1 ? ", " : "", p->name);
		for (unsigned k = 0; k < p->n_ips; k++)
			families |= addr_is_v4(&p->ip[k]) ? FORWARD_V4 : FORWARD_V6;
	}
	if (n > NAMES_SHOWN)
		buf_printf(names, " and %u more", n - NAMES_SHOWN);
	return families;
}

static void check_family(struct checks *c, bool v4, const char *name, const char *whom)
{
	char setting[SETTING_LEN];
	int does = forwarding_read(name, v4, setting);
	const char *family = v4 ? "IPv4" : "IPv6";
	struct check *k;

	if (does > 0) {
		checks_add(c, CHECK_OK, "forwarding", "of %s, for %s", family, whom);
	} else if (does < 0) {
		checks_add(c, CHECK_UNKNOWN, "forwarding", "cannot tell whether the kernel forwards %s, for %s", family,
			   whom);
	} else {
		k = checks_add(c, CHECK_FAIL, "forwarding",
			       "the kernel forwards no %s: no peer reaches %s through here", family, whom);
		checks_help(c, k, "sysctl -w %s=1; in a file of /etc/sysctl.d it stays so", setting);
	}
}

void doctor_check_forwarding(const struct this_peer *p, struct checks *c)
{
	const struct view *v = peer_held_view(p->held);
	struct buf names = {0};
	unsigned families = v ? forwards_for(v, &names) : 0;

	c->failed |= names.failed;
	if (families & FORWARD_V4)
		check_family(c, true, peer_file_ifname(p->file), names.p ? names.p : "");
	if (families & FORWARD_V6)
		check_family(c, false, peer_file_ifname(p->file), names.p ? names.p : "");
	buf_free(&names);
}

/* The MTU of the route there; 0: there is none, or it cannot be told. */
static int route_mtu(const struct sockpoint *to)
{
	bool v4 = addr_is_v4(&to->ip);
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(to->port)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(to->port), .sin6_scope_id = to->scope};
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), mtu = 0;
	socklen_t len = sizeof(mtu);

	memcpy(&four.sin_addr, to->ip.b + 12, 4);
	memcpy(&six.sin6_addr, to->ip.b, 16);
	if (fd < 0)
		return 0;
	/* Nothing is sent. */
	if (connect(fd, v4 ? (const struct sockaddr *)&four : (const struct sockaddr *)&six,
		    v4 ? sizeof(four) : sizeof(six)) < 0 ||
	    getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &len) < 0)
		mtu = 0;
	close(fd);
	return mtu;
}

static void check_endpoint(const struct doctor *d, const char *name, const char *endpoint, bool server)
{
	enum check_level bad = server ? CHECK_FAIL : CHECK_WARN;
	struct sockpoint at;
	uint32_t mtu = d->device && d->device->exists ? d->device->mtu : peer_file_config(d->peer->file)->m.mtu;
	int below, needs;
	struct check *k;

	if (!resolver_find(peer_hints_resolver(d->peer->hints), endpoint, &at)) {
		k = checks_add(d->c, bad, name, "its endpoint %s does not resolve", endpoint);
		checks_help(d->c, k, "getent ahosts shows what the system says; until then it keeps the last address");
	} else if (!(below = route_mtu(&at))) {
		k = checks_add(d->c, bad, name, "there is no route to its endpoint %s", endpoint);
	} else if ((needs = (int)mtu + (addr_is_v4(&at.ip) ? OVERHEAD_V4 : OVERHEAD_V6)) > below) {
		k = checks_add(d->c, CHECK_WARN, name,
			       "the MTU is too large for the route: %u and the bytes that WireGuard adds are %d, the "
			       "route takes %d",
			       mtu, needs, below);
		checks_help(d->c, k, "packets are split up, or lost: --mtu %d", below - (needs - (int)mtu));
	} else {
		k = checks_add(d->c, CHECK_OK, name, "%s: the route takes packets of %d bytes, %d are needed", endpoint,
			       below, needs);
	}
	if (k)
		k->is_peer = true;
}

static void check_endpoints(const struct doctor *d)
{
	const struct membership *m = &peer_file_config(d->peer->file)->m;
	const struct peer_settings *s = &peer_file_config(d->peer->file)->settings;
	const struct view *v = peer_held_view(d->peer->held);

	for (uint32_t i = 0; v && i < v->n_peers; i++) {
		const struct view_peer *p = &v->peers[i];
		const char *own = peer_settings_find(s, p->name), *endpoint = own ? own : p->endpoint;

		if (i != v->self && endpoint)
			check_endpoint(d, p->name, endpoint, p->server);
	}
	for (uint32_t i = 0; !v && i < m->n_servers; i++)
		check_endpoint(d, m->servers[i].name, m->servers[i].endpoint, true);
	for (uint32_t i = 0; v && i < s->n_endpoints; i++) {
		bool known = false;
		struct check *k;

		for (uint32_t j = 0; j < v->n_peers; j++)
			known = known || strcmp(v->peers[j].name, s->endpoints[i].name) == 0;
		if (known)
			continue;
		k = checks_add(d->c, CHECK_WARN, "overrides",
			       "an endpoint is kept for %s, which this machine does not see", s->endpoints[i].name);
		checks_help(d->c, k, "innernet override-peer-endpoint %s --name %s -u", peer_file_ifname(d->peer->file),
			    s->endpoints[i].name);
	}
}

static void check_hosts(const struct doctor *d)
{
	const char *path = peer_file_hosts_path(d->peer->file);
	struct hosts_place at;
	struct diags why = {0};
	struct buf file = {0};
	struct check *k;

	if (!path)
		checks_add(d->c, CHECK_OK, "names", "none are written");
	else if (hosts_check_writable(path, &why) == 0 && hosts_read(path, &file, &why) == 0 &&
		 hosts_find(buf_span(&file), peer_file_ifname(d->peer->file), path, &at, &why) == 0)
		checks_add(d->c, CHECK_OK, "names", "%s can be written", path);
	else {
		k = checks_add(d->c, CHECK_FAIL, "names", "%s", why.first ? why.first->message : "out of memory");
		checks_help(d->c, k, "%s",
			    why.first && why.first->help ? why.first->help
							 : "--no-write-hosts writes none, --hosts-path another file");
	}
	buf_free(&file);
	diags_free(&why);
}

/* The file itself has the right mode, or it was not read. But a user that may write to its folder can replace it. */
static void check_folder(const struct doctor *d, const char *what, const char *path)
{
	struct stat st;
	struct check *k;

	if (stat(path, &st) < 0) {
		k = checks_add(d->c, CHECK_WARN, what, "%s: %s", path, strerror(errno));
	} else if ((st.st_uid != 0 && st.st_uid != geteuid()) || st.st_mode & 022) {
		k = checks_add(d->c, CHECK_FAIL, what, "other users may change what is in %s (owner %u, mode %04o)",
			       path, (unsigned)st.st_uid, (unsigned)(st.st_mode & 07777));
		checks_help(d->c, k, "chown root %s; chmod 700 %s", path, path);
	} else {
		checks_add(d->c, CHECK_OK, what, "%s is this machine's alone", path);
	}
}

static void check_interface(struct doctor *d, struct diags *why)
{
	struct device_state *there = NULL;
	struct check *k;

	if (device_read(d->c->arena, peer_file_ifname(d->peer->file), &there, why) == 0) {
		d->device = there;
		return;
	}
	k = checks_add(d->c, CHECK_FAIL, "interface", "%s", why->first ? why->first->message : "out of memory");
	if (why->first && why->first->help)
		checks_help(d->c, k, "%s", why->first->help);
}

void doctor_check(struct this_peer *p, unsigned wait_ms, struct checks *c)
{
	struct doctor d = {.peer = p, .c = c};
	struct diags why = {0};
	struct check *k;

	/* An address that was kept would hide a name that does not resolve any more. */
	resolver_remember(peer_hints_resolver(p->hints), NULL, 0, &why);
	peer_resolve(p, (int)wait_ms, &why);
	check_interface(&d, &why);
	check_wireguard(&d);
	check_rights(&d);
	check_port(&d);
	if (!peer_file_from_definition(p->file))
		check_clock(&d);
	check_rp_filter(&d);
	doctor_check_forwarding(p, c);
	check_hosts(&d);
	if (!peer_file_from_definition(p->file))
		check_folder(&d, "config", peer_file_options(p->file)->config_dir);
	check_folder(&d, "data", peer_held_store(p->held)->dir);
	if (peer_file_from_definition(p->file)) {
		/* It has no daemon: `apply` is run again. */
	} else if (store_running(peer_held_store(p->held))) {
		checks_add(c, CHECK_OK, "daemon", "runs");
	} else {
		k = checks_add(c, CHECK_WARN, "daemon", "none runs: no process follows the network or repairs it");
		checks_help(c, k, "innernet up --daemon %s", peer_file_ifname(p->file));
	}
	check_endpoints(&d);
	diags_free(&why);
}
