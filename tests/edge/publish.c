/* What is published, on disk: read back as it was written, damage noticed, the server's own file kept secret. */
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/revision/publish.h"
#include "tests/edge/git_test.h"

#include <sodium.h>

static char folder[64], dir[96];

static int setup(void **state)
{
	(void)state;
	folder_make(folder);
	snprintf(dir, sizeof(dir), "%s/published", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(folder);
	return 0;
}

static struct server_config *config_make(void)
{
	struct server_config *c = server_config_new();

	assert_non_null(c);
	assert_int_equal(server_config_draw(c), 0);
	strcpy(c->network, "corp");
	strcpy(c->interface, "corp");
	c->listen_port = 51820;
	c->repository = strdup("/srv/network.git");
	c->ref = strdup("refs/heads/main");
	return c;
}

static struct revision *revision_make(const struct server_config *c, uint64_t number, const char *more)
{
	struct diags d = {0};
	struct revision *g = revision_new(&d);
	char key[KEY_B64_LEN + 1], signer[ED25519_STR_LEN + 1];
	struct commit_info commit = {.number = number, .time = 1000};

	memset(commit.sha, 'a', 40);
	key_format(&c->public_key, key);
	ed25519_format(&c->signers[0], signer);
	const char *text = arena_printf(
	    g->arena,
	    "network: corp\ncidr: 10.60.0.0/16\n"
	    "trust: { id: \"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\", signers: [\"%s\"] }\n"
	    "cidrs: { infra: 10.60.0.0/24 }\n"
	    "peers:\n  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"192.0.2.1:51820\", server: true }\n%s",
	    signer, key, more);
	const struct source_file root = {.name = "network.yaml", .bytes = span_str(text)};
	if (revision_build(g, &root, NULL, &commit, NULL, &d) < 0 || revision_check(g, NULL, true, c, &d) < 0 ||
	    revision_sign(g, NULL, c, &d) < 0)
		fail_msg("%s", d.first ? d.first->message : "?");
	return g;
}

static struct published record_of(struct revision *g)
{
	return (struct published){.chain = &g->statement,
				  .n_chain = 1,
				  .statement = g->statement,
				  .parsed = g->parsed,
				  .ledger = "0123456789012345678901234567890123456789"};
}

static const char *statement_hex(const struct revision *g)
{
	char hex[HASH_HEX_LEN + 1];

	hash_hex(&g->parsed.name, hex);
	return arena_strdup(g->arena, hex);
}

static void test_round_trip(void **state)
{
	struct server_config *c = config_make();
	struct revision *g = revision_make(c, 7, ""), *next = revision_make(c, 8, "epoch: 0\n");
	struct published p = record_of(g), back;
	struct arena *a = arena_new();
	struct source_file root;
	struct includes includes;
	struct diags d = {0};
	struct signature sig;
	char commit[HASH_HEX_LEN + 1], path[128];
	struct buf text = {0};
	bool absent;

	(void)state;
	assert_int_equal(published_read(dir, a, &back, &d), 0); /* nothing yet is no error */
	assert_null(back.statement.text.p);
	assert_string_equal(back.ledger, "-");
	assert_int_equal(published_write(dir, &p, g->model, &d), 0);
	assert_int_equal(published_read(dir, a, &back, &d), 0);
	assert_true(span_eq(back.statement.text, g->statement.text));
	assert_int_equal(back.parsed.version.number, 7);
	assert_string_equal(back.ledger, p.ledger);
	assert_int_equal(back.n_chain, 1);
	assert_int_equal(back.statement.n_signatures, 1);
	assert_int_equal(signature_parse(back.statement.signatures[0], &sig, &d), 0);
	assert_true(sign_check("statement", &g->model->trust.id, back.statement.text, &c->signers[0], sig.sig));

	/* The definition beside it compiles to the very same statement. */
	assert_int_equal(published_definition(dir, &back.parsed, a, commit, &root, &includes, &d), 0);
	assert_string_equal(root.name, "network.yaml");
	assert_string_equal(commit, g->parsed.commit);
	struct revision *again = revision_new(&d);
	assert_int_equal(revision_build(again, &root, &includes, &g->commit, NULL, &d), 0);
	assert_true(span_eq(again->statement.text, g->statement.text));
	revision_free(again);

	/*
	 * A later commit that says the same stays, also when the ledger's position is written; a mangled one is damage.
	 */
	const char *later = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	struct revision *same = revision_make(c, 7, "tests: []\n");
	assert_int_equal(published_adopt(dir, &g->parsed, later, same->model, &d), 0);
	assert_int_equal(published_write(dir, &p, g->model, &d), 0);
	assert_int_equal(published_definition(dir, &g->parsed, a, commit, &root, &includes, &d), 0);
	assert_string_equal(commit, later);
	assert_true(span_eq(root.bytes, same->model->sources[0]));
	revision_free(same);

	/* One of an older version does not name its statement: it belongs to the current one. */
	snprintf(path, sizeof(path), "%s/definition-%.16s", dir, statement_hex(g));
	assert_int_equal(file_read(path, 1 << 20, &text, &absent, &d), 0);
	char *line = strstr(text.p, "commit "), *rest = strchr(line, '\n') + 1;
	line[7] = 'X';
	assert_int_equal(file_write(path, buf_span(&text), 0600, &d), 0);
	struct diags bad = {0};
	assert_int_equal(published_definition(dir, &g->parsed, a, commit, &root, &includes, &bad), -1);
	assert_string_equal(code_of(&bad), "published-corrupt");
	diags_free(&bad);
	size_t tail = text.n - (size_t)(rest - text.p);
	memmove(line, rest, tail);
	text.n = (size_t)(line - text.p) + tail;
	assert_int_equal(file_write(path, buf_span(&text), 0600, &d), 0);
	assert_int_equal(published_definition(dir, &g->parsed, a, commit, &root, &includes, &d), 0);
	assert_string_equal(commit, g->parsed.commit);
	buf_free(&text);

	/* The next one takes its place, and its definition that of the old one. */
	p = record_of(next);
	assert_int_equal(published_write(dir, &p, next->model, &d), 0);
	assert_int_equal(published_definition(dir, &g->parsed, a, commit, &root, &includes, &d), -1);
	assert_string_equal(code_of(&d), "published-corrupt");
	struct diags e = {0};
	assert_int_equal(published_definition(dir, &next->parsed, a, commit, &root, &includes, &e), 0);
	diags_free(&d);
	diags_free(&e);
	arena_free(a);
	revision_free(g);
	revision_free(next);
	server_config_free(c);
}

/* Cut off anywhere, or with anything appended: noticed, never taken for nothing. */
static void test_damage(void **state)
{
	struct server_config *c = config_make();
	struct revision *g = revision_make(c, 7, "");
	struct published p = record_of(g), back;
	struct diags d = {0};
	char path[128];
	struct buf whole = {0};
	bool absent;

	(void)state;
	assert_int_equal(published_write(dir, &p, g->model, &d), 0);
	snprintf(path, sizeof(path), "%s/current", dir);
	assert_int_equal(file_read(path, 1 << 20, &whole, &absent, &d), 0);
	for (size_t n = 0; n < whole.n; n += 7) {
		struct arena *a = arena_new();
		struct diags e = {0};
		assert_int_equal(file_write(path, (struct span){(uint8_t *)whole.p, n}, 0600, &e), 0);
		assert_int_equal(published_read(dir, a, &back, &e), -1);
		assert_string_equal(code_of(&e), "published-corrupt");
		diags_free(&e);
		arena_free(a);
	}
	buf_free(&whole);
	revision_free(g);
	server_config_free(c);
}

/* A line that is damaged is left out, and the other lines stay. */
static void test_readers(void **state)
{
	const struct kept_reader readers[2] = {{{{1}}, {.heard = 1700000000, .reads = 2}},
					       {{{2}}, {.heard = INT64_MAX, .reads = SPEAK_MAX}}};
	static const char *const bad[] = {" 0 5",   " 10000 5", " 2 0", " 2 -1", " 2 9223372036854775808",
					  " 2 5 6", " 2",       " ",    "",      " 02 5",
					  "\t2 5",  " 2\t5",    " 2 5x"};
	struct kept_reader *back;
	char path[160], key[KEY_B64_LEN + 1];
	struct diags d = {0};
	struct buf text = {0};
	size_t n;

	(void)state;
	assert_int_equal(published_read_readers(dir, &back, &n, &d), 0);
	assert_int_equal(n, 0);
	assert_int_equal(published_write_readers(dir, readers, 2, &d), 0);
	assert_int_equal(published_read_readers(dir, &back, &n, &d), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++) {
		assert_true(key_eq(&back[i].mark, &readers[i].mark));
		assert_true(back[i].reader.heard == readers[i].reader.heard);
		assert_int_equal(back[i].reader.reads, readers[i].reader.reads);
	}
	free(back);
	key_format(&readers[0].mark, key);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		buf_printf(&text, "%s%s\n", key, bad[i]);
	buf_printf(&text, "A%s 2 5\n\n%s 2 5\n%s 2 6", key, key, key);
	snprintf(path, sizeof(path), "%s/readers", dir);
	assert_int_equal(file_write(path, buf_span(&text), 0600, &d), 0);
	assert_int_equal(published_read_readers(dir, &back, &n, &d), 0);
	assert_int_equal(n, 1);
	assert_int_equal(back[0].reader.heard, 5);
	free(back);
	buf_free(&text);
	diags_free(&d);
}

static void test_moves(void **state)
{
	struct move moves[2] = {{.mark.b = {1}}, {.mark.b = {2}}}, *back;
	struct diags d = {0};
	size_t n;

	(void)state;
	assert_int_equal(addr_parse("10.60.0.9", 9, &moves[0].old), 0);
	assert_int_equal(addr_parse("fd00:60::9", 10, &moves[1].old), 0);
	assert_int_equal(published_read_moves(dir, "moves", &back, &n, &d), 0);
	assert_int_equal(n, 0);
	assert_int_equal(published_write_moves(dir, "moves", moves, 2, &d), 0);
	assert_int_equal(published_read_moves(dir, "moves", &back, &n, &d), 0);
	assert_int_equal(n, 2);
	assert_memory_equal(back, moves, sizeof(moves));
	free(back);
}

static void test_signers_follow(void **state)
{
	struct server_config *c = config_make(), *other = config_make();
	struct revision *g = revision_make(c, 7, ""), *next;
	struct diags d = {0};

	(void)state;
	/* A server that has both seeds signs the change with both; one that has the new alone cannot. */
	other->seeds[1] = secret_new();
	memcpy(other->seeds[1], c->seeds[0], KEY_LEN);
	other->signers[1] = c->signers[0];
	other->n_seeds = 2;
	memcpy(other->private_key, c->private_key, KEY_LEN);
	other->public_key = c->public_key;
	next = revision_make(other, 8, "");
	assert_true(revision_changes_signers(next, g));
	assert_int_equal(revision_check(next, g, true, other, &d), 0);
	assert_int_equal(revision_sign(next, g, other, &d), 0);
	assert_int_equal(next->statement.n_signatures, 2);
	secret_free(other->seeds[1]);
	other->n_seeds = 1;
	assert_int_equal(revision_check(next, g, true, other, &d), -1);
	assert_string_equal(code_of(&d), "cannot-sign");
	diags_free(&d);
	revision_free(g);
	revision_free(next);
	server_config_free(c);
	server_config_free(other);
}

/* Each key alone is read, makes limits that are not the default ones, and survives being written. */
static void test_guard_keys(void **state)
{
#define NAME(name, member, max) #name,
	static const char *const names[] = {GUARD_KEYS(NAME)};
/* Another value than the default. */
#define OTHER(name, member, max)                                                                                       \
	sizeof(guard_defaults.member) > sizeof(bool) ? "1" : guard_defaults.member ? "false" : "true",
	const char *const others[] = {GUARD_KEYS(OTHER)};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct guard_limits limits, again;
		struct guard_texts room;
		struct raw_guards raw;
		struct buf text = {0};
		struct diags d = {0};
		const struct config_at at = {.file = "guard.yaml", .code = "bad-guard-file", .d = &d};

		buf_printf(&text, "%s: %s\n", names[i], others[i]);
		assert_int_equal(guard_file_parse(buf_span(&text), "guard.yaml", &limits, &d), 0);
		unsigned differ = 0;
#define DIFFERS(name, member, max) differ += limits.member != guard_defaults.member;
		GUARD_KEYS(DIFFERS)
		assert_int_equal(differ, 1);
		guard_raw(&limits, &room, &raw);
		assert_int_equal(guard_values(&at, &raw, &again), 0);
#define SAME(name, member, max) assert_int_equal(again.member, limits.member);
		GUARD_KEYS(SAME)
		buf_reset(&text);
		buf_printf(&text, "%s: none\n", names[i]);
		assert_int_equal(guard_file_parse(buf_span(&text), "guard.yaml", &limits, &d), -1);
		assert_non_null(strstr(d.first->message, names[i]));
		diags_free(&d);
		buf_free(&text);
	}
}

static void test_server_file(void **state)
{
	struct server_config *c = config_make(), *back = NULL;
	struct buf text = {0}, bad = {0};
	struct diags d = {0};
	char path[128], secret[KEY_B64_LEN + 1];

	(void)state;
	assert_int_equal(server_config_emit(c, &text, &d), 0);
	snprintf(path, sizeof(path), "%s/corp.yaml", folder);
	assert_int_equal(file_create(path, buf_span(&text), 0600, &d), 0);
	assert_int_equal(server_config_read(path, &back, &d), 0);
	assert_string_equal(back->network, "corp");
	assert_string_equal(back->interface, "corp");
	assert_string_equal(back->ref, "refs/heads/main");
	assert_string_equal(back->repository, "/srv/network.git");
	assert_int_equal(back->listen_port, 51820);
	assert_true(key_eq(&back->public_key, &c->public_key));
	assert_true(key_eq(&back->signers[0], &c->signers[0]));
	assert_non_null(strstr(text.p, "  widest_route: 8\n"));
#define DEFAULT(name, member, max) assert_int_equal(back->guards.member, guard_defaults.member);
	GUARD_KEYS(DEFAULT)
	server_config_free(back);

	/* Limits of its own, and one that is none. */
	c->guards.peers.most = 7;
	c->guards.keep_admin = false;
	c->guards.formats_days = 90;
	struct buf guarded = {0};
	assert_int_equal(server_config_emit(c, &guarded, &d), 0);
	assert_int_equal(server_config_parse(buf_span(&guarded), path, &back, &d), 0);
	assert_int_equal(back->guards.peers.most, 7);
	assert_int_equal(back->guards.pairs.percent, guard_defaults.pairs.percent);
	assert_false(back->guards.keep_admin);
	assert_int_equal(back->guards.formats_days, 90);
	server_config_free(back);
	memcpy(strstr(guarded.p, "keep_admin: false") + 12, "maybe", 5);
	assert_int_equal(server_config_parse(buf_span(&guarded), path, &back, &d), -1);
	assert_non_null(strstr(d.first->message, "'keep_admin' is true or false"));
	diags_free(&d);
	buf_wipe(&guarded);
	c->guards = guard_defaults;
	d = (struct diags){0};

	/* Other users can read it: refused. */
	chmod(path, 0640);
	assert_int_equal(server_config_read(path, &back, &d), -1);
	assert_string_equal(code_of(&d), "file-permissions");
	diags_free(&d);

	/* A bad key is not quoted. */
	config_secret_format(c->private_key, secret);
	char *at = strstr(text.p, secret);
	assert_non_null(at);
	buf_add(&bad, text.p, text.n);
	bad.p[at - text.p + 42] = '!';
	d = (struct diags){0};
	assert_int_equal(server_config_parse(buf_span(&bad), path, &back, &d), -1);
	struct buf said = {0};
	diags_render_human(&said, &d, NULL, false);
	assert_null(strstr(said.p, "!"));
	secret[20] = '\0';
	assert_null(strstr(said.p, secret));
	assert_non_null(strstr(said.p, "private_key"));
	buf_free(&said);
	diags_free(&d);
	buf_wipe(&bad);
	buf_wipe(&text);
	server_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_moves, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_readers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_signers_follow, setup, teardown),
	    cmocka_unit_test(test_guard_keys),
	    cmocka_unit_test_setup_teardown(test_server_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
