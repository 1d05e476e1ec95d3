/* Puts what was read into the model's order, makes its indices, and finds each CIDR's and each peer's place. */
#include "schema/loader.h"
#include "schema/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* qsort, but for what is in order already: people write addresses that way. */
static void sort(void *items, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	const char *p = items;

	for (size_t i = 1; i < n; i++) {
		if (cmp(p + (i - 1) * size, p + i * size) > 0) {
			qsort(items, n, size, cmp);
			return;
		}
	}
}

static int cidr_cmp(const void *va, const void *vb)
{
	const struct cidr *a = *(const struct cidr *const *)va, *b = *(const struct cidr *const *)vb;
	int c = cidr_order_cmp(a, b);

	return c ? c : place_cmp(&a->at, &b->at);
}

/* Moves items[i] to where `now` says, in place: each cycle of the permutation once. */
static void permute(void *items, size_t size, uint32_t *now, uint32_t n, void *spare)
{
	char *p = items;

	for (uint32_t i = 0; i < n; i++) {
		while (now[i] != i) {
			uint32_t to = now[i];

			memcpy(spare, p + size * to, size);
			memcpy(p + size * to, p + size * i, size);
			memcpy(p + size * i, spare, size);
			now[i] = now[to];
			now[to] = to;
		}
	}
}

/* Where each of n items comes by its key, equal ones as they are now. The caller frees. NULL: out of memory. */
static uint32_t *ranks(uint32_t n, size_t len, const uint8_t *keys)
{
	uint32_t *by = malloc(((size_t)n + 1) * sizeof(*by)), *now = malloc(((size_t)n + 1) * sizeof(*now));

	if (!by || !now || order_by_bytes(by, n, len, keys)) {
		free(by);
		free(now);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++)
		now[by[i]] = i;
	free(by);
	return now;
}

/* The root stays first. */
static int order_cidrs(struct loader *l)
{
	struct model *m = l->model;
	struct cidr **by = malloc(m->n_cidrs * sizeof(*by)), spare;
	uint32_t *now = malloc(m->n_cidrs * sizeof(*now));
	int rc = -1;

	if (!by || !now)
		goto out;
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		by[i] = &m->cidrs[i];
	sort(by + 1, m->n_cidrs - 1, sizeof(struct cidr *), cidr_cmp);
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		now[by[i] - m->cidrs] = i;
	permute(m->cidrs, sizeof(*m->cidrs), now, m->n_cidrs, &spare);
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		m->cidrs[i].parent = m->cidrs[i].first_child = m->cidrs[i].next_sibling = NONE;
	rc = 0;
out:
	free(by);
	free(now);
	return rc;
}

/* Sorts the peers, and changes each index of a peer elsewhere in the loader accordingly. */
static int order_peers(struct loader *l)
{
	struct model *m = l->model;
	struct addr *bytes = malloc(((size_t)m->n_peers + 1) * sizeof(*bytes));
	struct addr_use *addrs = (struct addr_use *)l->addrs.p;
	struct route_use *routes = (struct route_use *)l->routes.p;
	struct key_use *keys = (struct key_use *)l->keys.p;
	uint32_t *now = NULL;
	struct peer spare;

	/* They were read in the order of the files: of two with one address, the first stays first. */
	for (uint32_t i = 0; i < m->n_peers && bytes; i++)
		bytes[i] = *peer_order(&m->peers[i]);
	if (bytes)
		now = ranks(m->n_peers, sizeof(*bytes), (const uint8_t *)bytes);
	free(bytes);
	if (!now)
		return -1;
	for (size_t i = 0; i < l->addrs.n / sizeof(*addrs); i++)
		addrs[i].peer = now[addrs[i].peer];
	for (size_t i = 0; i < l->routes.n / sizeof(*routes); i++)
		routes[i].peer = now[routes[i].peer];
	for (size_t i = 0; i < l->keys.n / sizeof(*keys); i++)
		keys[i].peer = now[keys[i].peer];
	permute(m->peers, sizeof(*m->peers), now, m->n_peers, &spare);
	free(now);
	return 0;
}

struct named {
	const char *name;
	const struct place *at;
	uint32_t index;
};

static int named_cmp(const void *va, const void *vb)
{
	const struct named *a = va, *b = vb;
	int c = strcmp(a->name, b->name);

	return c ? c : place_cmp(a->at, b->at);
}

#define NAME_BYTES 8

/* By the first bytes in which they may differ, and where these are the same by the whole. */
static int sort_names(struct named *names, uint32_t n)
{
	size_t common = n ? strlen(names[0].name) : 0;
	uint8_t *bytes = calloc((size_t)n + 1, NAME_BYTES);
	struct named spare;
	uint32_t *now = NULL;

	for (uint32_t i = 1; i < n && bytes; i++)
		for (size_t at = 0; at < common; at++)
			if (names[i].name[at] != names[0].name[at])
				common = at;
	for (uint32_t i = 0; i < n && bytes; i++)
		memcpy(bytes + (size_t)i * NAME_BYTES, names[i].name + common,
		       strnlen(names[i].name + common, NAME_BYTES));
	if (bytes)
		now = ranks(n, NAME_BYTES, bytes);
	if (now)
		permute(names, sizeof(*names), now, n, &spare);
	free(bytes);
	free(now);
	for (uint32_t i = 0, end; i < n && now; i = end) {
		for (end = i + 1; end < n && strncmp(names[end].name + common, names[i].name + common, NAME_BYTES) == 0;
		     end++)
			;
		if (end - i > 1)
			sort(names + i, end - i, sizeof(*names), named_cmp);
	}
	return now ? 0 : -1;
}

static void name_twice(struct loader *l, const struct place *at, const struct place *before, const char *what,
		       const char *name)
{
	struct diag *g = diag_error(l->diags, "name-twice", at, "there is a %s '%s' already", what, name);

	diag_note(l->diags, g, before, "'%s' is defined", name);
	diag_help(l->diags, g, "give one of them another name: the network, CIDRs and peers share one name space");
}

/* Sorts names and reports those that occur twice; a mapping's duplicate keys have been reported before. */
static uint32_t *name_index(struct loader *l, struct named *names, uint32_t n, const char *what)
{
	const struct place *network = &l->model->cidrs[0].at;
	uint32_t *index = arena_array(l->arena, n, sizeof(*index));

	if (!index || sort_names(names, n))
		return NULL;
	for (uint32_t i = 0, first = 0; i < n; i++) {
		const struct named *one = &names[first], *two = &names[i];

		index[i] = two->index;
		if (strcmp(two->name, one->name) != 0)
			first = i;
		else if (i != first && (two->at->file != one->at->file || two->at == network || one->at == network))
			name_twice(l, two->at, one->at, what, two->name);
	}
	return index;
}

/* Two bad names that would become one are both left alone; so is what would take another's. */
static void fix_names(struct loader *l)
{
	const struct rename_use *uses = (const struct rename_use *)l->renames.p;
	size_t n = l->renames.n / sizeof(*uses);

	for (size_t i = 0; i < n; i++) {
		bool free = model_cidr_by_name(l->model, uses[i].lower) == NONE &&
			    model_peer_by_name(l->model, uses[i].lower) == NONE;

		for (size_t j = 0; j < n && free; j++)
			free = i == j || strcmp(uses[i].lower, uses[j].lower) != 0;
		if (free)
			load_fix_scalar(l, uses[i].diag, uses[i].name, uses[i].file, uses[i].lower);
	}
}

static int index_names(struct loader *l)
{
	struct model *m = l->model;
	uint32_t n = m->n_cidrs > m->n_peers ? m->n_cidrs : m->n_peers, c;
	struct named *names = calloc(n, sizeof(*names));

	if (!names)
		return -1;
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		names[i] = (struct named){m->cidrs[i].name, &m->cidrs[i].at, i};
	m->cidrs_by_name = name_index(l, names, m->n_cidrs, "CIDR");
	for (uint32_t i = 0; i < m->n_peers; i++)
		names[i] = (struct named){m->peers[i].name, &m->peers[i].at, i};
	m->peers_by_name = name_index(l, names, m->n_peers, "peer");
	free(names);
	if (!m->cidrs_by_name || !m->peers_by_name)
		return -1;
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		const struct place *peer_at = &p->at, *cidr_at;
		bool peer_later;

		c = model_cidr_by_name(m, p->name);
		if (c == NONE)
			continue;
		cidr_at = &m->cidrs[c].at;
		peer_later = place_cmp(cidr_at, peer_at) < 0;
		name_twice(l, peer_later ? peer_at : cidr_at, peer_later ? cidr_at : peer_at,
			   peer_later ? "CIDR" : "peer", p->name);
	}
	fix_names(l);
	return 0;
}

struct prefix_use {
	struct prefix prefix;
	uint32_t cidr;
	const struct place *at;
};

static int prefix_use_cmp(const void *va, const void *vb)
{
	const struct prefix_use *a = va, *b = vb;
	int c = prefix_cmp(&a->prefix, &b->prefix);

	return c ? c : place_cmp(a->at, b->at);
}

static bool around(const struct prefix *outer, const struct prefix *inner)
{
	return outer->len <= inner->len && addr_same_bits(&outer->base, &inner->base, outer->len);
}

/* Prefixes that are taken are few; looking for a free one may walk them all. */
#define PREFIX_SEARCHES 64

static void prefix_in_use(struct loader *l, const struct prefix_use *use, const struct prefix_use *first,
			  uint32_t outer)
{
	const struct model *m = l->model;
	char text[PREFIX_STR_LEN];
	struct prefix next;
	struct diag *g;

	prefix_format(&use->prefix, text);
	g = diag_error(l->diags, "prefix-in-use", use->at, "%s is already the prefix of CIDR '%s'", text,
		       m->cidrs[first->cidr].name);
	diag_note(l->diags, g, first->at, "'%s' has it", m->cidrs[first->cidr].name);
	if (outer != NONE && l->diags->n_errors < PREFIX_SEARCHES &&
	    model_next_free_prefix(m, &m->by_prefix[outer].prefix, use->prefix.len, &next) == 0) {
		prefix_format(&next, text);
		diag_help(l->diags, g, "the next free one of this length in '%s' is %s",
			  m->cidrs[m->by_prefix[outer].cidr].name, text);
	} else {
		diag_help(l->diags, g, "take another prefix, or make one CIDR of the two");
	}
}

/* All prefixes in order, each with the one around it: those that are open are a chain, as brackets are. */
static int index_prefixes(struct loader *l)
{
	struct model *m = l->model;
	struct prefix_use *uses = malloc((size_t)m->n_cidrs * 2 * sizeof(*uses));
	uint32_t n = 0, open = NONE;

	m->by_prefix = arena_array(l->arena, (size_t)m->n_cidrs * 2, sizeof(*m->by_prefix));
	if (!uses || !m->by_prefix) {
		free(uses);
		return -1;
	}
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		for (unsigned j = 0; j < m->cidrs[i].n_prefixes; j++)
			uses[n++] = (struct prefix_use){m->cidrs[i].prefix[j], i, &m->cidrs[i].at_prefix[j]};
	sort(uses, n, sizeof(*uses), prefix_use_cmp);
	m->n_prefixes = n;
	for (uint32_t i = 0; i < n; i++) {
		m->by_prefix[i].prefix = uses[i].prefix;
		m->by_prefix[i].cidr = uses[i].cidr;
		while (open != NONE && !around(&uses[open].prefix, &uses[i].prefix))
			open = m->by_prefix[open].around;
		m->by_prefix[i].around = open;
		open = i;
	}
	for (uint32_t i = 0, first = 0; i < n; i++) {
		if (prefix_cmp(&uses[i].prefix, &uses[first].prefix) != 0)
			first = i;
		else if (i != first)
			prefix_in_use(l, &uses[i], &uses[first], m->by_prefix[first].around);
	}
	free(uses);
	return 0;
}

/* The innermost other CIDR around one of a CIDR's prefixes; NONE: there is none. */
static uint32_t cidr_around(const struct model *m, uint32_t index)
{
	const struct cidr_prefix *p = &m->by_prefix[index];
	uint32_t i;

	for (i = p->around; i != NONE; i = m->by_prefix[i].around)
		if (prefix_is_v4(&m->by_prefix[i].prefix) == prefix_is_v4(&p->prefix) &&
		    m->by_prefix[i].cidr != p->cidr)
			return m->by_prefix[i].cidr;
	return NONE;
}

#define NETWORK_STR_LEN (2 * PREFIX_STR_LEN + 2)

static void network_text(const struct model *m, char out[static NETWORK_STR_LEN])
{
	const struct cidr *root = &m->cidrs[0];
	char text[2][PREFIX_STR_LEN] = {"", ""};

	for (unsigned i = 0; i < root->n_prefixes; i++)
		prefix_format(&root->prefix[i], text[i]);
	snprintf(out, NETWORK_STR_LEN, "%s%s%s", text[0], root->n_prefixes == 2 ? ", " : "", text[1]);
}

/* Help for an address outside the network: `help`, or that the network has no prefix of this family. */
static void help_family(struct loader *l, struct diag *g, bool v4, const char *help)
{
	const struct cidr *root = &l->model->cidrs[0];

	for (unsigned i = 0; i < root->n_prefixes; i++) {
		if (prefix_is_v4(&root->prefix[i]) == v4) {
			diag_help(l->diags, g, "%s", help);
			return;
		}
	}
	diag_help(l->diags, g, "the network has no prefix of IPv%d: take this out, or give 'cidr' one", v4 ? 4 : 6);
}

static void place_cidrs(struct loader *l)
{
	struct model *m = l->model;
	char text[PREFIX_STR_LEN], network[NETWORK_STR_LEN];
	const struct place *at;
	struct diag *g;

	network_text(m, network);
	/* IPv4 comes first in the index, so the second prefix of a CIDR is met after its first. */
	for (uint32_t i = 0; i < m->n_prefixes; i++) {
		const struct prefix *p = &m->by_prefix[i].prefix;
		struct cidr *c = &m->cidrs[m->by_prefix[i].cidr];
		uint32_t parent = cidr_around(m, i);
		bool second = c->n_prefixes == 2 && prefix_cmp(p, &c->prefix[1]) == 0;

		if (c == m->cidrs || l->network_broken)
			continue;
		at = &c->at_prefix[second];
		if (parent == NONE) {
			prefix_format(p, text);
			g = diag_error(l->diags, "prefix-outside", at, "%s is outside the network", text);
			diag_note(l->diags, g, &m->at_root_prefix, "the network is %s", network);
			help_family(l, g, prefix_is_v4(p), "take a prefix within it");
		} else if (!second || c->parent == NONE) {
			c->parent = parent;
		} else if (c->parent != parent) {
			g = diag_error(l->diags, "parents-differ", at,
				       "the prefixes of '%s' are in different CIDRs, '%s' and '%s'", c->name,
				       m->cidrs[c->parent].name, m->cidrs[parent].name);
			diag_note(l->diags, g, &c->at_prefix[0], "the other is");
			diag_note(l->diags, g, &m->cidrs[c->parent].at, "'%s' is defined", m->cidrs[c->parent].name);
			diag_note(l->diags, g, &m->cidrs[parent].at, "'%s' is defined", m->cidrs[parent].name);
			diag_help(l->diags, g, "take both prefixes from one of the two");
		}
	}
	for (uint32_t i = m->n_cidrs; i-- > 1;) {
		uint32_t parent = m->cidrs[i].parent;

		if (parent == NONE)
			continue;
		m->cidrs[i].next_sibling = m->cidrs[parent].first_child;
		m->cidrs[parent].first_child = i;
	}
	/* A parent comes before its children: its base is at or before theirs, and its length is less. */
	for (uint32_t i = 1; i < m->n_cidrs; i++)
		if (m->cidrs[i].parent != NONE)
			m->cidrs[i].depth = m->cidrs[m->cidrs[i].parent].depth + 1;
}

static int order_uses(struct addr_use *uses, uint32_t n)
{
	struct addr *bytes = malloc(((size_t)n + 1) * sizeof(*bytes));
	uint32_t *now = NULL;
	struct addr_use spare;

	for (uint32_t i = 0; i < n && bytes; i++)
		bytes[i] = uses[i].addr;
	if (bytes)
		now = ranks(n, sizeof(*bytes), (const uint8_t *)bytes);
	free(bytes);
	if (!now)
		return -1;
	permute(uses, sizeof(*uses), now, n, &spare);
	free(now);
	return 0;
}

/* Looking for a free address may walk a whole CIDR, so what was found is kept. */
static void help_free(struct loader *l, struct diag *g, uint32_t cidr, const struct addr *like)
{
	int family = addr_is_v4(like) ? 0 : 1;
	uint32_t what = cidr * 2 + (uint32_t)family + 1;
	struct free_addr *f = &l->free_addrs[what % FREE_ADDRS];
	char text[ADDR_STR_LEN];

	if (!g || cidr == NONE)
		return;
	if (f->what != what)
		f->full = model_next_free(l->model, cidr, family, &f->addr) != 0;
	f->what = what;
	if (f->full) {
		diag_help(l->diags, g, "no address is free in '%s'", l->model->cidrs[cidr].name);
		return;
	}
	addr_format(&f->addr, text);
	diag_help(l->diags, g, "the next free address in '%s' is %s", l->model->cidrs[cidr].name, text);
}

static bool has_family(const struct cidr *c, const struct addr *a)
{
	for (unsigned i = 0; i < c->n_prefixes; i++)
		if (prefix_is_v4(&c->prefix[i]) == addr_is_v4(a))
			return true;
	return false;
}

/* One address of a peer: free, inside, and in the same CIDR as the other. */
static void place_addr(struct loader *l, const struct addr_use *use, const struct addr_use *taken)
{
	struct model *m = l->model;
	struct peer *p = &m->peers[use->peer];
	uint32_t cidr = model_cidr_of_addr(m, &use->addr);
	char text[ADDR_STR_LEN], network[NETWORK_STR_LEN];
	const struct prefix *own = NULL, *root = NULL;
	struct diag *g;

	if (taken) {
		addr_format(&use->addr, text);
		g = diag_error(l->diags, "address-in-use", &use->at, "%s is already taken by peer '%s'", text,
			       m->peers[taken->peer].name);
		diag_note(l->diags, g, &taken->at, "'%s' has it", m->peers[taken->peer].name);
		help_free(l, g, cidr, &use->addr);
	}
	if (l->network_broken)
		return;
	if (cidr == NONE || !model_cidr_under(m, cidr, 0)) {
		addr_format(&use->addr, text);
		network_text(m, network);
		g = diag_error(l->diags, "address-outside", &use->at, "%s is outside the network", text);
		diag_note(l->diags, g, &m->at_root_prefix, "the network is %s", network);
		help_family(l, g, addr_is_v4(&use->addr), "take an address of the CIDR that the peer is to be in");
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (i < m->cidrs[cidr].n_prefixes && prefix_has(&m->cidrs[cidr].prefix[i], &use->addr))
			own = &m->cidrs[cidr].prefix[i];
		if (i < m->cidrs[0].n_prefixes && prefix_has(&m->cidrs[0].prefix[i], &use->addr))
			root = &m->cidrs[0].prefix[i];
	}
	if ((own && addr_is_reserved(own, &use->addr)) || (root && addr_is_reserved(root, &use->addr))) {
		const struct prefix *of = own && addr_is_reserved(own, &use->addr) ? own : root;

		addr_format(&use->addr, text);
		g = diag_error(l->diags, "address-reserved", &use->at, "%s is the %s address of '%s'", text,
			       addr_cmp(&of->base, &use->addr) == 0 ? "network" : "broadcast",
			       m->cidrs[of == own ? cidr : 0].name);
		help_free(l, g, cidr, &use->addr);
	}
	if (p->cidr == NONE) {
		p->cidr = cidr;
	} else if (p->cidr != cidr) {
		g = diag_error(l->diags, "cidrs-differ", &use->at,
			       "the addresses of '%s' are in different CIDRs, '%s' and '%s'", p->name,
			       m->cidrs[p->cidr].name, m->cidrs[cidr].name);
		diag_note(l->diags, g, &m->cidrs[p->cidr].at, "'%s' is defined", m->cidrs[p->cidr].name);
		diag_note(l->diags, g, &m->cidrs[cidr].at, "'%s' is defined", m->cidrs[cidr].name);
		if (has_family(&m->cidrs[p->cidr], &use->addr))
			help_free(l, g, p->cidr, &use->addr);
		else
			diag_help(l->diags, g,
				  "'%s' has no prefix of this family: give it one, or take this address out",
				  m->cidrs[p->cidr].name);
	}
}

static int place_peers(struct loader *l)
{
	struct model *m = l->model;
	struct addr_use *uses = (struct addr_use *)l->addrs.p;
	uint32_t n = (uint32_t)(l->addrs.n / sizeof(*uses)), at = 0;

	m->by_addr = arena_array(l->arena, n, sizeof(*m->by_addr));
	m->by_cidr = arena_array(l->arena, m->n_peers, sizeof(*m->by_cidr));
	if (!m->by_addr || !m->by_cidr || order_uses(uses, n))
		return -1;
	for (uint32_t i = 0; i < n; i++)
		m->by_addr[i] = (struct peer_addr){uses[i].addr, uses[i].peer};
	m->n_addrs = n;
	for (uint32_t i = 0, first = 0; i < n; i++) {
		if (addr_cmp(&uses[i].addr, &uses[first].addr) != 0)
			first = i;
		place_addr(l, &uses[i], first < i ? &uses[first] : NULL);
	}
	/* Grouped by CIDR, in the peers' own order: counted first, then dealt out. */
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].cidr != NONE)
			m->cidrs[m->peers[i].cidr].n_peers++;
	for (uint32_t i = 0; i < m->n_cidrs; i++) {
		m->cidrs[i].first_peer = at;
		at += m->cidrs[i].n_peers;
		m->cidrs[i].n_peers = 0;
	}
	for (uint32_t i = 0; i < m->n_peers; i++) {
		struct cidr *c = m->peers[i].cidr == NONE ? NULL : &m->cidrs[m->peers[i].cidr];

		if (c)
			m->by_cidr[c->first_peer + c->n_peers++] = i;
		if (c && m->peers[i].server)
			c->infra = true;
	}
	return 0;
}

int check_order(struct loader *l)
{
	if (order_cidrs(l) || order_peers(l) || index_names(l) || index_prefixes(l))
		return -1;
	place_cidrs(l);
	return place_peers(l);
}
