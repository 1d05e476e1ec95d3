#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

int order_text_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int order_key_cmp(const void *a, const void *b)
{
	return key_cmp(a, b);
}

int order_addr_cmp(const void *a, const void *b)
{
	return addr_cmp(a, b);
}

int order_prefix_cmp(const void *a, const void *b)
{
	return prefix_cmp(a, b);
}

uint32_t order_prefixes(struct prefix *p, uint32_t n)
{
	uint32_t kept = 0;

	if (n > 1)
		qsort(p, n, sizeof(*p), order_prefix_cmp);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || prefix_cmp(&p[kept - 1], &p[i]) != 0)
			p[kept++] = p[i];
	return kept;
}

/* One pass: stable, by the byte at keys[0], `len` bytes apart. */
static void pass(const uint32_t *from, uint32_t *to, uint32_t n, size_t len, const uint8_t *keys)
{
	uint32_t starts[256] = {0}, total = 0;

	for (uint32_t i = 0; i < n; i++)
		starts[keys[i * len]]++;
	for (unsigned v = 0; v < 256; v++) {
		uint32_t count = starts[v];

		starts[v] = total;
		total += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[starts[keys[from[i] * len]]++] = from[i];
}

static bool differ(uint32_t n, size_t len, const uint8_t *keys)
{
	for (uint32_t i = 1; i < n; i++)
		if (keys[i * len] != keys[0])
			return true;
	return false;
}

int order_by_bytes(uint32_t *order, uint32_t n, size_t len, const uint8_t *keys)
{
	uint32_t *spare, *from = order, *to, *swap;
	bool sorted = true;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	/* People often write things in order. */
	for (uint32_t i = 1; i < n && sorted; i++)
		sorted = memcmp(keys + (i - 1) * len, keys + i * len, len) <= 0;
	if (sorted)
		return 0;
	spare = malloc(n * sizeof(*spare));
	if (!spare)
		return -1;
	to = spare;
	for (size_t at = len; at-- > 0;) {
		if (!differ(n, len, keys + at))
			continue;
		pass(from, to, n, len, keys + at);
		swap = from;
		from = to;
		to = swap;
	}
	if (from != order)
		memcpy(order, from, n * sizeof(*order));
	free(spare);
	return 0;
}

#define PROBES_MAX 256 /* of one item; in a table that is at most half full, chance never needs as many */

/* Eight bytes at a time, multiplied and folded: quick, and no defence. That is what the bound on probes is for. */
static uint64_t hash(struct span s)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ s.n, word;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&word, s.p, 8);
		h = (h ^ word) * 0xbf58476d1ce4e5b9u;
		h ^= h >> 29;
	}
	word = 0;
	if (s.n)
		memcpy(&word, s.p, s.n);
	h = (h ^ word) * 0x94d049bb133111ebu;
	return h ^ h >> 32;
}

struct slot {
	uint32_t index, tag; /* index + 1; 0: empty */
};

bool order_maybe_twice(uint32_t n, struct span (*item)(const void *ctx, uint32_t i), const void *ctx)
{
	struct slot *table;
	size_t size = 16, mask;
	bool twice = false;

	while (size < (size_t)n * 2)
		size *= 2;
	mask = size - 1;
	table = calloc(size, sizeof(*table));
	if (!table)
		return true;
	for (uint32_t i = 0; i < n && !twice; i++) {
		struct span s = item(ctx, i);
		uint64_t h = hash(s);
		uint32_t tag = (uint32_t)(h >> 32);
		size_t at = (size_t)h & mask;
		unsigned probes = 0;

		for (; table[at].index && !twice; at = (at + 1) & mask)
			twice = ++probes == PROBES_MAX ||
				(table[at].tag == tag && span_eq(item(ctx, table[at].index - 1), s));
		if (!twice)
			table[at] = (struct slot){i + 1, tag};
	}
	free(table);
	return twice;
}
