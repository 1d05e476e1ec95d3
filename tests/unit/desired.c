/* The interface that a peer gets from its view, and a server from the model. */
#include "reconcile/wire/ledger.h"
#include "tests/unit/device_states.h"

#include <sodium.h>

#define NOW 1700000000

static int setup(void **state)
{
	*state = arena_new();
	return *state && sodium_init() >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* The whole state as text, a line a thing. */
static void assert_state(const struct device_state *s, const char *expected)
{
	struct buf b = {0};
	char text[SOCKPOINT_STR_LEN];
	assert_non_null(s);
	buf_printf(&b, "%s exists=%d up=%d key=%d port=%u mtu=%u fwmark=%u\n", s->name, s->exists, s->up, s->has_key,
		   s->listen_port, s->mtu, s->fwmark);
	for (uint32_t i = 0; i < s->n_addresses; i++) {
		prefix_format(&s->addresses[i], text);
		buf_printf(&b, "address %s\n", text);
	}
	for (uint32_t i = 0; i < s->n_routes; i++) {
		prefix_format(&s->routes[i], text);
		buf_printf(&b, "route %s\n", text);
	}
	for (uint32_t i = 0; i < s->n_peers; i++) {
		const struct device_peer *p = &s->peers[i];
		buf_printf(&b, "peer %s", p->name);
		for (uint32_t j = 0; j < p->n_allowed; j++) {
			prefix_format(&p->allowed[j], text);
			buf_printf(&b, "%s%s", j ? "," : " ", text);
		}
		if (p->endpoint.port) {
			sockpoint_format(&p->endpoint, text);
			buf_printf(&b, " at %s", text);
		}
		buf_printf(&b, " keepalive=%u\n", p->keepalive);
		if (i)
			assert_true(key_cmp(&s->peers[i - 1].key, &p->key) < 0);
	}
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

static void set_ips(const char *text, struct addr ip[2], uint8_t *n)
{
	for (*n = 0; *text; ++*n) {
		size_t len = strcspn(text, ",");
		assert_int_equal(addr_parse(text, len, &ip[*n]), 0);
		text += len + (text[len] == ',');
	}
}

static struct view_peer *view_peer(struct arena *a, struct view *v, uint8_t key, const char *name, const char *ips,
				   const char *routes, const char *endpoint, int32_t keepalive)
{
	struct view_peer *p = &v->peers[v->n_peers++];
	*p = (struct view_peer){.name = name, .endpoint = endpoint, .key = key_of(key), .keepalive = keepalive};
	set_ips(ips, p->ip, &p->n_ips);
	p->routes = prefixes_of(a, routes, &p->n_routes);
	return p;
}

/* A network on two stacks with a hub, a second server known by name, office with a route, and a pending invite. */
static struct view *some_view(struct arena *a)
{
	struct view *v = arena_alloc(a, sizeof(*v));
	strcpy(v->statement.network, "corp");
	v->mtu = 1400;
	v->keepalive = 21;
	v->cidrs = arena_array(a, 2, sizeof(*v->cidrs));
	v->n_cidrs = 2;
	v->root = 1;
	assert_int_equal(prefix_parse("10.60.0.0/16", 12, &v->cidrs[1].prefix[0]), PREFIX_OK);
	assert_int_equal(prefix_parse("fd00:60::/48", 12, &v->cidrs[1].prefix[1]), PREFIX_OK);
	v->cidrs[1].n_prefixes = 2;
	v->peers = arena_array(a, 8, sizeof(*v->peers));
	view_peer(a, v, 0x90, "hub", "10.60.0.1,fd00:60::1", NULL, "192.0.2.1:51820", -1)->server = true;
	view_peer(a, v, 0x30, "hub2", "10.60.0.2", NULL, "vpn.example.com:51820", 7)->server = true;
	v->self = v->n_peers;
	view_peer(a, v, 0x77, "alice", "10.60.64.2,fd00:60::2", "172.16.0.0/24", "198.51.100.7:1", -1);
	view_peer(a, v, 0x20, "bob", "10.60.64.3", NULL, NULL, -1);
	view_peer(a, v, 0x10, "office", "10.60.65.9", "10.9.0.0/16,192.168.7.0/24", NULL, 40);
	view_peer(a, v, 0x50, "newcomer", "10.60.65.10", "192.168.99.0/24", NULL, -1)->pending = true;
	return v;
}

static struct sockpoint at(const char *text)
{
	struct sockpoint p;
	assert_int_equal(sockpoint_parse(text, strlen(text), &p), 0);
	return p;
}

static void test_view(void **state)
{
	struct view *v = some_view(*state);
	struct key own = key_of(0x77);
	struct local l = {.public_key = &own};
	assert_state(desired_for_view(*state, v, &l),
		     "corp exists=1 up=1 key=1 port=0 mtu=1400 fwmark=0\n"
		     "address 10.60.64.2/32\n"
		     "address fd00:60::2/128\n"
		     "route 10.9.0.0/16\n"
		     "route 10.60.0.0/16\n"
		     "route 192.168.7.0/24\n"
		     "route fd00:60::/48\n"
		     "peer office 10.9.0.0/16,10.60.65.9/32,192.168.7.0/24 keepalive=40\n"
		     "peer bob 10.60.64.3/32 keepalive=0\n"
		     "peer hub2 10.60.0.2/32 keepalive=7\n"
		     "peer hub 10.60.0.1/32,fd00:60::1/128 at 192.0.2.1:51820 keepalive=21\n");
}

/*
 * A peer with `via`: the forwarding peer has its addresses and routes on every machine, and on its own those of all
 * others.
 */
static void test_view_via(void **state)
{
	struct arena *a = *state;
	struct view *v = some_view(a);
	struct local l = {.no_routing = true};
	struct key own;

	v->peers[3].via = "hub"; /* bob */
	v->peers[4].via = "hub"; /* office */
	own = v->peers[v->self].key;
	l.public_key = &own;
	assert_state(desired_for_view(a, v, &l),
		     "corp exists=1 up=1 key=1 port=0 mtu=1400 fwmark=0\n"
		     "address 10.60.64.2/32\n"
		     "address fd00:60::2/128\n"
		     "peer hub2 10.60.0.2/32 keepalive=7\n"
		     "peer hub 10.9.0.0/16,10.60.0.1/32,10.60.64.3/32,10.60.65.9/32,192.168.7.0/24,fd00:60::1/128 at "
		     "192.0.2.1:51820 keepalive=21\n");
	v->self = 3;
	own = v->peers[3].key;
	assert_state(desired_for_view(a, v, &l),
		     "corp exists=1 up=1 key=1 port=0 mtu=1400 fwmark=0\n"
		     "address 10.60.64.3/32\n"
		     "peer hub 10.9.0.0/16,10.60.0.1/32,10.60.0.2/32,10.60.64.2/32,10.60.65.9/"
		     "32,172.16.0.0/24,192.168.7.0/24,fd00:60::1/128,fd00:60::2/128 at "
		     "192.0.2.1:51820 keepalive=21\n");
	/* The one that forwards has each directly. */
	v->self = 0;
	own = v->peers[0].key;
	assert_int_equal(desired_for_view(a, v, &l)->n_peers, 4);
	/* A peer that cannot be reached takes along the peers behind it. */
	v->self = 2;
	own = v->peers[2].key;
	v->peers[3].via = "newcomer";
	v->peers[4].via = "nobody";
	assert_int_equal(desired_for_view(a, v, &l)->n_peers, 2);
}

/* What is local wins: its MTU, its port, no routes, where a name resolved to, hints, and its own keepalive. */
static void test_view_local(void **state)
{
	struct view *v = some_view(*state);
	const struct resolved resolved[] = {
	    {"zzz.example.com:1", at("192.0.2.99:1")},
	    {"vpn.example.com:51820", at("[2001:db8::2]:51820")},
	    {"aaa.example.com:1", at("192.0.2.98:1")},
	};
	const struct hint hints[] = {
	    {.key = key_of(0x20), .seen = at("203.0.113.3:4000")},
	    {.key = key_of(0x30), .seen = at("203.0.113.4:4000")},
	    {.key = key_of(0x90), .seen = at("203.0.113.5:4000")},
	};
	struct key own = key_of(0x77);
	struct local l = {.public_key = &own, .listen_port = 51820, .mtu = 1280, .no_routing = true};
	l.resolved = resolved;
	l.n_resolved = 3;
	l.hints = hints;
	l.n_hints = 3;
	v->peers[v->self].keepalive = 5;
	assert_state(desired_for_view(*state, v, &l),
		     "corp exists=1 up=1 key=1 port=51820 mtu=1280 fwmark=0\n"
		     "address 10.60.64.2/32\n"
		     "address fd00:60::2/128\n"
		     "peer office 10.9.0.0/16,10.60.65.9/32,192.168.7.0/24 keepalive=5\n"
		     "peer bob 10.60.64.3/32 at 203.0.113.3:4000 keepalive=5\n"
		     "peer hub2 10.60.0.2/32 at [2001:db8::2]:51820 keepalive=5\n"
		     "peer hub 10.60.0.1/32,fd00:60::1/128 at 192.0.2.1:51820 keepalive=5\n");
	/* A name that did not resolve: a hint may say where the peer was seen. */
	l.n_resolved = 1;
	struct device_state *s = desired_for_view(*state, v, &l);
	assert_true(sockpoint_eq(&s->peers[2].endpoint, &hints[1].seen));
	const struct resolved failed = {"vpn.example.com:51820", {.port = 0}};
	l.resolved = &failed;
	s = desired_for_view(*state, v, &l);
	assert_true(sockpoint_eq(&s->peers[2].endpoint, &hints[1].seen));
}

static struct peer *model_peer(struct arena *a, struct model *m, const char *name, const char *ips, const char *routes,
			       const char *endpoint)
{
	struct peer *p = &m->peers[m->n_peers++];
	*p = (struct peer){.name = name, .endpoint = endpoint, .keepalive = -1};
	set_ips(ips, p->ip, &p->n_ips);
	p->routes = prefixes_of(a, routes, &p->n_routes);
	return p;
}

static void invite(struct peer *p, uint8_t byte, int64_t expires)
{
	uint8_t sk[crypto_sign_SECRETKEYBYTES];
	struct key seed = key_of(byte);
	crypto_sign_seed_keypair(p->key.b, sk, seed.b);
	p->is_invite = true;
	assert_int_equal(ed25519_to_x25519(&p->key, &p->temporary), 0);
	p->invite_expires = expires;
}

static struct model *some_model(struct arena *a)
{
	struct model *m = arena_alloc(a, sizeof(*m));
	m->network = "corp";
	m->mtu = 1280;
	m->keepalive = 25;
	m->cidrs = arena_alloc(a, sizeof(*m->cidrs));
	m->n_cidrs = 1;
	assert_int_equal(prefix_parse("10.60.0.0/16", 12, &m->cidrs[0].prefix[0]), PREFIX_OK);
	m->cidrs[0].n_prefixes = 1;
	m->peers = arena_array(a, 16, sizeof(*m->peers));
	struct peer *p = model_peer(a, m, "hub", "10.60.0.1", NULL, "192.0.2.1:51820");
	p->key = key_of(1);
	p->server = true;
	p = model_peer(a, m, "hub2", "10.60.0.2", NULL, "192.0.2.2:51820");
	p->key = key_of(2);
	p->server = true;
	p = model_peer(a, m, "office", "10.60.65.9", "192.168.7.0/24", NULL);
	p->key = key_of(3);
	p->keepalive = 40;
	p = model_peer(a, m, "carol", "10.60.64.4", "192.168.8.0/24", NULL);
	p->key = key_of(4);
	p->disabled = true;
	return m;
}

static void test_server(void **state)
{
	struct arena *a = *state;
	struct model *m = some_model(a);
	struct local l = {.listen_port = 51820};
	struct key own = key_of(1);
	l.public_key = &own;
	assert_state(desired_for_server(a, m, 0, NULL, 0, NOW, &l),
		     "corp exists=1 up=1 key=1 port=51820 mtu=1280 fwmark=0\n"
		     "address 10.60.0.1/32\n"
		     "route 10.60.0.0/16\n"
		     "route 192.168.7.0/24\n"
		     "peer hub2 10.60.0.2/32 at 192.0.2.2:51820 keepalive=25\n"
		     "peer office 10.60.65.9/32,192.168.7.0/24 keepalive=40\n");
}

static const struct device_peer *named(const struct device_state *s, const char *name)
{
	for (uint32_t i = 0; i < s->n_peers; i++)
		if (!strcmp(s->peers[i].name, name))
			return &s->peers[i];
	return NULL;
}

/* An open invite has its temporary key, an enrolled one the peer's own, an expired or disabled one nothing. */
static void test_server_invites(void **state)
{
	struct arena *a = *state;
	struct model *m = some_model(a);
	struct local l = {0};
	struct key temporary;
	m->n_peers = 1;
	invite(model_peer(a, m, "open", "10.60.64.10", "10.7.0.0/16", NULL), 10, 0);
	invite(model_peer(a, m, "expiring", "10.60.64.11", NULL, NULL), 11, NOW + 1);
	invite(model_peer(a, m, "expired", "10.60.64.12", NULL, NULL), 12, NOW);
	invite(model_peer(a, m, "enrolled", "10.60.64.13", NULL, NULL), 13, NOW - 1);
	struct peer *disabled = model_peer(a, m, "disabled", "10.60.64.14", NULL, NULL);
	invite(disabled, 14, 0);
	disabled->disabled = true;
	struct enrolment e[3] = {
	    {.invite = m->peers[4].key, .key = key_of(0x44)},
	    {.invite = disabled->key, .key = key_of(0x55)},
	    {.invite = key_of(0x99), .key = key_of(0x66)}, /* of an invite that is gone from the definition */
	};
	qsort(e, 3, sizeof(*e), enrolment_cmp);

	struct device_state *s = desired_for_server(a, m, 0, e, 3, NOW, &l);
	assert_int_equal(s->n_peers, 3);
	assert_int_equal(ed25519_to_x25519(&m->peers[1].key, &temporary), 0);
	assert_true(key_eq(&named(s, "open")->key, &temporary));
	assert_int_equal(named(s, "open")->n_allowed, 2);
	assert_int_equal(ed25519_to_x25519(&m->peers[2].key, &temporary), 0);
	assert_true(key_eq(&named(s, "expiring")->key, &temporary));
	temporary = key_of(0x44);
	assert_true(key_eq(&named(s, "enrolled")->key, &temporary));

	/* The temporary key is the one whose private half the invitation's seed gives. */
	struct key seed = key_of(10), public_key;
	uint8_t private_key[KEY_LEN];
	seed_to_x25519(seed.b, private_key);
	x25519_public(private_key, &public_key);
	assert_true(key_eq(&named(s, "open")->key, &public_key));
}

/* Through another peer of the model; one that has yet to redeem its invite forwards nothing. */
static void test_server_via(void **state)
{
	struct arena *a = *state;
	struct model *m = some_model(a);
	struct key own = key_of(1);
	struct local l = {.public_key = &own, .no_routing = true};
	struct peer *relay = model_peer(a, m, "relay", "10.60.64.10", NULL, NULL);
	uint32_t by_name[8];

	invite(relay, 10, 0);
	struct peer *phone = model_peer(a, m, "phone", "10.60.64.11", NULL, NULL);
	phone->key = key_of(11);
	phone->via = "relay";
	for (uint32_t i = 0; i < m->n_peers; i++)
		by_name[i] = i;
	for (uint32_t i = 1; i < m->n_peers; i++)
		for (uint32_t k = i; k && strcmp(m->peers[by_name[k - 1]].name, m->peers[by_name[k]].name) > 0; k--) {
			uint32_t t = by_name[k];
			by_name[k] = by_name[k - 1];
			by_name[k - 1] = t;
		}
	m->peers_by_name = by_name;
	struct enrolment e = {.invite = relay->key, .key = key_of(0x44)};
	struct device_state *s = desired_for_server(a, m, 0, &e, 1, NOW, &l);
	const struct device_peer *through = named(s, "relay");
	assert_int_equal(through->n_allowed, 2);
	assert_true(prefix_has(&through->allowed[1], &phone->ip[0]));
	for (uint32_t i = 0; i < s->n_peers; i++)
		assert_string_not_equal(s->peers[i].name, "phone");
	s = desired_for_server(a, m, 0, NULL, 0, NOW, &l);
	assert_int_equal(named(s, "relay")->n_allowed, 1);
	/* Through the server itself: directly. */
	phone->via = m->peers[0].name;
	s = desired_for_server(a, m, 0, NULL, 0, NOW, &l);
	assert_int_equal(named(s, "phone")->n_allowed, 1);
}

/* A key of the definition beats an enrolment, and a peer that somehow has our own key is none. */
static void test_server_key_twice(void **state)
{
	struct arena *a = *state;
	struct model *m = some_model(a);
	struct key own = key_of(2);
	struct local l = {.public_key = &own};
	invite(model_peer(a, m, "thief", "10.60.64.10", NULL, NULL), 10, 0);
	struct enrolment e = {.invite = m->peers[4].key, .key = key_of(3)};
	struct device_state *s = desired_for_server(a, m, 0, &e, 1, NOW, &l);
	assert_int_equal(s->n_peers, 1);
	assert_string_equal(s->peers[0].name, "office");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_view, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_view_local, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_view_via, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_server_via, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_server, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_server_invites, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_server_key_twice, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
