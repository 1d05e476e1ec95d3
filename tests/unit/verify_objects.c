/* Objects that the signers signed, and that contradict each other all the same. */
#include "tests/unit/verify_fixture.h"

/*
 * What the signers themselves got wrong: one text in one object is replaced, all hashes above it are made
 * anew, and the statement, of this one view, is signed. Nothing but the check for it stands in its way.
 */
static void replace_all(struct buf *b, const char *find, const char *with)
{
	struct buf out = {0};
	const char *at = b->p, *hit;

	while ((hit = strstr(at, find))) {
		buf_add(&out, at, (size_t)(hit - at));
		buf_str(&out, with);
		at = hit + strlen(find);
	}
	buf_str(&out, at);
	buf_free(b);
	*b = out;
}

/* `changes`: what to find, and what to put there; NULL ends. */
static void forge(struct fixture *f, const char *const *changes)
{
	struct bundle *b = f->b;
	struct buf text[64] = {{0}};
	struct statement st;
	bool moved = true;

	assert_true(b->n_objects <= 64);
	for (size_t i = 0; i < b->n_objects; i++) {
		buf_add(&text[i], b->objects[i].bytes.p, b->objects[i].bytes.n);
	}
	for (; changes[0]; changes += 2) {
		bool hit = false;

		for (size_t i = 0; i < b->n_objects; i++) {
			hit |= strstr(text[i].p, changes[0]) != NULL;
			replace_all(&text[i], changes[0], changes[1]);
		}
		if (!hit)
			fail_msg("nothing says '%s'", changes[0]);
	}
	while (moved) {
		moved = false;
		for (size_t i = 0; i < b->n_objects; i++) {
			struct buf was = {0}, is = {0};
			struct hash h;

			hash_bytes(text[i].p, text[i].n, &h);
			if (hash_cmp(&h, &b->objects[i].name) == 0)
				continue;
			buf_hash(&was, &b->objects[i].name);
			buf_hash(&is, &h);
			for (size_t k = 0; k < b->n_objects; k++)
				replace_all(&text[k], was.p, is.p);
			b->objects[i].name = h;
			moved = true;
			buf_free(&was);
			buf_free(&is);
		}
	}
	for (size_t i = 0; i < b->n_objects; i++) {
		b->objects[i].bytes = arena_span(f->n.a, buf_span(&text[i]));
		buf_free(&text[i]);
	}
	assert_int_equal(statement_parse(b->statement.text, &st, &f->d), 0);
	st.n_views = b->path_count = 1;
	b->path_index = b->n_path = 0;
	merkle_leaf(&b->objects[0].name, &st.views_root);
	b->statement = sign_with(f->n.a, "statement", text_of(f->n.a, &st), &S, 1);
}

static void objects_that_disagree(void **state)
{
	static const struct {
		const char *peer, *change[7];
	} cases[] = {
	    /* Counts, of each kind. */
	    {"h3", {"own 41 ", "own 42 "}},
	    {"h3", {"part 10.60.64.16/28 16 ", "part 10.60.64.16/28 17 "}},
	    {"h3", {"part 10.60.64.16/28 16 ", "part 10.60.64.16/28 15 "}},
	    {"h3", {"segment infra 10.60.0.0/24 1 ", "segment infra 10.60.0.0/24 2 "}},
	    {"h3", {"subtree machines 4 ", "subtree machines 5 "}},
	    {"h3", {"children 3 ", "children 4 "}},
	    {"h3", {"child ci 1 ", "child ci 2 "}},
	    {"hub", {"subtree corp 47 ", "subtree corp 46 "}},
	    {"hub", {"own 1 ", "own 2 "}},
	    {"h3", {"children 3 ", "children 4 ", "subtree machines 4 ", "subtree machines 5 "}},
	    {"h3", {"children 3 ", "children 2 ", "subtree machines 4 ", "subtree machines 3 "}},
	    {"w0", {"part 10.2.64.0/20 2 ", "part 10.2.64.0/20 3 ", "part 10.0.0.0/12 18 ", "part 10.0.0.0/12 19 "}},
	    {"w0", {"part 10.0.0.0/12 18 ", "part 10.0.0.0/12 19 "}},
	    /* Places. */
	    {"w0", {"cidr c17 10.2.68.0/24", "cidr c17 10.2.90.0/24", "peer q17 10.2.68.1 ", "peer q17 10.2.90.1 "}},
	    {"w0", {"part 10.0.0.0/12 ", "part 10.16.0.0/12 "}},
	    {"h3", {"peer h20 10.60.64.21 ", "peer h20 10.60.64.200 "}},
	    {"h3", {"peer h20 10.60.64.21 ", "peer h20 10.60.64.22 "}},
	    {"h3", {"peer h30 10.60.64.31 ", "peer h30 10.60.64.150 "}},
	    {"h3", {"part 10.60.64.16/28 ", "part 10.60.64.128/28 "}},
	    {"h3", {"part 10.60.64.16/28 ", "part 10.60.64.0/28 "}},
	    {"h3", {"peer i2 10.60.81.5 ", "peer i2 10.60.80.5 "}},
	    {"h3", {"cidr ci 10.60.81.0/24", "cidr ci 10.60.96.0/24"}},
	    {"h3", {"cidr ci 10.60.81.0/24", "cidr ci 10.60.80.0/20"}},
	    {"h3", {"cidr ci 10.60.81.0/24", "cidr ci 10.60.83.0/24"}},
	    {"h3", {"cidr ci 10.60.81.0/24", "cidr ci 10.60.80.0/21"}},
	    {"h3", {"cidr machines 10.60.80.0/20", "cidr machines 10.0.0.0/8"}},
	    {"h3", {"segment infra 10.60.0.0/24", "segment infra 10.61.0.0/24"}},
	    {"i0", {"ancestor humans 10.60.64.0/22", "ancestor humans 10.60.72.0/22"}},
	    {"h3", {"ancestor corp 10.60.0.0/16", "ancestor corp 10.61.0.0/16"}},
	    {"hub", {"cidr corp 10.60.0.0/16", "cidr corp 10.0.0.0/8"}},
	    {"h3", {"ancestor corp 10.60.0.0/16", "ancestor corp 0.0.0.0/0"}},
	    /* Names, keys, addresses twice. */
	    {"h3", {"cidr ci ", "cidr cd "}},
	    {"h3", {"child ci ", "child cd "}},
	    {"h3", {"peer h20 ", "peer h19 "}},
	    {"h3", {"peer h20 ", "peer hub "}},
	    {"h3", {"peer h20 ", "peer ci "}},
	    {"h3", {"peer i2 10.60.81.5 ", "peer h20 10.60.81.5 "}},
	    /* The network is called something else. */
	    {"h3", {"ancestor corp ", "ancestor corq "}},
	    /* Its own list, at two places. */
	    {"hub", {"subtree corp", "subtree infra"}},
	    /* Spelling and order within one object. */
	    {"h3", {"peer h20 10.60.64.21 ", "peer h20  10.60.64.21 "}},
	    {"h3", {"peer h20 10.60.64.21 ", "peer H20 10.60.64.21 "}},
	    {"h3", {"peer h20 10.60.64.21 ", "peer h20 10.60.64.021 "}},
	    {"h3", {"peer h20 10.60.64.21 ", "peer h20 10.60.64.19 "}},
	    {"h3", {"settings mtu=1280 ", "settings mtu=01280 "}},
	    {"h3", {"settings mtu=1280 ", "settings mtu=1279 "}},
	    {"h3", {"innernet-view 1\n", "innernet-view 2\n"}},
	    {"h3", {"innernet-leaf 1\n", "innernet-leaf 1\n\n"}},
	    {"i3", {"only i3", "only i4"}},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture f;
		enum verify_result got;

		open_fixture(&f, cases[i].peer, 5);
		forge(&f, (const char *const[]){"keepalive=25", "keepalive=26", NULL});
		assert_int_equal(verify_at(&f, 0), VERIFY_OK);
		diags_free(&f.d);
		forge(&f, cases[i].change);
		got = verify_at(&f, 0);
		if (got != VERIFY_REFUSED || f.view || f.merged || f.d.n_errors != 1)
			say_diags(&f.d);
		if (got != VERIFY_REFUSED)
			fail_msg("believed '%s' for '%s'", cases[i].change[1], cases[i].change[0]);
		assert_null(f.view);
		assert_null(f.merged);
		assert_int_equal(f.d.n_errors, 1);
		close_fixture(&f);
	}
}

/* A second key for one peer, and one key for two. */
static void two_peers_with_one_key(void **state)
{
	struct fixture f;
	char find[KEY_B64_LEN + 1], with[KEY_B64_LEN + 1];
	struct key k = wg_of("h20");
	(void)state;

	open_fixture(&f, "h3", 5);
	key_format(&k, find);
	k = wg_of("h21");
	key_format(&k, with);
	forge(&f, (const char *const[]){find, with, NULL});
	EXPECT(&f, VERIFY_REFUSED, "bad-object");
	close_fixture(&f);
}

/* One list under thousands of names is noticed where it is named again, before it has used up any memory. */
static void one_list_in_many_segments(void **state)
{
	struct fixture f;
	struct buf hash = {0}, find = {0}, with = {0};
	size_t before;
	(void)state;

	open_fixture(&f, "h3", 5);
	buf_hash(&hash, &f.n.s->views[f.n.s->view_of_peer[model_peer_by_name(f.n.m, "hub")]].own);
	buf_printf(&find, "segment infra 10.60.0.0/24 1 %s\n", hash.p);
	buf_str(&with, find.p);
	for (unsigned i = 0; i < SEGMENTS_MAX - 1; i++)
		buf_printf(&with, "segment s%04u 10.60.0.0/24 1 %s\n", i, hash.p);
	forge(&f, (const char *const[]){find.p, with.p, NULL});
	before = arena_used(f.n.a);
	EXPECT(&f, VERIFY_REFUSED, "bad-object");
	assert_non_null(strstr(f.d.first->message, "one of its lists is named twice"));
	assert_true(arena_used(f.n.a) - before < 2u << 20); /* the view itself, parsed */
	close_fixture(&f);
	buf_free(&hash);
	buf_free(&find);
	buf_free(&with);
}

/* A subtree that names another list than the view does for the view's own CIDR, or none. */
static void its_own_list_at_two_places(void **state)
{
	struct fixture f;
	struct buf own = {0}, other = {0}, find = {0}, with = {0};
	(void)state;

	open_fixture(&f, "w0", 5);
	buf_hash(&own, &f.n.s->views[f.n.s->view_of_peer[f.peer]].own);
	buf_hash(&other, &f.n.s->views[f.n.s->view_of_peer[model_peer_by_name(f.n.m, "hub")]].own);
	buf_printf(&find, "cidr corp 10.0.0.0/8\nown 1 %s\nchildren", own.p);
	buf_printf(&with, "cidr corp 10.0.0.0/8\nown 1 %s\nchildren", other.p);
	forge(&f, (const char *const[]){find.p, with.p, NULL});
	EXPECT(&f, VERIFY_REFUSED, "bad-object");
	close_fixture(&f);

	open_fixture(&f, "w0", 5);
	forge(&f, (const char *const[]){find.p, "cidr corp 10.0.0.0/8\nchildren", "subtree corp 20 ",
					"subtree corp 19 ", NULL});
	EXPECT(&f, VERIFY_REFUSED, "bad-object");
	close_fixture(&f);
	buf_free(&own);
	buf_free(&other);
	buf_free(&find);
	buf_free(&with);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_that_disagree),
	    cmocka_unit_test(two_peers_with_one_key),
	    cmocka_unit_test(one_list_in_many_segments),
	    cmocka_unit_test(its_own_list_at_two_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
