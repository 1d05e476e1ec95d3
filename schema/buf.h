/* Bytes: a borrowed span, a growable buffer, and an arena that lives as long as one generation. */
#ifndef SCHEMA_BUF_H
#define SCHEMA_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. Not NUL-terminated. */
struct span {
	const uint8_t *p;
	size_t n;
};

#define SPAN(lit) ((struct span){(const uint8_t *)(lit), sizeof(lit) - 1})
struct span span_str(const char *s);
bool span_eq(struct span a, struct span b);

/*
 * A growable buffer. Zero-initialise; buf_free() when done. The first failed
 * allocation sets `failed`, and every later call does nothing, so a writer checks
 * once, at its end. `p` is always NUL-terminated after a successful write (the NUL
 * is not counted in `n`).
 */
struct buf {
	char *p;
	size_t n, cap;
	bool failed;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void buf_reset(struct buf *b); /* keeps the memory */
void buf_free(struct buf *b);
void buf_wipe(struct buf *b); /* sodium_memzero, then free */
struct span buf_span(const struct buf *b);

/*
 * An arena: what is allocated from it lives until arena_free(). Allocation can fail
 * (NULL): running out of memory is an error, not an abort. Secrets never enter one.
 */
struct arena;
struct arena *arena_new(void);                             /* NULL when out of memory */
void arena_free(struct arena *a);                          /* NULL is fine */
void *arena_alloc(struct arena *a, size_t n);              /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t n, size_t size); /* the same, overflow checked */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_strdup(struct arena *a, const char *s);
struct span arena_span(struct arena *a, struct span s); /* a copy; p is NULL when out of memory */
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_used(const struct arena *a);

#endif
