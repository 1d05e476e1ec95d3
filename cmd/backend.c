#include "cmd/backend.h"

int backend_option(const struct invocation *inv, enum device_backend *out)
{
	const char *s = option_value(inv, "backend");

	*out = BACKEND_AUTO;
	if (s && device_backend_parse(s, out) < 0) {
		usage_error(inv, "--backend takes auto, kernel or userspace, not '%s'", s);
		return -1;
	}
	return 0;
}
