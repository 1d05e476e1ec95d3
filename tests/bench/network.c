/* Networks as people have them, at random, from a seed: the same bytes everywhere. */
#include "tests/bench/bench.h"
#include "reconcile/net/reach.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const char *const shape_names[SHAPES] = {
    [SHAPE_FLAT] = "flat", [SHAPE_DEEP] = "deep",         [SHAPE_SMALL] = "small-cidrs",
    [SHAPE_HUGE] = "huge", [SHAPE_STACKS] = "two-stacks",
};

const char *shape_name(enum shape s)
{
	return shape_names[s];
}

int shape_parse(const char *name, enum shape *out)
{
	for (unsigned i = 0; i < SHAPES; i++) {
		if (strcmp(name, shape_names[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return -1;
}

static void secret_of(uint64_t seed, const char *what, uint8_t out[static KEY_LEN])
{
	crypto_generichash(out, KEY_LEN, (const uint8_t *)what, strlen(what), (const uint8_t *)&seed, 0);
	for (unsigned i = 0; i < sizeof(seed); i++)
		out[i] ^= (uint8_t)(seed >> 8 * i);
}

struct key network_id(uint64_t seed)
{
	struct key id;

	secret_of(seed, "id", id.b);
	return id;
}

struct server_config *network_server(uint64_t seed)
{
	struct server_config *c = need(server_config_new());
	uint8_t sk[crypto_sign_SECRETKEYBYTES];

	/* Drawn for its locked memory, then made the seed's own. */
	if (server_config_draw(c) < 0)
		die("out of memory");
	secret_of(seed, "wireguard", c->private_key);
	x25519_public(c->private_key, &c->public_key);
	secret_of(seed, "signer", c->seeds[0]);
	crypto_sign_seed_keypair(c->signers[0].b, sk, c->seeds[0]);
	return c;
}

static void put_key(struct buf *out, uint64_t *state)
{
	char text[KEY_B64_LEN + 1];
	struct key k;

	for (unsigned i = 0; i < KEY_LEN; i += 8) {
		uint64_t v = draw(state);
		memcpy(k.b + i, &v, 8);
	}
	k.b[KEY_LEN - 1] &= 0x3f; /* below 2^255 - 19 */
	key_format(&k, text);
	buf_str(out, text);
}

/* --- CIDRs: all in 10.0.0.0/8, 10.0.0.0/24 being that of the servers --- */

/* CIDR i (from 1) of equal ones: `bits` host bits each, the first 256 addresses left to the servers. */
struct plan_of_cidrs {
	uint32_t n;      /* that hold peers */
	uint32_t each;   /* peers in one, at most */
	unsigned bits;   /* host bits */
	unsigned levels; /* of CIDRs around those, for the deep shape: each around four below it */
};

static struct plan_of_cidrs plan_cidrs(const struct network *n)
{
	struct plan_of_cidrs p = {.each = n->shape == SHAPE_SMALL ? 12 : n->shape == SHAPE_HUGE ? n->n : 50, .bits = 2};

	/* A definition has at most 100,000 CIDRs. */
	while (n->n / p.each > CIDRS_MAX / 2)
		p.each *= 2;
	while ((1u << p.bits) < p.each + 2)
		p.bits++;
	p.n = (n->n + p.each - 1) / p.each;
	p.levels = n->shape == SHAPE_DEEP ? 6 : 0;
	return p;
}

/* The first address of CIDR i, as a number in 10.0.0.0/8. */
static uint32_t base_of(const struct plan_of_cidrs *p, uint32_t i)
{
	uint32_t first = (256 + (1u << (p->bits + 2 * p->levels)) - 1) >> (p->bits + 2 * p->levels)
									      << (p->bits + 2 * p->levels);

	return first + (i << p->bits);
}

static void put_v4(struct buf *out, uint32_t a)
{
	buf_printf(out, "10.%u.%u.%u", a >> 16 & 255, a >> 8 & 255, a & 255);
}

/* The same number in the low half of fd00::/64 and its CIDRs. */
static void put_v6(struct buf *out, uint32_t a)
{
	buf_printf(out, "fd00::%x:%x", a >> 16 & 0xffff, a & 0xffff);
}

static void put_cidr(struct buf *out, const char *name, uint32_t i, uint32_t base, unsigned bits, bool v6)
{
	buf_printf(out, "  %s-%u: ", name, i);
	if (v6)
		buf_str(out, "[");
	put_v4(out, base);
	buf_printf(out, "/%u", 32 - bits);
	if (v6) {
		buf_str(out, ", \"");
		put_v6(out, base);
		buf_printf(out, "/%u\"]", 128 - bits);
	}
	buf_char(out, '\n');
}

static void put_cidrs(struct buf *out, const struct plan_of_cidrs *p, bool v6)
{
	buf_printf(out, "\ncidrs:\n  infra: %s\n", v6 ? "[10.0.0.0/24, \"fd00::/120\"]" : "10.0.0.0/24");
	for (unsigned level = p->levels; level > 0; level--) {
		char name[16];

		snprintf(name, sizeof(name), "site%u", level);
		for (uint32_t i = 0; i << 2 * level < p->n; i++)
			put_cidr(out, name, i, base_of(p, i << 2 * level), p->bits + 2 * level, v6);
	}
	for (uint32_t i = 0; i < p->n; i++)
		put_cidr(out, "team", i, base_of(p, i), p->bits, v6);
}

/* One for each four CIDRs, between neighbours and strangers. */
static void put_associations(struct buf *out, const struct plan_of_cidrs *p, uint64_t *state)
{
	if (p->n < 4)
		return;
	buf_str(out, "\nassociations:\n");
	for (uint32_t i = 0; i + 1 < p->n; i += 4) {
		uint32_t other = draw(state) % 2 ? i + 1 : i + 1 + (uint32_t)(draw(state) % (p->n - i - 1));
		buf_printf(out, "  - [team-%u, team-%u]\n", i, other);
	}
}

static void put_ip(struct buf *out, uint32_t a, bool v6)
{
	buf_str(out, v6 ? "{ ip: [" : "{ ip: ");
	put_v4(out, a);
	if (v6) {
		buf_str(out, ", \"");
		put_v6(out, a);
		buf_str(out, "\"]");
	}
	buf_str(out, ", public_key: \"");
}

static void put_peers(struct buf *out, const struct network *n, const struct plan_of_cidrs *p, uint64_t *state)
{
	static const char *const kinds[] = {"laptop", "phone", "desk", "build", "web", "db", "camera", "till"};
	const bool v6 = n->shape == SHAPE_STACKS;
	struct server_config *own = n->server ? NULL : network_server(n->seed);
	const struct server_config *server = n->server ? n->server : own;
	char text[KEY_B64_LEN + 1];

	key_format(&server->public_key, text);
	buf_str(out, "\npeers:\n  hub: ");
	put_ip(out, 1, v6);
	buf_printf(out, "%s\", endpoint: \"192.0.2.1:51820\", server: true }\n  probe: ", text);
	put_ip(out, 2, v6);
	put_key(out, state);
	buf_printf(out, "\", endpoint: \"192.0.2.2:%u\" }\n", 10000 + n->probe);
	for (uint32_t i = 0; i + 2 < n->n; i++) {
		uint64_t r = draw(state);

		buf_printf(out, "  %s-%u: ", kinds[r % 8], i);
		put_ip(out, base_of(p, i % p->n) + 1 + i / p->n, v6);
		put_key(out, state);
		buf_str(out, "\"");
		if (i == n->n / 2)
			buf_printf(out, ", endpoint: \"198.51.100.1:%u\"", 10000 + n->touched);
		else if (r >> 8 & 7)
			; /* most have none: their way is found */
		else
			buf_printf(out, ", endpoint: \"203.0.113.%u:%u\"", (unsigned)(r >> 16 & 255),
				   1024 + (unsigned)(r >> 24 & 0x7fff));
		if ((r >> 40) % 32 == 0)
			buf_str(out, ", keepalive: 15");
		if (i % 1000 == 0)
			buf_str(out, ", admin: true");
		if (i % 500 == 250 && i < 100000)
			buf_printf(out, ", routes: [172.16.%u.0/24]", i / 500);
		buf_str(out, " }\n");
	}
	server_config_free(own);
}

void network_write(struct buf *out, const struct network *n)
{
	const struct plan_of_cidrs p = plan_cidrs(n);
	struct server_config *own = n->server ? NULL : network_server(n->seed);
	const struct server_config *server = n->server ? n->server : own;
	char id[KEY_B64_LEN + 1], signer[ED25519_STR_LEN + 1];
	struct key k = network_id(n->seed);
	uint64_t state = n->seed;

	key_format(&k, id);
	ed25519_format(&server->signers[0], signer);
	buf_printf(out, "network: %s\ncidr: %s\ntrust:\n  id: \"%s\"\n  signers: [\"%s\"]\n", NETWORK_NAME,
		   n->shape == SHAPE_STACKS ? "[10.0.0.0/8, \"fd00::/64\"]" : "10.0.0.0/8", id, signer);
	put_cidrs(out, &p, n->shape == SHAPE_STACKS);
	put_associations(out, &p, &state);
	put_peers(out, n, &p, &state);
	server_config_free(own);
	if (out->failed)
		die("out of memory");
}

static _Noreturn void die_of(const struct diags *d)
{
	struct buf text = {0};

	diags_render_human(&text, d, NULL, false);
	die("%s", text.p ? text.p : "out of memory");
}

struct model *network_load(struct arena *a, const struct buf *yaml)
{
	const struct source_file f = {.name = "network.yaml", .bytes = buf_span(yaml)};
	struct diags d = {0};
	struct model *m = definition_load(a, &f, NULL, false, &d);

	if (!m || d.n_errors)
		die_of(&d);
	diags_free(&d);
	return m;
}

struct snapshot *network_compile(struct arena *a, const struct model *m)
{
	struct diags d = {0};
	struct reach_index *x = need(reach_index_new(a, m));
	struct snapshot *s;

	reach_run_tests(x, &d);
	s = snapshot_compile(a, m, x, &commit_outside_git, &d);
	if (!s || d.n_errors)
		die_of(&d);
	diags_free(&d);
	return s;
}

void wg_quick_peer(struct buf *out, const struct peer *p)
{
	char key[KEY_B64_LEN + 1], ip[ADDR_STR_LEN];

	key_format(&p->key, key);
	buf_printf(out, "\n[Peer]\n# %s\nPublicKey = %s\nAllowedIPs = ", p->name, key);
	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], ip);
		buf_printf(out, "%s%s/%u", i ? ", " : "", ip, addr_is_v4(&p->ip[i]) ? 32 : 128);
	}
	for (unsigned i = 0; i < p->n_routes; i++) {
		char prefix[PREFIX_STR_LEN];

		prefix_format(&p->routes[i], prefix);
		buf_printf(out, ", %s", prefix);
	}
	buf_char(out, '\n');
	if (p->endpoint)
		buf_printf(out, "Endpoint = %s\n", p->endpoint);
	if (p->keepalive > 0)
		buf_printf(out, "PersistentKeepalive = %d\n", p->keepalive);
}
