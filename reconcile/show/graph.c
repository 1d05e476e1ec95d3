#include "reconcile/show/graph.h"
#include "schema/utf8.h"

/* Its first enabled peers are named, as long as there is room in the drawing. */
static void list_peers(struct graph *g, bool peers)
{
	uint32_t room = peers ? GRAPH_PEERS_MAX : 0;

	for (uint32_t c = 0; c < g->m->n_cidrs; c++) {
		struct graph_box *b = &g->boxes[c];
		uint32_t own = g->cidrs->rows[c].own;
		b->listed = own < GRAPH_CIDR_PEERS_MAX ? own : GRAPH_CIDR_PEERS_MAX;
		b->listed = b->listed < room ? b->listed : room;
		b->left = own - b->listed;
		b->has_node = own || g->m->cidrs[c].first_child == NONE;
		room -= b->listed;
	}
}

static void join(struct graph *g, const struct association *s)
{
	const struct model *m = g->m;
	struct graph_edge *e = &g->edges[g->n_edges];

	if (s->a == s->b) {
		g->boxes[s->a].among = true;
		return;
	}
	*e = (struct graph_edge){.a = s->a,
				 .b = s->b,
				 .all_of_a = model_cidr_under(m, s->b, s->a),
				 .all_of_b = model_cidr_under(m, s->a, s->b)};
	g->boxes[s->a].all_node |= e->all_of_a;
	g->boxes[s->b].all_node |= e->all_of_b;
	g->n_edges++;
}

struct graph *graph_new(struct arena *a, const struct model *m, bool peers)
{
	struct graph *g = arena_alloc(a, sizeof(*g));

	if (!g)
		return NULL;
	g->m = m;
	g->peers = peers;
	g->cidrs = cidr_list_of_model(a, m);
	g->boxes = arena_array(a, m->n_cidrs, sizeof(*g->boxes));
	g->edges = arena_array(a, (size_t)m->n_associations + 1, sizeof(*g->edges));
	if (!g->cidrs || !g->boxes || !g->edges)
		return NULL;
	list_peers(g, peers);
	for (uint32_t i = 0; i < m->n_associations; i++)
		join(g, &m->associations[i]);
	return g;
}

static void end_line(struct buf *out)
{
	buf_char(out, '\0');
}

void graph_box_lines(struct buf *out, const struct graph *g, uint32_t cidr)
{
	const struct cidr_row *r = &g->cidrs->rows[cidr];
	char text[PREFIX_STR_LEN];

	buf_str(out, r->name);
	end_line(out);
	for (unsigned i = 0; i < r->n_prefixes; i++) {
		prefix_format(&r->prefix[i], text);
		buf_str(out, text);
		end_line(out);
	}
	if (r->description) {
		buf_visible(out, span_str(r->description));
		end_line(out);
	}
	if (r->infra) {
		buf_str(out, "infra: every peer reaches its peers");
		end_line(out);
	}
	if (r->isolated) {
		buf_str(out, "isolated: its peers do not reach each other");
		end_line(out);
	}
	if (g->boxes[cidr].among) {
		buf_str(out, "associated with itself");
		if (g->m->cidrs[cidr].first_child != NONE)
			buf_str(out, ": the CIDRs in it reach each other");
		end_line(out);
	}
}

static void put_peer(struct buf *out, const struct peer *p)
{
	char text[ADDR_STR_LEN];

	buf_str(out, p->name);
	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], text);
		buf_printf(out, "%s %s", i ? "," : "", text);
	}
	buf_printf(out, "%s%s%s", p->server ? ", server" : "", p->admin ? ", admin" : "",
		   p->is_invite ? ", invited" : "");
	end_line(out);
}

void graph_node_lines(struct buf *out, const struct graph *g, uint32_t cidr)
{
	const struct graph_box *b = &g->boxes[cidr];
	const struct cidr *c = &g->m->cidrs[cidr];
	uint32_t named = 0;

	for (uint32_t i = 0; i < c->n_peers && named < b->listed; i++) {
		const struct peer *p = &g->m->peers[g->m->by_cidr[c->first_peer + i]];
		if (p->disabled)
			continue;
		put_peer(out, p);
		named++;
	}
	if (named && b->left) {
		buf_printf(out, "and %u more", b->left);
		end_line(out);
	} else if (!named) {
		buf_printf(out, "%u peer%s", b->left, b->left == 1 ? "" : "s");
		end_line(out);
	}
}

void graph_walk(struct buf *out, const struct graph *g, const struct graph_walk *walk, const void *ctx)
{
	const struct cidr *cidrs = g->m->cidrs;
	uint32_t c = 0, depth = 0;

	while (c != NONE) {
		walk->open(out, ctx, c, depth);
		if (cidrs[c].first_child != NONE) {
			c = cidrs[c].first_child;
			depth++;
			continue;
		}
		walk->close(out, ctx, c, depth);
		while (c != NONE && cidrs[c].next_sibling == NONE) {
			c = cidrs[c].parent;
			depth--;
			if (c != NONE)
				walk->close(out, ctx, c, depth);
		}
		if (c != NONE)
			c = cidrs[c].next_sibling;
	}
}
