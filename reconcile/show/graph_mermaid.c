/*
 * Mermaid's flowcharts (https://mermaid.js.org/syntax/flowchart.html), which git's hosts draw in a README. An edge may
 * end at a subgraph, but not at one that is around its other end. Names are ids of our own: "end", "style" and the
 * like are words of the language.
 */
#include "reconcile/show/graph.h"

#include <string.h>

/* All but the plainest ASCII as "#34;": a label may hold neither Markdown nor HTML nor the language itself. */
static void put_escaped(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (letter || c >= 0x80 || strchr(" .,:/-()", c))
			buf_char(out, *s);
		else
			buf_printf(out, "#%u;", c);
	}
}

static void put_label(struct buf *out, const struct buf *lines)
{
	out->failed |= lines->failed;
	buf_char(out, '"');
	for (const char *p = lines->p; p && p < lines->p + lines->n; p += strlen(p) + 1) {
		if (p > lines->p)
			buf_str(out, "<br>");
		put_escaped(out, p);
	}
	buf_char(out, '"');
}

static void put_start(struct buf *out, uint32_t depth)
{
	for (uint32_t i = 0; i <= depth && i <= ANCESTORS_MAX; i++)
		buf_str(out, "  ");
}

static void open_box(struct buf *out, const struct graph *g, uint32_t c, uint32_t depth)
{
	const struct graph_box *b = &g->boxes[c];
	struct buf lines = {0};

	graph_box_lines(&lines, g, c);
	put_start(out, depth);
	buf_printf(out, "subgraph c%u[", c);
	put_label(out, &lines);
	buf_str(out, "]\n");
	if (b->has_node) {
		buf_reset(&lines);
		graph_node_lines(&lines, g, c);
		put_start(out, depth + 1);
		buf_printf(out, "p%u[", c);
		put_label(out, &lines);
		buf_str(out, "]\n");
	}
	if (b->all_node) {
		put_start(out, depth + 1);
		buf_printf(out, "a%u([\"all of %s\"])\n", c, g->m->cidrs[c].name);
	}
	buf_free(&lines);
}

static void close_box(struct buf *out, const struct graph *g, uint32_t c, uint32_t depth)
{
	(void)g;
	(void)c;
	put_start(out, depth);
	buf_str(out, "end\n");
}

/* "  class c1,c4 infra" */
static void put_class(struct buf *out, const struct graph *g, bool infra, const char *name)
{
	bool any = false;

	for (uint32_t c = 0; c < g->m->n_cidrs; c++) {
		if (!(infra ? g->m->cidrs[c].infra : g->m->cidrs[c].isolated))
			continue;
		buf_printf(out, "%sc%u", any ? "," : "  class ", c);
		any = true;
	}
	if (any)
		buf_printf(out, " %s\n", name);
}

void graph_render_mermaid(struct buf *out, const struct graph *g)
{
	static const struct graph_walk walk = {open_box, close_box};

	buf_str(out, "flowchart LR\n");
	graph_walk(out, g, &walk);
	for (uint32_t i = 0; i < g->n_edges; i++) {
		const struct graph_edge *e = &g->edges[i];
		buf_printf(out, "  %c%u --- %c%u\n", e->all_of_a ? 'a' : 'c', e->a, e->all_of_b ? 'a' : 'c', e->b);
	}
	buf_str(out, "  classDef infra stroke:#1f5f99,stroke-width:3px\n"
		     "  classDef isolated stroke:#a04000,stroke-dasharray:5 5\n");
	put_class(out, g, true, "infra");
	put_class(out, g, false, "isolated");
}
