#include "reconcile/view_render.h"
#include "reconcile/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Peers and CIDRs under each CIDR, as lists in their order. */
struct tree {
	const struct view *v;
	uint32_t *first_child, *next_cidr, *first_peer, *next_peer;
};

static void put_peer(struct buf *out, const struct view *v, const struct view_peer *p)
{
	buf_str(out, p->name);
	buf_str(out, "  ");
	buf_ips(out, p->ip, p->n_ips);
	if (p->endpoint)
		buf_printf(out, "  %s", p->endpoint);
	if (p->n_routes) {
		buf_str(out, "  routes ");
		buf_prefixes(out, p->routes, p->n_routes);
	}
	if (p->server)
		buf_str(out, "  server");
	if (p->pending)
		buf_str(out, "  invited, not there yet");
	if (p == &v->peers[v->self])
		buf_str(out, "  (this peer)");
	buf_char(out, '\n');
}

static void put_line(struct buf *out, const struct tree *t, uint32_t c, uint32_t depth)
{
	const struct view_cidr *cidr = &t->v->cidrs[c];

	for (uint32_t i = 0; i < depth; i++)
		buf_str(out, "  ");
	buf_str(out, cidr->name);
	buf_str(out, "  ");
	buf_prefixes(out, cidr->prefix, cidr->n_prefixes);
	buf_char(out, '\n');
	for (uint32_t p = t->first_peer[c]; p != NONE; p = t->next_peer[p]) {
		for (uint32_t i = 0; i <= depth; i++)
			buf_str(out, "  ");
		put_peer(out, t->v, &t->v->peers[p]);
	}
}

/* Down to the first child, else on to the next of the nearest that has one: no recursion, whatever the depth. */
static void put_tree(struct buf *out, const struct tree *t, uint32_t c)
{
	uint32_t depth = 0;

	while (c != NONE) {
		put_line(out, t, c, depth);
		if (t->first_child[c] != NONE) {
			c = t->first_child[c];
			depth++;
			continue;
		}
		while (c != NONE && t->next_cidr[c] == NONE && depth) {
			c = t->v->cidrs[c].parent;
			depth--;
		}
		c = c != NONE && depth ? t->next_cidr[c] : NONE;
	}
}

void view_render_tree(struct buf *out, const struct view *v)
{
	size_t n = 2 * (size_t)v->n_cidrs + v->n_peers + v->n_cidrs;
	uint32_t *all = malloc(n * sizeof(*all));
	struct tree t = {.v = v};

	if (!all) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		all[i] = NONE;
	t.first_child = all;
	t.next_cidr = all + v->n_cidrs;
	t.first_peer = all + 2 * (size_t)v->n_cidrs;
	t.next_peer = all + 3 * (size_t)v->n_cidrs;
	for (uint32_t i = v->n_cidrs; i-- > 0;)
		if (v->cidrs[i].parent != NONE) {
			t.next_cidr[i] = t.first_child[v->cidrs[i].parent];
			t.first_child[v->cidrs[i].parent] = i;
		}
	for (uint32_t i = v->n_peers; i-- > 0;) {
		t.next_peer[i] = t.first_peer[v->peers[i].cidr];
		t.first_peer[v->peers[i].cidr] = i;
	}
	put_tree(out, &t, v->root);
	free(all);
}

static json_t *prefixes_json(const struct prefix *p, uint32_t n)
{
	char text[PREFIX_STR_LEN];
	json_t *out = json_array();

	for (uint32_t i = 0; i < n; i++) {
		prefix_format(&p[i], text);
		json_array_append_new(out, json_string(text));
	}
	return out;
}

static json_t *key_json(const struct key *k)
{
	char text[KEY_B64_LEN + 1];

	key_format(k, text);
	return json_string(text);
}

static json_t *peer_json(const struct view *v, const struct view_peer *p)
{
	char text[ADDR_STR_LEN];
	json_t *out = json_object(), *ips = json_array();

	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], text);
		json_array_append_new(ips, json_string(text));
	}
	json_object_set_new(out, "name", json_string(p->name));
	json_object_set_new(out, "ip", ips);
	json_object_set_new(out, "cidr", json_string(v->cidrs[p->cidr].name));
	json_object_set_new(out, "public_key", p->pending ? json_null() : key_json(&p->key));
	json_object_set_new(out, "invite", key_is_zero(&p->invite) ? json_null() : key_json(&p->invite));
	json_object_set_new(out, "endpoint", p->endpoint ? json_string(p->endpoint) : json_null());
	json_object_set_new(out, "keepalive", p->keepalive >= 0 ? json_integer(p->keepalive) : json_null());
	json_object_set_new(out, "routes", prefixes_json(p->routes, p->n_routes));
	json_object_set_new(out, "server", json_boolean(p->server));
	return out;
}

static json_t *cidr_json(const struct view *v, const struct view_cidr *c)
{
	json_t *out = json_object();

	json_object_set_new(out, "name", json_string(c->name));
	json_object_set_new(out, "prefixes", prefixes_json(c->prefix, c->n_prefixes));
	json_object_set_new(out, "parent", c->parent == NONE ? json_null() : json_string(v->cidrs[c->parent].name));
	json_object_set_new(out, "ancestor_only", json_boolean(c->ancestor_only));
	return out;
}

static int append(const char *p, size_t n, void *ctx)
{
	struct buf *out = ctx;

	buf_add(out, p, n);
	return out->failed ? -1 : 0;
}

void view_render_json(struct buf *out, const struct view *v)
{
	const struct statement *st = &v->statement;
	json_t *cidrs = json_array(), *peers = json_array(), *all;

	for (uint32_t i = 0; i < v->n_cidrs; i++)
		json_array_append_new(cidrs, cidr_json(v, &v->cidrs[i]));
	for (uint32_t i = 0; i < v->n_peers; i++)
		json_array_append_new(peers, peer_json(v, &v->peers[i]));
	all = json_pack("{s:s, s:s, s:o, s:I, s:I, s:s, s:i, s:i, s:s, s:o, s:o}", "format_version", "1", "network",
			st->network, "id", key_json(&st->trust.id), "epoch", (json_int_t)st->version.epoch, "number",
			(json_int_t)st->version.number, "commit", st->commit, "mtu", (int)v->mtu, "keepalive",
			(int)v->keepalive, "self", v->peers[v->self].name, "cidrs", cidrs, "peers", peers);
	if (!all || json_dump_callback(all, append, out, JSON_INDENT(2)) < 0)
		out->failed = true;
	buf_char(out, '\n');
	json_decref(all);
}
