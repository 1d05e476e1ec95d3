/*
 * The tree over the views: RFC 9162's (once RFC 6962's) shape, section 2.1, over BLAKE2b-256. A leaf and an
 * inner node are hashed with different first bytes, so that neither can stand for the other.
 */
#include "reconcile/wire/snapshot.h"

#include <string.h>

void merkle_leaf(const struct hash *name, struct hash *out)
{
	uint8_t in[1 + KEY_LEN] = {0x00};

	memcpy(in + 1, name->b, KEY_LEN);
	hash_bytes(in, sizeof(in), out);
}

static void inner(const struct hash *left, const struct hash *right, struct hash *out)
{
	uint8_t in[1 + 2 * KEY_LEN] = {0x01};

	memcpy(in + 1, left->b, KEY_LEN);
	memcpy(in + 1 + KEY_LEN, right->b, KEY_LEN);
	hash_bytes(in, sizeof(in), out);
}

/* The largest power of two below n (n >= 2): how many leaves the left side of a tree has. */
static uint64_t left_of(uint64_t n)
{
	uint64_t k = 1;

	while (k < n - k)
		k *= 2;
	return k;
}

size_t merkle_size(size_t n)
{
	size_t total = n ? n : 1;

	for (; n > 1; n = (n + 1) / 2)
		total += (n + 1) / 2;
	return total;
}

/* Pairing each level from the left, the odd one at its end going up as it is, gives the same shape. */
void merkle_build(const struct hash *names, size_t n, struct hash *tree)
{
	struct hash *up = tree + n;

	if (n == 0)
		hash_bytes("", 0, tree);
	for (size_t i = 0; i < n; i++)
		merkle_leaf(&names[i], &tree[i]);
	for (; n > 1; n = (n + 1) / 2) {
		for (size_t i = 0; i + 1 < n; i += 2)
			inner(&tree[i], &tree[i + 1], &up[i / 2]);
		if (n % 2)
			up[n / 2] = tree[n - 1];
		tree = up;
		up += (n + 1) / 2;
	}
}

unsigned merkle_path(const struct hash *tree, size_t n, size_t index, struct hash out[static PATH_MAX_LEN])
{
	unsigned depth = 0;

	for (; n > 1 && depth < PATH_MAX_LEN; n = (n + 1) / 2) {
		if ((index ^ 1) < n)
			out[depth++] = tree[index ^ 1];
		tree += n;
		index /= 2;
	}
	return depth;
}

bool merkle_check(const struct hash *name, uint64_t index, uint64_t count, const struct hash *path, size_t n_path,
		  const struct hash *root)
{
	bool right[PATH_MAX_LEN]; /* from the root down: is our side the right one? */
	struct hash h;
	size_t depth = 0;

	if (count == 0 || index >= count)
		return false;
	for (uint64_t n = count; n > 1; depth++) {
		uint64_t k = left_of(n);

		if (depth == PATH_MAX_LEN)
			return false;
		right[depth] = index >= k;
		if (right[depth]) {
			index -= k;
			n -= k;
		} else {
			n = k;
		}
	}
	if (n_path != depth)
		return false;
	merkle_leaf(name, &h);
	for (size_t i = 0; i < depth; i++) {
		struct hash up;

		if (right[depth - 1 - i])
			inner(&path[i], &h, &up);
		else
			inner(&h, &path[i], &up);
		h = up;
	}
	return hash_cmp(&h, root) == 0;
}
