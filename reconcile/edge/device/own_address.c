#include "reconcile/edge/device/own_address.h"
#include "reconcile/edge/device/device.h"

#include <string.h>

static bool is_private(const struct addr *a)
{
	static const char *const ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
					     "fc00::/7"};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct prefix p;
		if (prefix_parse(ranges[i], strlen(ranges[i]), &p) == PREFIX_OK && prefix_has(&p, a))
			return true;
	}
	return false;
}

static int worth(const struct own_address *a)
{
	return 4 * !a->is_private + 2 * a->preferred + addr_is_v4(&a->ip);
}

int own_address_find(struct own_address *out, struct diags *d)
{
	struct arena *a = arena_new();
	struct local_address *list;
	size_t n = 0;
	int best = -1;

	if (!a)
		return diags_out_of_memory(d);
	if (device_local_addresses(a, &list, &n, d) < 0) {
		arena_free(a);
		return -1;
	}
	for (size_t i = 0; i < n; i++) {
		const struct own_address own = {list[i].ip, list[i].preferred, is_private(&list[i].ip)};
		if (list[i].temporary || worth(&own) <= best)
			continue;
		best = worth(&own);
		*out = own;
	}
	arena_free(a);
	if (best >= 0)
		return 0;
	diag_help(d,
		  diag_error(d, "no-address", NULL, "this machine has no address at which other peers could reach it"),
		  "name the address: --external-endpoint HOST:PORT");
	return -1;
}
