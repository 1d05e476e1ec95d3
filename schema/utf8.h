/* UTF-8, one code point at a time (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF). */
#ifndef SCHEMA_UTF8_H
#define SCHEMA_UTF8_H

#include "schema/buf.h"

/* The length of the sequence that starts at `s` (1 to 4) and its code point; 0 when it is not UTF-8. */
unsigned utf8_decode(const uint8_t *s, size_t n, uint32_t *cp);
/* What no terminal should be sent: control characters, and the marks that reorder text (CVE-2021-42574). */
bool utf8_hides(uint32_t cp);
/* Appends a text in which what is not UTF-8 has become U+FFFD. */
void buf_utf8(struct buf *out, struct span text);
/* Appends a text with its control characters, what reorders text, and what is not UTF-8 escaped. */
void buf_visible(struct buf *out, struct span text);

#endif
