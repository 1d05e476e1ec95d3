/* A peer's own file from anywhere: parsed or refused with a diagnostic; what is parsed survives being written and read again. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/peer_config.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags d = {0};
	struct peer_config *c = NULL, *again = NULL;
	struct buf b = {0};

	if (peer_config_parse((struct span){data, size}, "input", &c, &d) < 0) {
		if (!d.n_errors && !d.out_of_memory)
			abort();
	} else if (peer_config_emit(c, &b, &d) < 0 || peer_config_parse(buf_span(&b), "again", &again, &d) < 0 ||
		   memcmp(&c->m, &again->m, sizeof(c->m)) != 0) {
		abort();
	}
	peer_config_free(c);
	peer_config_free(again);
	buf_wipe(&b);
	diags_free(&d);
	return 0;
}
