#include "reconcile/edge/config/invitation.h"

#include "reconcile/edge/base/file.h"
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char code[] = "bad-invitation";
static const char comment[] =
    "# An invitation to a private network (innernet). A machine with this file can join as the peer\n"
    "# below, once: keep the file as secret as a password.\n"
    "#   sudo innernet install FILE\n";

struct raw_invitation {
	struct raw_membership m;
	char *seed, *expires;
};

static const cyaml_schema_field_t fields[] = {
    RAW_MEMBERSHIP_FIELDS(struct raw_invitation),
    RAW_OPTIONAL("expires", struct raw_invitation, expires),
    RAW_STRING("seed", struct raw_invitation, seed),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_invitation, fields),
};

void invitation_free(struct invitation *inv)
{
	if (!inv)
		return;
	secret_free(inv->seed);
	free(inv);
}

static struct invitation *invitation_new(struct diags *d)
{
	struct invitation *inv = calloc(1, sizeof(*inv));

	if (inv)
		inv->seed = secret_new();
	if (!inv || !inv->seed) {
		diags_out_of_memory(d);
		invitation_free(inv);
		return NULL;
	}
	return inv;
}

/* Computes the public key of the seed, and wipes the expanded secret key. */
static void invite_of_seed(const uint8_t seed[static KEY_LEN], struct key *out)
{
	uint8_t sk[crypto_sign_SECRETKEYBYTES];

	crypto_sign_seed_keypair(out->b, sk, seed);
	sodium_memzero(sk, sizeof(sk));
}

int invitation_parse(struct span bytes, const char *name, struct invitation **out, struct diags *d)
{
	const struct config_at at = {.file = name, .code = code, .d = d};
	struct raw_invitation *raw = NULL;
	struct invitation *inv = NULL;
	void *data = NULL;
	uint64_t expires = 0;
	int bad = 0;

	*out = NULL;
	if (bytes.n > INVITATION_MAX) {
		diag_file_error(d, code, name, "%s is too large for an invitation: at most %u bytes", name,
				INVITATION_MAX);
		return -1;
	}
	if (config_parse(&schema, bytes, code, name, &data, d) < 0)
		return -1;
	raw = data;
	inv = invitation_new(d);
	if (!inv) {
		bad = -1;
		goto out;
	}
	bad |= membership_from_raw(&at, &raw->m, &inv->m);
	bad |= config_secret(&at, "seed", raw->seed, inv->seed);
	if (raw->expires)
		bad |= config_number(&at, "expires", raw->expires, 0, INT64_MAX, &expires);
	if (bad)
		goto out;
	inv->expires = (int64_t)expires;
	invite_of_seed(inv->seed, &inv->invite);
	*out = inv;
	inv = NULL;
out:
	invitation_free(inv);
	config_free(&schema, data);
	return bad ? -1 : 0;
}

int invitation_emit(const struct invitation *inv, struct buf *out, struct diags *d)
{
	struct arena *a = arena_new();
	struct raw_invitation raw = {0};
	char seed[KEY_B64_LEN + 1];
	int r = -1;

	config_secret_format(inv->seed, seed);
	raw.seed = seed;
	if (!a || membership_to_raw(a, &inv->m, &raw.m) < 0) {
		diags_out_of_memory(d);
		goto out;
	}
	if (inv->expires > 0 && !(raw.expires = arena_printf(a, "%" PRId64, inv->expires))) {
		diags_out_of_memory(d);
		goto out;
	}
	r = config_emit(&schema, &raw, comment, out, d);
out:
	sodium_memzero(seed, sizeof(seed));
	arena_free(a);
	return r;
}

int invitation_read(const char *path, struct invitation **out, struct diags *d)
{
	struct buf b = {0};
	int r;

	*out = NULL;
	r = file_read_secret(path, INVITATION_MAX, &b, NULL, d);
	if (r == 0)
		r = invitation_parse(buf_span(&b), path, out, d);
	if (r < 0 && d->last && d->last->code == code && !d->last->help)
		diag_help(d, d->last,
			  "check that the file is the right one and complete; copy it again, or ask for a new one");
	buf_wipe(&b);
	return r;
}

int invitation_write(const char *path, const struct invitation *inv, struct diags *d)
{
	struct buf b = {0};
	int r = invitation_emit(inv, &b, d);

	if (r == 0)
		r = file_create(path, buf_span(&b), 0600, d);
	buf_wipe(&b);
	return r;
}

/* Copies the servers that a new peer can reach: enabled, with a WireGuard key and an endpoint. */
static void take_servers(const struct model *m, uint32_t self, struct membership *out)
{
	for (uint32_t i = 0; i < m->n_peers && out->n_servers < SERVERS_MAX; i++) {
		const struct peer *p = &m->peers[i];
		struct server_ref *s = &out->servers[out->n_servers];

		if (i == self || !p->server || p->disabled || p->is_invite || !p->endpoint)
			continue;
		snprintf(s->name, sizeof(s->name), "%s", p->name);
		snprintf(s->endpoint, sizeof(s->endpoint), "%s", p->endpoint);
		s->public_key = p->key;
		memcpy(s->ip, p->ip, sizeof(s->ip));
		s->n_ips = p->n_ips;
		out->n_servers++;
	}
}

int invitation_make(const struct model *m, uint32_t peer, const uint8_t seed[static KEY_LEN],
		    const struct version *floor, struct invitation **out, struct diags *d)
{
	const struct peer *p = &m->peers[peer];
	struct invitation *inv;

	*out = NULL;
	if (!m->trust.present) {
		struct diag *g =
		    diag_error(d, "not-invited", NULL, "the definition has no 'trust', so there is no server to join");
		diag_help(d, g, "`innernet-reconcile init` writes it");
		return -1;
	}
	inv = invitation_new(d);
	if (!inv)
		return -1;
	take_servers(m, peer, &inv->m);
	if (!inv->m.n_servers) {
		diag_error(d, "not-invited", NULL, "no enabled server of the definition has a key and an endpoint");
		invitation_free(inv);
		return -1;
	}
	snprintf(inv->m.network, sizeof(inv->m.network), "%s", m->network);
	snprintf(inv->m.name, sizeof(inv->m.name), "%s", p->name);
	memcpy(inv->m.ip, p->ip, sizeof(inv->m.ip));
	inv->m.n_ips = p->n_ips;
	memcpy(inv->m.root, m->cidrs[0].prefix, sizeof(inv->m.root));
	inv->m.n_root = m->cidrs[0].n_prefixes;
	inv->m.trust = m->trust;
	inv->m.floor = *floor;
	inv->m.mtu = m->mtu;
	inv->m.keepalive = m->keepalive;
	inv->expires = p->invite_expires;
	memcpy(inv->seed, seed, KEY_LEN);
	invite_of_seed(seed, &inv->invite);
	*out = inv;
	return 0;
}
