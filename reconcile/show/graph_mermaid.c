/*
 * Mermaid's flowcharts (https://mermaid.js.org/syntax/flowchart.html), which git's hosts draw in a README. An edge may
 * end at a subgraph, but not at one that is around its other end. Names are ids of our own: "end", "style" and the
 * like are words of the language.
 */
#include "reconcile/show/graph.h"

#include <stdlib.h>
#include <string.h>

/* What was folded into one CIDR that is drawn: CIDRs under it that have no box of their own. */
struct folded {
	uint32_t cidrs, peers, infra, isolated;
	uint32_t associations; /* of which both ends are among them */
};

/* One end of a line: the node of `cidr` that the letter names. Ends are compared as numbers. */
struct line {
	uint64_t from, to;
};
#define END(letter, cidr) ((uint64_t)(cidr) << 8 | (uint8_t)(letter))
#define OF_BOX            'c'
#define OF_ALL            'a' /* "all of ..." */
#define OF_FOLDED         'o' /* "and 12 more CIDRs" */

struct drawing {
	const struct graph *g;
	uint32_t *rank;        /* of each CIDR: its place, breadth first */
	uint32_t *order;       /* the CIDRs in that order; one stands behind its parent */
	uint32_t n_drawn;      /* of those, the first ones have boxes */
	struct folded *folded; /* by CIDR */
	struct line *lines;
	size_t n_lines;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * All but the plainest ASCII as "#34;": a label may hold neither Markdown (a line may not begin as a list does, and
 * addresses of the web become links) nor HTML nor the language itself.
 */
static void put_escaped(struct buf *out, const char *s)
{
	const char *const line = s + strspn(s, "0123456789");

	for (const char *p = s; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(*p);
		bool list = (p == s && c == '-') || (p == line && p > s && (c == ')' || (c == '.' && !is_digit(p[1]))));
		bool link = (c == ':' && p[1] == '/' && p[2] == '/') || (c == '.' && p > s && !is_digit(p[-1]));

		if (letter || c >= 0x80 || (strchr(" .,:/-()", c) && !list && !link))
			buf_char(out, *p);
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

static bool is_drawn(const struct drawing *d, uint32_t c)
{
	return d->rank[c] < d->n_drawn;
}

/* The innermost CIDR around it that is drawn: itself, or the one into which it is folded. */
static uint32_t drawn_around(const struct drawing *d, uint32_t c)
{
	while (!is_drawn(d, c))
		c = d->g->m->cidrs[c].parent;
	return c;
}

static const char *s(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void put_folded(struct buf *out, uint32_t c, const struct folded *f, uint32_t depth)
{
	put_start(out, depth);
	buf_printf(out, "o%u([\"%u more CIDR%s not drawn, with %u peer%s", c, f->cidrs,
		   f->cidrs == 1 ? ", which is" : "s, which are", f->peers, s(f->peers));
	if (f->infra)
		buf_printf(out, "<br>%u infra", f->infra);
	if (f->isolated)
		buf_printf(out, "<br>%u isolated", f->isolated);
	if (f->associations)
		buf_printf(out, "<br>%u association%s among them", f->associations, s(f->associations));
	buf_str(out, "\"])\n");
}

static void open_box(struct buf *out, const void *ctx, uint32_t c, uint32_t depth)
{
	const struct drawing *d = ctx;
	const struct graph *g = d->g;
	const struct graph_box *b = &g->boxes[c];
	struct buf lines = {0};

	if (!is_drawn(d, c))
		return;
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
	if (d->folded[c].cidrs)
		put_folded(out, c, &d->folded[c], depth + 1);
	buf_free(&lines);
}

static void close_box(struct buf *out, const void *ctx, uint32_t c, uint32_t depth)
{
	if (!is_drawn(ctx, c))
		return;
	put_start(out, depth);
	buf_str(out, "end\n");
}

/* "  class c1,c4 infra" */
static void put_class(struct buf *out, const struct drawing *d, bool infra, const char *name)
{
	const struct model *m = d->g->m;
	bool any = false;

	for (uint32_t c = 0; c < m->n_cidrs; c++) {
		if (!(infra ? m->cidrs[c].infra : m->cidrs[c].isolated) || !is_drawn(d, c))
			continue;
		buf_printf(out, "%sc%u", any ? "," : "  class ", c);
		any = true;
	}
	if (any)
		buf_printf(out, " %s\n", name);
}

static uint64_t end_of(const struct drawing *d, uint32_t c, bool all)
{
	const uint32_t around = drawn_around(d, c);

	return around != c ? END(OF_FOLDED, around) : END(all ? OF_ALL : OF_BOX, c);
}

static int line_cmp(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->from != y->from ? (x->from < y->from ? -1 : 1) : x->to != y->to ? (x->to < y->to ? -1 : 1) : 0;
}

static bool is_folded(const struct line *l)
{
	return (l->from & 0xff) == OF_FOLDED || (l->to & 0xff) == OF_FOLDED;
}

/* The associations between what is drawn. Several between the same two ends, of which one is folded, are one line. */
static void join_ends(struct drawing *d)
{
	const struct graph *g = d->g;
	size_t n = 0;

	d->n_lines = 0;
	for (uint32_t i = 0; i < g->n_edges; i++) {
		const struct graph_edge *e = &g->edges[i];
		const struct line l = {end_of(d, e->a, e->all_of_a), end_of(d, e->b, e->all_of_b)};

		if (l.from == l.to)
			d->folded[drawn_around(d, e->a)].associations++;
		else if (is_folded(&l) && l.to < l.from)
			d->lines[d->n_lines++] = (struct line){l.to, l.from};
		else
			d->lines[d->n_lines++] = l;
	}
	if (d->n_drawn == g->m->n_cidrs)
		return; /* in the order of the definition */
	qsort(d->lines, d->n_lines, sizeof(*d->lines), line_cmp);
	for (size_t i = 0; i < d->n_lines; i++)
		if (n == 0 || line_cmp(&d->lines[i], &d->lines[n - 1]) != 0)
			d->lines[n++] = d->lines[i];
	d->n_lines = n;
}

static void fold(struct drawing *d, uint32_t n_drawn)
{
	const struct graph *g = d->g;

	d->n_drawn = n_drawn;
	memset(d->folded, 0, g->m->n_cidrs * sizeof(*d->folded));
	for (uint32_t i = n_drawn; i < g->m->n_cidrs; i++) {
		const uint32_t c = d->order[i];
		struct folded *f = &d->folded[drawn_around(d, c)];

		f->cidrs++;
		f->peers += g->cidrs->rows[c].own;
		f->infra += g->m->cidrs[c].infra;
		f->isolated += g->m->cidrs[c].isolated;
		f->associations += g->boxes[c].among;
	}
	join_ends(d);
}

static void put_line(struct buf *out, const struct line *l)
{
	buf_printf(out, "  %c%u %s %c%u\n", (char)(l->from & 0xff), (unsigned)(l->from >> 8),
		   is_folded(l) ? "-.-" : "---", (char)(l->to & 0xff), (unsigned)(l->to >> 8));
}

static void render(struct buf *out, const struct drawing *d, bool counts)
{
	static const struct graph_walk walk = {open_box, close_box};
	const bool folds = d->n_drawn < d->g->m->n_cidrs;

	buf_str(out, "flowchart LR\n");
	if (folds || counts)
		buf_printf(out, "  %%%% Mermaid draws at most %u lines and %u characters by default.\n",
			   MERMAID_EDGES_MAX, MERMAID_TEXT_MAX);
	if (counts)
		buf_str(out, "  %% The peers are counted, not named.\n");
	if (folds)
		buf_str(out, "  %% A dotted line is an association of one or more of the CIDRs that are not drawn.\n");
	if (folds || counts)
		buf_str(out, "  %% `innernet graph --format svg` draws more.\n");
	graph_walk(out, d->g, &walk, d);
	for (size_t i = 0; i < d->n_lines; i++)
		put_line(out, &d->lines[i]);
	buf_str(out, "  classDef infra stroke:#1f5f99,stroke-width:3px\n"
		     "  classDef isolated stroke:#a04000,stroke-dasharray:5 5\n");
	put_class(out, d, true, "infra");
	put_class(out, d, false, "isolated");
}

/* Renders with that many CIDRs. Returns whether Mermaid draws it. Bytes are at least as many as its characters. */
static bool fits(struct buf *out, struct drawing *d, uint32_t n_drawn, bool counts)
{
	buf_reset(out);
	fold(d, n_drawn);
	if (d->n_lines > MERMAID_EDGES_MAX)
		return false;
	render(out, d, counts);
	return out->failed || out->n <= MERMAID_TEXT_MAX;
}

static bool start(struct drawing *d, struct arena *a, const struct graph *g)
{
	const struct model *m = g->m;
	uint32_t n = 0;

	d->g = g;
	d->rank = arena_array(a, m->n_cidrs, sizeof(*d->rank));
	d->order = arena_array(a, m->n_cidrs, sizeof(*d->order));
	d->folded = arena_array(a, m->n_cidrs, sizeof(*d->folded));
	d->lines = arena_array(a, (size_t)g->n_edges + 1, sizeof(*d->lines));
	if (!d->rank || !d->order || !d->folded || !d->lines)
		return false;
	d->order[n++] = 0;
	for (uint32_t i = 0; i < n; i++) {
		d->rank[d->order[i]] = i;
		for (uint32_t c = m->cidrs[d->order[i]].first_child; c != NONE; c = m->cidrs[c].next_sibling)
			d->order[n++] = c;
	}
	return true;
}

void graph_render_mermaid(struct buf *out, struct arena *a, const struct graph *g)
{
	struct drawing d = {0};
	struct buf b = {0};
	uint32_t few = 1, many = g->m->n_cidrs, half; /* CIDRs: so few fit, and so many do not */

	if (!start(&d, a, g)) {
		out->failed = true;
		return;
	}
	if (!fits(&b, &d, many, false)) {
		d.g = graph_new(a, g->m, false);
		if (!d.g) {
			out->failed = true;
		} else if (!fits(&b, &d, many, g->peers)) {
			while (few + 1 < many) {
				half = few + (many - few) / 2;
				*(fits(&b, &d, half, g->peers) ? &few : &many) = half;
			}
			fits(&b, &d, few, g->peers);
		}
	}
	out->failed |= b.failed;
	buf_add(out, b.p, b.n);
	buf_free(&b);
}
