/* What a peer checks before it believes a snapshot: each line of the order has a test that breaks just that line. */
#include "tests/unit/verify_fixture.h"

static void a_good_one_is_believed(void **state)
{
	struct fixture f;
	(void)state;

	open_fixture(&f, "h3", 5);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.d.n_errors, 0);
	assert_string_equal(f.view->peers[f.view->self].name, "h3");
	assert_int_equal(f.view->statement.version.number, 5);
	assert_int_equal(f.view->n_peers, 46);
	hold(&f);
	assert_int_equal(verify_at(&f, 0), VERIFY_UNCHANGED);
	assert_null(f.view);
	assert_non_null(f.merged);
	/* What is kept verifies by itself, at the next start. */
	f.b = f.merged;
	f.v.held = NULL;
	f.v.held_view = NULL;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	close_fixture(&f);
}

static void signatures(void **state)
{
	const char *const twice[] = {S, S}, *const both[] = {S, T};
	struct fixture f;
	struct span text;
	(void)state;

	open_fixture(&f, "h3", 5);
	text = f.b->statement.text;
	f.b->statement = sign_with(f.n.a, "statement", text, &S, 0);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->statement = sign_with(f.n.a, "statement", text, &T, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->statement = sign_with(f.n.a, "fresh", text, &S, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	/* One that says it is over something else. */
	f.b->statement = sign_with(f.n.a, "statement", text, &S, 1);
	{
		struct signature sig;
		struct buf b = {0};

		assert_int_equal(signature_parse(f.b->statement.signatures[0], &sig, &f.d), 0);
		sig.over.b[0] ^= 1;
		signature_write(&b, &sig);
		f.b->statement.signatures[0] = arena_span(f.n.a, buf_span(&b));
		buf_free(&b);
	}
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	/* One byte of the statement. */
	f.b->statement = sign_with(f.n.a, "statement", text, &S, 1);
	f.b->statement.text = arena_span(f.n.a, text);
	((uint8_t *)(uintptr_t)f.b->statement.text.p)[text.n - 70] ^= 1;
	assert_int_equal(verify_at(&f, 0), VERIFY_REFUSED);
	/* Two of two, and one of them twice. */
	f.v.pinned.signers[0] = ed_of(S);
	f.v.pinned.signers[1] = ed_of(T);
	f.v.pinned.n_signers = f.v.pinned.threshold = 2;
	f.b->statement = sign_with(f.n.a, "statement", text, twice, 2);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->statement = sign_with(f.n.a, "statement", text, both, 2);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	close_fixture(&f);
}

static void another_network(void **state)
{
	struct fixture f;
	struct statement st;
	(void)state;

	open_fixture(&f, "h3", 5);
	assert_int_equal(statement_parse(f.b->statement.text, &st, &f.d), 0);
	st.trust.id.b[0] ^= 1;
	/* Signed as ours, so that nothing else is wrong with it. */
	f.b->statement = sign_with(f.n.a, "statement", text_of(f.n.a, &st), &S, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-other-network");
	close_fixture(&f);
}

static void versions(void **state)
{
	struct fixture f;
	struct statement st;
	struct bundle *good;
	(void)state;

	open_fixture(&f, "h3", 5);
	good = f.b;
	f.v.floor = (struct version){0, 6};
	EXPECT(&f, VERIFY_BEHIND, "snapshot-behind");
	f.v.floor = (struct version){1, 0};
	EXPECT(&f, VERIFY_BEHIND, "snapshot-behind");
	f.v.floor = (struct version){0, 5};
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	hold(&f);
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	*f.b = *good;
	assert_int_equal(statement_parse(good->statement.text, &st, &f.d), 0);
	st.version.number = 4;
	f.b->statement = sign_with(f.n.a, "statement", text_of(f.n.a, &st), &S, 1);
	EXPECT(&f, VERIFY_BEHIND, "snapshot-behind");
	/* The same version with other bytes: an alarm. */
	st.version.number = 5;
	st.time++;
	f.b->statement = sign_with(f.n.a, "statement", text_of(f.n.a, &st), &S, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-equivocation");
	/* A higher one is taken still, by number or by epoch. */
	st.version.number = 6;
	f.b->statement = sign_with(f.n.a, "statement", text_of(f.n.a, &st), &S, 1);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	f.v.floor = (struct version){0, 7};
	EXPECT(&f, VERIFY_BEHIND, "snapshot-behind");
	f.v.floor = (struct version){0, 5};
	st.version = (struct version){1, 1};
	f.b->statement = sign_with(f.n.a, "statement", text_of(f.n.a, &st), &S, 1);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	close_fixture(&f);
}

/* S signs version 1; T takes over in version 2; U in version 3; version 4 changes nothing. */
static void signers_change_one_by_one(void **state)
{
	const char *const st[] = {S, T}, *const tu[] = {T, U};
	struct net n[5];
	struct fixture f = {.peer = 0};
	struct bundle *b[5];
	struct signed_text chain[2];
	struct bundle *kept;
	(void)state;

	for (unsigned i = 1; i < 5; i++) {
		open_with(&n[i], i == 1 ? &S : i == 2 ? &T : &U, 1, 1, "", i);
		f.peer = model_peer_by_name(n[i].m, "h3");
		b[i] = bundle_for(n[i].a, &n[i], f.peer, NULL, 0);
	}
	f.n = n[1];
	f.v = verifier_for(&n[1], f.peer);
	b[2]->statement = sign_with(f.n.a, "statement", b[2]->statement.text, st, 2);
	b[3]->statement = sign_with(f.n.a, "statement", b[3]->statement.text, tu, 2);
	b[4]->statement = sign_with(f.n.a, "statement", b[4]->statement.text, &U, 1);
	chain[0] = b[2]->statement;
	chain[1] = b[3]->statement;

	/* Not enough of the new ones, or of the old ones. */
	f.b = b[2];
	f.b->statement = sign_with(f.n.a, "statement", f.b->statement.text, &S, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-signers");
	f.b->statement = sign_with(f.n.a, "statement", f.b->statement.text, &T, 1);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->statement = chain[0];
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.merged->n_chain, 0);

	/* A peer that was away follows one after the other; a gap or another order it does not. */
	f.b = b[4];
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->chain = chain + 1;
	f.b->n_chain = 1;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->chain = (struct signed_text[]){chain[1], chain[0]};
	f.b->n_chain = 2;
	assert_int_equal(verify_at(&f, 0), VERIFY_REFUSED);
	f.b->chain = chain;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.merged->n_chain, 2);
	kept = f.merged;

	/* What is kept leads from the invitation to today, at each start. */
	f.b = kept;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);

	/* Step by step, a held statement that changed the signers joins the chain. */
	b[2]->n_chain = b[3]->n_chain = b[4]->n_chain = 0;
	for (unsigned i = 1; i < 5; i++) {
		f.b = b[i];
		assert_int_equal(verify_at(&f, 0), VERIFY_OK);
		hold(&f);
	}
	assert_int_equal(f.merged->n_chain, 2);
	assert_ptr_equal(f.merged->chain[0].text.p, chain[0].text.p);
	assert_ptr_equal(f.merged->chain[1].text.p, chain[1].text.p);
	f.b = f.merged;
	f.v.held = NULL;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);

	/* Invited after the changes: what lies below the floor is not asked about. */
	f.v = verifier_for(&n[4], f.peer);
	f.v.floor = (struct version){0, 4};
	f.b = b[4];
	f.b->chain = chain;
	f.b->n_chain = 2;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.merged->n_chain, 0);
	diags_free(&f.d);
	for (unsigned i = 1; i < 5; i++)
		net_close(&n[i]);
}

/* T came and went again. The holder of T's key must not bring it back by telling the story backwards. */
static void a_signer_that_went_stays_away(void **state)
{
	const char *const both[] = {S, T};
	struct net n[5];
	struct fixture f = {.peer = 0};
	struct signed_text came, went;
	(void)state;

	for (unsigned i = 1; i < 5; i++)
		open_with(&n[i], i == 2 || i == 4 ? &T : &S, 1, 1, "", i);
	f.n = n[1];
	f.peer = model_peer_by_name(f.n.m, "h3");
	f.v = verifier_for(&n[1], f.peer);
	came = sign_with(f.n.a, "statement", n[2].s->statement, both, 2);
	went = sign_with(f.n.a, "statement", n[3].s->statement, both, 2);
	f.b = bundle_for(f.n.a, &n[4], f.peer, NULL, 0);
	f.b->statement = sign_with(f.n.a, "statement", n[4].s->statement, &T, 1);
	f.b->chain = (struct signed_text[]){came, went};
	f.b->n_chain = 2;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-unsigned");
	f.b->chain = (struct signed_text[]){went, came};
	EXPECT(&f, VERIFY_REFUSED, "snapshot-signers");
	/* Nor by a statement from before it went. */
	f.b = bundle_for(f.n.a, &n[2], f.peer, NULL, 0);
	f.b->statement = came;
	f.b->chain = (struct signed_text[]){went};
	f.b->n_chain = 1;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-signers");
	diags_free(&f.d);
	for (unsigned i = 1; i < 5; i++)
		net_close(&n[i]);
}

static void the_path(void **state)
{
	struct fixture f;
	(void)state;

	open_fixture(&f, "h3", 5);
	f.b->has_path = false;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->has_path = true;
	f.b->path_index++;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->path_index--;
	f.b->n_path--;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->n_path += 2;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->n_path--;
	f.b->path_count++;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->path_count--;
	f.b->path[0].b[5] ^= 1;
	EXPECT(&f, VERIFY_REFUSED, "snapshot-path");
	f.b->path[0].b[5] ^= 1;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	close_fixture(&f);
}

static void every_object_is_needed_as_it_was(void **state)
{
	struct fixture f;
	(void)state;

	open_fixture(&f, "i0", 5);
	assert_true(f.b->n_objects > 8);
	for (size_t i = 0; i < f.b->n_objects; i++) {
		struct object was = f.b->objects[i];

		/* Taken away: another one twice does no harm, and does not help. */
		f.b->objects[i] = f.b->objects[i ? 0 : 1];
		EXPECT(&f, VERIFY_REFUSED, "snapshot-object-missing");
		/* One byte changed. */
		f.b->objects[i].bytes = arena_span(f.n.a, was.bytes);
		((uint8_t *)(uintptr_t)f.b->objects[i].bytes.p)[was.bytes.n - 5] ^= 1;
		hash_bytes(f.b->objects[i].bytes.p, was.bytes.n, &f.b->objects[i].name);
		EXPECT(&f, VERIFY_REFUSED, i ? "snapshot-object-missing" : "snapshot-path");
		f.b->objects[i] = was;
	}
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	close_fixture(&f);
}

static void what_is_not_needed_is_dropped(void **state)
{
	struct fixture f;
	struct object *more;
	size_t n;
	(void)state;

	open_fixture(&f, "h3", 5);
	n = f.b->n_objects;
	more = arena_array(f.n.a, n + 2, sizeof(*more));
	memcpy(more, f.b->objects, n * sizeof(*more));
	more[n] = more[1];
	more[n + 1].bytes = SPAN("not needed\n");
	hash_bytes(more[n + 1].bytes.p, more[n + 1].bytes.n, &more[n + 1].name);
	f.b->objects = more;
	f.b->n_objects = n + 2;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.merged->n_objects, n);
	close_fixture(&f);
}

static void its_own_entry(void **state)
{
	struct fixture f;
	(void)state;

	open_fixture(&f, "h3", 5);
	f.v.own_key = wg_of("nobody");
	EXPECT(&f, VERIFY_REFUSED, "snapshot-self-missing");
	/* In the view, but not in its own list. */
	f.v.own_key = wg_of("hub");
	EXPECT(&f, VERIFY_REFUSED, "snapshot-self-missing");
	f.v.own_key = wg_of("nobody");
	f.v.invite = ed_of("i0");
	EXPECT(&f, VERIFY_REFUSED, "snapshot-self-missing");
	f.v.invite = ed_of("i5");
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_string_equal(f.view->peers[f.view->self].name, "i5");
	assert_true(f.view->peers[f.view->self].pending);
	close_fixture(&f);
}

static struct span enrolment(struct arena *a, const char *invite, const char *key, const char *signed_by, int64_t time)
{
	struct key id = id_of_tests(), i = ed_of(invite), k = wg_of(key);
	uint8_t seed[KEY_LEN];
	struct enrolment e;
	struct buf b = {0};
	struct span s;

	seed_of(signed_by, seed);
	assert_int_equal(enrolment_make(&id, &i, &k, time, seed, &e), 0);
	enrolment_write(&b, &e);
	s = arena_span(a, buf_span(&b));
	buf_free(&b);
	return s;
}

static const struct view_peer *peer_named(const struct view *v, const char *name)
{
	for (uint32_t i = 0; i < v->n_peers; i++)
		if (strcmp(v->peers[i].name, name) == 0)
			return &v->peers[i];
	return NULL;
}

static void enrol(struct fixture *f, struct span one, struct span two)
{
	f->b->enrolments = arena_array(f->n.a, 2, sizeof(*f->b->enrolments));
	f->b->enrolments[0] = one;
	f->b->enrolments[1] = two;
	f->b->n_enrolments = two.p ? 2 : 1;
}

static const struct span none = {NULL, 0};

static void an_enrolment_gives_an_invite_its_key(void **state)
{
	struct fixture f;
	struct key k = wg_of("k1");
	const struct view_peer *p;
	(void)state;

	open_fixture(&f, "h3", 5);
	enrol(&f, enrolment(f.n.a, "i1", "k1", "i1", 7), enrolment(f.n.a, "unknown", "k2", "unknown", 7));
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	p = peer_named(f.view, "i1");
	assert_false(p->pending);
	assert_true(key_eq(&p->key, &k));
	k = ed_of("i1");
	assert_true(key_eq(&p->invite, &k));
	assert_int_equal(f.merged->n_enrolments, 1);
	close_fixture(&f);
}

static void a_forged_enrolment_is_refused(void **state)
{
	struct fixture f;
	struct enrolment e;
	struct key id = id_of_tests(), other = id, invite = ed_of("i1"), temporary;
	uint8_t seed[KEY_LEN];
	struct buf b = {0};
	(void)state;

	open_fixture(&f, "h3", 5);
	enrol(&f, enrolment(f.n.a, "i1", "k1", "i2", 7), none);
	EXPECT(&f, VERIFY_REFUSED, "enrolment-forged");
	/* For another network, and signed for it. */
	other.b[3] ^= 1;
	seed_of("i1", seed);
	temporary = wg_of("k1");
	assert_int_equal(enrolment_make(&other, &invite, &temporary, 7, seed, &e), 0);
	enrolment_write(&b, &e);
	enrol(&f, arena_span(f.n.a, buf_span(&b)), none);
	EXPECT(&f, VERIFY_REFUSED, "enrolment-other-network");
	/* The invite's own key is no key of the peer's. */
	assert_int_equal(ed25519_to_x25519(&invite, &temporary), 0);
	assert_int_equal(enrolment_make(&id, &invite, &temporary, 7, seed, &e), 0);
	buf_reset(&b);
	enrolment_write(&b, &e);
	enrol(&f, arena_span(f.n.a, buf_span(&b)), none);
	EXPECT(&f, VERIFY_REFUSED, "enrolment-key");
	enrol(&f, SPAN("innernet-enrolment 1\n"), none);
	EXPECT(&f, VERIFY_REFUSED, "bad-enrolment");
	buf_free(&b);
	close_fixture(&f);
}

static void the_first_enrolment_stays(void **state)
{
	struct fixture f;
	struct key k = wg_of("k1");
	(void)state;

	open_fixture(&f, "h3", 5);
	enrol(&f, enrolment(f.n.a, "i1", "k1", "i1", 7), enrolment(f.n.a, "i1", "k2", "i1", 6));
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(said(&f.d, "enrolment-second"));
	assert_true(key_eq(&peer_named(f.view, "i1")->key, &k));
	assert_int_equal(f.merged->n_enrolments, 1);
	/* Held, it beats another one too: alone that is no news, and beside news it is not taken. */
	hold(&f);
	enrol(&f, enrolment(f.n.a, "i1", "k2", "i1", 5), none);
	f.b->statement = (struct signed_text){.text = {NULL, 0}};
	assert_int_equal(verify_at(&f, 0), VERIFY_UNCHANGED);
	assert_true(said(&f.d, "enrolment-second"));
	enrol(&f, enrolment(f.n.a, "i1", "k2", "i1", 5), enrolment(f.n.a, "i2", "k3", "i2", 5));
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(said(&f.d, "enrolment-second"));
	assert_true(key_eq(&peer_named(f.view, "i1")->key, &k));
	assert_false(peer_named(f.view, "i2")->pending);
	assert_int_equal(f.merged->n_enrolments, 2);
	close_fixture(&f);
}

static void a_known_key_is_not_enrolled(void **state)
{
	struct fixture f;
	struct key id = id_of_tests(), invite = ed_of("i1"), temporary, of_i2 = ed_of("i2");
	uint8_t seed[KEY_LEN];
	struct enrolment e;
	struct buf b = {0};
	(void)state;

	open_fixture(&f, "h3", 5);
	/* The definition's key beats it. */
	enrol(&f, enrolment(f.n.a, "i1", "h7", "i1", 7), none);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(said(&f.d, "enrolment-key-known"));
	assert_true(peer_named(f.view, "i1")->pending);
	assert_int_equal(f.merged->n_enrolments, 0);
	/* So does another invite's temporary key. */
	seed_of("i1", seed);
	assert_int_equal(ed25519_to_x25519(&of_i2, &temporary), 0);
	assert_int_equal(enrolment_make(&id, &invite, &temporary, 7, seed, &e), 0);
	enrolment_write(&b, &e);
	enrol(&f, arena_span(f.n.a, buf_span(&b)), none);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(said(&f.d, "enrolment-key-known"));
	assert_true(peer_named(f.view, "i1")->pending);
	/* Of two invites with one key, one gets it. */
	enrol(&f, enrolment(f.n.a, "i1", "k1", "i1", 7), enrolment(f.n.a, "i2", "k1", "i2", 7));
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(said(&f.d, "enrolment-key-known"));
	assert_int_equal(f.merged->n_enrolments, 1);
	assert_true(peer_named(f.view, "i2")->pending != peer_named(f.view, "i1")->pending);
	buf_free(&b);
	close_fixture(&f);
}

static void somebody_else_redeemed_it(void **state)
{
	struct fixture f;
	(void)state;

	open_fixture(&f, "i0", 5);
	f.v.own_key = wg_of("mine");
	enrol(&f, enrolment(f.n.a, "i0", "theirs", "i0", 7), none);
	EXPECT(&f, VERIFY_REFUSED, "snapshot-self-missing");
	enrol(&f, enrolment(f.n.a, "i0", "mine", "i0", 7), none);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	/* One that lost its invite is known by its enrolled key. */
	memset(&f.v.invite, 0, sizeof(f.v.invite));
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_string_equal(f.view->peers[f.view->self].name, "i0");
	close_fixture(&f);
}

static void a_new_invite_voids_the_enrolment(void **state)
{
	char more[256], key[ED25519_STR_LEN + 1];
	struct key k = ed_of("again");
	struct fixture f;
	struct net next;
	struct buf yaml;
	char *old;
	(void)state;

	open_fixture(&f, "h3", 5);
	enrol(&f, enrolment(f.n.a, "i5", "k1", "i5", 7), none);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_int_equal(f.merged->n_enrolments, 1);
	hold(&f);
	ed25519_format(&k, key);
	snprintf(more, sizeof(more), "  i5: { ip: 10.60.64.99, invite: \"%s\" }\n", key);
	yaml = definition(&S, 1, 1, more);
	old = strstr(yaml.p, "  i5:");
	memmove(old, strchr(old, '\n') + 1, strlen(strchr(old, '\n') + 1) + 1);
	net_open(&next, yaml.p, 6);
	f.b = bundle_for(next.a, &next, model_peer_by_name(next.m, "h3"), &f.n, f.peer);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_true(peer_named(f.view, "i5")->pending);
	assert_int_equal(f.merged->n_enrolments, 0);
	buf_free(&yaml);
	net_close(&next);
	close_fixture(&f);
}

static void freshness(void **state)
{
	struct fixture f;
	struct fresh fr = {.issued = 1000, .until = 1300};
	struct buf b = {0};
	struct span text;
	(void)state;

	open_fixture(&f, "h3", 5);
	assert_int_equal(verify_at(&f, 1000), VERIFY_OK);
	assert_true(said(&f.d, "snapshot-stale"));
	assert_int_equal(f.view->fresh_until, 0);
	fr.statement = f.n.s->statement_name;
	fresh_write(&b, &fr);
	text = arena_span(f.n.a, buf_span(&b));
	f.b->fresh = sign_with(f.n.a, "fresh", text, &T, 1);
	assert_int_equal(verify_at(&f, 1000), VERIFY_OK);
	assert_true(said(&f.d, "snapshot-stale"));
	assert_null(f.merged->fresh.text.p);
	f.b->fresh = sign_with(f.n.a, "fresh", text, &S, 1);
	assert_int_equal(verify_at(&f, 1300), VERIFY_OK);
	assert_null(f.d.first);
	assert_int_equal(f.view->fresh_until, 1300);
	assert_int_equal(verify_at(&f, 1301), VERIFY_OK);
	assert_true(said(&f.d, "snapshot-stale"));
	/* A later one for the held statement is kept, and is no news. */
	hold(&f);
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	fr.until = 1600;
	buf_reset(&b);
	fresh_write(&b, &fr);
	f.b->fresh = sign_with(f.n.a, "fresh", arena_span(f.n.a, buf_span(&b)), &S, 1);
	assert_int_equal(verify_at(&f, 1500), VERIFY_UNCHANGED);
	assert_null(f.d.first);
	assert_ptr_equal(f.merged->fresh.text.p, f.b->fresh.text.p);
	/* An earlier one does not take its place. */
	f.v.held = f.merged;
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	f.b->fresh = sign_with(f.n.a, "fresh", text, &S, 1);
	assert_int_equal(verify_at(&f, 1500), VERIFY_UNCHANGED);
	assert_null(f.d.first);
	assert_ptr_equal(f.merged->fresh.text.p, f.v.held->fresh.text.p);
	/*
	 * From a clock that was a day ahead: it does not count, and the next one takes its place, earlier though it is.
	 */
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	fr.until = 1500 + 86400;
	buf_reset(&b);
	fresh_write(&b, &fr);
	f.b->fresh = sign_with(f.n.a, "fresh", arena_span(f.n.a, buf_span(&b)), &S, 1);
	assert_int_equal(verify_at(&f, 1500), VERIFY_UNCHANGED);
	assert_string_equal(f.d.first->message,
			    "the server that says that this is still the newest snapshot has a clock that is "
			    "86100 s ahead of this machine's");
	f.v.held = f.merged;
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	fr.until = 1800;
	buf_reset(&b);
	fresh_write(&b, &fr);
	f.b->fresh = sign_with(f.n.a, "fresh", arena_span(f.n.a, buf_span(&b)), &S, 1);
	assert_int_equal(verify_at(&f, 1501), VERIFY_UNCHANGED);
	assert_null(f.d.first);
	assert_ptr_equal(f.merged->fresh.text.p, f.b->fresh.text.p);
	/* What this machine was told besides counts as well, and does not take the place of what is signed. */
	f.v.told_until = 1900;
	assert_int_equal(verify_at(&f, 1850), VERIFY_UNCHANGED);
	assert_null(f.d.first);
	assert_ptr_equal(f.merged->fresh.text.p, f.b->fresh.text.p);
	assert_int_equal(verify_at(&f, 1901), VERIFY_UNCHANGED);
	assert_string_equal(f.d.first->message, "no server has said for 1 s that this is still the newest snapshot");
	f.v.told_until = 1850 + 86400; /* from the future */
	assert_int_equal(verify_at(&f, 1850), VERIFY_UNCHANGED);
	assert_true(said(&f.d, "snapshot-stale"));
	f.v.told_until = 0;
	/* Of another statement it says nothing. */
	fr.statement.b[0] ^= 1;
	buf_reset(&b);
	fresh_write(&b, &fr);
	f.b->fresh = sign_with(f.n.a, "fresh", arena_span(f.n.a, buf_span(&b)), &S, 1);
	f.v.held = memcpy(arena_alloc(f.n.a, sizeof(*f.merged)), f.merged, sizeof(*f.merged));
	((struct bundle *)(uintptr_t)f.v.held)->fresh = (struct signed_text){.text = {NULL, 0}};
	assert_int_equal(verify_at(&f, 1500), VERIFY_UNCHANGED);
	assert_true(said(&f.d, "snapshot-stale"));
	buf_free(&b);
	close_fixture(&f);
}

static void without_a_statement_it_is_about_the_held_one(void **state)
{
	struct fixture f;
	struct bundle *first;
	(void)state;

	open_fixture(&f, "h3", 5);
	first = f.b;
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	EXPECT(&f, VERIFY_REFUSED, "snapshot-missing");
	f.b = first;
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	hold(&f);
	f.b = arena_alloc(f.n.a, sizeof(*f.b));
	memcpy(f.b->ledger, "-", 2);
	enrol(&f, enrolment(f.n.a, "i1", "k1", "i1", 7), none);
	assert_int_equal(verify_at(&f, 0), VERIFY_OK);
	assert_false(peer_named(f.view, "i1")->pending);
	assert_int_equal(f.merged->n_objects, first->n_objects);
	assert_string_equal(f.merged->ledger, "-");
	hold(&f);
	assert_int_equal(verify_at(&f, 0), VERIFY_UNCHANGED);
	close_fixture(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_good_one_is_believed),
	    cmocka_unit_test(signatures),
	    cmocka_unit_test(another_network),
	    cmocka_unit_test(versions),
	    cmocka_unit_test(signers_change_one_by_one),
	    cmocka_unit_test(a_signer_that_went_stays_away),
	    cmocka_unit_test(the_path),
	    cmocka_unit_test(every_object_is_needed_as_it_was),
	    cmocka_unit_test(what_is_not_needed_is_dropped),
	    cmocka_unit_test(its_own_entry),
	    cmocka_unit_test(an_enrolment_gives_an_invite_its_key),
	    cmocka_unit_test(a_forged_enrolment_is_refused),
	    cmocka_unit_test(the_first_enrolment_stays),
	    cmocka_unit_test(a_known_key_is_not_enrolled),
	    cmocka_unit_test(somebody_else_redeemed_it),
	    cmocka_unit_test(a_new_invite_voids_the_enrolment),
	    cmocka_unit_test(freshness),
	    cmocka_unit_test(without_a_statement_it_is_about_the_held_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
