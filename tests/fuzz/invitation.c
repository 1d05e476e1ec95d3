/* An invitation from anywhere: parsed or refused with a diagnostic; what is parsed survives being written and read again. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/invitation.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diags d = {0};
	struct invitation *inv = NULL, *again = NULL;
	struct buf b = {0};

	if (invitation_parse((struct span){data, size}, "input", &inv, &d) < 0) {
		if (!d.n_errors && !d.out_of_memory)
			abort();
	} else if (invitation_emit(inv, &b, &d) < 0 || invitation_parse(buf_span(&b), "again", &again, &d) < 0 ||
		   memcmp(&inv->m, &again->m, sizeof(inv->m)) != 0) {
		abort();
	}
	invitation_free(inv);
	invitation_free(again);
	buf_wipe(&b);
	diags_free(&d);
	return 0;
}
