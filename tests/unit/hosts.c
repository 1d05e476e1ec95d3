/* Names in a hosts file: one block, and no byte of anything else. */
#include "reconcile/plan/hosts.h"
#include "tests/unit/network.h"

static struct view_peer peers[3];
static struct view_cidr root;
static struct view view;

static int setup(void **state)
{
	(void)state;
	memset(peers, 0, sizeof(peers));
	peers[0].name = "hub";
	peers[1].name = "alice";
	peers[2].name = "bob";
	assert_int_equal(addr_parse("10.60.0.1", 9, &peers[0].ip[0]), 0);
	assert_int_equal(addr_parse("fd00:60::1", 10, &peers[0].ip[1]), 0);
	assert_int_equal(addr_parse("10.60.64.2", 10, &peers[1].ip[0]), 0);
	assert_int_equal(addr_parse("10.60.64.3", 10, &peers[2].ip[0]), 0);
	peers[0].n_ips = 2;
	peers[1].n_ips = peers[2].n_ips = 1;
	peers[2].pending = true;
	view = (struct view){.peers = peers, .n_peers = 3, .self = 1, .cidrs = &root, .n_cidrs = 1};
	return 0;
}

#define BEGIN "# innernet corp begin\n"
#define NOTE  "# Made from the definition of the network; what is changed here is undone.\n"
#define END   "# innernet corp end\n"
#define NAMES "10.60.0.1 hub.corp.wg\nfd00:60::1 hub.corp.wg\n10.60.64.2 alice.corp.wg\n10.60.64.3 bob.corp.wg\n"
#define BLOCK BEGIN NOTE NAMES END

static void test_block(void **state)
{
	struct diags d = {0};
	struct buf b = {0};

	(void)state;
	assert_int_equal(hosts_block_of_view(&b, &view, "corp", HOSTS_SUFFIX, &d), 0);
	assert_string_equal(b.p, BLOCK);
	buf_reset(&b);
	view.n_peers = 1;
	assert_int_equal(hosts_block_of_view(&b, &view, "corp", "internal.example", &d), 0);
	assert_string_equal(b.p, BEGIN NOTE
			    "10.60.0.1 hub.corp.internal.example\nfd00:60::1 hub.corp.internal.example\n" END);
	assert_int_equal(d.n_errors, 0);
	buf_free(&b);
}

/* Upstream: a name with a newline writes any line into /etc/hosts. */
static void test_bad_names(void **state)
{
	static const char *const bad[] = {"bob\n6.6.6.6 bank.example",
					  "bob bank.example",
					  "bob#",
					  "",
					  "-bob",
					  "bob.corp",
					  ("b\xc3\xb6"
					   "b"),
					  "bob\r",
					  "Bob"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diags d = {0};
		struct buf b = {0};

		peers[2].name = bad[i];
		assert_int_equal(hosts_block_of_view(&b, &view, "corp", HOSTS_SUFFIX, &d), -1);
		assert_int_equal(b.n, 0);
		assert_string_equal(d.first->code, "bad-name");
		assert_null(strchr(d.first->message, '\n'));
		diags_free(&d);
		buf_free(&b);
	}
}

static void test_suffix(void **state)
{
	char longest[300];

	(void)state;
	assert_true(hosts_suffix_valid("wg"));
	assert_true(hosts_suffix_valid("internal.example"));
	assert_false(hosts_suffix_valid(""));
	assert_false(hosts_suffix_valid("."));
	assert_false(hosts_suffix_valid("wg."));
	assert_false(hosts_suffix_valid(".wg"));
	assert_false(hosts_suffix_valid("a..b"));
	assert_false(hosts_suffix_valid("wg\n6.6.6.6 bank"));
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[sizeof(longest) - 1] = '\0';
	assert_false(hosts_suffix_valid(longest));
}

static void replaced(const char *file, const char *block, const char *want)
{
	struct hosts_place at;
	struct diags d = {0};
	struct buf b = {0};

	assert_int_equal(hosts_find(span_str(file), "corp", "/etc/hosts", &at, &d), 0);
	hosts_replace(&b, span_str(file), &at, span_str(block));
	assert_false(b.failed);
	assert_string_equal(b.p ? b.p : "", want);
	buf_free(&b);
}

static void test_replace(void **state)
{
	(void)state;
	replaced("", BLOCK, BLOCK);
	replaced("127.0.0.1 localhost\n", BLOCK, "127.0.0.1 localhost\n" BLOCK);
	/* The line that had no end gets one. */
	replaced("127.0.0.1 localhost", BLOCK, "127.0.0.1 localhost\n" BLOCK);
	/* Whatever else is there stays: other networks, bytes that are no text, line ends of other systems. */
#define BEFORE                                                                                                         \
	"\xff\xfe 1\r\n\n\t# innernet corp begins here\n# innernet home begin\n1.2.3.4 x.home.wg\n# innernet home "    \
	"end\n"
#define AFTER "  ::1 six\n#innernet corp end\n# innernet corp ending\nno end"
	replaced(BEFORE BEGIN "1.1.1.1 old.corp.wg\n" END AFTER, BLOCK, BEFORE BLOCK AFTER);
	replaced(BEFORE BLOCK AFTER, BLOCK, BEFORE BLOCK AFTER);
	replaced(BEFORE BLOCK AFTER, "", BEFORE AFTER);
	replaced(BLOCK, "", "");
	replaced("x\n", "", "x\n");
	replaced("x", "", "x");
	/* Marks that an editor has touched are still marks, and a file may end with one. */
	replaced("a\r\n# innernet corp begin\r\nb\r\n# innernet corp end \t\r\nc\r\n", BLOCK, "a\r\n" BLOCK "c\r\n");
	replaced("a\n# innernet corp begin\n# innernet corp end", BLOCK, "a\n" BLOCK);
}

static void broken(const char *file, const char *message)
{
	struct hosts_place at;
	struct diags d = {0};

	assert_int_equal(hosts_find(span_str(file), "corp", "/etc/hosts", &at, &d), -1);
	assert_string_equal(d.first->code, "hosts-broken");
	assert_string_equal(d.first->message, message);
	assert_string_equal(d.first->help,
			    "remove the lines from '# innernet corp begin' to '# innernet corp end' by hand");
	diags_free(&d);
}

static void test_broken(void **state)
{
	(void)state;
	broken("a\n" BEGIN NAMES, "/etc/hosts, line 2: a block begins and does not end; the file is left alone");
	broken("a\n" END, "/etc/hosts, line 2: a block ends that did not begin; the file is left alone");
	broken(BEGIN BEGIN END, "/etc/hosts, line 2: a second block begins in the first; the file is left alone");
	broken(BLOCK BLOCK, "/etc/hosts, line 8: a second block of the same network; the file is left alone");
	broken(BLOCK END, "/etc/hosts, line 8: a block ends that did not begin; the file is left alone");
}

static void test_diff(void **state)
{
	struct arena *a = arena_new();
	struct buf b = {0};
	struct hosts_diff *h = hosts_diff(a, "/etc/hosts", span_str(BLOCK), span_str(BLOCK));
	json_t *j;
	char *text;

	(void)state;
	assert_false(h->differs);
	hosts_diff_text(&b, h, false);
	hosts_diff_text(&b, NULL, false);
	assert_int_equal(b.n, 0);

	h = hosts_diff(a, "/etc/hosts", span_str(BEGIN "10.60.64.2 alice.corp.wg\n6.6.6.6 \x1b[2Jbank\n" END),
		       span_str(BEGIN "10.60.0.1 hub.corp.wg\n10.60.64.2 alice.corp.wg\n" END));
	hosts_diff_text(&b, h, false);
	assert_string_equal(b.p, "\nChange: names in /etc/hosts\n"
				 "  - 6.6.6.6 \\x1b[2Jbank\n"
				 "  + 10.60.0.1 hub.corp.wg\n"
				 "\nNames: 1 to add, 1 to remove.\n");
	h->drift = true;
	buf_reset(&b);
	hosts_diff_text(&b, h, true);
	assert_string_equal(b.p, "\n\033[1mDrift: names in /etc/hosts\033[0m\n"
				 "  \033[31m-\033[0m 6.6.6.6 \\x1b[2Jbank\n"
				 "  \033[32m+\033[0m 10.60.0.1 hub.corp.wg\n"
				 "\n\033[1mNames:\033[0m 1 to add, 1 to remove.\n");
	j = hosts_diff_json(h);
	text = json_dumps(j, JSON_COMPACT);
	assert_string_equal(text, "{\"file\":\"/etc/hosts\",\"differs\":true,\"drift\":true,\"add\":[\"10.60.0.1 "
				  "hub.corp.wg\"],\"remove\":[\"6.6.6.6 \\\\x1b[2Jbank\"]}");
	free(text);
	json_decref(j);

	/* Only the order: nothing comes or goes, and it is still written. */
	h = hosts_diff(a, "/etc/hosts", span_str(BEGIN "1.1.1.1 a\n2.2.2.2 b\n" END),
		       span_str(BEGIN "2.2.2.2 b\n1.1.1.1 a\n" END));
	buf_reset(&b);
	hosts_diff_text(&b, h, false);
	assert_string_equal(b.p, "\nChange: names in /etc/hosts\n"
				 "  the block is written again: its names stay, its other lines do not\n"
				 "\nNames: 0 to add, 0 to remove.\n");
	buf_free(&b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_block, setup),  cmocka_unit_test_setup(test_bad_names, setup),
	    cmocka_unit_test_setup(test_suffix, setup), cmocka_unit_test_setup(test_replace, setup),
	    cmocka_unit_test_setup(test_broken, setup), cmocka_unit_test_setup(test_diff, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
