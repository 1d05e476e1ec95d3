#include "reconcile/edge/device/forwarding.h"

#include <stdio.h>

int kernel_number(const char *path)
{
	FILE *f = fopen(path, "re");
	int n = -1;

	if (f && fscanf(f, "%d", &n) != 1)
		n = -1;
	if (f)
		fclose(f);
	return n;
}

int forwarding_read(const char *ifname, bool v4, char setting[static SETTING_LEN])
{
	char path[80];
	int own, all;

	snprintf(setting, SETTING_LEN, "net.%s", v4 ? "ipv4.ip_forward" : "ipv6.conf.all.forwarding");
	if (!v4) {
		/* That of the interface makes it a router, and no more; the other one is Linux 6.17's. */
		snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/force_forwarding", ifname);
		all = kernel_number("/proc/sys/net/ipv6/conf/all/forwarding");
		return all == 0 && kernel_number(path) > 0 ? 1 : all;
	}
	/* That of the interface a packet comes from alone; setting the one for all sets each (ip-sysctl). */
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", ifname);
	all = kernel_number("/proc/sys/net/ipv4/ip_forward");
	own = kernel_number(path);
	if (own < 0)
		own = kernel_number("/proc/sys/net/ipv4/conf/default/forwarding");
	if (own == 0 && all > 0)
		snprintf(setting, SETTING_LEN, "net.ipv4.conf.%s.forwarding", ifname);
	return own;
}
