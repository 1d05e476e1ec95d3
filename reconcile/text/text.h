/*
 * The line-based texts of innernet-snapshot(5): ASCII, single spaces, every line ended by LF. One tokenizer and
 * one set of strict fields for objects, statements, signatures, enrolments and bundles. Each field has exactly
 * one spelling, so a text that parses is in its canonical form once its order has been checked.
 */
#ifndef RECONCILE_TEXT_TEXT_H
#define RECONCILE_TEXT_TEXT_H

#include "schema/buf.h"
#include "schema/diag.h"
#include "schema/model.h"

#define TEXT_FIELDS_MAX (3 + PATH_MAX_LEN) /* the longest line is a path */

/* Reads a text from its beginning. The first error stays in `error`; nothing is read after it. */
struct text {
	const uint8_t *p, *end;
	uint32_t line;     /* number of the line in `field`, from 1 */
	const char *error; /* NULL: none so far; else a literal */
	uint32_t format;   /* of the text, by its first line */
	uint32_t newest;   /* the newest format of its kind that this program reads */
	struct span word;  /* that this program does not know yet, which `error` is about; p NULL: none */
	struct span field[TEXT_FIELDS_MAX];
	unsigned n; /* fields of the line */
	bool ahead; /* the line was put back */
};

/* Starts on `bytes` and reads the first line, which must be "<kind> <format>", 1 to `newest`. */
bool text_open_format(struct text *t, struct span bytes, const char *kind, uint32_t newest);
/* The same of a kind that has one format. */
bool text_open(struct text *t, struct span bytes, const char *kind);
/* The next line. false at the end, or after an error. */
bool text_next(struct text *t);
/* The next line, when its first word is `word`; otherwise it is kept for the next call. */
bool text_take(struct text *t, const char *word);
/* The same, but the line has to be there, with n_fields words, the first one counted. */
bool text_need(struct text *t, const char *word, unsigned n_fields);
/* Nothing is left and nothing was wrong. */
bool text_end(struct text *t);
/*
 * Takes the x- lines that follow, as they are, with their LFs: lines of format 2 and later whose first word begins with
 * "x-". This program ignores what they say. They rise by their bytes. out->p is NULL when there is none. false: an error.
 */
bool text_take_extra(struct text *t, struct span *out);
/* The format has to be the lowest one that can say what was read: `needed`. */
bool text_format_is(struct text *t, uint32_t needed);
/* Takes the next `n` bytes as they are (bundles). */
bool text_raw(struct text *t, size_t n, struct span *out);
/* Records the first error and returns false. */
bool text_fail(struct text *t, const char *error);

/* Fields: false, and an error in `t`, when field i is not there or not canonical. */
bool text_word(struct text *t, unsigned i, const char *word);
bool text_u64(struct text *t, unsigned i, uint64_t max, uint64_t *out);
bool text_u32(struct text *t, unsigned i, uint32_t max, uint32_t *out);
bool text_key(struct text *t, unsigned i, struct key *out);
bool text_hash(struct text *t, unsigned i, struct hash *out);
bool text_ed25519(struct text *t, unsigned i, struct key *out);
bool text_name(struct text *t, unsigned i, struct arena *a, const char **out);
/* "<addr>[,<addr6>]" and "<prefix>[,<prefix6>]": at most one a family, IPv4 first. */
bool text_ips(struct text *t, unsigned i, struct addr ip[2], uint8_t *n);
bool text_prefixes(struct text *t, unsigned i, struct prefix prefix[2], uint8_t *n);
bool text_prefix(struct text *t, unsigned i, struct prefix *out);
bool text_sockpoint(struct text *t, unsigned i, struct sockpoint *out);
/* "<ip:port>,...": one to `max`, none twice. */
bool text_sockpoints(struct text *t, unsigned i, struct sockpoint *out, unsigned max, uint8_t *n);
/* The value of "name=value", or false (no error) when field i is something else. */
bool text_value(const struct text *t, unsigned i, const char *name, struct span *value);

bool span_is(struct span s, const char *word);
bool span_u64(struct span s, uint64_t max, uint64_t *out);
bool span_prefix(struct span s, struct prefix *out);

/* Writing: the same spellings. */
void buf_u64(struct buf *b, uint64_t v);
void buf_key(struct buf *b, const struct key *k);
void buf_hash(struct buf *b, const struct hash *h);
void buf_prefixes(struct buf *b, const struct prefix *p, uint32_t n);
void buf_range(struct buf *b, const struct prefix *p); /* one address without its length */
void buf_ips(struct buf *b, const struct addr *ip, uint8_t n);
void buf_sockpoints(struct buf *b, const struct sockpoint *at, unsigned n);

/*
 * Adds "<what>, line N: <why>" under `code`; or under "format-unknown" when a text of several formats is of a newer one
 * than this program reads, or has a word of a newer program. Always -1.
 */
int text_report(const struct text *t, struct diags *d, const char *code, const char *what);

#endif
