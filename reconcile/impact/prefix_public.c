/* Which prefixes are of the public internet. */
#include "reconcile/impact/impact_facts.h"

/*
 * The blocks that are not: what IANA's registries of special-purpose addresses (RFC 6890) call not globally reachable, and
 * multicast. Of IPv6 all unicast of the internet is in 2000::/3 (RFC 3513), and 64:ff9b::/96 leads to IPv4 (RFC 6052).
 */
#define V4(a, b, c, d, n)                                                                                              \
	{                                                                                                              \
		{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}, 96 + (n)                                     \
	}
#define V6(n, ...)                                                                                                     \
	{                                                                                                              \
		{{__VA_ARGS__}}, n                                                                                     \
	}
static const struct prefix special[] = {
    V4(0, 0, 0, 0, 8),      V4(10, 0, 0, 0, 8),          V4(100, 64, 0, 0, 10),   V4(127, 0, 0, 0, 8),
    V4(169, 254, 0, 0, 16), V4(172, 16, 0, 0, 12),       V4(192, 0, 0, 0, 24),    V4(192, 0, 2, 0, 24),
    V4(192, 168, 0, 0, 16), V4(198, 18, 0, 0, 15),       V4(198, 51, 100, 0, 24), V4(203, 0, 113, 0, 24),
    V4(224, 0, 0, 0, 3),    V6(32, 0x20, 1, 0x0d, 0xb8), V6(20, 0x3f, 0xff),
};
static const struct prefix internet6[] = {V6(3, 0x20), V6(96, 0, 0x64, 0xff, 0x9b)};

bool prefix_is_public(const struct prefix *p)
{
	for (unsigned i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (prefix_covers(&special[i], p))
			return false;
	if (prefix_is_v4(p))
		return true;
	for (unsigned i = 0; i < sizeof(internet6) / sizeof(*internet6); i++)
		if (prefix_overlaps(&internet6[i], p))
			return true;
	return false;
}
