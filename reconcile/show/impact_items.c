/* The change in the definition, item by item; many items of one kind are folded into one, so that a plan stays a screen. */
#include "reconcile/show/impact_items.h"

#include <string.h>

#define FOLDED_ABOVE 10 /* items of one kind and action */
#define NAMES_MAX    20 /* of a folded item; the rest are counted */
#define LABELS_MAX   24 /* different labels under one folded item: more than any kind has */

struct writer {
	struct buf *out;
	const struct impact *im;
	bool *used; /* symbols, for the legend */
	bool color;
};

static void put_line(void *ctx, const char *label, const char *before, const char *after)
{
	struct writer *w = ctx;
	enum plan_action action = !before ? PLAN_CREATE : !after ? PLAN_REMOVE : PLAN_CHANGE;

	w->used[action] = true;
	buf_str(w->out, "  ");
	plan_put_symbol(w->out, action, w->color);
	buf_printf(w->out, " %-14s  %s%s%s\n", label, before ? before : "", before && after ? " -> " : "",
		   after ? after : "");
}

static void put_item(struct writer *w, const struct impact_item *item)
{
	buf_printf(w->out, "\n%s# %s", w->color ? COLOR_BOLD : "", impact_kind_name(item->kind));
	if (impact_kind_named(item->kind)) {
		buf_char(w->out, ' ');
		impact_item_name(w->out, w->im, item);
	}
	buf_printf(w->out, " will be %s%s\n", plan_verb(item->action), w->color ? COLOR_RESET : "");
	impact_describe(w->im, item, put_line, w);
}

/* ---- folded ------------------------------------------------------------------------------------------------------- */

/* What the items of one fold say under one label. */
struct label {
	const char *name;
	struct buf before, after; /* of the first item that has it */
	bool has_before, has_after;
	bool differ; /* another item says something else */
	uint32_t n;  /* items that have it */
	uint32_t last;
};
struct labels {
	struct label list[LABELS_MAX];
	unsigned n;
	uint32_t item;
	bool failed;
};

static bool same(const struct buf *b, bool has, const char *text)
{
	return has == (text != NULL) && (!text || strcmp(b->p ? b->p : "", text) == 0);
}

static void keep(struct label *l, const char *before, const char *after)
{
	l->has_before = before != NULL;
	l->has_after = after != NULL;
	buf_str(&l->before, before ? before : "");
	buf_str(&l->after, after ? after : "");
}

/* An impact_put. Labels are string literals. */
static void collect(void *ctx, const char *label, const char *before, const char *after)
{
	struct labels *all = ctx;
	struct label *l = NULL;

	for (unsigned i = 0; i < all->n && !l; i++)
		if (strcmp(all->list[i].name, label) == 0)
			l = &all->list[i];
	if (!l && all->n < LABELS_MAX) {
		l = &all->list[all->n++];
		*l = (struct label){.name = label, .n = 1, .last = all->item};
		keep(l, before, after);
		all->failed |= l->before.failed || l->after.failed;
		return;
	}
	if (!l)
		return;
	l->differ |= !same(&l->before, l->has_before, before) || !same(&l->after, l->has_after, after);
	l->n += l->last != all->item;
	l->last = all->item;
}

/* "  ~ keepalive       25 -> 20", or "  ~ endpoint        of 40 of them" where each item says something else. */
static void put_labels(struct writer *w, struct labels *all, uint32_t n)
{
	for (unsigned i = 0; i < all->n; i++) {
		struct label *l = &all->list[i];
		struct buf text = {0};
		if (l->differ) {
			w->used[PLAN_CHANGE] = true;
			buf_str(w->out, "  ");
			plan_put_symbol(w->out, PLAN_CHANGE, w->color);
			buf_printf(w->out, " %-14s  of %u of them\n", l->name, l->n);
		} else {
			const char *end = l->has_after ? l->after.p : l->before.p;
			buf_str(&text, end ? end : "");
			if (l->n < n)
				buf_printf(&text, " (%u of them)", l->n);
			put_line(w, l->name, l->has_before ? (l->has_after ? l->before.p : text.p) : NULL,
				 l->has_after ? text.p : NULL);
		}
		w->out->failed |= text.failed;
		buf_free(&text);
		buf_free(&l->before);
		buf_free(&l->after);
	}
	w->out->failed |= all->failed;
}

/* "peers", "associations": each kind of which there can be many. */
static const char *plural_of(enum impact_kind kind)
{
	return kind == IMPACT_REUSE ? "reused addresses" : NULL;
}

/* All items of the kind and action of the one at `first`, as one. */
static void put_folded(struct writer *w, uint32_t first, uint32_t n)
{
	const struct impact_item *items = w->im->items;
	const enum impact_kind kind = items[first].kind;
	const enum plan_action action = items[first].action;
	const char *plural = plural_of(kind);
	struct labels labels = {0};
	uint32_t listed = 0;

	buf_printf(w->out, "\n%s# %u %s%s will be %s%s\n  ", w->color ? COLOR_BOLD : "", n,
		   plural ? plural : impact_kind_name(kind), plural ? "" : "s", plan_verb(action),
		   w->color ? COLOR_RESET : "");
	w->used[action] = true;
	plan_put_symbol(w->out, action, w->color);
	for (uint32_t i = first; i < w->im->n_items; i++) {
		if (items[i].kind != kind || items[i].action != action)
			continue;
		labels.item = i;
		if (action == PLAN_CHANGE)
			impact_describe(w->im, &items[i], collect, &labels);
		if (listed++ >= NAMES_MAX)
			continue;
		buf_str(w->out, listed > 1 ? ", " : " ");
		impact_item_name(w->out, w->im, &items[i]);
	}
	if (n > NAMES_MAX)
		buf_printf(w->out, ", and %u more", n - NAMES_MAX);
	buf_char(w->out, '\n');
	put_labels(w, &labels, n);
}

bool impact_put_items(struct buf *out, const struct impact *im, bool full, bool color, bool used[static PLAN_ACTIONS])
{
	struct writer w = {.out = out, .im = im, .used = used, .color = color};
	uint32_t n[IMPACT_KINDS][PLAN_ACTIONS] = {0};
	bool done[IMPACT_KINDS][PLAN_ACTIONS] = {0}, folded = false;

	for (uint32_t i = 0; i < im->n_items; i++)
		n[im->items[i].kind][im->items[i].action]++;
	for (uint32_t i = 0; i < im->n_items; i++) {
		const struct impact_item *item = &im->items[i];
		const uint32_t alike = n[item->kind][item->action];
		if (full || alike <= FOLDED_ABOVE) {
			put_item(&w, item);
		} else if (!done[item->kind][item->action]) {
			put_folded(&w, i, alike);
			done[item->kind][item->action] = folded = true;
		}
	}
	return folded;
}
