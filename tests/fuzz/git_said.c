/* What git relays of a remote: a line for people is one, and bounded; a ref's hex is hex. */
#include "reconcile/wire/git_said.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *s)
{
	if (strlen(s) >= GIT_REASON_MAX)
		abort();
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span bytes = {data, size};
	char line[GIT_REASON_MAX], hex[HASH_HEX_LEN + 1];

	if (git_said_refused(bytes, line))
		check_line(line);
	if (git_said_why(bytes, line))
		check_line(line);
	if (git_said_ref(bytes, "refs/heads/main", hex)) {
		const size_t n = strlen(hex);
		if ((n != 40 && n != 64) || strspn(hex, "0123456789abcdef") != n)
			abort();
	}
	return 0;
}
