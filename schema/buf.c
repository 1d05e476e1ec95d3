#include "schema/buf.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span span_str(const char *s)
{
	return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Room for `n` more bytes and the NUL. */
static bool buf_reserve(struct buf *b, size_t n)
{
	size_t need, cap = b->cap ? b->cap : 64;
	char *p;

	if (b->failed)
		return false;
	if (n > SIZE_MAX / 2 - b->n - 1) {
		b->failed = true;
		return false;
	}
	need = b->n + n + 1;
	if (need <= b->cap)
		return true;
	while (cap < need)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (!buf_reserve(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	if (!buf_reserve(b, 0))
		return;
	va_copy(again, ap);
	n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n >= b->cap - b->n && buf_reserve(b, (size_t)n)) {
		n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
	}
	va_end(again);
	if (b->failed) {
		if (b->p)
			b->p[b->n] = '\0';
		return;
	}
	b->n += (size_t)n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
	if (b->p)
		b->p[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void buf_wipe(struct buf *b)
{
	if (b->p)
		sodium_memzero(b->p, b->cap);
	buf_free(b);
}

struct span buf_span(const struct buf *b)
{
	return (struct span){(const uint8_t *)b->p, b->n};
}

/* Chunks double from 4 KiB to 1 MiB; what is larger than half a chunk gets a chunk of its own. */
#define CHUNK_MIN ((size_t)4 << 10)
#define CHUNK_MAX ((size_t)1 << 20)
#define ALIGN     _Alignof(max_align_t)

struct chunk {
	struct chunk *next;
	max_align_t bytes[];
};

struct arena {
	struct chunk *chunks;
	char *at; /* free bytes of the newest shared chunk: values are taken from their start, texts from their end */
	size_t left, next_size;
	size_t used;
};

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->next_size = CHUNK_MIN;
	return a;
}

void arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (!a)
		return;
	for (c = a->chunks; c; c = next) {
		next = c->next;
		free(c);
	}
	free(a);
}

static void *arena_chunk(struct arena *a, size_t n)
{
	struct chunk *c;

	if (n > SIZE_MAX - sizeof(*c))
		return NULL;
	c = calloc(1, sizeof(*c) + n);
	if (!c)
		return NULL;
	c->next = a->chunks;
	a->chunks = c;
	return c->bytes;
}

/* Where `n` bytes fit: in a chunk of their own, or (*own false) among the free ones at a->at. */
static void *arena_room(struct arena *a, size_t n, bool *own)
{
	void *p;

	*own = n > a->left && n > a->next_size / 2;
#ifdef INNERNET_SANITIZED
	*own = true; /* so that the sanitizer sees a write past its end */
#endif
	if (*own)
		return arena_chunk(a, n);
	if (n <= a->left)
		return a->at;
	p = arena_chunk(a, a->next_size);
	if (!p)
		return NULL;
	a->at = p;
	a->left = a->next_size;
	if (a->next_size < CHUNK_MAX)
		a->next_size *= 2;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	bool own;
	void *p;

	if (n > SIZE_MAX - ALIGN)
		return NULL;
	n = n ? (n + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	p = arena_room(a, n, &own);
	if (!p)
		return NULL;
	a->used += n;
	if (!own) {
		a->at += n;
		a->left -= n;
	}
	return p;
}

/* Bytes that need no alignment: names by the million waste none. */
static char *arena_bytes(struct arena *a, size_t n)
{
	bool own;
	char *p = arena_room(a, n, &own);

	if (!p)
		return NULL;
	a->used += n;
	if (own)
		return p;
	a->left -= n;
	return a->at + a->left;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, n * size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		return NULL;
	p = arena_bytes(a, n + 1);
	if (p && n)
		memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

struct span arena_span(struct arena *a, struct span s)
{
	char *p = arena_strndup(a, (const char *)s.p, s.n);

	return (struct span){(const uint8_t *)p, p ? s.n : 0};
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = arena_bytes(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p;
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
