/*
 * Our own files (a peer's, a server's, an invitation): YAML by libcyaml, read strictly and written durably.
 *
 * A schema names its values as strings only: libcyaml takes "12x" as 12 and "010" as 8, and it would log
 * what it refuses. The conversions below are strict, say which value of which file is wrong, and never show
 * a secret. All memory that libcyaml holds a value in is wiped when it is given back.
 */
#ifndef EDGE_CONFIG_H
#define EDGE_CONFIG_H

#include "schema/addr.h"
#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/key.h"
#include <cyaml/cyaml.h>

/*
 * Bytes to the struct that `schema` describes (a CYAML_MAPPING with CYAML_FLAG_POINTER). Refused with one
 * diagnostic of `code`, and its line where libcyaml knows it: an empty file, aliases, a second document, unknown or repeated
 * or missing keys, anything not UTF-8. `name` is the file's, for people. *out is freed with config_free().
 */
int config_parse(const cyaml_schema_value_t *schema, struct span bytes, const char *code, const char *name, void **out,
		 struct diags *d);
void config_free(const cyaml_schema_value_t *schema, void *data); /* NULL is fine */

/* The reverse, for file_write() or file_create(): `comment` (lines with their "# ") comes first. The caller wipes. */
int config_emit(const cyaml_schema_value_t *schema, const void *data, const char *comment, struct buf *out,
		struct diags *d);

/* Where a value stands: all conversions add one diagnostic of `code` about `field` and return -1 when it is wrong. */
struct config_at {
	const char *file;
	const char *code;
	struct diags *d;
};
int config_fail(const struct config_at *at, const char *field, const char *what);
/* Decimal, without sign, leading zeros or anything after it. */
int config_number(const struct config_at *at, const char *field, const char *s, uint64_t min, uint64_t max,
		  uint64_t *out);
int config_base64(const struct config_at *at, const char *field, const char *s, struct key *out); /* any 32 bytes */
int config_x25519(const struct config_at *at, const char *field, const char *s, struct key *out); /* a usable key */
int config_ed25519(const struct config_at *at, const char *field, const char *s, struct key *out);
int config_addr(const struct config_at *at, const char *field, const char *s, struct addr *out);
int config_prefix(const struct config_at *at, const char *field, const char *s, struct prefix *out);

/*
 * 32 secret bytes, kept in locked memory that no core dump has, and that is wiped by secret_free(). NULL is fine
 * there; secret_new() gives NULL when out of memory.
 */
uint8_t *secret_new(void);
void secret_free(uint8_t *secret);
/* Decodes without branches on the secret; its text is in no diagnostic. */
int config_secret(const struct config_at *at, const char *field, const char *s, uint8_t out[static KEY_LEN]);
/* Its canonical base64. The caller wipes. */
void config_secret_format(const uint8_t secret[static KEY_LEN], char out[static KEY_B64_LEN + 1]);

#endif
