/* The ledger: nothing is lost, one redemption wins, what is missing or rewritten is noticed. */
#include "reconcile/wire/bundle.h"
#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/ledger_record.h"
#include "reconcile/edge/base/loop.h"
#include "schema/load.h"
#include "tests/edge/git_test.h"

#include <sodium.h>
#include <sys/wait.h>
#include <time.h>
#include <utime.h>

struct fixture {
	char folder[64], path[96];
	git_repository *git;
	struct repo *repo;
	struct key id;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct diags d = {0};

	folder_make(f->folder);
	snprintf(f->path, sizeof(f->path), "%s/network.git", f->folder);
	f->git = bare_make(f->path);
	assert_non_null(f->repo = repo_open(f->path, NULL, &d));
	memset(f->id.b, 7, KEY_LEN);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	repo_close(f->repo);
	git_repository_free(f->git);
	folder_remove(f->folder);
	free(f);
	return 0;
}

static struct ledger *ledger_make(struct fixture *f, const char *known)
{
	struct diags d = {0};
	struct ledger *l = ledger_new(f->repo, &f->id, known, &d);

	assert_non_null(l);
	return l;
}

/* Invite and key number n, of seeds that n makes. */
static struct enrolment enrolment_of(const struct fixture *f, uint32_t invite, uint32_t key)
{
	uint8_t seed[KEY_LEN] = {1}, private_key[KEY_LEN] = {2}, sk[crypto_sign_SECRETKEYBYTES];
	struct enrolment e;
	struct key pk, x;

	memcpy(seed + 8, &invite, sizeof(invite));
	memcpy(private_key + 8, &key, sizeof(key));
	crypto_sign_seed_keypair(pk.b, sk, seed);
	x25519_public(private_key, &x);
	assert_int_equal(enrolment_make(&f->id, &pk, &x, 1000, seed, &e), 0);
	return e;
}

static void test_redeem(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = ledger_make(f, NULL), *again;
	struct enrolment one = enrolment_of(f, 1, 1), other = enrolment_of(f, 1, 2), same_key = enrolment_of(f, 2, 1);
	struct diags d = {0};
	uint64_t since;

	assert_int_equal(ledger_refresh(l, &d), 0);
	assert_true(ledger_available(l));
	assert_string_equal(ledger_position(l), "-");
	assert_int_equal(ledger_redeem(l, &one, &d), REDEEM_OK);
	assert_int_equal(ledger_redeem(l, &one, &d), REDEEM_OK); /* again: harmless */
	assert_int_equal(ledger_redeem(l, &other, &d), REDEEM_USED);
	assert_int_equal(ledger_redeem(l, &same_key, &d), REDEEM_KEY_KNOWN);
	assert_int_equal(ledger_facts(l)->n_enrolments, 1);
	assert_int_equal(d.n_errors + d.n_warnings, 0);

	/* Another reader sees the same bytes. */
	again = ledger_make(f, ledger_position(l));
	assert_int_equal(ledger_refresh(again, &d), 1);
	assert_string_equal(ledger_position(again), ledger_position(l));
	assert_int_equal(ledger_facts(again)->n_enrolments, 1);
	assert_memory_equal(&ledger_facts(again)->enrolments[0], &one, sizeof(one));
	assert_int_equal(ledger_refresh(again, &d), 0);

	/* Positions tell old from new. */
	struct enrolment three = enrolment_of(f, 3, 3);
	char before[POSITION_LEN + 1];
	strcpy(before, ledger_position(again));
	assert_int_equal(ledger_redeem(again, &three, &d), REDEEM_OK);
	assert_true(ledger_since(again, before, &since));
	for (size_t i = 0; i < 2; i++) {
		const struct enrolment *e = &ledger_facts(again)->enrolments[i];
		assert_int_equal(ledger_sequence(again, e) > since, key_eq(&e->invite, &three.invite));
	}
	assert_false(ledger_since(again, "-", &since));
	assert_int_equal(ledger_refresh(l, &d), 1);
	assert_int_equal(ledger_facts(l)->n_enrolments, 2);
	ledger_free(l);
	ledger_free(again);
}

#define WRITERS 4
#define EACH    12

/* Several processes at once: every record is there, and of those with one invite exactly one. */
static void test_concurrent_writers(void **state)
{
	struct fixture *f = *state;
	struct diags d = {0};
	pid_t child[WRITERS];
	int won = 0;

	for (uint32_t w = 0; w < WRITERS; w++) {
		child[w] = fork();
		assert_true(child[w] >= 0);
		if (child[w])
			continue;
		struct repo *r = repo_open(f->path, NULL, &d);
		struct ledger *l = ledger_new(r, &f->id, NULL, &d);
		bool ok = true;
		for (uint32_t i = 0; i < EACH; i++) {
			struct enrolment e = enrolment_of(f, 100 + w * EACH + i, 100 + w * EACH + i);
			ok &= ledger_redeem(l, &e, &d) == REDEEM_OK;
		}
		struct enrolment contested = enrolment_of(f, 1, 1 + w);
		enum redeem_result last = ledger_redeem(l, &contested, &d);
		ok &= last == REDEEM_OK || last == REDEEM_USED;
		ledger_free(l);
		repo_close(r);
		diags_free(&d);
		_exit(ok ? last == REDEEM_OK : 2);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status;
		assert_int_equal(waitpid(child[w], &status, 0), child[w]);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, 1);
		won += WEXITSTATUS(status);
	}
	assert_int_equal(won, 1);
	struct ledger *l = ledger_make(f, NULL);
	assert_int_equal(ledger_refresh(l, &d), 1);
	assert_int_equal(ledger_facts(l)->n_enrolments, WRITERS * EACH + 1);
	assert_int_equal(d.n_warnings, 0);
	ledger_free(l);
}

static void lock_path(const struct fixture *f, char *out, size_t n)
{
	snprintf(out, n, "%s/refs/heads/innernet/enrolments.lock", f->path);
}

/* A kill leaves a lock behind: an old one is cleared, a young one respected. */
static void test_stale_lock(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = ledger_make(f, NULL);
	struct enrolment one = enrolment_of(f, 1, 1), two = enrolment_of(f, 2, 2);
	struct diags d = {0}, busy = {0};
	char path[160];
	FILE *file;

	assert_int_equal(ledger_redeem(l, &one, &d), REDEEM_OK);
	lock_path(f, path, sizeof(path));
	assert_non_null(file = fopen(path, "w"));
	fclose(file);
	assert_int_equal(ledger_redeem(l, &two, &busy), REDEEM_UNAVAILABLE);
	assert_string_equal(code_of(&busy), "ledger-busy");
	struct utimbuf old = {.actime = time(NULL) - 2 * REPO_LOCK_SECONDS,
			      .modtime = time(NULL) - 2 * REPO_LOCK_SECONDS};
	assert_int_equal(utime(path, &old), 0);
	assert_int_equal(ledger_redeem(l, &two, &d), REDEEM_OK);
	assert_int_not_equal(access(path, F_OK), 0);
	diags_free(&busy);
	ledger_free(l);
}

static void move_branch(struct fixture *f, const git_oid *to)
{
	git_reference *ref = NULL;

	if (to)
		assert_int_equal(git_reference_create(&ref, f->git, LEDGER_REF, to, 1, NULL), 0);
	else
		assert_int_equal(git_reference_remove(f->git, LEDGER_REF), 0);
	git_reference_free(ref);
}

/* Missing, rewound or rewritten: the last good one stays, and nothing is recorded; put back, all is well again. */
static void test_rewound(void **state)
{
	struct fixture *f = *state;
	struct ledger *l = ledger_make(f, NULL);
	struct enrolment one = enrolment_of(f, 1, 1), two = enrolment_of(f, 2, 2), three = enrolment_of(f, 3, 3);
	struct diags d = {0};
	git_oid first, second, forged;
	const struct git_file nothing[] = {{"zzz", "rewritten\n", 0}};

	assert_int_equal(ledger_redeem(l, &one, &d), REDEEM_OK);
	assert_int_equal(git_oid_fromstr(&first, ledger_position(l)), 0);
	assert_int_equal(ledger_redeem(l, &two, &d), REDEEM_OK);
	assert_int_equal(git_oid_fromstr(&second, ledger_position(l)), 0);
	forged = commit_make(f->git, NULL, NULL, 0, nothing, 1, 5);
	const git_oid emptied = commit_make(f->git, NULL, &second, 1, nothing, 1, 5);

	const struct {
		const git_oid *to;
		const char *says;
	} cases[] = {
	    {NULL, "is missing"}, {&first, "was rewound"}, {&forged, "was rewound"}, {&emptied, "lost records"}};
	for (size_t i = 0; i < 4; i++) {
		struct diags why = {0};
		move_branch(f, cases[i].to);
		assert_int_equal(ledger_refresh(l, &why), -1);
		assert_string_equal(code_of(&why), "ledger-rewound");
		assert_non_null(strstr(why.first->message, cases[i].says));
		assert_non_null(strstr(why.first->help, git_oid_tostr_s(&second)));
		assert_false(ledger_available(l));
		assert_int_equal(ledger_facts(l)->n_enrolments, 2);
		assert_int_equal(ledger_redeem(l, &three, &why), REDEEM_UNAVAILABLE);
		diags_free(&why);

		/* After a restart too: the known position is what counts, and its records are still in git. */
		struct ledger *again = ledger_make(f, git_oid_tostr_s(&second));
		struct diags more = {0};
		assert_int_equal(ledger_refresh(again, &more), -1);
		assert_int_equal(ledger_facts(again)->n_enrolments, 2);
		assert_false(ledger_available(again));
		diags_free(&more);
		ledger_free(again);
		move_branch(f, &second);
		assert_int_equal(ledger_refresh(l, &d), 0);
		assert_true(ledger_available(l));
	}
	assert_int_equal(ledger_redeem(l, &three, &d), REDEEM_OK);
	ledger_free(l);
}

/* What a person pushed there is left out, each with its place; the rest counts. */
static void test_bad_records(void **state)
{
	struct fixture *f = *state;
	struct enrolment one = enrolment_of(f, 1, 1), forged = enrolment_of(f, 2, 2);
	struct buf good = {0}, bad = {0};
	char good_path[LEDGER_PATH_LEN], bad_path[LEDGER_PATH_LEN], wrong_place[LEDGER_PATH_LEN];
	struct diags d = {0};

	forged.key = one.key; /* the signature is not over this */
	enrolment_write(&good, &one);
	enrolment_write(&bad, &forged);
	ledger_key_path(good_path, "enrolments", &one.invite);
	ledger_key_path(bad_path, "enrolments", &forged.invite);
	ledger_key_path(wrong_place, "enrolments", &one.key);
	const struct git_file files[] = {
	    {good_path, good.p, 0},
	    {bad_path, bad.p, 0},
	    {wrong_place, good.p, 0},
	    {"README", "hello\n", 0},
	    {"addresses/01/02/zz", "innernet-address 1\n", 0},
	    {"spent/00/00/link", "x", 0120000},
	};
	commit_make(f->git, LEDGER_REF, NULL, 0, files, 6, 1000);
	struct ledger *l = ledger_make(f, NULL);
	assert_int_equal(ledger_refresh(l, &d), 1);
	assert_int_equal(d.n_errors, 0);
	assert_int_equal(d.n_warnings, 5);
	assert_string_equal(code_of(&d), "ledger-record");
	assert_int_equal(ledger_facts(l)->n_enrolments, 1);
	assert_memory_equal(&ledger_facts(l)->enrolments[0].invite, &one.invite, KEY_LEN);
	diags_free(&d);
	buf_free(&good);
	buf_free(&bad);
	ledger_free(l);
}

/* A peer that reads format 1 alone would refuse each snapshot that comes with it. */
static void test_newer_format(void **state)
{
	struct fixture *f = *state;
	struct enrolment e = enrolment_of(f, 1, 1);
	uint8_t seed[KEY_LEN] = {1};
	struct buf record = {0};
	char path[LEDGER_PATH_LEN];
	struct diags d = {0};

	e.extra = SPAN("x-a\n");
	enrolment_write(&record, &e);
	const size_t n = (size_t)(strstr(record.p, "innernet-signature") - record.p);
	memcpy(seed + 8, &(uint32_t){1}, sizeof(uint32_t));
	assert_int_equal(sign_detached("enrolment", &e.id, (struct span){(const uint8_t *)record.p, n}, seed, e.sig),
			 0);
	buf_reset(&record);
	enrolment_write(&record, &e);
	ledger_key_path(path, "enrolments", &e.invite);
	const struct git_file files[] = {{path, record.p, 0}};
	commit_make(f->git, LEDGER_REF, NULL, 0, files, 1, 1000);
	struct ledger *l = ledger_make(f, NULL);
	assert_int_equal(ledger_refresh(l, &d), 1);
	assert_int_equal(ledger_facts(l)->n_enrolments, 0);
	assert_int_equal(d.n_errors, 0);
	assert_string_equal(code_of(&d), "ledger-record");
	assert_non_null(strstr(d.first->message, ": an enrolment of format 2, and this server takes format 1 alone"));
	diags_free(&d);
	buf_free(&record);
	ledger_free(l);
}

static struct model *model_of(struct arena *a, const char *peers)
{
	struct diags d = {0};
	const char *text = arena_printf(
	    a,
	    "network: corp\ncidr: 10.60.0.0/16\ncidrs:\n  infra: 10.60.0.0/24\n  humans: 10.60.64.0/24\n"
	    "peers:\n  hub: { ip: 10.60.0.1, public_key: \"%s\", endpoint: \"192.0.2.1:51820\", server: true }\n%s",
	    "VoHpTCyC++M/IB1C5CFaFDDrtEtHufxOPpa8kmzlZHY=", peers);
	const struct source_file root = {.name = "network.yaml", .bytes = span_str(text)};
	struct model *m = definition_load(a, &root, NULL, false, &d);

	if (!m)
		fail_msg("%s", d.first ? d.first->message : "?");
	return m;
}

static const char *peer_line(struct arena *a, const char *name, const char *ip, const struct key *invite)
{
	char text[ED25519_STR_LEN + 1];

	ed25519_format(invite, text);
	return arena_printf(a, "  %s: { ip: %s, invite: \"%s\" }\n", name, ip, text);
}

static const struct ledger_address *address_of(const struct ledger *l, const char *ip)
{
	struct addr a;

	assert_int_equal(addr_parse(ip, strlen(ip), &a), 0);
	for (size_t i = 0; i < ledger_facts(l)->n_addresses; i++)
		if (!addr_cmp(&ledger_facts(l)->addresses[i].addr, &a))
			return &ledger_facts(l)->addresses[i];
	return NULL;
}

#define COMMIT "0123456789012345678901234567890123456789"

/* What would take too much memory to load is refused by its size, and by its depth, before it is. */
static void test_bounded(void **state)
{
	struct fixture *f = *state;
	const struct git_file fine = {"spent/aa/none", "x\n", 0}, deep = {"spent/1/2/3/4/5/6/7/8/9/none", "x\n", 0};
	const char *usual = commit_message;
	char *huge = malloc(GIT_COMMIT_MAX + 1);
	struct ledger *l = ledger_make(f, NULL);
	struct diags d = {0};

	assert_non_null(huge);
	const git_oid first = commit_make(f->git, LEDGER_REF, NULL, 0, &fine, 1, 1);
	assert_int_equal(ledger_refresh(l, &d), 1);
	diags_free(&d);
	memset(huge, 'x', GIT_COMMIT_MAX);
	huge[GIT_COMMIT_MAX] = '\0';
	commit_message = huge;
	commit_make(f->git, LEDGER_REF, &first, 1, &fine, 1, 2);
	commit_message = usual;
	assert_int_equal(ledger_refresh(l, &d), -1);
	assert_string_equal(code_of(&d), "ledger-corrupt");
	assert_non_null(strstr(d.first->message, "the object is too large"));
	diags_free(&d);
	/* Below a small one, too. */
	commit_message = huge;
	const git_oid large = commit_make(f->git, NULL, &first, 1, &fine, 1, 2);
	commit_message = usual;
	commit_make(f->git, LEDGER_REF, &large, 1, &fine, 1, 3);
	assert_int_equal(ledger_refresh(l, &d), -1);
	assert_string_equal(code_of(&d), "ledger-corrupt");
	assert_non_null(strstr(d.first->message, "cannot find the last good commit in the ledger's history: commit "));
	assert_non_null(strstr(d.first->message, "the object is too large"));
	diags_free(&d);
	commit_make(f->git, LEDGER_REF, &first, 1, &deep, 1, 2);
	assert_int_equal(ledger_refresh(l, &d), -1);
	assert_string_equal(code_of(&d), "ledger-corrupt");
	assert_non_null(strstr(d.first->message, "its folders lie too deep"));
	diags_free(&d);
	ledger_free(l);
	free(huge);
}

/*
 * A folder with the same folder under many names, and so on: a few kilobytes that hold more files than there are atoms.
 */
static void test_many_times(void **state)
{
	struct fixture *f = *state;
	const struct git_file fine = {"spent/aa/none", "x\n", 0};
	struct ledger *l = ledger_make(f, NULL);
	struct diags d = {0};
	git_signature *who = NULL;
	git_oid inner, id;

	const git_oid first = commit_make(f->git, LEDGER_REF, NULL, 0, &fine, 1, 1);
	assert_int_equal(ledger_refresh(l, &d), 1);
	diags_free(&d);
	assert_int_equal(git_blob_create_from_buffer(&inner, f->git, "x", 1), 0);
	for (int depth = 0; depth < 8; depth++) {
		git_treebuilder *b = NULL;
		assert_int_equal(git_treebuilder_new(&b, f->git, NULL), 0);
		for (int i = 0; i < 250; i++) {
			char name[8];
			snprintf(name, sizeof(name), "%02x", i);
			assert_int_equal(git_treebuilder_insert(NULL, b, name, &inner,
								depth ? GIT_FILEMODE_TREE : GIT_FILEMODE_BLOB),
					 0);
		}
		assert_int_equal(git_treebuilder_write(&inner, b), 0);
		git_treebuilder_free(b);
	}
	git_commit *parent = NULL;
	git_tree *tree = NULL;
	assert_int_equal(git_commit_lookup(&parent, f->git, &first), 0);
	assert_int_equal(git_tree_lookup(&tree, f->git, &inner), 0);
	assert_int_equal(git_signature_new(&who, "a", "a@b", 2, 0), 0);
	const git_commit *parents[] = {parent};
	assert_int_equal(git_commit_create(&id, f->git, LEDGER_REF, who, who, NULL, "many\n", tree, 1, parents), 0);
	assert_int_equal(ledger_refresh(l, &d), -1);
	assert_string_equal(code_of(&d), "ledger-corrupt");
	assert_non_null(strstr(d.first->message, "it holds too many"));
	assert_string_equal(ledger_position(l), git_oid_tostr_s(&first));
	diags_free(&d);
	git_signature_free(who);
	git_tree_free(tree);
	git_commit_free(parent);
	ledger_free(l);
}

static void test_record(void **state)
{
	struct fixture *f = *state;
	struct arena *a = arena_new();
	struct ledger *l = ledger_make(f, NULL);
	struct enrolment bob = enrolment_of(f, 1, 1), carol = enrolment_of(f, 2, 2), new_bob = enrolment_of(f, 3, 3),
			 dave = enrolment_of(f, 4, 4);
	struct diags d = {0};
	char before[POSITION_LEN + 1];
	struct model *first = model_of(a, arena_printf(a, "%s%s%s", peer_line(a, "bob", "10.60.64.3", &bob.invite),
						       peer_line(a, "carol", "10.60.64.4", &carol.invite),
						       peer_line(a, "dave", "10.60.64.5", &dave.invite)));

	assert_int_equal(ledger_record(l, first, NULL, COMMIT, &d), 0);
	assert_int_equal(ledger_facts(l)->n_addresses, 4);
	assert_string_equal(address_of(l, "10.60.64.3")->name, "bob");
	assert_true(key_eq(&address_of(l, "10.60.64.3")->mark, &bob.invite));
	assert_true(key_is_zero(&address_of(l, "10.60.64.3")->enrolled));

	/* The same again writes nothing. */
	strcpy(before, ledger_position(l));
	assert_int_equal(ledger_record(l, first, first, COMMIT, &d), 0);
	assert_string_equal(ledger_position(l), before);

	/* What an invite became is known with its address. */
	assert_int_equal(ledger_redeem(l, &carol, &d), REDEEM_OK);
	assert_true(key_eq(&address_of(l, "10.60.64.4")->enrolled, &carol.key));

	/* bob is invited again, carol goes after use, dave goes unused: two invites are spent, one is not. */
	struct model *second = model_of(a, peer_line(a, "bob", "10.60.64.3", &new_bob.invite));
	assert_int_equal(ledger_record(l, second, first, COMMIT, &d), 0);
	assert_true(ledger_is_spent(l, &bob.invite));
	assert_true(ledger_is_spent(l, &carol.invite));
	assert_false(ledger_is_spent(l, &dave.invite));
	assert_false(ledger_is_spent(l, &new_bob.invite));
	assert_int_equal(ledger_redeem(l, &bob, &d), REDEEM_USED);
	assert_true(key_eq(&address_of(l, "10.60.64.3")->mark, &new_bob.invite));
	assert_string_equal(address_of(l, "10.60.64.5")->name, "dave"); /* for ever */
	assert_int_equal(d.n_errors + d.n_warnings, 0);

	struct ledger *again = ledger_make(f, NULL);
	assert_int_equal(ledger_refresh(again, &d), 1);
	assert_int_equal(ledger_facts(again)->n_addresses, 4);
	assert_int_equal(ledger_facts(again)->n_spent, 2);
	assert_int_equal(d.n_errors + d.n_warnings, 0);
	ledger_free(again);
	ledger_free(l);
	arena_free(a);
}

/* Many at once go through another way of syncing: all of them are there. */
static void test_record_many(void **state)
{
	struct fixture *f = *state;
	struct arena *a = arena_new();
	struct ledger *l = ledger_make(f, NULL);
	struct buf peers = {0};
	struct diags d = {0};

	for (unsigned i = 0; i < 200; i++) {
		struct enrolment e = enrolment_of(f, 1000 + i, 1);
		char name[16], ip[16];
		snprintf(name, sizeof(name), "p%u", i);
		snprintf(ip, sizeof(ip), "10.60.64.%u", i + 2);
		buf_str(&peers, peer_line(a, name, ip, &e.invite));
	}
	assert_int_equal(ledger_record(l, model_of(a, peers.p), NULL, COMMIT, &d), 0);
	assert_int_equal(ledger_facts(l)->n_addresses, 201);
	buf_free(&peers);
	ledger_free(l);
	arena_free(a);
}

static void test_texts(void **state)
{
	struct ledger_address a = {.name = "bob"}, back;
	struct buf text = {0};
	char name[NAME_MAX_LEN + 1];

	(void)state;
	assert_int_equal(addr_parse("fd00:60::1", 10, &a.addr), 0);
	memset(a.mark.b, 5, KEY_LEN);
	ledger_address_write(&text, &a, COMMIT);
	assert_string_equal(
	    text.p, "innernet-address 1\naddress fd00:60::1\nmark BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU=\n"
		    "name bob\ncommit " COMMIT "\n");
	assert_int_equal(ledger_address_parse(buf_span(&text), &back, name), 0);
	assert_true(key_eq(&back.mark, &a.mark));
	assert_string_equal(name, "bob");
	/* One byte less, or one more, is not a record. */
	for (size_t n = 0; n < text.n; n++)
		assert_int_equal(ledger_address_parse((struct span){(uint8_t *)text.p, n}, &back, name), -1);
	buf_char(&text, '\n');
	assert_int_equal(ledger_address_parse(buf_span(&text), &back, name), -1);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test_setup_teardown(test_redeem, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_concurrent_writers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stale_lock, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rewound, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_records, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_newer_format, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_many_times, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_record, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_record_many, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
