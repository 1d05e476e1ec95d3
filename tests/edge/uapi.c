/* WireGuard's userspace protocol: replies taken apart, whole or in pieces, good or not; transactions as they are written. */
#include "reconcile/edge/device/uapi.h"
#include "tests/unit/device_states.h"
#include <errno.h>
#include <stdio.h>

#define HEX_01 "0101010101010101010101010101010101010101010101010101010101010101"
#define HEX_02 "0202020202020202020202020202020202020202020202020202020202020202"
#define HEX_00 "0000000000000000000000000000000000000000000000000000000000000000"

static const char whole[] = "private_key=" HEX_01 "\nlisten_port=51820\nfwmark=77\n"
			    "public_key=" HEX_02 "\npreshared_key=" HEX_01 "\nprotocol_version=1\n"
			    "endpoint=192.0.2.1:5555\nlast_handshake_time_sec=1700000000\nlast_handshake_time_nsec=5\n"
			    "tx_bytes=18446744073709551615\nrx_bytes=7\npersistent_keepalive_interval=25\n"
			    "allowed_ip=10.60.0.9/32\nallowed_ip=10.60.0.2/32\nallowed_ip=10.60.0.77/24\n"
			    "public_key=" HEX_01 "\npreshared_key=" HEX_00 "\nendpoint=[fe80::1%3]:9\n"
			    "allowed_ip=fd00:60::/64\nnew_thing=1\nerrno=0\n\n";

/* Feeds `step` bytes at a time. Exactly the first error, or 0. */
static int feed(struct device_build *b, const char *text, size_t n, size_t step, struct uapi_reply *r)
{
	memset(r, 0, sizeof(*r));
	r->build = b;
	for (size_t at = 0; at < n; at += step) {
		int err = uapi_reply_feed(r, text + at, n - at < step ? n - at : step);

		if (err < 0)
			return err;
	}
	return 0;
}

static void a_whole_reply(void **state)
{
	(void)state;
	for (size_t step = 1; step <= sizeof(whole); step += 7) {
		struct arena *a = arena_new();
		struct device_build b = {0};
		struct device_state s = {0};
		struct uapi_reply r;
		struct key self, private_key = key_of(1);
		char text[SOCKPOINT_STR_LEN];

		assert_int_equal(feed(&b, whole, sizeof(whole) - 1, step, &r), 0);
		assert_true(r.done);
		assert_int_equal(r.error, 0);
		assert_int_equal(device_build_finish(&b, a, &s), 0);
		x25519_public(private_key.b, &self);
		assert_true(s.has_key);
		assert_memory_equal(&s.public_key, &self, sizeof(self));
		assert_int_equal(s.listen_port, 51820);
		assert_int_equal(s.fwmark, 77);
		assert_int_equal(s.n_peers, 2);
		/* Sorted by key: 01.. was the second. */
		assert_false(s.peers[0].has_psk);
		sockpoint_format(&s.peers[0].endpoint, text);
		assert_string_equal(text, "[fe80::1%3]:9");
		assert_true(s.peers[1].has_psk);
		assert_int_equal(s.peers[1].handshake, 1700000000);
		assert_int_equal(s.peers[1].tx, UINT64_MAX);
		assert_int_equal(s.peers[1].rx, 7);
		assert_int_equal(s.peers[1].keepalive, 25);
		assert_int_equal(s.peers[1].n_allowed, 3);
		prefix_format(&s.peers[1].allowed[0], text);
		assert_string_equal(text, "10.60.0.0/24");
		device_build_free(&b);
		arena_free(a);
	}
}

static void a_cut_one_is_never_done(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		struct device_build b = {0};
		struct uapi_reply r;

		assert_int_equal(feed(&b, whole, n, 64, &r), 0);
		assert_false(r.done);
		device_build_free(&b);
	}
}

static void what_makes_no_sense(void **state)
{
	static const char *const bad[] = {
	    "private_key=01\n",
	    "private_key=" HEX_01 "01\n",
	    "private_key=zz01010101010101010101010101010101010101010101010101010101010101\n",
	    "listen_port=65536\n",
	    "listen_port=-1\n",
	    "listen_port=\n",
	    "listen_port=1x\n",
	    "listen_port= 1\n",
	    "fwmark=4294967296\n",
	    "nonsense\n",
	    "\n",
	    "public_key=" HEX_01 "\nallowed_ip=10.0.0.0\n",
	    "public_key=" HEX_01 "\nallowed_ip=10.0.0.0/33\n",
	    "public_key=" HEX_01 "\npersistent_keepalive_interval=65536\n",
	    "public_key=" HEX_01 "\nrx_bytes=18446744073709551616\n",
	    "public_key=" HEX_01 "\nlast_handshake_time_sec=9223372036854775808\n",
	    "public_key=" HEX_01 "\npublic_key=" HEX_01 "\n",
	    "public_key=" HEX_01 "\npreshared_key=1\n",
	    "errno=x\n",
	    "errno=99999\n",
	    "errno=0\nlisten_port=1\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct device_build b = {0};
		struct uapi_reply r;

		if (feed(&b, bad[i], strlen(bad[i]), 1, &r) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
		device_build_free(&b);
	}
	{
		static const char nul[] = "listen_port=1\0\n";
		char line[2 * UAPI_LINE_MAX];
		struct uapi_reply r = {0};

		assert_int_equal(uapi_reply_feed(&r, nul, sizeof(nul) - 1), -EBADMSG);
		memset(line, 'a', sizeof(line));
		memset(&r, 0, sizeof(r));
		assert_int_equal(uapi_reply_feed(&r, line, sizeof(line)), -EBADMSG);
	}
}

static void peers_twice_are_not_one_moment(void **state)
{
	static const char text[] = "public_key=" HEX_01 "\npublic_key=" HEX_02 "\npublic_key=" HEX_01 "\nerrno=0\n\n";
	struct arena *a = arena_new();
	struct device_build b = {0};
	struct device_state s = {0};
	struct uapi_reply r;

	(void)state;
	assert_int_equal(feed(&b, text, sizeof(text) - 1, 1000, &r), 0);
	assert_int_equal(device_build_finish(&b, a, &s), -EAGAIN);
	device_build_free(&b);
	arena_free(a);
}

static void errors_of_either_sign(void **state)
{
	struct uapi_reply r = {0};

	(void)state;
	assert_int_equal(uapi_reply_feed(&r, "errno=-98\n\n", 11), 0);
	assert_true(r.done);
	assert_int_equal(r.error, -EADDRINUSE);
	memset(&r, 0, sizeof(r));
	assert_int_equal(uapi_reply_feed(&r, "errno=98\n\n", 10), 0);
	assert_int_equal(r.error, -EADDRINUSE);
	/* The reply to a set has nothing else. */
	memset(&r, 0, sizeof(r));
	assert_int_equal(uapi_reply_feed(&r, "listen_port=1\n", 14), -EBADMSG);
}

struct written {
	struct buf text;
	unsigned n;
	size_t longest;
};

static int collect(void *ctx, const char *text, size_t n)
{
	struct written *w = ctx;

	buf_add(&w->text, text, n);
	w->n++;
	if (n > w->longest)
		w->longest = n;
	return 0;
}

static void a_plan_as_text(void **state)
{
	struct arena *a = arena_new();
	struct device_peer removed = peer_of(a, 1, NULL, "10.0.0.1/32", NULL, 0);
	struct device_peer before = peer_of(a, 2, NULL, "10.0.0.2/32", NULL, 25);
	struct device_peer after = peer_of(a, 2, NULL, "10.0.0.2/32,10.0.0.3/32", NULL, 0);
	struct device_peer added = peer_of(a, 1, NULL, "fd00::1/128", "[2001:db8::1]:7", 15);
	const struct op ops[] = {
	    {.kind = OP_KEY_SET},
	    {.kind = OP_PORT_SET, .new_value = 51820},
	    {.kind = OP_PEER_REMOVE, .before = &removed},
	    {.kind = OP_PEER_CHANGE, .before = &before, .after = &after, .set_keepalive = true},
	    {.kind = OP_PEER_CHANGE, .before = &before, .after = &after, .set_allowed = true, .clear_psk = true},
	    {.kind = OP_PEER_ADD, .after = &added},
	};
	struct key private_key = key_of(2);
	struct written w = {0};

	(void)state;
	assert_int_equal(uapi_write(ops, 6, private_key.b, collect, &w), 0);
	assert_string_equal(w.text.p,
			    "set=1\nprivate_key=" HEX_02 "\n\n"
			    "set=1\nlisten_port=51820\n"
			    "public_key=" HEX_01 "\nupdate_only=true\nremove=true\n"
			    "public_key=" HEX_02 "\nupdate_only=true\npersistent_keepalive_interval=0\n"
			    "public_key=" HEX_02 "\nupdate_only=true\npreshared_key=" HEX_00 "\n"
			    "persistent_keepalive_interval=0\n"
			    "replace_allowed_ips=true\nallowed_ip=10.0.0.2/32\nallowed_ip=10.0.0.3/32\n"
			    "public_key=" HEX_01 "\nendpoint=[2001:db8::1]:7\n"
			    "persistent_keepalive_interval=15\nreplace_allowed_ips=true\nallowed_ip=fd00::1/128\n\n");
	/* A plan that sets a key, without one. */
	assert_int_equal(uapi_write(ops, 1, NULL, collect, &w), -EINVAL);
	buf_free(&w.text);
	arena_free(a);
}

/* What is not WireGuard's is refused: the table says which these are. */
static void the_operations_of_the_table(void **state)
{
	struct arena *a = arena_new();
	struct device_peer p = peer_of(a, 1, NULL, "10.0.0.1/32", "192.0.2.1:5", 25);
	struct key private_key = key_of(2);

	(void)state;
	for (int k = 0; k < N_OP_KINDS; k++) {
		struct op op = {.kind = (enum op_kind)k, .before = &p, .after = &p};
		struct written w = {0};

		assert_int_equal(uapi_write(&op, 1, private_key.b, collect, &w),
				 op_rows[k].backend == BY_WIREGUARD ? 0 : -EINVAL);
		buf_free(&w.text);
	}
	arena_free(a);
}

static void many_are_split(void **state)
{
	struct arena *a = arena_new();
	struct device_peer p = {.key = key_of(1), .n_allowed = 5000};
	struct op op = {.kind = OP_PEER_ADD, .after = &p};
	struct written w = {0};
	size_t allowed = 0, replace = 0;

	(void)state;
	p.allowed = arena_array(a, p.n_allowed, sizeof(*p.allowed));
	for (uint32_t i = 0; i < p.n_allowed; i++) {
		struct addr at = {.b = {0xfd, [14] = (uint8_t)(i >> 8), [15] = (uint8_t)i}};

		p.allowed[i] = prefix_host(&at);
	}
	assert_int_equal(uapi_write(&op, 1, NULL, collect, &w), 0);
	assert_in_range(w.n, 2, 20);
	assert_in_range(w.longest, 1, NETLINK_MESSAGE);
	for (const char *s = w.text.p; (s = strstr(s, "allowed_ip=")); s++)
		allowed++;
	for (const char *s = w.text.p; (s = strstr(s, "replace_allowed_ips=")); s++)
		replace++;
	assert_int_equal(allowed, 5000);
	assert_int_equal(replace, 1);
	buf_free(&w.text);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_whole_reply),         cmocka_unit_test(a_cut_one_is_never_done),
	    cmocka_unit_test(what_makes_no_sense),   cmocka_unit_test(peers_twice_are_not_one_moment),
	    cmocka_unit_test(errors_of_either_sign), cmocka_unit_test(a_plan_as_text),
	    cmocka_unit_test(many_are_split),        cmocka_unit_test(the_operations_of_the_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
