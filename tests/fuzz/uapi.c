/* A UAPI reply from anywhere, in two pieces: a state that is sorted and unique, or an error. */
#include "reconcile/edge/device/uapi.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t half = size ? data[size - 1] % size : 0;
	struct device_build b = {0};
	struct device_state s = {0};
	struct uapi_reply r = {.build = &b};
	struct arena *a = arena_new();

	if (a && uapi_reply_feed(&r, data, half) == 0 && uapi_reply_feed(&r, data + half, size - half) == 0 && r.done &&
	    device_build_finish(&b, a, &s) == 0) {
		if (r.error > 0)
			abort();
		for (uint32_t i = 0; i < s.n_peers; i++) {
			const struct device_peer *p = &s.peers[i];

			if (i && key_cmp(&s.peers[i - 1].key, &p->key) >= 0)
				abort();
			for (uint32_t j = 1; j < p->n_allowed; j++) {
				if (prefix_cmp(&p->allowed[j - 1], &p->allowed[j]) >= 0)
					abort();
			}
		}
	}
	device_build_free(&b);
	arena_free(a);
	return 0;
}
