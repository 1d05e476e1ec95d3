/*
 * Edits of definitions that people wrote in every style: the exact bytes, and the model, which must be the old one and
 * the edit.
 */
#include "schema/edit.h"
#include "schema/load.h"
#include "schema/time.h"
#include "tests/cmocka.h"

#include <string.h>
#include <sodium.h>

/* KEY1 ... KEY9 stand for usable public keys. */
static void with_keys(struct buf *out, const char *text)
{
	while (*text) {
		if (!strncmp(text, "KEY", 3) && text[3] >= '1' && text[3] <= '9') {
			uint8_t private_key[KEY_LEN];
			struct key key;
			char b64[KEY_B64_LEN + 1];
			memset(private_key, text[3], sizeof(private_key));
			x25519_public(private_key, &key);
			key_format(&key, b64);
			buf_str(out, b64);
			text += 4;
		} else {
			buf_char(out, *text++);
		}
	}
	buf_str(out, "");
	assert_false(out->failed);
}

static struct key ninth_key(void)
{
	uint8_t private_key[KEY_LEN];
	struct key key;
	memset(private_key, '9', sizeof(private_key));
	x25519_public(private_key, &key);
	return key;
}

static struct peer bob(void)
{
	struct peer p = {.name = "bob", .n_ips = 1, .keepalive = -1, .key = ninth_key()};
	assert_int_equal(addr_parse("10.60.64.3", 10, &p.ip[0]), 0);
	return p;
}

static int add_peer(struct span file, const struct peer *p, struct buf *out, struct diags *d)
{
	struct edit e = {.kind = EDIT_ADD_PEER, .peer = *p};
	return edit_apply(&e, &file, 1, out, d);
}

static void assert_edit(const char *before, const struct peer *p, const char *after)
{
	struct buf in = {0}, expected = {0}, out = {0};
	struct diags d = {0};
	with_keys(&in, before);
	with_keys(&expected, after);
	assert_int_equal(add_peer(buf_span(&in), p, &out, &d), 0);
	assert_string_equal(out.p, expected.p);
	assert_int_equal(d.n_errors, 0);
	buf_free(&in);
	buf_free(&expected);
	buf_free(&out);
	diags_free(&d);
}

static void assert_refused(const char *before, const char *expected)
{
	struct peer p = bob();
	struct buf out = {0}, text = {0};
	struct diags d = {0};
	assert_int_equal(add_peer(span_str(before), &p, &out, &d), -1);
	assert_int_equal(out.n, 0);
	diags_render_human(&text, &d, NULL, false);
	assert_string_equal(text.p, expected);
	buf_free(&out);
	buf_free(&text);
	diags_free(&d);
}

static void test_flow_entries(void **state)
{
	(void)state;
	struct peer p = bob();
	/* Aligned as its neighbours; after its block's comments, before what belongs to the next one. */
	assert_edit("network: corp\n"
		    "peers:\n"
		    "  hub:    { ip: 10.60.0.1, server: true }\n"
		    "  carol:  { ip: 10.60.64.2 } # on leave\n"
		    "  # dave: { ip: 10.60.64.9 }\n"
		    "\n"
		    "# What must hold.\n"
		    "tests: []\n",
		    &p,
		    "network: corp\n"
		    "peers:\n"
		    "  hub:    { ip: 10.60.0.1, server: true }\n"
		    "  carol:  { ip: 10.60.64.2 } # on leave\n"
		    "  # dave: { ip: 10.60.64.9 }\n"
		    "  bob:    { ip: 10.60.64.3, public_key: \"KEY9\" }\n"
		    "\n"
		    "# What must hold.\n"
		    "tests: []\n");
	/* Not aligned, tight braces, a name as long as any, and no newline at the end. */
	p.name = "a-name-longer-than-all";
	assert_edit("peers:\n    hub: {ip: 10.60.0.1}\n    office: {ip: 10.60.0.2}", &p,
		    "peers:\n    hub: {ip: 10.60.0.1}\n    office: {ip: 10.60.0.2}\n"
		    "    a-name-longer-than-all: {ip: 10.60.64.3, public_key: \"KEY9\"}");
	/* Names that YAML 1.1 takes for something else. */
	p.name = "no";
	assert_edit("peers:\n  hub: {}\n", &p,
		    "peers:\n  hub: {}\n  \"no\": { ip: 10.60.64.3, public_key: \"KEY9\" }\n");
	p.name = "007";
	assert_edit("peers:\n  hub: {}\n", &p,
		    "peers:\n  hub: {}\n  \"007\": { ip: 10.60.64.3, public_key: \"KEY9\" }\n");
}

static void test_all_attributes(void **state)
{
	(void)state;
	struct peer p = bob();
	p.is_invite = true;
	p.invite_expires = 1796558400;
	p.endpoint = "vpn.example.com:51820";
	p.description = "Bob's \"laptop\" \\ Zürich";
	p.keepalive = 0;
	p.admin = true;
	p.n_ips = 2;
	assert_int_equal(addr_parse("fd00:60::3", 10, &p.ip[1]), 0);
	assert_edit("peers:\n  hub: { }\n", &p,
		    "peers:\n  hub: { }\n  bob: { ip: [10.60.64.3, \"fd00:60::3\"], invite: \"ed25519:KEY9\", "
		    "invite_expires: 2026-12-06T12:00:00Z, endpoint: \"vpn.example.com:51820\", admin: true, "
		    "keepalive: 0, description: \"Bob's \\\"laptop\\\" \\\\ Zürich\" }\n");
	assert_edit("peers:\n  hub:\n     ip: 1\n", &p,
		    "peers:\n  hub:\n     ip: 1\n  bob:\n     ip: [10.60.64.3, \"fd00:60::3\"]\n"
		    "     invite: \"ed25519:KEY9\"\n     invite_expires: 2026-12-06T12:00:00Z\n"
		    "     endpoint: \"vpn.example.com:51820\"\n     admin: true\n     keepalive: 0\n"
		    "     description: \"Bob's \\\"laptop\\\" \\\\ Zürich\"\n");
}

static void test_block_entries(void **state)
{
	(void)state;
	struct peer p = bob();
	assert_edit("peers:\n"
		    "  hub:\n"
		    "    ip: 10.60.0.1\n"
		    "    # admin: true\n"
		    "\n"
		    "tests: []\n",
		    &p,
		    "peers:\n"
		    "  hub:\n"
		    "    ip: 10.60.0.1\n"
		    "    # admin: true\n"
		    "  bob:\n"
		    "    ip: 10.60.64.3\n"
		    "    public_key: \"KEY9\"\n"
		    "\n"
		    "tests: []\n");
	/* CR LF stays CR LF. */
	assert_edit(
	    "peers:\r\n  hub:\r\n      ip: 10.60.0.1\r\n      description: |\r\n        two\r\n        lines\r\n\r\n",
	    &p,
	    "peers:\r\n  hub:\r\n      ip: 10.60.0.1\r\n      description: |\r\n        two\r\n        lines\r\n"
	    "  bob:\r\n      ip: 10.60.64.3\r\n      public_key: \"KEY9\"\r\n\r\n");
}

static void test_no_entries(void **state)
{
	(void)state;
	struct peer p = bob();
#define BOB       "bob: { ip: 10.60.64.3, public_key: \"KEY9\" }"
#define TIGHT_BOB "bob: {ip: 10.60.64.3, public_key: \"KEY9\"}"
	assert_edit("network: corp\npeers: {}\n", &p, "network: corp\npeers: {" TIGHT_BOB "}\n");
	assert_edit("peers: { } # none yet\ncidr: 1\n", &p, "peers: { " BOB " } # none yet\ncidr: 1\n");
	assert_edit("peers: null\ncidr: 1\n", &p, "peers:\n  " BOB "\ncidr: 1\n");
	assert_edit("peers: # none yet\ncidr: 1\n", &p, "peers: # none yet\n  " BOB "\ncidr: 1\n");
	assert_edit("network: corp\npeers:", &p, "network: corp\npeers:\n  " BOB);
	assert_edit("network: corp\n", &p, "network: corp\npeers:\n  " BOB "\n");
	assert_edit("network: corp\n\ncidr: 1", &p, "network: corp\n\ncidr: 1\n\npeers:\n  " BOB);
	assert_edit("network: corp\r\n...\r\n", &p, "network: corp\r\npeers:\r\n  " BOB "\r\n...\r\n");
	assert_edit("---\n  network: corp\n  # end\n", &p, "---\n  network: corp\n  # end\n  peers:\n    " BOB "\n");
}

static void test_in_braces(void **state)
{
	(void)state;
	struct peer p = bob();
	assert_edit("peers: { a: {ip: 1}, b: {ip: 2} }\n", &p, "peers: { a: {ip: 1}, b: {ip: 2}, " TIGHT_BOB " }\n");
	assert_edit("peers: { a: {ip: 1}, }\n", &p, "peers: { a: {ip: 1}, " TIGHT_BOB ", }\n");
	assert_edit("peers: {\n\ta: {ip: 1}, # x\n\tb: {ip: 2} # y\n}\n", &p,
		    "peers: {\n\ta: {ip: 1}, # x\n\tb: {ip: 2}, # y\n\t" TIGHT_BOB "\n}\n");
	assert_edit("peers: {\n  a: {ip: 1}, # x, y\n}\n", &p, "peers: {\n  a: {ip: 1}, # x, y\n  " TIGHT_BOB ",\n}\n");
	assert_edit("peers: {\n  a: {ip: 1},\n  b: {ip: 2}}\n", &p,
		    "peers: {\n  a: {ip: 1},\n  b: {ip: 2},\n  " TIGHT_BOB "}\n");
	assert_edit("peers: {\n  # none\n}\n", &p, "peers: { " BOB "\n  # none\n}\n");
	/* JSON is YAML, and stays JSON. */
#define JSON_BOB "\"bob\": { \"ip\": \"10.60.64.3\", \"public_key\": \"KEY9\" }"
	assert_edit("{\"network\": \"corp\"}\n", &p, "{\"network\": \"corp\", \"peers\": { " JSON_BOB " }}\n");
	assert_edit("{\"network\": \"corp\", \"peers\": { }}\n", &p,
		    "{\"network\": \"corp\", \"peers\": { " JSON_BOB " }}\n");
	assert_edit("{\"network\": \"corp\", \"peers\": null}\n", &p,
		    "{\"network\": \"corp\", \"peers\": { " JSON_BOB " }}\n");
	assert_edit("{\n  \"peers\": {\n    \"hub\": { \"ip\": \"1\" }\n  }\n}\n", &p,
		    "{\n  \"peers\": {\n    \"hub\": { \"ip\": \"1\" },\n    " JSON_BOB "\n  }\n}\n");
}

static void test_refused(void **state)
{
	(void)state;
#define HELP "  help: write one member a line, as in `bob: { ip: 10.60.64.3 }`, or edit it by hand\n"
	assert_refused("peers: [1]\n",
		       "error[edit-style]: this cannot be edited as it is written: it is not a mapping\n" HELP);
	assert_refused("peers:\n  ? a\n  : {ip: 1}\n",
		       "error[edit-style]: this cannot be edited as it is written: it does not start its line\n" HELP);
	/* A line end after it would become part of the text. */
	assert_refused("peers:\n  a:\n    description: |\n      text",
		       "error[edit-style]: this cannot be done without changing what else the file says\n"
		       "  help: edit it by hand\n");
	assert_refused("", "error[edit-style]: nothing can be added to a file that is not a network's definition\n");
}

/* Whole definitions, for the loader's judgement. */
static const char *const definitions[] = {
    "network: corp\ncidr: 10.60.0.0/16\ncidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/24\npeers:\n"
    "  hub: { ip: 10.60.0.1, public_key: \"KEY1\", endpoint: \"192.0.2.1:51820\", server: true }\n"
    "  alice: { ip: 10.60.64.2, public_key: \"KEY2\", admin: true }\n",

    "# ours\nnetwork:   corp\ncidr: 10.60.0.0/16\n\npeers:\n\n    hub:\n        ip: 10.60.0.1\n"
    "        public_key: KEY1\n        endpoint: vpn.example.com:51820\n        server: true\n\n"
    "    office:            # with a LAN behind it\n        ip: 10.60.0.9\n        public_key: KEY2\n"
    "        routes:\n        - 192.168.7.0/24\n        - 192.168.8.0/24\n\n\n# groups\ncidrs:\n"
    "    infra: 10.60.0.0/24\n    humans: {cidr: 10.60.64.0/24, description: '#1'}\n",

    "network: corp\r\ncidr: 10.60.0.0/16\r\ncidrs: {infra: 10.60.0.0/24, humans: 10.60.64.0/24}\r\npeers: {\r\n"
    "  hub: {ip: 10.60.0.1, public_key: KEY1, endpoint: '192.0.2.1:51820', server: true}, # the server\r\n"
    "  alice: {ip: 10.60.64.2, public_key: KEY2,\r\n          admin: true}  # the \"boss\", {really}\r\n}\r\n"
    "associations:\r\n- [humans, humans]\r\n",

    "{\"network\": \"corp\", \"cidr\": \"10.60.0.0/16\", \"cidrs\": {\"infra\": \"10.60.0.0/24\", \"humans\": "
    "\"10.60.64.0/24\"},\n \"peers\": {\"hub\": {\"ip\": \"10.60.0.1\", \"public_key\": \"KEY1\", \"endpoint\": "
    "\"192.0.2.1:51820\", \"server\": true}}}",

    "\xef\xbb\xbfnetwork: corp\ncidr: 10.60.0.0/16\ncidrs: { infra: 10.60.0.0/24, humans: 10.60.64.0/24 }\npeers:\n  "
    "hub: {ip: 10.60.0.1, public_key: KEY1, endpoint: \"192.0.2.1:51820\", server: true,\n"
    "    description: \"ein längerer\n      Text\"}  # Ende",
};
static bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void assert_same_peer(const struct model *old, const struct model *new, uint32_t i, uint32_t j)
{
	const struct peer *p = &old->peers[i], *q = &new->peers[j];
	assert_string_equal(p->name, q->name);
	assert_true(str_eq(p->description, q->description) && str_eq(p->endpoint, q->endpoint));
	assert_memory_equal(p->ip, q->ip, sizeof(p->ip));
	assert_true(key_eq(&p->key, &q->key));
	assert_int_equal(p->n_routes, q->n_routes);
	for (uint32_t r = 0; r < p->n_routes; r++)
		assert_int_equal(prefix_cmp(&p->routes[r], &q->routes[r]), 0);
	assert_string_equal(old->cidrs[p->cidr].name, new->cidrs[q->cidr].name);
	assert_true(p->invite_expires == q->invite_expires && p->keepalive == q->keepalive);
	assert_true(p->n_ips == q->n_ips && p->is_invite == q->is_invite && p->server == q->server);
	assert_true(p->admin == q->admin && p->disabled == q->disabled);
}

static void assert_model(const struct model *old, const struct model *new, const struct peer *p)
{
	assert_string_equal(old->network, new->network);
	assert_true(old->epoch == new->epoch && old->mtu == new->mtu && old->keepalive == new->keepalive);
	assert_int_equal(old->n_cidrs, new->n_cidrs);
	for (uint32_t i = 0; i < old->n_cidrs; i++) {
		assert_string_equal(old->cidrs[i].name, new->cidrs[i].name);
		assert_true(str_eq(old->cidrs[i].description, new->cidrs[i].description));
		assert_int_equal(cidr_order_cmp(&old->cidrs[i], &new->cidrs[i]), 0);
	}
	assert_int_equal(old->n_associations, new->n_associations);
	assert_int_equal(old->n_tests, new->n_tests);
	assert_int_equal(old->n_peers + 1, new->n_peers);
	for (uint32_t i = 0; i < old->n_peers; i++) {
		uint32_t j = model_peer_by_name(new, old->peers[i].name);
		assert_int_not_equal(j, NONE);
		assert_same_peer(old, new, i, j);
	}
	uint32_t mine = model_peer_by_name(new, p->name);
	assert_int_not_equal(mine, NONE);
	const struct peer *q = &new->peers[mine];
	assert_true(str_eq(q->description, p->description) && str_eq(q->endpoint, p->endpoint));
	assert_true(q->n_ips == p->n_ips && !addr_cmp(&q->ip[0], &p->ip[0]) && key_eq(&q->key, &p->key));
	assert_true(q->is_invite == p->is_invite && q->admin == p->admin && q->keepalive == p->keepalive);
	assert_true(q->invite_expires == p->invite_expires && !q->server && !q->disabled && !q->n_routes);
}

/* The bytes of the old file stand in the new one, in order: only insertions (the one deletion is of an empty `{}`). */
static void assert_only_insertions(const struct buf *old, const struct buf *new)
{
	size_t i = 0;
	for (size_t j = 0; j < new->n &&i < old->n; j++)
		i += old->p[i] == new->p[j];
	assert_int_equal(i, old->n);
}

static void test_models(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(definitions) / sizeof(definitions[0]); i++) {
		struct buf text[4] = {{0}};
		with_keys(&text[0], definitions[i]);
		/* Three peers, one after the other: the first edit's result is as good a file as any. */
		struct peer peers[3] = {bob(), bob(), bob()};
		uint8_t secret[crypto_sign_SECRETKEYBYTES], seed[KEY_LEN] = {(uint8_t)i};
		peers[1].name = "invited";
		peers[1].is_invite = true;
		peers[1].invite_expires = 1796558400;
		peers[1].admin = true;
		peers[1].ip[0].b[15] = 77;
		crypto_sign_seed_keypair(peers[1].key.b, secret, seed);
		peers[2].name = "null";
		peers[2].ip[0].b[15] = 78;
		peers[2].key.b[0] ^= 2;
		peers[2].endpoint = "[2001:db8::1]:9";
		peers[2].keepalive = 15;
		peers[2].description = "a: b # \"c\" \\ {}, ü";
		for (int n = 0; n < 3; n++) {
			struct diags d = {0};
			struct arena *a = arena_new(), *b = arena_new();
			struct source_file before = {"network.yaml", buf_span(&text[n])}, after = {"network.yaml", {0}};
			struct model *old = definition_load(a, &before, NULL, false, &d);
			assert_non_null(old);
			assert_int_equal(add_peer(before.bytes, &peers[n], &text[n + 1], &d), 0);
			assert_only_insertions(&text[n], &text[n + 1]);
			after.bytes = buf_span(&text[n + 1]);
			struct model *new = definition_load(b, &after, NULL, false, &d);
			assert_int_equal(d.n_errors, 0);
			assert_non_null(new);
			assert_model(old, new, &peers[n]);
			diags_free(&d);
			arena_free(a);
			arena_free(b);
		}
		for (int n = 0; n < 4; n++)
			buf_free(&text[n]);
	}
}

static void assert_time(int64_t t, const char *expected)
{
	char text[TIME_STR_LEN];
	assert_int_equal(time_format(t, text), 0);
	assert_string_equal(text, expected);
}

static void test_time(void **state)
{
	(void)state;
	char text[TIME_STR_LEN];
	assert_time(0, "1970-01-01T00:00:00Z");
	assert_time(951782399, "2000-02-28T23:59:59Z");
	assert_time(951782400, "2000-02-29T00:00:00Z");
	assert_time(951868800, "2000-03-01T00:00:00Z");
	assert_time(1735689599, "2024-12-31T23:59:59Z");
	assert_time(4107542400, "2100-03-01T00:00:00Z");
	assert_time(253402300799, "9999-12-31T23:59:59Z");
	assert_int_equal(time_format(253402300800, text), -1);
	assert_int_equal(time_format(-1, text), -1);
}

int main(void)
{
	if (sodium_init() < 0)
		return 1;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flow_entries),  cmocka_unit_test(test_all_attributes),
	    cmocka_unit_test(test_block_entries), cmocka_unit_test(test_no_entries),
	    cmocka_unit_test(test_in_braces),     cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_models),        cmocka_unit_test(test_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
