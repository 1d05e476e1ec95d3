/*
 * The last good snapshot on disk: verified again at each start, set aside when it is damaged, never forgotten quietly.
 */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/peer/peer_parts.h"
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
	assert_true(refused > good.n / 11 - 12); /* the positions of the ledger and hints are not signed */

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

static struct sockpoint at(const char *text)
{
	struct sockpoint p;

	assert_int_equal(sockpoint_parse(text, strlen(text), &p), 0);
	return p;
}

static void test_hints(void **state)
{
	struct diags d = {0};
	struct store s;
	struct arena *a = arena_new();
	const struct sockpoint home = at("192.168.1.7:51820");
	const struct hint bob = {.key = wg_of("bob"), .seen = at("192.0.2.7:4000"), .at = &home, .n_at = 1};
	const struct resolved name = {"vpn.example.com:51820", at("192.0.2.1:51820")};
	struct hints out;
	char path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &d), 0);
	assert_int_equal(out.n_hints + out.n_resolved, 0);
	assert_int_equal(store_save_hints(&s, &(struct hints){&bob, &name, 1, 1}, &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &d), 0);
	assert_int_equal(out.n_hints, 1);
	assert_true(hint_eq(&out.hints[0], &bob));
	assert_int_equal(out.n_resolved, 1);
	assert_true(sockpoint_eq(&out.resolved[0].at, &name.at));
	assert_null(d.first);
	snprintf(path, sizeof(path), "%s/hints", s.dir);
	assert_int_equal(file_write(path, SPAN("no hints at all\n"), 0600, &d), 0);
	assert_int_equal(store_load_hints(&s, a, &out, &d), 0);
	assert_int_equal(out.n_hints + out.n_resolved, 0);
	assert_int_equal(d.n_warnings, 1);
	assert_string_equal(d.first->code, "hints-ignored");
	assert_int_equal(d.n_errors, 0);
	clean(&s);
	diags_free(&d);
	arena_free(a);
}

/* What `apply -f` writes down: a line as it was before there was a second one, too, and nothing that is neither. */
static void test_applied(void **state)
{
	static const char *const bad[] = {
	    "",
	    "/etc/hosts",
	    "etc/hosts\n",
	    "/etc/hosts\nbob\n",
	    "/etc/hosts\nbob 70000 wg\n",
	    "/etc/hosts\nBob 0 wg\n",
	    "/etc/hosts\nbob 0 w/g\n",
	    "/etc/hosts\nbob 0 wg\nmore\n",
	};
	const struct applied is = {.hosts = "/etc/hosts", .name = "bob", .suffix = "wg", .listen_port = 51820};
	struct diags d = {0};
	struct applied was;
	struct store s;
	char path[PATH_MAX + 16];

	(void)state;
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	assert_int_equal(file_mkdirs(s.dir, 0700, &d), 0);
	assert_int_equal(store_load_applied(&s, &was), 1);
	assert_int_equal(store_save_applied(&s, &is, &d), 0);
	assert_int_equal(store_load_applied(&s, &was), 0);
	assert_string_equal(was.hosts, is.hosts);
	assert_string_equal(was.name, is.name);
	assert_string_equal(was.suffix, is.suffix);
	assert_int_equal(was.listen_port, is.listen_port);
	snprintf(path, sizeof(path), "%s/applied", s.dir);
	assert_int_equal(file_write(path, SPAN("\n"), 0600, &d), 0);
	assert_int_equal(store_load_applied(&s, &was), 0);
	assert_string_equal(was.hosts, "");
	assert_string_equal(was.name, "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(file_write(path, span_str(bad[i]), 0600, &d), 0);
		assert_int_equal(store_load_applied(&s, &was), 1);
	}
	assert_null(d.first);
	clean(&s);
	diags_free(&d);
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
	assert_string_equal(path, "/v1/poll?have=-.-.-&wait=60&speak=2");

	/*
	 * Forged: signed by a key that the peer does not trust; truncated; nothing like a bundle. The disk stays empty.
	 */
	b = reply(&first, NULL);
	*strstr(b.p, "views ") = 'V';
	assert_int_equal(take(p, b, NULL), VERIFY_REFUSED);
	b = reply(&first, NULL);
	b.n -= 5;
	assert_int_equal(take(p, b, "bad-bundle"), VERIFY_REFUSED);
	assert_null(peer_held_view(p->held));
	assert_false(store_changed(peer_held_store(p->held)));

	/* The good one counts, and only what lacks has to come for the next. */
	assert_int_equal(take(p, reply(&first, NULL), NULL), VERIFY_OK);
	assert_int_equal(peer_held_view(p->held)->n_peers, 2);
	assert_int_equal(take(p, reply(&second, &first), NULL), VERIFY_OK);
	assert_int_equal(peer_held_view(p->held)->n_peers, 3);
	assert_int_equal(take(p, reply(&second, NULL), NULL), VERIFY_UNCHANGED);

	/* A server that leaves the freshness out is noticed, if not at once. */
	assert_int_equal(peer_held_fresh_until(p->held), 0);
	assert_false(peer_held_is_stale(p->held, NOW, FRESH_SECONDS * 1000));
	assert_true(peer_held_is_stale(p->held, NOW, FRESH_SECONDS * 1000 + 1));
	peer_held_hear(p->held, NOW);
	assert_false(peer_held_is_stale(p->held, NOW, FRESH_SECONDS * 1000 + 1));
	assert_true(peer_held_is_stale(p->held, NOW + 1, 0));
	peer_held_hear(p->held, NOW + 86400); /* from a clock that is a day ahead */
	assert_false(peer_held_is_stale(p->held, NOW, 0));
	assert_true(peer_held_is_stale(p->held, NOW, FRESH_SECONDS * 1000 + 1));

	/* Rolled back: the newer one stays. */
	assert_int_equal(take(p, reply(&first, NULL), "snapshot-behind"), VERIFY_BEHIND);
	assert_int_equal(peer_held_view(p->held)->n_peers, 3);
	peer_close(p);

	/* After a restart too; and another process may have stored it. */
	p = open_alice(&o);
	assert_int_equal(peer_held_view(p->held)->n_peers, 3);
	struct this_peer *other = open_alice(&o);
	assert_int_equal(take(p, reply(&first, NULL), "snapshot-behind"), VERIFY_BEHIND);
	open_net(&third, 3);
	assert_int_equal(take(p, reply(&third, &second), NULL), VERIFY_OK);
	assert_int_equal(take(other, reply(&third, &second), NULL), VERIFY_UNCHANGED);
	assert_int_equal(peer_held_view(other->held)->statement.version.number, 3);
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

static void put_hints(struct store *s, struct hint *hints, size_t n, const struct resolved *names, size_t n_names)
{
	struct diags d = {0};

	if (n)
		qsort(hints, n, sizeof(*hints), hint_cmp);
	assert_int_equal(store_save_hints(s, &(struct hints){hints, names, n, n_names}, &d), 0);
	assert_null(d.first);
}

static size_t n_hints(const struct this_peer *p)
{
	size_t n;

	peer_hints_list(p->hints, &n);
	return n;
}

/* The first. */
static const struct hint *hint_of(const struct this_peer *p)
{
	size_t n;

	return peer_hints_list(p->hints, &n);
}

static struct hint file_hint(struct store *s, const struct key *key)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct hint found = {0};
	struct hints h;

	assert_int_equal(store_load_hints(s, a, &h, &d), 0);
	for (size_t i = 0; i < h.n_hints; i++) {
		if (key_eq(&h.hints[i].key, key))
			found = (struct hint){.key = *key, .seen = h.hints[i].seen};
	}
	diags_free(&d);
	arena_free(a);
	return found;
}

/* Boot milliseconds, as the peer is told them. */
static int64_t now_ms = 1000000;

/* As a session with bob, and one with the hub, have them. */
static void learn(struct this_peer *p, const char *bob_at, int64_t handshake)
{
	struct device_peer peers[2] = {{.key = wg_of("bob"), .endpoint = at(bob_at), .handshake = handshake},
				       {.key = wg_of("hub"), .endpoint = at("192.0.2.99:9"), .handshake = NOW}};
	struct device_state there = {.exists = true, .peers = peers, .n_peers = 2};
	struct arena *a = arena_new();
	struct diags d = {0};

	assert_int_equal(peer_hints_learn(p->hints, a, &there, NULL, NOW, now_ms, &d), 0);
	assert_null(d.first);
	arena_free(a);
}

static void hear(struct this_peer *p, struct hint h)
{
	struct arena *a = arena_new();
	struct diags d = {0};

	assert_int_equal(peer_hints_take(p->hints, a, &h, 1, now_ms, &d), 0);
	assert_null(d.first);
	arena_free(a);
}

/* A server's word about bob: the part of it that makes sense, until it takes it back. Knocks of the view's peers. */
static void test_what_a_server_says(void **state)
{
	const struct peer_options o = {.config_dir = dir, .data_dir = dir};
	const struct key bob = wg_of("bob"), own = wg_of("alice");
	const struct key knocks[] = {wg_of("stranger"), bob, own};
	const struct key *heard;
	unsigned n_heard;
	const struct sockpoint said[] = {at("127.0.0.1:1"), at("192.168.1.7:51820"), at("10.60.0.9:2")};
	struct diags d = {0};
	struct this_peer *p;
	struct store s;
	struct net n;
	char file[128];

	(void)state;
	open_net(&n, 2);
	struct peer_config *c = alice_config(&n);
	assert_int_equal(peer_config_write(dir, c, true, &d), 0);
	peer_config_free(c);
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	save_version(&s, 2);
	p = open_alice(&o);
	hear(p, (struct hint){.key = bob, .seen = at("224.0.0.1:4"), .at = said, .n_at = 3});
	assert_int_equal(n_hints(p), 1);
	assert_int_equal(hint_of(p)->seen.port, 0);
	assert_int_equal(hint_of(p)->n_at, 1);
	assert_true(sockpoint_eq(&hint_of(p)->at[0], &said[1]));
	/* A session of our own says where, and nothing against what was reported. */
	learn(p, "192.0.2.7:5", NOW);
	assert_int_equal(hint_of(p)->seen.port, 5);
	assert_int_equal(hint_of(p)->n_at, 1);
	/* What makes no sense takes nothing's place; what is not known any more is forgotten. */
	hear(p, (struct hint){.key = bob, .at = said, .n_at = 1});
	assert_int_equal(n_hints(p), 1);
	hear(p, (struct hint){.key = bob});
	assert_int_equal(n_hints(p), 0);
	hear(p, (struct hint){.key = wg_of("stranger"), .seen = said[1]});
	assert_int_equal(n_hints(p), 0);
	peer_search_take_knocks(p->search, knocks, 3);
	heard = peer_search_knocks(p->search, &n_heard);
	assert_int_equal(n_heard, 1);
	assert_true(key_eq(&heard[0], &bob));
	peer_close(p);
	snprintf(file, sizeof(file), "%s/corp.yaml", dir);
	unlink(file);
	clean(&s);
	net_close(&n);
	diags_free(&d);
}

/* What is on the disk is not trusted; sessions tell more; and the disk is left alone for a while. */
static void test_where_others_were(void **state)
{
	const struct peer_options o = {.config_dir = dir, .data_dir = dir};
	const struct key bob = wg_of("bob"), stranger = wg_of("stranger");
	const struct resolved names[] = {{"a.example.com:1", at("192.0.2.30:1")},
					 {"b.example.com:1", at("10.60.0.9:1")},
					 {"c.example.com:1", at("127.0.0.1:1")}};
	struct hint hints[] = {{.key = bob, .seen = at("192.0.2.7:4000")},
			       {.key = stranger, .seen = at("192.0.2.8:4000")}};
	struct diags d = {0};
	struct this_peer *p;
	struct store s;
	struct net n;
	char file[128];
	size_t known;

	(void)state;
	open_net(&n, 2);
	struct peer_config *c = alice_config(&n);
	assert_int_equal(peer_config_write(dir, c, true, &d), 0);
	peer_config_free(c);
	assert_int_equal(store_init(&s, dir, "corp", &d), 0);
	save_version(&s, 2);

	put_hints(&s, hints, 2, names, 3);
	p = open_alice(&o);
	assert_int_equal(n_hints(p), 1); /* of the peers that it may see */
	assert_true(key_eq(&hint_of(p)->key, &bob));
	assert_true(sockpoint_eq(&resolver_known(peer_hints_resolver(p->hints), &known)[0].at, &names[0].at));
	assert_int_equal(known, 1);
	peer_close(p);
	assert_true(file_hint(&s, &stranger).seen.port); /* a command that only looks writes nothing */

	/* Inside the tunnel, or this very machine: never. */
	for (unsigned i = 0; i < 3; i++) {
		static const char *const never[] = {"10.60.64.3:4000", "127.0.0.1:4000", "224.0.0.1:4000"};
		const struct sockpoint bad = at(never[i]);
		struct hint one = {.key = bob, .seen = bad, .at = &bad, .n_at = 1};

		put_hints(&s, &one, 1, NULL, 0);
		p = open_alice(&o);
		assert_int_equal(n_hints(p), 0);
		peer_close(p);
	}

	put_hints(&s, NULL, 0, NULL, 0);
	/*
	 * A session that is over says nothing; one that lives is written at once, the next only when some time is over.
	 */
	p = open_alice(&o);
	learn(p, "192.0.2.7:1", NOW - 181);
	assert_int_equal(n_hints(p), 0);
	learn(p, "192.0.2.7:2", NOW - 179);
	assert_int_equal(n_hints(p), 1); /* the hub has an endpoint of the definition */
	assert_int_equal(file_hint(&s, &bob).seen.port, 2);
	learn(p, "192.0.2.7:3", NOW);
	learn(p, "10.60.64.9:4", NOW);
	assert_int_equal(hint_of(p)->seen.port, 3);
	assert_int_equal(file_hint(&s, &bob).seen.port, 2);
	now_ms += HINTS_SAVE_MS;
	learn(p, "192.0.2.7:3", NOW);
	assert_int_equal(file_hint(&s, &bob).seen.port, 3);
	learn(p, "192.0.2.7:5", NOW);
	peer_close(p);
	assert_int_equal(file_hint(&s, &bob).seen.port, 5); /* and on exit */

	/* A network that was left leaves nothing behind. */
	p = open_alice(&o);
	learn(p, "192.0.2.7:6", NOW);
	learn(p, "192.0.2.7:7", NOW);
	snprintf(file, sizeof(file), "%s/corp.yaml", dir);
	unlink(file);
	clean(&s);
	peer_close(p);
	assert_int_equal(access(s.dir, F_OK), -1);
	net_close(&n);
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
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_lock),
	    cmocka_unit_test(test_hints),
	    cmocka_unit_test(test_applied),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_where_others_were),
	    cmocka_unit_test(test_what_a_server_says),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
