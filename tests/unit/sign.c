/* The small signed texts: written, read back, and every byte of them counting. */
#include "reconcile/text/text.h"
#include "tests/unit/network.h"

static void a_signature_is_for_one_kind_and_one_network(void **state)
{
	struct key id = id_of_tests(), other = id, by = ed_of("a"), not_by = ed_of("b");
	uint8_t seed[KEY_LEN], sig[SIG_LEN], expected[SIG_LEN], sk[crypto_sign_SECRETKEYBYTES], in[64];
	struct key pk;
	(void)state;

	seed_of("a", seed);
	other.b[0] ^= 1;
	assert_int_equal(sign_detached("fresh", &id, SPAN("text"), seed, sig), 0);
	assert_true(sign_check("fresh", &id, SPAN("text"), &by, sig));
	assert_false(sign_check("statement", &id, SPAN("text"), &by, sig));
	assert_false(sign_check("fresh", &other, SPAN("text"), &by, sig));
	assert_false(sign_check("fresh", &id, SPAN("texT"), &by, sig));
	assert_false(sign_check("fresh", &id, SPAN("text"), &not_by, sig));
	/* The bytes that are signed, put together by hand. */
	memcpy(in, "innernet-fresh-v1", 18);
	memcpy(in + 18, id.b, KEY_LEN);
	memcpy(in + 50, "text", 4);
	crypto_sign_seed_keypair(pk.b, sk, seed);
	crypto_sign_detached(expected, NULL, in, 54, sk);
	assert_memory_equal(sig, expected, SIG_LEN);
}

/* A parser takes its text, and none that differs in one byte, is cut short, or goes on. */
static void only_itself(struct span text, bool (*parses)(struct span, struct arena *))
{
	struct arena *a = arena_new();
	uint8_t *copy = malloc(text.n + 1);

	memcpy(copy, text.p, text.n);
	copy[text.n] = '\n';
	assert_true(parses(text, a));
	assert_false(parses((struct span){copy, text.n + 1}, a));
	for (size_t i = 0; i < text.n; i++)
		assert_false(parses((struct span){copy, i}, a));
	free(copy);
	arena_free(a);
}

static bool parses_enrolment(struct span s, struct arena *a)
{
	struct diags d = {0};
	struct enrolment e;
	bool good = enrolment_parse(s, &e, &d) == 0;
	(void)a;

	assert_int_equal(d.n_errors, !good);
	diags_free(&d);
	return good;
}

static bool parses_fresh(struct span s, struct arena *a)
{
	struct diags d = {0};
	struct fresh f;
	bool good = fresh_parse(s, &f, &d) == 0;
	(void)a;

	diags_free(&d);
	return good;
}

static bool parses_signature(struct span s, struct arena *a)
{
	struct diags d = {0};
	struct signature f;
	bool good = signature_parse(s, &f, &d) == 0;
	(void)a;

	diags_free(&d);
	return good;
}

static void an_enrolment_reads_back(void **state)
{
	struct key id = id_of_tests(), invite = ed_of("i"), key = wg_of("k");
	struct enrolment e, read;
	struct diags d = {0};
	struct buf b = {0};
	uint8_t seed[KEY_LEN];
	(void)state;

	seed_of("i", seed);
	assert_int_equal(enrolment_make(&id, &invite, &key, 1700000000, seed, &e), 0);
	enrolment_write(&b, &e);
	only_itself(buf_span(&b), parses_enrolment);
	assert_int_equal(enrolment_parse(buf_span(&b), &read, &d), 0);
	assert_memory_equal(&e, &read, sizeof(e));
	assert_int_equal(enrolment_check(&read, &id, &d), 0);
	/* Any bit that still parses must not check. */
	for (size_t i = 0; i < b.n; i++) {
		b.p[i] ^= 1;
		if (enrolment_parse(buf_span(&b), &read, &d) == 0)
			assert_int_equal(enrolment_check(&read, &id, &d), -1);
		b.p[i] ^= 1;
	}
	diags_free(&d);
	buf_free(&b);
}

static void freshness_and_signature_read_back(void **state)
{
	struct key id = id_of_tests();
	struct fresh f = {.issued = 5, .until = 305}, g;
	struct signature s, t;
	struct diags d = {0};
	struct buf b = {0}, c = {0};
	uint8_t seed[KEY_LEN];
	(void)state;

	hash_bytes("x", 1, &f.statement);
	fresh_write(&b, &f);
	only_itself(buf_span(&b), parses_fresh);
	assert_int_equal(fresh_parse(buf_span(&b), &g, &d), 0);
	assert_memory_equal(&f, &g, sizeof(f));
	seed_of("a", seed);
	assert_int_equal(signature_make("fresh", &id, buf_span(&b), seed, &s), 0);
	signature_write(&c, &s);
	only_itself(buf_span(&c), parses_signature);
	assert_int_equal(signature_parse(buf_span(&c), &t, &d), 0);
	assert_memory_equal(&s, &t, sizeof(s));
	f.until = 4;
	buf_reset(&b);
	fresh_write(&b, &f);
	assert_false(parses_fresh(buf_span(&b), NULL));
	diags_free(&d);
	buf_free(&b);
	buf_free(&c);
}

static void numbers_have_one_spelling(void **state)
{
	uint64_t v;
	(void)state;

	assert_true(span_u64(SPAN("18446744073709551615"), UINT64_MAX, &v));
	assert_true(v == UINT64_MAX);
	assert_true(span_u64(SPAN("0"), 9, &v));
	assert_false(span_u64(SPAN("18446744073709551616"), UINT64_MAX, &v));
	assert_false(span_u64(SPAN("99999999999999999999"), UINT64_MAX, &v));
	assert_false(span_u64(SPAN("00"), 9, &v));
	assert_false(span_u64(SPAN("01"), 9, &v));
	assert_false(span_u64(SPAN("-1"), 9, &v));
	assert_false(span_u64(SPAN("+1"), 9, &v));
	assert_false(span_u64(SPAN("10"), 9, &v));
	assert_false(span_u64(SPAN(""), 9, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_signature_is_for_one_kind_and_one_network),
	    cmocka_unit_test(an_enrolment_reads_back),
	    cmocka_unit_test(freshness_and_signature_read_back),
	    cmocka_unit_test(numbers_have_one_spelling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
