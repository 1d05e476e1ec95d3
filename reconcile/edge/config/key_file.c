#include "reconcile/edge/config/key_file.h"

#include "reconcile/edge/base/file.h"
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
	/* WireGuard takes a key of zeros as no key. */
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

void key_say_invited(const struct peer *p, struct diags *d)
{
	diag_help(d,
		  diag_error(d, "peer-invited", &p->at_key, "peer '%s' has an invite and no key: a server redeems it",
			     p->name),
		  "`innernet install INVITATION` does that; without a server give it a `public_key`, as `wg pubkey` "
		  "prints it");
}

int key_file_read_peer(const char *path, const struct model *m, uint32_t peer, uint8_t out[static KEY_LEN],
		       struct diags *d)
{
	const struct peer *p = &m->peers[peer];
	char has[KEY_B64_LEN + 1], wants[KEY_B64_LEN + 1];
	struct key public_key;
	struct diag *g;

	if (p->is_invite) {
		key_say_invited(p, d);
		return -1;
	}
	if (key_file_read(path, "a WireGuard private key", out, d) < 0)
		return -1;
	x25519_public(out, &public_key);
	if (key_eq(&public_key, &p->key))
		return 0;
	sodium_memzero(out, KEY_LEN);
	key_format(&public_key, has);
	key_format(&p->key, wants);
	g = diag_error(d, "key-mismatch", &p->at_key, "the key in %s is not that of '%s': its public key is %s, not %s",
		       path, p->name, has, wants);
	for (uint32_t i = 0; i < m->n_peers; i++) {
		if (!m->peers[i].is_invite && key_eq(&public_key, &m->peers[i].key)) {
			diag_help(d, g, "it is that of '%s'", m->peers[i].name);
			return -1;
		}
	}
	diag_help(d, g, "check that it is the right file, and the newest definition");
	return -1;
}
