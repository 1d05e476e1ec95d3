#include "reconcile/show/view_render.h"
#include "reconcile/text/json.h"
#include "reconcile/text/text.h"
#include "schema/attributes.h"

static void put_peer(struct buf *out, uint32_t i, const void *ctx)
{
	const struct view *v = ctx;
	const struct view_peer *p = &v->peers[i];

	buf_str(out, p->name);
	buf_str(out, "  ");
	buf_ips(out, p->ip, p->n_ips);
	if (p->endpoint)
		buf_printf(out, "  %s", p->endpoint);
	if (p->n_routes) {
		buf_str(out, "  routes ");
		buf_prefixes(out, p->routes, p->n_routes);
	}
	if (p->via)
		buf_printf(out, "  via %s", p->via);
	if (p->server)
		buf_str(out, "  server");
	if (p->pending)
		buf_str(out, "  invited, not there yet");
	if (i == v->self)
		buf_str(out, "  (this peer)");
}

static void put_cidr(struct buf *out, uint32_t i, const void *ctx)
{
	const struct view_cidr *cidr = &((const struct view *)ctx)->cidrs[i];

	buf_str(out, cidr->name);
	buf_str(out, "  ");
	buf_prefixes(out, cidr->prefix, cidr->n_prefixes);
}

int tree_of_view(struct tree *t, const struct view *v)
{
	if (tree_init(t, v->n_cidrs, v->n_peers, v->root) < 0)
		return -1;
	for (uint32_t i = 0; i < v->n_cidrs; i++)
		t->parent[i] = v->cidrs[i].parent;
	for (uint32_t i = 0; i < v->n_peers; i++)
		t->cidr[i] = v->peers[i].cidr;
	tree_link(t);
	return 0;
}

void view_render_tree(struct buf *out, const struct view *v)
{
	const struct tree_lines lines = {put_cidr, put_peer, v};
	struct tree t;

	if (tree_of_view(&t, v) < 0) {
		out->failed = true;
		return;
	}
	tree_render(out, &t, TREE_INDENT, 0, &lines);
	tree_free(&t);
}

static json_t *peer_json(const struct view *v, const struct view_peer *p)
{
	json_t *out = json_object();
	const struct key_spec *k;

	json_object_set_new(out, "name", json_string(p->name));
	json_object_set_new(out, "ip", addresses_json(p->ip, p->n_ips));
	json_object_set_new(out, "cidr", json_string(v->cidrs[p->cidr].name));
	json_object_set_new(out, "public_key", p->pending ? json_null() : key_json(&p->key));
	json_object_set_new(out, "invite", key_is_zero(&p->invite) ? json_null() : key_json(&p->invite));
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
		if (k->in_leaf)
			json_object_set_new(out, k->name, attribute_json(k, &p->leaf));
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

void view_render_json(struct buf *out, const struct view *v)
{
	const struct statement *st = &v->statement;
	json_t *cidrs = json_array(), *peers = json_array(), *all;

	for (uint32_t i = 0; i < v->n_cidrs; i++)
		json_array_append_new(cidrs, cidr_json(v, &v->cidrs[i]));
	for (uint32_t i = 0; i < v->n_peers; i++)
		json_array_append_new(peers, peer_json(v, &v->peers[i]));
	all = json_pack("{s:s, s:s, s:o, s:I, s:I, s:s, s:i, s:i, s:s, s:o, s:o}", "format_version", "1.0", "network",
			st->network, "id", key_json(&st->trust.id), "epoch", (json_int_t)st->version.epoch, "number",
			(json_int_t)st->version.number, "commit", st->commit, "mtu", (int)v->mtu, "keepalive",
			(int)v->keepalive, "self", v->peers[v->self].name, "cidrs", cidrs, "peers", peers);
	json_render(out, all);
}
