/* Large bodies: in an unnamed file, unpacked (RFC 1952) and bounded while they come. */
#include "reconcile/edge/http/http_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define UNPACKED_PIECE 16384

struct http_spool {
	int fd;
	uint64_t max, received, written;
	bool packed, whole; /* gzip; its end was seen */
	z_stream z;
	unsigned status; /* what is wrong with it; 0: nothing */
	const char *why;
};

/* A name for a moment, where the file system has no files without one. */
static int file_unnamed(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	if ((size_t)snprintf(path, sizeof(path), "%s/body-XXXXXX", dir) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

struct http_spool *http_spool_new(const char *dir, uint64_t max, bool packed)
{
	struct http_spool *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->max = max;
	s->fd = dir ? file_unnamed(dir) : memfd_create("body", MFD_CLOEXEC);
	if (s->fd < 0 || (packed && inflateInit2(&s->z, 16 + MAX_WBITS) != Z_OK)) {
		int err = s->fd < 0 ? errno : ENOMEM;
		http_spool_free(s);
		errno = err;
		return NULL;
	}
	s->packed = packed;
	return s;
}

void http_spool_free(struct http_spool *s)
{
	if (!s)
		return;
	if (s->packed)
		inflateEnd(&s->z);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static void wrong(struct http_spool *s, unsigned status, const char *why)
{
	s->status = status;
	s->why = why;
}

static void put(struct http_spool *s, const void *bytes, size_t n)
{
	const char *p = bytes;

	if (s->written + n > s->max) {
		wrong(s, 413, "the body is too large");
		return;
	}
	s->written += n;
	while (n) {
		ssize_t w = write(s->fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			wrong(s, 507, "the server has no room for it");
			return;
		}
		p += w;
		n -= (size_t)w;
	}
}

/* A few bytes may unpack to a thousand times as many: each piece is counted before the next is made. */
static void unpack(struct http_spool *s, const char *bytes, size_t n)
{
	unsigned char piece[UNPACKED_PIECE];
	int rc = Z_OK;

	s->z.next_in = (Bytef *)(uintptr_t)bytes;
	s->z.avail_in = (uInt)n;
	while (!s->status && !s->whole && rc == Z_OK) {
		s->z.next_out = piece;
		s->z.avail_out = sizeof(piece);
		rc = inflate(&s->z, Z_NO_FLUSH);
		put(s, piece, sizeof(piece) - s->z.avail_out);
		s->whole = rc == Z_STREAM_END;
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			wrong(s, 400, "the body is no gzip");
	}
	if (s->whole && s->z.avail_in && !s->status)
		wrong(s, 400, "something follows the gzip in the body");
}

bool http_spool_add(struct http_spool *s, const char *bytes, size_t n)
{
	s->received += n;
	if (s->received > s->max)
		return false;
	/* The body was refused already: the rest is read and dropped, and then the error is answered. */
	if (s->status)
		return true;
	if (s->packed)
		unpack(s, bytes, n);
	else
		put(s, bytes, n);
	return true;
}

unsigned http_spool_end(struct http_spool *s, const char **why)
{
	if (!s->status && s->packed && !s->whole)
		wrong(s, 400, "the gzip in the body has no end");
	if (!s->status && lseek(s->fd, 0, SEEK_SET) < 0)
		wrong(s, 500, "the body cannot be read");
	*why = s->why;
	return s->status;
}

int http_spool_file(const struct http_spool *s)
{
	return s->fd;
}
