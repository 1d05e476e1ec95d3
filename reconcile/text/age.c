#include "reconcile/text/age.h"

#include "schema/limits.h"

#include <inttypes.h>

void age_put(struct buf *out, int64_t seconds)
{
	if (seconds < -CLOCK_SLACK) {
		buf_str(out, "in the future");
		return;
	}
	if (seconds < 0)
		seconds = 0;
	if (seconds < 120)
		buf_printf(out, "%" PRId64 " s ago", seconds);
	else if (seconds < 7200)
		buf_printf(out, "%" PRId64 " min ago", seconds / 60);
	else if (seconds < 172800)
		buf_printf(out, "%" PRId64 " h ago", seconds / 3600);
	else
		buf_printf(out, "%" PRId64 " days ago", seconds / 86400);
}
