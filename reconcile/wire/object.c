#include "reconcile/wire/object.h"

#include "schema/attributes.h"

#include <string.h>

#define BAD "bad-object"

static const char *const headers[] = {
    [OBJECT_LEAF] = "innernet-leaf",       [OBJECT_CHILDREN] = "innernet-children", [OBJECT_NODE] = "innernet-node",
    [OBJECT_SUBTREE] = "innernet-subtree", [OBJECT_VIEW] = "innernet-view",
};

static void write_header(struct buf *b, enum object_kind kind, unsigned format)
{
	buf_str(b, headers[kind]);
	buf_char(b, ' ');
	buf_u64(b, format);
	buf_char(b, '\n');
}

int object_kind(struct span bytes)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		size_t n = strlen(headers[i]);

		if (bytes.n > n && memcmp(bytes.p, headers[i], n) == 0 && bytes.p[n] == ' ')
			return (int)i;
	}
	return -1;
}

unsigned addr_nibble(const struct addr *a, unsigned len)
{
	unsigned byte = a->b[(len - 4) / 8];

	return len % 8 ? byte >> 4 : byte & 15;
}

const struct addr *cidr_order(const struct cidr *c)
{
	return &c->prefix[0].base;
}

/* "<count> <hash>", the fields that end most lines. */
static void write_ref(struct buf *b, const struct object_ref *r)
{
	buf_char(b, ' ');
	buf_u64(b, r->count);
	buf_char(b, ' ');
	buf_hash(b, &r->name);
	buf_char(b, '\n');
}

static bool read_ref(struct text *t, unsigned i, struct object_ref *out)
{
	if (!text_u32(t, i, PEERS_MAX, &out->count) || !text_hash(t, i + 1, &out->name))
		return false;
	return out->count ? true : text_fail(t, "a count of 0: a list without peers is left out");
}

/* "<name> <prefix>[,<prefix6>]" */
static void write_cidr(struct buf *b, const char *word, const struct cidr *c)
{
	buf_str(b, word);
	buf_str(b, c->name);
	buf_char(b, ' ');
	buf_prefixes(b, c->prefix, c->n_prefixes);
}

static bool read_cidr(struct text *t, struct arena *a, struct cidr *out)
{
	memset(out, 0, sizeof(*out));
	out->parent = NONE;
	return text_name(t, 1, a, &out->name) && text_prefixes(t, 2, out->prefix, &out->n_prefixes);
}

/* Words that format 2 keeps for what is to come. A reader must not go on without knowing what such a word means. */
static const char *const reserved[] = {"until", "allow", "accepts", "aliases", "relay", "exit"};

/* The word itself, or "<word>=...". */
static bool is_reserved(struct span field)
{
	const uint8_t *equals = memchr(field.p, '=', field.n);
	struct span word = {field.p, equals ? (size_t)(equals - field.p) : field.n};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (span_is(word, reserved[i]))
			return true;
	return false;
}

/* A line that cannot be read may have a reserved word: as its first one, or behind the name and the address. */
static int report(struct text *t, struct diags *d, const char *what)
{
	const bool is_extra = t->n && t->field[0].n > 2 && memcmp(t->field[0].p, "x-", 2) == 0;

	for (unsigned i = 0; t->format > 1 && !is_extra && i < t->n; i++)
		if (i != 1 && !t->word.p && is_reserved(t->field[i]))
			t->word = t->field[i];
	return text_report(t, d, BAD, what);
}

static int finish(struct text *t, struct diags *d, const char *what)
{
	return text_end(t) ? 0 : report(t, d, what);
}

/* innernet-leaf */

uint32_t peer_format(const struct peer *p)
{
	bool metric = false;

	for (uint32_t i = 0; p->metrics && i < p->n_routes; i++)
		metric |= p->metrics[i] > 0;
	return metric || (p->endpoint && p->n_more_endpoints) || p->extra ? 2 : 1;
}

void leaf_write_header(struct buf *b, uint32_t format)
{
	write_header(b, OBJECT_LEAF, format);
}

static void write_endpoints(struct buf *b, const struct peer *p)
{
	buf_str(b, p->endpoint);
	for (unsigned i = 0; i < p->n_more_endpoints; i++) {
		buf_char(b, ',');
		buf_str(b, p->more_endpoints[i]);
	}
}

static void write_routes(struct buf *b, const struct peer *p)
{
	for (uint32_t i = 0; i < p->n_routes; i++) {
		buf_str(b, i ? "," : "");
		buf_prefixes(b, &p->routes[i], 1);
		if (p->metrics && p->metrics[i]) {
			buf_char(b, '@');
			buf_u64(b, p->metrics[i]);
		}
	}
}

/* " keepalive=25", " server". */
static void write_attribute(struct buf *b, const struct key_spec *k, const struct peer *p)
{
	buf_char(b, ' ');
	buf_str(b, k->name);
	if (k->type == TYPE_BOOL)
		return;
	buf_char(b, '=');
	if (k->type == TYPE_ENDPOINT)
		write_endpoints(b, p);
	else if (k->type == TYPE_PREFIX_LIST)
		write_routes(b, p);
	else if (k->type == TYPE_TEXT)
		buf_str(b, attribute_text(k, p));
	else
		buf_u64(b, (uint64_t)attribute_number(k, p));
}

void leaf_write_peer(struct buf *b, const struct peer *p)
{
	const struct key_spec *k;

	buf_str(b, "peer ");
	buf_str(b, p->name);
	buf_char(b, ' ');
	buf_ips(b, p->ip, p->n_ips);
	buf_str(b, p->is_invite ? " invite=" : " key=");
	buf_key(b, &p->key);
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
		if (k->in_leaf && attribute_given(k, p))
			write_attribute(b, k, p);
	buf_char(b, '\n');
	if (p->extra)
		buf_str(b, p->extra);
}

/* Takes the next value off a list with commas. */
static void next_value(struct span *list, struct span *one)
{
	const uint8_t *comma = memchr(list->p, ',', list->n);

	*one = (struct span){list->p, comma ? (size_t)(comma - list->p) : list->n};
	list->p += one->n + (comma != NULL);
	list->n -= one->n + (comma != NULL);
}

static size_t count_values(struct span list)
{
	size_t n = 1;

	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ',';
	return n;
}

static bool read_endpoints(struct text *t, struct arena *a, struct span list, struct peer *p)
{
	size_t n = count_values(list);
	const char **all = &p->endpoint;
	struct span one;

	if (n > (t->format > 1 ? ENDPOINTS_MAX : 1))
		return text_fail(t, "more endpoints than a peer may have");
	if (n > 1 && !(all = arena_array(a, n, sizeof(*all))))
		return text_fail(t, "out of memory");
	for (size_t i = 0; i < n; i++) {
		next_value(&list, &one);
		all[i] = endpoint_canonical(a, (const char *)one.p, one.n);
		if (!all[i] || !span_is(one, all[i]))
			return text_fail(t, "an endpoint that is not in its one spelling");
		for (size_t k = 0; k < i; k++)
			if (strcmp(all[k], all[i]) == 0)
				return text_fail(t, "an endpoint that is there twice");
	}
	p->endpoint = all[0];
	p->n_more_endpoints = (uint8_t)(n - 1);
	p->more_endpoints = n > 1 ? all + 1 : NULL;
	return true;
}

/* "@<metric>" behind a route, in format 2. Takes it off. */
static bool read_metric(struct text *t, struct arena *a, struct span *route, uint16_t **metrics, size_t i, size_t n)
{
	const uint8_t *at = t->format > 1 ? memchr(route->p, '@', route->n) : NULL;
	struct span value;
	uint64_t metric;

	if (!at)
		return true;
	value = (struct span){at + 1, (size_t)(route->p + route->n - at) - 1};
	route->n = (size_t)(at - route->p);
	if (!span_u64(value, METRIC_MAX, &metric) || metric == 0)
		return text_fail(t, "a metric that is out of range");
	if (!*metrics && !(*metrics = arena_array(a, n, sizeof(**metrics))))
		return text_fail(t, "out of memory");
	(*metrics)[i] = (uint16_t)metric;
	return true;
}

static bool read_routes(struct text *t, struct arena *a, struct span list, struct peer *p)
{
	uint16_t *metrics = NULL;
	size_t n = count_values(list);
	struct span one;

	if (n > ROUTES_MAX)
		return text_fail(t, "too many routes");
	p->routes = arena_array(a, n, sizeof(*p->routes));
	if (!p->routes)
		return text_fail(t, "out of memory");
	while (p->n_routes < n) {
		struct prefix *r = &p->routes[p->n_routes];

		next_value(&list, &one);
		if (!read_metric(t, a, &one, &metrics, p->n_routes, n))
			return false;
		if (!span_prefix(one, r))
			return text_fail(t, "a route that is not a prefix in its shortest spelling");
		if (p->n_routes && (prefix_cmp(r - 1, r) >= 0 || prefix_overlaps(r - 1, r)))
			return text_fail(t, "routes that are out of order or overlap");
		p->n_routes++;
	}
	p->metrics = metrics;
	return true;
}

static bool read_key(struct text *t, struct peer *p)
{
	struct span value;

	if (text_value(t, 3, "invite", &value))
		p->is_invite = true;
	else if (!text_value(t, 3, "key", &value))
		return text_fail(t, "a peer without its key or invite");
	if (key_parse((const char *)value.p, value.n, &p->key) < 0)
		return text_fail(t, "not 32 bytes of canonical base64");
	if (!p->is_invite && !x25519_key_valid(&p->key))
		return text_fail(t, "a key that no handshake can be done with");
	return true;
}

static bool read_number(struct text *t, struct arena *a, const struct key_spec *k, struct span value, struct peer *p)
{
	const char *error;
	uint64_t number;

	if (span_u64(value, (uint64_t)k->max, &number) && (int64_t)number >= k->min) {
		attribute_set_number(k, p, (int64_t)number);
		return true;
	}
	error = arena_printf(a, "a %s that is out of range", k->name);
	return text_fail(t, error ? error : "out of memory");
}

/* The name of a peer: the one text that a leaf can spell. */
static bool read_text(struct text *t, struct arena *a, const struct key_spec *k, struct span value, struct peer *p)
{
	const char *text;

	if (!name_valid((const char *)value.p, value.n) || p->is_invite)
		return text_fail(t, "a peer that cannot be reached through another one");
	text = arena_strndup(a, (const char *)value.p, value.n);
	attribute_set_text(k, p, text);
	return text ? true : text_fail(t, "out of memory");
}

/* Field *i, when it is this attribute. */
static bool read_attribute(struct text *t, struct arena *a, const struct key_spec *k, unsigned *i, struct peer *p)
{
	struct span value;

	if (k->type == TYPE_BOOL) {
		/* A server is reached directly. */
		if (*i < t->n && span_is(t->field[*i], k->name) && !p->via) {
			attribute_set_bool(k, p, true);
			++*i;
		}
		return true;
	}
	if (!text_value(t, *i, k->name, &value))
		return true;
	++*i;
	switch (k->type) {
	case TYPE_ENDPOINT:
		return read_endpoints(t, a, value, p);
	case TYPE_PREFIX_LIST:
		return read_routes(t, a, value, p);
	case TYPE_TEXT:
		return read_text(t, a, k, value, p);
	default:
		return read_number(t, a, k, value, p);
	}
}

/* `none` has the value that each member has where the line does not name it. */
static bool read_peer(struct text *t, struct arena *a, const struct peer *none, struct peer *p)
{
	const struct key_spec *k;
	unsigned field = 4;

	*p = *none;
	if (!text_name(t, 1, a, &p->name) || !text_ips(t, 2, p->ip, &p->n_ips) || t->n < 4 || !read_key(t, p))
		return text_fail(t, "a line with too few words");
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
		if (k->in_leaf && !read_attribute(t, a, k, &field, p))
			return false;
	return field == t->n ? true : text_fail(t, "a word that is unknown, repeated or out of order");
}

/* The x- lines behind a peer's line are about that peer. */
static bool read_extra(struct text *t, struct arena *a, struct peer *p)
{
	struct span extra;

	if (!text_take_extra(t, &extra))
		return false;
	if (!extra.p)
		return true;
	p->extra = arena_strndup(a, (const char *)extra.p, extra.n);
	return p->extra ? true : text_fail(t, "out of memory");
}

int leaf_parse(struct arena *a, struct span bytes, struct object_leaf *out, struct diags *d)
{
	struct peer none = {.is_invite = false};
	uint32_t format = 1;
	struct text t;

	out->n = 0;
	attributes_init(IN_PEER, &none);
	if (!text_open_format(&t, bytes, headers[OBJECT_LEAF], FORMAT_NEWEST))
		return report(&t, d, "a leaf");
	while (text_take(&t, "peer")) {
		if (out->n == LIST_MAX) {
			text_fail(&t, "more peers than a leaf may have");
			break;
		}
		if (!read_peer(&t, a, &none, &out->peers[out->n]) || !read_extra(&t, a, &out->peers[out->n]))
			break;
		if (peer_format(&out->peers[out->n]) > format)
			format = peer_format(&out->peers[out->n]);
		if (out->n && addr_cmp(peer_order(&out->peers[out->n - 1]), peer_order(&out->peers[out->n])) >= 0)
			text_fail(&t, "peers that are out of order");
		out->n++;
	}
	if (!t.error && out->n == 0)
		text_fail(&t, "a leaf without a peer");
	if (!t.error)
		text_format_is(&t, format);
	return finish(&t, d, "a leaf");
}

/* innernet-children */

void children_write_header(struct buf *b)
{
	write_header(b, OBJECT_CHILDREN, 1);
}

void children_write_child(struct buf *b, const struct object_child *c)
{
	buf_str(b, "child ");
	buf_str(b, c->name);
	write_ref(b, &c->ref);
}

int children_parse(struct arena *a, struct span bytes, struct object_children *out, struct diags *d)
{
	struct text t;

	out->n = 0;
	if (!text_open(&t, bytes, headers[OBJECT_CHILDREN]))
		return text_report(&t, d, BAD, "a list of children");
	while (text_take(&t, "child")) {
		struct object_child *c = &out->children[out->n];

		if (out->n == LIST_MAX) {
			text_fail(&t, "more children than one list may have");
			break;
		}
		if (t.n != 4)
			text_fail(&t, "a line with too few or too many words");
		if (!text_name(&t, 1, a, &c->name) || !read_ref(&t, 2, &c->ref))
			break;
		out->n++;
	}
	if (!t.error && out->n == 0)
		text_fail(&t, "a list without a child");
	return finish(&t, d, "a list of children");
}

/* innernet-node */

void node_write(struct buf *b, const struct object_node *n)
{
	write_header(b, OBJECT_NODE, 1);
	for (unsigned i = 0; i < n->n; i++) {
		buf_str(b, "part ");
		buf_prefixes(b, &n->parts[i].prefix, 1);
		write_ref(b, &n->parts[i].ref);
	}
}

/* Two parts of one node: the same bits but for the last nibble, and that one rising. */
static bool parts_in_order(const struct prefix *a, const struct prefix *b)
{
	struct prefix pa = *a, pb = *b;

	if (a->len != b->len || addr_nibble(&a->base, a->len) >= addr_nibble(&b->base, b->len))
		return false;
	pa.len = pb.len = (uint8_t)(a->len - 4);
	prefix_clear_host_bits(&pa);
	prefix_clear_host_bits(&pb);
	return addr_cmp(&pa.base, &pb.base) == 0;
}

int node_parse(struct span bytes, struct object_node *out, struct diags *d)
{
	struct text t;
	uint64_t entries = 0;

	out->n = 0;
	if (!text_open(&t, bytes, headers[OBJECT_NODE]))
		return text_report(&t, d, BAD, "a node");
	while (text_take(&t, "part")) {
		struct object_part *p = &out->parts[out->n];

		if (out->n == PARTS_MAX) {
			text_fail(&t, "more parts than a nibble has values");
			break;
		}
		if (t.n != 4)
			text_fail(&t, "a line with too few or too many words");
		if (!text_prefix(&t, 1, &p->prefix) || !read_ref(&t, 2, &p->ref))
			break;
		if (p->prefix.len < 4 || p->prefix.len % 4)
			text_fail(&t, "a part that does not end at a nibble");
		else if (out->n && !parts_in_order(&p[-1].prefix, &p->prefix))
			text_fail(&t, "parts that are out of order, or not of one split");
		entries += p->ref.count;
		out->n++;
	}
	if (!t.error && (out->n < 2 || entries <= LIST_MAX || entries > PEERS_MAX))
		text_fail(&t, "a split list with too few or too many entries");
	out->entries = (uint32_t)entries;
	return finish(&t, d, "a node");
}

/* innernet-subtree */

void subtree_write(struct buf *b, const struct object_subtree *s)
{
	write_header(b, OBJECT_SUBTREE, 1);
	write_cidr(b, "cidr ", &s->cidr);
	buf_char(b, '\n');
	if (s->own.count) {
		buf_str(b, "own");
		write_ref(b, &s->own);
	}
	if (s->children.count) {
		buf_str(b, "children");
		write_ref(b, &s->children);
	}
}

int subtree_parse(struct arena *a, struct span bytes, struct object_subtree *out, struct diags *d)
{
	struct text t;

	memset(out, 0, sizeof(*out));
	if (!text_open(&t, bytes, headers[OBJECT_SUBTREE]) || !text_need(&t, "cidr", 3) ||
	    !read_cidr(&t, a, &out->cidr))
		return text_report(&t, d, BAD, "a subtree");
	if (text_take(&t, "own") && (t.n != 3 || !read_ref(&t, 1, &out->own)))
		text_fail(&t, "a line with too few or too many words");
	if (text_take(&t, "children") && (t.n != 3 || !read_ref(&t, 1, &out->children)))
		text_fail(&t, "a line with too few or too many words");
	if (!t.error && out->own.count == 0 && out->children.count == 0)
		text_fail(&t, "a subtree that holds no peer");
	return finish(&t, d, "a subtree");
}

/* innernet-view */

uint32_t view_format(const struct object_view *v)
{
	return v->confirm != CONFIRM_DEFAULT || v->extra.p ? 2 : 1;
}

void view_write(struct buf *b, const struct object_view *v)
{
	write_header(b, OBJECT_VIEW, view_format(v));
	buf_str(b, "settings mtu=");
	buf_u64(b, v->mtu);
	buf_str(b, " keepalive=");
	buf_u64(b, v->keepalive);
	if (v->confirm != CONFIRM_DEFAULT) {
		buf_str(b, " confirm=");
		buf_u64(b, v->confirm);
	}
	write_cidr(b, "\ncidr ", &v->cidr);
	if (v->only) {
		buf_str(b, "\nonly ");
		buf_str(b, v->only);
	}
	for (uint32_t i = 0; i < v->n_ancestors; i++)
		write_cidr(b, "\nancestor ", &v->ancestors[i]);
	buf_str(b, "\nown");
	write_ref(b, &v->own);
	for (uint32_t i = 0; i < v->n_segments; i++) {
		write_cidr(b, "segment ", &v->segments[i].cidr);
		write_ref(b, &v->segments[i].own);
	}
	for (uint32_t i = 0; i < v->n_subtrees; i++) {
		buf_str(b, "subtree ");
		buf_str(b, v->subtrees[i].name);
		write_ref(b, &v->subtrees[i].ref);
	}
	buf_add(b, v->extra.p, v->extra.n);
}

static bool read_settings(struct text *t, struct object_view *out)
{
	struct span mtu, keepalive, confirm;
	uint64_t m, k, c = CONFIRM_DEFAULT;

	if (!text_take(t, "settings") || t->n < 3 || t->n > (t->format > 1 ? 4 : 3))
		return text_fail(t, "settings that are missing, or have too few or too many words");
	if (!text_value(t, 1, "mtu", &mtu) || !span_u64(mtu, MTU_MAX, &m) || m < MTU_MIN)
		return text_fail(t, "settings without an MTU in range");
	if (!text_value(t, 2, "keepalive", &keepalive) || !span_u64(keepalive, KEEPALIVE_MAX, &k))
		return text_fail(t, "settings without a keepalive in range");
	if (t->n == 4 &&
	    (!text_value(t, 3, "confirm", &confirm) || !span_u64(confirm, CONFIRM_MAX, &c) || c == CONFIRM_DEFAULT))
		return text_fail(t, "a time to confirm that is out of range, or is the default");
	out->mtu = (uint32_t)m;
	out->keepalive = (uint32_t)k;
	out->confirm = (uint32_t)c;
	return true;
}

/* How many of the lines that follow begin with `word`: so that arrays are made once, of the right size. */
static uint32_t count_ahead(const struct text *t, const char *word, uint32_t max)
{
	struct text u = *t;
	uint32_t n = 0;

	while (n <= max && text_take(&u, word))
		n++;
	return n;
}

static bool read_ancestors(struct text *t, struct arena *a, struct object_view *out)
{
	uint32_t n = count_ahead(t, "ancestor", ANCESTORS_MAX);

	if (n > ANCESTORS_MAX)
		return text_fail(t, "too many ancestors");
	out->ancestors = arena_array(a, n, sizeof(*out->ancestors));
	if (n && !out->ancestors)
		return text_fail(t, "out of memory");
	while (out->n_ancestors < n && text_need(t, "ancestor", 3)) {
		if (!read_cidr(t, a, &out->ancestors[out->n_ancestors]))
			return false;
		out->n_ancestors++;
	}
	return !t->error;
}

static bool read_segments(struct text *t, struct arena *a, struct object_view *out)
{
	uint32_t n = count_ahead(t, "segment", SEGMENTS_MAX);

	if (n > SEGMENTS_MAX)
		return text_fail(t, "too many segments");
	out->segments = arena_array(a, n, sizeof(*out->segments));
	if (n && !out->segments)
		return text_fail(t, "out of memory");
	while (out->n_segments < n && text_need(t, "segment", 5)) {
		struct object_segment *s = &out->segments[out->n_segments];

		if (!read_cidr(t, a, &s->cidr) || !read_ref(t, 3, &s->own))
			return false;
		if (out->n_segments && cidr_order_cmp(&s[-1].cidr, &s->cidr) >= 0)
			return text_fail(t, "segments that are out of order");
		out->n_segments++;
	}
	return !t->error;
}

static bool read_subtrees(struct text *t, struct arena *a, struct object_view *out)
{
	uint32_t n = count_ahead(t, "subtree", SUBTREES_MAX);

	if (n > SUBTREES_MAX)
		return text_fail(t, "too many subtrees");
	out->subtrees = arena_array(a, n, sizeof(*out->subtrees));
	if (n && !out->subtrees)
		return text_fail(t, "out of memory");
	while (out->n_subtrees < n && text_need(t, "subtree", 4)) {
		struct object_child *c = &out->subtrees[out->n_subtrees];

		if (!text_name(t, 1, a, &c->name) || !read_ref(t, 2, &c->ref))
			return false;
		out->n_subtrees++;
	}
	return !t->error;
}

int view_parse(struct arena *a, struct span bytes, struct object_view *out, struct diags *d)
{
	struct text t;

	memset(out, 0, sizeof(*out));
	if (!text_open_format(&t, bytes, headers[OBJECT_VIEW], FORMAT_NEWEST) || !read_settings(&t, out) ||
	    !text_need(&t, "cidr", 3) || !read_cidr(&t, a, &out->cidr))
		return report(&t, d, "a view");
	if (text_take(&t, "only") && (t.n != 2 || !text_name(&t, 1, a, &out->only)))
		text_fail(&t, "a line with too few or too many words");
	if (!read_ancestors(&t, a, out) || !text_need(&t, "own", 3) || !read_ref(&t, 1, &out->own) ||
	    !read_segments(&t, a, out) || !read_subtrees(&t, a, out) || !text_take_extra(&t, &out->extra) ||
	    !text_format_is(&t, view_format(out)))
		return report(&t, d, "a view");
	if (out->only && out->own.count != 1)
		text_fail(&t, "a view of one peer whose own list has more peers");
	return finish(&t, d, "a view");
}
