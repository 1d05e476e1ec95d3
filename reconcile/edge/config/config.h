/*
 * The program's own files (a peer's, a server's, an invitation): YAML by libcyaml, with strict reading.
 *
 * A schema declares all values as strings, because libcyaml parses "12x" as 12 and "010" as 8, and logs the values that it
 * refuses. The conversions below are strict; their diagnostics name the file and the key, and never show a secret. The
 * allocator of libcyaml wipes all memory when it is freed.
 */
#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H

#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/key.h"
#include <cyaml/cyaml.h>

/*
 * Parses bytes into the struct of `schema` (a CYAML_MAPPING with CYAML_FLAG_POINTER). Refuses an empty file, aliases, a
 * second document, unknown, repeated or missing keys, and bytes that are not UTF-8: -1 with one diagnostic of `code`, with
 * the line if libcyaml knows it. `name`: the file's name for diagnostics. The caller frees *out with config_free().
 */
int config_parse(const cyaml_schema_value_t *schema, struct span bytes, const char *code, const char *name, void **out,
		 struct diags *d);
void config_free(const cyaml_schema_value_t *schema, void *data); /* NULL is fine */

/* The reverse: writes `comment` (lines that begin with "# ") and the YAML into `out`. The caller wipes `out`. */
int config_emit(const cyaml_schema_value_t *schema, const void *data, const char *comment, struct buf *out,
		struct diags *d);

/* The file of a value. Each conversion returns -1 with one diagnostic of `code` about `field` for an invalid value. */
struct config_at {
	const char *file;
	const char *code;
	struct diags *d;
};
int config_fail(const struct config_at *at, const char *field, const char *what);
/* Accepts decimal digits only, without a sign or leading zeros. */
int config_number(const struct config_at *at, const char *field, const char *s, uint64_t min, uint64_t max,
		  uint64_t *out);
int config_base64(const struct config_at *at, const char *field, const char *s, struct key *out); /* any 32 bytes */
int config_x25519(const struct config_at *at, const char *field, const char *s, struct key *out); /* a usable key */
int config_ed25519(const struct config_at *at, const char *field, const char *s, struct key *out);
int config_addr(const struct config_at *at, const char *field, const char *s, struct addr *out);
int config_prefix(const struct config_at *at, const char *field, const char *s, struct prefix *out);

/*
 * Allocates 32 bytes of locked memory, which is not in a core dump. secret_free() wipes and frees it; NULL is fine.
 * secret_new() returns NULL when memory runs out.
 */
uint8_t *secret_new(void);
void secret_free(uint8_t *secret);
/* Decodes without branches that depend on the secret. No diagnostic has its text. */
int config_secret(const struct config_at *at, const char *field, const char *s, uint8_t out[static KEY_LEN]);
/* Writes the canonical base64 of the secret. The caller wipes `out`. */
void config_secret_format(const uint8_t secret[static KEY_LEN], char out[static KEY_B64_LEN + 1]);

#endif
