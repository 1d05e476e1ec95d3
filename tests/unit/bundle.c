/* Bundles: written, read back, and nothing else taken for one. */
#include "tests/unit/network.h"

static struct bundle full(struct arena *a)
{
	static const char *const by[] = {"a", "b"};
	struct bundle b = {.path_index = 2,
			   .path_count = 5,
			   .n_path = 3,
			   .n_objects = 2,
			   .n_enrolments = 1,
			   .n_hints = 2,
			   .n_knocks = 1,
			   .n_chain = 1,
			   .has_path = true,
			   .has_hints = true,
			   .hints_position = 7};

	b.chain = arena_alloc(a, sizeof(*b.chain));
	b.chain[0] = sign_with(a, "statement", SPAN("one\n"), by, 2);
	b.statement = sign_with(a, "statement", SPAN("two\n"), by, 1);
	b.fresh = sign_with(a, "fresh", SPAN("three\n"), by, 1);
	for (unsigned i = 0; i < 3; i++)
		hash_bytes(&i, sizeof(i), &b.path[i]);
	b.objects = arena_array(a, 2, sizeof(*b.objects));
	b.objects[0].bytes = SPAN("object one\n");
	b.objects[1].bytes = SPAN("object two\nof two lines\n");
	for (unsigned i = 0; i < 2; i++)
		hash_bytes(b.objects[i].bytes.p, b.objects[i].bytes.n, &b.objects[i].name);
	b.enrolments = arena_alloc(a, sizeof(*b.enrolments));
	b.enrolments[0] = SPAN("enrolment\n");
	memset(b.ledger, 'c', 40);
	b.hints = arena_array(a, 2, sizeof(*b.hints));
	b.knocks = arena_alloc(a, sizeof(*b.knocks));
	struct sockpoint *at = arena_array(a, 2, sizeof(*at));
	assert_int_equal(sockpoint_parse("[2001:db8::1]:51820", 19, &at[0]), 0);
	assert_int_equal(sockpoint_parse("192.0.2.1:51820", 15, &at[1]), 0);
	b.hints[0] = (struct hint){.key = wg_of("h"), .seen = at[0], .at = at, .n_at = 2};
	b.hints[1] = (struct hint){.key = wg_of("i")}; /* nothing is known of it any more */
	b.knocks[0] = wg_of("h");
	return b;
}

static bool parses(struct span s, struct bundle *out, struct arena *a)
{
	struct diags d = {0};
	int err = bundle_parse(a, s, out, &d);

	assert_int_equal(d.n_errors, err < 0);
	if (err < 0)
		assert_string_equal(d.first->code, "bad-bundle");
	diags_free(&d);
	return err == 0;
}

static void reads_back(void **state)
{
	struct arena *a = arena_new();
	struct bundle b = full(a), c;
	struct buf out = {0}, again = {0};
	(void)state;

	bundle_write(&out, &b);
	assert_true(parses(buf_span(&out), &c, a));
	bundle_write(&again, &c);
	assert_int_equal(out.n, again.n);
	assert_memory_equal(out.p, again.p, out.n);
	assert_int_equal(c.n_chain, 1);
	assert_int_equal(c.chain[0].n_signatures, 2);
	assert_int_equal(c.statement.n_signatures, 1);
	assert_int_equal(hash_cmp(&c.objects[1].name, &b.objects[1].name), 0);
	assert_int_equal(c.hints_position, 7);
	for (unsigned i = 0; i < 2; i++)
		assert_true(hint_eq(&c.hints[i], &b.hints[i]));
	assert_true(key_eq(&c.knocks[0], &b.knocks[0]));
	/* Cut anywhere, or with more behind its end. */
	for (size_t i = 0; i < out.n; i++)
		assert_false(parses((struct span){(uint8_t *)out.p, i}, &c, a));
	buf_str(&out, "end\n");
	assert_false(parses(buf_span(&out), &c, a));
	buf_free(&out);
	buf_free(&again);
	arena_free(a);
}

static void an_idle_reply_is_short(void **state)
{
	struct arena *a = arena_new();
	struct bundle b = {.ledger = "-"}, c;
	struct buf out = {0};
	(void)state;

	bundle_write(&out, &b);
	assert_string_equal(out.p, "innernet-bundle 1\nledger -\nend\n");
	assert_true(parses(buf_span(&out), &c, a));
	assert_null(c.statement.text.p);
	assert_string_equal(c.ledger, "-");
	assert_false(c.has_path);
	assert_false(c.has_hints);
	buf_free(&out);
	arena_free(a);
}

static void what_is_no_bundle(void **state)
{
	static const char *const bad[] = {
	    "",
	    "end\n",
	    "innernet-bundle 2\nend\n",
	    "innernet-bundle 1\n",
	    "innernet-bundle 1\nend\n\n",
	    "innernet-bundle 1\nend \n",
	    "innernet-bundle 1\r\nend\r\n",
	    "innernet-bundle 1\nobject 5\nabc\nend\n",
	    "innernet-bundle 1\nobject 0\nend\n",
	    "innernet-bundle 1\nobject -1\nend\n",
	    "innernet-bundle 1\nobject 18446744073709551615\nabc\nend\n",
	    "innernet-bundle 1\nobject 4294967297\nabc\nend\n",
	    "innernet-bundle 1\nobject 03\nab\nend\n",
	    "innernet-bundle 1\nsignature 3\nab\nend\n",
	    "innernet-bundle 1\nobject 3\nab\nstatement 3\nab\nend\n",
	    "innernet-bundle 1\nledger -\nledger -\nend\n",
	    "innernet-bundle 1\nledger x\nend\n",
	    "innernet-bundle 1\nledger ../../../../../../../../../etc/passwd00\nend\n",
	    "innernet-bundle 1\npath 1\nend\n",
	    "innernet-bundle 1\npath 0 1 x\nend\n",
	    "innernet-bundle 1\nhints\nend\n",
	    "innernet-bundle 1\nhint AAAA 1.2.3.4:5\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= host:5\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1.2.3.4:0\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= [2001:DB8::1]:5\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB= 1.2.3.4:5\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nend\n",
	    "innernet-bundle 1\nhint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1.2.3.4:5 1.2.3.4:5,1.2.3.4:5\nend\n",
	    "innernet-bundle 1\nknock AAAA\nend\n",
	    "innernet-bundle 1\nknock AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1.2.3.4:5\nend\n",
	    ("innernet-bundle 1\nknock AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	     "hint AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= 1.2.3.4:5\nend\n"),
	    "innernet-bundle 1\nunknown\nend\n",
	};
	struct arena *a = arena_new();
	struct buf many = {0};
	struct bundle c;
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parses(span_str(bad[i]), &c, a))
			fail_msg("taken for a bundle: %s", bad[i]);
	buf_str(&many, "innernet-bundle 1\n");
	for (unsigned i = 0; i <= KNOCKS_MAX; i++)
		buf_str(&many, "knock AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
	buf_str(&many, "end\n");
	assert_false(parses(buf_span(&many), &c, a));
	buf_free(&many);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_back),
	    cmocka_unit_test(an_idle_reply_is_short),
	    cmocka_unit_test(what_is_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
