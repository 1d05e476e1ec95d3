#include "schema/model.h"

#include <stddef.h>
#include <string.h>

/* Among things of `size` bytes whose `name` is that far in them; `by`: their indices, sorted by it. */
static uint32_t find_by_name(const uint32_t *by, uint32_t n, const void *things, size_t size, size_t name,
			     const char *wanted)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2, i = by[mid];
		const char *const *at = (const void *)((const char *)things + i * size + name);
		int c = strcmp(wanted, *at);

		if (c == 0)
			return i;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NONE;
}

uint32_t model_cidr_by_name(const struct model *m, const char *name)
{
	return find_by_name(m->cidrs_by_name, m->n_cidrs, m->cidrs, sizeof(*m->cidrs), offsetof(struct cidr, name),
			    name);
}

uint32_t model_peer_by_name(const struct model *m, const char *name)
{
	return find_by_name(m->peers_by_name, m->n_peers, m->peers, sizeof(*m->peers), offsetof(struct peer, name),
			    name);
}

uint32_t model_peer_by_addr(const struct model *m, const struct addr *a)
{
	uint32_t low = 0, high = m->n_addrs;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = addr_cmp(a, &m->by_addr[mid].addr);

		if (c == 0)
			return m->by_addr[mid].peer;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NONE;
}

/* The innermost prefix that has an address: the last that starts at or before it, or one of those around that. */
static const struct cidr_prefix *prefix_of_addr(const struct model *m, const struct addr *a)
{
	uint32_t low = 0, high = m->n_prefixes, i;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (addr_cmp(&m->by_prefix[mid].prefix.base, a) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (i = low ? low - 1 : NONE; i != NONE; i = m->by_prefix[i].around)
		if (prefix_has(&m->by_prefix[i].prefix, a))
			return &m->by_prefix[i];
	return NULL;
}

uint32_t model_cidr_of_addr(const struct model *m, const struct addr *a)
{
	const struct cidr_prefix *p = prefix_of_addr(m, a);

	return p ? p->cidr : NONE;
}

bool model_has_server(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		if (m->cidrs[i].infra)
			return true;
	return false;
}

bool model_cidr_under(const struct model *m, uint32_t cidr, uint32_t top)
{
	while (cidr != NONE && m->cidrs[cidr].depth > m->cidrs[top].depth)
		cidr = m->cidrs[cidr].parent;
	return cidr == top;
}

bool addr_is_reserved(const struct prefix *p, const struct addr *a)
{
	struct addr last = prefix_last(p);

	/* A /31 has neither (RFC 3021), nor has a /127 (RFC 6164). IPv6's first is anycast (RFC 4291 section 2.6.1). */
	if (p->len >= 127)
		return false;
	return addr_cmp(a, &p->base) == 0 || (prefix_is_v4(p) && addr_cmp(a, &last) == 0);
}

/* False when it wraps. */
static bool addr_step(struct addr *a)
{
	for (int i = 15; i >= 0; i--)
		if (++a->b[i])
			return true;
	return false;
}

int model_next_free(const struct model *m, uint32_t cidr, int family, struct addr *out)
{
	const struct cidr *c = &m->cidrs[cidr];
	const struct prefix *p = NULL, *root = NULL;
	const struct cidr_prefix *in;
	struct addr a;

	for (unsigned i = 0; i < c->n_prefixes; i++)
		if (prefix_is_v4(&c->prefix[i]) == (family == 0))
			p = &c->prefix[i];
	for (unsigned i = 0; i < m->cidrs[0].n_prefixes; i++)
		if (prefix_is_v4(&m->cidrs[0].prefix[i]) == (family == 0))
			root = &m->cidrs[0].prefix[i];
	if (!p || !root)
		return -1;
	for (a = p->base; prefix_has(p, &a);) {
		in = prefix_of_addr(m, &a);
		if (in && in->cidr != cidr)
			a = prefix_last(&in->prefix);
		else if (!addr_is_reserved(p, &a) && !addr_is_reserved(root, &a) && model_peer_by_addr(m, &a) == NONE) {
			*out = a;
			return 0;
		}
		if (!addr_step(&a))
			break;
	}
	return -1;
}

int model_next_free_prefix(const struct model *m, const struct prefix *in, unsigned len, struct prefix *out)
{
	struct prefix p = {.base = in->base, .len = (uint8_t)len};
	struct addr last;
	uint32_t low = 0, high = m->n_prefixes;

	if (len <= in->len || len > 128)
		return -1;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (prefix_cmp(&m->by_prefix[mid].prefix, in) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < m->n_prefixes && prefix_covers(in, &m->by_prefix[low].prefix); low++) {
		const struct prefix *other = &m->by_prefix[low].prefix;

		last = prefix_last(&p);
		if (addr_cmp(&other->base, &last) > 0)
			break;
		if (!prefix_overlaps(other, &p))
			continue;
		p.base = other->len < p.len ? prefix_last(other) : last;
		if (!addr_step(&p.base) || !prefix_covers(in, &p))
			return -1;
	}
	*out = p;
	return 0;
}

bool peer_has_addr(const struct peer *p, const struct addr *a)
{
	for (unsigned i = 0; i < p->n_ips; i++)
		if (addr_cmp(&p->ip[i], a) == 0)
			return true;
	return false;
}

bool peer_same_mark(const struct peer *a, const struct peer *b)
{
	return a->is_invite == b->is_invite && key_eq(&a->key, &b->key);
}

const struct addr *peer_order(const struct peer *p)
{
	return &p->ip[0];
}

int cidr_order_cmp(const struct cidr *a, const struct cidr *b)
{
	int c = prefix_cmp(&a->prefix[0], &b->prefix[0]);

	return c ? c : strcmp(a->name, b->name);
}

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_valid(const char *s, size_t n)
{
	if (n == 0 || n > NAME_MAX_LEN || !is_lower_or_digit(s[0]) || !is_lower_or_digit(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_lower_or_digit(s[i]) && s[i] != '-')
			return false;
	return true;
}

const char *const network_names_taken[] = {"lo", "all", "default", NULL};

bool network_name_valid(const char *s, size_t n)
{
	for (const char *const *taken = network_names_taken; *taken; taken++)
		if (n == strlen(*taken) && !memcmp(s, *taken, n))
			return false;
	return n <= NETWORK_MAX_LEN && name_valid(s, n);
}

bool network_prefix_valid(const struct prefix *p)
{
	return prefix_wire_len(p) >= NETWORK_PREFIX_MIN;
}

/* Lower-cases a DNS name (RFC 1123 section 2.1, RFC 1035 section 2.3.4) into `out`; 0 when it is none. */
static size_t host_canonical(const char *s, size_t n, char out[static ENDPOINT_MAX_LEN])
{
	bool digits = true;
	size_t label = 0;

	if (n && s[n - 1] == '.')
		n--;
	if (n == 0 || n > 253)
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (i == n || s[i] == '.') {
			if (!name_valid(out + label, i - label))
				return 0;
			/* A last label of digits alone is a mistyped IPv4 address, never a name. */
			digits = strspn(out + label, "0123456789") >= i - label;
			label = i + 1;
		}
		if (i < n)
			out[i] = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] - 'A' + 'a') : s[i];
	}
	return digits ? 0 : n;
}

const char *endpoint_canonical(struct arena *a, const char *s, size_t n)
{
	const char *colon = n ? memrchr(s, ':', n) : NULL;
	char host[ENDPOINT_MAX_LEN] = "", text[SOCKPOINT_STR_LEN];
	struct sockpoint literal;
	uint16_t port;

	if (!colon)
		return NULL;
	if (sockpoint_parse(s, n, &literal) == 0) {
		sockpoint_format(&literal, text);
		return arena_strdup(a, text);
	}
	if (port_parse(colon + 1, n - (size_t)(colon - s) - 1, &port) || !host_canonical(s, (size_t)(colon - s), host))
		return NULL;
	return arena_printf(a, "%s:%u", host, port);
}
