/* The sections of a definition's files, into the model's arrays, in the order of reading. */
#include "schema/attributes.h"
#include "schema/loader.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

static const struct key_spec *spec(enum key_place place, size_t i)
{
	size_t n;

	return &keys_of(place, &n)[i];
}

/* A section that was left empty is none. */
static const struct node *section(struct loader *l, const struct node *v, uint32_t file, const struct key_spec *k,
				  enum node_kind kind)
{
	if (!v || node_is_null(v))
		return NULL;
	if (v->kind != kind) {
		load_bad_type(l, k, v, file);
		return NULL;
	}
	return v;
}

/* One line for the place of something that may go over many: its first. */
static struct place first_line(struct place at)
{
	if (at.end_line != at.line) {
		at.end_line = at.line;
		at.end_column = at.column + 1;
	}
	return at;
}

static const char *copy_name(struct loader *l, const struct node *n)
{
	const char *copy = arena_strndup(l->arena, n->text, n->n);

	if (!copy)
		diags_out_of_memory(l->diags);
	return copy;
}

static void check_name(struct loader *l, const struct node *n, uint32_t file)
{
	struct place at = node_place(n, file);
	char fixed[NAME_MAX_LEN + 1];
	struct diag *g;
	size_t i;

	if (name_valid(n->text, n->n))
		return;
	g = diag_error(l->diags, "bad-name", &at, "'%.*s' is not a host name", 80, n->text);
	for (i = 0; i < n->n && i < NAME_MAX_LEN; i++) {
		char c = n->text[i];

		fixed[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c == '_' || c == ' ' || c == '.' ? '-' : c;
	}
	fixed[i] = '\0';
	if (i == n->n && name_valid(fixed, i)) {
		diag_help(l->diags, g, "'%s' would be one", fixed);
		if (g && strcasecmp(fixed, n->text) == 0) {
			struct rename_use use = {g, n, arena_strndup(l->tree, fixed, i), file};

			l->renames.failed = l->renames.failed || !use.lower;
			buf_add(&l->renames, &use, sizeof(use));
		}
	} else {
		diag_help(l->diags, g,
			  "lower case letters, digits and hyphens, at most %d, none of the hyphens first or last",
			  NAME_MAX_LEN);
	}
}

static unsigned read_prefixes(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file,
			      struct prefix out[static 2], struct place at[static 2])
{
	const struct node *nodes[2];
	unsigned given = load_one_or_two(l, k, v, file, nodes), n = 0;
	struct place place;
	struct diag *g;
	struct prefix p;

	for (unsigned i = 0; i < given; i++) {
		if (!load_prefix(l, k, nodes[i], file, &p))
			continue;
		place = node_place(nodes[i], file);
		if (n && prefix_is_v4(&p) == prefix_is_v4(&out[0])) {
			g = diag_error(l->diags, "families", &place,
				       "a second prefix of the same family; one IPv4 and one IPv6 at most");
			diag_note(l->diags, g, &at[0], "the first is");
			diag_help(l->diags, g, "keep one of them, or make a CIDR of its own for the other");
			continue;
		}
		if (n && prefix_is_v4(&p)) {
			out[1] = out[0];
			at[1] = at[0];
			out[0] = p;
			at[0] = place;
		} else {
			out[n] = p;
			at[n] = place;
		}
		n++;
	}
	return n;
}

static void read_cidr(struct loader *l, const struct node *name, uint32_t file)
{
	const struct node *values[KEYS_MAX] = {0}, *v = name->next;
	struct cidr *c = &l->model->cidrs[l->model->n_cidrs];

	if (name->kind != NODE_SCALAR)
		return;
	check_name(l, name, file);
	*c = l->no_cidr;
	c->name = copy_name(l, name);
	if (!c->name)
		return;
	c->at = node_place(name, file);
	l->model->n_cidrs++;
	if (v->kind == NODE_MAP)
		load_keys(l, IN_CIDR, v, file, values, "the CIDR '", c->name);
	else
		values[CIDR_CIDR] = v;
	if (values[CIDR_CIDR])
		c->n_prefixes = (uint8_t)read_prefixes(l, spec(IN_CIDR, CIDR_CIDR), values[CIDR_CIDR], file, c->prefix,
						       c->at_prefix);
	load_attributes(l, IN_CIDR, values, file, c);
}

static void read_ips(struct loader *l, struct peer *p, const struct node *v, uint32_t file)
{
	const struct key_spec *k = spec(IN_PEER, PEER_IP);
	const struct node *nodes[2];
	unsigned given = load_one_or_two(l, k, v, file, nodes);
	struct addr_use use = {.peer = l->model->n_peers - 1};
	struct place first = {0};
	struct diag *g;

	p->at_ip = first_line(node_place(v, file));
	for (unsigned i = 0; i < given; i++) {
		if (!load_addr(l, k, nodes[i], file, &use.addr))
			continue;
		use.at = node_place(nodes[i], file);
		if (p->n_ips && addr_is_v4(&use.addr) == addr_is_v4(&p->ip[0])) {
			g = diag_error(l->diags, "families", &use.at,
				       "a second address of the same family; one IPv4 and one IPv6 at most");
			diag_note(l->diags, g, &first, "the first is");
			diag_help(l->diags, g, "keep one of them: a peer has one address a family");
			continue;
		}
		if (p->n_ips && addr_is_v4(&use.addr)) {
			p->ip[1] = p->ip[0];
			p->ip[0] = use.addr;
		} else {
			p->ip[p->n_ips] = use.addr;
		}
		p->n_ips++;
		if (i == 0)
			first = use.at;
		buf_add(&l->addrs, &use, sizeof(use));
	}
}

static void read_mark(struct loader *l, struct peer *p, const struct node *name,
		      const struct node *values[static KEYS_MAX], uint32_t file)
{
	const struct node *key = values[PEER_PUBLIC_KEY], *invite = values[PEER_INVITE],
			  *expires = values[PEER_INVITE_EXPIRES];
	struct key_use use = {.peer = l->model->n_peers - 1};
	struct place at;
	struct diag *g;
	bool good = false;

	if (!key == !invite) {
		at = node_place(key ? invite : name, file);
		g = diag_error(l->diags, "key-or-invite", &at, "peer '%s' %s; it needs one of them", p->name,
			       key ? "has both a public_key and an invite" : "has neither a public_key nor an invite");
		if (key) {
			at = node_place(key, file);
			diag_note(l->diags, g, &at, "its public_key is");
			diag_help(l->diags, g,
				  "the public_key alone, when the invite was redeemed; else the invite alone");
		} else {
			diag_help(l->diags, g, "give its public_key, or let `innernet add-peer` write an invite");
		}
	}
	if (key) {
		p->at_key = node_place(key, file);
		good = load_key(l, spec(IN_PEER, PEER_PUBLIC_KEY), key, file, &p->key);
		if (good && !x25519_key_valid(&p->key)) {
			diag_help(l->diags,
				  diag_error(l->diags, "key-low-order", &p->at_key,
					     "'public_key' is not a usable key: of low order, or not canonical"),
				  "no private key has it: make a new one with `wg genkey | wg pubkey`");
			good = false;
		}
		use.x25519 = p->key;
	} else if (invite) {
		p->at_key = node_place(invite, file);
		p->is_invite = true;
		good = load_ed25519(l, spec(IN_PEER, PEER_INVITE), invite, file, &p->key, &use.x25519);
		p->temporary = use.x25519;
	}
	if (good)
		buf_add(&l->keys, &use, sizeof(use));
	if (expires && !invite) {
		at = node_place(expires, file);
		diag_help(l->diags,
			  diag_error(l->diags, "key-or-invite", &at, "'invite_expires' is of no use without an invite"),
			  "take it out");
	}
}

static void read_routes(struct loader *l, struct peer *p, const struct node *v, uint32_t file)
{
	const struct key_spec *k = spec(IN_PEER, PEER_ROUTES);
	struct route_use use = {.peer = l->model->n_peers - 1};

	p->at_routes = first_line(node_place(v, file));
	if (node_is_null(v) || !load_check_list(l, k, v, file) || v->n == 0)
		return;
	p->routes = arena_array(l->arena, v->n, sizeof(*p->routes));
	if (!p->routes) {
		diags_out_of_memory(l->diags);
		return;
	}
	for (const struct node *i = v->first; i; i = i->next) {
		if (!load_prefix(l, k, i, file, &use.prefix))
			continue;
		use.at = node_place(i, file);
		p->routes[p->n_routes++] = use.prefix;
		buf_add(&l->routes, &use, sizeof(use));
	}
	qsort(p->routes, p->n_routes, sizeof(*p->routes), order_prefix_cmp);
}

static void read_peer(struct loader *l, const struct node *name, uint32_t file)
{
	const struct node *values[KEYS_MAX], *v = name->next;
	struct peer *p = &l->model->peers[l->model->n_peers];

	if (name->kind != NODE_SCALAR)
		return;
	check_name(l, name, file);
	*p = l->no_peer;
	p->name = copy_name(l, name);
	if (!p->name)
		return;
	p->at = node_place(name, file);
	l->model->n_peers++;
	if (v->kind != NODE_MAP) {
		struct place at = first_line(node_place(v, file));

		if (v->kind != NODE_BAD)
			diag_help(l->diags,
				  diag_error(l->diags, "bad-type", &at, "the peer '%s' must be a mapping", p->name),
				  "write it as in %s: { ip: ADDRESS, public_key: KEY }", p->name);
		return;
	}
	load_keys(l, IN_PEER, v, file, values, "the peer '", p->name);
	if (values[PEER_IP])
		read_ips(l, p, values[PEER_IP], file);
	read_mark(l, p, name, values, file);
	if (values[PEER_ROUTES])
		read_routes(l, p, values[PEER_ROUTES], file);
	load_attributes(l, IN_PEER, values, file, p);
	if (p->server && !values[PEER_ENDPOINT])
		diag_help(l->diags,
			  diag_error(l->diags, "endpoint-missing", &p->at, "the server '%s' has no endpoint", p->name),
			  "say where peers reach it: endpoint: \"vpn.example.com:51820\"");
}

static void read_associations(struct loader *l, const struct node *list, uint32_t file)
{
	const struct key_spec *k = spec(IN_ROOT, ROOT_ASSOCIATIONS);
	struct pair_use use = {.file = file};

	for (const struct node *i = list->first; i; i = i->next) {
		use.at = node_place(i, file);
		if (i->kind != NODE_LIST) {
			load_bad_type(l, k, i, file);
			continue;
		}
		if (i->n != 2) {
			diag_help(
			    l->diags,
			    diag_error(l->diags, "bad-type", &use.at, "an association joins two CIDRs, not %u", i->n),
			    "write one pair a line, as in [humans, ci-servers]");
			continue;
		}
		use.a = i->first;
		use.b = i->first->next;
		/* Loads the second one also after an error in the first, so that both errors are reported. */
		bool first = load_text(l, k, use.a, file), second = load_text(l, k, use.b, file);
		if (!first || !second)
			continue;
		buf_add(&l->pairs, &use, sizeof(use));
	}
}

static void read_tests(struct loader *l, const struct node *list, uint32_t file)
{
	const struct node *values[KEYS_MAX];
	struct test_use use = {.file = file};

	for (const struct node *i = list->first; i; i = i->next) {
		if (i->kind != NODE_MAP) {
			load_bad_type(l, spec(IN_ROOT, ROOT_TESTS), i, file);
			continue;
		}
		use.at = first_line(node_place(i, file));
		load_keys(l, IN_TEST, i, file, values, "the test", NULL);
		use.from = values[TEST_FROM];
		use.can = values[TEST_CAN_REACH];
		use.cannot = values[TEST_CANNOT_REACH];
		if (!use.can && !use.cannot)
			diag_help(l->diags,
				  diag_error(l->diags, "missing-key", &use.at,
					     "the test has neither 'can_reach' nor 'cannot_reach'"),
				  "say which peers its 'from' must reach, or must not");
		buf_add(&l->tests, &use, sizeof(use));
	}
}

/* A list of signers: in the order of their bytes, none twice. */
static uint8_t read_signers(struct loader *l, const struct key_spec *k, const struct node *v,
			    struct key out[static SIGNERS_MAX])
{
	struct place where[SIGNERS_MAX];
	struct key key, unused;
	uint8_t n = 0;

	if (!load_check_list(l, k, v, 0)) {
		l->trust_broken = true;
		return 0;
	}
	for (const struct node *i = v->first; i; i = i->next) {
		struct place at = node_place(i, 0);
		const struct place *twice = NULL;
		struct diag *g;

		if (!load_ed25519(l, k, i, 0, &key, &unused)) {
			l->trust_broken = true;
			continue;
		}
		for (uint8_t j = 0; j < n; j++)
			twice = key_eq(&out[j], &key) ? &where[j] : twice;
		if (twice) {
			g = diag_error(l->diags, "key-twice", &at, "this key stands in '%s' twice", k->name);
			diag_note(l->diags, g, twice, "it was first given");
			diag_help(l->diags, g, "take one out: a signer counts once");
		} else {
			where[n] = at;
			out[n++] = key;
		}
	}
	qsort(out, n, sizeof(*out), order_key_cmp);
	return n;
}

static void read_trust(struct loader *l, const struct node *map)
{
	const struct node *values[KEYS_MAX];
	struct trust *t = &l->model->trust;
	struct place at;

	t->present = true;
	t->at = first_line(node_place(map, 0));
	attributes_init(IN_TRUST, t);
	load_keys(l, IN_TRUST, map, 0, values, "'trust'", NULL);
	if (values[TRUST_ID])
		load_key(l, spec(IN_TRUST, TRUST_ID), values[TRUST_ID], 0, &t->id);
	if (values[TRUST_SIGNERS])
		t->n_signers = read_signers(l, spec(IN_TRUST, TRUST_SIGNERS), values[TRUST_SIGNERS], t->signers);
	if (values[TRUST_ONLINE]) {
		t->n_online = read_signers(l, spec(IN_TRUST, TRUST_ONLINE), values[TRUST_ONLINE], t->online);
	} else {
		t->n_online = t->n_signers;
		memcpy(t->online, t->signers, sizeof(t->online));
	}
	load_attributes(l, IN_TRUST, values, 0, t);
	if (t->threshold > t->n_signers && t->n_signers && !l->trust_broken) {
		at = node_place(values[TRUST_THRESHOLD], 0);
		diag_help(l->diags,
			  diag_error(l->diags, "bad-threshold", &at, "'threshold' is %u, but there %s %u signer%s",
				     t->threshold, t->n_signers == 1 ? "is" : "are", t->n_signers,
				     t->n_signers == 1 ? "" : "s"),
			  "it is a number from 1 to %u", t->n_signers);
	}
}

static void read_network(struct loader *l, const struct node *values[static KEYS_MAX])
{
	const struct key_spec *k = spec(IN_ROOT, ROOT_NETWORK);
	struct model *m = l->model;
	struct cidr *root = &m->cidrs[0];
	const struct node *v = values[ROOT_NETWORK];
	const char *text = v ? load_text(l, k, v, 0) : NULL;

	m->n_cidrs = 1;
	root->name = "";
	if (text) {
		m->at_network = root->at = node_place(v, 0);
		m->network = root->name = copy_name(l, v);
		if (!network_name_valid(text, v->n))
			diag_help(l->diags,
				  diag_error(l->diags, "bad-name", &root->at, "'%.*s' cannot be an interface's name",
					     80, text),
				  "lower case letters, digits and hyphens, at most %d; not lo, all or default",
				  NETWORK_MAX_LEN);
		if (!root->name)
			root->name = "";
	}
	if (values[ROOT_CIDR])
		root->n_prefixes = (uint8_t)read_prefixes(l, spec(IN_ROOT, ROOT_CIDR), values[ROOT_CIDR], 0,
							  root->prefix, root->at_prefix);
	m->at_root_prefix = root->at_prefix[0];
	for (unsigned i = 0; i < root->n_prefixes; i++)
		if (!network_prefix_valid(&root->prefix[i]))
			diag_help(
			    l->diags,
			    diag_error(l->diags, "network-too-wide", &root->at_prefix[i],
				       "a network of all %s addresses would be every machine's default route",
				       prefix_is_v4(&root->prefix[i]) ? "IPv4" : "IPv6"),
			    "take a private prefix, as 10.60.0.0/16 or fd00:60::/48; a way out of the network is a "
			    "peer's `routes:`");
	l->network_broken =
	    root->n_prefixes == 0 || (values[ROOT_CIDR]->kind == NODE_LIST && values[ROOT_CIDR]->n != root->n_prefixes);
}

/* An address, or a prefix: with a slash. */
static void read_reuse(struct loader *l, const struct node *v)
{
	const struct key_spec *k = spec(IN_ROOT, ROOT_REUSE);
	const struct cidr *root = &l->model->cidrs[0];
	bool inside = l->network_broken;
	struct prefix range;
	struct addr addr;

	if (v->kind == NODE_SCALAR && strchr(v->text, '/')) {
		if (!load_prefix(l, k, v, 0, &range))
			return;
	} else if (load_addr(l, k, v, 0, &addr)) {
		range = prefix_host(&addr);
	} else {
		return;
	}
	for (uint32_t i = 0; i < root->n_prefixes; i++)
		inside |= prefix_covers(&root->prefix[i], &range);
	if (!inside) {
		struct place at = node_place(v, 0);
		struct diag *g = diag_error(l->diags, "address-outside", &at, "%s is outside the network", v->text);

		diag_note(l->diags, g, &l->model->at_root_prefix, "the network is");
		diag_help(l->diags, g, "take it out: no peer can have it");
	}
	buf_add(&l->reuse, &range, sizeof(range));
}

static void read_settings(struct loader *l, const struct node *values[static KEYS_MAX])
{
	const struct node *inner[KEYS_MAX], *v;
	int64_t version;

	attributes_init(IN_ROOT, l->model);
	attributes_init(IN_DEFAULTS, l->model);
	l->model->confirm = CONFIRM_DEFAULT;
	if (values[ROOT_VERSION])
		load_int(l, spec(IN_ROOT, ROOT_VERSION), values[ROOT_VERSION], 0, &version);
	load_attributes(l, IN_ROOT, values, 0, l->model);
	v = section(l, values[ROOT_TRUST], 0, spec(IN_ROOT, ROOT_TRUST), NODE_MAP);
	if (v)
		read_trust(l, v);
	v = section(l, values[ROOT_DEFAULTS], 0, spec(IN_ROOT, ROOT_DEFAULTS), NODE_MAP);
	if (v) {
		load_keys(l, IN_DEFAULTS, v, 0, inner, "'defaults'", NULL);
		load_attributes(l, IN_DEFAULTS, inner, 0, l->model);
	}
	v = section(l, values[ROOT_REUSE], 0, spec(IN_ROOT, ROOT_REUSE), NODE_LIST);
	for (const struct node *i = v ? v->first : NULL; i; i = i->next)
		read_reuse(l, i);
}

void load_sections(struct loader *l, uint32_t file)
{
	const struct node *values[KEYS_MAX], *v;

	load_keys(l, IN_ROOT, l->roots[file], file, values, "the definition", NULL);
	if (file == 0) {
		attributes_init(IN_CIDR, &l->no_cidr);
		attributes_init(IN_PEER, &l->no_peer);
		l->no_peer.cidr = NONE;
		read_network(l, values);
		read_settings(l, values);
	}
	v = section(l, values[ROOT_CIDRS], file, spec(IN_ROOT, ROOT_CIDRS), NODE_MAP);
	if (v)
		for (node_pairs(name, v))
			read_cidr(l, name, file);
	v = section(l, values[ROOT_PEERS], file, spec(IN_ROOT, ROOT_PEERS), NODE_MAP);
	if (v)
		for (node_pairs(name, v))
			read_peer(l, name, file);
	v = section(l, values[ROOT_ASSOCIATIONS], file, spec(IN_ROOT, ROOT_ASSOCIATIONS), NODE_LIST);
	if (v)
		read_associations(l, v, file);
	v = section(l, values[ROOT_TESTS], file, spec(IN_ROOT, ROOT_TESTS), NODE_LIST);
	if (v)
		read_tests(l, v, file);
}
