/* What one object can show by itself: one spelling, one order, no more and no less than its kind has. */
#include "reconcile/wire/object.h"
#include "tests/unit/network.h"

#define K           "Lwo8JyGoVGLpnu86vcpIcaYq9ifQpVKbSEkEUEwH10s="
#define L           "ZlI5mQZqM+rWN+tq2VbVQKsQXhV2ymQ5bLbsV/oR1FA="
#define LEAF        "innernet-leaf 1\n"
#define NODE        "innernet-node 1\n"
#define TREE        "innernet-subtree 1\n"
#define KIDS        "innernet-children 1\n"
#define VIEW        "innernet-view 1\nsettings mtu=1280 keepalive=25\n"
#define P(name, ip) "peer " name " " ip " key=" K "\n"

static bool parses(const char *text)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	struct span s = span_str(text);
	struct object_leaf leaf;
	struct object_children children;
	struct object_node node;
	struct object_subtree tree;
	struct object_view view;
	bool good = false;

	switch (object_kind(s)) {
	case OBJECT_LEAF:
		good = leaf_parse(a, s, &leaf, &d) == 0;
		break;
	case OBJECT_CHILDREN:
		good = children_parse(a, s, &children, &d) == 0;
		break;
	case OBJECT_NODE:
		good = node_parse(s, &node, &d) == 0;
		break;
	case OBJECT_SUBTREE:
		good = subtree_parse(a, s, &tree, &d) == 0;
		break;
	case OBJECT_VIEW:
		good = view_parse(a, s, &view, &d) == 0;
		break;
	}
	if (object_kind(s) >= 0)
		assert_int_equal(d.n_errors, !good);
	diags_free(&d);
	arena_free(a);
	return good;
}

static const char *const good[] = {
    LEAF P("a", "10.0.0.1"),
    LEAF P("a", "10.0.0.1,fd00::1") P("b", "10.0.0.2") P("c", "fd00::2"),
    LEAF "peer a 10.0.0.1 invite=" K
	 " endpoint=a.example:1 keepalive=0 routes=10.0.0.0/8,192.168.0.0/24,fd00::/8 server\n",
    LEAF "peer a 10.0.0.1 key=" K " endpoint=[2001:db8::1]:65535 server\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=10.0.0.0/8 via=b\n",
    KIDS "child a 1 " K "\nchild b 2000000 " L "\n",
    NODE "part 10.0.0.0/12 16 " K "\npart 10.16.0.0/12 1 " L "\n",
    NODE "part ::/4 16 " K "\npart f000::/4 1 " L "\n",
    TREE "cidr a 10.0.0.0/8\nown 1 " K "\nchildren 2 " L "\n",
    TREE "cidr a 10.0.0.0/8,fd00::/8\nchildren 2 " L "\n",
    VIEW "cidr a 10.1.0.0/16\nown 1 " K "\n",
    VIEW "cidr a 10.1.0.0/16\nonly b\nancestor c 10.0.0.0/8\nown 1 " K "\nsegment d 10.2.0.0/16 1 " K
	 "\nsegment e 10.3.0.0/16 1 " K "\nsubtree f 2 " L "\nsubtree g 2 " L "\n",
};

static const char *const bad[] = {
    LEAF,
    "innernet-leaf 1",
    "innernet-leaf  1\n",
    "innernet-leaf 1 \n",
    "innernet-leaf 01\n" P("a", "10.0.0.1"),
    LEAF "peer a 10.0.0.1 key=" K,
    LEAF P("a", "10.0.0.1") "\n",
    LEAF P("a", "10.0.0.1") "child b 1 " K "\n",
    "innernet-leaf 1\r\npeer a 10.0.0.1 key=" K "\r\n",
    LEAF "peer a\t10.0.0.1 key=" K "\n",
    LEAF "peer \xc3\xa4 10.0.0.1 key=" K "\n",
    LEAF P("a", "10.0.0.2") P("b", "10.0.0.1"),
    LEAF P("a", "10.0.0.1") P("b", "10.0.0.1"),
    LEAF P("a", "fd00::1,10.0.0.1"),
    LEAF P("a", "10.0.0.1,10.0.0.2"),
    LEAF P("a", "10.0.0.1,"),
    LEAF P("a", "10.0.0.1,fd00::1,fd00::2"),
    LEAF P("a", "fd00:0::1"),
    LEAF P("a", "FD00::1"),
    LEAF P("a", "::ffff:10.0.0.1"),
    LEAF P("a-", "10.0.0.1"),
    LEAF "peer a 10.0.0.1\n",
    LEAF "peer a 10.0.0.1 key=\n",
    LEAF "peer a 10.0.0.1 key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
    LEAF "peer a 10.0.0.1 key=Lwo8JyGoVGLpnu86vcpIcaYq9ifQpVKbSEkEUEwH10t=\n",
    LEAF "peer a 10.0.0.1 key=" K " invite=" K "\n",
    LEAF "peer a 10.0.0.1 key=" K " server endpoint=a.example:1\n",
    LEAF "peer a 10.0.0.1 key=" K " server server\n",
    LEAF "peer a 10.0.0.1 key=" K " endpoint=A.example:1\n",
    LEAF "peer a 10.0.0.1 key=" K " endpoint=a.example.:1\n",
    LEAF "peer a 10.0.0.1 key=" K " endpoint=a.example:01\n",
    LEAF "peer a 10.0.0.1 key=" K " endpoint=[2001:DB8::1]:1\n",
    LEAF "peer a 10.0.0.1 key=" K " keepalive=65536\n",
    LEAF "peer a 10.0.0.1 key=" K " keepalive=007\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=\n",
    LEAF "peer a 10.0.0.1 key=" K " via=\n",
    LEAF "peer a 10.0.0.1 key=" K " via=B\n",
    LEAF "peer a 10.0.0.1 key=" K " via=b server\n",
    LEAF "peer a 10.0.0.1 key=" K " via=b routes=10.0.0.0/8\n",
    LEAF "peer a 10.0.0.1 invite=" K " via=b\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=192.168.0.0/24,10.0.0.0/8\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=10.0.0.0/8,10.0.0.0/8\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=10.0.0.0/8,10.1.0.0/16\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=10.0.0.1/8\n",
    LEAF "peer a 10.0.0.1 key=" K " routes=10.0.0.0/08\n",
    LEAF "peer a 10.0.0.1 key=" K " unknown\n",
    KIDS,
    KIDS "child a 0 " K "\n",
    KIDS "child a 2000001 " K "\n",
    KIDS "child a 1\n",
    KIDS "child a 1 " K " " K "\n",
    NODE "part 10.0.0.0/12 17 " K "\n",
    NODE "part 10.0.0.0/12 8 " K "\npart 10.16.0.0/12 8 " L "\n",
    NODE "part 10.16.0.0/12 16 " K "\npart 10.0.0.0/12 1 " L "\n",
    NODE "part 10.0.0.0/12 16 " K "\npart 10.0.0.0/12 1 " L "\n",
    NODE "part 10.0.0.0/12 16 " K "\npart 10.16.0.0/16 1 " L "\n",
    NODE "part 10.0.0.0/12 16 " K "\npart 11.16.0.0/12 1 " L "\n",
    NODE "part 10.0.0.0/13 16 " K "\npart 10.16.0.0/13 1 " L "\n",
    NODE "part 10.0.0.0/12 2000000 " K "\npart 10.16.0.0/12 1 " L "\n",
    NODE "part ::/0 16 " K "\npart f000::/4 1 " L "\n",
    TREE "cidr a 10.0.0.0/8\n",
    TREE "cidr a 10.0.0.0/8\nown 0 " K "\n",
    TREE "cidr a 10.0.0.0/8\nchildren 2 " L "\nown 1 " K "\n",
    TREE "cidr a fd00::/8,10.0.0.0/8\nown 1 " K "\n",
    TREE "own 1 " K "\n",
    VIEW "cidr a 10.1.0.0/16\n",
    VIEW "cidr a 10.1.0.0/16\nonly b\nown 2 " K "\n",
    VIEW "cidr a 10.1.0.0/16\nown 1 " K "\nown 1 " K "\n",
    VIEW "cidr a 10.1.0.0/16\nown 1 " K "\nsubtree f 2 " L "\nsegment d 10.2.0.0/16 1 " K "\n",
    VIEW "cidr a 10.1.0.0/16\nown 1 " K "\nsegment e 10.3.0.0/16 1 " K "\nsegment d 10.2.0.0/16 1 " K "\n",
    "innernet-view 1\nsettings keepalive=25 mtu=1280\ncidr a 10.1.0.0/16\nown 1 " K "\n",
    "innernet-view 1\nsettings mtu=65536 keepalive=25\ncidr a 10.1.0.0/16\nown 1 " K "\n",
    "innernet-view 1\nsettings mtu=1280 keepalive=25 x=1\ncidr a 10.1.0.0/16\nown 1 " K "\n",
    "innernet-other 1\n",
    "",
};

static void what_is_an_object(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!parses(good[i]))
			fail_msg("refused:\n%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parses(bad[i]))
			fail_msg("taken:\n%s", bad[i]);
}

static void lists_have_an_end(void **state)
{
	struct buf leaf = {0}, children = {0}, routes = {0};
	(void)state;

	buf_str(&leaf, LEAF);
	buf_str(&children, KIDS);
	for (unsigned i = 0; i <= LIST_MAX; i++) {
		assert_true(i == 0 || parses(leaf.p));
		assert_true(i == 0 || parses(children.p));
		buf_printf(&leaf, "peer a%u 10.0.0.%u key=" K "\n", i, i);
		buf_printf(&children, "child a%u 1 " K "\n", i);
	}
	assert_false(parses(leaf.p));
	assert_false(parses(children.p));
	for (unsigned i = 0; i <= ROUTES_MAX; i++)
		buf_printf(&routes, "%s10.%u.%u.0/24", i ? "," : LEAF "peer a 10.0.0.1 key=" K " routes=", i >> 8,
			   i & 255);
	buf_str(&routes, "\n");
	assert_false(parses(routes.p));
	buf_free(&leaf);
	buf_free(&children);
	buf_free(&routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_an_object),
	    cmocka_unit_test(lists_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
