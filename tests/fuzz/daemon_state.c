/* What a daemon writes down of itself for `innernet status`: whatever is taken from it is taken again when it is written. */
#include "reconcile/show/daemon_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* False: a name that was too long was cut within a character, and cannot be written. */
static bool write_and_parse(const struct daemon_state *s, struct daemon_state *out)
{
	struct buf b = {0};
	bool written;

	daemon_state_write(&b, s);
	written = !b.failed;
	if (written && daemon_state_parse(buf_span(&b), out) < 0)
		abort();
	buf_free(&b);
	return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct daemon_state s, again = {0}, third = {0};

	if (daemon_state_parse((struct span){data, n}, &s) < 0 || !write_and_parse(&s, &again))
		return 0;
	if (again.started != s.started || again.drifts != s.drifts || again.n_tries != s.n_tries ||
	    (s.n_tries && again.tries[s.n_tries - 1].rounds != s.tries[s.n_tries - 1].rounds))
		abort();
	/* Other texts that were cut so are whole again. */
	if (!write_and_parse(&again, &third) || strcmp(again.problem, third.problem) != 0 ||
	    strcmp(again.server, third.server) != 0)
		abort();
	return 0;
}
