#include "reconcile/edge/base/backoff.h"

#include <sodium.h>

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000

int64_t backoff_jittered(int64_t ms)
{
	return ms / 2 + (int64_t)randombytes_uniform((uint32_t)(ms / 2 + 1));
}

int64_t backoff_ms(unsigned failures)
{
	int64_t ms = BACKOFF_MIN_MS;

	for (unsigned i = 1; i < failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return backoff_jittered(ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
}
