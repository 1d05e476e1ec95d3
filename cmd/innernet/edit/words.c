#include "cmd/innernet/edit/words.h"

#include <stdlib.h>
#include <string.h>

int edit_read_ips(const char *s, struct addr out[static 2], uint8_t *n)
{
	*n = 0;
	while (*s && *n < 2) {
		size_t len = strcspn(s, ",");
		if (addr_parse(s, len, &out[*n]))
			return -1;
		++*n;
		s += len + (s[len] == ',' && s[len + 1]);
	}
	if (*s || !*n)
		return -1;
	if (*n == 2 && !addr_is_v4(&out[0]) && addr_is_v4(&out[1])) {
		struct addr six = out[0];
		out[0] = out[1];
		out[1] = six;
	}
	return 0;
}

int edit_read_prefixes(const char *s, struct prefix out[static 2], uint8_t *n, struct prefix *fixed)
{
	for (*n = 0; *s && *n < 2; ++*n) {
		size_t len = strcspn(s, ",");
		enum prefix_error e = prefix_parse(s, len, &out[*n]);
		if (e == PREFIX_HOST_BITS && fixed)
			*fixed = out[*n];
		if (e)
			return e;
		s += len + (s[len] == ',');
	}
	return *s || !*n ? PREFIX_SYNTAX : PREFIX_OK;
}

int edit_read_expiry(const char *s, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;

	*seconds = 0;
	if (!strcmp(s, "never"))
		return 0;
	long n = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : -1;
	for (size_t i = 0; n > 0 && n <= 100000 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (end[0] == units[i].unit && !end[1]) {
			*seconds = n * units[i].seconds;
			return 0;
		}
	}
	return -1;
}
