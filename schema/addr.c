#include "schema/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_head[12] = {[10] = 0xff, [11] = 0xff};

bool addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, v4_head, sizeof(v4_head)) == 0;
}

int addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

int addr_parse(const char *s, size_t n, struct addr *out)
{
	struct addr a = {0};
	char text[ADDR_STR_LEN];

	if (n == 0 || n >= sizeof(text) || memchr(s, '\0', n))
		return -1;
	memcpy(text, s, n);
	text[n] = '\0';
	if (memchr(text, ':', n)) {
		if (inet_pton(AF_INET6, text, a.b) != 1 || addr_is_v4(&a))
			return -1;
	} else {
		memcpy(a.b, v4_head, sizeof(v4_head));
		if (inet_pton(AF_INET, text, a.b + 12) != 1)
			return -1;
	}
	*out = a;
	return 0;
}

void addr_format(const struct addr *a, char out[static ADDR_STR_LEN])
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, out, ADDR_STR_LEN);
	else
		inet_ntop(AF_INET6, a->b, out, ADDR_STR_LEN);
}

bool prefix_is_v4(const struct prefix *p)
{
	return p->len >= 96 && addr_is_v4(&p->base);
}

int prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	int c = addr_cmp(&a->base, &b->base);

	return c ? c : (int)a->len - (int)b->len;
}

bool addrs_same(const struct addr *x, uint32_t n_x, const struct addr *y, uint32_t n_y)
{
	return n_x == n_y && (n_x == 0 || memcmp(x, y, n_x * sizeof(*x)) == 0);
}

bool prefixes_same(const struct prefix *x, uint32_t n_x, const struct prefix *y, uint32_t n_y)
{
	if (n_x != n_y)
		return false;
	for (uint32_t i = 0; i < n_x; i++)
		if (prefix_cmp(&x[i], &y[i]))
			return false;
	return true;
}

void prefix_clear_host_bits(struct prefix *p)
{
	unsigned byte = p->len / 8;

	if (byte >= sizeof(p->base.b))
		return;
	p->base.b[byte] &= (uint8_t)(0xff00u >> (p->len % 8));
	memset(p->base.b + byte + 1, 0, sizeof(p->base.b) - byte - 1);
}

enum prefix_error prefix_parse(const char *s, size_t n, struct prefix *out)
{
	const char *slash = n ? memchr(s, '/', n) : NULL;
	struct prefix p, cleared;
	unsigned len = 0;
	size_t i;

	if (!slash || addr_parse(s, (size_t)(slash - s), &p.base))
		return PREFIX_SYNTAX;
	i = (size_t)(slash - s) + 1;
	if (i == n || n - i > 3 || (s[i] == '0' && n - i > 1))
		return PREFIX_SYNTAX;
	for (; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return PREFIX_SYNTAX;
		len = len * 10 + (unsigned)(s[i] - '0');
	}
	if (len > (addr_is_v4(&p.base) ? 32u : 128u))
		return PREFIX_SYNTAX;
	p.len = (uint8_t)(addr_is_v4(&p.base) ? len + 96 : len);
	cleared = p;
	prefix_clear_host_bits(&cleared);
	*out = cleared;
	return addr_cmp(&p.base, &cleared.base) ? PREFIX_HOST_BITS : PREFIX_OK;
}

unsigned prefix_wire_len(const struct prefix *p)
{
	return prefix_is_v4(p) ? p->len - 96u : p->len;
}

void prefix_format(const struct prefix *p, char out[static PREFIX_STR_LEN])
{
	char text[ADDR_STR_LEN];

	addr_format(&p->base, text);
	snprintf(out, PREFIX_STR_LEN, "%s/%u", text, prefix_wire_len(p));
}

bool addr_same_bits(const struct addr *a, const struct addr *b, unsigned len)
{
	unsigned bytes = len / 8, bits = len % 8;

	if (memcmp(a->b, b->b, bytes) != 0)
		return false;
	return bits == 0 || ((a->b[bytes] ^ b->b[bytes]) & (0xff00u >> bits) & 0xff) == 0;
}

bool prefix_has(const struct prefix *p, const struct addr *a)
{
	return prefix_is_v4(p) == addr_is_v4(a) && addr_same_bits(&p->base, a, p->len);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && prefix_is_v4(outer) == prefix_is_v4(inner) &&
	       addr_same_bits(&outer->base, &inner->base, outer->len);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

struct prefix prefix_host(const struct addr *a)
{
	return (struct prefix){.base = *a, .len = 128};
}

struct addr prefix_last(const struct prefix *p)
{
	struct addr last = p->base;
	unsigned byte = p->len / 8;

	if (byte < sizeof(last.b)) {
		last.b[byte] |= (uint8_t)(0xffu >> (p->len % 8));
		memset(last.b + byte + 1, 0xff, sizeof(last.b) - byte - 1);
	}
	return last;
}

int port_parse(const char *s, size_t n, uint16_t *out)
{
	uint32_t port = 0;

	if (n == 0 || n > 16)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		port = port * 10 + (uint32_t)(s[i] - '0');
		if (port > UINT16_MAX)
			return -1;
	}
	if (port == 0)
		return -1;
	*out = (uint16_t)port;
	return 0;
}

int sockpoint_parse(const char *s, size_t n, struct sockpoint *out)
{
	const char *colon = n ? memrchr(s, ':', n) : NULL;
	struct sockpoint p = {0};
	size_t host;
	bool v6;

	if (!colon)
		return -1;
	host = (size_t)(colon - s);
	v6 = host > 2 && s[0] == '[' && s[host - 1] == ']';
	if (v6 ? addr_parse(s + 1, host - 2, &p.ip) : addr_parse(s, host, &p.ip))
		return -1;
	if (v6 == addr_is_v4(&p.ip) || port_parse(colon + 1, n - host - 1, &p.port))
		return -1;
	*out = p;
	return 0;
}

void sockpoint_format(const struct sockpoint *p, char out[static SOCKPOINT_STR_LEN])
{
	char text[ADDR_STR_LEN];

	addr_format(&p->ip, text);
	if (addr_is_v4(&p->ip))
		snprintf(out, SOCKPOINT_STR_LEN, "%s:%u", text, p->port);
	else if (p->scope)
		snprintf(out, SOCKPOINT_STR_LEN, "[%s%%%u]:%u", text, p->scope, p->port);
	else
		snprintf(out, SOCKPOINT_STR_LEN, "[%s]:%u", text, p->port);
}

bool sockpoint_eq(const struct sockpoint *a, const struct sockpoint *b)
{
	return addr_cmp(&a->ip, &b->ip) == 0 && a->scope == b->scope && a->port == b->port;
}
