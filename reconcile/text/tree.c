#include "reconcile/text/tree.h"

#include <stdlib.h>

int tree_init(struct tree *t, uint32_t n_cidrs, uint32_t n_peers, uint32_t root)
{
	size_t n = 4 * (size_t)n_cidrs + 2 * (size_t)n_peers;
	uint32_t *all = malloc((n + 1) * sizeof(*all));

	if (!all)
		return -1;
	for (size_t i = 0; i < n; i++)
		all[i] = NONE;
	*t = (struct tree){.n_cidrs = n_cidrs, .n_peers = n_peers, .root = root, .parent = all};
	t->first_child = t->parent + n_cidrs;
	t->next_cidr = t->first_child + n_cidrs;
	t->first_peer = t->next_cidr + n_cidrs;
	t->cidr = t->first_peer + n_cidrs;
	t->next_peer = t->cidr + n_peers;
	return 0;
}

void tree_free(struct tree *t)
{
	free(t->parent);
}

/* `first` and `next` become the lists of those that `of` puts under each other, in the order of their indices. */
static void link_lists(const uint32_t *of, uint32_t n, uint32_t *first, uint32_t *next)
{
	for (uint32_t i = n; i-- > 0;) {
		if (of[i] == NONE)
			continue;
		next[i] = first[of[i]];
		first[of[i]] = i;
	}
}

void tree_link(struct tree *t)
{
	link_lists(t->parent, t->n_cidrs, t->first_child, t->next_cidr);
	link_lists(t->cidr, t->n_peers, t->first_peer, t->next_peer);
}

/* What stands before a line: of those around it (`bar`, `blank`), and of itself (`tee`, `last`). */
static const struct drawing {
	const char *bar, *blank, *tee, *last;
} drawings[] = {
    [TREE_INDENT] = {"  ", "  ", "  ", "  "},
    [TREE_ASCII] = {"|   ", "    ", "|-- ", "`-- "},
    [TREE_UTF8] = {"\u2502   ", "    ", "\u251c\u2500\u2500 ", "\u2514\u2500\u2500 "},
};

/* `depth` levels of those around `c`, then the line's own mark: no recursion, whatever the depth. */
static void put_start(struct buf *out, const struct tree *t, enum tree_style style, unsigned indent, uint32_t c,
		      uint32_t depth, const char *mark)
{
	const struct drawing *d = &drawings[style];
	const char *around[ANCESTORS_MAX + 1];
	uint32_t n = 0;

	/* A prefix has at most 128 around it: what is deeper is no network's, and is drawn without them. */
	for (; n < depth && n <= ANCESTORS_MAX && c != NONE; c = t->parent[c])
		around[n++] = t->next_cidr[c] == NONE ? d->blank : d->bar;
	buf_printf(out, "%*s", (int)indent, "");
	while (n > 0)
		buf_str(out, around[--n]);
	buf_str(out, mark);
}

static void put_cidr(struct buf *out, const struct tree *t, enum tree_style style, unsigned indent,
		     const struct tree_lines *lines, uint32_t c, uint32_t depth)
{
	const struct drawing *d = &drawings[style];

	put_start(out, t, style, indent, depth ? t->parent[c] : NONE, depth ? depth - 1 : 0,
		  depth == 0                ? ""
		  : t->next_cidr[c] == NONE ? d->last
					    : d->tee);
	lines->cidr(out, c, lines->ctx);
	buf_char(out, '\n');
	for (uint32_t p = lines->peer ? t->first_peer[c] : NONE; p != NONE; p = t->next_peer[p]) {
		bool last = t->next_peer[p] == NONE && t->first_child[c] == NONE;
		put_start(out, t, style, indent, c, depth, last ? d->last : d->tee);
		lines->peer(out, p, lines->ctx);
		buf_char(out, '\n');
	}
}

/* Down to the first child, else on to the next of the nearest that has one. */
void tree_render(struct buf *out, const struct tree *t, enum tree_style style, unsigned indent,
		 const struct tree_lines *lines)
{
	uint32_t c = t->root, depth = 0;

	while (c != NONE) {
		put_cidr(out, t, style, indent, lines, c, depth);
		if (t->first_child[c] != NONE) {
			c = t->first_child[c];
			depth++;
			continue;
		}
		while (depth && t->next_cidr[c] == NONE) {
			c = t->parent[c];
			depth--;
		}
		c = depth ? t->next_cidr[c] : NONE;
	}
}
