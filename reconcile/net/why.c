#include "reconcile/net/why.h"

#include "schema/find.h"

#include <string.h>

const char *why_cause_name(enum why_cause cause)
{
	static const char *const names[] = {
	    [WHY_INFRA] = "infra",       [WHY_SAME_CIDR] = "same-cidr",           [WHY_ASSOCIATION] = "association",
	    [WHY_ISOLATED] = "isolated", [WHY_NO_ASSOCIATION] = "no-association", [WHY_DISABLED] = "disabled",
	};

	return names[cause];
}

static uint32_t router_of(const struct model *m, const struct addr *addr)
{
	for (uint32_t i = 0; i < m->n_peers; i++)
		for (uint32_t r = 0; r < m->peers[i].n_routes; r++)
			if (prefix_has(&m->peers[i].routes[r], addr))
				return i;
	return NONE;
}

static int find_addr(const struct model *m, struct why_end *out, struct diags *d)
{
	struct ref *r = &out->ref;
	struct diag *g;

	r->index = model_peer_by_addr(m, &r->addr);
	if (r->index != NONE) {
		r->kind = REF_PEER;
		out->cidr = m->peers[r->index].cidr;
		return 0;
	}
	r->kind = REF_ADDR;
	out->cidr = model_cidr_of_addr(m, &r->addr);
	if (out->cidr != NONE)
		return 0;
	out->through = router_of(m, &r->addr);
	if (out->through != NONE) {
		/* A peer that reaches the router reaches what it routes. */
		r->kind = REF_PEER;
		r->index = out->through;
		out->cidr = m->peers[r->index].cidr;
		return 0;
	}
	g = diag_error(d, "address-outside", NULL, "%s is not an address of '%s', and no peer routes it", r->text,
		       m->network);
	diag_help(d, g, "the network's own addresses are those of its `cidr`");
	return -1;
}

int why_find(const struct model *m, const char *text, struct why_end *out, struct diags *d)
{
	const char *near;
	struct diag *g;

	*out = (struct why_end){.ref = {.text = text, .index = NONE}, .cidr = NONE, .through = NONE};
	if (addr_parse(text, strlen(text), &out->ref.addr) == 0)
		return find_addr(m, out, d);
	out->ref.kind = REF_PEER;
	out->ref.index = model_peer_by_name(m, text);
	if (out->ref.index != NONE) {
		out->cidr = m->peers[out->ref.index].cidr;
		return 0;
	}
	out->ref.kind = REF_CIDR;
	out->ref.index = out->cidr = model_cidr_by_name(m, text);
	if (out->cidr != NONE)
		return 0;
	g = diag_error(d, "unknown-name", NULL, "there is no peer or CIDR '%.80s' in '%s'", text, m->network);
	near = model_nearest(m, text, false);
	if (!near)
		near = model_nearest(m, text, true);
	if (near)
		diag_help(d, g, "did you mean '%s'?", near);
	else
		diag_help(d, g, "give the name of a peer or of a CIDR, or an address");
	return -1;
}

struct asker {
	struct arena *arena;
	const struct reach_index *x;
	const struct model *m;
	struct why *w;
};

static void add_line(struct asker *k, const char *text, const struct place *at)
{
	if (k->w->n_lines == WHY_LINES_MAX)
		k->w->more_lines++;
	else
		k->w->lines[k->w->n_lines++] = (struct why_line){text, *at};
}

/* Does this association join two CIDRs? Both ways, since it has no direction. */
static bool joins(const struct model *m, const struct association *s, uint32_t c1, uint32_t c2)
{
	return (model_cidr_under(m, c1, s->a) && model_cidr_under(m, c2, s->b)) ||
	       (model_cidr_under(m, c1, s->b) && model_cidr_under(m, c2, s->a));
}

/* Lists all associations that join the two CIDRs: each must go before the CIDRs are apart. */
static void explain_associations(struct asker *k, uint32_t c1, uint32_t c2)
{
	const struct model *m = k->m;

	for (uint32_t i = 0; i < m->n_associations; i++)
		if (joins(m, &m->associations[i], c1, c2))
			add_line(k,
				 arena_printf(k->arena, "the association [%s, %s] joins them",
					      m->cidrs[m->associations[i].a].name, m->cidrs[m->associations[i].b].name),
				 &m->associations[i].at);
	k->w->change = k->w->n_lines + k->w->more_lines > 1 ? "to part them, all of these lines have to go"
							    : "to part them, this line has to go";
}

static void explain_infra(struct asker *k, uint32_t cidr)
{
	const struct model *m = k->m;
	const struct cidr *c = &m->cidrs[cidr];

	for (uint32_t i = 0; i < c->n_peers; i++) {
		const struct peer *p = &m->peers[m->by_cidr[c->first_peer + i]];
		if (!p->server)
			continue;
		add_line(k,
			 arena_printf(k->arena, "'%s' holds the server '%s': every peer reaches its peers", c->name,
				      p->name),
			 &p->at);
		break;
	}
	k->w->change = arena_printf(
	    k->arena, "no change separates a peer from the peers of '%s' while it holds a server", c->name);
}

static void explain_yes(struct asker *k, const struct reach *r)
{
	const struct model *m = k->m;
	struct why *w = k->w;

	switch (r->rule) {
	case REACH_INFRA:
		w->cause = WHY_INFRA;
		explain_infra(k, r->cidr);
		break;
	case REACH_SAME_CIDR:
		w->cause = WHY_SAME_CIDR;
		add_line(k, arena_printf(k->arena, "both are in '%s', which is not isolated", m->cidrs[r->cidr].name),
			 &m->cidrs[r->cidr].at);
		w->change = arena_printf(k->arena, "to part all of its peers: `isolated: true` in '%s'",
					 m->cidrs[r->cidr].name);
		break;
	default:
		w->cause = WHY_ASSOCIATION;
		explain_associations(k, w->c1, w->c2);
		break;
	}
}

static void explain_no(struct asker *k)
{
	const struct model *m = k->m;
	struct why *w = k->w;
	const char *one = m->cidrs[w->c1].name, *other = m->cidrs[w->c2].name;

	if (w->c1 == w->c2) {
		w->cause = WHY_ISOLATED;
		add_line(k, arena_printf(k->arena, "both are in '%s', which is isolated", one), &m->cidrs[w->c1].at);
		w->change = arena_printf(k->arena, "to join all of its peers, `isolated: true` of '%s' has to go", one);
		return;
	}
	w->cause = WHY_NO_ASSOCIATION;
	w->change = arena_printf(k->arena, "to join '%s' and '%s', add this under `associations:` of %s", one, other,
				 m->files[0]);
	w->add = arena_printf(k->arena, "  - [%s, %s]", one, other);
}

static void explain_disabled(struct asker *k, const struct why_end *off)
{
	const struct peer *p = &k->m->peers[off->ref.index];

	k->w->answer = WHY_NO;
	k->w->cause = WHY_DISABLED;
	add_line(k, arena_printf(k->arena, "'%s' is disabled, and reaches no peer", p->name), &p->at);
	k->w->change = arena_printf(k->arena, "`disabled: true` of '%s' has to go", p->name);
}

static bool is_off(const struct model *m, const struct why_end *e)
{
	return e->ref.kind == REF_PEER && m->peers[e->ref.index].disabled;
}

static int refuse_itself(const struct why_end *one, const struct why_end *other, struct diags *d)
{
	bool same = one->ref.kind == other->ref.kind && one->ref.kind != REF_CIDR &&
		    (one->ref.kind == REF_PEER ? one->ref.index == other->ref.index
					       : addr_cmp(&one->ref.addr, &other->ref.addr) == 0);

	if (!same)
		return 0;
	diag_help(
	    d, diag_error(d, "same-peer", NULL, "'%s' and '%s' are one and the same", one->ref.text, other->ref.text),
	    "name two peers, CIDRs or addresses");
	return -1;
}

/* Were all of its texts made? */
static int whole(const struct why *w, struct diags *d)
{
	bool ok = w->change && (w->cause != WHY_NO_ASSOCIATION || w->add) && (w->answer != WHY_PARTLY || w->partly);

	for (unsigned i = 0; i < w->n_lines; i++)
		ok = ok && w->lines[i].text;
	d->out_of_memory |= !ok;
	return ok ? 0 : -1;
}

int why_ask(struct arena *a, const struct reach_index *x, const struct model *m, const struct why_end *one,
	    const struct why_end *other, struct why *out, struct diags *d)
{
	struct asker k = {.arena = a, .x = x, .m = m, .w = out};
	uint32_t y1, y2, n1, n2;
	struct reach r;
	bool yes, no;

	*out = (struct why){.a = *one, .b = *other, .c1 = one->cidr, .c2 = other->cidr};
	if (refuse_itself(one, other, d) < 0)
		return -1;
	if (is_off(m, one) || is_off(m, other)) {
		explain_disabled(&k, is_off(m, one) ? one : other);
		return whole(out, d);
	}
	yes = reach_example(x, &one->ref, &other->ref, true, &y1, &y2);
	no = reach_example(x, &one->ref, &other->ref, false, &n1, &n2);
	if (!yes && !no) {
		/* No peer is there yet: the answer says what would hold. */
		r = reach_cidrs(x, out->c1, out->c2);
		out->answer = r.rule != REACH_NONE ? WHY_YES : WHY_NO;
	} else {
		out->answer = !no ? WHY_YES : yes ? WHY_PARTLY : WHY_NO;
		out->c1 = no ? n1 : y1;
		out->c2 = no ? n2 : y2;
		r = reach_cidrs(x, out->c1, out->c2);
	}
	if (out->answer == WHY_YES)
		explain_yes(&k, &r);
	else
		explain_no(&k);
	if (out->answer == WHY_PARTLY)
		out->partly = arena_printf(a, "peers of '%s' and of '%s' do; of '%s' and of '%s' do not",
					   m->cidrs[y1].name, m->cidrs[y2].name, m->cidrs[n1].name, m->cidrs[n2].name);
	return whole(out, d);
}

void why_put_answer(struct buf *out, const struct why *w)
{
	static const char *const verbs[][2] = {
	    [WHY_NO] = {"do not reach each other", "would not reach each other"},
	    [WHY_YES] = {"reach each other", "would reach each other"},
	    [WHY_PARTLY] = {"reach each other in part", "would reach each other in part"}};
	/* A free address has no peer yet: "would reach". */
	const char *verb = verbs[w->answer][w->a.ref.kind == REF_ADDR || w->b.ref.kind == REF_ADDR];

	if (w->a.ref.kind == REF_CIDR && w->b.ref.kind == REF_CIDR && w->a.cidr == w->b.cidr)
		buf_printf(out, "the peers of %s %s", w->a.ref.text, verb);
	else
		buf_printf(out, "%s and %s %s", w->a.ref.text, w->b.ref.text, verb);
	if (w->partly)
		buf_printf(out, ": %s", w->partly);
	buf_str(out, ".\n");
}
