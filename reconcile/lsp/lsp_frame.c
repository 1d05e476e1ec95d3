#include "reconcile/lsp/lsp_frame.h"

#include "schema/limits.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The length that one header line gives. 0: it is about something else. -1: it is malformed. */
static int read_field(struct span line, size_t *length, bool *given)
{
	static const char name[] = "content-length:";
	size_t at = sizeof(name) - 1, n = 0;

	if (line.n < at || strncasecmp((const char *)line.p, name, at) != 0)
		return memchr(line.p, ':', line.n) ? 0 : -1;
	while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
		at++;
	if (at == line.n || *given)
		return -1;
	for (; at < line.n && line.p[at] >= '0' && line.p[at] <= '9'; at++) {
		n = 10 * n + (size_t)(line.p[at] - '0');
		if (n > LSP_MESSAGE_MAX)
			return -1;
	}
	while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
		at++;
	*length = n;
	*given = true;
	return at == line.n ? 0 : -1;
}

int lsp_frame_read(struct span in, struct span *message, size_t *used)
{
	size_t at = 0, length = 0;
	bool given = false;

	for (;;) {
		size_t limit = in.n < LSP_HEADER_MAX ? in.n : LSP_HEADER_MAX;
		const uint8_t *lf = at < limit ? memchr(in.p + at, '\n', limit - at) : NULL;
		struct span line;
		if (!lf)
			return in.n >= LSP_HEADER_MAX ? -1 : 0;
		line = (struct span){in.p + at, (size_t)(lf - in.p) - at};
		at = (size_t)(lf - in.p) + 1;
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			break;
		if (read_field(line, &length, &given))
			return -1;
	}
	if (!given)
		return -1;
	if (in.n - at < length)
		return 0;
	*message = (struct span){in.p + at, length};
	*used = at + length;
	return 1;
}

void lsp_frame_write(struct buf *out, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	out->failed |= !text;
	if (text)
		buf_printf(out, "Content-Length: %zu\r\n\r\n%s", strlen(text), text);
	free(text);
}
