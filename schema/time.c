#include "schema/time.h"

#include "schema/buf.h"

#include <string.h>

int time_format(int64_t unix_seconds, char out[static TIME_STR_LEN])
{
	static const uint8_t month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	if (unix_seconds < 0 || unix_seconds > 253402300799) /* the end of the year 9999 */
		return -1;
	unsigned day = (unsigned)(unix_seconds / 86400), second = (unsigned)(unix_seconds % 86400);
	unsigned year = 1970, month = 0;
	for (;; year++) {
		unsigned leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		if (day < 365 + leap) {
			for (unsigned n; day >= (n = month_days[month] + (month == 1 && leap)); month++)
				day -= n;
			break;
		}
		day -= 365 + leap;
	}

	struct buf b = {0};
	buf_printf(&b, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month + 1, day + 1, second / 3600, second / 60 % 60,
		   second % 60);
	int rc = b.failed || b.n >= TIME_STR_LEN ? -1 : 0;
	if (!rc)
		memcpy(out, b.p, b.n + 1);
	buf_free(&b);
	return rc;
}
