/*
 * Random edits of random definitions, written in random styles: each gives the model one expects, and undoing them one
 * after the other gives back the bytes before each.
 */
#include "reconcile/impact/impact.h"
#include "schema/edit.h"
#include "schema/time.h"
#include "tests/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#define THINGS 12
#define EDITS  8
#define FILES  2

static uint64_t state;

static unsigned draw(unsigned n) /* below n */
{
	state += 0x9e3779b97f4a7c15; /* splitmix64 */
	uint64_t z = state;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (unsigned)((z ^ (z >> 31)) % n);
}

static bool chance(unsigned percent)
{
	return draw(100) < percent;
}

/* What a definition means, without how it is written. Names are unique over both kinds. */
struct thing {
	char name[24];
	unsigned number; /* the third byte of its prefix; of a peer: its host */
	unsigned cidr;   /* of a peer */
	unsigned file;
	bool disabled, invited, isolated;
	char endpoint[32]; /* "": none */
	uint8_t seed;      /* of its key or invite */
	int64_t expires;
};
struct net {
	struct thing cidrs[THINGS + EDITS], peers[THINGS + EDITS];
	unsigned n_cidrs, n_peers;
	struct {
		unsigned a, b, file;
	} pairs[THINGS + EDITS];
	unsigned n_pairs;
	struct {
		bool peer[2];
		unsigned index[2];
		unsigned file;
	} tests[THINGS];
	unsigned n_tests;
	unsigned names; /* given out so far */
	bool odd;       /* names that need quotes, too */
};

/* How one file is written. */
struct look {
	bool json, flow, crlf, bom, open_end, aligned, tight, trailing, comments, blanks, block_peers, quoted;
	unsigned indent;
	bool list_at_margin; /* "- [a, b]" under the key's own column */
};

static void new_name(struct net *n, char out[static 24])
{
	static const char *const odd[] = {"no", "null", "007", "on", "1e3", "y"};
	n->names++;
	if (n->odd && n->names <= 6 && chance(30))
		snprintf(out, 24, "%s", odd[n->names - 1]);
	else
		snprintf(out, 24, "%.*s%u", (int)draw(9) + 1, "xylophones", n->names);
}

static void key_of(uint8_t seed, bool invite, struct key *out)
{
	uint8_t bytes[KEY_LEN], secret[crypto_sign_SECRETKEYBYTES];
	memset(bytes, seed, sizeof(bytes));
	if (invite)
		crypto_sign_seed_keypair(out->b, secret, bytes);
	else
		x25519_public(bytes, out);
}

static void add_thing(struct net *n, bool cidr, unsigned file)
{
	struct thing *t = cidr ? &n->cidrs[n->n_cidrs++] : &n->peers[n->n_peers++];
	memset(t, 0, sizeof(*t));
	new_name(n, t->name);
	t->file = file;
	t->number = n->names;
	if (cidr)
		return;
	t->seed = (uint8_t)n->names;
	t->cidr = draw(n->n_cidrs);
	t->invited = chance(30);
	t->expires = t->invited && chance(50) ? 1796558400 + n->names : 0;
	t->disabled = chance(20);
	if (chance(30))
		snprintf(t->endpoint, sizeof(t->endpoint), "host-%u.example:%u", n->names, 1 + n->names);
}

static bool joined(const struct net *n, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < n->n_pairs; i++)
		if ((n->pairs[i].a == a && n->pairs[i].b == b) || (n->pairs[i].a == b && n->pairs[i].b == a))
			return true;
	return false;
}

static void make_net(struct net *n, unsigned files, bool odd)
{
	memset(n, 0, sizeof(*n));
	n->odd = odd;
	for (unsigned i = 1 + draw(5); i; i--)
		add_thing(n, true, n->n_cidrs ? draw(files) : 0);
	for (unsigned i = 1 + draw(6); i; i--)
		add_thing(n, false, n->n_peers ? draw(files) : 0);
	struct thing *hub = &n->peers[0]; /* the server: in the root file, in the first CIDR */
	hub->cidr = 0;
	hub->disabled = hub->invited = false;
	hub->expires = 0;
	snprintf(hub->endpoint, sizeof(hub->endpoint), "192.0.2.1:51820");
	for (unsigned i = draw(4); i; i--) {
		unsigned a = draw(n->n_cidrs), b = draw(n->n_cidrs);
		if (!joined(n, a, b)) {
			n->pairs[n->n_pairs].a = a;
			n->pairs[n->n_pairs].b = b;
			n->n_pairs++;
		}
	}
	for (unsigned i = draw(3); i; i--) {
		for (int side = 0; side < 2; side++) {
			bool peer = chance(50);
			n->tests[n->n_tests].peer[side] = peer;
			n->tests[n->n_tests].index[side] = draw(peer ? n->n_peers : n->n_cidrs);
		}
		n->tests[n->n_tests++].file = draw(files);
	}
}

static void make_look(struct look *l)
{
	*l = (struct look){.json = chance(15),
			   .flow = chance(20),
			   .crlf = chance(25),
			   .bom = chance(10),
			   .open_end = chance(25),
			   .aligned = chance(50),
			   .tight = chance(50),
			   .trailing = chance(20),
			   .comments = chance(60),
			   .blanks = chance(60),
			   .block_peers = chance(40),
			   .quoted = chance(20),
			   .indent = 2 + draw(3),
			   .list_at_margin = chance(30)};
	if (l->json) {
		l->quoted = true;
		l->comments = l->bom = l->trailing = l->aligned = l->block_peers = false;
		l->flow = true;
	}
}

/* Writing. */
static void eol(struct buf *out, const struct look *l)
{
	buf_str(out, l->crlf ? "\r\n" : "\n");
}

static void word(struct buf *out, const struct look *l, const char *text)
{
	bool odd = text[0] < 'a' || text[0] > 'z' || !strcmp(text, "no") || !strcmp(text, "null") ||
		   !strcmp(text, "on") || !strcmp(text, "y");
	buf_printf(out, l->quoted || odd ? "\"%s\"" : "%s", text);
}

static void value(struct buf *out, const struct look *l, const char *text)
{
	buf_printf(out, l->quoted ? "\"%s\"" : "%s", text);
}

static void field(struct buf *out, const struct look *l, bool block, unsigned *n, const char *key)
{
	if (block) {
		eol(out, l);
		buf_printf(out, "%*s", (int)(2 * l->indent), "");
	} else {
		buf_str(out, (*n)++ ? ", " : l->tight ? "{" : "{ ");
	}
	buf_printf(out, l->quoted ? "\"%s\": " : "%s: ", key);
}

static void put_peer(struct buf *out, const struct look *l, const struct net *net, const struct thing *p)
{
	char text[ED25519_STR_LEN + 1], time[TIME_STR_LEN];
	bool block = l->block_peers && !l->flow;
	struct key key;
	unsigned n = 0;

	field(out, l, block, &n, "ip");
	snprintf(text, sizeof(text), "10.60.%u.%u", net->cidrs[p->cidr].number, p->number);
	value(out, l, text);
	key_of(p->seed, p->invited, &key);
	field(out, l, block, &n, p->invited ? "invite" : "public_key");
	if (p->invited)
		ed25519_format(&key, text);
	else
		key_format(&key, text);
	buf_printf(out, "\"%s\"", text);
	if (p == &net->peers[0]) {
		field(out, l, block, &n, "server");
		buf_str(out, "true");
	}
	if (*p->endpoint) {
		field(out, l, block, &n, "endpoint");
		buf_printf(out, "\"%s\"", p->endpoint);
	}
	if (p->expires && !time_format(p->expires, time)) {
		field(out, l, block, &n, "invite_expires");
		value(out, l, time);
	}
	if (p->disabled) {
		field(out, l, block, &n, "disabled");
		buf_str(out, "true");
	}
	if (!block)
		buf_str(out, l->tight ? "}" : " }");
}

static void put_cidr(struct buf *out, const struct look *l, const struct thing *c)
{
	char text[32];
	unsigned n = 0;

	snprintf(text, sizeof(text), "10.60.%u.0/24", c->number);
	if (!c->isolated) {
		value(out, l, text);
		return;
	}
	field(out, l, false, &n, "cidr");
	value(out, l, text);
	field(out, l, false, &n, "isolated");
	buf_printf(out, "true%s", l->tight ? "}" : " }");
}

/* One member of a section after the other: what comes before it, and after it. */
struct section {
	struct buf *out;
	const struct look *look;
	bool list;
	unsigned n;
	unsigned column; /* where values are aligned */
};

static void comment(struct buf *out, const struct look *l, unsigned percent)
{
	if (l->comments && chance(percent))
		buf_str(out, " # {a: [b, \"c");
}

static void open_section(struct section *s, const char *name)
{
	buf_printf(s->out, s->look->quoted && s->look->json ? "\"%s\":" : "%s:", name);
	if (s->look->flow)
		buf_str(s->out, s->list ? (s->look->tight ? " [" : " [ ") : s->look->tight ? " {" : " { ");
	else
		comment(s->out, s->look, 20);
}

static void open_member(struct section *s, const char *name)
{
	const struct look *l = s->look;
	bool margin = s->list && l->list_at_margin;

	if (l->flow) {
		buf_str(s->out, s->n ? ", " : "");
	} else {
		eol(s->out, l);
		if (l->comments && chance(15)) {
			buf_printf(s->out, "%*s# about what follows", (int)(margin ? 0 : l->indent), "");
			eol(s->out, l);
		}
		buf_printf(s->out, "%*s%s", (int)(margin ? 0 : l->indent), "", s->list ? "- " : "");
	}
	s->n++;
	if (!name)
		return;
	size_t start = s->out->n;
	word(s->out, l, name);
	buf_char(s->out, ':');
	size_t width = s->out->n - start, pad = l->aligned && !l->flow && width < 20 ? 20 - width : 1;
	buf_printf(s->out, "%*s", (int)pad, "");
}

static void close_section(struct section *s, bool last)
{
	const struct look *l = s->look;

	if (l->flow) {
		if (l->trailing && s->n)
			buf_char(s->out, ',');
		buf_printf(s->out, "%s%s", l->tight ? "" : " ", s->list ? "]" : "}");
	}
	if (l->json)
		buf_str(s->out, last ? "" : ",");
	if (!l->json || !last) {
		eol(s->out, l);
		if (l->blanks && chance(50))
			eol(s->out, l);
		if (!l->json && l->comments && chance(20)) {
			buf_str(s->out, "# what comes next");
			eol(s->out, l);
		}
	}
}

/* Which sections a file has, and whether one is the last. */
enum { CIDRS, PEERS, PAIRS, TESTS, N_SECTIONS };

static unsigned count(const struct net *n, unsigned section, unsigned file)
{
	unsigned c = 0;
	for (unsigned i = 0; section == CIDRS && i < n->n_cidrs; i++)
		c += n->cidrs[i].file == file;
	for (unsigned i = 0; section == PEERS && i < n->n_peers; i++)
		c += n->peers[i].file == file;
	for (unsigned i = 0; section == PAIRS && i < n->n_pairs; i++)
		c += n->pairs[i].file == file;
	for (unsigned i = 0; section == TESTS && i < n->n_tests; i++)
		c += n->tests[i].file == file;
	return c;
}

static const char *test_name(const struct net *n, unsigned t, int side)
{
	return n->tests[t].peer[side] ? n->peers[n->tests[t].index[side]].name : n->cidrs[n->tests[t].index[side]].name;
}

static void put_section(struct buf *out, const struct net *n, const struct look *l, unsigned section, unsigned file,
			bool last)
{
	static const char *const names[] = {"cidrs", "peers", "associations", "tests"};
	struct section s = {.out = out, .look = l, .list = section >= PAIRS};

	open_section(&s, names[section]);
	for (unsigned i = 0; section == CIDRS && i < n->n_cidrs; i++) {
		if (n->cidrs[i].file != file)
			continue;
		open_member(&s, n->cidrs[i].name);
		put_cidr(out, l, &n->cidrs[i]);
		comment(out, l, l->flow ? 0 : 20);
	}
	for (unsigned i = 0; section == PEERS && i < n->n_peers; i++) {
		if (n->peers[i].file != file)
			continue;
		open_member(&s, n->peers[i].name);
		if (l->block_peers && !l->flow)
			while (out->n && out->p[out->n - 1] == ' ')
				out->n--;
		put_peer(out, l, n, &n->peers[i]);
		comment(out, l, l->flow ? 0 : 20);
	}
	for (unsigned i = 0; section == PAIRS && i < n->n_pairs; i++) {
		if (n->pairs[i].file != file)
			continue;
		open_member(&s, NULL);
		buf_str(out, "[");
		word(out, l, n->cidrs[n->pairs[i].a].name);
		buf_str(out, ", ");
		word(out, l, n->cidrs[n->pairs[i].b].name);
		buf_str(out, "]");
		comment(out, l, l->flow ? 0 : 20);
	}
	for (unsigned i = 0; section == TESTS && i < n->n_tests; i++) {
		if (n->tests[i].file != file)
			continue;
		open_member(&s, NULL);
		buf_str(out, l->quoted ? "{ \"from\": " : "{ from: ");
		word(out, l, test_name(n, i, 0));
		buf_str(out, l->quoted ? ", \"can_reach\": [" : ", can_reach: [");
		word(out, l, test_name(n, i, 1));
		buf_str(out, "] }");
	}
	close_section(&s, last);
}

static void put_file(struct buf *out, const struct net *n, const struct look *l, unsigned file, unsigned files)
{
	unsigned order[N_SECTIONS] = {CIDRS, PEERS, PAIRS, TESTS}, left = 0;

	for (unsigned i = N_SECTIONS - 1; i; i--) {
		unsigned j = draw(i + 1), swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	for (unsigned i = 0; i < N_SECTIONS; i++)
		left += count(n, i, file) > 0;
	if (l->bom)
		buf_str(out, "\xef\xbb\xbf");
	if (l->json)
		buf_str(out, "{");
	if (!file) {
		buf_printf(out, l->json ? "\"network\": \"corp\", \"cidr\": \"10.60.0.0/16\"" : "network: corp");
		if (!l->json) {
			comment(out, l, 50);
			eol(out, l);
			buf_str(out, "cidr: 10.60.0.0/16");
			eol(out, l);
		}
		if (files > 1)
			buf_str(out, l->json ? ", \"include\": [\"more.yaml\"]" : "include: [more.yaml]");
		if (files > 1 && !l->json)
			eol(out, l);
		if (l->json)
			buf_str(out, ",");
		eol(out, l);
		if (l->blanks)
			eol(out, l);
	}
	for (unsigned i = 0; i < N_SECTIONS; i++)
		if (count(n, order[i], file))
			put_section(out, n, l, order[i], file, !--left);
	if (l->json)
		buf_str(out, "}");
	if (l->open_end || l->json)
		while (out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
			out->n--;
	if (l->json && !l->open_end)
		eol(out, l);
	/* A comment as the last thing, without a line end, belongs to no entry. */
	buf_str(out, "");
	assert_false(out->failed);
}

/* Reading. */
struct files {
	struct buf bytes[FILES];
	unsigned n;
};

static int match(void *ctx, const char *pattern, const struct source_file **out, size_t *n, struct diags *d)
{
	(void)pattern;
	(void)d;
	*out = ctx;
	*n = 1;
	return 0;
}

static struct model *load(struct arena *a, const struct files *f)
{
	struct source_file root = {"network.yaml", buf_span(&f->bytes[0])}, more = {"more.yaml", {0}};
	struct includes includes = {&more, match};
	struct diags d = {0};
	struct buf text = {0};
	struct model *m;

	if (f->n > 1)
		more.bytes = buf_span(&f->bytes[1]);
	m = definition_load(a, &root, &includes, false, &d);
	if (!m) {
		diags_render_human(&text, &d, NULL, false);
		fprintf(stderr, "%s\n---\n%s\n---\n%s\n", text.p, f->bytes[0].p, f->n > 1 ? f->bytes[1].p : "");
	}
	buf_free(&text);
	diags_free(&d);
	assert_non_null(m);
	return m;
}

/* What the files mean is what the net means. */
static void assert_means(const struct files *f, const struct net *n)
{
	static const struct look plain = {.indent = 2, .tight = true};
	struct arena *a = arena_new();
	struct buf got = {0}, expected = {0};
	struct files plainly = {.n = f->n};

	for (unsigned i = 0; i < f->n; i++)
		put_file(&plainly.bytes[i], n, &plain, i, f->n);
	model_canonical(&got, load(a, f));
	model_canonical(&expected, load(a, &plainly));
	if (strcmp(got.p, expected.p) != 0)
		fprintf(stderr, "%s\n", f->bytes[0].p);
	assert_string_equal(got.p, expected.p);
	for (unsigned i = 0; i < f->n; i++)
		buf_free(&plainly.bytes[i]);
	buf_free(&got);
	buf_free(&expected);
	arena_free(a);
}

static void copy_files(struct files *to, const struct files *from)
{
	*to = (struct files){.n = from->n};
	for (unsigned i = 0; i < from->n; i++) {
		buf_add(&to->bytes[i], from->bytes[i].p, from->bytes[i].n);
		buf_str(&to->bytes[i], "");
	}
}

static void free_files(struct files *f)
{
	for (unsigned i = 0; i < f->n; i++)
		buf_free(&f->bytes[i]);
}

static void make_edit(struct files *f, const struct edit *e)
{
	struct arena *a = arena_new();
	struct span in[FILES];
	struct buf out[FILES] = {{0}}, text = {0};
	struct model *before = load(a, f), *after;
	struct diags d = {0};

	assert_int_equal(edit_check(e, before, &d), EDIT_TO_DO);
	for (unsigned i = 0; i < f->n; i++)
		in[i] = buf_span(&f->bytes[i]);
	if (edit_apply(e, in, f->n, out, &d)) {
		diags_render_human(&text, &d, NULL, false);
		edit_describe(e, &text);
		fprintf(stderr, "%s\n---\n%s\n---\n%s\n", text.p, f->bytes[0].p, f->n > 1 ? f->bytes[1].p : "");
		fail();
	}
	for (unsigned i = 0; i < f->n; i++) {
		if (!out[i].p)
			continue;
		buf_free(&f->bytes[i]);
		f->bytes[i] = out[i];
	}
	after = load(a, f);
	assert_int_equal(edit_verify(e, before, after, &d), 0);
	assert_int_equal(d.n_errors, 0);
	diags_free(&d);
	arena_free(a);
}

static bool used(const struct net *n, bool cidr, unsigned index)
{
	for (unsigned i = 0; i < n->n_tests; i++)
		for (int side = 0; side < 2; side++)
			if (n->tests[i].peer[side] != cidr && n->tests[i].index[side] == index)
				return true;
	for (unsigned i = 0; cidr && i < n->n_peers; i++)
		if (n->peers[i].cidr == index)
			return true;
	for (unsigned i = 0; cidr && i < n->n_pairs; i++)
		if (n->pairs[i].a == index || n->pairs[i].b == index)
			return true;
	return false;
}

/* The last of its kind is taken out: indices stay what they are. */
static bool draw_delete(struct net *n, struct edit *e, struct edit *back)
{
	(void)back;
	if (e->kind == EDIT_DELETE_PEER) {
		if (n->n_peers < 2 || used(n, false, n->n_peers - 1))
			return false;
		e->name = strdup(n->peers[--n->n_peers].name);
	} else if (e->kind == EDIT_DELETE_CIDR) {
		if (n->n_cidrs < 2 || used(n, true, n->n_cidrs - 1))
			return false;
		e->name = strdup(n->cidrs[--n->n_cidrs].name);
	} else {
		if (!n->n_pairs)
			return false;
		n->n_pairs--;
		e->name = strdup(n->cidrs[n->pairs[n->n_pairs].b].name);
		e->other = strdup(n->cidrs[n->pairs[n->n_pairs].a].name);
	}
	return true;
}

static bool draw_add(struct net *n, struct edit *e, struct edit *back)
{
	struct thing *t;

	if (e->kind == EDIT_ADD_ASSOCIATION) {
		unsigned a = draw(n->n_cidrs), b = draw(n->n_cidrs);
		if (joined(n, a, b) || (a == b && n->cidrs[a].isolated))
			return false;
		n->pairs[n->n_pairs].a = a;
		n->pairs[n->n_pairs].b = b;
		n->pairs[n->n_pairs++].file = 0;
		e->name = strdup(n->cidrs[a].name);
		e->other = strdup(n->cidrs[b].name);
		back->kind = EDIT_DELETE_ASSOCIATION;
		back->name = strdup(e->other);
		back->other = strdup(e->name);
		return true;
	}
	add_thing(n, e->kind == EDIT_ADD_CIDR, 0);
	back->kind = e->kind == EDIT_ADD_CIDR ? EDIT_DELETE_CIDR : EDIT_DELETE_PEER;
	if (e->kind == EDIT_ADD_CIDR) {
		t = &n->cidrs[n->n_cidrs - 1];
		t->isolated = e->cidr.isolated = chance(30);
		e->cidr.n_prefixes = 1;
		assert_int_equal(prefix_parse("10.60.0.0/24", 12, &e->cidr.prefix[0]), 0);
		e->cidr.prefix[0].base.b[14] = (uint8_t)t->number;
	} else {
		t = &n->peers[n->n_peers - 1];
		t->disabled = false;
		e->peer =
		    (struct peer){.n_ips = 1, .keepalive = -1, .is_invite = t->invited, .invite_expires = t->expires};
		assert_int_equal(addr_parse("10.60.0.0", 9, &e->peer.ip[0]), 0);
		e->peer.ip[0].b[14] = (uint8_t)n->cidrs[t->cidr].number;
		e->peer.ip[0].b[15] = (uint8_t)t->number;
		key_of(t->seed, t->invited, &e->peer.key);
		e->peer.endpoint = *t->endpoint ? strdup(t->endpoint) : NULL;
	}
	e->name = e->peer.name = strdup(t->name);
	back->name = strdup(t->name);
	return true;
}

static bool draw_rename(struct net *n, struct edit *e, struct edit *back)
{
	bool cidr = e->kind == EDIT_RENAME_CIDR;
	struct thing *t = cidr ? &n->cidrs[draw(n->n_cidrs)] : &n->peers[draw(n->n_peers)];

	e->name = strdup(t->name);
	new_name(n, t->name);
	e->other = strdup(t->name);
	back->kind = e->kind;
	back->name = strdup(e->other);
	back->other = strdup(e->name);
	return true;
}

static bool draw_peer(struct net *n, struct edit *e, struct edit *back)
{
	struct thing *t = &n->peers[draw(n->n_peers)];

	if (t == &n->peers[0])
		return false;
	back->name = strdup(t->name);
	e->name = strdup(t->name);
	if (e->kind == EDIT_SET_ENDPOINT) {
		back->kind = EDIT_SET_ENDPOINT;
		back->endpoint = *t->endpoint ? strdup(t->endpoint) : NULL;
		snprintf(t->endpoint, sizeof(t->endpoint), "other-%u.example:7", ++n->names);
		e->endpoint = strdup(t->endpoint);
	} else if (e->kind == EDIT_INVITE_PEER) {
		t->invited = true;
		t->seed = (uint8_t)++n->names;
		t->expires = chance(50) ? 1796558400 : 0;
		e->peer = (struct peer){.is_invite = true, .invite_expires = t->expires};
		key_of(t->seed, true, &e->peer.key);
	} else if (e->kind == EDIT_SET_KEY) {
		t->invited = false;
		t->expires = 0;
		t->seed = (uint8_t)++n->names;
		key_of(t->seed, false, &e->peer.key);
	} else {
		if (t->disabled != (e->kind == EDIT_ENABLE_PEER))
			return false;
		t->disabled = !t->disabled;
		back->kind = t->disabled ? EDIT_ENABLE_PEER : EDIT_DISABLE_PEER;
	}
	return true;
}

/* Some of the invited peers redeemed their invitations. */
static bool draw_fold(struct net *n, struct edit *e, struct edit *back)
{
	struct edit_fold *folds = calloc(THINGS + EDITS, sizeof(*folds));
	const struct thing *sorted[THINGS + EDITS];

	(void)back;
	e->folds = folds;
	for (unsigned i = 0; i < n->n_peers; i++) {
		struct thing *t = &n->peers[i];
		unsigned at = e->n_folds;
		if (!t->invited || chance(30))
			continue;
		t->invited = false;
		t->expires = 0;
		t->seed = (uint8_t)++n->names;
		for (; at && strcmp(sorted[at - 1]->name, t->name) > 0; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = t;
		e->n_folds++;
	}
	for (unsigned i = 0; i < e->n_folds; i++) {
		folds[i].name = strdup(sorted[i]->name);
		key_of(sorted[i]->seed, false, &folds[i].key);
	}
	return e->n_folds > 0;
}

/* How each kind is drawn. False: not this time. Where it can be undone to the byte, `back` undoes it. */
static const struct {
	bool (*draw)(struct net *n, struct edit *e, struct edit *back);
	bool undoable;
} draws[N_EDIT_KINDS] = {
    [EDIT_ADD_PEER] = {draw_add, true},
    [EDIT_RENAME_PEER] = {draw_rename, true},
    [EDIT_DISABLE_PEER] = {draw_peer, true},
    [EDIT_ENABLE_PEER] = {draw_peer, false},
    [EDIT_DELETE_PEER] = {draw_delete, false},
    [EDIT_INVITE_PEER] = {draw_peer, false},
    [EDIT_SET_KEY] = {draw_peer, false},
    [EDIT_SET_ENDPOINT] = {draw_peer, true},
    [EDIT_ADD_CIDR] = {draw_add, true},
    [EDIT_RENAME_CIDR] = {draw_rename, true},
    [EDIT_DELETE_CIDR] = {draw_delete, false},
    [EDIT_ADD_ASSOCIATION] = {draw_add, true},
    [EDIT_DELETE_ASSOCIATION] = {draw_delete, false},
    [EDIT_FOLD] = {draw_fold, false},
};

static bool draw_edit(struct net *n, struct edit *e, struct edit *back, bool undoable)
{
	unsigned kind = draw(N_EDIT_KINDS);

	while (undoable && !draws[kind].undoable)
		kind = draw(N_EDIT_KINDS);
	assert_non_null(draws[kind].draw); /* a new kind of edit is drawn, too */
	*e = *back = (struct edit){.kind = (enum edit_kind)kind};
	return draws[kind].draw(n, e, back);
}

static void free_edit(struct edit *e)
{
	free((char *)(uintptr_t)e->name);
	free((char *)(uintptr_t)e->other);
	free((char *)(uintptr_t)e->endpoint);
	free((char *)(uintptr_t)e->peer.endpoint);
	for (uint32_t i = 0; i < e->n_folds; i++)
		free((char *)(uintptr_t)e->folds[i].name);
	free((struct edit_fold *)(uintptr_t)e->folds);
}

static void run_case(uint64_t seed, bool undoable)
{
	struct files now = {0}, before[EDITS];
	struct edit back[EDITS];
	struct look looks[FILES];
	unsigned made = 0;
	bool quoted = false;
	struct net net;

	state = seed;
	now.n = 1 + draw(FILES);
	for (unsigned i = 0; i < now.n; i++) {
		make_look(&looks[i]);
		quoted |= looks[i].quoted && !looks[i].json;
	}
	make_net(&net, now.n, !quoted);
	for (unsigned i = 0; i < now.n; i++)
		put_file(&now.bytes[i], &net, &looks[i], i, now.n);
	assert_means(&now, &net);
	while (made < EDITS && net.names < 240) {
		struct edit e;
		if (draw_edit(&net, &e, &back[made], undoable)) {
			copy_files(&before[made], &now);
			make_edit(&now, &e);
			assert_means(&now, &net);
			made++;
		} else {
			free_edit(&back[made]);
		}
		free_edit(&e);
		if (chance(10))
			break;
	}
	while (made-- > 0) {
		if (undoable) {
			make_edit(&now, &back[made]);
			for (unsigned i = 0; i < now.n; i++)
				assert_string_equal(now.bytes[i].p, before[made].bytes[i].p);
		}
		free_edit(&back[made]);
		free_files(&before[made]);
	}
	free_files(&now);
}

static uint64_t first_seed, running;

/* cmocka leaves a failed test by longjmp: the seed is said when all are done. */
static int say_seed(void **ctx)
{
	(void)ctx;
	fprintf(stderr, "# the last definition was that of EDIT_SEED=%llu\n", (unsigned long long)running);
	return 0;
}

static void run_cases(bool undoable)
{
	const char *only = getenv("EDIT_SEED"), *many = getenv("EDIT_CASES");
	uint64_t cases = only ? 1 : many ? strtoull(many, NULL, 10) : 400;

	for (uint64_t i = 0; i < cases; i++) {
		uint64_t seed = first_seed + i;
		running = seed;
		run_case(seed, undoable);
	}
}

static void test_undo(void **ctx)
{
	(void)ctx;
	run_cases(true);
}

static void test_any(void **ctx)
{
	(void)ctx;
	run_cases(false);
}

int main(void)
{
	const char *seed = getenv("EDIT_SEED");

	if (sodium_init() < 0)
		return 1;
	if (seed)
		first_seed = strtoull(seed, NULL, 10);
	else
		randombytes_buf(&first_seed, 4);
	const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(test_undo, say_seed),
					   cmocka_unit_test_teardown(test_any, say_seed)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
