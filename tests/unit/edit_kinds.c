/* Each kind of edit on files in many styles: the exact bytes; and what is refused, or so already. */
#include "schema/edit_row.h"
#include "tests/cmocka.h"

#include <string.h>

#define KEY    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define INVITE "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void apply(const struct edit *e, const char *before, const char *after)
{
	struct span in = span_str(before);
	struct buf out = {0};
	struct diags d = {0};
	assert_int_equal(edit_apply(e, &in, 1, &out, &d), 0);
	assert_string_equal(out.p, after);
	assert_int_equal(d.n_errors, 0);
	buf_free(&out);
	diags_free(&d);
}

/* There, and back to the same bytes. */
static void both(const struct edit *e, const struct edit *back, const char *before, const char *after)
{
	apply(e, before, after);
	apply(back, after, before);
}

static void refused(const struct edit *e, const char *before, const char *expected)
{
	struct span in = span_str(before);
	struct buf out = {0}, text = {0};
	struct diags d = {0};
	assert_int_equal(edit_apply(e, &in, 1, &out, &d), -1);
	assert_int_equal(out.n, 0);
	diags_render_human(&text, &d, NULL, false);
	assert_string_equal(text.p, expected);
	buf_free(&out);
	buf_free(&text);
	diags_free(&d);
}

static const struct edit disable = {.kind = EDIT_DISABLE_PEER, .name = "bob"};
static const struct edit enable = {.kind = EDIT_ENABLE_PEER, .name = "bob"};

static void test_disable(void **state)
{
	(void)state;
	both(&disable, &enable, "peers:\n  bob: { ip: 1 } # x\n  eve: {}\n",
	     "peers:\n  bob: { ip: 1, disabled: true } # x\n  eve: {}\n");
	both(&disable, &enable, "peers:\n  bob: {ip: 1,}\n", "peers:\n  bob: {ip: 1, disabled: true,}\n");
	/* After its last line and the comments that are its own; the next peer's stay with it. */
	both(&disable, &enable, "peers:\r\n  bob:\r\n    ip: 1\r\n    # note\r\n  # eve's\r\n  eve: {}",
	     "peers:\r\n  bob:\r\n    ip: 1\r\n    # note\r\n    disabled: true\r\n  # eve's\r\n  eve: {}");
	both(&disable, &enable, "peers:\n  bob:\n      ip: 1", "peers:\n  bob:\n      ip: 1\n      disabled: true");
	both(&disable, &enable, "{\"peers\": {\"bob\": {\"ip\": \"1\"}}}",
	     "{\"peers\": {\"bob\": {\"ip\": \"1\", \"disabled\": true}}}");
	both(&disable, &enable, "peers: {\n  bob: {\n    ip: 1, # here\n    admin: true # and here\n  }\n}\n",
	     "peers: {\n  bob: {\n    ip: 1, # here\n    admin: true, # and here\n    disabled: true\n  }\n}\n");
	apply(&disable, "peers:\n  bob: { disabled: false, ip: 1 }\n", "peers:\n  bob: { disabled: true, ip: 1 }\n");
	/* Wherever it stands, with its comma. */
	apply(&enable, "peers:\n  bob: { disabled: true, ip: 1 }\n", "peers:\n  bob: { ip: 1 }\n");
	apply(&enable, "peers:\n  bob: {ip: 1, disabled: true, admin: true}\n",
	      "peers:\n  bob: {ip: 1, admin: true}\n");
	apply(&enable, "peers:\n  bob: {\n    ip: 1,\n    disabled: true, # on leave\n    admin: true }\n",
	      "peers:\n  bob: {\n    ip: 1,\n    admin: true }\n");
	apply(&enable, "peers:\n  bob:\n    disabled: true # on leave\n      # until May\n    # the one\n    ip: 1\n",
	      "peers:\n  bob:\n    # the one\n    ip: 1\n");
}

static const struct edit rename_bob = {.kind = EDIT_RENAME_PEER, .name = "bob", .other = "robert"};
static const struct edit rename_back = {.kind = EDIT_RENAME_PEER, .name = "robert", .other = "bob"};

static void test_rename(void **state)
{
	(void)state;
	/* Values stay in their column, texts that are no names stay, tests follow. */
	both(&rename_bob, &rename_back,
	     "peers:\n  hub:       { ip: 1, description: bob }\n  bob:       { ip: 2 }\n"
	     "tests:\n  - { from: bob, can_reach: [hub, \"bob\"], cannot_reach: 'bob' } # bob\n",
	     "peers:\n  hub:       { ip: 1, description: bob }\n  robert:    { ip: 2 }\n"
	     "tests:\n  - { from: robert, can_reach: [hub, \"robert\"], cannot_reach: 'robert' } # bob\n");
	/* No table, no spaces; one that is too narrow is left. */
	both(&rename_bob, &rename_back, "peers:\n  bob: {}\n  hub: {}\n", "peers:\n  robert: {}\n  hub: {}\n");
	both(&rename_bob, &rename_back, "peers:\n  bob:  {}\n  a:    {}\n  abc:  {}\n",
	     "peers:\n  robert:  {}\n  a:    {}\n  abc:  {}\n");
	both(&rename_bob, &rename_back, "peers:\n  bob:\n    ip: 1\ntests:\n- from:\n  - bob\n  can_reach:\n  - hub\n",
	     "peers:\n  robert:\n    ip: 1\ntests:\n- from:\n  - robert\n  can_reach:\n  - hub\n");
	struct edit odd = {.kind = EDIT_RENAME_PEER, .name = "bob", .other = "no"};
	struct edit back = {.kind = EDIT_RENAME_PEER, .name = "no", .other = "bob"};
	both(&odd, &back, "peers: {bob: {}, eve: {}}\n", "peers: {\"no\": {}, eve: {}}\n");
	both(&odd, &back, "peers: {\"bob\": {}, \"eve\": {}}\n", "peers: {\"no\": {}, \"eve\": {}}\n");
	struct edit cidr = {.kind = EDIT_RENAME_CIDR, .name = "ops", .other = "operations"};
	struct edit cidr_back = {.kind = EDIT_RENAME_CIDR, .name = "operations", .other = "ops"};
	both(&cidr, &cidr_back,
	     "cidrs:\n  ops: 10.0.0.0/8\n  dev: {cidr: 1}\nassociations:\n  - [ops, ops]\n  - - dev\n    - ops\n"
	     "peers: {ops2: {}}\ntests: [{from: ops, can_reach: ops}]\n",
	     "cidrs:\n  operations: 10.0.0.0/8\n  dev: {cidr: 1}\nassociations:\n  - [operations, operations]\n  - - "
	     "dev\n"
	     "    - operations\npeers: {ops2: {}}\ntests: [{from: operations, can_reach: operations}]\n");
	refused(&rename_bob, "peers:\n  bob: {}\ntests:\n  - from: |-\n      bob\n    can_reach: hub\n",
		"error[edit-style]: this cannot be edited as it is written: it is not a word on one line\n"
		"  help: write one member a line, as in `bob: { ip: 10.60.64.3 }`, or edit it by hand\n");
}

static void test_files(void **state)
{
	(void)state;
	/* The file that defines it, and all that speak of it; the other files stay. */
	struct span in[] = {SPAN("include: [a, b]\ntests:\n  - { from: bob, can_reach: x }\n"),
			    SPAN("peers:\n  bob: {}\n"), SPAN("peers:\n  eve: {}\n")};
	struct buf out[3] = {{0}};
	struct diags d = {0};
	assert_int_equal(edit_apply(&rename_bob, in, 3, out, &d), 0);
	assert_string_equal(out[0].p, "include: [a, b]\ntests:\n  - { from: robert, can_reach: x }\n");
	assert_string_equal(out[1].p, "peers:\n  robert: {}\n");
	assert_null(out[2].p);
	for (int i = 0; i < 3; i++)
		buf_free(&out[i]);
	struct edit delete = {.kind = EDIT_DELETE_PEER, .name = "eve"};
	memset(out, 0, sizeof(out));
	assert_int_equal(edit_apply(&delete, in, 3, out, &d), 0);
	assert_null(out[0].p);
	assert_string_equal(out[2].p, "peers:\n");
	buf_free(&out[2]);
	diags_free(&d);
}

static void test_delete(void **state)
{
	(void)state;
	struct edit e = {.kind = EDIT_DELETE_PEER, .name = "bob"};
	/* With what is its own: the comment on its line, and those below it that are indented deeper. */
	apply(&e, "peers:\n  # hub\n  hub: {}\n  # who is bob?\n  bob: {} # that is\n    # bob\n  # eve\n  eve: {}\n",
	      "peers:\n  # hub\n  hub: {}\n  # who is bob?\n  # eve\n  eve: {}\n");
	apply(&e, "peers:\n  hub: {}\n  bob:\n    ip: 1\n\n    admin: true\n\ntests: []\n",
	      "peers:\n  hub: {}\n\ntests: []\n");
	apply(&e, "peers:\n  hub: {}\n  bob: {}", "peers:\n  hub: {}");
	apply(&e, "peers: {bob: {}, hub: {}}\n", "peers: {hub: {}}\n");
	apply(&e, "peers: { hub: {}, bob: {} }\n", "peers: { hub: {} }\n");
	apply(&e, "peers: { hub: {}, bob: {}, }\n", "peers: { hub: {}, }\n");
	apply(&e, "peers: {\n  hub: {}, # x\n  # y\n  bob: {}}\n", "peers: {\n  hub: {} # x\n  # y\n  }\n");
}

static void test_delete_refused(void **state)
{
	(void)state;
	struct edit e = {.kind = EDIT_DELETE_PEER, .name = "bob"};
	refused(&e, "peers:\n  hub: {}\n  ? bob\n  : {}\n",
		"error[edit-style]: this cannot be edited as it is written: it does not start its line\n"
		"  help: write one member a line, as in `bob: { ip: 10.60.64.3 }`, or edit it by hand\n");
}

static void test_cidr(void **state)
{
	(void)state;
	struct edit add = {.kind = EDIT_ADD_CIDR, .name = "ops", .cidr = {.n_prefixes = 1}};
	struct edit delete = {.kind = EDIT_DELETE_CIDR, .name = "ops"};
	assert_int_equal(prefix_parse("10.60.9.0/24", 12, &add.cidr.prefix[0]), 0);
	both(&add, &delete, "cidrs:\n  infra:   10.60.0.0/24\n  dev:     10.60.1.0/24 # x\n\npeers: {}\n",
	     "cidrs:\n  infra:   10.60.0.0/24\n  dev:     10.60.1.0/24 # x\n  ops:     10.60.9.0/24\n\npeers: {}\n");
	both(&add, &delete, "cidrs:\n    dev:\n        cidr: 10.60.1.0/24\n",
	     "cidrs:\n    dev:\n        cidr: 10.60.1.0/24\n    ops:\n        cidr: 10.60.9.0/24\n");
	both(&add, &delete, "{\"cidrs\": {\"a\": \"10.60.1.0/24\"}}\n",
	     "{\"cidrs\": {\"a\": \"10.60.1.0/24\", \"ops\": \"10.60.9.0/24\"}}\n");
	both(&add, &delete, "cidrs: {} # none\n", "cidrs: {ops: 10.60.9.0/24} # none\n");
	both(&add, &delete, "network: x\n", "network: x\ncidrs:\n  ops: 10.60.9.0/24\n");
	both(&add, &delete, "network: x\n\npeers:\n    a: {}\n",
	     "network: x\n\npeers:\n    a: {}\n\ncidrs:\n    ops: 10.60.9.0/24\n");
	both(&add, &delete, "cidrs: # to come\npeers: {}\n", "cidrs: # to come\n  ops: 10.60.9.0/24\npeers: {}\n");
	both(&add, &delete, "cidrs:\n  # to come\npeers: {}\n",
	     "cidrs:\n  # to come\n  ops: 10.60.9.0/24\npeers: {}\n");
	add.cidr.isolated = true;
	add.cidr.description = "#1";
	add.cidr.n_prefixes = 2;
	assert_int_equal(prefix_parse("fd00:9::/48", 11, &add.cidr.prefix[1]), 0);
	both(&add, &delete, "cidrs:\n  a: 10.60.1.0/24\n",
	     "cidrs:\n  a: 10.60.1.0/24\n  ops: { cidr: [10.60.9.0/24, \"fd00:9::/48\"], isolated: true, description: "
	     "\"#1\" }\n");
}

static void test_association(void **state)
{
	(void)state;
	struct edit add = {.kind = EDIT_ADD_ASSOCIATION, .name = "a", .other = "b"};
	struct edit delete = {.kind = EDIT_DELETE_ASSOCIATION, .name = "b", .other = "a"};
	both(&add, &delete, "associations:\n- [x, y] # z\n\npeers: {}\n",
	     "associations:\n- [x, y] # z\n- [a, b]\n\npeers: {}\n");
	both(&add, &delete, "associations:\n    -   [ x, y ]", "associations:\n    -   [ x, y ]\n    -   [ a, b ]");
	both(&add, &delete, "associations:\n  - - x\n    - y\n", "associations:\n  - - x\n    - y\n  - [a, b]\n");
	both(&add, &delete, "associations: [[x, y]]\n", "associations: [[x, y], [a, b]]\n");
	both(&add, &delete, "associations: [\n  [x, y], # z\n  [\"x\", \"z\"]\n]\n",
	     "associations: [\n  [x, y], # z\n  [\"x\", \"z\"],\n  [\"a\", \"b\"]\n]\n");
	both(&add, &delete, "associations: []\n", "associations: [[a, b]]\n");
	both(&add, &delete, "associations:\npeers: {}\n", "associations:\n  - [a, b]\npeers: {}\n");
	both(&add, &delete, "peers: {}\r\n# end\r\n", "peers: {}\r\n# end\r\nassociations:\r\n  - [a, b]\r\n");
	both(&add, &delete, "{\"peers\": {}}", "{\"peers\": {}, \"associations\": [ [ \"a\", \"b\" ] ]}");
	apply(&delete, "associations:\n  - [x, y]\n  # why\n  - [a, b]\n  - [y, z]\n",
	      "associations:\n  - [x, y]\n  # why\n  - [y, z]\n");
}

static void test_endpoint(void **state)
{
	(void)state;
	struct edit set = {.kind = EDIT_SET_ENDPOINT, .name = "bob", .endpoint = "h.example:2"};
	struct edit unset = {.kind = EDIT_SET_ENDPOINT, .name = "bob"};
	both(&set, &unset, "peers:\n  bob: { ip: 1 }\n", "peers:\n  bob: { ip: 1, endpoint: \"h.example:2\" }\n");
	apply(&set, "peers:\n  bob: { endpoint: g.example:1, ip: 1 }\n",
	      "peers:\n  bob: { endpoint: h.example:2, ip: 1 }\n");
	apply(&set, "peers:\n  bob: { endpoint: 'g.example:1', ip: 1 }\n",
	      "peers:\n  bob: { endpoint: 'h.example:2', ip: 1 }\n");
	set.endpoint = "[2001:db8::1]:2";
	apply(&set, "peers:\n  bob:\n    endpoint: g.example:1 # x\n",
	      "peers:\n  bob:\n    endpoint: \"[2001:db8::1]:2\" # x\n");
}

static void test_invite(void **state)
{
	(void)state;
	struct edit e = {.kind = EDIT_INVITE_PEER, .name = "bob", .peer = {.is_invite = true}};
	apply(&e, "peers:\n  bob: { ip: 1, public_key: \"K\", admin: true }\n",
	      "peers:\n  bob: { ip: 1, invite: \"" INVITE "\", admin: true }\n");
	apply(&e, "peers:\n  bob:\n    invite: K # x\n    invite_expires: 2026-12-06T12:00:00Z # y\n    ip: 1\n",
	      "peers:\n  bob:\n    invite: " INVITE " # x\n    ip: 1\n");
	e.peer.invite_expires = 1796558400;
	apply(&e, "peers:\n  bob: {ip: 1, public_key: 'K'}\n",
	      "peers:\n  bob: {ip: 1, invite: '" INVITE "', invite_expires: 2026-12-06T12:00:00Z}\n");
	apply(&e, "peers:\n  bob:\n    public_key: K # x\n    ip: 1\n",
	      "peers:\n  bob:\n    invite: " INVITE " # x\n    invite_expires: 2026-12-06T12:00:00Z\n    ip: 1\n");
	apply(&e, "{\"peers\": {\"bob\": {\"invite\": \"K\", \"invite_expires\": \"x\"}}}",
	      "{\"peers\": {\"bob\": {\"invite\": \"" INVITE "\", \"invite_expires\": \"2026-12-06T12:00:00Z\"}}}");
}

static void test_fold(void **state)
{
	(void)state;
	static const struct edit_fold bob = {.name = "bob"}, two[] = {{.name = "bob"}, {.name = "eve"}};
	struct edit e = {.kind = EDIT_FOLD, .folds = &bob, .n_folds = 1};
	struct edit both_of_them = {.kind = EDIT_FOLD, .folds = two, .n_folds = 2};
	struct span in[] = {SPAN("peers:\n  bob: { ip: 1, invite: \"K\" }\n"), SPAN("cidrs: {}\n"),
			    SPAN("peers:\n  eve: { ip: 1, invite: 'K' }\n")};
	struct buf out[3] = {{0}};
	struct diags d = {0};

	apply(&e, "peers:\n  bob: { ip: 1, invite: \"K\", invite_expires: 2026-12-06T12:00:00Z, admin: true } # x\n",
	      "peers:\n  bob: { ip: 1, public_key: \"" KEY "\", admin: true } # x\n");
	apply(&e,
	      "peers:\n  bob:\n    invite: K # x\n    invite_expires: 2026-12-06T12:00:00Z # y\n    # z\n    ip: 1\n",
	      "peers:\n  bob:\n    public_key: " KEY " # x\n    # z\n    ip: 1\n");
	apply(&e, "{\"peers\": {\"eve\": {}, \"bob\": {\"invite\": \"K\", \"invite_expires\": \"x\"}}}",
	      "{\"peers\": {\"eve\": {}, \"bob\": {\"public_key\": \"" KEY "\"}}}");
	/* Several at once, in several files; the other files stay. */
	assert_int_equal(edit_apply(&both_of_them, in, 3, out, &d), 0);
	assert_string_equal(out[0].p, "peers:\n  bob: { ip: 1, public_key: \"" KEY "\" }\n");
	assert_null(out[1].p);
	assert_string_equal(out[2].p, "peers:\n  eve: { ip: 1, public_key: '" KEY "' }\n");
	for (int i = 0; i < 3; i++)
		buf_free(&out[i]);
	diags_free(&d);
	refused(&e, "peers:\n  bob: { ip: 1, public_key: K }\n", "error[edit-style]: the peer 'bob' has no invite\n");
	refused(&e, "peers:\n  eve: { ip: 1, invite: K }\n",
		"error[unknown-name]: 1 of the peers to fold are in none of the files\n");
}

static void test_fold_describe(void **state)
{
	static const struct edit_fold f[] = {{.name = "a"}, {.name = "b"}, {.name = "c"},
					     {.name = "d"}, {.name = "e"}, {.name = "f"}};
	static const char *const texts[] = {"fold the key of a", "fold the keys of a and b",
					    "fold the keys of a, b and c", "fold the keys of a, b, c and d",
					    "fold the keys of a, b, c and 2 more"};
	(void)state;
	for (uint32_t n = 1; n <= 5; n++) {
		struct edit e = {.kind = EDIT_FOLD, .folds = f, .n_folds = n};
		struct buf b = {0};
		edit_describe(&e, &b);
		assert_string_equal(b.p, texts[n - 1]);
		buf_free(&b);
	}
}

static void test_set_key(void **state)
{
	(void)state;
	struct edit e = {.kind = EDIT_SET_KEY, .name = "bob"};
	apply(&e, "peers:\n  bob: { ip: 1, invite: \"I\", admin: true } # x\n",
	      "peers:\n  bob: { ip: 1, public_key: \"" KEY "\", admin: true } # x\n");
	apply(&e, "peers:\n  bob:\n    invite: I # x\n    invite_expires: 2026-12-06T12:00:00Z # y\n    ip: 1\n",
	      "peers:\n  bob:\n    public_key: " KEY " # x\n    ip: 1\n");
	apply(&e, "peers:\n  bob: {invite_expires: 2026-12-06T12:00:00Z, ip: 1, invite: 'I'}\n",
	      "peers:\n  bob: {ip: 1, public_key: '" KEY "'}\n");
	apply(&e, "{\"peers\": {\"bob\": {\"public_key\": \"K\"}}}",
	      "{\"peers\": {\"bob\": {\"public_key\": \"" KEY "\"}}}");
	refused(&e, "peers:\n  bob: {ip: 1}\n", "error[edit-style]: the peer 'bob' has neither a key nor an invite\n");
	/* And the peer that forwards for it. */
	e.peer.via = "hub";
	apply(&e, "peers:\n  bob: { ip: 1, invite: \"I\" } # x\n",
	      "peers:\n  bob: { ip: 1, public_key: \"" KEY "\", via: hub } # x\n");
	apply(&e, "peers:\n  bob:\n    invite: I # x\n    invite_expires: 2026-12-06T12:00:00Z # y\n    ip: 1\n",
	      "peers:\n  bob:\n    public_key: " KEY " # x\n    via: hub # y\n    ip: 1\n");
	apply(&e, "peers:\n  bob: {via: gate, ip: 1, invite: 'I', invite_expires: 2026-12-06T12:00:00Z}\n",
	      "peers:\n  bob: {via: hub, ip: 1, public_key: '" KEY "'}\n");
	struct edit rename = {.kind = EDIT_RENAME_PEER, .name = "hub", .other = "gate"};
	apply(&rename, "peers:\n  hub: {ip: 1}\n  bob: {ip: 2, via: hub}\n  eve: {ip: 3, via: hubs}\n",
	      "peers:\n  gate: {ip: 1}\n  bob: {ip: 2, via: gate}\n  eve: {ip: 3, via: hubs}\n");
}

/* On a model. */
#define DEFINITION                                                                                                     \
	"network: corp\ncidr: 10.60.0.0/16\ncidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/24\n  ops: "           \
	"10.60.65.0/24\n"                                                                                              \
	"associations:\n  - [ops, humans]\npeers:\n"                                                                   \
	"  hub: { ip: 10.60.0.1, public_key: \"rAGyIJ6GNU+4UyN7XeD0+rE8f8v0M6YcAZNpYX/s8Qs=\", endpoint: \"a.b:1\", "  \
	"server: true }\n"                                                                                             \
	"  bob: { ip: 10.60.64.2, public_key: \"UKYUCbHd0DJemxa3AOcZ6XcsBwALG9d4bpB8ZT0gSV0=\", disabled: true }\n"    \
	"tests:\n  - { from: humans, can_reach: [bob, hub] }\n"

static void check(const struct edit *e, enum edit_state expected, const char *said)
{
	struct source_file root = {"network.yaml", SPAN(DEFINITION)};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct buf text = {0};
	struct model *m = definition_load(a, &root, NULL, false, &d);
	assert_non_null(m);
	assert_int_equal(edit_check(e, m, &d), expected);
	diags_render_human(&text, &d, (struct span[]){{NULL, 0}}, false);
	assert_string_equal(text.p ? text.p : "", said);
	buf_free(&text);
	diags_free(&d);
	arena_free(a);
}
#define CHECK(kind_, name_, other_, state, said)                                                                       \
	check(&(struct edit){.kind = kind_, .name = name_, .other = other_}, state, said)

static void test_check(void **state)
{
	(void)state;
	CHECK(EDIT_DISABLE_PEER, "bob", NULL, EDIT_ALREADY, "");
	CHECK(EDIT_ENABLE_PEER, "bob", NULL, EDIT_TO_DO, "");
	CHECK(EDIT_ENABLE_PEER, "bobb", NULL, EDIT_REFUSED,
	      "error[unknown-name]: there is no peer 'bobb' in network.yaml\n  help: did you mean 'bob'?\n");
	CHECK(EDIT_ENABLE_PEER, "humans", NULL, EDIT_REFUSED,
	      "error[unknown-name]: there is no peer 'humans' in network.yaml\n  help: 'humans' is a CIDR\n");
	CHECK(EDIT_RENAME_PEER, "gone", "bob", EDIT_ALREADY, "");
	CHECK(EDIT_DELETE_PEER, "gone", NULL, EDIT_ALREADY, "");
	CHECK(EDIT_DELETE_PEER, "bob", NULL, EDIT_REFUSED,
	      "error[in-use]: peer 'bob' cannot be deleted: it is still used\n"
	      "  note: by the test at network.yaml:13:5\n  help: take it out of these first\n");
	CHECK(EDIT_DELETE_CIDR, "humans", NULL, EDIT_REFUSED,
	      "error[in-use]: CIDR 'humans' cannot be deleted: it is still used\n"
	      "  note: by the peer 'bob' at network.yaml:11:3\n  note: by the association at network.yaml:8:5\n"
	      "  note: by the test at network.yaml:13:5\n  help: move or delete these first\n");
	CHECK(EDIT_DELETE_CIDR, "gone", NULL, EDIT_ALREADY, "");
	CHECK(EDIT_ADD_ASSOCIATION, "humans", "ops", EDIT_ALREADY, "");
	CHECK(EDIT_DELETE_ASSOCIATION, "humans", "infra", EDIT_ALREADY, "");
	CHECK(EDIT_ADD_ASSOCIATION, "human", "ops", EDIT_REFUSED,
	      "error[unknown-name]: there is no CIDR 'human' in network.yaml\n  help: did you mean 'humans'?\n");
	CHECK(EDIT_SET_ENDPOINT, "bob", NULL, EDIT_ALREADY, "");
}

/* Each kind has its row, and each row all that it needs: a kind that was added and then forgotten fails here. */
static void test_rows(void **state)
{
	static const struct edit_fold fold = {.name = "bob"};
	struct source_file root = {"network.yaml", SPAN(DEFINITION)};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct model *m = definition_load(a, &root, NULL, false, &d);

	(void)state;
	assert_non_null(m);
	for (int kind = 0; kind < N_EDIT_KINDS; kind++) {
		const struct edit_row *r = &edit_rows[kind];
		const struct edit e = {
		    .kind = (enum edit_kind)kind, .name = "bob", .other = "humans", .folds = &fold, .n_folds = 1};
		struct buf described = {0}, already = {0};
		assert_non_null(r->thing);
		assert_true(r->delta >= -1 && r->delta <= 1);
		assert_true(r->check && r->apply && r->describe && r->already);
		/* Every word in braces is known, and the texts say what the edit is about. */
		edit_describe(&e, &described);
		edit_already(&e, m, &already);
		assert_null(strpbrk(described.p, "{}"));
		assert_null(strpbrk(already.p, "{}"));
		assert_non_null(strstr(described.p, "bob"));
		assert_int_equal(already.p[already.n - 1], '.');
		for (int other = 0; other < kind; other++)
			assert_string_not_equal(r->describe, edit_rows[other].describe);
		buf_free(&described);
		buf_free(&already);
	}
	diags_free(&d);
	arena_free(a);
}

static void test_already(void **state)
{
	static const struct {
		struct edit e;
		const char *text;
	} cases[] = {
	    {{.kind = EDIT_ADD_PEER, .name = "bob"}, "Peer 'bob' is in network.yaml already, as asked for."},
	    {{.kind = EDIT_RENAME_CIDR, .name = "men", .other = "humans"},
	     "CIDR 'humans' is in network.yaml already, and no 'men'."},
	    {{.kind = EDIT_RENAME_PEER, .name = "bob", .other = "bob"},
	     "Peer 'bob' is in network.yaml already, and no 'other'."},
	    {{.kind = EDIT_DELETE_PEER, .name = "bo"}, "There is no peer 'bo' in network.yaml (did you mean 'bob'?)."},
	    {{.kind = EDIT_DELETE_CIDR, .name = "bob"}, "There is no CIDR 'bob' in network.yaml."},
	    {{.kind = EDIT_SET_ENDPOINT, .name = "bob", .endpoint = "h:1"}, "Peer 'bob' has this endpoint already."},
	    {{.kind = EDIT_SET_ENDPOINT, .name = "bob"}, "Peer 'bob' has no endpoint already."},
	    {{.kind = EDIT_ADD_ASSOCIATION, .name = "ops", .other = "humans"},
	     "An association joins 'ops' and 'humans' in network.yaml."},
	    {{.kind = EDIT_FOLD}, "Every key that was enrolled is in network.yaml."},
	};
	struct source_file root = {"network.yaml", SPAN(DEFINITION)};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct model *m = definition_load(a, &root, NULL, false, &d);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = {0};
		edit_already(&cases[i].e, m, &b);
		assert_string_equal(b.p, cases[i].text);
		buf_free(&b);
	}
	diags_free(&d);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_disable),     cmocka_unit_test(test_rename),         cmocka_unit_test(test_files),
	    cmocka_unit_test(test_delete),      cmocka_unit_test(test_delete_refused), cmocka_unit_test(test_cidr),
	    cmocka_unit_test(test_association), cmocka_unit_test(test_endpoint),       cmocka_unit_test(test_invite),
	    cmocka_unit_test(test_fold),        cmocka_unit_test(test_fold_describe),  cmocka_unit_test(test_set_key),
	    cmocka_unit_test(test_check),       cmocka_unit_test(test_rows),           cmocka_unit_test(test_already),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
