/* Keys: only canonical spellings, only keys that a handshake can be done with. */
#include "tests/unit/schema_test.h"

#include "schema/key.h"

#include <sodium.h>

static void base64_is_canonical(void **state)
{
	static const char good[] = "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA=";
	static const char *const bad[] = {
	    "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQB=", /* bits after the last byte */
	    "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA",  /* no padding */
	    "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA==",
	    "HfM-Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA=", /* the other alphabet */
	    "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQAA",
	    " fM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA=",
	    "HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQ=\n",
	    "",
	};
	char text[ED25519_STR_LEN + 1];
	struct key k, again;

	(void)state;
	assert_int_equal(key_parse(good, strlen(good), &k), 0);
	key_format(&k, text);
	assert_string_equal(text, good);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(key_parse(bad[i], strlen(bad[i]), &again), -1);
	ed25519_format(&k, text);
	assert_string_equal(text, "ed25519:HfM+Rlgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA=");
	assert_int_equal(ed25519_parse(text, strlen(text), &again), 0);
	assert_true(key_eq(&k, &again));
	assert_int_equal(ed25519_parse(good, strlen(good), &again), -1);
	text[0] = 'E';
	assert_int_equal(ed25519_parse(text, strlen(text), &again), -1);
}

/* Every character in every place, against libsodium's decoder and encoder. */
static void base64_as_libsodium_does(void **state)
{
	uint8_t bytes[SIG_LEN], got[SIG_LEN], expected[SIG_LEN], seed[randombytes_SEEDBYTES] = {7};
	char text[SIG_B64_LEN + 1], again[SIG_B64_LEN + 1];
	size_t n;

	(void)state;
	for (unsigned len = KEY_LEN; len <= SIG_LEN; len += KEY_LEN) {
		size_t chars = len == KEY_LEN ? KEY_B64_LEN : SIG_B64_LEN;

		randombytes_buf_deterministic(bytes, sizeof(bytes), seed);
		for (size_t i = 0; i < chars; i++) {
			for (unsigned c = 0; c < 256; c++) {
				int rc;

				sodium_bin2base64(text, sizeof(text), bytes, len, sodium_base64_VARIANT_ORIGINAL);
				text[i] = (char)c;
				rc = sodium_base642bin(expected, len, text, chars, NULL, &n, NULL,
						       sodium_base64_VARIANT_ORIGINAL);
				if (rc == 0 && n == len) {
					sodium_bin2base64(again, sizeof(again), expected, len,
							  sodium_base64_VARIANT_ORIGINAL);
					rc = memcmp(again, text, chars) ? -1 : 0;
				}
				assert_int_equal(len == KEY_LEN ? key_parse(text, chars, (struct key *)got)
								: sig_parse(text, chars, got),
						 rc);
				if (rc == 0)
					assert_memory_equal(got, expected, len);
			}
		}
	}
}

static void hex_is_lower_case(void **state)
{
	/* BLAKE2b-256 of nothing. */
	static const char empty[] = "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8";
	char text[HASH_HEX_LEN + 1];
	struct hash h, again;

	(void)state;
	hash_bytes("", 0, &h);
	hash_hex(&h, text);
	assert_string_equal(text, empty);
	assert_int_equal(hash_parse_hex(empty, 64, &again), 0);
	assert_int_equal(hash_cmp(&h, &again), 0);
	assert_int_equal(hash_parse_hex(empty, 63, &again), -1);
	text[1] = 'E';
	assert_int_equal(hash_parse_hex(text, 64, &again), -1);
}

/* The list of keys of low order against what libsodium itself refuses to compute with. */
static void low_order_keys(void **state)
{
	uint8_t scalar[KEY_LEN] = {[0] = 8, [31] = 0x40}, shared[KEY_LEN];
	static const char *const low[] = {
	    "0000000000000000000000000000000000000000000000000000000000000000",
	    "0100000000000000000000000000000000000000000000000000000000000000",
	    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* 0, not canonical */
	    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* 1, not canonical */
	};
	struct key k;

	(void)state;
	for (size_t i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		assert_int_equal(sodium_hex2bin(k.b, KEY_LEN, low[i], 64, NULL, NULL, NULL), 0);
		assert_false(x25519_key_valid(&k));
		assert_int_equal(crypto_scalarmult(shared, scalar, k.b), -1);
	}
}

static void canonical_keys(void **state)
{
	uint8_t scalar[KEY_LEN], shared[KEY_LEN];
	struct key k;

	(void)state;
	/* The largest that is below 2^255 - 19 and not of low order; then any between it and 2^255. */
	memset(k.b, 0xff, KEY_LEN);
	k.b[31] = 0x7f;
	k.b[0] = 0xeb;
	assert_true(x25519_key_valid(&k));
	for (unsigned i = 0xed; i <= 0xff; i++) {
		k.b[0] = (uint8_t)i;
		assert_false(x25519_key_valid(&k));
	}
	for (unsigned i = 0; i < 200; i++) {
		randombytes_buf_deterministic(scalar, KEY_LEN, (const uint8_t[randombytes_SEEDBYTES]){(uint8_t)i});
		x25519_public(scalar, &k);
		assert_true(x25519_key_valid(&k));
		assert_int_equal(crypto_scalarmult(shared, scalar, k.b), 0);
		k.b[31] |= 0x80; /* X25519 ignores this bit, so it would be a second name of the same key */
		assert_false(x25519_key_valid(&k));
	}
}

static void invites_become_keys(void **state)
{
	uint8_t seed[KEY_LEN] = {1, 2, 3}, sk[crypto_sign_SECRETKEYBYTES], private_key[KEY_LEN];
	struct key ed, negated, x, again, public_key;

	(void)state;
	crypto_sign_seed_keypair(ed.b, sk, seed);
	assert_int_equal(ed25519_to_x25519(&ed, &x), 0);
	seed_to_x25519(seed, private_key);
	x25519_public(private_key, &public_key);
	assert_true(key_eq(&x, &public_key));
	/* A key and its negation are one X25519 key: what must be unique is the converted one. */
	negated = ed;
	negated.b[31] ^= 0x80;
	assert_int_equal(ed25519_to_x25519(&negated, &again), 0);
	assert_true(key_eq(&x, &again));
	/* The neutral element, a point of order 2, and no point at all. */
	memset(ed.b, 0, KEY_LEN);
	ed.b[0] = 1;
	assert_int_equal(ed25519_to_x25519(&ed, &x), -1);
	memset(ed.b, 0xff, KEY_LEN);
	ed.b[0] = 0xec;
	ed.b[31] = 0x7f;
	assert_int_equal(ed25519_to_x25519(&ed, &x), -1);
	memset(ed.b, 0xff, KEY_LEN);
	assert_int_equal(ed25519_to_x25519(&ed, &x), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(base64_is_canonical), cmocka_unit_test(base64_as_libsodium_does),
	    cmocka_unit_test(hex_is_lower_case),   cmocka_unit_test(low_order_keys),
	    cmocka_unit_test(canonical_keys),      cmocka_unit_test(invites_become_keys),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
