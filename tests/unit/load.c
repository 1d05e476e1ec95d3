/* From a definition to its model: meaning, order, lookups. Refusals are in tests/golden/diag. */
#include "tests/unit/schema_test.h"

#include "schema/limits.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define K(n) "HfM+" n "lgn5vcI1m8MsxDJ69whIky3vhT9YlBhIFr9MQA="
#define TRUST                                                                                                          \
	"trust: { id: " K("Q") ", signers: [\"ed25519:YfEyFpQnlyKTfl3VsnES9JP0yf55YLj/M0HyQJe9TAo=\", "                \
			       "\"ed25519:Tt+YwPI+6o4HlV8a721dnWOoMPeCMGbfkn9XyKm+Jwg=\"], threshold: 2 }\n"

static struct addr addr(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static const char corp[] = "network: corp\n"
			   "cidr: [\"fd00:60::/32\", 10.60.0.0/16]\n"
			   "epoch: 7\n"
			   "defaults: { mtu: 1420, keepalive: 0 }\n" TRUST "cidrs:\n"
			   "  zoo: 10.60.64.0/24\n"
			   "  floor: { cidr: [10.60.64.0/20, \"fd00:60:64::/48\"], description: \"the whole floor\" }\n"
			   "  infra: 10.60.0.0/24\n"
			   "  six: \"fd00:60:6::/48\"\n"
			   "  guests: { cidr: 10.60.9.0/24, isolated: true }\n"
			   "associations:\n"
			   "  - [zoo, infra]\n"
			   "  - [corp, guests]\n"
			   "peers:\n"
			   "  last: { ip: \"fd00:60:6::1\", public_key: " K(
			       "a") " }\n"
				    "  hub: { ip: 10.60.0.1, public_key: " K(
					"b") ", endpoint: \"VPN.example.com.:051820\", server: true }\n"
					     "  both: { ip: [\"fd00:60:64::5\", 10.60.65.5], public_key: " K(
						 "c") ", keepalive: 0,\n"
						      "          routes: [192.168.9.0/24, 192.168.7.0/24] }\n"
						      "  lion: { ip: 10.60.64.2, invite: "
						      "\"ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\",\n"
						      "          invite_expires: 2026-12-06T12:00:00Z, description: "
						      "roars, admin: true, disabled: true }\n"
						      "  rootpeer: { ip: 10.60.200.1, public_key: " K(
							  "d") " }\n"
							       "reuse: [10.60.64.9, 10.60.0.9, 10.60.64.9, "
							       "10.60.64.0/30, 10.60.64.0/31, 10.60.64.1]\n"
							       "tests:\n"
							       "  - { from: [lion, 10.60.65.5], can_reach: infra, "
							       "cannot_reach: [10.60.1.1, guests] }\n";

static void what_it_means(void **state)
{
	struct loaded l = loaded_of(corp);
	const struct model *m = l.model;
	const struct peer *p;

	(void)state;
	assert_loaded(&l);
	assert_string_equal(m->network, "corp");
	assert_int_equal(m->epoch, 7);
	assert_int_equal(m->mtu, 1420);
	assert_int_equal(m->keepalive, 0);
	assert_true(m->trust.present);
	assert_int_equal(m->trust.threshold, 2);
	assert_int_equal(m->trust.n_signers, 2);
	assert_true(key_cmp(&m->trust.signers[0], &m->trust.signers[1]) < 0);
	assert_int_equal(m->trust.n_online, 2);
	assert_memory_equal(m->trust.online, m->trust.signers, 2 * sizeof(struct key));

	p = &m->peers[model_peer_by_name(m, "lion")];
	assert_true(p->is_invite && p->admin && p->disabled && !p->server);
	assert_int_equal(p->invite_expires, 1796558400);
	assert_string_equal(p->description, "roars");
	assert_int_equal(p->keepalive, -1);
	assert_null(p->endpoint);
	p = &m->peers[model_peer_by_name(m, "hub")];
	assert_true(p->server && !p->is_invite);
	assert_string_equal(p->endpoint, "vpn.example.com:51820");
	assert_int_equal(p->at.line, 17);
	assert_int_equal(p->at.column, 3);
	p = &m->peers[model_peer_by_name(m, "both")];
	assert_int_equal(p->n_ips, 2);
	assert_true(addr_is_v4(&p->ip[0]) && !addr_is_v4(&p->ip[1]));
	assert_int_equal(p->keepalive, 0);
	assert_int_equal(p->n_routes, 2);
	assert_true(prefix_cmp(&p->routes[0], &p->routes[1]) < 0);
	assert_string_equal(m->cidrs[p->cidr].name, "floor");
	assert_string_equal(m->cidrs[m->peers[model_peer_by_name(m, "rootpeer")].cidr].name, "corp");

	assert_int_equal(m->n_reuse, 3); /* each once; what is in another is a part of it */
	assert_true(prefix_cmp(&m->reuse[0], &m->reuse[1]) < 0);
	assert_int_equal(m->reuse[1].len, 126);
	assert_int_equal(m->reuse[2].len, 128);
	assert_int_equal(m->n_tests, 1);
	assert_int_equal(m->tests[0].n_from, 2);
	assert_int_equal(m->tests[0].from[0].kind, REF_PEER);
	assert_int_equal(m->tests[0].from[1].kind, REF_ADDR);
	assert_int_equal(m->tests[0].from[1].index, model_peer_by_name(m, "both"));
	assert_int_equal(m->tests[0].can[0].kind, REF_CIDR);
	assert_int_equal(m->tests[0].cannot[0].index, NONE);
	assert_string_equal(m->tests[0].cannot[0].text, "10.60.1.1");
	unload(&l);
}

static void in_which_order(void **state)
{
	static const char *const cidrs[] = {"corp", "infra", "guests", "floor", "zoo", "six"};
	static const char *const peers[] = {"hub", "lion", "both", "rootpeer", "last"};
	struct loaded l = loaded_of(corp);
	const struct model *m = l.model;
	const struct cidr *floor, *zoo;

	(void)state;
	assert_loaded(&l);
	assert_int_equal(m->n_cidrs, 6);
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		assert_string_equal(m->cidrs[i].name, cidrs[i]);
	assert_int_equal(m->n_peers, 5);
	for (uint32_t i = 0; i < m->n_peers; i++)
		assert_string_equal(m->peers[i].name, peers[i]);
	floor = &m->cidrs[3];
	zoo = &m->cidrs[4];
	assert_int_equal(m->cidrs[0].parent, NONE);
	assert_int_equal(m->cidrs[0].first_child, 1);
	assert_int_equal(m->cidrs[1].next_sibling, 2);
	assert_int_equal(floor->first_child, 4);
	assert_int_equal(floor->next_sibling, 5);
	assert_int_equal(zoo->parent, 3);
	assert_int_equal(zoo->depth, 2);
	assert_true(prefix_is_v4(&m->cidrs[0].prefix[0]));
	assert_true(m->cidrs[1].infra && !zoo->infra);
	assert_true(m->cidrs[2].isolated);
	assert_int_equal(zoo->n_peers, 1);
	assert_string_equal(m->peers[m->by_cidr[zoo->first_peer]].name, "lion");
	assert_true(model_cidr_under(m, 4, 3) && model_cidr_under(m, 4, 0) && model_cidr_under(m, 4, 4));
	assert_false(model_cidr_under(m, 3, 4) || model_cidr_under(m, 4, 1));
	assert_int_equal(m->n_associations, 2);
	assert_int_equal(m->associations[0].a, 1);
	assert_int_equal(m->associations[0].b, 4);
	assert_int_equal(m->associations[1].a, 0);
	unload(&l);
}

static void how_it_is_looked_up(void **state)
{
	struct loaded l = loaded_of(corp);
	const struct model *m = l.model;
	struct addr a, expected;

	(void)state;
	assert_loaded(&l);
	a = addr("fd00:60:64::5");
	assert_int_equal(model_peer_by_addr(m, &a), model_peer_by_name(m, "both"));
	assert_int_equal(model_cidr_of_addr(m, &a), model_cidr_by_name(m, "floor"));
	a = addr("10.60.64.77");
	assert_int_equal(model_peer_by_addr(m, &a), NONE);
	assert_int_equal(model_cidr_of_addr(m, &a), model_cidr_by_name(m, "zoo"));
	a = addr("10.61.0.0");
	assert_int_equal(model_cidr_of_addr(m, &a), NONE);
	a = addr("10.59.255.255");
	assert_int_equal(model_cidr_of_addr(m, &a), NONE);
	a = addr("fd00:61::");
	assert_int_equal(model_cidr_of_addr(m, &a), NONE);
	assert_int_equal(model_cidr_by_name(m, "hub"), NONE);
	assert_int_equal(model_peer_by_name(m, "zoo"), NONE);

	assert_int_equal(model_next_free(m, model_cidr_by_name(m, "infra"), 0, &a), 0);
	expected = addr("10.60.0.2");
	assert_int_equal(addr_cmp(&a, &expected), 0);
	assert_int_equal(model_next_free(m, model_cidr_by_name(m, "infra"), 1, &a), -1);
	/* Not one of a CIDR below it: zoo has 10.60.64.0/24. */
	assert_int_equal(model_next_free(m, model_cidr_by_name(m, "floor"), 0, &a), 0);
	expected = addr("10.60.65.0");
	assert_int_equal(addr_cmp(&a, &expected), 0);
	assert_int_equal(model_next_free(m, model_cidr_by_name(m, "six"), 1, &a), 0);
	expected = addr("fd00:60:6::2");
	assert_int_equal(addr_cmp(&a, &expected), 0);
	unload(&l);
}

/* Whether 10.0.0.host is the first or last address of the innermost prefix around it, or of the network. */
static bool reserved(const uint8_t *base, const uint8_t *len, unsigned n, unsigned host)
{
	unsigned first = 0, last = 255, best = 24;

	for (unsigned i = 0; i < n; i++) {
		unsigned size = 1u << (32 - len[i]);

		if (host >= base[i] && host < base[i] + size && len[i] > best) {
			best = len[i];
			first = base[i];
			last = base[i] + size - 1;
		}
	}
	return host == 0 || host == 255 || (best < 31 && (host == first || host == last));
}

/* All that a model says about places, against the slow way. `taken`: the last byte of each address. */
static void check_tree(const struct model *m, const bool taken[256])
{
	for (uint32_t i = 1; i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i], *best = &m->cidrs[0];

		for (uint32_t j = 0; j < m->n_cidrs; j++)
			if (j != i && prefix_covers(&m->cidrs[j].prefix[0], &c->prefix[0]) &&
			    m->cidrs[j].prefix[0].len > best->prefix[0].len)
				best = &m->cidrs[j];
		assert_ptr_equal(&m->cidrs[c->parent], best);
		assert_int_equal(c->depth, best->depth + 1);
		assert_true(cidr_order_cmp(&m->cidrs[i - 1], c) < 0);
	}
	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		const struct cidr *c = &m->cidrs[i];
		struct addr next;
		int free_host = -1;
		uint32_t children = 0;

		for (uint32_t k = c->first_child; k != NONE; k = m->cidrs[k].next_sibling) {
			assert_int_equal(m->cidrs[k].parent, i);
			children++;
		}
		for (uint32_t k = 0; k < m->n_cidrs; k++)
			children -= m->cidrs[k].parent == i;
		assert_int_equal(children, 0);
		for (uint32_t k = 0; k < c->n_peers; k++)
			assert_int_equal(m->peers[m->by_cidr[c->first_peer + k]].cidr, i);
		for (int h = 255; h >= 0; h--) {
			struct addr a = m->cidrs[0].prefix[0].base;
			uint32_t inner = 0;

			a.b[15] = (uint8_t)h;
			for (uint32_t k = 1; k < m->n_cidrs; k++)
				if (prefix_has(&m->cidrs[k].prefix[0], &a) &&
				    m->cidrs[k].prefix[0].len > m->cidrs[inner].prefix[0].len)
					inner = k;
			assert_int_equal(model_cidr_of_addr(m, &a), inner);
			if (inner == i && !taken[h] && !addr_is_reserved(&c->prefix[0], &a) && h != 0 && h != 255)
				free_host = h;
		}
		assert_int_equal(model_next_free(m, i, 0, &next), free_host < 0 ? -1 : 0);
		if (free_host >= 0)
			assert_int_equal(next.b[15], free_host);
	}
	for (uint32_t i = 0; i < m->n_peers; i++)
		assert_int_equal(m->peers[i].cidr, model_cidr_of_addr(m, &m->peers[i].ip[0]));
}

/* A small random network. */
static void random_network(uint32_t seed)
{
	uint8_t bytes[KEY_LEN], seed_bytes[randombytes_SEEDBYTES] = {0};
	uint8_t cidr_base[40], cidr_len[40];
	bool taken[256] = {false};
	unsigned n = 0, n_peers = 0;
	char key[KEY_B64_LEN + 1];
	struct buf b = {0}, peers = {0};
	struct loaded l;
	const struct model *m;

	srandom(seed);
	memcpy(seed_bytes, &seed, sizeof(seed));
	buf_str(&b, "network: n\ncidr: 10.0.0.0/24\ncidrs:\n");
	for (unsigned i = 0; i < 40; i++) {
		uint8_t len = (uint8_t)(25 + random() % 8);
		uint8_t base = (uint8_t)(random() & (0xff << (32 - len)));
		bool new = true;

		for (unsigned j = 0; j < n; j++)
			new = new && (cidr_base[j] != base || cidr_len[j] != len);
		if (!new || random() % 3 == 0)
			continue;
		cidr_base[n] = base;
		cidr_len[n++] = len;
		buf_printf(&b, "  c%u-%u: 10.0.0.%u/%u\n", base, len, base, len);
	}
	for (unsigned i = 0; i < 60; i++) {
		unsigned host = (unsigned)random() % 256;

		if (taken[host] || reserved(cidr_base, cidr_len, n, host))
			continue;
		randombytes_buf_deterministic(bytes, KEY_LEN, seed_bytes);
		bytes[0] = (uint8_t)host;
		bytes[31] &= 0x7f;
		key_format((const struct key *)bytes, key);
		buf_printf(&peers, "  p%u: { ip: 10.0.0.%u, public_key: \"%s\"%s }\n", host, host, key,
			   n_peers == 0 ? ", server: true, endpoint: \"192.0.2.1:1\"" : "");
		taken[host] = true;
		n_peers++;
	}
	buf_printf(&b, "peers:\n%s", peers.p);
	l = loaded_of(b.p);
	assert_loaded(&l);
	m = l.model;
	check_tree(m, taken);
	unload(&l);
	buf_free(&b);
	buf_free(&peers);
}

static void random_networks(void **state)
{
	uint32_t seed = getenv("SEED") ? (uint32_t)atol(getenv("SEED")) : (uint32_t)time(NULL);

	(void)state;
	print_message("# SEED=%u\n", seed);
	for (uint32_t i = 0; i < 200; i++)
		random_network(seed + i);
}

/* Includes from memory: a pattern is the name of its one file. */
static int match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	const struct source_file *files = ctx;

	(void)d;
	*n = 0;
	for (; files->name; files++) {
		if (strcmp(files->name, pattern) == 0) {
			*out = files;
			*n = 1;
		}
	}
	return 0;
}

static void includes(void **state)
{
	struct source_file files[] = {
	    {"network.yaml", {0}},
	    {"a.yaml", SPAN("cidrs:\n  lab: 10.60.5.0/24\npeers:\n  x: { ip: 10.60.5.2, public_key: " K("x") " }\n")},
	    {"b.yaml", SPAN("associations:\n  - [infra, infra]\n")},
	    {NULL, {0}},
	};
	struct includes inc = {files, match};
	struct loaded l = {.arena = arena_new()};

	(void)state;
	files[0].bytes =
	    span_str("network: corp\ncidr: 10.60.0.0/16\ninclude: [a.yaml, a.yaml]\ncidrs:\n  infra: 10.60.0.0/24\n"
		     "associations:\n  - [infra, lab]\n"
		     "peers:\n  hub: { ip: 10.60.0.1, public_key: " K("b") ", endpoint: \"h:1\", server: true }\n");
	l.model = definition_load(l.arena, &files[0], &inc, false, &l.diags);
	assert_loaded(&l);
	assert_int_equal(l.model->n_files, 2);
	assert_string_equal(l.model->files[1], "a.yaml");
	assert_int_equal(l.model->peers[model_peer_by_name(l.model, "x")].at.file, 1);
	assert_int_equal(l.model->n_associations, 1);
	unload(&l);
}

/* What is wrong ten thousand times is found as fast as what is right: nothing walks all for each. */
static void many_errors(void **state)
{
	struct buf b = {0};
	struct loaded l;
	clock_t start = clock();

	(void)state;
	buf_str(&b, "network: corp\ncidr: 10.0.0.0/8\ncidrs:\n  a: 10.1.0.0/16\n  b: 10.1.0.0/16\nassociations:\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, "  - [nobody%d, a]\n", i);
	buf_str(&b, "peers:\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(
		    &b, "  p%d: { ip: 10.1.0.1, public_key: " K("b") ", routes: [10.0.0.0/8, 192.168.0.0/16] }\n", i);
	l = loaded_of(b.p);
	assert_null(l.model);
	assert_int_equal(l.diags.n_errors, 1 + 20000 + 2 * 19999 + 20000 + 2 * 19999 + 1);
	assert_true((double)(clock() - start) / CLOCKS_PER_SEC < 30);
	unload(&l);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_it_means),   cmocka_unit_test(in_which_order), cmocka_unit_test(how_it_is_looked_up),
	    cmocka_unit_test(random_networks), cmocka_unit_test(includes),       cmocka_unit_test(many_errors),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
