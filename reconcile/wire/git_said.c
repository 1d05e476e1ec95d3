#include "reconcile/wire/git_said.h"
#include "schema/diag.h"
#include "schema/utf8.h"

#include <string.h>

#define SHOWN 400 /* bytes of a line; the rest is cut off */

/* The next line, without its end. False: there is none. */
static bool line_next(struct span *s, struct span *line)
{
	const uint8_t *nl = s->n ? memchr(s->p, '\n', s->n) : NULL;
	const size_t n = nl ? (size_t)(nl - s->p) : s->n;

	if (!s->n)
		return false;
	*line = (struct span){s->p, n};
	s->p += nl ? n + 1 : n;
	s->n -= nl ? n + 1 : n;
	return true;
}

static bool begins(struct span line, const char *with)
{
	return line.n >= strlen(with) && !memcmp(line.p, with, strlen(with));
}

/* People read it in a terminal, and a remote machine wrote it: it is made visible. */
static void put_line(struct span line, char out[static GIT_REASON_MAX])
{
	struct buf text = {0};
	size_t n;

	while (line.n && line.p[line.n - 1] <= ' ')
		line.n--;
	buf_visible(&text, (struct span){line.p, line.n < SHOWN ? line.n : SHOWN});
	n = text.failed ? 0 : text.n < GIT_REASON_MAX - 1 ? text.n : GIT_REASON_MAX - 1;
	if (n)
		memcpy(out, text.p, n);
	out[n] = '\0';
	buf_free(&text);
}

static size_t hex_len(struct span line)
{
	size_t n = 0;

	while (n < line.n && ((line.p[n] >= '0' && line.p[n] <= '9') || (line.p[n] >= 'a' && line.p[n] <= 'f')))
		n++;
	return n == 40 || n == HASH_HEX_LEN ? n : 0;
}

bool git_said_ref(struct span out, const char *ref, char hex[static HASH_HEX_LEN + 1])
{
	const size_t n_ref = strlen(ref);
	struct span line;

	while (line_next(&out, &line)) {
		const size_t n = hex_len(line);
		if (!n || line.n != n + 1 + n_ref || line.p[n] != '\t' || memcmp(line.p + n + 1, ref, n_ref))
			continue;
		memcpy(hex, line.p, n);
		hex[n] = '\0';
		return true;
	}
	return false;
}

bool git_said_refused(struct span out, char reason[static GIT_REASON_MAX])
{
	struct span line;

	while (line_next(&out, &line)) {
		if (!begins(line, "!"))
			continue;
		for (size_t i = line.n; i > 0; i--)
			if (line.p[i - 1] == '\t') {
				line.p += i;
				line.n -= i;
				break;
			}
		put_line(line, reason);
		return true;
	}
	return false;
}

static bool is_general(struct span line)
{
	static const char *const all[] = {"fatal: Could not read from remote",
					  "Please make sure you have",
					  "and the repository exists",
					  "fatal: the remote end hung up",
					  "fatal: early EOF",
					  "hint:",
					  "warning:"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (begins(line, all[i]))
			return true;
	return false;
}

bool git_said_why(struct span err, char why[static GIT_REASON_MAX])
{
	struct span line, best = {0};

	while (line_next(&err, &line))
		if (line.n && line.p[0] > ' ' && !is_general(line))
			best = line;
	if (best.n > 7 && (begins(best, "fatal: ") || begins(best, "error: "))) {
		best.p += 7;
		best.n -= 7;
	}
	if (best.n)
		put_line(best, why);
	return best.n > 0;
}
