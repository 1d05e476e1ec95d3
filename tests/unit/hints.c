/* What a peer keeps of where other peers were: its text, to the byte, and what is never taken from it. */
#include "reconcile/plan/hints.h"
#include "tests/unit/schema_test.h"

#include <stdio.h>
#include <stdlib.h>

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_B "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY_C "AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HEAD  "innernet-hints 1\n"

static struct sockpoint at(const char *s)
{
	struct sockpoint p;

	assert_int_equal(sockpoint_parse(s, strlen(s), &p), 0);
	return p;
}

static int parse(struct arena *a, const char *s, struct hints *out)
{
	struct diags d = {0};
	int r = hints_parse(a, span_str(s), out, &d);

	assert_int_equal(d.n_errors, r < 0);
	if (r < 0)
		assert_string_equal(d.first->code, "bad-hints");
	diags_free(&d);
	return r;
}

static void test_text(void **state)
{
	static const char text[] = HEAD "hint " KEY_A " 192.0.2.7:4000\n"
					"hint " KEY_B " [2001:db8::1]:4001 10.0.0.7:4001,[2001:db8::1]:4001\n"
					"hint " KEY_C " - 192.168.1.7:51820\n"
					"resolved vpn.example.com:51820 192.0.2.1:51820\n"
					"end\n";
	const struct sockpoint reported[] = {at("10.0.0.7:4001"), at("[2001:db8::1]:4001"), at("192.168.1.7:51820")};
	struct hint hints[3] = {{.seen = at("192.0.2.7:4000")},
				{.seen = at("[2001:db8::1]:4001"), .at = reported, .n_at = 2},
				{.at = &reported[2], .n_at = 1}};
	struct resolved names[2] = {{"vpn.example.com:51820", at("192.0.2.1:51820")},
				    {"link.example.com:51820", at("[fe80::2]:51820")}};
	const struct hints h = {hints, names, 3, 2};
	struct arena *a = arena_new();
	struct buf b = {0};
	struct hints out;

	(void)state;
	hints[1].key.b[0] = 1;
	hints[2].key.b[0] = 2;
	names[1].at.scope = 3; /* an interface's index is another after a restart */
	hints_write(&b, &h);
	assert_string_equal(b.p, text);
	assert_int_equal(parse(a, text, &out), 0);
	assert_int_equal(out.n_hints, 3);
	assert_int_equal(out.n_resolved, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_true(hint_eq(&out.hints[i], &hints[i]));
	assert_ptr_equal(hint_find(out.hints, 3, &hints[2].key), &out.hints[2]);
	struct key other = {{3}};
	assert_null(hint_find(out.hints, 3, &other));
	struct sockpoint first = hint_first(&out.hints[1]), only = hint_first(&out.hints[2]);
	assert_true(sockpoint_eq(&first, &hints[1].seen) && sockpoint_eq(&only, &reported[2]));
	struct hint *copy = hints_copy(out.hints, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_true(hint_eq(&copy[i], &hints[i]) && copy[i].at != out.hints[i].at);
	free(copy);
	assert_string_equal(out.resolved[0].endpoint, "vpn.example.com:51820");
	assert_true(sockpoint_eq(&out.resolved[0].at, &names[0].at));
	/* Cut anywhere, it is none. */
	for (size_t n = 0; n < b.n; n++) {
		struct diags d = {0};
		assert_int_equal(hints_parse(a, (struct span){(const uint8_t *)b.p, n}, &out, &d), -1);
		assert_int_equal(out.n_hints + out.n_resolved, 0);
		diags_free(&d);
	}
	buf_free(&b);
	arena_free(a);
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
	    "innernet-hints 2\nend\n",
	    "innernet-bundle 1\nend\n",
	    HEAD "hint " KEY_B " 192.0.2.7:1\nhint " KEY_A " 192.0.2.7:1\nend\n",
	    HEAD "hint " KEY_A " 192.0.2.7:1\nhint " KEY_A " 192.0.2.8:1\nend\n",
	    HEAD "hint " KEY_A " vpn.example.com:1\nend\n",
	    HEAD "hint " KEY_A " 192.0.2.7:1 more\nend\n",
	    HEAD "hint " KEY_A "\nend\n",
	    HEAD "hint " KEY_A " -\nend\n",
	    HEAD "hint " KEY_A " - -\nend\n",
	    HEAD "hint " KEY_A " - 192.0.2.7:1,\nend\n",
	    HEAD "hint " KEY_A " - ,192.0.2.7:1\nend\n",
	    HEAD "hint " KEY_A " - 192.0.2.7:1,192.0.2.7:1\nend\n",
	    HEAD "hint " KEY_A " - 192.0.2.7:1 192.0.2.8:1\nend\n",
	    HEAD "hint " KEY_A " - 192.0.2.7:1,vpn.example.com:1\nend\n",
	    HEAD "hint " KEY_A " - 1.0.0.1:1,1.0.0.2:1,1.0.0.3:1,1.0.0.4:1,1.0.0.5:1,1.0.0.6:1,1.0.0.7:1,1.0.0.8:1,"
		 "1.0.0.9:1,1.0.0.10:1,1.0.0.11:1\nend\n",
	    HEAD "hint AAAA 192.0.2.7:1\nend\n",
	    HEAD "resolved vpn.example.com:1 192.0.2.7:1\nhint " KEY_A " 192.0.2.7:1\nend\n",
	    HEAD "resolved VPN.example.com:1 192.0.2.7:1\nend\n",
	    HEAD "resolved vpn.example.com 192.0.2.7:1\nend\n",
	    HEAD "resolved vpn.example.com:1 192.0.2.7\nend\n",
	    HEAD "resolved vpn.example.com:1 192.0.2.7:0\nend\n",
	    HEAD "end\nend\n",
	};
	struct arena *a = arena_new();
	struct buf many = {0};
	struct hints out;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(a, bad[i], &out) == 0)
			fail_msg("taken: %s", bad[i]);
	}
	buf_str(&many, HEAD);
	for (unsigned i = 0; i <= RESOLVE_MAX; i++)
		buf_printf(&many, "resolved h%u.example.com:1 192.0.2.7:1\n", i);
	buf_str(&many, "end\n");
	assert_int_equal(parse(a, many.p, &out), -1);
	buf_free(&many);
	arena_free(a);
}

static void test_usable(void **state)
{
	static const char *const good[] = {"192.0.2.7:1", "10.61.0.1:1", "[2001:db8::1]:65535", "192.168.1.1:51820"};
	static const char *const never[] = {"10.60.3.4:1", "[fd00:60::7]:1", "127.0.0.1:1", "127.9.9.9:1",
					    "0.0.0.0:1",   "169.254.1.1:1",  "224.0.0.1:1", "255.255.255.255:1",
					    "[::1]:1",     "[::]:1",         "[ff02::1]:1", "[fe80::1]:1"};
	struct prefix root[2];
	struct sockpoint p;

	(void)state;
	assert_int_equal(prefix_parse("10.60.0.0/16", 12, &root[0]), PREFIX_OK);
	assert_int_equal(prefix_parse("fd00:60::/32", 12, &root[1]), PREFIX_OK);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		p = at(good[i]);
		assert_true(hint_usable(root, 2, &p));
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		p = at(never[i]);
		if (hint_usable(root, 2, &p))
			fail_msg("taken: %s", never[i]);
	}
	p = at("192.0.2.7:1");
	p.port = 0;
	assert_false(hint_usable(root, 2, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
