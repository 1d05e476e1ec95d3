/* Addresses, prefixes and endpoints: what is taken, what is not, and how they are spelled. */
#include "tests/unit/schema_test.h"

#include "schema/model.h"

/* NULL: refused. */
struct spelling {
	const char *in, *out;
};

static void addresses(void **state)
{
	static const struct spelling cases[] = {
	    {"10.60.0.1", "10.60.0.1"},
	    {"0.0.0.0", "0.0.0.0"},
	    {"255.255.255.255", "255.255.255.255"},
	    {"FD00:0:0:0:0:0:0:1", "fd00::1"},
	    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* RFC 5952 section 4.2.3: the first of two runs */
	    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* section 4.2.2: not for a single field */
	    {"64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
	    {"::1", "::1"},
	    {"::ffff:10.0.0.1", NULL},
	    {"::ffff:a00:1", NULL},
	    {"10.60.0.01", NULL},
	    {"10.60.0", NULL},
	    {"10.60.0.1.", NULL},
	    {"10.60.0.256", NULL},
	    {"0x0a.1.1.1", NULL},
	    {"fe80::1%eth0", NULL},
	    {" 10.0.0.1", NULL},
	    {"1::2::3", NULL},
	    {"12345::", NULL},
	    {"", NULL},
	};
	char text[ADDR_STR_LEN];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc = addr_parse(cases[i].in, strlen(cases[i].in), &a);

		assert_int_equal(rc, cases[i].out ? 0 : -1);
		if (rc)
			continue;
		addr_format(&a, text);
		assert_string_equal(text, cases[i].out);
	}
	assert_int_equal(addr_parse("10.0.0.1\0x", 10, &a), -1);
}

static void prefixes(void **state)
{
	static const struct {
		const char *in, *out;
		enum prefix_error rc;
	} cases[] = {
	    {"10.60.0.0/16", "10.60.0.0/16", PREFIX_OK},
	    {"0.0.0.0/0", "0.0.0.0/0", PREFIX_OK},
	    {"10.60.0.1/32", "10.60.0.1/32", PREFIX_OK},
	    {"::/0", "::/0", PREFIX_OK},
	    {"fd00:60::/48", "fd00:60::/48", PREFIX_OK},
	    {"10.60.1.0/16", "10.60.0.0/16", PREFIX_HOST_BITS},
	    {"255.255.255.255/0", "0.0.0.0/0", PREFIX_HOST_BITS},
	    {"fd00::1/127", "fd00::/127", PREFIX_HOST_BITS},
	    {"10.60.0.0/33", NULL, PREFIX_SYNTAX},
	    {"fd00::/129", NULL, PREFIX_SYNTAX},
	    {"fd00::/4294967344", NULL, PREFIX_SYNTAX},
	    {"10.60.0.0/016", NULL, PREFIX_SYNTAX},
	    {"10.60.0.0/", NULL, PREFIX_SYNTAX},
	    {"10.60.0.0/-1", NULL, PREFIX_SYNTAX},
	    {"10.60.0.0/+8", NULL, PREFIX_SYNTAX},
	    {"10.60.0.0", NULL, PREFIX_SYNTAX},
	    {"/8", NULL, PREFIX_SYNTAX},
	    {"", NULL, PREFIX_SYNTAX},
	};
	char text[PREFIX_STR_LEN];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(prefix_parse(cases[i].in, strlen(cases[i].in), &p), cases[i].rc);
		if (!cases[i].out)
			continue;
		prefix_format(&p, text);
		assert_string_equal(text, cases[i].out);
	}
}

static struct prefix prefix(const char *s)
{
	struct prefix p;

	assert_int_equal(prefix_parse(s, strlen(s), &p), PREFIX_OK);
	return p;
}

static struct addr addr(const char *s)
{
	struct addr a;

	assert_int_equal(addr_parse(s, strlen(s), &a), 0);
	return a;
}

static void families_stay_apart(void **state)
{
	struct prefix all4 = prefix("0.0.0.0/0"), all6 = prefix("::/0"), net = prefix("10.60.0.0/16");
	struct addr a4 = addr("10.60.3.4"), a6 = addr("fd00::1"), last = prefix_last(&net), out = addr("10.60.255.255");

	(void)state;
	assert_true(prefix_is_v4(&all4));
	assert_false(prefix_is_v4(&all6));
	assert_true(prefix_has(&all4, &a4));
	assert_false(prefix_has(&all6, &a4));
	assert_true(prefix_has(&all6, &a6));
	assert_false(prefix_has(&all4, &a6));
	assert_false(prefix_covers(&all6, &net));
	assert_true(prefix_covers(&all4, &net));
	assert_true(prefix_covers(&net, &net));
	assert_true(prefix_overlaps(&net, &all4));
	assert_false(prefix_overlaps(&net, &all6));
	assert_int_equal(addr_cmp(&last, &out), 0);
	assert_int_equal(prefix_wire_len(&net), 16);
	assert_int_equal(prefix_wire_len(&all6), 0);
}

static void reserved_addresses(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool reserved;
	} cases[] = {
	    {"10.60.1.0/24", "10.60.1.0", true},    {"10.60.1.0/24", "10.60.1.255", true},
	    {"10.60.1.0/24", "10.60.1.254", false}, {"10.60.1.0/31", "10.60.1.0", false},
	    {"10.60.1.0/31", "10.60.1.1", false},   {"10.60.1.7/32", "10.60.1.7", false},
	    {"fd00::/64", "fd00::", true},          {"fd00::/64", "fd00::ffff:ffff:ffff:ffff", false},
	    {"fd00::/127", "fd00::", false},        {"fd00::7/128", "fd00::7", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix p = prefix(cases[i].prefix);
		struct addr a = addr(cases[i].addr);

		assert_int_equal(addr_is_reserved(&p, &a), cases[i].reserved);
	}
}

static void endpoints(void **state)
{
	static const struct spelling cases[] = {
	    {"vpn.example.com:51820", "vpn.example.com:51820"},
	    {"VPN.Example.COM.:051820", "vpn.example.com:51820"},
	    {"localhost:1", "localhost:1"},
	    {"192.0.2.1:65535", "192.0.2.1:65535"},
	    {"[2001:DB8:0::1]:51820", "[2001:db8::1]:51820"},
	    {"3com.example:1", "3com.example:1"},
	    {"xn--caf-dma.example:1", "xn--caf-dma.example:1"},
	    {"vpn.example.com", NULL},
	    {"vpn.example.com:", NULL},
	    {"vpn.example.com:0", NULL},
	    {"vpn.example.com:65536", NULL},
	    {"vpn.example.com:99999999999999999999", NULL},
	    {"vpn.example.com:5182x", NULL},
	    {"-a.example:1", NULL},
	    {"a-.example:1", NULL},
	    {"a..example:1", NULL},
	    {".:1", NULL},
	    {":1", NULL},
	    {"1.2.3:1", NULL}, /* what looks like an IPv4 address must be one */
	    {"1.2.3.4.5:1", NULL},
	    {"2001:db8::1:51820", NULL},
	    {"[192.0.2.1]:51820", NULL},
	    {"[2001:db8::1]", NULL},
	    {"[fe80::1%2]:51820", NULL},
	    {"ex ample:1", NULL},
	    {"ex\nample:1", NULL},
	    {"", NULL},
	};
	struct arena *a = arena_new();
	char name[300];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = endpoint_canonical(a, cases[i].in, strlen(cases[i].in));

		if (cases[i].out) {
			assert_non_null(got);
			assert_string_equal(got, cases[i].out);
		} else {
			assert_null(got);
		}
	}
	/* A label has 63 characters at most, a name 253. */
	memset(name, 'a', sizeof(name));
	for (int i = 63; i < 253; i += 64)
		name[i] = '.';
	memcpy(name + 253, ":1", 3);
	assert_non_null(endpoint_canonical(a, name, 255));
	memcpy(name + 253, "a:1", 4);
	assert_null(endpoint_canonical(a, name, 256));
	memset(name, 'a', 64);
	memcpy(name + 64, ".b:1", 5);
	assert_null(endpoint_canonical(a, name, 68));
	arena_free(a);
}

static void names(void **state)
{
	static const char *const good[] = {"a", "ci-servers", "1", "3com", "a--b"};
	static const char *const bad[] = {"", "-a", "a-", "A", "a_b", "a.b", "a b", "a\nb", "caf\xc3\xa9"};
	char name[64 + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(name_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(name_valid(bad[i], strlen(bad[i])));
	memset(name, 'a', sizeof(name));
	assert_true(name_valid(name, 63));
	assert_false(name_valid(name, 64));
	assert_true(network_name_valid(name, 15));
	assert_false(network_name_valid("lo", 2));
	assert_false(network_name_valid("all", 3));
	assert_false(network_name_valid("default", 7));
	assert_true(network_name_valid("defaults", 8));
	assert_false(network_name_valid(name, 16));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses),          cmocka_unit_test(prefixes),  cmocka_unit_test(families_stay_apart),
	    cmocka_unit_test(reserved_addresses), cmocka_unit_test(endpoints), cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
