/* The JSON Schema says what the loader says: never stricter, and as strict as a schema can be. */
#include "tests/edge/json_check.h"

#include "reconcile/edge/git/source.h"
#include "reconcile/show/json_schema.h"
#include "schema/keys.h"

#include <dirent.h>
#include <stdio.h>

static json_t *schemas[2]; /* of the root file; of an included one */

static int make_schemas(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct buf b = {0};

		if (json_schema_render(&b, i == 1))
			return -1;
		schemas[i] = json_loads(b.p, JSON_REJECT_DUPLICATES, NULL);
		buf_free(&b);
	}
	return schemas[0] && schemas[1] ? 0 : -1;
}

static int free_schemas(void **state)
{
	(void)state;
	json_decref(schemas[0]);
	json_decref(schemas[1]);
	return 0;
}

/* What is wrong at a place, as it stands in the file. */
static void text_at(const struct diags *d, const struct diag *g, char out[static 128])
{
	struct source_cursor c = {0};
	struct span line = source_line(&c, d->sources, g->at.file, g->at.line);
	size_t from = g->at.column - 1, n = 0;

	if (line.p && g->at.end_line == g->at.line && from < line.n)
		n = g->at.end_column - g->at.column;
	if (from + n > line.n)
		n = line.n - from;
	snprintf(out, 128, "%.*s", (int)n, n ? (const char *)line.p + from : "");
}

/*
 * Whether a schema can refuse a file for this. Not: what another spelling of an accepted value is to YAML (True, 0x19),
 * arithmetic (the 30th of February, IPv6's grammar), and whatever depends on other values.
 */
static bool refusable(const struct diags *d, const struct diag *g)
{
	static const char *const codes[] = {"unknown-key",     "missing-key",   "bad-type",         "bad-name",
					    "bad-key",         "bad-prefix",    "bad-time",         "bad-value",
					    "bad-endpoint",    "key-or-invite", "endpoint-missing", "root-only",
					    "network-too-wide"};
	char text[128];
	json_t *plain;
	bool listed = false, blind;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		listed = listed || strcmp(codes[i], g->code) == 0;
	if (!listed || g->severity != SEVERITY_ERROR)
		return false;
	text_at(d, g, text);
	if (strcmp(g->code, "bad-time") == 0)
		return strlen(text) != 20;
	if (strcmp(g->code, "bad-prefix") == 0)
		return !strchr(text, ':');
	if (strcmp(g->code, "bad-endpoint") == 0)
		return !strchr(text, '[') && text[strspn(text, "\"0123456789.:")] != '\0';
	if (strcmp(g->code, "bad-type") != 0)
		return true;
	plain = plain_json(text);
	blind = (json_is_boolean(plain) && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) ||
		(json_is_integer(plain) && (strchr(text, 'x') || text[0] == '+' || text[0] == '0')) ||
		strstr(g->message, "a key must be a word");
	json_decref(plain);
	return !blind;
}

/* One file of a definition, after the loader has spoken. */
static void compare(const struct diags *d, uint32_t file, const char *what)
{
	json_t *v = yaml_json(d->sources[file]);
	bool wrong = false, must = false, accepted;

	for (const struct diag *g = d->first; g; g = g->next) {
		if (g->severity != SEVERITY_ERROR || g->at.file != file)
			continue;
		wrong = true;
		must = must || refusable(d, g);
	}
	if (!v)
		return;
	accepted = accepts(schemas[file != 0], v);
	if (accepted ? must : !wrong) {
		struct buf b = {0};

		diags_render_human(&b, d, NULL, false);
		print_error("%s: the schema %s %s\n%s", what, accepted ? "accepts" : "refuses", d->files[file],
			    b.p ? b.p : "");
		buf_free(&b);
	}
	assert_true(accepted ? !must : wrong);
	json_decref(v);
}

static unsigned compare_folder(const char *path)
{
	struct arena *a = arena_new();
	struct diags d = {0};
	unsigned n;

	source_load(a, path, false, &d);
	/* Without a file there is nothing to compare; an empty included one is no mapping, and fine. */
	for (n = 0; n < d.n_files; n++)
		if (n == 0 || d.sources[n].n)
			compare(&d, n, path);
	diags_free(&d);
	arena_free(a);
	return n;
}

static void goldens(void **state)
{
	static const char *const folders[] = {"tests/golden/diag", "tests/golden/plan", "tests/golden/snapshot"};
	unsigned n = compare_folder("examples");

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		DIR *dir = opendir(folders[i]);
		struct dirent *e;
		char path[512];

		if (!dir)
			continue;
		while ((e = readdir(dir))) {
			snprintf(path, sizeof(path), "%s/%s", folders[i], e->d_name);
			if (e->d_name[0] != '.')
				n += compare_folder(path);
		}
		closedir(dir);
	}
	assert_true(n > 80);
}

/* Something for each key, so that its value alone is wrong. */
struct sample {
	const char *key, *value;
};
static const struct sample samples[N_KEY_PLACES][6] = {
    [IN_ROOT] = {{"network", "corp"},
		 {"cidr", "[10.60.0.0/16, \"fd00:60::/32\"]"},
		 {"cidrs", "{ infra: 10.60.0.0/24, humans: 10.60.1.0/24 }"},
		 {"peers", "{ hub: { ip: 10.60.0.1, public_key: \"SPrps3IDBV6RrS/otJ+VcDfXhISQFxRzzMyPRiHiQxg=\", "
			   "endpoint: \"192.0.2.1:51820\", server: true } }"}},
    [IN_TRUST] = {{"id", "\"ZXg+YcU2BWaVMtMaykW5Pi9PI+5hBlm/ht5D56duWLo=\""},
		  {"signers", "[\"ed25519:ZKVuNy6gM11LYuOvjT3duwFe0UzsoF4c3E7i8w/SnXs=\"]"}},
    [IN_CIDR] = {{"cidr", "10.60.2.0/24"}},
    [IN_PEER] = {{"ip", "10.60.1.2"}, {"public_key", "\"Z9asG0YhKb7xo68vlF3U8QKsoFfBaEyb9u839kEeYkQ=\""}},
    [IN_TEST] = {{"from", "humans"}, {"can_reach", "hub"}},
};

static void put_mapping(struct buf *b, enum key_place place, const char *key, const char *value, const char *between)
{
	bool given = false;

	for (const struct sample *s = samples[place]; s->key; s++) {
		bool this = strcmp(s->key, key) == 0;

		/* An invite stands in place of a key. */
		if (strcmp(key, "invite") == 0 && strcmp(s->key, "public_key") == 0)
			continue;
		given = given || this;
		buf_printf(b, "%s: %s%s", s->key, this ? value : s->value, between);
	}
	if (!given)
		buf_printf(b, "%s: %s%s", key, value, between);
}

/* A definition in which `key` of that place has `value`. */
static void make_definition(struct buf *b, enum key_place place, const char *key, const char *value)
{
	static const char *const opened[N_KEY_PLACES] = {
	    [IN_DEFAULTS] = "defaults: {", [IN_TRUST] = "trust: {", [IN_CIDR] = "cidrs: { infra: 10.60.0.0/24, x: {",
	    [IN_PEER] = "peers: { hub: ",  [IN_TEST] = "tests: [{",
	};

	if (place == IN_ROOT) {
		put_mapping(b, IN_ROOT, key, value, "\n");
		return;
	}
	for (const struct sample *s = samples[IN_ROOT]; s->key; s++)
		if (!((place == IN_CIDR && strcmp(s->key, "cidrs") == 0) ||
		      (place == IN_PEER && strcmp(s->key, "peers") == 0)))
			buf_printf(b, "%s: %s\n", s->key, s->value);
	buf_str(b, opened[place]);
	if (place == IN_PEER)
		buf_str(b, "{ ip: 10.60.0.1, public_key: \"SPrps3IDBV6RrS/otJ+VcDfXhISQFxRzzMyPRiHiQxg=\", "
			   "endpoint: \"192.0.2.1:51820\", server: true }, x: {");
	put_mapping(b, place, key, value, ", ");
	buf_str(b, place == IN_CIDR || place == IN_PEER ? "} }\n" : place == IN_TEST ? "}]\n" : "}\n");
}

static int match_one(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	static const struct source_file empty = {"teams/a.yaml", {(const uint8_t *)"", 0}};

	(void)ctx, (void)pattern, (void)d;
	*out = &empty;
	*n = 1;
	return 0;
}

static const char *const values[] = {
    "~",
    "null",
    "\"\"",
    "''",
    "true",
    "false",
    "True",
    "yes",
    "\"true\"",
    "0",
    "1",
    "-1",
    "+1",
    "01",
    "25",
    "1279",
    "1280",
    "65535",
    "65536",
    "9007199254740991",
    "9007199254740992",
    "1.5",
    "1e3",
    "0x19",
    "\"25\"",
    ".inf",
    "[]",
    "[[]]",
    "{}",
    "[~]",
    "[true]",
    "[5]",
    "{ a: b }",
    "{ a: ~ }",
    "{ A: 10.60.3.0/24 }",
    "{ a_b: {} }",
    "[{}]",
    "[{ from: hub }]",
    "corp",
    "Corp",
    "lo",
    "all",
    "default",
    "a-",
    "-a",
    "abcdefghijklmno",
    "abcdefghijklmnop",
    "\"two words\"",
    "\"two\\nlines\"",
    "\"tab\\there\"",
    "\"delete\\x7f\"",
    "\"\xc3\xa4\"",
    "10.60.1.9",
    "10.60.1.09",
    "10.60.1.256",
    "10.60.1",
    "10.60.1.9/32",
    "[10.60.1.9]",
    "[10.60.1.9, \"fd00:60::9\"]",
    "[10.60.1.9, 10.60.1.8]",
    "[10.60.1.9, 10.60.1.8, 10.60.1.7]",
    "\"fd00:60::9\"",
    "\"FD00:60:0::9\"",
    "\"::1\"",
    "\"::ffff:10.60.1.9\"",
    "\"fd00::1%eth0\"",
    "\"64:ff9b::192.0.2.1\"",
    "10.60.0.0/16",
    "10.60.3.0/24",
    "10.60.3.0/024",
    "10.60.3.0/33",
    "10.60.3.0/",
    "10.60.3.7/24",
    "0.0.0.0/0",
    "\"::/0\"",
    "[192.168.7.0/24]",
    "[192.168.7.0/24, \"2001:db8::/32\"]",
    "[192.168.7.0]",
    "\"fd00:60::/129\"",
    "\"fd00:60::/48\"",
    "\"SPrps3IDBV6RrS/otJ+VcDfXhISQFxRzzMyPRiHiQxh=\"",
    "\"6RqLAVmy9M7LD8BuPfA5yMVmZRBkMes+MznHgCCkr2Q=\"",
    "6RqLAVmy9M7LD8BuPfA5yMVmZRBkMes+MznHgCCkr2Q=",
    "\"6RqLAVmy9M7LD8BuPfA5yMVmZRBkMes+MznHgCCkr2Q\"",
    "\"6RqLAVmy9M7LD8BuPfA5yMVmZRBkMes+MznHgCCkr2Q==\"",
    "\"6RqLAVmy9M7LD8BuPfA5yMVmZRBkMes-MznHgCCkr2Q=\"",
    "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
    "\"ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\"",
    "\"ED25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\"",
    "[\"ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\"]",
    ("[\"ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\", "
     "\"ed25519:eBai9ZdlJMToQZwo9r8cX6qt1MevVu9FstvWwcUsV3o=\"]"),
    "\"vpn.example.com:51820\"",
    "\"VPN.Example.com.:051820\"",
    "vpn.example.com:51820",
    "\"vpn.example.com\"",
    "\"vpn.example.com:0\"",
    "\"vpn.example.com:65536\"",
    "\"vpn.example.com:65535\"",
    "\"vpn_1.example.com:1\"",
    "\"[2001:db8::1]:51820\"",
    "\"2001:db8::1:51820\"",
    "\"192.0.2.1:1\"",
    "\"a..b:1\"",
    "\"-a.b:1\"",
    "\":1\"",
    "2026-12-06T12:00:00Z",
    "2026-12-06",
    "2026-12-06T24:00:00Z",
    "2026-13-06T12:00:00Z",
    "2026-12-06T12:00:00+01:00",
    "\"2026-12-06T12:00:00Z\"",
    "2026-12-06 12:00:00",
    "[teams/*.yaml]",
    "[/etc/*.yaml]",
    "[../a.yaml]",
    "[teams/../a.yaml]",
    "[a..b.yaml]",
    "[\"\"]",
    "teams/*.yaml",
    "humans",
    "[humans]",
    "[humans, infra]",
    "[[humans, infra]]",
    "[[humans, infra, hub]]",
    "[[humans]]",
    "[[humans, [infra]]]",
    "[[humans, 5]]",
    "[[Humans, infra]]",
    "[nobody]",
    "hub",
    "[hub, 10.60.1.9, \"fd00:60::1\"]",
    "\"hub \"",
    "{ x: { ip: 10.60.1.9 } }",
    "{ x: hello }",
    "{ x: 10.60.9.0/24 }",
    "{ x: [10.60.9.0/24, \"fd00:60:9::/48\"] }",
    "{ x: { cidr: 10.60.9.0/24, isolated: true } }",
    "{ mtu: 1280 }",
    "{ mut: 1280 }",
    "[{ from: humans, cannot_reach: hub }]",
    "[{ from: humans, to: hub }]",
};

/* Every key with every value: thousands of small definitions. */
static void every_key_with_every_value(void **state)
{
	const struct includes includes = {.match = match_one};
	struct buf text = {0};
	char what[256];
	size_t n_keys;

	(void)state;
	for (int place = 0; place < N_KEY_PLACES; place++) {
		const struct key_spec *keys = keys_of((enum key_place)place, &n_keys);

		for (size_t i = 0; i < n_keys * sizeof(values) / sizeof(values[0]); i++) {
			const struct key_spec *k = &keys[i % n_keys];
			const char *value = values[i / n_keys];
			struct source_file file = {.name = "network.yaml"};
			struct diags d = {0};
			struct arena *a = arena_new();

			buf_reset(&text);
			make_definition(&text, (enum key_place)place, k->name, value);
			file.bytes = buf_span(&text);
			definition_load(a, &file, &includes, false, &d);
			snprintf(what, sizeof(what), "%s: %s\n%s", k->name, value, text.p);
			compare(&d, 0, what);
			diags_free(&d);
			arena_free(a);
		}
	}
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(goldens), cmocka_unit_test(every_key_with_every_value)};

	return cmocka_run_group_tests_name("json schema", tests, make_schemas, free_schemas);
}
