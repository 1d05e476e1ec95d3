/* Enrolments, as they are posted to the server: what parses is canonical, and is signed or is not. */
#include "reconcile/wire/sign.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct enrolment e;
	struct diags d = {0};
	struct buf out = {0};

	if (enrolment_parse((struct span){data, size}, &e, &d) == 0) {
		enrolment_write(&out, &e);
		if (out.n != size || memcmp(out.p, data, size) != 0)
			abort();
		(void)enrolment_check(&e, &e.id, &d);
	}
	buf_free(&out);
	diags_free(&d);
	return 0;
}
