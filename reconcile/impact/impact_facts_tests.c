/*
 * What the tests of a definition say, statement by statement ("builds cannot reach sales"), and which statements a change
 * drops: a test that is written in another way and says as much is not weaker.
 */
#include "reconcile/impact/impact.h"

#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MAX                                                                                                 \
	(1u << 20) /* of one side; a test of 1,000 names by 1,000 is as many: above it tests are compared whole */

/* What a statement names, as `after` has it: a peer or CIDR of before that is gone keeps a number of its own. */
struct named {
	enum ref_kind kind;
	uint64_t number;
	struct addr addr;
	const char *text;
};
struct said {
	struct named from, to;
	bool can;
};

struct sayings {
	struct said *list;
	size_t n;
};

static int named_cmp(const struct named *x, const struct named *y)
{
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return addr_cmp(&x->addr, &y->addr);
}

static int said_cmp(const void *p, const void *q)
{
	const struct said *x = p, *y = q;
	int c = named_cmp(&x->from, &y->from);

	if (!c && x->can != y->can)
		c = x->can ? -1 : 1;
	return c ? c : named_cmp(&x->to, &y->to);
}

#define GONE ((uint64_t)1 << 32) /* added to the index of what is of before alone */

static struct named named_of(const struct ref *r, const uint32_t *peers, const uint32_t *cidrs)
{
	const uint32_t *map = r->kind == REF_PEER ? peers : cidrs;
	struct named out = {.kind = r->kind, .text = r->text};

	if (r->kind == REF_ADDR)
		out.addr = r->addr;
	else
		out.number = !map ? r->index : map[r->index] == NONE ? GONE + r->index : map[r->index];
	return out;
}

static size_t sayings_count(const struct model *m)
{
	size_t all = 0;

	for (uint32_t i = 0; i < m->n_tests; i++)
		all += (size_t)m->tests[i].n_from * ((size_t)m->tests[i].n_can + m->tests[i].n_cannot);
	return all;
}

/* The maps go from before to after; NULL: this is after. -1: out of memory. */
static int sayings_of(const struct model *m, const uint32_t *peers, const uint32_t *cidrs, struct sayings *out)
{
	if (!(out->list = calloc(sayings_count(m) + 1, sizeof(*out->list))))
		return -1;
	for (uint32_t i = 0; i < m->n_tests; i++) {
		const struct reach_test *t = &m->tests[i];
		for (uint32_t k = 0; k < t->n_from; k++) {
			struct named from = named_of(&t->from[k], peers, cidrs);
			for (uint32_t l = 0; l < t->n_can; l++)
				out->list[out->n++] = (struct said){from, named_of(&t->can[l], peers, cidrs), true};
			for (uint32_t l = 0; l < t->n_cannot; l++)
				out->list[out->n++] = (struct said){from, named_of(&t->cannot[l], peers, cidrs), false};
		}
	}
	qsort(out->list, out->n, sizeof(*out->list), said_cmp);
	return 0;
}

static int list_dropped(struct arena *a, const struct sayings *x, const struct sayings *y, const char **out,
			uint32_t *n)
{
	for (size_t i = 0, k = 0; i < x->n; i++) {
		const struct said *s = &x->list[i];
		if (i && said_cmp(&x->list[i - 1], s) == 0)
			continue;
		while (k < y->n && said_cmp(&y->list[k], s) < 0)
			k++;
		if (k < y->n && said_cmp(&y->list[k], s) == 0)
			continue;
		out[*n] = arena_printf(a, "%s %s reach %s", s->from.text, s->can ? "can" : "cannot", s->to.text);
		if (!out[(*n)++])
			return -1;
	}
	return 0;
}

/* The tests that are gone or written in another way, whole. */
static int list_tests(struct arena *a, const struct impact *im, const char ***out, uint32_t *n)
{
	*n = 0;
	if (!(*out = arena_array(a, im->n_remove, sizeof(**out))))
		return -1;
	for (uint32_t i = 0; i < im->n_items; i++)
		if (im->items[i].kind == IMPACT_TEST && im->items[i].action == PLAN_REMOVE)
			(*out)[(*n)++] = im->items[i].text;
	return 0;
}

int impact_facts_dropped(struct arena *a, const struct impact *im, const char ***out, uint32_t *n)
{
	struct sayings x = {0}, y = {0};
	uint32_t *peers;
	int ret = -1;

	if (list_tests(a, im, out, n) < 0)
		return -1;
	if (!*n || sayings_count(im->before) > STATEMENTS_MAX || sayings_count(im->after) > STATEMENTS_MAX)
		return 0;
	*n = 0;
	peers = calloc((size_t)im->before->n_peers + 1, sizeof(*peers));
	for (uint32_t r = 0; peers && r < im->n_peers; r++)
		if (im->peers[r].before != NONE)
			peers[im->peers[r].before] = im->peers[r].after;
	if (peers && sayings_of(im->before, peers, im->cidr_after, &x) == 0 &&
	    sayings_of(im->after, NULL, NULL, &y) == 0 && (*out = arena_array(a, x.n, sizeof(**out))))
		ret = list_dropped(a, &x, &y, *out, n);
	free(peers);
	free(x.list);
	free(y.list);
	return ret;
}
