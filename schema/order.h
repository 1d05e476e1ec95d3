/* Putting things in order, and finding those that occur twice, faster than by comparing: definitions are large. */
#ifndef SCHEMA_ORDER_H
#define SCHEMA_ORDER_H

#include "schema/buf.h"

/*
 * The order of n keys of `len` bytes each, one behind the other, compared as memcmp does; equal ones stay as they were.
 * order[i] is which comes i-th. It takes one pass for each byte in which they differ. -1: out of memory.
 */
int order_by_bytes(uint32_t *order, uint32_t n, size_t len, const uint8_t *keys);

/* For qsort(3) and bsearch(3), over an array of texts: by their bytes. */
int order_texts(const void *a, const void *b);

/*
 * Whether any two of n items are the same. False is certain. True may also mean that memory was short, or that
 * somebody chose the items so that their hashes collide: then the caller compares them in its own way.
 */
bool maybe_twice(uint32_t n, struct span (*item)(const void *ctx, uint32_t i), const void *ctx);

#endif
