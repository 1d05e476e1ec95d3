/*
 * An impact as one review comment. GitHub takes 65,536 characters and no more, so that everything has its share
 * of IMPACT_MARKDOWN_MAX bytes, and says how much of it did not fit.
 */
#include "reconcile/show/impact_render.h"

#include <string.h>

#define EFFECTS_SHARE 12000 /* bytes for the lines of the pairs */
#define KIND_SHARE    1000  /* for the line of each kind of fact, */
#define FACTS_LISTED  20    /* which has so many facts at most */
#define FACTS_SHARE   4000  /* for each of the lists of names */
#define TAIL_SHARE    1000  /* for what comes after the change */
#define DIAGS_SHARE   12000 /* for why it is refused */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* A name is a host name; anything else is put where markup means nothing. */
static void put_code(struct buf *out, const char *text)
{
	size_t ticks = 0, longest = 0;

	for (const char *c = text; *c; c++) {
		ticks = *c == '`' ? ticks + 1 : 0;
		longest = ticks > longest ? ticks : longest;
	}
	for (size_t i = 0; i <= longest; i++)
		buf_char(out, '`');
	buf_printf(out, "%s%s%s", longest ? " " : "", text, longest ? " " : "");
	for (size_t i = 0; i <= longest; i++)
		buf_char(out, '`');
}

/* Appends `part` when it still fits below `end` bytes. */
static bool put_part(struct buf *out, struct buf *part, size_t end)
{
	bool fits = out->n + part->n <= end;

	out->failed |= part->failed;
	if (fits && part->n)
		buf_add(out, part->p, part->n);
	buf_reset(part);
	return fits;
}

static void put_effects(struct buf *out, const struct impact *im)
{
	size_t end = out->n + EFFECTS_SHARE;
	struct buf line = {0}, targets = {0};
	uint64_t left = im->effects_left;

	for (uint32_t i = 0; i < im->n_effects; i++) {
		const struct impact_class *k = &im->classes[im->effects[i].class];
		buf_reset(&targets);
		impact_targets(&targets, im, &im->effects[i]);
		buf_str(&line, "- **");
		impact_subject(&line, im, im->effects[i].class);
		buf_printf(&line, "**: %s%s\n", targets.p ? targets.p : "", !k->same && k->n_peers > 1 ? " each" : "");
		line.failed |= targets.failed;
		if (!put_part(out, &line, end)) {
			left += im->n_effects - i;
			break;
		}
	}
	if (left)
		buf_printf(out, "- and %llu more that %s not listed\n", (unsigned long long)left,
			   left == 1 ? "is" : "are");
	buf_free(&line);
	buf_free(&targets);
}

/* A list of n things, each written by `one`, on one line of its own share. */
static void put_list(struct buf *out, const struct impact *im, const char *title, uint32_t n,
		     void (*one)(struct buf *out, const struct impact *im, uint32_t i))
{
	size_t end = out->n + FACTS_SHARE;
	struct buf part = {0};

	if (!n)
		return;
	buf_printf(out, "\n**%s** ", title);
	for (uint32_t i = 0; i < n; i++) {
		buf_str(&part, i ? ", " : "");
		one(&part, im, i);
		if (!put_part(out, &part, end)) {
			buf_printf(out, ", and %u more", n - i);
			break;
		}
	}
	buf_str(out, ".\n");
	buf_free(&part);
}

/* Messages quote what people wrote: names, numbers and addresses, but anything may be in them. */
static void put_escaped(struct buf *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\`*_{}[]<>#|@!&~", *text))
			buf_char(out, '\\');
		buf_char(out, *text);
	}
}

/* All else that the change does, a line a kind, and then what it leaves as it is: they stand above what can be cut short. */
static void put_facts(struct buf *out, const struct impact *im)
{
	struct buf line = {0}, part = {0};

	for (unsigned k = 0; k <= N_FACT_KINDS; k++) {
		for (uint32_t most = FACTS_LISTED; !part.n || part.n > KIND_SHARE; most /= 2) {
			buf_reset(&line);
			buf_reset(&part);
			if (k < N_FACT_KINDS)
				impact_facts_put(&line, im, k, most);
			else
				impact_facts_unchanged(&line, im);
			if (!line.n)
				break;
			buf_printf(&part, "\n**%s** ", k < N_FACT_KINDS ? fact_kind_title(k) : "Unchanged:");
			put_escaped(&part, line.p);
			buf_str(&part, ".\n");
			if (!most)
				break;
		}
		part.failed |= line.failed;
		put_part(out, &part, SIZE_MAX);
	}
	buf_free(&line);
	buf_free(&part);
}

static void put_cut(struct buf *out, const struct impact *im, uint32_t i)
{
	buf_printf(out, "%s (%s)", impact_peer_name(im, im->cut[i].peer), impact_cut_text(im->cut[i].reason));
}

static void put_address(struct buf *out, const struct impact *im, uint32_t i)
{
	const struct impact_address *n = &im->addresses[i];
	char addr[ADDR_STR_LEN];

	addr_format(&n->addr, addr);
	buf_printf(out, "%s %s", im->after->peers[n->peer].name, addr);
	if (n->from != NONE)
		buf_printf(out, " (which was %s's)", im->before->peers[n->from].name);
}

static void put_opened(struct buf *out, const struct impact *im, uint32_t i)
{
	buf_str(out, im->after->peers[im->opened[i]].name);
}

static void put_voided(struct buf *out, const struct impact *im, uint32_t i)
{
	buf_str(out, im->before->peers[im->voided[i]].name);
}

static void put_folded(struct buf *out, const struct impact *im, uint32_t i)
{
	buf_str(out, im->after->peers[im->folded[i]].name);
}

struct attributes {
	struct buf *out;
	bool change; /* then both sides are said */
};

static void put_attribute(void *ctx, const char *label, const char *before, const char *after)
{
	struct attributes *at = ctx;

	buf_printf(at->out, "  - %s: ", label);
	if (before)
		put_code(at->out, before);
	else if (at->change)
		buf_str(at->out, "none");
	if (at->change)
		buf_str(at->out, " → ");
	if (after)
		put_code(at->out, after);
	else if (at->change)
		buf_str(at->out, "none");
	buf_char(at->out, '\n');
}

static void put_items(struct buf *out, const struct impact *im)
{
	struct buf part = {0}, name = {0};
	uint32_t i;

	buf_str(out, "\n<details><summary>The change in the definition</summary>\n\n");
	for (i = 0; i < im->n_items; i++) {
		const struct impact_item *item = &im->items[i];
		buf_reset(&name);
		impact_item_name(&name, im, item);
		part.failed |= name.failed;
		buf_printf(&part, "- %s ", impact_kind_name(item->kind));
		put_code(&part, name.p ? name.p : "");
		buf_printf(&part, " will be %s\n", plan_verb(item->action));
		if (impact_kind_named(item->kind))
			impact_describe(im, item, put_attribute,
					&(struct attributes){&part, item->action == PLAN_CHANGE});
		if (!put_part(out, &part, IMPACT_MARKDOWN_MAX - TAIL_SHARE))
			break;
	}
	if (i < im->n_items)
		buf_printf(out, "- and %u more that %s not listed\n", im->n_items - i,
			   im->n_items - i == 1 ? "is" : "are");
	buf_str(out, "\n</details>\n");
	buf_free(&part);
	buf_free(&name);
}

static void put_diags(struct buf *out, const struct diags *d)
{
	size_t end = out->n + DIAGS_SHARE, shown = 0, all = d->n_errors + d->n_warnings;
	struct buf part = {0};

	if (!all)
		return;
	buf_str(out, d->n_errors ? "### Refused\n\n" : "### Warnings\n\n");
	for (const struct diag *g = d->first; g; g = g->next, shown++) {
		buf_printf(&part, "- %s`%s`: ", g->severity == SEVERITY_WARNING ? "warning " : "", g->code);
		put_escaped(&part, g->message);
		if (g->file && g->at.line) {
			buf_str(&part, " (");
			put_escaped(&part, g->file);
			buf_printf(&part, ":%u)", g->at.line);
		}
		if (g->help) {
			buf_str(&part, "<br>help: ");
			put_escaped(&part, g->help);
		}
		buf_char(&part, '\n');
		if (!put_part(out, &part, end))
			break;
	}
	if (shown < all)
		buf_printf(out, "- and %zu more\n", all - shown);
	buf_char(out, '\n');
	buf_free(&part);
}

static void put_effect(struct buf *out, const struct impact *im)
{
	unsigned long long gained = im->pairs_gained, lost = im->pairs_lost;

	buf_printf(out, "**Plan:** %u to add, %u to change, %u to remove. **Effect:** ", im->n_add, im->n_change,
		   im->n_remove);
	if (im->before) {
		buf_printf(out, "%llu pair%s of peers gained, %llu lost.\n", gained, plural(gained), lost);
		put_facts(out, im);
		buf_str(out, im->n_effects ? "\n" : "");
		put_effects(out, im);
	} else {
		buf_printf(out, "everything is new: %u peer%s, %llu pair%s of which reach each other.\n",
			   im->peers_after, plural(im->peers_after), (unsigned long long)im->pairs_after,
			   plural(im->pairs_after));
	}
	if (im->server_lost)
		buf_str(out, "\n**Cut off from the server:** every peer: no server stays as it was.\n");
	else
		put_list(out, im, "Cut off from the server:", im->n_cut, put_cut);
}

void impact_render_markdown(struct buf *out, const struct impact *im, const struct diags *d)
{
	if (d)
		put_diags(out, d);
	if (!im->n_items) {
		buf_str(out, "**No changes.** The definition means the network that it meant before.\n");
		return;
	}
	put_effect(out, im);
	put_list(out, im, "New addresses:", im->before ? im->n_given : 0, put_address);
	put_list(out, im, "Invites opened:", im->n_opened, put_opened);
	put_list(out, im, "Invites voided:", im->n_voided, put_voided);
	put_list(out, im, "Enrolled keys written down:", im->n_folded, put_folded);
	put_items(out, im);
	buf_printf(out, "\nPlan id: `%s`\n", im->id);
}
