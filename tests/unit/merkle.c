/* The tree over the views: RFC 6962's shape, read from its section 2.1 once more, and paths of the right length only. */
#include "tests/unit/network.h"

#define MOST 70

static void names_of(struct hash *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hash_bytes(&i, sizeof(i), &names[i]);
}

/* MTH(D[n]) as the RFC writes it: split at the largest power of two below n. */
static struct hash rfc_root(const struct hash *names, size_t n)
{
	uint8_t in[1 + 2 * KEY_LEN] = {0};
	struct hash left, right, out;
	size_t k = 1;

	if (n == 1) {
		memcpy(in + 1, names->b, KEY_LEN);
		hash_bytes(in, 1 + KEY_LEN, &out);
		return out;
	}
	while (2 * k < n)
		k *= 2;
	left = rfc_root(names, k);
	right = rfc_root(names + k, n - k);
	in[0] = 1;
	memcpy(in + 1, left.b, KEY_LEN);
	memcpy(in + 1 + KEY_LEN, right.b, KEY_LEN);
	hash_bytes(in, sizeof(in), &out);
	return out;
}

static void has_the_shape_of_the_rfc(void **state)
{
	struct hash names[MOST], tree[4 * MOST], root;
	(void)state;

	names_of(names, MOST);
	for (size_t n = 1; n <= MOST; n++) {
		merkle_build(names, n, tree);
		root = rfc_root(names, n);
		assert_true(merkle_size(n) <= 4 * MOST);
		assert_int_equal(hash_cmp(&tree[merkle_size(n) - 1], &root), 0);
	}
}

static void a_path_proves_its_view_and_no_other(void **state)
{
	struct hash names[MOST], tree[4 * MOST], path[PATH_MAX_LEN + 1];
	(void)state;

	names_of(names, MOST);
	for (size_t n = 1; n <= MOST; n++) {
		const struct hash *root = &tree[merkle_size(n) - 1];

		merkle_build(names, n, tree);
		for (size_t i = 0; i < n; i++) {
			unsigned k = merkle_path(tree, n, i, path);

			assert_true(merkle_check(&names[i], i, n, path, k, root));
			assert_false(merkle_check(&names[(i + 1) % MOST], i, n, path, k, root));
			assert_false(merkle_check(&names[i], i + 1, n, path, k, root));
			assert_false(merkle_check(&names[i], i, i, path, k, root));
			/* Longer or shorter than index and count imply. */
			path[k] = names[0];
			assert_false(merkle_check(&names[i], i, n, path, k + 1, root));
			if (k)
				assert_false(merkle_check(&names[i], i, n, path, k - 1, root));
			for (unsigned j = 0; j < k; j++) {
				path[j].b[0] ^= 1;
				assert_false(merkle_check(&names[i], i, n, path, k, root));
				path[j].b[0] ^= 1;
			}
		}
	}
}

static void nonsense_is_no_path(void **state)
{
	struct hash name, path[PATH_MAX_LEN] = {{{0}}};
	(void)state;

	hash_bytes("x", 1, &name);
	assert_false(merkle_check(&name, 0, 0, path, 0, &name));
	assert_false(merkle_check(&name, 1, 1, path, 0, &name));
	assert_false(merkle_check(&name, 0, UINT64_MAX, path, PATH_MAX_LEN, &name));
	assert_false(merkle_check(&name, UINT64_MAX - 1, UINT64_MAX, path, PATH_MAX_LEN, &name));
	/* A leaf's hash does not stand for the name it was made from. */
	assert_false(merkle_check(&name, 0, 1, path, 0, &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(has_the_shape_of_the_rfc),
	    cmocka_unit_test(a_path_proves_its_view_and_no_other),
	    cmocka_unit_test(nonsense_is_no_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
