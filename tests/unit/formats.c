/*
 * Format 2 of a view, a leaf, a statement and an enrolment: its words are read and written, the words that it keeps are
 * refused by name, x- lines are carried, and a compiler writes it only where format 1 does not do.
 */
#include "reconcile/impact/guard.h"
#include "reconcile/text/text.h"
#include "reconcile/wire/bundle.h"
#include "reconcile/wire/object.h"
#include "tests/unit/network.h"

#define K           "Lwo8JyGoVGLpnu86vcpIcaYq9ifQpVKbSEkEUEwH10s="
#define LEAF1       "innernet-leaf 1\n"
#define LEAF2       "innernet-leaf 2\n"
#define P(name, ip) "peer " name " " ip " key=" K
#define VIEW1       "innernet-view 1\nsettings mtu=1280 keepalive=25"
#define VIEW2       "innernet-view 2\nsettings mtu=1280 keepalive=25"
#define REST        "\ncidr a 10.1.0.0/16\nown 1 " K "\n"
#define HEAD        "\nnetwork corp " K "\nversion 0 1\ncommit 0000000000000000000000000000000000000000\ntime 0\nthreshold 1\n"
#define SIGNER      "signer ed25519:" K "\nonline ed25519:" K "\nviews 1 " K "\n"
#define STATEMENT1  "innernet-statement 1" HEAD SIGNER
#define STATEMENT2  "innernet-statement 2" HEAD SIGNER

/* Reads a text of any kind. What it is written as again goes to `out`. */
static bool read_text(const char *text, struct buf *out, struct diags *d)
{
	struct arena *a = arena_new();
	struct span s = span_str(text);
	struct object_leaf leaf;
	struct object_view view;
	struct statement statement;
	uint32_t format = 1;
	bool good;

	if (object_kind(s) == OBJECT_LEAF) {
		good = leaf_parse(a, s, &leaf, d) == 0;
		for (unsigned i = 0; good && i < leaf.n; i++)
			format = peer_format(&leaf.peers[i]) == 2 ? 2 : format;
		if (good)
			leaf_write_header(out, format);
		for (unsigned i = 0; good && i < leaf.n; i++)
			leaf_write_peer(out, &leaf.peers[i]);
	} else if (object_kind(s) == OBJECT_VIEW) {
		good = view_parse(a, s, &view, d) == 0;
		if (good)
			view_write(out, &view);
	} else {
		good = statement_parse(s, &statement, d) == 0;
		if (good)
			statement_write(out, &statement);
	}
	arena_free(a);
	return good;
}

static const char *const good[] = {
    LEAF2 P("a", "10.0.0.1") " endpoint=a.example:1,b.example:1\n",
    LEAF2 P("a", "10.0.0.1") " endpoint=b.example:1,a.example:1,192.0.2.1:1,[2001:db8::1]:1 keepalive=0 server\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@1\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8,192.168.0.0/24@65535,fd00::/8@10 via=b\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a\nx-a 1\nx-b until=never relay\n" P("b", "10.0.0.2") "\n",
    LEAF2 P("a", "10.0.0.1") "\n" P("b", "10.0.0.2") "\nx-a\n" P("c", "10.0.0.3") "\nx-a\n",
    VIEW2 " confirm=0" REST,
    VIEW2 " confirm=3600" REST,
    VIEW2 REST "x-a b c\nx-b\n",
    VIEW2 " confirm=29" REST "segment d 10.2.0.0/16 1 " K "\nsubtree f 2 " K "\nx-a\n",
    STATEMENT1,
    STATEMENT2 "x-a\n",
};

/* Malformed, whatever program reads it. */
static const char *const bad[] = {
    /* Format 1 has none of it. */
    LEAF1 P("a", "10.0.0.1") " endpoint=a.example:1,b.example:1\n",
    LEAF1 P("a", "10.0.0.1") " routes=10.0.0.0/8@1\n",
    LEAF1 P("a", "10.0.0.1") "\nx-a\n",
    LEAF1 P("a", "10.0.0.1") " until=1\n",
    VIEW1 " confirm=0" REST,
    VIEW1 REST "x-a\n",
    VIEW1 REST "allow a\n",
    STATEMENT1 "x-a\n",
    "innernet-statement 1" HEAD "signer ssh-ed25519 AAAA\n" SIGNER,
    "innernet-children 2\nchild a 1 " K "\nx-a\n",
    /* Format 2 where format 1 does. */
    LEAF2 P("a", "10.0.0.1") " endpoint=a.example:1 routes=10.0.0.0/8\n",
    VIEW2 REST,
    STATEMENT2,
    /* Other spellings. */
    LEAF2 P("a", "10.0.0.1") " endpoint=a.example:1,a.example:1\n",
    LEAF2 P("a", "10.0.0.1") " endpoint=a.example:1,\n",
    LEAF2 P("a", "10.0.0.1") " endpoint=a.example:1,B.example:1\n",
    LEAF2 P("a", "10.0.0.1") " endpoint=,a.example:1\n",
    LEAF2 P("a", "10.0.0.1") " endpoint=a:1,b:1,c:1,d:1,e:1,f:1,g:1,h:1,i:1\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@0\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@01\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@65536\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@1@1\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0@1/8\n",
    LEAF2 P("a", "10.0.0.1") " routes=192.168.0.0/24@1,10.0.0.0/8@2\n",
    LEAF2 P("a", "10.0.0.1") " routes=10.0.0.0/8@1,10.0.0.0/8@2\n",
    LEAF2 "x-a\n" P("a", "10.0.0.1") "\n",
    LEAF2 P("a", "10.0.0.1") "\nx-b\nx-a\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a\nx-a\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a  b\n",
    LEAF2 P("a", "10.0.0.1") "\nx-\n",
    LEAF2 P("a", "10.0.0.1") "\nx-A\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a-\n",
    LEAF2 P("a", "10.0.0.1") "\nX-a\n",
    LEAF2 P("a", "10.0.0.1") "\nx-a",
    LEAF2 P("a", "10.0.0.1") "\nx-a\ny-a\n",
    LEAF2 P("a", "10.0.0.1") " x-a\nx-a\n",
    VIEW2 " confirm=30" REST,
    VIEW2 " confirm=3601" REST,
    VIEW2 " confirm=" REST,
    VIEW2 " confirm=1 confirm=1" REST,
    VIEW2 "\nx-a" REST,
    VIEW2 "\ncidr a 10.1.0.0/16\nx-a\nown 1 " K "\n",
    VIEW2 REST "x-a\nsubtree f 2 " K "\n",
    "innernet-statement 2" HEAD "x-a\n" SIGNER,
    STATEMENT2 "x-b\nx-a\n",
    "innernet-leaf 0\n" P("a", "10.0.0.1") "\nx-a\n",
    "innernet-leaf 02\n" P("a", "10.0.0.1") "\nx-a\n",
    "innernet-leaf 4294967296\n" P("a", "10.0.0.1") "\nx-a\n",
};

/* Well formed for a newer program, as far as this one can tell; and what is said about it. */
static const struct {
	const char *text, *message;
} newer[] = {
    {"innernet-leaf 3\nanything\n", "a leaf is of format 3, and this program reads format 2 at most"},
    {"innernet-view 4294967295\n", "a view is of format 4294967295, and this program reads format 2 at most"},
    {"innernet-statement 3" HEAD, "the statement is of format 3, and this program reads format 2 at most"},
    {LEAF2 P("a", "10.0.0.1") " until=1790000000\n",
     "a leaf, line 2: this program does not know the word 'until=1790000000' yet"},
    {LEAF2 P("a", "10.0.0.1") " server exit\n", "a leaf, line 2: this program does not know the word 'exit' yet"},
    {LEAF2 P("a", "10.0.0.1") " relay=52000-52999\n",
     "a leaf, line 2: this program does not know the word 'relay=52000-52999' yet"},
    {LEAF2 P("a", "10.0.0.1") " aliases=git,ci\n",
     "a leaf, line 2: this program does not know the word 'aliases=git,ci' yet"},
    {LEAF2 P("a", "10.0.0.1") "\naccepts tcp/22\n",
     "a leaf, line 3: this program does not know the word 'accepts' yet"},
    {LEAF2 P("exit", "10.0.0.1") "\nallow b\n", "a leaf, line 3: this program does not know the word 'allow' yet"},
    {VIEW2 REST "allow 10.0.0.0/8 tcp/22\n", "a view, line 5: this program does not know the word 'allow' yet"},
    {VIEW2 REST "subtree f 2 " K " until=1\n", "a view, line 5: this program does not know the word 'until=1' yet"},
    {VIEW2 REST "segment d 10.2.0.0/16 1 " K " until=1\n",
     "a view, line 5: this program does not know the word 'until=1' yet"},
    {"innernet-statement 2" HEAD "signer ssh-ed25519 AAAA alice\n" SIGNER,
     "the statement, line 7: this program does not know the word 'ssh-ed25519' yet"},
    {"innernet-statement 2" HEAD "signer sk-ssh-ed25519@openssh.com AAAA\n" SIGNER,
     "the statement, line 7: this program does not know the word 'sk-ssh-ed25519@openssh.com' yet"},
};

static void every_text_has_one_spelling(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct diags d = {0};
		struct buf out = {0};

		if (!read_text(good[i], &out, &d)) {
			say_diags(&d);
			fail_msg("refused:\n%s", good[i]);
		}
		assert_string_equal(out.p, good[i]);
		buf_free(&out);
		diags_free(&d);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct diags d = {0};
		struct buf out = {0};

		if (read_text(bad[i], &out, &d))
			fail_msg("taken:\n%s", bad[i]);
		assert_int_equal(d.n_errors, 1);
		if (strcmp(d.first->code, "format-unknown") == 0)
			fail_msg("%s:\n%s", d.first->message, bad[i]);
		buf_free(&out);
		diags_free(&d);
	}
}

static void what_is_newer_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(newer) / sizeof(newer[0]); i++) {
		struct diags d = {0};
		struct buf out = {0};

		if (read_text(newer[i].text, &out, &d))
			fail_msg("taken:\n%s", newer[i].text);
		assert_int_equal(d.n_errors, 1);
		assert_string_equal(d.first->message, newer[i].message);
		assert_string_equal(d.first->code, "format-unknown");
		assert_non_null(d.first->help);
		buf_free(&out);
		diags_free(&d);
	}
}

static void x_lines_have_an_end(void **state)
{
	struct buf text = {0};
	struct diags d = {0};
	(void)state;

	buf_str(&text, LEAF2 P("a", "10.0.0.1") "\n");
	for (size_t n = text.n, i = 0; text.n - n + 16 <= X_LINES_MAX; i++)
		buf_printf(&text, "x-a 00000000%03zu\n", i);
	for (unsigned more = 0; more < 2; more++) {
		struct buf out = {0};

		assert_int_equal(read_text(text.p, &out, &d), !more);
		buf_free(&out);
		buf_str(&text, "x-b\n");
	}
	diags_free(&d);
	buf_free(&text);
}

/* An x- line has as many words as the longest other line may have. */
static void x_lines_have_words(void **state)
{
	struct buf text = {0};
	struct diags d = {0};
	(void)state;

	buf_str(&text, LEAF2 P("a", "10.0.0.1") "\nx-a");
	for (unsigned words = 1; words < 35; words++)
		buf_str(&text, " b");
	for (unsigned more = 0; more < 2; more++) {
		struct buf out = {0};

		buf_char(&text, '\n');
		assert_int_equal(read_text(text.p, &out, &d), !more);
		buf_free(&out);
		text.p[text.n - 1] = ' ';
		buf_char(&text, 'b');
	}
	assert_string_equal(d.first->message, "a leaf, line 3: too many words");
	diags_free(&d);
	buf_free(&text);
}

/* All that it says counts for the signature; an x- line too. */
static void an_enrolment_of_format_2_reads_back(void **state)
{
	struct enrolment e = {.id = id_of_tests(), .invite = ed_of("i"), .key = wg_of("k"), .time = 5}, back;
	struct buf record = {0}, again = {0};
	struct diags d = {0};
	uint8_t seed[KEY_LEN];
	size_t n;
	(void)state;

	e.extra = SPAN("x-a 1\nx-b\n");
	seed_of("i", seed);
	enrolment_write(&record, &e);
	n = (size_t)(strstr(record.p, "innernet-signature") - record.p);
	assert_int_equal(sign_detached("enrolment", &e.id, (struct span){(uint8_t *)record.p, n}, seed, e.sig), 0);
	buf_reset(&record);
	enrolment_write(&record, &e);
	assert_memory_equal(record.p, "innernet-enrolment 2\n", 21);
	assert_int_equal(enrolment_parse(buf_span(&record), &back, &d), 0);
	assert_true(span_eq(back.extra, e.extra));
	assert_int_equal(enrolment_check(&back, &e.id, &d), 0);
	enrolment_write(&again, &back);
	assert_string_equal(again.p, record.p);
	for (size_t i = 0; i < record.n; i++) {
		record.p[i] ^= 1;
		if (enrolment_parse(buf_span(&record), &back, &d) == 0)
			assert_int_equal(enrolment_check(&back, &e.id, &d), -1);
		record.p[i] ^= 1;
	}
	/* Format 1 has no x- lines, and format 2 is not for what format 1 can say. */
	record.p[19] = '1';
	assert_int_equal(enrolment_parse(buf_span(&record), &back, &d), -1);
	e.extra = (struct span){NULL, 0};
	buf_reset(&record);
	enrolment_write(&record, &e);
	record.p[19] = '2';
	assert_int_equal(enrolment_parse(buf_span(&record), &back, &d), -1);
	buf_free(&record);
	buf_free(&again);
	diags_free(&d);
}

/* As many x- lines as may stand at one place: a peer takes the record in a bundle too. */
static void an_enrolment_may_have_all_its_x_lines(void **state)
{
	struct enrolment e = {.id = id_of_tests(), .invite = ed_of("i"), .key = wg_of("k"), .time = INT64_MAX}, back;
	struct buf record = {0}, extra = {0}, bytes = {0};
	struct arena *a = arena_new();
	struct diags d = {0};
	struct span one;
	struct bundle b = {.enrolments = &one, .n_enrolments = 1}, read;
	(void)state;

	for (unsigned i = 0; extra.n < X_LINES_MAX; i++)
		buf_printf(&extra, "x-a 00000000%03u\n", i);
	assert_int_equal(extra.n, X_LINES_MAX);
	e.extra = buf_span(&extra);
	enrolment_write(&record, &e);
	one = buf_span(&record);
	bundle_write(&bytes, &b);
	if (bundle_parse(a, buf_span(&bytes), &read, &d) < 0 || enrolment_parse(read.enrolments[0], &back, &d) < 0)
		say_diags(&d);
	assert_int_equal(d.n_errors, 0);
	assert_true(span_eq(back.extra, e.extra));
	/* One byte more. */
	buf_reset(&record);
	extra.p[extra.n - 1] = '0';
	buf_char(&extra, '\n');
	e.extra = buf_span(&extra);
	enrolment_write(&record, &e);
	assert_int_equal(enrolment_parse(buf_span(&record), &back, &d), -1);
	buf_free(&record);
	buf_free(&extra);
	buf_free(&bytes);
	arena_free(a);
	diags_free(&d);
}

/* A list is counted before memory is asked for. */
static void a_list_of_endpoints_is_bounded(void **state)
{
	struct arena *a = arena_new();
	struct buf text = {0};
	struct object_leaf leaf;
	struct diags d = {0};
	(void)state;

	buf_str(&text, LEAF2 P("a", "10.0.0.1") " endpoint=");
	for (unsigned i = 0; i < 1000000; i++)
		buf_char(&text, ',');
	buf_char(&text, '\n');
	assert_int_equal(leaf_parse(a, buf_span(&text), &leaf, &d), -1);
	assert_string_equal(d.first->message, "a leaf, line 2: more endpoints than a peer may have");
	assert_true(arena_used(a) < 65536);
	buf_free(&text);
	arena_free(a);
	diags_free(&d);
}

/* ---- the compiler ---- */

static void gen_network(struct gen *g, uint64_t seed, struct buf *yaml)
{
	unsigned n;

	gen_open(g, seed, yaml);
	gen_peer(g, yaml, true, false);
	n = rng_below(&g->r, rng_percent(&g->r, 30) ? 200 : 40);
	for (unsigned i = 0; i < n; i++)
		gen_peer(g, yaml, false, true);
}

/* What no key of a definition can ask for yet. */
static void give(struct model *m, struct rng *r, unsigned percent)
{
	static const char *const more[] = {"b.example:1", "192.0.2.1:1"};
	static const uint16_t metrics[] = {7, 0, 9};

	for (uint32_t i = 0; i < m->n_peers; i++) {
		struct peer *p = &m->peers[i];

		if (!rng_percent(r, percent))
			continue;
		/* Without a first endpoint more of them say nothing. */
		p->more_endpoints = more;
		p->n_more_endpoints = (uint8_t)(1 + rng_below(r, 2));
		if (p->n_routes && p->n_routes <= 3)
			p->metrics = metrics;
		if (rng_percent(r, 30))
			p->extra = "x-a 1\nx-b\n";
	}
}

static void compile_again(struct net *n)
{
	struct commit_info commit = n->s->commit;

	n->s = snapshot_compile(n->a, n->m, n->x, &commit, &n->d);
	if (!n->s)
		say_diags(&n->d);
	assert_non_null(n->s);
}

static uint32_t format_of(const struct object *o)
{
	const uint8_t *lf = memchr(o->bytes.p, '\n', o->bytes.n);

	return (uint32_t)(lf[-1] - '0');
}

static bool has(const struct object *o, const char *word)
{
	return memmem(o->bytes.p, o->bytes.n, word, strlen(word)) != NULL;
}

/* By its own words, read here without the parser. */
static bool needs_2(const struct object *o)
{
	const char *at = (const char *)o->bytes.p, *end = at + o->bytes.n, *stop;

	if (has(o, "\nx-") || has(o, "@") || (object_kind(o->bytes) == OBJECT_VIEW && has(o, " confirm=")))
		return true;
	while ((at = memmem(at, (size_t)(end - at), " endpoint=", 10))) {
		for (stop = ++at; *stop != ' ' && *stop != '\n'; stop++)
			;
		if (memchr(at, ',', (size_t)(stop - at)))
			return true;
	}
	return false;
}

static void check_formats(const struct net *n)
{
	uint32_t highest = 1;
	struct arena *a = arena_new();

	assert_memory_equal(n->s->statement.p, "innernet-statement 1\n", 21);
	for (size_t i = 0; i < n->s->n_objects; i++) {
		uint32_t format = format_of(&n->s->objects[i]);

		assert_int_equal(format, needs_2(&n->s->objects[i]) ? 2 : 1);
		highest = format > highest ? format : highest;
	}
	assert_int_equal(highest, model_format(n->m));
	for (uint32_t v = 0; v < n->s->n_views; v++) {
		const struct object **o;
		size_t k;

		highest = 1;
		assert_int_equal(snapshot_view_objects(a, n->s, v, NULL, 0, &o, &k), 0);
		while (k--)
			highest = format_of(o[k]) > highest ? format_of(o[k]) : highest;
		assert_int_equal(n->s->views[v].format, highest);
	}
	for (uint32_t p = 0; p < n->m->n_peers; p++) {
		struct verifier v = verifier_for(n, p);

		if (!n->m->peers[p].disabled)
			verify_ok(a, &v, bundle_for(a, n, p, NULL, 0), NULL);
	}
	arena_free(a);
}

static void an_object_has_the_lowest_format_that_can_say_it(void **state)
{
	uint64_t seed = test_seed(0xf2);
	unsigned mixed = 0;
	(void)state;

	for (uint64_t i = 0; i < 40; i++) {
		struct buf yaml = {0};
		const struct snapshot *first;
		struct hash name;
		struct gen g;
		struct net n;

		gen_network(&g, seed + i, &yaml);
		net_open(&n, yaml.p, 1);
		first = n.s;
		name = first->statement_name;
		assert_int_equal(model_format(n.m), 1);
		check_formats(&n);
		give(n.m, &g.r, 1 + rng_below(&g.r, 20));
		compile_again(&n);
		check_formats(&n);
		for (uint32_t v = 1; v < n.s->n_views; v++)
			mixed += n.s->views[v].format != n.s->views[0].format;
		n.m->confirm = (uint16_t)rng_below(&g.r, CONFIRM_DEFAULT);
		compile_again(&n);
		check_formats(&n);
		/* Without a word of format 2 they are the bytes of before. */
		n.m->confirm = CONFIRM_DEFAULT;
		for (uint32_t p = 0; p < n.m->n_peers; p++) {
			n.m->peers[p].n_more_endpoints = 0;
			n.m->peers[p].metrics = NULL;
			n.m->peers[p].extra = NULL;
		}
		compile_again(&n);
		assert_int_equal(hash_cmp(&n.s->statement_name, &name), 0);
		net_close(&n);
		buf_free(&yaml);
	}
	assert_true(mixed > 0);
}

/* A word about one peer: its leaf, what leads to it, and nothing else. */
static void one_word_rewrites_one_path(void **state)
{
	uint64_t seed = test_seed(0xf3);
	(void)state;

	for (uint64_t i = 0; i < 20; i++) {
		struct buf yaml = {0};
		const struct snapshot *was;
		size_t leaves = 0;
		uint32_t p;
		struct gen g;
		struct net n;

		gen_network(&g, seed + i, &yaml);
		net_open(&n, yaml.p, 1);
		was = n.s;
		for (p = rng_below(&g.r, n.m->n_peers); n.m->peers[p].disabled;)
			p = rng_below(&g.r, n.m->n_peers);
		n.m->peers[p].extra = "x-a\n";
		compile_again(&n);
		assert_int_equal(n.s->n_objects, was->n_objects);
		for (size_t k = 0; k < n.s->n_objects; k++) {
			const struct object *o = &n.s->objects[k];

			if (snapshot_object(was, &o->name))
				assert_int_equal(format_of(o), 1);
			else
				leaves += object_kind(o->bytes) == OBJECT_LEAF;
		}
		/* In an isolated CIDR a peer stands in the list of all, where some view sends that, and in one of its own. */
		assert_in_range(leaves, 1, 2);
		net_close(&n);
		buf_free(&yaml);
	}
}

static void a_view_carries_what_it_does_not_use(void **state)
{
	static const char *const more[] = {"b.example:1", "c.example:2"};
	static const uint16_t metrics[] = {0, 7};
	struct arena *a = arena_new();
	struct buf yaml = {0};
	struct gen g;
	struct view *view;
	struct peer *p;
	struct net n;
	(void)state;

	gen_network(&g, 5, &yaml);
	net_open(&n, yaml.p, 1);
	for (p = n.m->peers; !p->server; p++)
		;
	p->more_endpoints = more;
	p->n_more_endpoints = 2;
	p->routes = arena_array(n.a, 2, sizeof(*p->routes));
	p->n_routes = 2;
	assert_int_equal(prefix_parse("192.0.2.0/25", 12, &p->routes[0]), PREFIX_OK);
	assert_int_equal(prefix_parse("198.51.100.0/24", 15, &p->routes[1]), PREFIX_OK);
	p->metrics = metrics;
	compile_again(&n);
	view = view_of_peer(a, n.s, (uint32_t)(p - n.m->peers), NULL, 0, &n.d);
	assert_non_null(view);
	assert_string_equal(view->peers[view->self].endpoint, p->endpoint);
	assert_int_equal(view->peers[view->self].n_more_endpoints, 2);
	assert_string_equal(view->peers[view->self].more_endpoints[1], "c.example:2");
	assert_int_equal(view->peers[view->self].metrics[0], 0);
	assert_int_equal(view->peers[view->self].metrics[1], 7);
	net_close(&n);
	arena_free(a);
	buf_free(&yaml);
}

/* ---- the guard ---- */

/* A hub that all see, and two CIDRs of which each sees itself alone. */
static void open_pair(struct net *n, const char *more)
{
	static const char *const signer = "signer", *const names[] = {"hub", "ann", "bob", "carol"},
				 *const ips[] = {"10.255.0.1", "10.1.0.1", "10.1.0.2", "10.2.0.1"};
	struct buf b = {0};

	yaml_head(&b, "10.0.0.0/8", &signer, 1, 1);
	buf_str(&b, "cidrs:\n  infra: 10.255.0.0/16\n  left: 10.1.0.0/16\n  right: 10.2.0.0/16\npeers:\n");
	for (unsigned i = 0; i < 4; i++) {
		struct key k = wg_of(names[i]);
		char key[KEY_B64_LEN + 1];

		key_format(&k, key);
		buf_printf(&b, "  %s: { ip: %s, public_key: \"%s\", endpoint: \"%s.example:1\"%s }\n", names[i], ips[i],
			   key, names[i], i ? "" : ", server: true");
	}
	buf_str(&b, more);
	net_open(n, b.p, 1);
	buf_free(&b);
}

/* The peers that the guard names, and how. */
static void assert_left(const struct net *old, const struct net *new, const struct reader *readers, unsigned days,
			const char *message, const char *expected)
{
	struct guard_limits limits = guard_defaults;
	const struct guard_formats formats = {old->s, new->s, readers, 1000 * 86400};
	struct impact *plan = NULL;
	struct diags d = {0};
	struct buf said = {0};
	int judged;

	limits.formats_days = days;
	judged = guard_judge(new->a, &limits, old->m, new->m, NULL, span_str(message), &formats, &plan, &d);
	assert_int_equal(judged, d.n_errors ? -1 : 0);
	for (const struct diag *g = d.first; g; g = g->next)
		buf_printf(&said, "%c:%s: %s", g->severity == SEVERITY_ERROR ? 'e' : 'w', g->code, g->message);
	assert_string_equal(said.p ? said.p : "", expected);
	buf_free(&said);
	diags_free(&d);
}

static void a_revision_does_not_leave_peers_behind_unasked(void **state)
{
	const int64_t today = 1000 * 86400;
	struct reader readers[4] = {{today, 1}, {today - 29 * 86400, 1}, {today, 2}, {today, 1}};
	uint32_t hub, ann, bob, carol;
	struct net old, new;
	char message[64];
	struct impact *im;
	(void)state;

	open_pair(&old, "");
	open_pair(&new, "");
	ann = model_peer_by_name(old.m, "ann");
	bob = model_peer_by_name(old.m, "bob");
	carol = model_peer_by_name(old.m, "carol");
	hub = model_peer_by_name(old.m, "hub");
	readers[hub].heard = 0;
	assert_int_equal(ann, 0);
	readers[ann] = (struct reader){today - 29 * 86400, 1};
	readers[bob] = (struct reader){today, 2};
	readers[carol] = (struct reader){today, 1};
	readers[hub] = (struct reader){0, 0};
	/* Nothing of it needs format 2. */
	assert_left(&old, &new, readers, 30, "", "");
	/* What ann and bob see does; ann cannot read it. Carol does not see it. */
	new.m->peers[bob].extra = "x-a\n";
	compile_again(&new);
	assert_left(
	    &old, &new, readers, 30, "",
	    "e:guard-formats: this revision needs format 2, which 1 peer that polled in the last 30 days cannot read: "
	    "ann");
	assert_left(&old, &new, readers, 28, "", "");
	assert_left(&old, &new, readers, 0, "", "");
	/* All see the hub. */
	new.m->peers[bob].extra = NULL;
	new.m->peers[hub].extra = "x-a\n";
	compile_again(&new);
	assert_left(
	    &old, &new, readers, 30, "",
	    "e:guard-formats: this revision needs format 2, which 2 peers that polled in the last 30 days cannot read: "
	    "ann, carol");
	/* As other guards it is acknowledged by the trailer. */
	im = impact_new(new.a, old.m, new.m, NULL);
	assert_non_null(im);
	snprintf(message, sizeof(message), "a\n\n" ACCEPT_TRAILER ": %s\n", im->id);
	assert_left(
	    &old, &new, readers, 30, message,
	    "w:guard-formats: this revision needs format 2, which 2 peers that polled in the last 30 days cannot read: "
	    "ann, carol");
	/* Peers that are behind already are not named again. */
	old.m->peers[hub].extra = "x-a\n";
	compile_again(&old);
	assert_left(&old, &new, readers, 30, "", "");
	net_close(&old);
	net_close(&new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_text_has_one_spelling),
	    cmocka_unit_test(what_is_newer_is_named),
	    cmocka_unit_test(x_lines_have_an_end),
	    cmocka_unit_test(x_lines_have_words),
	    cmocka_unit_test(an_enrolment_of_format_2_reads_back),
	    cmocka_unit_test(an_enrolment_may_have_all_its_x_lines),
	    cmocka_unit_test(a_list_of_endpoints_is_bounded),
	    cmocka_unit_test(an_object_has_the_lowest_format_that_can_say_it),
	    cmocka_unit_test(one_word_rewrites_one_path),
	    cmocka_unit_test(a_view_carries_what_it_does_not_use),
	    cmocka_unit_test(a_revision_does_not_leave_peers_behind_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
