/*
 * Addresses and prefixes as 128 bits. IPv4 is ::ffff:0:0/96 (RFC 4291 section 2.5.5.2), so one
 * comparison orders both families, and an IPv4 /24 has length 120.
 */
#ifndef SCHEMA_ADDR_H
#define SCHEMA_ADDR_H

#include "schema/limits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr {
	uint8_t b[16];
};

/* `len` counts from the 128 bits: 96..128 for IPv4. Bits of `base` below `len` are zero. */
struct prefix {
	struct addr base;
	uint8_t len;
};

/* An address and a UDP port, as a device knows an endpoint. `scope` is the interface index of a link-local one. */
struct sockpoint {
	struct addr ip;
	uint32_t scope;
	uint16_t port; /* host byte order; 0: none */
};

#define ADDR_STR_LEN      46 /* INET6_ADDRSTRLEN */
#define PREFIX_STR_LEN    50
#define SOCKPOINT_STR_LEN 72 /* [addr%scope]:port */

bool addr_is_v4(const struct addr *a);
bool addr_same_bits(const struct addr *a, const struct addr *b, unsigned len); /* the first `len` bits, any family */
int addr_cmp(const struct addr *a, const struct addr *b);
/* Strict: dotted quad without leading zeros, or RFC 4291 text; no zone; no IPv4-mapped IPv6. -1 when it is neither. */
int addr_parse(const char *s, size_t n, struct addr *out);
void addr_format(const struct addr *a, char out[static ADDR_STR_LEN]); /* RFC 5952 */

bool prefix_is_v4(const struct prefix *p);                      /* ::/0 is not: the family is part of a prefix */
int prefix_cmp(const struct prefix *a, const struct prefix *b); /* by base, then length */
/* As many, and each the same as the other list's of its place. */
bool addrs_same(const struct addr *x, uint32_t n_x, const struct addr *y, uint32_t n_y);
bool prefixes_same(const struct prefix *x, uint32_t n_x, const struct prefix *y, uint32_t n_y);
enum prefix_error { PREFIX_OK = 0, PREFIX_SYNTAX = -1, PREFIX_HOST_BITS = -2 };
/* "10.0.0.0/8". On PREFIX_HOST_BITS `out` holds the prefix with its host bits cleared (for the help line). */
enum prefix_error prefix_parse(const char *s, size_t n, struct prefix *out);
void prefix_format(const struct prefix *p, char out[static PREFIX_STR_LEN]);
bool prefix_has(const struct prefix *p, const struct addr *a);              /* families must agree */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner); /* equal counts */
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
struct prefix prefix_host(const struct addr *a); /* /32 or /128 */
void prefix_clear_host_bits(struct prefix *p);
unsigned prefix_wire_len(const struct prefix *p); /* 24 for an IPv4 /24 */
struct addr prefix_last(const struct prefix *p);  /* broadcast, for IPv4 */

/* A UDP or TCP port, 1 to 65535; leading zeros are taken. -1 for anything else. */
int port_parse(const char *s, size_t n, uint16_t *out);

/* "1.2.3.4:51820" or "[::1]:51820"; literal addresses only. */
int sockpoint_parse(const char *s, size_t n, struct sockpoint *out);
void sockpoint_format(const struct sockpoint *p, char out[static SOCKPOINT_STR_LEN]);
bool sockpoint_eq(const struct sockpoint *a, const struct sockpoint *b);

#endif
