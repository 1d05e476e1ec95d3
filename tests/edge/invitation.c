/* Invitations: what is written is read again; anything else is refused with its place and without the secret. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/invitation.h"
#include "tests/cmocka.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

static const char good[] = "version: 1\n"
			   "network: corp\n"
			   "id: 3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=\n"
			   "name: bob\n"
			   "addresses:\n"
			   "- 10.60.64.3\n"
			   "- fd00:60::3\n"
			   "cidrs:\n"
			   "- 10.60.0.0/16\n"
			   "- fd00:60::/48\n"
			   "signers:\n"
			   "- ed25519:ra6GX2U5jKtvWXfRgVyqvGYEsv6NdexFW3v1VKRW+V4=\n"
			   "threshold: 1\n"
			   "online:\n"
			   "- ed25519:ra6GX2U5jKtvWXfRgVyqvGYEsv6NdexFW3v1VKRW+V4=\n"
			   "floor:\n"
			   "  epoch: 0\n"
			   "  number: 7\n"
			   "servers:\n"
			   "- name: hub\n"
			   "  public_key: IUH7OWvMYv9fqPwy9FqSnxIZsKdUsEIi0lJ6aDaTnQo=\n"
			   "  addresses:\n"
			   "  - 10.60.0.1\n"
			   "  endpoint: vpn.example.com:51820\n"
			   "mtu: 1280\n"
			   "keepalive: 25\n"
			   "expires: 1796558400\n"
			   "seed: " SEED "\n";

/* `good` with the first `from` replaced; the caller frees. */
static char *changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	struct buf b = {0};

	assert_non_null(at);
	buf_add(&b, good, (size_t)(at - good));
	buf_str(&b, to);
	buf_str(&b, at + strlen(from));
	assert_false(b.failed);
	return b.p;
}

static void test_round_trip(void **state)
{
	struct diags d = {0};
	struct invitation *inv = NULL, *again = NULL;
	struct buf b = {0};

	(void)state;
	assert_int_equal(invitation_parse(span_str(good), "bob.yaml", &inv, &d), 0);
	assert_string_equal(inv->m.network, "corp");
	assert_string_equal(inv->m.name, "bob");
	assert_int_equal(inv->m.n_ips, 2);
	assert_int_equal(inv->m.floor.number, 7);
	assert_string_equal(inv->m.servers[0].endpoint, "vpn.example.com:51820");
	assert_memory_equal(inv->seed, "01234567890123456789012345678901", KEY_LEN);
	assert_int_equal(inv->expires, 1796558400);

	assert_int_equal(invitation_emit(inv, &b, &d), 0);
	assert_non_null(strstr(b.p, good)); /* after the comment: the same text, byte for byte */
	assert_int_equal(invitation_parse(buf_span(&b), "bob.yaml", &again, &d), 0);
	assert_memory_equal(&inv->m, &again->m, sizeof(inv->m));
	assert_true(key_eq(&inv->invite, &again->invite));
	assert_int_equal(d.n_errors, 0);
	invitation_free(inv);
	invitation_free(again);
	buf_wipe(&b);
	diags_free(&d);
}

#define NOT_A_NETWORK "bob.yaml: 'network' must be a host name of at most 15 characters, and not lo, all or default"

/* What is changed in the good one, and what a person then reads. */
static const struct {
	const char *from, *to, *message;
	unsigned line;
} wrong[] = {
    {"version: 1", "version: 2", "bob.yaml: 'version' must be 1: another one needs another version of innernet", 0},
    {"version: 1", "version: 01", "bob.yaml: 'version' must be 1: another one needs another version of innernet", 0},
    {"mtu: 1280", "mtu: 1280x", "bob.yaml: 'mtu' must be a whole number from 1280 to 65535", 0},
    {"mtu: 1280", "mtu: 0x500", "bob.yaml: 'mtu' must be a whole number from 1280 to 65535", 0},
    {"mtu: 1280", "mtu: -1280", "bob.yaml: 'mtu' must be a whole number from 1280 to 65535", 0},
    {"mtu: 1280", "mtu: 18446744073709551617", "bob.yaml: 'mtu' must be a whole number from 1280 to 65535", 0},
    {"network: corp", "network: a-network-too-long", NOT_A_NETWORK, 0},
    {"network: corp", "network: lo", NOT_A_NETWORK, 0},
    {"network: corp", "network: all", NOT_A_NETWORK, 0},
    {"network: corp", "network: default", NOT_A_NETWORK, 0},
    {"- 10.60.0.0/16", "- 0.0.0.0/0", "bob.yaml: 'cidrs' must not be all addresses of a family", 0},
    {"- fd00:60::/48", "- \"::/0\"", "bob.yaml: 'cidrs' must not be all addresses of a family", 0},
    {"name: bob", "name: \"bob\\n127.0.0.1\"",
     "bob.yaml: 'name' must be a host name: lower case letters, digits and hyphens", 0},
    {"- 10.60.64.3", "- 10.61.64.3", "bob.yaml: 'addresses' must be inside the network", 0},
    {"- 10.60.64.3\n- fd00:60::3", "- 10.60.64.3\n- 10.60.64.4",
     "bob.yaml: 'addresses' must have at most one address of each family", 0},
    {"threshold: 1", "threshold: 2", "bob.yaml: 'threshold' must be a whole number from 1 to 1", 0},
    {"IUH7OWvMYv9fqPwy9FqSnxIZsKdUsEIi0lJ6aDaTnQo=", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
     "bob.yaml: 'servers: public_key' is not a key that a handshake can be done with", 0},
    {"vpn.example.com:51820", "vpn.example.com", "bob.yaml: 'servers: endpoint' must be host:port", 0},
    {SEED, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MD",
     "bob.yaml: 'seed' must be 32 secret bytes in canonical base64 (it is not shown here)", 0},
    {"keepalive: 25\n", "keepalive: 25\ncolour: red\n", "bob.yaml cannot be used: unknown key 'colour'", 26},
    {"mtu: 1280\n", "", "bob.yaml cannot be used: this key is missing: 'mtu'", 0},
    {"mtu: 1280\n", "mtu: 1280\nmtu: 1281\n", "bob.yaml cannot be used: this key is there twice: 'mtu'", 25},
    {"name: bob", "name: &a bob", NULL, 0}, /* an anchor alone says nothing */
    {"name: bob\naddresses", "name: *network\naddresses",
     "bob.yaml cannot be used: aliases are not allowed (at 'name')", 4},
    {"seed: ", "---\nseed: ", "bob.yaml cannot be used: it must be one document, without '---' and '...'", 0},
    {"name: bob", "name: [bob]", "bob.yaml cannot be used: a value of another kind is needed here (at 'name')", 4},
    {"name: bob", "name: \xff", "bob.yaml cannot be used: it is not UTF-8", 0},
    {"name: bob", "name: \"bob", "bob.yaml cannot be used: not YAML: found unexpected end of stream (at 'name')", 4},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = changed(wrong[i].from, wrong[i].to);
		struct diags d = {0};
		struct invitation *inv = NULL;
		int r = invitation_parse(span_str(text), "bob.yaml", &inv, &d);

		if (wrong[i].message) {
			assert_int_equal(r, -1);
			assert_null(inv);
			assert_true(d.n_errors >= 1);
			assert_string_equal(d.first->code, "bad-invitation");
			assert_string_equal(d.first->message, wrong[i].message);
			assert_int_equal(d.first->at.line, wrong[i].line);
		}
		for (struct diag *g = d.first; g; g = g->next)
			assert_null(strstr(g->message, "MDEyMzQ1"));
		invitation_free(inv);
		diags_free(&d);
		free(text);
	}
}

/* Every truncation is refused or means less, and none shows the seed. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(good) - 1; n += 7) {
		struct diags d = {0};
		struct invitation *inv = NULL;

		assert_int_equal(invitation_parse((struct span){(const uint8_t *)good, n}, "t", &inv, &d), -1);
		assert_true(d.n_errors > 0);
		for (struct diag *g = d.first; g; g = g->next)
			assert_null(strstr(g->message, "MDEyMzQ1"));
		diags_free(&d);
	}
}

static void test_files(void **state)
{
	char dir[] = "/tmp/innernet-test.XXXXXX", path[64];
	struct diags d = {0};
	struct invitation *inv = NULL, *again = NULL;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/bob.yaml", dir);
	assert_int_equal(invitation_parse(span_str(good), "bob.yaml", &inv, &d), 0);
	assert_int_equal(invitation_write(path, inv, &d), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(d.n_errors, 0);

	assert_int_equal(invitation_write(path, inv, &d), -1);
	assert_string_equal(d.first->code, "file-exists");
	diags_free(&d);
	d = (struct diags){0};

	assert_int_equal(invitation_read(path, &again, &d), 0);
	assert_memory_equal(&inv->m, &again->m, sizeof(inv->m));
	invitation_free(again);

	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(invitation_read(path, &again, &d), -1);
	assert_string_equal(d.first->code, "file-permissions");
	assert_null(again);
	invitation_free(inv);
	diags_free(&d);
	unlink(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_files),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
