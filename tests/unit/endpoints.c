/* What a peer says of where it is: its text, what may be passed on, and which of a machine's addresses it is. */
#include "reconcile/wire/endpoints.h"
#include "tests/unit/schema_test.h"

#include <stdio.h>

#define HEAD "innernet-endpoints 1\n"

static struct sockpoint at(const char *s)
{
	struct sockpoint p;

	assert_int_equal(sockpoint_parse(s, strlen(s), &p), 0);
	return p;
}

static struct prefix prefix_of(const char *s)
{
	struct prefix p;

	assert_int_equal(prefix_parse(s, strlen(s), &p), PREFIX_OK);
	return p;
}

static void assert_says(const struct endpoints *e, const char *want)
{
	struct buf b = {0};

	buf_sockpoints(&b, e->at, e->n);
	assert_string_equal(b.p ? b.p : "", want);
	buf_free(&b);
}

static void test_text(void **state)
{
	static const char text[] = HEAD "endpoint 0.0.0.0:51820\nendpoint 192.168.1.7:51820\nend\n";
	static const char *const bad[] = {
	    "",
	    "innernet-endpoints 2\nend\n",
	    HEAD,
	    HEAD "endpoint\nend\n",
	    HEAD "endpoint vpn.example.com:1\nend\n",
	    HEAD "endpoint 192.0.2.7\nend\n",
	    HEAD "endpoint 192.0.2.7:0\nend\n",
	    HEAD "endpoint 192.0.2.7:1 2\nend\n",
	    HEAD "endpoint 192.0.2.7:1\nendpoint 192.0.2.7:1\nend\n",
	    HEAD "end\nend\n",
	};
	struct endpoints e;
	struct diags d = {0};
	struct buf b = {0}, many = {0};

	(void)state;
	assert_int_equal(endpoints_parse(span_str(text), &e, &d), 0);
	assert_says(&e, "0.0.0.0:51820,192.168.1.7:51820");
	endpoints_write(&b, &e);
	assert_string_equal(b.p, text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (endpoints_parse(span_str(bad[i]), &e, &d) == 0 || e.n)
			fail_msg("taken: %s", bad[i]);
		assert_string_equal(d.last->code, "bad-endpoints");
	}
	buf_str(&many, HEAD);
	for (unsigned i = 0; i <= CANDIDATES_MAX; i++)
		buf_printf(&many, "endpoint 192.0.2.%u:1\n", i);
	buf_str(&many, "end\n");
	assert_int_equal(endpoints_parse(buf_span(&many), &e, &d), -1);
	assert_non_null(strstr(d.last->message, "more endpoints than a peer may report"));
	buf_free(&many);
	buf_free(&b);
	diags_free(&d);
}

static void test_check(void **state)
{
	static const char *const bad[] = {"10.60.3.4:1", "127.0.0.1:1", "224.0.0.1:1",
					  "[fe80::1]:1", "[::1]:1",     "0.1.2.3:1"};
	const struct prefix root = prefix_of("10.60.0.0/16");
	struct endpoints e = {.n = 2};
	struct diags d = {0};

	(void)state;
	e.at[0] = at("[::]:51820");
	e.at[1] = at("192.168.1.7:1");
	assert_int_equal(endpoints_check(&e, &root, 1, &d), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.at[1] = at(bad[i]);
		if (endpoints_check(&e, &root, 1, &d) == 0)
			fail_msg("taken: %s", bad[i]);
	}
	assert_string_equal(d.first->message, "10.60.3.4:1 is an address within the network itself");
	assert_string_equal(d.first->next->message, "127.0.0.1:1 is no address that another machine could reach");
	diags_free(&d);
}

/* "The host you see me from" follows what is seen, and is nothing while no server has seen it. */
static void test_resolve(void **state)
{
	const struct sockpoint seen = at("203.0.113.9:7777"), never = {.port = 0};
	struct endpoints e = {.n = 3}, told;

	(void)state;
	e.at[0] = at("0.0.0.0:51820");
	e.at[1] = at("203.0.113.9:51820");
	e.at[2] = at("192.168.1.7:51820");
	endpoints_resolve(&e, &seen, &told);
	assert_says(&told, "203.0.113.9:51820,192.168.1.7:51820");
	endpoints_resolve(&e, &never, &told);
	assert_says(&told, "203.0.113.9:51820,192.168.1.7:51820");
	e.at[1] = at("[::]:1");
	endpoints_resolve(&e, &seen, &told);
	assert_says(&told, "203.0.113.9:51820,203.0.113.9:1,192.168.1.7:51820");
	endpoints_resolve(&e, &never, &told);
	assert_says(&told, "192.168.1.7:51820");
}

static void test_choose(void **state)
{
	static const struct {
		const char *ip;
		bool temporary, preferred;
	} have[] = {{"[2001:db8::77]:1", true, false}, {"[2001:db8::7]:1", false, false},
		    {"192.168.1.7:1", false, true},    {"10.60.64.2:1", false, false},
		    {"172.17.0.1:1", false, false},    {"[fd00::7]:1", false, false},
		    {"169.254.3.4:1", false, false},   {"10.0.0.7:1", false, false}};
	const struct prefix root = prefix_of("10.60.0.0/16"), exclude = prefix_of("172.16.0.0/12");
	struct report_rules rules = {.port = 51820, .root = &root, .n_root = 1, .exclude = &exclude, .n_exclude = 1};
	struct local_address list[16];
	const size_t n = sizeof(have) / sizeof(have[0]);
	struct endpoints e;

	(void)state;
	for (size_t i = 0; i < n; i++)
		list[i] = (struct local_address){at(have[i].ip).ip, have[i].temporary, have[i].preferred};
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "192.168.1.7:51820,10.0.0.7:51820,[2001:db8::7]:51820,[2001:db8::77]:51820");
	rules.override = at("198.51.100.1:4500");
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "198.51.100.1:4500,192.168.1.7:51820,10.0.0.7:51820,[2001:db8::7]:51820,[2001:db8::77]:51820");
	/* What people chose is told whatever becomes of the addresses. */
	rules.no_addresses = true;
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "198.51.100.1:4500");
	rules.no_addresses = false;
	rules.port = 0;
	rules.override = at("0.0.0.0:51820");
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "0.0.0.0:51820");
	/* But not nonsense. */
	rules.override = at("10.60.0.9:51820");
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "");
	rules.override = at("127.0.0.1:51820");
	endpoints_choose(list, n, &rules, &e);
	assert_says(&e, "");
	rules = (struct report_rules){.port = 1};
	for (unsigned i = 0; i < 16; i++) {
		char ip[32];
		snprintf(ip, sizeof(ip), "192.0.2.%u:1", 16 - i);
		list[i] = (struct local_address){.ip = at(ip).ip};
	}
	endpoints_choose(list, 16, &rules, &e);
	assert_int_equal(e.n, CANDIDATES_MAX);
	assert_true(sockpoint_eq(&e.at[9], &(struct sockpoint){.ip = at("192.0.2.10:1").ip, .port = 1}));
}

static void test_knock(void **state)
{
	static const char text[] = "innernet-knock 1\nkey AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nend\n";
	static const char *const bad[] = {"", "innernet-knock 1\nend\n", "innernet-knock 1\nkey AQ==\nend\n",
					  "innernet-knock 1\nkey AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"};
	struct key key, want = {{1}};
	struct diags d = {0};
	struct buf b = {0};

	(void)state;
	assert_int_equal(knock_parse(span_str(text), &key, &d), 0);
	assert_true(key_eq(&key, &want));
	knock_write(&b, &key);
	assert_string_equal(b.p, text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(knock_parse(span_str(bad[i]), &key, &d), -1);
	assert_string_equal(d.first->code, "bad-knock");
	buf_free(&b);
	diags_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),   cmocka_unit_test(test_check), cmocka_unit_test(test_resolve),
	    cmocka_unit_test(test_choose), cmocka_unit_test(test_knock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
