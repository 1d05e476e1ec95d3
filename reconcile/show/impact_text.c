/* An impact as people read it: the effect first, then the change in the definition. The strings are an interface. */
#include "reconcile/show/impact_items.h"
#include "reconcile/show/impact_render.h"
#include "reconcile/text/wrap.h"

#define LISTED_MAX   20 /* names on one line */
#define SUBJECTS_MAX 10 /* lines of pairs: what else the change does stands below them, and is not to be missed */

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_title(struct buf *out, const char *title, bool color)
{
	buf_printf(out, "%s%s%s", color ? COLOR_BOLD : "", title, color ? COLOR_RESET : "");
}

static void put_sentence(struct buf *out, const struct impact *im)
{
	unsigned long long gained = im->pairs_gained, lost = im->pairs_lost;

	if (!gained && !lost)
		buf_str(out, " no pair of peers gains or loses access.\n");
	else if (gained && lost)
		buf_printf(out, " %llu pair%s of peers gain%s each other, %llu lose%s each other.\n", gained,
			   plural(gained), gained == 1 ? "s" : "", lost, lost == 1 ? "s" : "");
	else
		buf_printf(out, " %llu pair%s of peers %s%s each other.\n", gained + lost, plural(gained + lost),
			   gained ? "gain" : "lose", gained + lost == 1 ? "s" : "");
}

static void put_effects(struct buf *out, const struct impact *im)
{
	uint32_t n = im->n_effects < SUBJECTS_MAX ? im->n_effects : SUBJECTS_MAX;
	uint32_t left = im->effects_left + im->n_effects - n;
	struct buf line = {0};

	for (uint32_t i = 0; i < n; i++) {
		const struct impact_effect *e = &im->effects[i];
		const struct impact_class *k = &im->classes[e->class];
		buf_reset(&line);
		impact_targets(&line, im, e);
		buf_str(out, "  ");
		impact_subject(out, im, e->class);
		buf_printf(out, ": %s%s\n", line.p ? line.p : "", !k->same && k->n_peers > 1 ? " each" : "");
		out->failed |= line.failed;
	}
	buf_free(&line);
	if (left)
		buf_printf(out, "  and %u more that %s not listed\n", left, left == 1 ? "is" : "are");
}

/* All else that the change does, a line a kind, and then what it leaves as it is. */
static void put_facts(struct buf *out, const struct impact *im, bool color)
{
	struct buf line = {0};

	for (unsigned k = 0; k <= N_FACT_KINDS; k++) {
		buf_reset(&line);
		if (k < N_FACT_KINDS)
			impact_facts_put(&line, im, k, LISTED_MAX);
		else
			impact_facts_unchanged(&line, im);
		out->failed |= line.failed;
		if (!line.n)
			continue;
		put_title(out, k < N_FACT_KINDS ? fact_kind_title(k) : "Unchanged:", color);
		buf_printf(out, " %s.\n", line.p);
	}
	buf_free(&line);
}

static void put_separator(struct buf *out, uint32_t i)
{
	if (i)
		buf_str(out, ", ");
}

/* ", and 12 more.\n" */
static void put_rest(struct buf *out, uint32_t n)
{
	if (n > LISTED_MAX)
		buf_printf(out, ", and %u more", n - LISTED_MAX);
	buf_str(out, ".\n");
}

static uint32_t listed(uint32_t n)
{
	return n < LISTED_MAX ? n : LISTED_MAX;
}

static void put_invites(struct buf *out, const char *title, const struct model *m, const uint32_t *peers, uint32_t n,
			bool color)
{
	if (!n)
		return;
	put_title(out, title, color);
	for (uint32_t i = 0; i < listed(n); i++)
		buf_printf(out, "%s%s", i ? ", " : " ", m->peers[peers[i]].name);
	put_rest(out, n);
}

static void put_names(struct buf *out, const struct impact *im, bool color)
{
	char addr[ADDR_STR_LEN];

	if (im->server_lost) {
		put_title(out, "Cut off from the server:", color);
		buf_str(out, " every peer: no server stays as it was.\n");
	} else if (im->n_cut) {
		put_title(out, "Cut off from the server:", color);
		buf_char(out, ' ');
		for (uint32_t i = 0; i < listed(im->n_cut); i++) {
			put_separator(out, i);
			buf_printf(out, "%s (%s)", impact_peer_name(im, im->cut[i].peer),
				   impact_cut_text(im->cut[i].reason));
		}
		put_rest(out, im->n_cut);
	}
	if (im->n_given && im->before) {
		put_title(out, "New addresses:", color);
		buf_char(out, ' ');
		for (uint32_t i = 0; i < listed(im->n_given); i++) {
			const struct impact_address *n = &im->addresses[i];
			put_separator(out, i);
			addr_format(&n->addr, addr);
			buf_printf(out, "%s %s", im->after->peers[n->peer].name, addr);
			if (n->from != NONE)
				buf_printf(out, " (which was %s's)", im->before->peers[n->from].name);
		}
		put_rest(out, im->n_given);
	}
	put_invites(out, "Invites opened:", im->after, im->opened, im->n_opened, color);
	put_invites(out, "Invites voided:", im->before, im->voided, im->n_voided, color);
	put_invites(out, "Enrolled keys written down:", im->after, im->folded, im->n_folded, color);
}

void impact_render_text(struct buf *out, const struct impact *im, const struct impact_style *style)
{
	const bool color = style->color;
	struct buf effect = {0}, items = {0};
	bool used[PLAN_ACTIONS] = {false}, folded;

	if (!im->n_items) {
		buf_str(out, "No changes. The definition means the network that it meant before.\n");
		return;
	}
	put_title(&effect, "Effect:", color);
	if (im->before) {
		put_sentence(&effect, im);
		put_effects(&effect, im);
	} else {
		buf_printf(&effect, " everything is new: %u peer%s, %llu pair%s of which reach each other.\n",
			   im->peers_after, plural(im->peers_after), (unsigned long long)im->pairs_after,
			   plural(im->pairs_after));
	}
	put_facts(&effect, im, color);
	put_names(&effect, im, color);
	text_wrap(out, buf_span(&effect), style->width);
	/* The legend stands above what decides which symbols it has. */
	folded = impact_put_items(&items, im, style->full, color, used);
	buf_char(out, '\n');
	plan_put_legend(out, used, color);
	text_wrap(out, buf_span(&items), style->width);
	if (folded)
		buf_str(out, "\n`innernet plan --full` lists each of them.\n");
	buf_char(out, '\n');
	plan_put_summary(out, im->n_add, im->n_change, im->n_remove, color);
	buf_printf(out, "Plan id: %s\n", im->id);
	out->failed |= effect.failed || items.failed;
	buf_free(&effect);
	buf_free(&items);
}
