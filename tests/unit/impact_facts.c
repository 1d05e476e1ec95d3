/*
 * The facts of a change against brute force: random pairs of definitions, the interface of every peer before and after, and
 * every right. A difference has a fact of the right kind about the right peer; a kind without a fact has no difference.
 */
#include "reconcile/impact/impact.h"
#include "reconcile/plan/device.h"
#include "tests/unit/network.h"

#define CIDRS 8
#define PEERS 14
#define LINKS 6
#define TESTS 4

/* A network as a generator thinks of it. */
struct sketch {
	unsigned name, octet, root_len, epoch, mtu, keepalive, signers, online, threshold, hub;
	bool both_families;
	struct {
		bool there, isolated;
		unsigned x, y, name; /* octet.x.0.0/16, or octet.x.y.0/24 when y is not 0 */
	} cidrs[CIDRS];
	struct {
		bool there, disabled, server, admin, invite;
		unsigned cidr, host, key, name, endpoint, keepalive, route, via, expires; /* 0: none */
	} peers[PEERS];
	unsigned links[LINKS][2], n_links;
	struct {
		bool there, can;
		unsigned from, to, more; /* CIDRs below CIDRS, then peers; more: one more, CIDRS + PEERS: none */
	} tests[TESTS];
};

static struct rng rng;

static unsigned roll(unsigned n)
{
	return rng_below(&rng, n);
}

/* What of a sketch is written: the rest would not be valid. */
struct written {
	bool cidr[CIDRS], infra[CIDRS], peer[PEERS], via[PEERS];
};

static void choose(const struct sketch *n, struct written *w)
{
	bool used[CIDRS][256] = {{false}}, route[256] = {false};

	memset(w, 0, sizeof(*w));
	for (unsigned c = 0; c < CIDRS; c++) {
		w->cidr[c] = n->cidrs[c].there;
		for (unsigned i = 0; i < c; i++)
			if (n->cidrs[i].there && n->cidrs[i].x == n->cidrs[c].x && n->cidrs[i].y == n->cidrs[c].y)
				w->cidr[c] = false;
	}
	for (unsigned p = 0; p < PEERS; p++) {
		unsigned c = n->peers[p].cidr;
		w->peer[p] = n->peers[p].there && w->cidr[c] && !used[c][n->peers[p].host] && !route[n->peers[p].route];
		if (!w->peer[p])
			continue;
		used[c][n->peers[p].host] = true;
		route[n->peers[p].route] = n->peers[p].route > 0;
		w->infra[c] |= n->peers[p].server;
	}
	for (unsigned p = 0; p < PEERS; p++) {
		unsigned v = n->peers[p].via;
		w->via[p] = v && v != p && w->peer[p] && w->peer[v] && !n->peers[p].server && !n->peers[p].invite &&
			    !n->peers[p].admin && !n->peers[v].via && !n->peers[v].disabled && n->peers[v].endpoint &&
			    !n->peers[v].invite && w->infra[n->peers[v].cidr];
	}
}

static void put_key(struct buf *out, const char *what, unsigned number, bool ed)
{
	char word[32], text[ED25519_STR_LEN + 1];
	struct key k;

	snprintf(word, sizeof(word), "%s%u", what, number);
	k = ed ? ed_of(word) : wg_of(word);
	if (ed)
		ed25519_format(&k, text);
	else
		key_format(&k, text);
	buf_printf(out, "\"%s\"", text);
}

static void put_keys(struct buf *out, const char *title, unsigned bits)
{
	buf_printf(out, "  %s: [", title);
	for (unsigned i = 0, any = 0; i < 4; i++) {
		if (!(bits >> i & 1))
			continue;
		buf_str(out, any++ ? ", " : "");
		put_key(out, "signer", i, true);
	}
	buf_str(out, "]\n");
}

static void put_peer(struct buf *out, const struct sketch *n, const struct written *w, unsigned p)
{
	unsigned c = n->peers[p].cidr;

	/* The upper part of a /16, so that no /24 below it has the address. */
	buf_printf(out, "  p%u: { ip: %u.%u.%u.%u, %s: ", n->peers[p].name, n->octet, n->cidrs[c].x,
		   n->cidrs[c].y ? n->cidrs[c].y : 200, n->peers[p].host, n->peers[p].invite ? "invite" : "public_key");
	put_key(out, "peer", n->peers[p].key, n->peers[p].invite);
	if (n->peers[p].invite && n->peers[p].expires)
		buf_printf(out, ", invite_expires: 2099-01-%02uT00:00:00Z", n->peers[p].expires);
	if (n->peers[p].server || n->peers[p].endpoint)
		buf_printf(out, ", endpoint: \"192.0.2.%u:%u\"", p + 1, 1000 + n->peers[p].endpoint);
	if (n->peers[p].keepalive)
		buf_printf(out, ", keepalive: %u", n->peers[p].keepalive);
	if (n->peers[p].route)
		buf_printf(out, ", routes: [%s%u.0/24]", n->peers[p].route % 2 ? "8.8." : "192.168.",
			   n->peers[p].route);
	if (w->via[p])
		buf_printf(out, ", via: p%u", n->peers[n->peers[p].via].name);
	buf_printf(out, "%s%s%s }\n", n->peers[p].disabled ? ", disabled: true" : "",
		   n->peers[p].server ? ", server: true" : "", n->peers[p].admin ? ", admin: true" : "");
}

static bool put_ref(struct buf *out, const struct sketch *n, const struct written *w, unsigned ref, const char *before)
{
	if (ref < CIDRS ? !w->cidr[ref] : ref >= CIDRS + PEERS || !w->peer[ref - CIDRS])
		return false;
	if (ref < CIDRS)
		buf_printf(out, "%sc%u", before, n->cidrs[ref].name);
	else
		buf_printf(out, "%sp%u", before, n->peers[ref - CIDRS].name);
	return true;
}

static void put_tests(struct buf *out, const struct sketch *n, const struct written *w)
{
	struct buf one = {0};

	buf_str(out, "tests:\n  - { from: base, can_reach: [hub] }\n");
	for (unsigned i = 0; i < TESTS; i++) {
		buf_reset(&one);
		if (!n->tests[i].there || !put_ref(&one, n, w, n->tests[i].from, "  - { from: "))
			continue;
		buf_printf(&one, ", %s: [", n->tests[i].can ? "can_reach" : "cannot_reach");
		if (!put_ref(&one, n, w, n->tests[i].to, ""))
			continue;
		if (n->tests[i].more != n->tests[i].to)
			put_ref(&one, n, w, n->tests[i].more, ", ");
		buf_printf(out, "%s] }\n", one.p);
	}
	buf_free(&one);
}

static void write_net(struct buf *out, const struct sketch *n)
{
	struct key id = id_of_tests();
	char text[ED25519_STR_LEN + 1];
	struct written w;
	bool linked[CIDRS][CIDRS] = {{false}};

	choose(n, &w);
	key_format(&id, text);
	buf_printf(out, "network: net%u\ncidr: [%u.0.0.0/%u%s]\nepoch: %u\ntrust:\n  id: \"%s\"\n  threshold: %u\n",
		   n->name, n->octet, n->root_len, n->both_families ? ", \"fd00::/32\"" : "", n->epoch, text,
		   n->threshold);
	put_keys(out, "signers", n->signers);
	put_keys(out, "online", n->online);
	buf_printf(out, "defaults: { mtu: %u, keepalive: %u }\ncidrs:\n  base: %u.100.0.0/24\n", n->mtu, n->keepalive,
		   n->octet);
	for (unsigned c = 0; c < CIDRS; c++)
		if (w.cidr[c])
			buf_printf(out, "  c%u: { cidr: %u.%u.%u.0/%u%s }\n", n->cidrs[c].name, n->octet, n->cidrs[c].x,
				   n->cidrs[c].y, n->cidrs[c].y ? 24 : 16,
				   n->cidrs[c].isolated && !w.infra[c] ? ", isolated: true" : "");
	buf_printf(out, "peers:\n  hub: { ip: %u.100.0.1, server: true, endpoint: \"192.0.2.254:%u\", public_key: ",
		   n->octet, 1 + n->hub);
	put_key(out, "hub", 0, false);
	buf_str(out, " }\n");
	for (unsigned p = 0; p < PEERS; p++)
		if (w.peer[p])
			put_peer(out, n, &w, p);
	buf_str(out, "associations:\n  - [base, base]\n");
	for (unsigned l = 0; l < n->n_links; l++) {
		unsigned x = n->links[l][0], y = n->links[l][1];
		if (!w.cidr[x] || !w.cidr[y] || x == y || linked[x][y])
			continue;
		linked[x][y] = linked[y][x] = true;
		buf_printf(out, "  - [c%u, c%u]\n", n->cidrs[x].name, n->cidrs[y].name);
	}
	put_tests(out, n, &w);
}

static void random_peer(struct sketch *n, unsigned p)
{
	n->peers[p].there = roll(5) > 0;
	n->peers[p].disabled = roll(8) == 0;
	n->peers[p].server = roll(6) == 0;
	n->peers[p].admin = roll(5) == 0;
	n->peers[p].invite = roll(6) == 0;
	n->peers[p].cidr = roll(CIDRS);
	n->peers[p].host = 1 + roll(200);
	n->peers[p].endpoint = roll(2) ? 1 + roll(3) : 0;
	n->peers[p].keepalive = roll(4) ? 0 : 1 + roll(3);
	n->peers[p].route = roll(2) ? 0 : 1 + roll(40);
	n->peers[p].via = roll(2) ? 0 : roll(PEERS);
	n->peers[p].expires = roll(2) ? 0 : 1 + roll(20);
}

static void random_net(struct sketch *n)
{
	*n = (struct sketch){.octet = 10, .root_len = 8, .mtu = 1280, .keepalive = 25, .signers = 1, .online = 1};
	n->threshold = 1;
	for (unsigned c = 0; c < CIDRS; c++) {
		n->cidrs[c].there = roll(4) > 0;
		n->cidrs[c].isolated = roll(4) == 0;
		n->cidrs[c].x = 1 + roll(3);
		n->cidrs[c].y = roll(2) ? 1 + roll(3) : 0;
		n->cidrs[c].name = c;
	}
	for (unsigned p = 0; p < PEERS; p++) {
		random_peer(n, p);
		n->peers[p].key = n->peers[p].name = p;
	}
	for (n->n_links = 0; n->n_links < roll(LINKS + 1); n->n_links++)
		for (unsigned e = 0; e < 2; e++)
			n->links[n->n_links][e] = roll(CIDRS);
	for (unsigned t = 0; t < TESTS; t++) {
		n->tests[t].there = roll(3) > 0;
		n->tests[t].can = roll(2);
		n->tests[t].from = roll(CIDRS + PEERS);
		n->tests[t].to = roll(CIDRS + PEERS);
		n->tests[t].more = roll(CIDRS + PEERS + 4);
	}
}

static void change_peer(struct sketch *n, unsigned p)
{
	switch (roll(13)) {
	case 0:
		n->peers[p].there = !n->peers[p].there;
		break;
	case 1:
		n->peers[p].disabled = !n->peers[p].disabled;
		break;
	case 2:
		n->peers[p].server = !n->peers[p].server;
		break;
	case 3:
		n->peers[p].admin = !n->peers[p].admin;
		break;
	case 4:
		n->peers[p].invite = !n->peers[p].invite;
		break;
	case 5:
		n->peers[p].cidr = roll(CIDRS);
		break;
	case 6:
		n->peers[p].host = 1 + roll(200);
		break;
	case 7:
		n->peers[p].key += 100;
		break;
	case 8:
		n->peers[p].name += 100;
		break;
	case 9:
		n->peers[p].endpoint = roll(4);
		break;
	case 10:
		n->peers[p].keepalive = roll(3);
		break;
	case 11:
		n->peers[p].route = roll(40);
		break;
	default:
		n->peers[p].via = roll(PEERS);
		break;
	}
}

static void change_network(struct sketch *n)
{
	switch (roll(12)) {
	case 0:
		n->name++;
		break;
	case 11:
		n->hub++;
		break;
	case 1:
		n->octet = 10 + roll(3);
		break;
	case 2:
		n->root_len = 7 + roll(3);
		n->octet = n->root_len == 7 ? 10 : n->octet;
		break;
	case 3:
		n->both_families = !n->both_families;
		break;
	case 4:
		n->epoch++;
		break;
	case 5:
		n->mtu += 10;
		break;
	case 6:
		n->keepalive += 10;
		break;
	case 7:
		n->signers = 1 + roll(15);
		n->threshold = 1;
		break;
	case 8:
		n->online = 1 + roll(15);
		break;
	case 9:
		n->threshold = (n->signers & (n->signers - 1)) ? 1 + roll(2) : 1;
		break;
	default:
		n->tests[roll(TESTS)].there ^= true;
		n->tests[roll(TESTS)].more = roll(CIDRS + PEERS + 4);
		break;
	}
}

static void change_net(struct sketch *n)
{
	for (unsigned times = 1 + roll(5); times > 0; times--) {
		unsigned c = roll(CIDRS);
		switch (roll(6)) {
		case 0:
			change_network(n);
			break;
		case 1:
			n->cidrs[c].there = !n->cidrs[c].there;
			break;
		case 2:
			if (roll(2))
				n->cidrs[c].isolated = !n->cidrs[c].isolated;
			else
				n->cidrs[c].name += 100;
			break;
		case 3:
			n->n_links = roll(LINKS);
			break;
		default:
			change_peer(n, roll(PEERS));
			break;
		}
	}
	if (n->root_len == 7) /* 11.0.0.0 lies in 10.0.0.0/7 */
		n->octet = 10;
}

/* Every interface of one side, as if each invite had been redeemed: by row of the impact. */
struct side {
	const struct model *m;
	struct device_state **state;
	struct key *key;
	const struct peer **peer; /* NULL: not there, or disabled */
};

static struct key key_of_peer(const struct peer *p)
{
	struct key k = p->key;

	if (p->is_invite)
		k.b[0] ^= 0x55;
	return k;
}

static int invite_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct enrolment *)a)->invite, &((const struct enrolment *)b)->invite);
}

static void fill_side(struct arena *a, const struct net *n, const struct impact *im, bool after, struct side *s)
{
	struct enrolment *e = arena_array(a, n->m->n_peers, sizeof(*e));
	size_t n_e = 0;
	struct diags d = {0};

	s->m = n->m;
	s->state = arena_array(a, im->n_peers, sizeof(*s->state));
	s->key = arena_array(a, im->n_peers, sizeof(*s->key));
	s->peer = arena_array(a, im->n_peers, sizeof(*s->peer));
	for (uint32_t i = 0; i < n->m->n_peers; i++)
		if (n->m->peers[i].is_invite)
			e[n_e++] =
			    (struct enrolment){.invite = n->m->peers[i].key, .key = key_of_peer(&n->m->peers[i])};
	qsort(e, n_e, sizeof(*e), invite_cmp);
	for (uint32_t r = 0; r < im->n_peers; r++) {
		uint32_t i = after ? im->peers[r].after : im->peers[r].before;
		struct local l = {0};
		struct view *v;
		if (i == NONE || n->m->peers[i].disabled)
			continue;
		s->peer[r] = &n->m->peers[i];
		s->key[r] = key_of_peer(s->peer[r]);
		v = view_of_peer(a, n->s, i, e, n_e, &d);
		if (!v)
			say_diags(&d);
		assert_non_null(v);
		l.public_key = &s->key[r];
		s->state[r] = desired_for_view(a, v, &l);
		assert_non_null(s->state[r]);
	}
	diags_free(&d);
}

static bool has_prefix(const struct prefix *list, uint32_t n, const struct prefix *p)
{
	for (uint32_t i = 0; i < n; i++)
		if (prefix_cmp(&list[i], p) == 0)
			return true;
	return false;
}

/* The row of the peer of x's interface that has this allowed IP; NONE. */
static uint32_t carrier(const struct side *s, uint32_t n_rows, uint32_t x, const struct prefix *p)
{
	const struct device_state *st = s->state[x];

	for (uint32_t i = 0; st && i < st->n_peers; i++)
		if (has_prefix(st->peers[i].allowed, st->peers[i].n_allowed, p))
			for (uint32_t r = 0; r < n_rows; r++)
				if (s->peer[r] && key_eq(&s->key[r], &st->peers[i].key))
					return r;
	return NONE;
}

static const struct device_peer *entry(const struct side *s, uint32_t x, uint32_t y)
{
	return s->state[x] ? device_peer_find(s->state[x]->peers, s->state[x]->n_peers, &s->key[y]) : NULL;
}

static const struct impact_fact *find_fact(const struct impact *im, enum fact_what what, uint32_t peer,
					   const char *label)
{
	enum fact_kind k = fact_kind_of(what);

	for (uint32_t i = im->facts.first[k]; i < im->facts.first[k + 1]; i++) {
		const struct impact_fact *f = &im->facts.list[i];
		if (f->what == what && f->peer == peer && (!label || !strcmp(f->label, label)))
			return f;
	}
	return NULL;
}

static bool has(const struct impact *im, enum fact_what what, uint32_t peer, const char *label)
{
	return find_fact(im, what, peer, label) != NULL;
}

static const struct impact_fact *route_fact(const struct impact *im, const struct prefix *p)
{
	for (uint32_t i = 0; i < im->facts.first[FACTS_ROUTES + 1]; i++)
		if (prefix_cmp(&im->facts.list[i].prefix, p) == 0)
			return &im->facts.list[i];
	return NULL;
}

/* Peers that get a route, on each side, and how many of those that stay begin and cease to. */
static void check_route(const struct impact *im, const struct side s[2], const struct prefix *p)
{
	const struct impact_fact *f = route_fact(im, p);
	uint64_t n[2] = {0, 0}, gained = 0, lost = 0, other = 0;

	for (uint32_t x = 0; x < im->n_peers; x++) {
		uint32_t at[2];
		for (int i = 0; i < 2; i++) {
			at[i] = carrier(&s[i], im->n_peers, x, p);
			n[i] += at[i] != NONE;
			assert_int_equal(at[i] != NONE, s[i].state[x] && has_prefix(s[i].state[x]->routes,
										    s[i].state[x]->n_routes, p));
		}
		if (!s[0].peer[x] || !s[1].peer[x])
			continue;
		gained += at[0] == NONE && at[1] != NONE;
		lost += at[0] != NONE && at[1] == NONE;
		/* A peer that another one forwards for has all routes through that one. */
		other += at[0] != NONE && at[1] != NONE && at[0] != at[1] && !has(im, FACT_VIA, x, NULL);
	}
	if (!f) {
		assert_int_equal(gained + lost + other, 0);
		return;
	}
	assert_int_equal(f->n_before, f->what == FACT_ROUTE_ADDED ? 0 : n[0]);
	assert_int_equal(f->n_after, f->what == FACT_ROUTE_REMOVED ? 0 : n[1]);
	if (f->what == FACT_ROUTE_ADDED)
		assert_int_equal(n[0], 0);
	if (f->what == FACT_ROUTE_REMOVED)
		assert_int_equal(n[1], 0);
	if (f->what == FACT_ROUTE_REACH) {
		assert_int_equal(f->gained, gained);
		assert_int_equal(f->lost, lost);
		assert_int_equal(other, 0);
		assert_true(gained + lost > 0);
	}
	assert_int_equal(f->is_public, f->prefix.base.b[12] == 8);
	assert_false(f->is_default);
}

static void check_routes(const struct impact *im, const struct side s[2])
{
	for (int i = 0; i < 2; i++)
		for (uint32_t p = 0; p < s[i].m->n_peers; p++)
			for (uint32_t k = 0; k < s[i].m->peers[p].n_routes; k++)
				check_route(im, s, &s[i].m->peers[p].routes[k]);
	for (uint32_t i = 0; i < im->facts.first[FACTS_ROUTES + 1]; i++) {
		const struct impact_fact *f = &im->facts.list[i];
		const struct peer *owner = s[f->what != FACT_ROUTE_REMOVED].peer[f->peer];
		assert_non_null(owner);
		assert_true(has_prefix(owner->routes, owner->n_routes, &f->prefix));
	}
}

/* Why may the interface of x have another entry for y, of what both sides have? */
static void check_entry(const struct impact *im, const struct side s[2], uint32_t x, uint32_t y)
{
	const struct device_peer *b = entry(&s[0], x, y), *a = entry(&s[1], x, y);
	bool rekeyed = !key_eq(&s[0].key[y], &s[1].key[y]);

	assert_int_equal(rekeyed, has(im, FACT_KEY, y, NULL) || has(im, FACT_KEY_TO_INVITE, y, NULL) ||
				      has(im, FACT_INVITE_TO_KEY, y, NULL) || has(im, FACT_INVITE, y, NULL));
	if (!b || !a)
		return;
	if (!sockpoint_eq(&b->endpoint, &a->endpoint))
		assert_true(has(im, FACT_ENDPOINT, y, NULL) || has(im, FACT_SERVER_ENDPOINT, y, NULL));
	else
		assert_false(has(im, FACT_ENDPOINT, y, NULL) || has(im, FACT_SERVER_ENDPOINT, y, NULL));
	if (b->keepalive != a->keepalive)
		assert_true(has(im, FACT_PEER_SETTING, y, "keepalive") || has(im, FACT_PEER_SETTING, x, "keepalive") ||
			    has(im, FACT_SERVER_ADDED, y, NULL) || has(im, FACT_SERVER_REMOVED, y, NULL) ||
			    (has(im, FACT_SETTING, NONE, "keepalive") && s[1].peer[y]->server));
}

/* The interfaces of x, which stays, as far as they are about y. */
static void check_pair(const struct impact *im, const struct side s[2], uint32_t x, uint32_t y, uint64_t pairs[2])
{
	uint32_t at[2] = {NONE, NONE};

	for (int i = 0; i < 2; i++) {
		struct prefix host;
		if (!s[i].peer[y])
			continue;
		host = prefix_host(&s[i].peer[y]->ip[0]);
		at[i] = carrier(&s[i], im->n_peers, x, &host);
	}
	pairs[0] += at[0] == NONE && at[1] != NONE;
	pairs[1] += at[0] != NONE && at[1] == NONE;
	if (at[0] == NONE || at[1] == NONE)
		return;
	if (at[0] != at[1])
		assert_true(has(im, FACT_VIA, x, NULL) || has(im, FACT_VIA, y, NULL));
	if (s[0].peer[x] && s[1].peer[x] && s[0].peer[y] && s[1].peer[y])
		check_entry(im, s, x, y);
}

static void check_interfaces(const struct impact *im, const struct side s[2])
{
	uint64_t pairs[2] = {0, 0};

	for (uint32_t x = 0; x < im->n_peers; x++) {
		const struct device_state *b = s[0].state[x], *a = s[1].state[x];
		for (uint32_t y = 0; y < im->n_peers; y++)
			if (x != y)
				check_pair(im, s, x, y, pairs);
		if (!b || !a)
			continue;
		assert_int_equal(strcmp(b->name, a->name) != 0, has(im, FACT_IDENTITY, NONE, "network"));
		assert_int_equal(b->mtu != a->mtu, has(im, FACT_SETTING, NONE, "mtu"));
		assert_int_equal(!prefixes_same(b->addresses, b->n_addresses, a->addresses, a->n_addresses),
				 has(im, FACT_ADDRESS, x, NULL));
		for (int i = 0; i < 2; i++) {
			const struct cidr *here = &s[i].m->cidrs[0], *there = &s[!i].m->cidrs[0];
			for (unsigned k = 0; k < here->n_prefixes; k++)
				if (!has_prefix(there->prefix, there->n_prefixes, &here->prefix[k]))
					assert_true(has(im, FACT_NETWORK_GROWS, NONE, NULL) ||
						    has(im, FACT_NETWORK_SHRINKS, NONE, NULL));
		}
	}
	assert_int_equal(pairs[0], 2 * im->pairs_gained);
	assert_int_equal(pairs[1], 2 * im->pairs_lost);
}

/* Whether an address is in what a network fact says is newly, or no longer, covered. */
static bool fact_covers(const struct impact *im, enum fact_what what, const struct addr *a)
{
	for (uint32_t i = im->facts.first[FACTS_NETWORK]; i < im->facts.first[FACTS_NETWORK + 1]; i++) {
		const struct impact_fact *f = &im->facts.list[i];
		if (f->what == what && prefix_has(&f->prefix, a) && !(f->has_but && prefix_has(&f->but, a)))
			return true;
	}
	return false;
}

static bool root_covers(const struct model *m, const struct addr *a)
{
	for (unsigned i = 0; i < m->cidrs[0].n_prefixes; i++)
		if (prefix_has(&m->cidrs[0].prefix[i], a))
			return true;
	return false;
}

static void check_network(const struct impact *im, const struct side s[2])
{
	static const char *const probes[] = {"10.0.0.1",   "10.1.2.3", "10.127.0.1", "10.128.0.1",
					     "10.255.0.1", "11.0.0.1", "11.200.0.1", "12.0.0.1",
					     "12.129.0.1", "fd00::1",  "fd01::1"};

	for (unsigned i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		struct addr a;
		assert_int_equal(addr_parse(probes[i], strlen(probes[i]), &a), 0);
		bool b = root_covers(s[0].m, &a), n = root_covers(s[1].m, &a);
		assert_int_equal(n && !b, fact_covers(im, FACT_NETWORK_GROWS, &a));
		assert_int_equal(b && !n, fact_covers(im, FACT_NETWORK_SHRINKS, &a));
	}
}

static bool key_in(const struct key *keys, unsigned n, const struct key *k)
{
	for (unsigned i = 0; i < n; i++)
		if (key_eq(&keys[i], k))
			return true;
	return false;
}

/* So many facts of this kind are about a key that is listed on one side alone. */
static void check_keys(const struct impact *im, const struct key *b, unsigned n_b, const struct key *a, unsigned n_a,
		       enum fact_what added, enum fact_what removed)
{
	unsigned wanted[2] = {0, 0}, found[2] = {0, 0};

	for (unsigned i = 0; i < n_a; i++)
		wanted[0] += !key_in(b, n_b, &a[i]);
	for (unsigned i = 0; i < n_b; i++)
		wanted[1] += !key_in(a, n_a, &b[i]);
	for (uint32_t i = im->facts.first[FACTS_TRUST]; i < im->facts.first[FACTS_TRUST + 1]; i++) {
		found[0] += im->facts.list[i].what == added;
		found[1] += im->facts.list[i].what == removed;
	}
	assert_int_equal(wanted[0], found[0]);
	assert_int_equal(wanted[1], found[1]);
}

static void check_trust(const struct impact *im, const struct side s[2])
{
	const struct trust *b = &s[0].m->trust, *a = &s[1].m->trust;

	check_keys(im, b->signers, b->n_signers, a->signers, a->n_signers, FACT_SIGNER_ADDED, FACT_SIGNER_REMOVED);
	check_keys(im, b->online, b->n_online, a->online, a->n_online, FACT_ONLINE_ADDED, FACT_ONLINE_REMOVED);
	assert_int_equal(b->threshold != a->threshold, has(im, FACT_TRUST_SETTING, NONE, "threshold"));
	assert_int_equal(s[0].m->epoch != s[1].m->epoch, has(im, FACT_IDENTITY, NONE, "epoch"));
	assert_int_equal(s[0].m->keepalive != s[1].m->keepalive, has(im, FACT_SETTING, NONE, "keepalive"));
	assert_int_equal(im->trust_changed, !impact_facts_same(im, FACTS_TRUST));
}

/* Each peer's rights and places; a row that is on one side alone has none on the other. */
static void check_peer(const struct impact *im, const struct side s[2], uint32_t r)
{
	uint32_t i = im->peers[r].before, k = im->peers[r].after;
	const struct peer *x = i == NONE ? NULL : &s[0].m->peers[i], *y = k == NONE ? NULL : &s[1].m->peers[k];
	bool admin[2], server[2];

	for (int side = 0; side < 2; side++) {
		admin[side] = s[side].peer[r] && s[side].peer[r]->admin;
		server[side] = s[side].peer[r] && s[side].peer[r]->server;
	}
	bool rekeyed = x && y && !peer_same_mark(x, y);
	assert_int_equal(admin[1] && !admin[0], has(im, FACT_ADMIN_ADDED, r, NULL));
	assert_int_equal(admin[0] && !admin[1], has(im, FACT_ADMIN_REMOVED, r, NULL));
	assert_int_equal(admin[0] && admin[1] && rekeyed, has(im, FACT_ADMIN_REKEYED, r, NULL));
	assert_int_equal(server[1] && !server[0], has(im, FACT_SERVER_ADDED, r, NULL));
	assert_int_equal(server[0] && !server[1], has(im, FACT_SERVER_REMOVED, r, NULL));
	assert_int_equal(server[0] && server[1] && rekeyed, has(im, FACT_SERVER_KEY, r, NULL));
	assert_int_equal(server[0] && server[1] && !addrs_same(x->ip, x->n_ips, y->ip, y->n_ips),
			 has(im, FACT_SERVER_ADDRESS, r, NULL));
	assert_int_equal(server[0] && server[1] && strcmp(x->endpoint, y->endpoint),
			 has(im, FACT_SERVER_ENDPOINT, r, NULL));
	assert_int_equal(!x, has(im, FACT_PEER_ADDED, r, NULL));
	assert_int_equal(!y, has(im, FACT_PEER_REMOVED, r, NULL));
	if (!x || !y)
		return;
	assert_int_equal(x->disabled && !y->disabled, has(im, FACT_PEER_ENABLED, r, NULL));
	assert_int_equal(y->disabled && !x->disabled, has(im, FACT_PEER_DISABLED, r, NULL));
	assert_int_equal(strcmp(x->name, y->name) != 0, has(im, FACT_PEER_NAME, r, NULL));
	assert_int_equal(x->keepalive != y->keepalive, has(im, FACT_PEER_SETTING, r, "keepalive"));
	assert_int_equal(!rekeyed && x->invite_expires != y->invite_expires, has(im, FACT_INVITE_EXPIRES, r, NULL));
	assert_int_equal(im->cidr_after[x->cidr] != y->cidr, has(im, FACT_PEER_MOVED, r, NULL));
}

/* The row that an enabled peer names as the one that forwards for it. */
static uint32_t hop(const struct impact *im, const struct side *s, uint32_t r)
{
	for (uint32_t h = 0; s->peer[r] && s->peer[r]->via && h < im->n_peers; h++)
		if (s->peer[h] && !strcmp(s->peer[h]->name, s->peer[r]->via))
			return h;
	return NONE;
}

static void check_rights(const struct impact *im, const struct side s[2])
{
	bool kept = false;

	for (uint32_t r = 0; r < im->n_peers; r++) {
		check_peer(im, s, r);
		assert_int_equal(hop(im, &s[0], r) != hop(im, &s[1], r), has(im, FACT_VIA, r, NULL));
		for (uint32_t q = 0; q < im->n_peers; q++)
			kept |= s[0].peer[r] && s[0].peer[r]->server && s[1].peer[q] && s[1].peer[q]->server &&
				!strcmp(s[0].peer[r]->endpoint, s[1].peer[q]->endpoint);
	}
	assert_int_equal(im->facts.endpoints_lost, !kept);
}

/* Does a side say that of things which are called so before? `s` is a statement's words. */
static bool says(const struct impact *im, const struct model *m, const struct ref *from, bool can, const struct ref *to)
{
	for (uint32_t i = 0; i < m->n_tests; i++) {
		const struct reach_test *t = &m->tests[i];
		const struct ref *refs[2] = {t->from, can ? t->can : t->cannot}, *wanted[2] = {from, to};
		uint32_t n[2] = {t->n_from, can ? t->n_can : t->n_cannot};
		bool all = true;
		for (int side = 0; side < 2; side++) {
			bool any = false;
			for (uint32_t k = 0; k < n[side]; k++) {
				const struct ref *r = &refs[side][k], *w = wanted[side];
				uint32_t now = w->kind == REF_CIDR ? im->cidr_after[w->index] : NONE;
				for (uint32_t row = 0; w->kind == REF_PEER && row < im->n_peers; row++)
					if (im->peers[row].before == w->index)
						now = im->peers[row].after;
				any |= r->kind == w->kind && now != NONE && r->index == now;
			}
			all &= any;
		}
		if (all)
			return true;
	}
	return false;
}

static void check_tests(const struct impact *im, const struct side s[2])
{
	uint32_t found = im->facts.first[FACTS_TESTS + 1] - im->facts.first[FACTS_TESTS];
	bool dropped = false;

	for (uint32_t i = 0; i < s[0].m->n_tests; i++) {
		const struct reach_test *t = &s[0].m->tests[i];
		for (uint32_t f = 0; f < t->n_from; f++) {
			for (uint32_t k = 0; k < t->n_can; k++)
				dropped |= !says(im, s[1].m, &t->from[f], true, &t->can[k]);
			for (uint32_t k = 0; k < t->n_cannot; k++)
				dropped |= !says(im, s[1].m, &t->from[f], false, &t->cannot[k]);
		}
	}
	assert_int_equal(dropped, found > 0);
}

/* What is listed as unchanged is what has no fact; every line of a kind fits. */
static void check_words(const struct impact *im)
{
	struct buf b = {0};

	for (unsigned k = 0; k < N_FACT_KINDS; k++) {
		buf_reset(&b);
		impact_facts_put(&b, im, k, 3);
		assert_false(b.failed);
		assert_int_equal(b.n > 0, im->facts.first[k + 1] > im->facts.first[k]);
		assert_null(b.p ? strstr(b.p, "(null)") : NULL);
	}
	buf_reset(&b);
	impact_facts_unchanged(&b, im);
	assert_int_equal(b.p && strstr(b.p, "admins"), impact_facts_same(im, FACTS_ADMINS));
	buf_free(&b);
}

/* `seen` counts the facts of each sort. */
static void check_change(const struct sketch *before, const struct sketch *after, unsigned seen[N_FACT_WHATS])
{
	struct buf text[2] = {{0}, {0}};
	struct arena *a = arena_new();
	struct side s[2] = {{0}, {0}};
	struct net n[2];
	struct impact *im;

	write_net(&text[0], before);
	write_net(&text[1], after);
	for (int i = 0; i < 2; i++)
		net_open(&n[i], text[i].p, 1);
	im = impact_new(a, n[0].m, n[1].m, NULL);
	assert_non_null(im);
	for (int i = 0; i < 2; i++)
		fill_side(a, &n[i], im, i == 1, &s[i]);
	check_routes(im, s);
	check_interfaces(im, s);
	check_network(im, s);
	check_trust(im, s);
	check_rights(im, s);
	check_tests(im, s);
	check_words(im);
	for (uint32_t i = 0; i < im->facts.n; i++)
		seen[im->facts.list[i].what]++;
	for (int i = 0; i < 2; i++) {
		net_close(&n[i]);
		buf_free(&text[i]);
	}
	arena_free(a);
}

static void test_random(void **state)
{
	uint64_t seed = test_seed(0x11e);
	unsigned seen[N_FACT_WHATS] = {0};

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct sketch before, after;
		rng.state = seed + round;
		random_net(&before);
		after = before;
		if (round % 8 == 7)
			random_net(&after);
		else
			change_net(&after);
		check_change(&before, &after, seen);
	}
	/* All of them have `trust:`. */
	seen[FACT_TRUST_SETTING]++;
	for (unsigned w = 0; w < N_FACT_WHATS; w++)
		if (!seen[w])
			fail_msg("no change is one of %s", fact_what_name(w));
}

static void test_public(void **state)
{
	static const struct {
		const char *prefix;
		bool is_public;
	} cases[] = {
	    {"0.0.0.0/0", true},          {"10.0.0.0/8", false}, {"10.0.0.0/7", true},     {"8.8.8.0/24", true},
	    {"192.168.7.0/24", false},    {"192.0.0.0/8", true}, {"172.0.0.0/11", true},   {"172.31.0.0/16", false},
	    {"100.64.0.0/10", false},     {"100.0.0.0/8", true}, {"224.0.0.0/3", false},   {"::/0", true},
	    {"2000::/3", true},           {"fd00::/8", false},   {"2001:db8::/48", false}, {"2001::/16", true},
	    {"64:ff9b::808:0/112", true}, {"fe80::/64", false},  {"4000::/2", false},      {"192.0.2.128/25", false},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct prefix p;
		assert_int_equal(prefix_parse(cases[i].prefix, strlen(cases[i].prefix), &p), PREFIX_OK);
		if (prefix_is_public(&p) != cases[i].is_public)
			fail_msg("%s", cases[i].prefix);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_public),
	};
	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
