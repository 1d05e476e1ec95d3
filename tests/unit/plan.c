/* What people and programs read of a plan. These strings are an interface: changing one is a decision. */
#include "tests/unit/device_states.h"
#include "reconcile/show/plan.h"

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

static void assert_text(const struct plan *p, bool color, const char *expected)
{
	struct buf b = {0};
	assert_non_null(p);
	plan_render_text(&b, p, color);
	assert_false(b.failed);
	assert_string_equal(b.p, expected);
	buf_free(&b);
}

/* Compact, with ' for ", so that it can be read here. */
static void assert_json(const struct plan *p, const char *expected)
{
	assert_non_null(p);
	json_t *j = plan_render_json(p);
	assert_non_null(j);
	char *text = json_dumps(j, JSON_COMPACT);
	for (char *c = text; *c; c++)
		if (*c == '"')
			*c = '\'';
	assert_string_equal(text, expected);
	free(text);
	json_decref(j);
}

static void test_nothing(void **state)
{
	struct arena *a = *state;
	struct device_state *s = state_of(a, "10.60.0.1/32", "10.60.0.0/16");
	assert_text(device_diff(a, s, s, s, NOW), true, "No changes. Interface corp is as the network defines it.\n");
	assert_text(device_teardown(a, absent_state(a)), false, "No changes. Interface corp is not there.\n");
	assert_json(device_diff(a, s, s, s, NOW), "{'format_version':'1.0','interface':'corp',"
						  "'summary':{'add':0,'change':0,'remove':0},'ops':[]}");
}

static void test_new_interface(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.60.64.3/32", "10.60.0.0/16");
	want->peers[0] = peer_of(a, 1, "hub", "10.60.0.1/32,192.168.7.0/24", "[2001:db8::1]:51820", 25);
	want->n_peers = 1;
	want->fwmark = 0x20;
	assert_text(device_diff(a, want, absent_state(a), NULL, NOW), false,
		    "Symbols: + create\n"
		    "\n"
		    "# interface corp will be added\n"
		    "  + interface      corp\n"
		    "  + mtu            1280\n"
		    "  + public key     qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n"
		    "  + listen port    51820\n"
		    "  + fwmark         0x20\n"
		    "  + state          up\n"
		    "\n"
		    "# peer hub will be added\n"
		    "  + public key     AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		    "  + endpoint       [2001:db8::1]:51820\n"
		    "  + keepalive      25s\n"
		    "  + allowed ip     10.60.0.1/32\n"
		    "  + allowed ip     192.168.7.0/24\n"
		    "\n"
		    "# address 10.60.64.3/32 will be added\n"
		    "  + address        10.60.64.3/32\n"
		    "\n"
		    "# route 10.60.0.0/16 will be added\n"
		    "  + route          10.60.0.0/16\n"
		    "\n"
		    "Plan: 4 to add, 0 to change, 0 to remove.\n");
	assert_text(device_teardown(a, want), false,
		    "Symbols: - remove\n"
		    "\n"
		    "# interface corp will be removed\n"
		    "  - interface      corp\n"
		    "\n"
		    "Plan: 0 to add, 0 to change, 1 to remove.\n");
}

/*
 * Another program deleted alice, set a preshared key on bob and added a peer; we removed carol, moved bob and changed
 * the port.
 */
static struct plan *drift_and_change(struct arena *a)
{
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	struct device_state *last = state_of(a, NULL, NULL);
	want->listen_port = 51821;
	want->peers[0] = peer_of(a, 1, "alice", "10.60.64.2/32", NULL, 0);
	want->peers[1] = peer_of(a, 2, "bob", "10.60.64.3/32,192.168.7.0/24", "192.0.2.2:51820", 25);
	want->peers[2] = peer_of(a, 3, "dave", "10.60.64.5/32", NULL, 0);
	want->n_peers = 3;
	have->peers[0] = peer_of(a, 2, NULL, "10.60.64.3/32,192.168.8.0/24", NULL, 0);
	have->peers[1] = peer_of(a, 3, NULL, "10.60.64.5/32", NULL, 15);
	have->peers[2] = peer_of(a, 4, NULL, "10.60.64.4/32", "198.51.100.1:7", 25);
	have->peers[3] = peer_of(a, 5, NULL, "10.60.64.99/32", NULL, 0);
	have->peers[1].has_psk = true;
	have->n_peers = 4;
	last->peers[0] = want->peers[0];
	last->peers[1] = peer_of(a, 2, "bob", "10.60.64.3/32,192.168.8.0/24", NULL, 0);
	last->peers[2] = want->peers[2];
	last->peers[3] = peer_of(a, 4, "carol", "10.60.64.4/32", NULL, 25);
	last->n_peers = 4;
	return device_diff(a, want, have, last, NOW);
}

static void test_drift_and_change(void **state)
{
	assert_text(drift_and_change(*state), false,
		    "Symbols: + create, ~ change in place, - remove\n"
		    "\n"
		    "Drift: another program changed this interface\n"
		    "\n"
		    "# peer BQUFBQUF… (unmanaged) will be removed\n"
		    "  - public key     BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n"
		    "  - allowed ip     10.60.64.99/32\n"
		    "\n"
		    "# peer dave will be changed\n"
		    "  ~ keepalive      15s -> off\n"
		    "  - preshared key  (not shown)\n"
		    "\n"
		    "# peer alice will be added\n"
		    "  + public key     AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
		    "  + allowed ip     10.60.64.2/32\n"
		    "\n"
		    "Change: what the network defines now\n"
		    "\n"
		    "# interface corp will be changed\n"
		    "  ~ listen port    51820 -> 51821\n"
		    "\n"
		    "# peer carol will be removed\n"
		    "  - public key     BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=\n"
		    "  - endpoint       198.51.100.1:7\n"
		    "  - keepalive      25s\n"
		    "  - allowed ip     10.60.64.4/32\n"
		    "\n"
		    "# peer bob will be changed\n"
		    "  ~ endpoint       none -> 192.0.2.2:51820\n"
		    "  ~ keepalive      off -> 25s\n"
		    "  + allowed ip     192.168.7.0/24\n"
		    "  - allowed ip     192.168.8.0/24\n"
		    "\n"
		    "Plan: 1 to add, 3 to change, 2 to remove.\n");
}

static void test_interface_changes(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	have->up = false;
	have->fwmark = 0xca6c;
	have->mtu = 1420;
	have->public_key = key_of(0xbb);
	assert_text(device_diff(a, want, have, want, NOW), false,
		    "Symbols: ~ change in place\n"
		    "\n"
		    "Drift: another program changed this interface\n"
		    "\n"
		    "# interface corp will be changed\n"
		    "  ~ mtu            1420 -> 1280\n"
		    "  ~ public key     u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s= -> "
		    "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n"
		    "  ~ fwmark         0xca6c -> off\n"
		    "  ~ state          down -> up\n"
		    "\n"
		    "Plan: 0 to add, 1 to change, 0 to remove.\n");
	have->has_key = false;
	want->mtu = have->mtu;
	want->fwmark = have->fwmark;
	want->up = false;
	assert_text(device_diff(a, want, have, NULL, NOW), false,
		    "Symbols: ~ change in place\n"
		    "\n"
		    "# interface corp will be changed\n"
		    "  ~ public key     none -> qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo=\n"
		    "\n"
		    "Plan: 0 to add, 1 to change, 0 to remove.\n");
}

static void test_color(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	want->peers[0] = peer_of(a, 2, "bob", "10.60.64.3/32", NULL, 25);
	have->peers[0] = peer_of(a, 2, NULL, "10.60.64.4/32", NULL, 0);
	want->n_peers = have->n_peers = 1;
	assert_text(device_diff(a, want, have, NULL, NOW), true,
		    "Symbols: \033[32m+\033[0m create, \033[33m~\033[0m change in place, \033[31m-\033[0m remove\n"
		    "\n"
		    "\033[1m# peer bob will be changed\033[0m\n"
		    "  \033[33m~\033[0m keepalive      off -> 25s\n"
		    "  \033[32m+\033[0m allowed ip     10.60.64.3/32\n"
		    "  \033[31m-\033[0m allowed ip     10.60.64.4/32\n"
		    "\n"
		    "\033[1mPlan:\033[0m 0 to add, 1 to change, 0 to remove.\n");
}

/* Names were checked where they came in. If one was not, it still reaches no terminal as it is. */
static void test_hostile_name(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, NULL, NULL), *have = state_of(a, NULL, NULL);
	want->peers[0] = peer_of(a, 2, "bob\033[2J\n\\\xff", NULL, NULL, 0);
	want->n_peers = 1;
	assert_text(device_diff(a, want, have, NULL, NOW), false,
		    "Symbols: + create\n"
		    "\n"
		    "# peer bob\\x1b[2J\\x0a\\x5c\\xff will be added\n"
		    "  + public key     AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n"
		    "\n"
		    "Plan: 1 to add, 0 to change, 0 to remove.\n");
	json_t *j = plan_render_json(device_diff(a, want, have, NULL, NOW));
	json_t *op = json_array_get(json_object_get(j, "ops"), 0);
	assert_string_equal(json_string_value(json_object_get(op, "name")), "bob\\x1b[2J\\x0a\\x5c\\xff");
	json_decref(j);
}

static void test_json(void **state)
{
	assert_json(drift_and_change(*state),
		    "{'format_version':'1.0','interface':'corp','summary':{'add':1,'change':3,'remove':2},'ops':["
		    "{'op':'listen-port-set','action':'change','drift':false,"
		    "'listen_port':{'before':51820,'after':51821}},"
		    "{'op':'peer-remove','action':'remove','drift':false,'name':'carol',"
		    "'public_key':'BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=',"
		    "'endpoint':{'before':'198.51.100.1:7','after':null},'keepalive':{'before':25,'after':null},"
		    "'allowed_ips':{'add':[],'remove':['10.60.64.4/32']}},"
		    "{'op':'peer-remove','action':'remove','drift':true,'name':null,"
		    "'public_key':'BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=',"
		    "'allowed_ips':{'add':[],'remove':['10.60.64.99/32']}},"
		    "{'op':'peer-change','action':'change','drift':false,'name':'bob',"
		    "'public_key':'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=',"
		    "'endpoint':{'before':null,'after':'192.0.2.2:51820'},'keepalive':{'before':0,'after':25},"
		    "'allowed_ips':{'add':['192.168.7.0/24'],'remove':['192.168.8.0/24']}},"
		    "{'op':'peer-change','action':'change','drift':true,'name':'dave',"
		    "'public_key':'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=',"
		    "'keepalive':{'before':15,'after':0},'clear_preshared_key':true},"
		    "{'op':'peer-add','action':'add','drift':true,'name':'alice',"
		    "'public_key':'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=',"
		    "'allowed_ips':{'add':['10.60.64.2/32'],'remove':[]}}]}");
}

static void test_json_interface(void **state)
{
	struct arena *a = *state;
	struct device_state *want = state_of(a, "10.60.64.3/32", "10.60.0.0/16");
	want->fwmark = 7;
	assert_json(device_diff(a, want, absent_state(a), NULL, NOW),
		    "{'format_version':'1.0','interface':'corp','summary':{'add':3,'change':0,'remove':0},'ops':["
		    "{'op':'link-add','action':'add','drift':false},"
		    "{'op':'mtu-set','action':'change','drift':false,'mtu':{'before':null,'after':1280}},"
		    "{'op':'key-set','action':'change','drift':false,"
		    "'public_key':{'before':null,'after':'qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo='}},"
		    "{'op':'listen-port-set','action':'change','drift':false,"
		    "'listen_port':{'before':null,'after':51820}},"
		    "{'op':'fwmark-set','action':'change','drift':false,'fwmark':{'before':null,'after':7}},"
		    "{'op':'link-up','action':'change','drift':false},"
		    "{'op':'address-add','action':'add','drift':false,'address':'10.60.64.3/32'},"
		    "{'op':'route-add','action':'add','drift':false,'route':'10.60.0.0/16'}]}");
	assert_json(device_teardown(a, want),
		    "{'format_version':'1.0','interface':'corp','summary':{'add':0,'change':0,'remove':1},'ops':["
		    "{'op':'link-remove','action':'remove','drift':false}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_new_interface, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_drift_and_change, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_interface_changes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_color, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hostile_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_json, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_json_interface, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
