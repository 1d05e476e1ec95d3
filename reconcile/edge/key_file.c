#include "reconcile/edge/key_file.h"

#include "reconcile/edge/file.h"
#include <sodium.h>
#include <string.h>

int key_file_read(const char *path, const char *what, uint8_t out[static KEY_LEN], struct diags *d)
{
	struct buf b = {0};
	struct key k = {0};
	struct diag *g;
	int r = -1;

	memset(out, 0, KEY_LEN);
	if (file_read_secret(path, KEY_B64_LEN + 1, &b, NULL, d) < 0)
		goto out;
	if (b.n == KEY_B64_LEN + 1 && b.p[KEY_B64_LEN] == '\n')
		b.n--;
	/* To WireGuard, zeros are no key at all. */
	if (key_parse(b.p, b.n, &k) < 0 || key_is_zero(&k)) {
		g = diag_file_error(d, "bad-key", path, "%s does not hold %s: 32 bytes in canonical base64", path,
				    what);
		diag_help(d, g, "one line of 44 characters, as `wg genkey` prints it");
		goto out;
	}
	memcpy(out, k.b, KEY_LEN);
	r = 0;
out:
	sodium_memzero(&k, sizeof(k));
	buf_wipe(&b);
	return r;
}
