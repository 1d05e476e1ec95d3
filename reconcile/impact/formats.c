#include "reconcile/impact/formats.h"

#include <stdlib.h>

/* What a peer has to read to take its view. 0: it has none. */
static uint32_t format_for(const struct snapshot *s, uint32_t peer)
{
	return s->view_of_peer[peer] == NONE ? 0 : s->views[s->view_of_peer[peer]].format;
}

static int index_cmp(const void *x, const void *y)
{
	const uint32_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

int impact_leave_behind(struct arena *a, struct impact *im, const struct snapshot *before, const struct snapshot *after,
			const struct reader *readers, int64_t since)
{
	im->left = (struct left_behind){.format = model_format(after->model)};
	if (im->left.format == 1)
		return 0;
	if (!(im->left.peers = arena_array(a, im->n_peers, sizeof(*im->left.peers))) && im->n_peers)
		return -1;
	for (uint32_t i = 0; i < im->n_peers; i++) {
		const struct impact_peer *p = &im->peers[i];
		const struct reader *r = p->before == NONE ? NULL : &readers[p->before];

		if (p->after == NONE || !r || !r->heard || r->heard < since)
			continue;
		if (r->reads < format_for(after, p->after) && r->reads >= format_for(before, p->before))
			im->left.peers[im->left.n++] = p->after;
	}
	if (im->left.n)
		qsort(im->left.peers, im->left.n, sizeof(*im->left.peers), index_cmp);
	return 0;
}
