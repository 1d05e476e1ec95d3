/* Public keys, hashes and their spellings. Nothing secret in here, but for the two functions that say so. */
#ifndef SCHEMA_KEY_H
#define SCHEMA_KEY_H

#include "schema/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 32 bytes: an X25519 or Ed25519 public key, a network's id, or (as `struct hash`) a BLAKE2b-256. */
struct key {
	uint8_t b[KEY_LEN];
};
struct hash {
	uint8_t b[KEY_LEN];
};

int key_cmp(const struct key *a, const struct key *b); /* bytewise */
bool key_eq(const struct key *a, const struct key *b);
bool key_is_zero(const struct key *k);

/* Canonical padded base64 of exactly 32 bytes, as `wg` prints keys. -1 for anything else (`out` is undefined). */
int key_parse(const char *s, size_t n, struct key *out);
void key_format(const struct key *k, char out[static KEY_B64_LEN + 1]);
int sig_parse(const char *s, size_t n, uint8_t out[static SIG_LEN]);
void sig_format(const uint8_t sig[static SIG_LEN], char out[static SIG_B64_LEN + 1]);
/* "ed25519:<base64>" */
int ed25519_parse(const char *s, size_t n, struct key *out);
#define ED25519_STR_LEN (8 + KEY_B64_LEN)
void ed25519_format(const struct key *k, char out[static ED25519_STR_LEN + 1]);

/* An X25519 public key that a handshake can be done with: not of low order, canonical (below 2^255 - 19). */
bool x25519_key_valid(const struct key *k);
/* An Ed25519 public key to X25519 (libsodium's birational map). -1: not a point, or of low order. */
int ed25519_to_x25519(const struct key *ed, struct key *x);

int hash_cmp(const struct hash *a, const struct hash *b);
void hash_hex(const struct hash *h, char out[static HASH_HEX_LEN + 1]); /* lower case */
int hash_parse_hex(const char *s, size_t n, struct hash *out);          /* lower case only */
/* A git object id as git prints it: 40 (SHA-1) or 64 (SHA-256) hex digits, lower case. */
bool commit_id_valid(const char *s, size_t n);
void hash_bytes(const void *p, size_t n, struct hash *out); /* BLAKE2b-256 */

/* The private side: both read and write secrets. The caller wipes. */
void x25519_public(const uint8_t private_key[static KEY_LEN], struct key *out);
void seed_to_x25519(const uint8_t seed[static KEY_LEN],
		    uint8_t private_key[static KEY_LEN]); /* an invite's temporary key */

#endif
