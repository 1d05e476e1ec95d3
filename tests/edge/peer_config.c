/* A peer's own file: written durably with its secret in it, read strictly, never readable by other users. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/peer_config.h"
#include "tests/cmocka.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/innernet-test.XXXXXX";

static struct peer_config *example(void)
{
	struct diags d = {0};
	struct peer_config *c = peer_config_new(&d);
	uint8_t seed[KEY_LEN] = {9}, sk[crypto_sign_SECRETKEYBYTES];
	struct membership *m;

	assert_non_null(c);
	m = &c->m;
	strcpy(m->network, "corp");
	strcpy(m->name, "bob");
	assert_int_equal(addr_parse("10.60.64.3", 10, &m->ip[0]), 0);
	m->n_ips = 1;
	assert_int_equal(prefix_parse("10.60.0.0/16", 12, &m->root[0]), PREFIX_OK);
	m->n_root = 1;
	memset(m->trust.id.b, 7, KEY_LEN);
	crypto_sign_seed_keypair(m->trust.signers[0].b, sk, seed);
	m->trust.online[0] = m->trust.signers[0];
	m->trust.n_signers = m->trust.n_online = m->trust.threshold = 1;
	m->trust.present = true;
	m->floor.number = 3;
	m->n_servers = 1;
	strcpy(m->servers[0].name, "hub");
	x25519_public(seed, &m->servers[0].public_key);
	m->servers[0].n_ips = 1;
	assert_int_equal(addr_parse("10.60.0.1", 9, &m->servers[0].ip[0]), 0);
	strcpy(m->servers[0].endpoint, "192.0.2.1:51820");
	m->mtu = 1280;
	m->keepalive = 25;
	memset(c->private_key, 0x5a, KEY_LEN);
	x25519_public(c->private_key, &c->public_key);
	c->invite = m->trust.signers[0];
	return c;
}

static void test_round_trip(void **state)
{
	struct diags d = {0};
	struct peer_config *c = example(), *again = NULL;
	struct stat st;
	char path[80];

	(void)state;
	c->settings.listen_port = 51821;
	assert_int_equal(peer_config_write(dir, c, true, &d), 0);
	snprintf(path, sizeof(path), "%s/corp.yaml", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(peer_config_read(dir, "corp", &again, NULL, &d), 0);
	assert_memory_equal(&c->m, &again->m, sizeof(c->m));
	assert_memory_equal(c->private_key, again->private_key, KEY_LEN);
	assert_true(key_eq(&c->public_key, &again->public_key));
	assert_true(key_eq(&c->invite, &again->invite));
	assert_int_equal(again->settings.listen_port, 51821);
	assert_false(again->redeemed);
	peer_config_free(again);

	c->redeemed = true;
	assert_int_equal(peer_config_write(dir, c, false, &d), 0);
	assert_int_equal(peer_config_read(dir, "corp", &again, NULL, &d), 0);
	assert_true(again->redeemed);
	peer_config_free(again);
	assert_int_equal(d.n_errors, 0);

	/* A second install never takes the place of the first one's key. */
	assert_int_equal(peer_config_write(dir, c, true, &d), -1);
	assert_string_equal(d.first->code, "file-exists");
	peer_config_free(c);
	diags_free(&d);
}

/* What people set: kept in order, one a peer, and read as strictly as the rest. */
static void test_settings(void **state)
{
	struct diags d = {0};
	struct peer_config *c = example(), *again = NULL;
	struct peer_settings *s = &c->settings;
	struct buf b = {0};

	(void)state;
	assert_int_equal(peer_settings_endpoint(s, "zoe", "192.0.2.1:1", &d), 0);
	assert_int_equal(peer_settings_endpoint(s, "ann", "zoe.example:2", &d), 0);
	assert_int_equal(peer_settings_endpoint(s, "ann", "zoe.example:2", &d), 1);
	assert_int_equal(peer_settings_endpoint(s, "moe", "[::1]:3", &d), 0);
	assert_int_equal(peer_settings_endpoint(s, "moe", "[::1]:4", &d), 0);
	assert_int_equal(peer_settings_endpoint(s, "zoe", NULL, &d), 0);
	assert_int_equal(peer_settings_endpoint(s, "zoe", NULL, &d), 1);
	s->no_write_hosts = true;
	s->hosts_path = strdup("/run/names");
	s->host_suffix = strdup("internal.example");
	s->endpoint = strdup("home.example:51820");
	s->nat.no_candidates = true;
	s->nat.n_exclude = 2;
	assert_int_equal(prefix_parse("10.0.0.0/8", 10, &s->nat.exclude[0]), PREFIX_OK);
	assert_int_equal(prefix_parse("2001:db8::/32", 13, &s->nat.exclude[1]), PREFIX_OK);
	assert_int_equal(peer_config_emit(c, &b, &d), 0);
	assert_int_equal(peer_config_parse(buf_span(&b), "f", &again, &d), 0);
	assert_int_equal(again->settings.n_endpoints, 2);
	assert_string_equal(again->settings.endpoints[0].name, "ann");
	assert_string_equal(peer_settings_find(&again->settings, "ann"), "zoe.example:2");
	assert_string_equal(peer_settings_find(&again->settings, "moe"), "[::1]:4");
	assert_null(peer_settings_find(&again->settings, "zoe"));
	assert_true(again->settings.no_write_hosts);
	assert_string_equal(again->settings.hosts_path, "/run/names");
	assert_string_equal(again->settings.host_suffix, "internal.example");
	assert_string_equal(again->settings.endpoint, "home.example:51820");
	assert_true(again->settings.nat.no_candidates && !again->settings.nat.no_traversal);
	assert_int_equal(again->settings.nat.n_exclude, 2);
	assert_memory_equal(again->settings.nat.exclude, s->nat.exclude, 2 * sizeof(struct prefix));
	assert_int_equal(d.n_errors, 0);
	peer_config_free(again);

	free(s->hosts_path);
	free(s->host_suffix);
	s->hosts_path = strdup("relative");
	free(s->endpoint);
	s->endpoint = strdup("home.example");
	s->host_suffix = strdup("evil\n6.6.6.6 bank");
	strcpy(s->endpoints[0].name, "An\nn");
	strcpy(s->endpoints[1].endpoint, "nowhere");
	buf_wipe(&b);
	b = (struct buf){0};
	assert_int_equal(peer_config_emit(c, &b, &d), 0);
	assert_int_equal(peer_config_parse(buf_span(&b), "f", &again, &d), -1);
	assert_null(again);
	assert_int_equal(d.n_errors, 5);
	buf_wipe(&b);
	peer_config_free(c);
	diags_free(&d);
}

/* Another name than the network's: the file has it, in its name and in itself. */
static void test_interface(void **state)
{
	struct diags d = {0};
	struct peer_config *c = example(), *again = NULL;
	struct buf b = {0};
	char path[80];

	(void)state;
	assert_string_equal(peer_config_interface(c), "corp");
	strcpy(c->interface, "corp");
	assert_int_equal(peer_config_emit(c, &b, &d), 0);
	assert_null(strstr(b.p, "interface:"));
	buf_wipe(&b);
	strcpy(c->interface, "work");
	assert_int_equal(peer_config_write(dir, c, true, &d), 0);
	assert_int_equal(peer_config_read(dir, "work", &again, NULL, &d), 0);
	assert_string_equal(peer_config_interface(again), "work");
	assert_string_equal(again->m.network, "corp");
	peer_config_free(again);
	snprintf(path, sizeof(path), "%s/work.yaml", dir);
	assert_int_equal(remove(path), 0);
	strcpy(c->interface, "../up");
	b = (struct buf){0};
	assert_int_equal(peer_config_emit(c, &b, &d), 0);
	assert_int_equal(peer_config_parse(buf_span(&b), "f", &again, &d), -1);
	assert_string_equal(d.first->message,
			    "f: 'interface' must be the name of an interface: a host name of at most 15 "
			    "characters");
	buf_wipe(&b);
	peer_config_free(c);
	diags_free(&d);
}

static void refused(const char *name, const char *code)
{
	struct diags d = {0};
	struct peer_config *c = NULL;

	assert_int_equal(peer_config_read(dir, name, &c, NULL, &d), -1);
	assert_null(c);
	assert_string_equal(d.first->code, code);
	for (struct diag *g = d.first; g; g = g->next)
		assert_null(strstr(g->message, "Wlpa")); /* base64 of 0x5a5a5a */
	diags_free(&d);
}

static void test_refused(void **state)
{
	struct diags d = {0};
	struct peer_config *c = NULL;
	struct buf b = {0};
	char path[80];
	bool absent;

	(void)state;
	refused("none", "file-error");
	refused("../corp", "bad-name");
	assert_int_equal(peer_config_read(dir, "none", &c, &absent, &d), 0);
	assert_true(absent);
	c = example();
	assert_int_equal(peer_config_emit(c, &b, &d), 0);
	snprintf(path, sizeof(path), "%s/other.yaml", dir);
	assert_int_equal(file_write(path, buf_span(&b), 0600, &d), 0);
	refused("other", "bad-config"); /* another network's */
	assert_int_equal(file_write(path, buf_span(&b), 0640, &d), 0);
	refused("other", "file-permissions");
	assert_int_equal(file_write(path, (struct span){(uint8_t *)b.p, b.n - 10}, 0600, &d), 0);
	refused("other", "bad-config"); /* torn */
	assert_int_equal(file_write(path, (struct span){0}, 0600, &d), 0);
	refused("other", "bad-config");
	assert_int_equal(d.n_errors, 0);
	buf_wipe(&b);
	peer_config_free(c);
	unlink(path);
}

static void test_list(void **state)
{
	static const char *const files[] = {"zeta.yaml",  "alpha.yaml", "note.txt",
					    "UPPER.yaml", ".yaml",      "corp.yaml.x7"};
	struct diags d = {0};
	struct arena *a = arena_new();
	const char *const *names;
	size_t n;
	char path[80];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		assert_int_equal(file_write(path, SPAN("x\n"), 0600, &d), 0);
	}
	assert_int_equal(peer_config_list(a, dir, &names, &n, &d), 0);
	assert_int_equal(n, 3);
	assert_string_equal(names[0], "alpha");
	assert_string_equal(names[1], "corp");
	assert_string_equal(names[2], "zeta");
	assert_int_equal(peer_config_list(a, "/nonexistent", &names, &n, &d), 0);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	arena_free(a);
	diags_free(&d);
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0 || !mkdtemp(dir) ? -1 : 0;
}

static int teardown(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/corp.yaml", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_settings), cmocka_unit_test(test_interface),
	    cmocka_unit_test(test_refused),    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
