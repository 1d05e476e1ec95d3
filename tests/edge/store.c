/* The last good snapshot on disk: verified again at each start, set aside when it is damaged, never forgotten quietly. */
#include "reconcile/edge/file.h"
#include "reconcile/edge/peer.h"
#include "tests/unit/network.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW 1700000000

static char dir[] = "/tmp/innernet-test.XXXXXX";

static const char hub_and_alice[] =
    "cidrs:\n"
    "  infra: 10.60.0.0/24\n"
    "  humans: 10.60.64.0/24\n"
    "peers:\n"
    "  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"192.0.2.1:51820\", server: true }\n"
    "  alice: { ip: 10.60.64.2, public_key: \"%s\" }\n";
static const char and_bob[] = "  bob: { ip: 10.60.64.3, public_key: \"%s\" }\n";

static struct key alice_key(void)
{
	uint8_t private_key[KEY_LEN];
	struct key k;

	seed_of("alice's private key", private_key);
	x25519_public(private_key, &k);
	return k;
}

/* Version `number` of a network of hub, alice, and, from the second on, bob. */
static void open_net(struct net *n, uint64_t number)
{
	static const char *const signer = "signer";
	char hub[KEY_B64_LEN + 1], alice[KEY_B64_LEN + 1], bob[KEY_B64_LEN + 1];
	struct key keys[] = {wg_of("hub"), alice_key(), wg_of("bob")};
	struct buf yaml = {0};

	key_format(&keys[0], hub);
	key_format(&keys[1], alice);
	key_format(&keys[2], bob);
	yaml_head(&yaml, "10.60.0.0/16", &signer, 1, 1);
	buf_printf(&yaml, hub_and_alice, hub, alice);
	if (number > 1)
		buf_printf(&yaml, and_bob, bob);
	assert_false(yaml.failed);
	net_open(n, yaml.p, number);
	buf_free(&yaml);
}

static uint32_t alice_of(const struct net *n)
{
	return model_peer_by_name(n->m, "alice");
}

/* What a server sends to alice, as bytes. */
static struct buf reply(const struct net *n, const struct net *old)
{
	struct arena *a = arena_new();
	struct buf b = {0};

	bundle_write(&b, bundle_for(a, n, alice_of(n), old, old ? alice_of(old) : 0));
	assert_false(b.failed);
	arena_free(a);
	return b;
}

static void save_version(struct store *s, uint64_t number)
{
	struct net n;
	struct diags d = {0};
	struct kept *g;

	open_net(&n, number);
	struct buf b = reply(&n, NULL);
	struct verifier v = verifier_for(&n, alice_of(&n));
	g = kept_make(&b, &v, NOW, &d);
	assert_non_null(g);
	assert_null(b.p); /* taken over */
	assert_int_equal(store_save(s, g, &d), 0);
	kept_free(g);
	diags_free(&d);
	net_close(&n);
}

static unsigned count_aside(const struct store *s)
{
	DIR *folder = opendir(s->dir);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(folder);
	while ((e = readdir(folder)))
		n += strncmp(e->d_name, "snapshot.corrupt-", 17) == 0;
	closedir(folder);
	return n;
}

static void clean(struct store *s)
{
	DIR *folder = opendir(s->dir);
	const struct dirent *e;
	char path[PATH_MAX + 300];

	store_unlock(s);
	while (folder && (e = readdir(folder))) {
		snprintf(path, sizeof(path), "%s/%s", s->dir, e->d_name);
		if (e->d_name[0] != '.')
			unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(s->dir);
}

static void test_round_trip(void **state)
{
	struct diags d = {0};
	struct store s, again;
	struct kept *g;
	struct net n;

	(void)state;
	open_net(&n, 1);
	struct verifier v = verifier_for(&n, alice_of(&n));
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(store_load(&s, &v, NOW, &g, &d), 0);
	assert_null(g); /* nothing there is no error */
	save_version(&s, 1);
	assert_false(store_changed(&s));

	assert_int_equal(store_init(&again, dir, "corp", &d), 0);
	assert_int_equal(store_load(&again, &v, NOW, &g, &d), 0);
	assert_non_null(g);
	assert_string_equal(g->view->statement.network, "corp");
	assert_int_equal(g->view->n_peers, 2);
	assert_int_equal(d.n_errors + d.n_warnings, 0);
	kept_free(g);

	save_version(&s, 2);
	assert_true(store_changed(&again));
	assert_int_equal(store_load(&again, &v, NOW, &g, &d), 0);
	assert_int_equal(g->view->n_peers, 3);
	kept_free(g);
	clean(&s);
	net_close(&n);
	diags_free(&d);
}

/* Each byte of the file that is changed, and each length that it is cut to, is noticed; and never a crash. */
static void test_damaged(void **state)
{
	struct diags d = {0};
	struct buf good = {0};
	struct store s;
	struct net n;
	char path[PATH_MAX + 16];
	unsigned refused = 0;

	(void)state;
	open_net(&n, 1);
	struct verifier v = verifier_for(&n, alice_of(&n));
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	save_version(&s, 1);
	snprintf(path, sizeof(path), "%s/snapshot", s.dir);
	assert_int_equal(file_read(path, BUNDLE_MAX, &good, NULL, &d), 0);
	for (size_t i = 0; i < good.n; i += 11) {
		struct buf bad = {0};
		struct kept *g;
		struct diags why = {0};

		buf_add(&bad, good.p, i % 2 ? good.n : i);
		if (i % 2)
			bad.p[i] ^= 1;
		g = kept_make(&bad, &v, NOW, &why);
		refused += !g;
		assert_true(g || why.n_errors > 0);
		kept_free(g);
		diags_free(&why);
	}
	assert_true(refused > good.n / 11 - 12); /* the positions of the ledger and hints are nobody's promise */

	/* On disk: said, set aside, and the next start begins with none. */
	good.p[good.n / 2] ^= 1;
	assert_int_equal(file_write(path, buf_span(&good), 0600, &d), 0);
	struct kept *g;
	assert_int_equal(store_load(&s, &v, NOW, &g, &d), 0);
	assert_null(g);
	assert_int_equal(d.n_warnings, 1);
	assert_string_equal(d.first->code, "store-corrupt");
	assert_int_equal(count_aside(&s), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(store_load(&s, &v, NOW, &g, &d), 0);
	assert_null(g);
	assert_int_equal(d.n_warnings, 1);
	buf_free(&good);
	clean(&s);
	net_close(&n);
	diags_free(&d);
}

static void test_lock(void **state)
{
	struct diags d = {0};
	struct store s, other;

	(void)state;
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(store_init(&other, dir, "corp", &d), 0);
	assert_int_equal(store_lock(&s, 0, &d), 0);
	assert_int_equal(store_lock(&s, 0, &d), 0); /* ours already */
	assert_int_equal(store_lock(&other, 40, &d), 1);
	store_unlock(&s);
	assert_int_equal(store_lock(&other, 0, &d), 0);
	/* A process that is killed leaves no lock behind. */
	store_unlock(&other);
	pid_t child = fork();
	if (child == 0) {
		store_lock(&other, 0, &d);
		kill(getpid(), SIGKILL);
	}
	waitpid(child, NULL, 0);
	assert_int_equal(store_lock(&s, 1000, &d), 0);
	assert_int_equal(d.n_errors, 0);
	clean(&s);
}

static void test_hints(void **state)
{
	struct diags d = {0};
	struct store s;
	struct arena *a = arena_new();
	struct hint hints[2] = {{.key = wg_of("a")}, {.key = wg_of("b")}}, *out;
	size_t n;
	char path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(sockpoint_parse("192.0.2.7:4000", 14, &hints[0].at), 0);
	assert_int_equal(sockpoint_parse("[2001:db8::1]:4001", 18, &hints[1].at), 0);
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(store_save_hints(&s, hints, 2, &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(key_eq(&out[i].key, &hints[i].key));
		assert_true(sockpoint_eq(&out[i].at, &hints[i].at));
	}
	snprintf(path, sizeof(path), "%s/hints", s.dir);
	assert_int_equal(file_write(path, SPAN("no hints at all\n"), 0600, &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(d.n_errors, 0);
	clean(&s);
	arena_free(a);
}

/* ---- a peer takes replies ------------------------------------------------------------------------------------- */

static struct peer_config *alice_config(const struct net *n)
{
	struct diags d = {0};
	struct peer_config *c = peer_config_new(&d);
	uint8_t seed[KEY_LEN];

	assert_non_null(c);
	strcpy(c->m.network, "corp");
	strcpy(c->m.name, "alice");
	c->m.ip[0] = n->m->peers[alice_of(n)].ip[0];
	c->m.n_ips = c->m.n_root = 1;
	c->m.root[0] = n->m->cidrs[0].prefix[0];
	c->m.trust = n->m->trust;
	c->m.n_servers = 1;
	strcpy(c->m.servers[0].name, "hub");
	c->m.servers[0].public_key = wg_of("hub");
	c->m.servers[0].n_ips = 1;
	c->m.servers[0].ip[0] = n->m->peers[model_peer_by_name(n->m, "hub")].ip[0];
	strcpy(c->m.servers[0].endpoint, "192.0.2.1:51820");
	c->m.mtu = 1280;
	seed_of("alice's private key", seed);
	memcpy(c->private_key, seed, KEY_LEN);
	c->invite = ed_of("alice's invite");
	c->redeemed = true;
	return c;
}

static struct this_peer *open_alice(const struct peer_options *o)
{
	struct diags d = {0};
	struct this_peer *p;

	assert_int_equal(peer_open(o, "corp", &p, &d), 0);
	assert_int_equal(d.n_errors, 0);
	diags_free(&d);
	return p;
}

static enum verify_result take(struct this_peer *p, struct buf b, const char *code)
{
	struct diags d = {0};
	enum verify_result r;

	assert_int_equal(peer_take(p, buf_span(&b), NOW, &r, &d), 0);
	if (code) {
		assert_non_null(d.first);
		assert_string_equal(d.first->code, code);
	}
	buf_free(&b);
	diags_free(&d);
	return r;
}

static void test_replies(void **state)
{
	const struct peer_options o = {.config_dir = dir, .data_dir = dir};
	struct diags d = {0};
	struct net first, second, third;
	struct this_peer *p;
	struct buf b;
	char path[POLL_PATH_MAX], file[128];

	(void)state;
	open_net(&first, 1);
	open_net(&second, 2);
	struct peer_config *c = alice_config(&first);
	assert_int_equal(peer_config_write(dir, c, true, &d), 0);
	peer_config_free(c);
	p = open_alice(&o);
	peer_poll_path(p, 60, path);
	assert_string_equal(path, "/v1/poll?have=-.-.-&wait=60");

	/* Forged: signed by nobody the peer trusts; truncated; nothing like a bundle. The disk stays empty. */
	b = reply(&first, NULL);
	*strstr(b.p, "views ") = 'V';
	assert_int_equal(take(p, b, NULL), VERIFY_REFUSED);
	b = reply(&first, NULL);
	b.n -= 5;
	assert_int_equal(take(p, b, "bad-bundle"), VERIFY_REFUSED);
	assert_null(p->held);
	assert_false(store_changed(&p->store));

	/* The good one counts, and only what lacks has to come for the next. */
	assert_int_equal(take(p, reply(&first, NULL), NULL), VERIFY_OK);
	assert_int_equal(p->held->view->n_peers, 2);
	assert_int_equal(take(p, reply(&second, &first), NULL), VERIFY_OK);
	assert_int_equal(p->held->view->n_peers, 3);
	assert_int_equal(take(p, reply(&second, NULL), NULL), VERIFY_UNCHANGED);

	/* Whoever leaves the freshness out is found out, if not at once. */
	assert_int_equal(p->fresh_until, 0);
	assert_false(peer_is_stale(p, NOW, p->opened + FRESH_SECONDS * 1000));
	assert_true(peer_is_stale(p, NOW, p->opened + FRESH_SECONDS * 1000 + 1));
	p->fresh_until = NOW;
	assert_false(peer_is_stale(p, NOW, p->opened + FRESH_SECONDS * 1000 + 1));
	assert_true(peer_is_stale(p, NOW + 1, p->opened));

	/* Rolled back: the newer one stays. */
	assert_int_equal(take(p, reply(&first, NULL), "snapshot-behind"), VERIFY_BEHIND);
	assert_int_equal(p->held->view->n_peers, 3);
	peer_close(p);

	/* After a restart too; and another process may have stored it. */
	p = open_alice(&o);
	assert_int_equal(p->held->view->n_peers, 3);
	struct this_peer *other = open_alice(&o);
	assert_int_equal(take(p, reply(&first, NULL), "snapshot-behind"), VERIFY_BEHIND);
	open_net(&third, 3);
	assert_int_equal(take(p, reply(&third, &second), NULL), VERIFY_OK);
	assert_int_equal(take(other, reply(&third, &second), NULL), VERIFY_UNCHANGED);
	assert_int_equal(other->held->view->statement.version.number, 3);
	peer_close(other);
	peer_close(p);
	net_close(&third);
	snprintf(file, sizeof(file), "%s/corp.yaml", dir);
	unlink(file);
	struct store s;
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(count_aside(&s), 0);
	clean(&s);
	net_close(&first);
	net_close(&second);
	diags_free(&d);
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0 || !mkdtemp(dir) ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damaged), cmocka_unit_test(test_lock),
	    cmocka_unit_test(test_hints),      cmocka_unit_test(test_replies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
