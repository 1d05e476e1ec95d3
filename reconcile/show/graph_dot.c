/*
 * Graphviz's language: https://graphviz.org/doc/info/lang.html. A box is a subgraph whose name begins with "cluster";
 * an edge between two boxes is one between two nodes in them, cut off at the boxes (compound, ltail, lhead).
 */
#include "reconcile/show/graph.h"

#include <string.h>

/* A quoted string: the label's own escapes ("\n", "\N") and HTML's entities are no more than text. */
static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_char(out, '\\');
		if (*s == '&')
			buf_str(out, "&amp;");
		else
			buf_char(out, *s);
	}
}

/* Lines that a NUL ends each, left-aligned, as label. */
static void put_label(struct buf *out, const struct buf *lines)
{
	out->failed |= lines->failed;
	buf_char(out, '"');
	for (const char *p = lines->p; p && p < lines->p + lines->n; p += strlen(p) + 1) {
		put_escaped(out, p);
		buf_str(out, "\\l");
	}
	buf_char(out, '"');
}

static void put_start(struct buf *out, uint32_t depth)
{
	for (uint32_t i = 0; i <= depth && i <= ANCESTORS_MAX; i++)
		buf_char(out, '\t');
}

static void open_box(struct buf *out, const void *ctx, uint32_t c, uint32_t depth)
{
	const struct graph *g = ctx;
	const struct cidr_row *r = &g->cidrs->rows[c];
	const struct graph_box *b = &g->boxes[c];
	struct buf lines = {0};

	put_start(out, depth);
	buf_printf(out, "subgraph \"cluster %s\" {\n", r->name);
	put_start(out, depth + 1);
	graph_box_lines(&lines, g, c);
	buf_str(out, "label=");
	put_label(out, &lines);
	/* Told by the line too, not by the colour alone. */
	buf_printf(out, "; style=\"%s\"; penwidth=%s; color=\"%s\"; fillcolor=\"%s\";\n",
		   r->isolated ? "rounded,filled,dashed" : "rounded,filled", r->infra ? "3" : "1",
		   r->infra      ? "#1f5f99"
		   : r->isolated ? "#a04000"
				 : "#888888",
		   r->infra      ? "#e3eefa"
		   : r->isolated ? "#fdf1e3"
		   : depth % 2   ? "#ffffff"
				 : "#f4f4f4");
	if (b->has_node) {
		put_start(out, depth + 1);
		buf_reset(&lines);
		graph_node_lines(&lines, g, c);
		buf_printf(out, "\"%s\" [label=", r->name);
		put_label(out, &lines);
		buf_str(out, "];\n");
	}
	if (b->all_node) {
		put_start(out, depth + 1);
		buf_printf(out, "\"all of %s\" [label=\"all of %s\", shape=ellipse];\n", r->name, r->name);
	}
	buf_free(&lines);
}

static void close_box(struct buf *out, const void *ctx, uint32_t c, uint32_t depth)
{
	(void)ctx;
	(void)c;
	put_start(out, depth);
	buf_str(out, "}\n");
}

/* Some node in the box: of its own peers, or of the first CIDR under it. One that has nothing under it has one. */
static uint32_t node_in(const struct graph *g, uint32_t c)
{
	while (!g->boxes[c].has_node)
		c = g->m->cidrs[c].first_child;
	return c;
}

static void put_node(struct buf *out, const struct graph *g, uint32_t c, bool all)
{
	buf_printf(out, "\"%s%s\"", all ? "all of " : "", g->m->cidrs[all ? c : node_in(g, c)].name);
}

static void put_edge(struct buf *out, const struct graph *g, const struct graph_edge *e)
{
	buf_char(out, '\t');
	put_node(out, g, e->a, e->all_of_a);
	buf_str(out, " -- ");
	put_node(out, g, e->b, e->all_of_b);
	if (e->all_of_a)
		buf_printf(out, " [lhead=\"cluster %s\"];\n", g->m->cidrs[e->b].name);
	else if (e->all_of_b)
		buf_printf(out, " [ltail=\"cluster %s\"];\n", g->m->cidrs[e->a].name);
	else
		buf_printf(out, " [ltail=\"cluster %s\", lhead=\"cluster %s\"];\n", g->m->cidrs[e->a].name,
			   g->m->cidrs[e->b].name);
}

void graph_render_dot(struct buf *out, const struct graph *g)
{
	static const struct graph_walk walk = {open_box, close_box};

	buf_printf(out, "graph \"%s\" {\n", g->m->network);
	buf_str(out, "\tcharset=\"UTF-8\"; compound=true; rankdir=LR; ranksep=1.2; nodesep=0.3; labeljust=l;\n"
		     "\tfontname=\"sans-serif\"; fontsize=12;\n"
		     "\tnode [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#888888\", "
		     "fontname=\"sans-serif\", fontsize=11];\n"
		     "\tedge [color=\"#333333\", penwidth=1.5];\n");
	graph_walk(out, g, &walk, g);
	for (uint32_t i = 0; i < g->n_edges; i++)
		put_edge(out, g, &g->edges[i]);
	buf_str(out, "}\n");
}
