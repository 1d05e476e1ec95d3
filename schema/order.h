/* Putting things in order, and finding those that occur twice, faster than by comparing: definitions are large. */
#ifndef SCHEMA_ORDER_H
#define SCHEMA_ORDER_H

#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/key.h"

/*
 * The order of n keys of `len` bytes each, one behind the other, compared as memcmp does; equal ones stay as they were.
 * order[i] is which comes i-th. It takes one pass for each byte in which they differ. -1: out of memory.
 */
int order_by_bytes(uint32_t *order, uint32_t n, size_t len, const uint8_t *keys);

/* For qsort(3) and bsearch(3), over an array: texts by their bytes, the other types as key_cmp() and its like do. */
int order_text_cmp(const void *a, const void *b);
int order_key_cmp(const void *a, const void *b);
int order_addr_cmp(const void *a, const void *b);
int order_prefix_cmp(const void *a, const void *b);

/* Sorts, and drops duplicates; how many are left. */
uint32_t order_prefixes(struct prefix *p, uint32_t n);

/*
 * Whether any two of n items are the same. False is certain. True may also mean that memory was short, or that
 * an author chose the items so that their hashes collide: then the caller compares them in its own way.
 */
bool order_maybe_twice(uint32_t n, struct span (*item)(const void *ctx, uint32_t i), const void *ctx);

#endif
