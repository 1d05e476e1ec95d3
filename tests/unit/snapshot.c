/*
 * Compiling and selecting, against an independent reading of network.yaml(5): over random networks, a
 * view names exactly the peers that its peer reaches, and no byte that is sent names another one.
 */
#include "tests/unit/network.h"

#define NETWORKS 20

static bool under(const struct model *m, uint32_t c, uint32_t top)
{
	for (; c != NONE; c = m->cidrs[c].parent)
		if (c == top)
			return true;
	return false;
}

static bool holds_server(const struct model *m, uint32_t c)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].server && m->peers[i].cidr == c)
			return true;
	return false;
}

/* The three sentences of section 2, word for word; keys aside, as a view lists open invites too. */
static bool reaches(const struct model *m, uint32_t p, uint32_t q)
{
	uint32_t c = m->peers[p].cidr, e = m->peers[q].cidr;

	if (m->peers[p].disabled || m->peers[q].disabled)
		return false;
	if (holds_server(m, c) || holds_server(m, e))
		return true;
	if (c == e)
		return !m->cidrs[c].isolated;
	for (uint32_t i = 0; i < m->n_associations; i++) {
		uint32_t x = m->associations[i].a, y = m->associations[i].b;

		if ((under(m, c, x) && under(m, e, y)) || (under(m, c, y) && under(m, e, x)))
			return true;
	}
	return false;
}

/* [p, p] with p isolated: an association may join a CIDR's peers with those of other CIDRs, never with each other. */
static bool reaches_or_is(const struct model *m, uint32_t p, uint32_t q)
{
	return p == q || reaches(m, p, q);
}

/* A CIDR whose peers it reaches: named in a subtree, or a segment. */
static bool reaches_into(const struct model *m, uint32_t p, uint32_t c)
{
	uint32_t own = m->peers[p].cidr;

	for (uint32_t q = 0; q < m->n_peers; q++) {
		uint32_t e = m->peers[q].cidr;

		if (!reaches(m, p, q) || !under(m, e, c))
			continue;
		if (holds_server(m, own) || (e == c && holds_server(m, c)))
			return true;
		for (uint32_t i = 0; i < m->n_associations; i++) {
			uint32_t x = m->associations[i].a, y = m->associations[i].b;

			if ((under(m, own, x) && under(m, c, y)) || (under(m, own, y) && under(m, c, x)))
				return true;
		}
	}
	return false;
}

static bool may_name_cidr(const struct model *m, uint32_t p, uint32_t c)
{
	return under(m, m->peers[p].cidr, c) || reaches_into(m, p, c);
}

static bool has_word(const struct span *s, const char *word)
{
	const uint8_t *p = s->p, *end = s->p + s->n;
	size_t n = strlen(word);

	while ((p = memmem(p, (size_t)(end - p), word, n))) {
		if ((p == s->p || strchr(" =\n,", p[-1])) && (p + n == end || strchr(" \n,", p[n])))
			return true;
		p++;
	}
	return false;
}

static bool sends_word(const struct bundle *b, const char *word)
{
	for (size_t i = 0; i < b->n_objects; i++)
		if (has_word(&b->objects[i].bytes, word))
			return true;
	return false;
}

static void check_peer(const struct net *n, uint32_t p)
{
	const struct model *m = n->m;
	struct arena *a = arena_new();
	struct bundle *b = bundle_for(a, n, p, NULL, 0), *merged;
	struct verifier v = verifier_for(n, p);
	struct view *view = verify_ok(a, &v, b, &merged);
	uint32_t k = 0, t = 0;

	assert_int_equal(merged->n_objects, b->n_objects);
	for (size_t i = 0; i < b->n_objects; i++)
		assert_int_equal(hash_cmp(&merged->objects[i].name, &b->objects[i].name), 0);
	assert_string_equal(view->peers[view->self].name, m->peers[p].name);
	assert_string_equal(view->cidrs[view->root].name, "corp");
	for (uint32_t q = 0; q < m->n_peers; q++) {
		char key[KEY_B64_LEN + 1];
		bool named = k < view->n_peers && strcmp(view->peers[k].name, m->peers[q].name) == 0;

		if (named != reaches_or_is(m, p, q))
			fail_msg("%s and %s: named %d, reached %d", m->peers[p].name, m->peers[q].name, named,
				 reaches_or_is(m, p, q));
		key_format(&m->peers[q].key, key);
		assert_int_equal(sends_word(b, m->peers[q].name), named);
		assert_int_equal(sends_word(b, key), named);
		if (named) {
			assert_string_equal(view->cidrs[view->peers[k].cidr].name, m->cidrs[m->peers[q].cidr].name);
			assert_memory_equal(view->peers[k].ip, m->peers[q].ip, m->peers[q].n_ips * sizeof(struct addr));
			k++;
		}
		assert_int_equal(reach_peers(n->x, p, q).rule != REACH_NONE,
				 reaches(m, p, q) || (m->peers[p].disabled || m->peers[q].disabled
							  ? reach_peers(n->x, p, q).rule != REACH_NONE
							  : false));
	}
	assert_int_equal(k, view->n_peers);
	for (uint32_t c = 0; c < m->n_cidrs; c++) {
		bool named = t < view->n_cidrs && strcmp(view->cidrs[t].name, m->cidrs[c].name) == 0;

		if (named != may_name_cidr(m, p, c))
			fail_msg("%s names %s: %d", m->peers[p].name, m->cidrs[c].name, named);
		assert_int_equal(sends_word(b, m->cidrs[c].name), named);
		if (named)
			assert_int_equal(view->cidrs[t].ancestor_only, c != m->peers[p].cidr && !reaches_into(m, p, c));
		t += named;
	}
	assert_int_equal(t, view->n_cidrs);
	arena_free(a);
}

static void gen_network(struct gen *g, uint64_t seed, struct buf *yaml)
{
	unsigned n;
	bool server;

	gen_open(g, seed, yaml);
	server = rng_percent(&g->r, 85);
	gen_peer(g, yaml, server, false);
	n = rng_below(&g->r, rng_percent(&g->r, 30) ? 200 : 40);
	for (unsigned i = 0; i < n; i++)
		gen_peer(g, yaml, false, true);
	if (rng_percent(&g->r, 30))
		gen_peer(g, yaml, true, server);
}

static void a_view_names_whom_its_peer_reaches(void **state)
{
	uint64_t seed = test_seed(0x1d5);
	(void)state;

	for (uint64_t i = 0; i < NETWORKS; i++) {
		struct buf yaml = {0};
		struct gen g;
		struct net n;

		gen_network(&g, seed + i, &yaml);
		net_open(&n, yaml.p, 1);
		for (uint32_t p = 0; p < n.m->n_peers; p++) {
			if (n.m->peers[p].disabled)
				assert_int_equal(n.s->view_of_peer[p], NONE);
			else
				check_peer(&n, p);
		}
		net_close(&n);
		buf_free(&yaml);
	}
}

/* What is published is what some view sends, and nothing more. */
static void published_is_what_views_send(void **state)
{
	uint64_t seed = test_seed(0x77);
	(void)state;

	for (uint64_t i = 0; i < 5 * NETWORKS; i++) {
		struct buf yaml = {0};
		struct gen g;
		struct net n;
		bool *sent;

		gen_network(&g, seed + i, &yaml);
		net_open(&n, yaml.p, 1);
		sent = calloc(n.s->n_objects, 1);
		for (uint32_t v = 0; v < n.s->n_views; v++) {
			const struct object **o;
			size_t k;

			assert_int_equal(snapshot_view_objects(n.a, n.s, v, NULL, 0, &o, &k), 0);
			assert_int_equal(hash_cmp(&o[0]->name, &n.s->views[v].name), 0);
			while (k--)
				sent[o[k] - n.s->objects] = true;
		}
		for (size_t k = 0; k < n.s->n_objects; k++)
			assert_true(sent[k]);
		free(sent);
		net_close(&n);
		buf_free(&yaml);
	}
}

static const struct object *in(const struct bundle *b, const struct hash *name)
{
	for (size_t i = 0; i < b->n_objects; i++)
		if (hash_cmp(&b->objects[i].name, name) == 0)
			return &b->objects[i];
	return NULL;
}

/* One peer on both sides of a change: the reply is the difference of the two views, and verifies on top. */
static void check_change(const struct net *old, uint32_t p, const struct net *new, uint32_t q)
{
	struct arena *a = arena_new();
	struct bundle *before = bundle_for(a, old, p, NULL, 0), *held, *merged;
	struct bundle *after = bundle_for(a, new, q, NULL, 0), *delta = bundle_for(a, new, q, old, p);
	struct verifier v = verifier_for(old, p);
	struct view *held_view = verify_ok(a, &v, before, &held), *view;
	size_t want = 0;

	for (size_t i = 0; i < after->n_objects; i++)
		if (!in(before, &after->objects[i].name)) {
			assert_true(want < delta->n_objects);
			assert_int_equal(hash_cmp(&delta->objects[want].name, &after->objects[i].name), 0);
			want++;
		}
	assert_int_equal(want, delta->n_objects);
	v.held = held;
	v.held_view = held_view;
	view = verify_ok(a, &v, delta, &merged);
	assert_int_equal(merged->n_objects, after->n_objects);
	for (size_t i = 0; i < after->n_objects; i++)
		assert_int_equal(hash_cmp(&merged->objects[i].name, &after->objects[i].name), 0);
	assert_string_equal(view->peers[view->self].name, new->m->peers[q].name);
	arena_free(a);
}

/* Of any two views. */
static void check_pair(struct arena *a, const struct net *old, uint32_t old_view, const struct net *new, uint32_t view)
{
	const struct object **before, **after, **delta;
	size_t n_before, n_after, n_delta, want = 0;

	assert_int_equal(snapshot_view_objects(a, old->s, old_view, NULL, 0, &before, &n_before), 0);
	assert_int_equal(snapshot_view_objects(a, new->s, view, NULL, 0, &after, &n_after), 0);
	assert_int_equal(snapshot_view_objects(a, new->s, view, old->s, old_view, &delta, &n_delta), 0);
	for (size_t i = 0; i < n_after; i++) {
		bool held = false;

		for (size_t k = 0; k < n_before; k++)
			held |= hash_cmp(&before[k]->name, &after[i]->name) == 0;
		if (held)
			continue;
		assert_true(want < n_delta);
		assert_ptr_equal(delta[want++], after[i]);
	}
	assert_int_equal(want, n_delta);
}

static void a_reply_is_the_difference(void **state)
{
	uint64_t seed = test_seed(0xd1f);
	(void)state;

	for (uint64_t i = 0; i < NETWORKS; i++) {
		struct buf head = {0}, yaml = {0};
		struct gen g;
		struct net old, new;
		const char *line;
		unsigned drop;

		gen_network(&g, seed + i, &head);
		net_open(&old, head.p, 1);
		/* Some peers go, one comes, one that was isolated may not be any more. */
		drop = 2 + rng_below(&g.r, 30);
		for (line = head.p; *line;) {
			const char *end = strchr(line, '\n') + 1, *isolated = strstr(line, ", isolated: true");

			if (isolated && isolated < end && rng_percent(&g.r, 30)) {
				buf_add(&yaml, line, (size_t)(isolated - line));
				buf_str(&yaml, " }\n");
			} else if (strncmp(line, "  p", 3) != 0 || strstr(line, "server: true") ||
				   rng_below(&g.r, drop)) {
				buf_add(&yaml, line, (size_t)(end - line));
			}
			line = end;
		}
		gen_peer(&g, &yaml, false, false);
		net_open(&new, yaml.p, 2);
		for (uint32_t p = 0; p < old.m->n_peers; p++) {
			uint32_t q = model_peer_by_name(new.m, old.m->peers[p].name);

			if (q != NONE && !old.m->peers[p].disabled && !new.m->peers[q].disabled)
				check_change(&old, p, &new, q);
		}
		for (unsigned k = 0; k < 200 && old.s->n_views && new.s->n_views; k++)
			check_pair(old.a, &old, rng_below(&g.r, old.s->n_views), k % 2 ? &old : &new,
				   rng_below(&g.r, k % 2 ? old.s->n_views : new.s->n_views));
		net_close(&old);
		net_close(&new);
		buf_free(&head);
		buf_free(&yaml);
	}
}

static struct buf shuffled(const char *yaml, struct rng *r)
{
	const char *lines[512];
	struct buf out = {0};
	unsigned n = 0, first = 0;

	for (const char *l = yaml; *l; l = strchr(l, '\n') + 1)
		lines[n++] = l;
	/* Lines of the sections at the end that are indented by two and stand together may change places. */
	for (unsigned i = 0; i <= n; i++) {
		if (i < n && strncmp(lines[i], "  ", 2) == 0 && strncmp(lines[i], "  id", 4) != 0 &&
		    strncmp(lines[i], "  threshold", 11) != 0 && strncmp(lines[i], "  signers", 9) != 0)
			continue;
		for (unsigned k = i; k > first + 1; k--) {
			unsigned other = first + rng_below(r, k - first);
			const char *swap = lines[k - 1];

			lines[k - 1] = lines[other];
			lines[other] = swap;
		}
		first = i + 1;
	}
	for (unsigned i = 0; i < n; i++)
		buf_add(&out, lines[i], (size_t)(strchr(lines[i], '\n') + 1 - lines[i]));
	return out;
}

static void the_order_of_the_file_is_nothing(void **state)
{
	uint64_t seed = test_seed(0x0e);
	(void)state;

	for (uint64_t i = 0; i < NETWORKS / 2; i++) {
		struct buf yaml = {0}, other;
		struct gen g;
		struct net n, o;

		gen_network(&g, seed + i, &yaml);
		other = shuffled(yaml.p, &g.r);
		net_open(&n, yaml.p, 1);
		net_open(&o, other.p, 1);
		assert_int_equal(n.s->statement.n, o.s->statement.n);
		assert_memory_equal(n.s->statement.p, o.s->statement.p, n.s->statement.n);
		assert_int_equal(n.s->n_objects, o.s->n_objects);
		net_close(&n);
		net_close(&o);
		buf_free(&yaml);
		buf_free(&other);
	}
}

/* A flat network of n peers; the one numbered `changed` has another key. */
static struct buf flat_network(unsigned n, unsigned changed)
{
	static const char *const signer = "signer";
	struct buf b = {0};

	yaml_head(&b, "10.0.0.0/8", &signer, 1, 1);
	buf_str(&b, "cidrs:\n  infra: 10.255.0.0/16\n  all: 10.0.0.0/12\nassociations:\n  - [all, all]\npeers:\n");
	for (unsigned i = 0; i <= n; i++) {
		char name[32], key[KEY_B64_LEN + 1];
		struct key k;

		snprintf(name, sizeof(name), i == changed ? "other%u" : "p%u", i);
		k = wg_of(name);
		key_format(&k, key);
		if (i == 0)
			buf_printf(&b,
				   "  hub: { ip: 10.255.0.1, public_key: \"%s\", endpoint: \"a.b:1\", server: true }\n",
				   key);
		else
			buf_printf(&b, "  p%u: { ip: 10.%u.%u.%u, public_key: \"%s\" }\n", i, i >> 16, i >> 8 & 255,
				   i & 255, key);
	}
	return b;
}

static void one_change_rewrites_one_path(void **state)
{
	struct buf before = flat_network(3000, UINT32_MAX), after = flat_network(3000, 1234);
	struct net old, new;
	size_t fresh = 0, bytes = 0;
	(void)state;

	net_open(&old, before.p, 1);
	net_open(&new, after.p, 2);
	for (size_t i = 0; i < new.s->n_objects; i++)
		if (!snapshot_object(old.s, &new.s->objects[i].name)) {
			fresh++;
			bytes += new.s->objects[i].bytes.n;
		}
	/* The leaf and two nodes over it; the subtrees of `all` and of the network, the list of the network's
	 * children, and the views of `all` and `infra`. */
	assert_int_equal(fresh, 8);
	assert_in_range(bytes, 1, 6000);
	check_change(&old, 17, &new, 17);
	net_close(&old);
	net_close(&new);
	buf_free(&before);
	buf_free(&after);
}

static void no_views_hash_to_nothing(void **state)
{
	struct hash none, tree[1];
	(void)state;

	hash_bytes("", 0, &none);
	assert_int_equal(merkle_size(0), 1);
	merkle_build(NULL, 0, tree);
	assert_int_equal(hash_cmp(&none, tree), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_view_names_whom_its_peer_reaches), cmocka_unit_test(published_is_what_views_send),
	    cmocka_unit_test(a_reply_is_the_difference),          cmocka_unit_test(the_order_of_the_file_is_nothing),
	    cmocka_unit_test(one_change_rewrites_one_path),       cmocka_unit_test(no_views_hash_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
