/*
 * The difference of two interfaces: exactly the operations that are needed, in an order that ends right on
 * a device that moves allowed IPs as WireGuard does, and at a cost that is linear.
 */
#include "tests/unit/device_states.h"

#include <stdio.h>
#include <time.h>

/* Comparisons are counted: the file under test is compiled in with its two comparators replaced. */
static uint64_t comparisons;
static int counting_key_cmp(const struct key *a, const struct key *b)
{
	comparisons++;
	return key_cmp(a, b);
}
static int counting_prefix_cmp(const struct prefix *a, const struct prefix *b)
{
	comparisons++;
	return prefix_cmp(a, b);
}
#define key_cmp    counting_key_cmp
#define prefix_cmp counting_prefix_cmp
#include "reconcile/plan/diff.c"
#undef key_cmp
#undef prefix_cmp

#define NOW 1700000000

static int setup(void **state)
{
	*state = arena_new();
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

/* "peer-remove 01; peer-change 02 allowed; route-add 10.0.0.0/8", with "!" after what is drift. */
static void assert_ops(const struct plan *p, const char *expected)
{
	assert_non_null(p);
	struct buf b = {0};
	buf_str(&b, "");
	for (uint32_t i = 0; i < p->n_ops; i++) {
		const struct op *op = &p->ops[i];
		buf_printf(&b, "%s%s", i ? "; " : "", op_rows[op->kind].word);
		if (op->after || op->before)
			buf_printf(&b, " %02x", (op->after ? op->after : op->before)->key.b[0]);
		if (op_rows[op->kind].subject == ABOUT_PREFIX) {
			char text[PREFIX_STR_LEN];
			prefix_format(&op->prefix, text);
			buf_printf(&b, " %s", text);
		}
		if (op->old_value || op->new_value)
			buf_printf(&b, " %u>%u", op->old_value, op->new_value);
		buf_printf(&b, "%s%s%s%s%s", op->set_endpoint ? " endpoint" : "", op->set_keepalive ? " keepalive" : "",
			   op->set_allowed ? " allowed" : "", op->clear_psk ? " psk" : "", op->drift ? "!" : "");
	}
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

static void assert_counts(const struct plan *p, uint32_t add, uint32_t change, uint32_t removed)
{
	assert_int_equal(p->n_add, add);
	assert_int_equal(p->n_change, change);
	assert_int_equal(p->n_remove, removed);
}

static void test_nothing(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.60.0.1/32", "10.60.0.0/16");
	want->peers[want->n_peers++] = peer_of(a, 1, "bob", "10.60.0.2/32", "192.0.2.1:51820", 25);
	struct plan *p = device_diff(a, want, want, want, NOW);
	assert_ops(p, "");
	assert_counts(p, 0, 0, 0);

	/* A port of 0 and an MTU of 0 leave what there is. */
	struct device_state *loose = state_of(a, "10.60.0.1/32", "10.60.0.0/16");
	loose->peers[loose->n_peers++] = peer_of(a, 1, "bob", "10.60.0.2/32", NULL, 25);
	loose->listen_port = 0;
	loose->mtu = 0;
	assert_ops(device_diff(a, loose, want, NULL, NOW), "");
}

static void test_absent(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.60.0.1/32", "10.60.0.0/16");
	want->peers[want->n_peers++] = peer_of(a, 1, "bob", "10.60.0.2/32", NULL, 0);
	struct plan *p = device_diff(a, want, absent_state(a), NULL, NOW);
	assert_ops(p, "link-add; mtu-set 0>1280; key-set; listen-port-set 0>51820; peer-add 01; link-up; "
		      "address-add 10.60.0.1/32; route-add 10.60.0.0/16");
	assert_counts(p, 4, 0, 0);
	/* The same, after another program deleted the link. */
	p = device_diff(a, want, absent_state(a), want, NOW);
	assert_ops(p, "link-add!; mtu-set 0>1280!; key-set!; listen-port-set 0>51820!; peer-add 01!; link-up!; "
		      "address-add 10.60.0.1/32!; route-add 10.60.0.0/16!");
}

static void test_interface_counts_once(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.60.0.1/32", NULL),
			    *have = state_of(a, "10.60.0.9/32", "10.9.0.0/16");
	have->up = false;
	have->mtu = 1420;
	have->fwmark = 7;
	have->listen_port = 1;
	have->public_key = key_of(0xbb);
	struct plan *p = device_diff(a, want, have, NULL, NOW);
	assert_ops(
	    p,
	    "mtu-set 1420>1280; key-set; listen-port-set 1>51820; fwmark-set 7>0; route-remove 10.9.0.0/16; link-up; "
	    "address-add 10.60.0.1/32; address-remove 10.60.0.9/32");
	assert_counts(p, 1, 1, 2);
	assert_int_equal(device_diff(a, want, have, want, NOW)->ops[0].drift, true);
}

static void test_peer_attributes(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	want->peers[0] = peer_of(a, 1, "bob", "10.60.0.2/32", "192.0.2.1:51820", 25);
	have->peers[0] = peer_of(a, 1, NULL, "10.60.0.2/32,10.60.0.9/32", "192.0.2.2:4000", 0);
	want->n_peers = have->n_peers = 1;
	struct device_peer *h = &have->peers[0];
	h->has_psk = true;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 endpoint keepalive allowed psk");
	/* A live session is never moved; the rest is set all the same. */
	h->handshake = NOW - 180;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 keepalive allowed psk");
	h->handshake = NOW - 181;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 endpoint keepalive allowed psk");
	/* A handshake of tomorrow says nothing; a few seconds of clock do not matter. */
	h->handshake = NOW + 86400;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 endpoint keepalive allowed psk");
	h->handshake = NOW + 5;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 keepalive allowed psk");
	/* One that answers no more is, unless something has come in the meantime. */
	want->peers[0].lost = true;
	want->peers[0].rx = h->rx = 1000;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 endpoint keepalive allowed psk");
	h->rx++;
	assert_ops(device_diff(a, want, have, NULL, NOW), "peer-change 01 keepalive allowed psk");

	/* Without an endpoint of its own it keeps the one it has. */
	h->handshake = 0;
	want->peers[0] = peer_of(a, 1, "bob", "10.60.0.2/32,10.60.0.9/32", NULL, 0);
	h->has_psk = false;
	assert_ops(device_diff(a, want, have, NULL, NOW), "");
}

static void test_order(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	/* 1 gains what 3 loses; 2 goes; 4 comes with what 2 had. */
	want->peers[0] = peer_of(a, 1, "a", "10.0.0.1/32,10.0.9.0/24", NULL, 0);
	want->peers[1] = peer_of(a, 3, "c", "10.0.0.3/32", NULL, 0);
	want->peers[2] = peer_of(a, 4, "d", "10.0.0.2/32", NULL, 0);
	have->peers[0] = peer_of(a, 1, NULL, "10.0.0.1/32", NULL, 0);
	have->peers[1] = peer_of(a, 2, NULL, "10.0.0.2/32", NULL, 0);
	have->peers[2] = peer_of(a, 3, NULL, "10.0.0.3/32,10.0.9.0/24", NULL, 0);
	want->n_peers = have->n_peers = 3;
	struct plan *p = device_diff(a, want, have, NULL, NOW);
	assert_ops(p, "peer-remove 02; peer-change 03 allowed; peer-change 01 allowed; peer-add 04");
	assert_counts(p, 1, 2, 1);
}

static void test_drift(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.0.0.9/32", "10.0.0.0/16"), *have = state_of(a, NULL, "10.7.0.0/16");
	struct device_state *last = state_of(a, "10.0.0.9/32", "10.7.0.0/16,10.8.0.0/16");
	want->peers[0] = peer_of(a, 1, "a", "10.0.0.1/32", NULL, 0);
	want->peers[1] = peer_of(a, 2, "b", "10.0.0.2/32", NULL, 25);
	want->peers[2] = peer_of(a, 3, "c", "10.0.0.3/32", "192.0.2.3:1", 0);
	want->peers[3] = peer_of(a, 4, "d", "10.0.0.4/32", NULL, 0);
	want->n_peers = 4;
	/*
	 * 1 was deleted by another program, 2's keepalive is a change of ours, 3 roamed, 5 is a stranger's, 6 was ours
	 * and is to go.
	 */
	have->peers[0] = peer_of(a, 2, NULL, "10.0.0.2/32", NULL, 0);
	have->peers[1] = peer_of(a, 3, NULL, "10.0.0.3/32", "192.0.2.9:9", 0);
	have->peers[2] = peer_of(a, 4, NULL, "10.0.0.4/32,10.66.0.0/16", NULL, 0);
	have->peers[3] = peer_of(a, 5, NULL, "10.0.0.5/32", NULL, 0);
	have->peers[4] = peer_of(a, 6, NULL, "10.0.0.6/32", NULL, 0);
	have->n_peers = 5;
	last->peers[0] = want->peers[0];
	last->peers[1] = peer_of(a, 2, "b", "10.0.0.2/32", NULL, 0);
	last->peers[2] = want->peers[2];
	last->peers[3] = want->peers[3];
	last->peers[4] = peer_of(a, 6, "frank", "10.0.0.6/32", NULL, 0);
	last->n_peers = 5;
	struct plan *p = device_diff(a, want, have, last, NOW);
	assert_ops(p, "route-remove 10.7.0.0/16; peer-remove 05!; peer-remove 06; peer-change 04 allowed!; "
		      "peer-change 02 keepalive; peer-change 03 endpoint; peer-add 01!; address-add 10.0.0.9/32!; "
		      "route-add 10.0.0.0/16");
	/* The device has no names: a removed peer is called what we called it. */
	assert_null(p->ops[1].before->name);
	assert_string_equal(p->ops[2].before->name, "frank");
	/* A keepalive that we choose ourselves hides nothing of it, and is none. */
	want->peers[0].keepalive_open = want->peers[1].keepalive_open = want->peers[3].keepalive_open = true;
	want->peers[0].keepalive = want->peers[3].keepalive = 25;
	p = device_diff(a, want, have, last, NOW);
	assert_ops(p, "route-remove 10.7.0.0/16; peer-remove 05!; peer-remove 06; peer-change 04 keepalive allowed!; "
		      "peer-change 02 keepalive; peer-change 03 endpoint; peer-add 01!; address-add 10.0.0.9/32!; "
		      "route-add 10.0.0.0/16");
	/* Nothing is drift when it is unknown what was applied. */
	p = device_diff(a, want, have, absent_state(a), NOW);
	for (uint32_t i = 0; i < p->n_ops; i++)
		assert_false(p->ops[i].drift);
}

static void test_teardown(void **state)
{
	struct arena *a = *state;
	struct device_state *have = state_of(a, "10.0.0.9/32", "10.0.0.0/16");
	struct plan *p = device_teardown(a, have);
	assert_ops(p, "link-remove");
	assert_counts(p, 0, 0, 1);
	assert_ops(device_teardown(a, absent_state(a)), "");
}

/* A device as WireGuard behaves: an allowed IP belongs to one peer; giving it takes it from the peer that had it. */
#define SIM_PEERS   24
#define SIM_ALLOWED 64
struct sim_peer {
	struct device_peer p;
	struct prefix allowed[SIM_ALLOWED];
	bool present;
};
struct sim {
	struct sim_peer peers[SIM_PEERS]; /* by the byte of the key */
	struct device_state state;
	struct prefix addresses[64], routes[64];
};

static void prefix_set_add(struct prefix *set, uint32_t *n, const struct prefix *p)
{
	uint32_t i = 0;
	while (i < *n && prefix_cmp(&set[i], p) < 0)
		i++;
	if (i < *n && !prefix_cmp(&set[i], p))
		return;
	memmove(&set[i + 1], &set[i], (*n - i) * sizeof(*set));
	set[i] = *p;
	++*n;
}

static bool prefix_set_del(struct prefix *set, uint32_t *n, const struct prefix *p)
{
	for (uint32_t i = 0; i < *n; i++)
		if (!prefix_cmp(&set[i], p)) {
			memmove(&set[i], &set[i + 1], (*n - i - 1) * sizeof(*set));
			--*n;
			return true;
		}
	return false;
}

static void sim_set_allowed(struct sim *s, struct sim_peer *to, const struct device_peer *from)
{
	to->p.n_allowed = 0;
	for (uint32_t i = 0; i < from->n_allowed; i++) {
		for (int j = 0; j < SIM_PEERS; j++)
			if (prefix_set_del(s->peers[j].allowed, &s->peers[j].p.n_allowed, &from->allowed[i]))
				assert_ptr_not_equal(&s->peers[j], to);
		prefix_set_add(to->allowed, &to->p.n_allowed, &from->allowed[i]);
	}
}

static void sim_load(struct sim *s, const struct device_state *from)
{
	memset(s, 0, sizeof(*s));
	s->state = *from;
	for (uint32_t i = 0; i < from->n_peers; i++) {
		struct sim_peer *p = &s->peers[from->peers[i].key.b[0]];
		p->p = from->peers[i];
		p->present = true;
		for (uint32_t j = 0; j < p->p.n_allowed; j++)
			p->allowed[j] = from->peers[i].allowed[j];
	}
	for (uint32_t i = 0; i < from->n_addresses; i++)
		s->addresses[i] = from->addresses[i];
	for (uint32_t i = 0; i < from->n_routes; i++)
		s->routes[i] = from->routes[i];
}

static void sim_peer_op(struct sim *s, const struct op *op)
{
	const struct device_peer *a = op->after;
	struct sim_peer *p = &s->peers[(a ? a : op->before)->key.b[0]];
	if (op->kind == OP_PEER_REMOVE) {
		assert_true(p->present);
		memset(p, 0, sizeof(*p));
		return;
	}
	bool add = op->kind == OP_PEER_ADD;
	assert_int_equal(p->present, !add);
	p->present = true;
	p->p.key = a->key;
	if ((add || op->set_endpoint) && a->endpoint.port)
		p->p.endpoint = a->endpoint;
	if (add || op->set_keepalive)
		p->p.keepalive = a->keepalive;
	if (op->clear_psk)
		p->p.has_psk = false;
	if (add || op->set_allowed)
		sim_set_allowed(s, p, a);
}

static void sim_apply(struct sim *s, const struct plan *plan)
{
	for (uint32_t i = 0; i < plan->n_ops; i++) {
		const struct op *op = &plan->ops[i];
		struct device_state *st = &s->state;
		if (op->before || op->after)
			sim_peer_op(s, op);
		else if (op->kind == OP_LINK_ADD)
			st->exists = true;
		else if (op->kind == OP_LINK_MTU)
			st->mtu = op->new_value;
		else if (op->kind == OP_KEY_SET)
			st->has_key = true, st->public_key = plan->desired->public_key;
		else if (op->kind == OP_PORT_SET)
			st->listen_port = (uint16_t)op->new_value;
		else if (op->kind == OP_FWMARK_SET)
			st->fwmark = op->new_value;
		else if (op->kind == OP_LINK_UP)
			st->up = true;
		else if (op->kind == OP_ROUTE_DEL)
			assert_true(prefix_set_del(s->routes, &st->n_routes, &op->prefix));
		else if (op->kind == OP_ADDRESS_DEL)
			assert_true(prefix_set_del(s->addresses, &st->n_addresses, &op->prefix));
		else if (op->kind == OP_ROUTE_ADD)
			prefix_set_add(s->routes, &st->n_routes, &op->prefix);
		else if (op->kind == OP_ADDRESS_ADD)
			prefix_set_add(s->addresses, &st->n_addresses, &op->prefix);
	}
}

static struct device_state *sim_read(struct arena *a, struct sim *s)
{
	struct device_state *st = arena_alloc(a, sizeof(*st));
	*st = s->state;
	st->addresses = s->addresses;
	st->routes = s->routes;
	st->peers = arena_array(a, SIM_PEERS, sizeof(*st->peers));
	st->n_peers = 0;
	for (int i = 0; i < SIM_PEERS; i++)
		if (s->peers[i].present) {
			st->peers[st->n_peers] = s->peers[i].p;
			st->peers[st->n_peers++].allowed = s->peers[i].allowed;
		}
	return st;
}

static uint64_t rng_state;
static uint32_t rng(uint32_t below) /* splitmix64 */
{
	uint64_t z = (rng_state += 0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ (z >> 31)) % below);
}

static struct prefix nth_prefix(uint32_t i)
{
	char text[32];
	struct prefix p;
	int n = snprintf(text, sizeof(text), i % 3 ? "10.%u.0.0/16" : "fd00:%u::/32", i + 1);
	assert_int_equal(prefix_parse(text, (size_t)n, &p), PREFIX_OK);
	return p;
}

static struct device_state *random_state(struct arena *a, bool observed)
{
	struct device_state *s = state_of(a, NULL, NULL);
	if (observed && !rng(8))
		return absent_state(a);
	s->has_key = observed ? rng(4) : true;
	s->public_key = key_of((uint8_t)(0xa0 + rng(3)));
	s->listen_port = (uint16_t)(rng(3) ? 51820 + rng(2) : observed ? 4000 : 0);
	s->mtu = 1280 + rng(3);
	s->fwmark = rng(4) ? 0 : rng(3);
	s->up = observed ? rng(3) : true;
	for (uint32_t i = 0; i < 40; i++) {
		struct prefix p = nth_prefix(i);
		if (!rng(3))
			prefix_set_add(s->addresses, &s->n_addresses, &p);
		if (!rng(3))
			prefix_set_add(s->routes, &s->n_routes, &p);
	}
	for (int k = 0; k < SIM_PEERS; k++) {
		if (!rng(3))
			continue;
		struct device_peer *p = &s->peers[s->n_peers++];
		*p = peer_of(a, (uint8_t)k, observed ? NULL : "someone", NULL, rng(2) ? "192.0.2.1:51820" : NULL,
			     (uint16_t)(rng(3) * 25));
		if (observed) {
			p->handshake = rng(3) ? NOW - rng(400) : 0;
			p->has_psk = !rng(5);
		}
	}
	for (uint32_t i = 0; s->n_peers && i < 40; i++) {
		struct prefix p = nth_prefix(i);
		struct device_peer *to = &s->peers[rng(s->n_peers)];
		if (rng(6))
			prefix_set_add(to->allowed, &to->n_allowed, &p);
	}
	return s;
}

/* After applying the plan, what is there is what was wanted, and the second plan is empty. */
static void test_converges(void **state)
{
	(void)state;
	const char *given = getenv("TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("# diff: TEST_SEED=%llu\n", (unsigned long long)seed);
	rng_state = seed;
	for (int round = 0; round < 2000; round++) {
		struct arena *a = arena_new();
		struct device_state *want = random_state(a, false), *have = random_state(a, true);
		struct device_state *last = rng(2) ? random_state(a, true) : NULL;
		struct sim *sim = arena_alloc(a, sizeof(*sim));
		sim_load(sim, have);
		struct plan *first = device_diff(a, want, have, last, NOW);
		assert_non_null(first);
		sim_apply(sim, first);
		struct device_state *then = sim_read(a, sim);
		assert_int_equal(then->n_peers, want->n_peers);
		for (uint32_t i = 0; i < want->n_peers; i++)
			assert_true(allowed_eq(&then->peers[i], &want->peers[i]));
		assert_ops(device_diff(a, want, then, want, NOW), "");
		arena_free(a);
	}
}

/* Two swap what they have, three pass it round: in any order each ends with the right one. */
static void test_swaps(void **state)
{
	struct arena *a = *state;
	static const char *const prefixes[] = {"10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"};
	for (unsigned n = 2; n <= 3; n++)
		for (unsigned by = 1; by < n; by++) {
			struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
			for (unsigned i = 0; i < n; i++) {
				uint8_t key = (uint8_t)(i + 1);
				have->peers[have->n_peers++] = peer_of(a, key, NULL, prefixes[i], NULL, 0);
				want->peers[want->n_peers++] = peer_of(a, key, "x", prefixes[(i + by) % n], NULL, 0);
			}
			struct sim *sim = arena_alloc(a, sizeof(*sim));
			sim_load(sim, have);
			struct plan *p = device_diff(a, want, have, NULL, NOW);
			assert_int_equal(p->n_ops, n);
			sim_apply(sim, p);
			assert_ops(device_diff(a, want, sim_read(a, sim), NULL, NOW), "");
		}
}

static void many_peers(struct arena *a, struct device_state *s, uint32_t n)
{
	s->peers = arena_array(a, n, sizeof(*s->peers));
	s->n_peers = n;
	for (uint32_t i = 0; i < n; i++) {
		struct device_peer *p = &s->peers[i];
		for (int j = 0; j < 4; j++)
			p->key.b[j] = (uint8_t)(i >> (24 - 8 * j));
		p->allowed = arena_alloc(a, sizeof(*p->allowed));
		p->allowed[0] = nth_prefix(1);
		p->allowed[0].len = 128;
		p->allowed[0].base.b[13] = (uint8_t)(i >> 16);
		p->allowed[0].base.b[14] = (uint8_t)(i >> 8);
		p->allowed[0].base.b[15] = (uint8_t)i;
		p->n_allowed = 1;
	}
}

static void test_linear(void **state)
{
	struct arena *a = *state;
	for (uint32_t n = 1000; n <= 10000; n *= 10) {
		struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
		many_peers(a, want, n);
		many_peers(a, have, n);
		have->peers[n / 2].keepalive = 7;
		comparisons = 0;
		struct plan *p = device_diff(a, want, have, want, NOW);
		assert_int_equal(p->n_ops, 1);
		assert_true(p->ops[0].set_keepalive && !p->ops[0].set_allowed);
		assert_true(p->ops[0].drift);
		/* Two runs; a peer: its key, its key in `last`, its allowed IPs. */
		assert_in_range(comparisons, n, 10 * (uint64_t)n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_absent, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_interface_counts_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_peer_attributes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_drift, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_teardown, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_swaps, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_converges, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_linear, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
