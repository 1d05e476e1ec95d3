/* Two branches that add peers with addresses of a small CIDR: what is merged is valid, and has all of them. */
#include "reconcile/impact/merged.h"
#include "tests/unit/network.h"

#define BASE                                                                                                           \
	"network: corp\ncidr: 10.0.0.0/16\ncidrs:\n  eng: 10.0.1.0/26\n  lab: 10.0.2.0/24\npeers:\n"                   \
	"  old: { ip: 10.0.1.1, public_key: \"Lwo8JyGoVGLpnu86vcpIcaYq9ifQpVKbSEkEUEwH10s=\" }\n"

static struct model *load(struct arena *a, const char *text)
{
	const struct source_file root = {"network.yaml", span_str(text)};
	struct diags d = {0};
	struct model *m = definition_load(a, &root, NULL, true, &d);

	if (!m)
		fail_msg("%s: %s", d.first ? d.first->message : "", text);
	diags_free(&d);
	return m;
}

/* A key that no other number has. */
static void put_peer(struct buf *out, const char *side, unsigned name, unsigned address)
{
	struct key k = {{0}};
	char text[KEY_B64_LEN + 1];

	k.b[0] = (uint8_t)(name + 1);
	k.b[1] = (uint8_t)side[0];
	k.b[2] = 1;
	key_format(&k, text);
	buf_printf(out, "  %s%u: { ip: 10.0.1.%u, public_key: \"%s\" }\n", side, name, address, text);
}

/* n peers with addresses that no other one of this side has. */
static void put_side(struct rng *r, struct buf *out, const char *side, unsigned n)
{
	bool taken[63] = {[0] = true, [1] = true};

	buf_str(out, BASE);
	for (unsigned i = 0; i < n; i++) {
		unsigned a = rng_below(r, 63);
		while (taken[a])
			a = rng_below(r, 63);
		taken[a] = true;
		put_peer(out, side, i, a);
	}
}

struct fixture {
	struct arena *arena;
	struct buf text[N_MERGE_VERSIONS], out;
	struct merged merged;
	struct merged_move *moves;
	size_t n;
	struct model *result;
};

static void merge(struct fixture *x, const struct ledger_facts *facts)
{
	struct merge_address addresses[64];
	struct span version[N_MERGE_VERSIONS];
	struct buf text = {0};
	struct diags d = {0};

	x->arena = arena_new();
	for (int v = 0; v < N_MERGE_VERSIONS; v++) {
		version[v] = buf_span(&x->text[v]);
		x->merged.version[v] = load(x->arena, x->text[v].p);
	}
	assert_int_equal(definition_merge(version, &text, &d), 1);
	assert_int_equal(merged_addresses(x->arena, &x->merged, facts, &x->moves, &x->n, &d), 0);
	for (size_t i = 0; i < x->n; i++)
		addresses[i] = x->moves[i].address;
	assert_int_equal(definition_readdress(buf_span(&text), addresses, x->n, &x->out, &d), 0);
	x->result = load(x->arena, x->out.p);
	merged_places(&x->merged, x->result, &d);
	assert_int_equal(d.n_errors, 0);
	buf_free(&text);
}

static void end(struct fixture *x)
{
	for (int v = 0; v < N_MERGE_VERSIONS; v++)
		buf_free(&x->text[v]);
	buf_free(&x->out);
	arena_free(x->arena);
}

static void test_random(void **state)
{
	struct rng r = {test_seed(1)};

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct fixture x = {0};
		unsigned n = rng_below(&r, 30), k = rng_below(&r, 30);
		buf_str(&x.text[MERGE_BASE], BASE);
		put_side(&r, &x.text[MERGE_OURS], "o", n);
		put_side(&r, &x.text[MERGE_THEIRS], "t", k);
		merge(&x, NULL);
		assert_int_equal(x.result->n_peers, 1 + n + k);
		for (uint32_t i = 0; i < x.merged.version[MERGE_OURS]->n_peers; i++) {
			const struct peer *p = &x.merged.version[MERGE_OURS]->peers[i];
			uint32_t is = model_peer_by_name(x.result, p->name);
			assert_true(is != NONE && !addr_cmp(&x.result->peers[is].ip[0], &p->ip[0]));
		}
		for (size_t i = 0; i < x.n; i++)
			assert_int_equal(x.moves[i].address.peer[0], 't');
		end(&x);
	}
}

/* The ledger has the address as that of their peer: ours moves. Of a stranger: theirs. */
static void test_ledger(void **state)
{
	(void)state;
	for (int own = 0; own < 2; own++) {
		struct fixture x = {0};
		struct ledger_address record = {.name = "t0"};
		struct ledger_facts facts = {.addresses = &record, .n_addresses = 1};
		buf_str(&x.text[MERGE_BASE], BASE);
		for (int v = MERGE_OURS; v < N_MERGE_VERSIONS; v++) {
			buf_str(&x.text[v], BASE);
			put_peer(&x.text[v], v == MERGE_OURS ? "o" : "t", 0, 2);
		}
		assert_int_equal(addr_parse("10.0.1.2", 8, &record.addr), 0);
		record.mark.b[0] = own;
		record.mark.b[1] = 't';
		record.mark.b[2] = 1;
		merge(&x, &facts);
		assert_int_equal(x.n, 1);
		assert_string_equal(x.moves[0].address.peer, own ? "o0" : "t0");
		assert_string_equal(x.moves[0].keeper, own ? "t0" : "o0");
		assert_non_null(strstr(x.out.p, "ip: 10.0.1.3"));
		end(&x);
	}
}

static void places(const char *base, const char *ours, const char *theirs, const char *result, const char *want)
{
	struct arena *a = arena_new();
	const struct merged x = {{load(a, base), load(a, ours), load(a, theirs)}};
	struct diags d = {0};

	merged_places(&x, load(a, result), &d);
	if (want)
		assert_string_equal(d.first ? d.first->message : "", want);
	else
		assert_null(d.first);
	diags_free(&d);
	arena_free(a);
}
#define NET(cidrs, ip)                                                                                                 \
	"network: corp\ncidr: 10.0.0.0/16\ncidrs: { z: 10.0.9.0/24" cidrs " }\npeers: { p: { ip: " ip                  \
	", public_key: \"Lwo8JyGoVGLpnu86vcpIcaYq9ifQpVKbSEkEUEwH10s=\" } }\n"

static void test_places(void **state)
{
	(void)state;
	places(NET("", "10.0.9.1"), NET("", "10.0.9.1"), NET("", "10.0.1.1"), NET("", "10.0.1.1"), NULL);
	/* One side moves the peer into a CIDR, the other one takes that away or puts another one around the address. */
	places(NET(", eng: 10.0.1.0/24", "10.0.9.1"), NET("", "10.0.9.1"), NET(", eng: 10.0.1.0/24", "10.0.1.1"),
	       NET("", "10.0.1.1"),
	       "the merge puts peer 'p' into CIDR 'corp': our side has it in 'z', theirs in 'eng'");
	places(NET("", "10.0.9.1"), NET(", eng: 10.0.1.0/24", "10.0.9.1"), NET("", "10.0.1.1"),
	       NET(", eng: 10.0.1.0/24", "10.0.1.1"),
	       "the merge puts peer 'p' into CIDR 'eng': our side has it in 'z', theirs in 'corp'");
	/* Another name, or a larger prefix, is the same CIDR. */
	places(NET(", eng: 10.0.1.0/24", "10.0.9.1"), NET(", dev: 10.0.1.0/24", "10.0.9.1"),
	       NET(", eng: 10.0.1.0/24", "10.0.1.1"), NET(", dev: 10.0.1.0/24", "10.0.1.1"), NULL);
	places(NET(", eng: 10.0.1.0/24", "10.0.9.1"), NET(", eng: 10.0.0.0/23", "10.0.9.1"),
	       NET(", eng: 10.0.1.0/24", "10.0.1.1"), NET(", eng: 10.0.0.0/23", "10.0.1.1"), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_ledger),
	    cmocka_unit_test(test_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
