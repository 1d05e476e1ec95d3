#include "reconcile/impact/merged.h"

#include <string.h>

static const struct peer *peer_of(const struct model *m, const char *name)
{
	uint32_t i = m ? model_peer_by_name(m, name) : NONE;

	return i == NONE ? NULL : &m->peers[i];
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

/* Our side's model, in which every address of either side is taken. */
struct search {
	struct model model;
	const struct ledger_facts *facts;
	struct diags *diags;
};

static void occupy(struct search *s, const struct addr *a)
{
	struct peer_addr *all = s->model.by_addr;
	uint32_t lo = 0, hi = s->model.n_addrs;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		if (addr_cmp(&all[mid].addr, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	memmove(&all[lo + 1], &all[lo], (s->model.n_addrs - lo) * sizeof(*all));
	all[lo] = (struct peer_addr){.addr = *a, .peer = 0};
	s->model.n_addrs++;
}

/* Both sides' addresses, sorted, with room for as many again. */
static int search_init(struct search *s, struct arena *a, const struct model *ours, const struct model *theirs)
{
	uint32_t n = 0, i = 0, k = 0;
	struct peer_addr *all = arena_array(a, 2 * ((size_t)ours->n_addrs + theirs->n_addrs) + 1, sizeof(*all));

	if (!all)
		return diags_out_of_memory(s->diags);
	while (i < ours->n_addrs || k < theirs->n_addrs) {
		bool first = k == theirs->n_addrs ||
			     (i < ours->n_addrs && addr_cmp(&ours->by_addr[i].addr, &theirs->by_addr[k].addr) <= 0);
		all[n] = first ? ours->by_addr[i++] : theirs->by_addr[k++];
		all[n++].peer = 0;
	}
	s->model = *ours;
	s->model.by_addr = all;
	s->model.n_addrs = n;
	return 0;
}

/* Whether the ledger has the address as this peer's. */
static bool is_recorded(const struct ledger_facts *f, const struct addr *a, const struct peer *p)
{
	for (size_t i = 0; f && i < f->n_addresses; i++)
		if (addr_cmp(&f->addresses[i].addr, a) == 0 &&
		    (key_eq(&f->addresses[i].mark, &p->key) || key_eq(&f->addresses[i].enrolled, &p->key)))
			return true;
	return false;
}

/* An address of the CIDR in which the peer is now. `theirs`: that CIDR must be the same one on our side. */
static int find_free(struct search *s, const struct model *m, const struct peer *p, const struct addr *from,
		     struct addr *to)
{
	const struct cidr *is = &m->cidrs[p->cidr];
	uint32_t c = model_cidr_of_addr(&s->model, from);
	static const struct ledger_facts none;
	struct diag *g;

	if (c != NONE &&
	    prefixes_same(is->prefix, is->n_prefixes, s->model.cidrs[c].prefix, s->model.cidrs[c].n_prefixes) &&
	    !ledger_next_free(&s->model, s->facts ? s->facts : &none, c, addr_is_v4(from) ? 0 : 1, to)) {
		occupy(s, to);
		return 0;
	}
	g = diag_error(s->diags, "merge-address", NULL, "no other address of CIDR '%s' is free for peer '%s'", is->name,
		       p->name);
	diag_help(s->diags, g, "give it an address of another CIDR, or make this one larger");
	return -1;
}

/* One address of a peer that theirs added. Returns 1 and the move, 0 when there is none, -1 with a diagnostic. */
static int move_of(struct search *s, const struct merged *x, const struct peer *q, unsigned k, struct merged_move *out)
{
	const struct model *base = x->version[MERGE_BASE], *ours = x->version[MERGE_OURS],
			   *theirs = x->version[MERGE_THEIRS];
	uint32_t i = model_peer_by_addr(ours, &q->ip[k]);
	const struct peer *p = i == NONE ? NULL : &ours->peers[i];
	const struct model *from = theirs;

	if (!p || strcmp(p->name, q->name) == 0 || peer_of(base, p->name) || peer_of(theirs, p->name))
		return 0;
	*out = (struct merged_move){.address = {.from = q->ip[k]}, .peer = q, .keeper = p->name};
	if (is_recorded(s->facts, &q->ip[k], q) && !is_recorded(s->facts, &q->ip[k], p)) {
		out->peer = p;
		out->keeper = q->name;
		from = ours;
	}
	out->address.peer = out->peer->name;
	return find_free(s, from, out->peer, &q->ip[k], &out->address.to) ? -1 : 1;
}

int merged_addresses(struct arena *a, const struct merged *x, const struct ledger_facts *facts,
		     struct merged_move **out, size_t *n, struct diags *d)
{
	const struct model *base = x->version[MERGE_BASE], *ours = x->version[MERGE_OURS],
			   *theirs = x->version[MERGE_THEIRS];
	struct search s = {.facts = facts, .diags = d};

	*out = NULL;
	*n = 0;
	if (!base || !ours || !theirs)
		return 0;
	*out = arena_array(a, (size_t)theirs->n_addrs + 1, sizeof(**out));
	if (!*out)
		return diags_out_of_memory(d);
	if (search_init(&s, a, ours, theirs))
		return -1;
	for (uint32_t i = 0; i < theirs->n_peers; i++) {
		const struct peer *q = &theirs->peers[i];
		for (unsigned k = 0; k < q->n_ips && !peer_of(base, q->name) && !peer_of(ours, q->name); k++) {
			int r = move_of(&s, x, q, k, &(*out)[*n]);
			if (r < 0)
				return -1;
			*n += r > 0;
		}
	}
	return 0;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static const struct cidr *place_of(const struct model *m, const char *name)
{
	const struct peer *p = peer_of(m, name);

	return p ? &m->cidrs[p->cidr] : NULL;
}

/* One CIDR, under another name or with another prefix. */
static bool same_place(const struct cidr *x, const struct cidr *y)
{
	if (!x || !y)
		return x == y;
	return strcmp(x->name, y->name) == 0 || prefixes_same(x->prefix, x->n_prefixes, y->prefix, y->n_prefixes);
}

void merged_places(const struct merged *x, const struct model *result, struct diags *d)
{
	const struct model *ours = x->version[MERGE_OURS], *theirs = x->version[MERGE_THEIRS];

	for (uint32_t i = 0; ours && theirs && i < result->n_peers; i++) {
		const struct peer *p = &result->peers[i];
		const struct cidr *o = place_of(ours, p->name), *t = place_of(theirs, p->name), *was = o ? o : t;
		const struct cidr *is = &result->cidrs[p->cidr];
		struct diag *g;
		if (!was || (o && same_place(o, is)) || (t && same_place(t, is)))
			continue;
		if (o && t)
			g = diag_error(
			    d, "merge-moved", &p->at,
			    "the merge puts peer '%s' into CIDR '%s': our side has it in '%s', theirs in '%s'", p->name,
			    is->name, o->name, t->name);
		else
			g = diag_error(d, "merge-moved", &p->at, "the merge moves peer '%s' from CIDR '%s' to '%s'",
				       p->name, was->name, is->name);
		diag_help(d, g, "neither side says so: one side changed the CIDRs, the other one the peer");
	}
}
