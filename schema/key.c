#include "schema/key.h"

#include <sodium.h>
#include <string.h>

int key_cmp(const struct key *a, const struct key *b)
{
	return memcmp(a->b, b->b, KEY_LEN);
}

bool key_eq(const struct key *a, const struct key *b)
{
	return memcmp(a->b, b->b, KEY_LEN) == 0;
}

bool key_is_zero(const struct key *k)
{
	return sodium_is_zero(k->b, KEY_LEN) != 0;
}

/* Sixteen characters at once; compilers make of it what the machine has. */
typedef uint8_t lanes __attribute__((vector_size(16)));

/* In each lane all ones when from <= c <= to, else 0. */
static lanes within(lanes c, uint8_t from, uint8_t to)
{
	return (lanes)((c >= from) & (c <= to));
}

/* The six bits of characters of RFC 4648 section 4; what is none of them has bits set in *bad. */
static lanes base64_bits(lanes c, lanes *bad)
{
	lanes upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9'),
	      plus = within(c, '+', '+'), slash = within(c, '/', '/');

	*bad |= (lanes) ~(upper | lower | digit | plus | slash);
	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) | (slash & 63);
}

/*
 * Exactly `len` bytes in canonical base64: padded, and without a bit after the last byte. The same steps whatever the
 * bytes are, since private keys come this way too. (libsodium's is as careful, but a fraction as fast: 10,000 peers notice.)
 */
static int base64_parse(const char *s, size_t n, uint8_t *out, size_t len)
{
	size_t chars = (len * 8 + 5) / 6, at = 0;
	uint8_t bits[SIG_B64_LEN + sizeof(lanes)];
	lanes block, bad = {0};
	uint32_t acc = 0, wrong = 0;
	unsigned have = 0;

	if (n != (len + 2) / 3 * 4 || n > SIG_B64_LEN)
		return -1;
	memset(bits, 'A', sizeof(bits));
	memcpy(bits, s, chars);
	for (size_t i = 0; i < chars; i += sizeof(lanes)) {
		memcpy(&block, bits + i, sizeof(lanes));
		block = base64_bits(block, &bad);
		memcpy(bits + i, &block, sizeof(lanes));
	}
	for (size_t i = 0; i < chars; i++) {
		acc = acc << 6 | bits[i];
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[at++] = (uint8_t)(acc >> have);
		}
	}
	for (size_t i = 0; i < sizeof(lanes); i++)
		wrong |= bad[i];
	wrong |= acc & ((1u << have) - 1);
	for (size_t i = chars; i < n; i++)
		wrong |= (uint8_t)s[i] ^ (uint8_t)'=';
	sodium_memzero(bits, sizeof(bits));
	return wrong ? -1 : 0;
}

int key_parse(const char *s, size_t n, struct key *out)
{
	return base64_parse(s, n, out->b, KEY_LEN);
}

void key_format(const struct key *k, char out[static KEY_B64_LEN + 1])
{
	sodium_bin2base64(out, KEY_B64_LEN + 1, k->b, KEY_LEN, sodium_base64_VARIANT_ORIGINAL);
}

int sig_parse(const char *s, size_t n, uint8_t out[static SIG_LEN])
{
	return base64_parse(s, n, out, SIG_LEN);
}

void sig_format(const uint8_t sig[static SIG_LEN], char out[static SIG_B64_LEN + 1])
{
	sodium_bin2base64(out, SIG_B64_LEN + 1, sig, SIG_LEN, sodium_base64_VARIANT_ORIGINAL);
}

static const char ed25519_head[] = "ed25519:";

int ed25519_parse(const char *s, size_t n, struct key *out)
{
	if (n != ED25519_STR_LEN || memcmp(s, ed25519_head, 8) != 0)
		return -1;
	return key_parse(s + 8, n - 8, out);
}

void ed25519_format(const struct key *k, char out[static ED25519_STR_LEN + 1])
{
	memcpy(out, ed25519_head, 8);
	key_format(k, out + 8);
}

/*
 * The canonical u-coordinates of low order, little-endian (RFC 7748 section 7; the other
 * well-known spellings are at or above 2^255 - 19, so they are not canonical): order 4, 1
 * and 2, 8, 8, 2 on the curve or its twist.
 */
static const uint8_t low_order[][KEY_LEN] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

bool x25519_key_valid(const struct key *k)
{
	static const uint8_t p_low = 0xed; /* 2^255 - 19 is ed ff .. ff 7f, little-endian */
	size_t i;

	for (i = KEY_LEN - 1; i > 0; i--)
		if (k->b[i] != (i == KEY_LEN - 1 ? 0x7f : 0xff))
			break;
	if (k->b[KEY_LEN - 1] > 0x7f || (i == 0 && k->b[0] >= p_low))
		return false;
	for (i = 0; i < sizeof(low_order) / sizeof(low_order[0]); i++)
		if (memcmp(k->b, low_order[i], KEY_LEN) == 0)
			return false;
	return true;
}

int ed25519_to_x25519(const struct key *ed, struct key *x)
{
	struct key out;

	if (crypto_sign_ed25519_pk_to_curve25519(out.b, ed->b) || !x25519_key_valid(&out))
		return -1;
	*x = out;
	return 0;
}

int hash_cmp(const struct hash *a, const struct hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

void hash_hex(const struct hash *h, char out[static HASH_HEX_LEN + 1])
{
	sodium_bin2hex(out, HASH_HEX_LEN + 1, h->b, sizeof(h->b));
}

static bool hex_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= '0' && s[i] <= '9') || (s[i] >= 'a' && s[i] <= 'f')))
			return false;
	return true;
}

bool commit_id_valid(const char *s, size_t n)
{
	return (n == 40 || n == 64) && hex_digits(s, n);
}

int hash_parse_hex(const char *s, size_t n, struct hash *out)
{
	struct hash h;

	if (n != HASH_HEX_LEN)
		return -1;
	if (!hex_digits(s, n))
		return -1;
	if (sodium_hex2bin(h.b, sizeof(h.b), s, n, NULL, NULL, NULL))
		return -1;
	*out = h;
	return 0;
}

void hash_bytes(const void *p, size_t n, struct hash *out)
{
	crypto_generichash(out->b, sizeof(out->b), p, n, NULL, 0);
}

void x25519_public(const uint8_t private_key[static KEY_LEN], struct key *out)
{
	crypto_scalarmult_base(out->b, private_key);
}

void seed_to_x25519(const uint8_t seed[static KEY_LEN], uint8_t private_key[static KEY_LEN])
{
	uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(pk, sk, seed);
	crypto_sign_ed25519_sk_to_curve25519(private_key, sk);
	sodium_memzero(sk, sizeof(sk));
}
