/* Names that associations, tests and peers use. */
#include "schema/loader.h"

#include <stdlib.h>
#include <string.h>

/*
 * The known name nearest to a mistyped one. Large networks are not searched again and again. *only: it is one letter
 * away (or all are, in upper case), and no other name is.
 */
static const char *nearest_name(struct loader *l, const char *name, bool peers_too, bool *only)
{
	const struct model *m = l->model;
	unsigned best = strlen(name) > 4 ? 3 : 2, d, near = 0;
	const char *found = NULL;

	*only = false;
	for (uint32_t i = 0; i < m->n_cidrs + (peers_too ? m->n_peers : 0) && l->searches; i++, l->searches--) {
		const char *other = i < m->n_cidrs ? m->cidrs[i].name : m->peers[i - m->n_cidrs].name;

		d = strcasecmp(name, other) == 0 ? 1 : word_distance(name, other, best == 1 ? 1 : best - 1);
		near += d == 1;
		if (d < best && d > 0) {
			best = d;
			found = other;
		}
		if (near > 1)
			break;
	}
	*only = near == 1 && l->searches && name_valid(found, strlen(found));
	return found;
}

static uint32_t find_cidr(struct loader *l, const struct node *n, uint32_t file)
{
	struct place at = node_place(n, file);
	uint32_t c = model_cidr_by_name(l->model, n->text), p;
	const char *nearest;
	struct diag *g;
	bool only = false;

	if (c != NONE)
		return c;
	g = diag_error(l->diags, "unknown-name", &at, "there is no CIDR '%.*s'", 80, n->text);
	p = model_peer_by_name(l->model, n->text);
	nearest = p == NONE ? nearest_name(l, n->text, false, &only) : NULL;
	if (p != NONE)
		diag_help(l->diags, g, "'%s' is a peer; associations join CIDRs", n->text);
	else if (nearest)
		diag_help(l->diags, g, "did you mean '%s'?", nearest);
	else
		diag_help(l->diags, g, "define it under 'cidrs', or name one that is there");
	if (only)
		load_fix_scalar(l, g, n, file, nearest);
	return NONE;
}

static void check_elsewhere(struct loader *l, const struct node *n, uint32_t cidr, uint32_t file)
{
	const struct cidr *c = &l->model->cidrs[cidr];
	struct place at = node_place(n, file);
	struct diag *g;

	if (file == 0 || c->at.file == file)
		return;
	g = diag_error(l->diags, "association-elsewhere", &at, "'%s' is defined in another file", c->name);
	diag_note(l->diags, g, &c->at, "'%s' is defined", c->name);
	diag_help(l->diags, g, "put the association into %s", l->names[0]);
}

static int association_cmp(const void *va, const void *vb)
{
	const struct association *a = *(const struct association *const *)va,
				 *b = *(const struct association *const *)vb;

	if (a->a != b->a)
		return a->a < b->a ? -1 : 1;
	if (a->b != b->b)
		return a->b < b->b ? -1 : 1;
	return place_cmp(&a->at, &b->at);
}

/* The same two CIDRs again: said, and left out, since it changes nothing. */
static int drop_twins(struct loader *l)
{
	struct model *m = l->model;
	struct association **by = malloc((m->n_associations + 1) * sizeof(*by));
	uint32_t n = m->n_associations, kept = 0;
	struct diag *g;

	if (!by)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		by[i] = &m->associations[i];
	qsort(by, n, sizeof(*by), association_cmp);
	for (uint32_t i = 1, first = 0; i < n; i++) {
		if (by[i]->a != by[first]->a || by[i]->b != by[first]->b) {
			first = i;
			continue;
		}
		g = diag_warning(l->diags, "association-twice", &by[i]->at, "'%s' and '%s' are associated already",
				 m->cidrs[by[i]->a].name, m->cidrs[by[i]->b].name);
		diag_note(l->diags, g, &by[first]->at, "they are");
		diag_help(l->diags, g, "take one of them out");
		by[i]->at.line = 0;
	}
	free(by);
	for (uint32_t i = 0; i < n; i++)
		if (m->associations[i].at.line)
			m->associations[kept++] = m->associations[i];
	m->n_associations = kept;
	return 0;
}

static void isolated_association(struct loader *l, const struct pair_use *u, const struct cidr *c)
{
	struct diag *g = diag_error(l->diags, "isolated-association", &u->at,
				    "the isolated CIDR '%s' is associated with itself", c->name);

	diag_note(l->diags, g, &c->at, "'%s' is defined", c->name);
	diag_help(l->diags, g, "drop the association; or drop 'isolated: true', and its peers reach each other");
}

static int check_associations(struct loader *l)
{
	struct model *m = l->model;
	const struct pair_use *uses = (const struct pair_use *)l->pairs.p;
	size_t n = l->pairs.n / sizeof(*uses);

	if (n > ASSOCIATIONS_MAX) {
		diag_error(l->diags, "too-large", &uses[ASSOCIATIONS_MAX].at, "more than %u associations",
			   ASSOCIATIONS_MAX);
		n = ASSOCIATIONS_MAX;
	}
	m->associations = arena_array(l->arena, n, sizeof(*m->associations));
	if (!m->associations)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct pair_use *u = &uses[i];
		struct association *as = &m->associations[m->n_associations];
		uint32_t a = find_cidr(l, u->a, u->file), b = find_cidr(l, u->b, u->file);

		if (a != NONE)
			check_elsewhere(l, u->a, a, u->file);
		if (b != NONE)
			check_elsewhere(l, u->b, b, u->file);
		if (a == NONE || b == NONE)
			continue;
		if (a == b && m->cidrs[a].isolated)
			isolated_association(l, u, &m->cidrs[a]);
		as->at = u->at;
		as->a = a <= b ? a : b;
		as->b = a <= b ? b : a;
		as->at_a = node_place(a <= b ? u->a : u->b, u->file);
		as->at_b = node_place(a <= b ? u->b : u->a, u->file);
		m->n_associations++;
	}
	return drop_twins(l);
}

/* A peer, a CIDR or an address. */
static bool read_ref(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct ref *out)
{
	const char *text = load_text(l, k, v, file), *nearest;
	struct diag *g;
	bool only;

	if (!text)
		return false;
	out->at = node_place(v, file);
	if (addr_parse(text, v->n, &out->addr) == 0) {
		out->kind = REF_ADDR;
		out->index = model_peer_by_addr(l->model, &out->addr);
	} else {
		out->kind = REF_CIDR;
		out->index = model_cidr_by_name(l->model, text);
		if (out->index == NONE) {
			out->kind = REF_PEER;
			out->index = model_peer_by_name(l->model, text);
		}
		if (out->index == NONE) {
			nearest = nearest_name(l, text, true, &only);
			g = diag_error(l->diags, "unknown-name", &out->at, "there is no CIDR or peer '%.*s'", 80, text);
			if (nearest)
				diag_help(l->diags, g, "did you mean '%s'?", nearest);
			else
				diag_help(l->diags, g, "name a CIDR or a peer that is there, or an address");
			if (only)
				load_fix_scalar(l, g, v, file, nearest);
			return false;
		}
	}
	out->text = arena_strndup(l->arena, text, v->n);
	if (!out->text)
		diags_out_of_memory(l->diags);
	return out->text != NULL;
}

/* One reference or a list of them. -1: out of memory. */
static int read_refs(struct loader *l, const struct key_spec *k, const struct node *v, uint32_t file, struct ref **out,
		     uint32_t *n)
{
	bool list = v && v->kind == NODE_LIST;

	*n = 0;
	if (!v)
		return 0;
	*out = arena_array(l->arena, list ? v->n : 1, sizeof(**out));
	if (!*out)
		return -1;
	for (const struct node *i = list ? v->first : v; i; i = list ? i->next : NULL)
		if (read_ref(l, k, i, file, &(*out)[*n]))
			++*n;
	return 0;
}

static int check_tests(struct loader *l)
{
	struct model *m = l->model;
	const struct test_use *uses = (const struct test_use *)l->tests.p;
	size_t n = l->tests.n / sizeof(*uses), n_keys;
	const struct key_spec *keys = keys_of(IN_TEST, &n_keys);

	m->tests = arena_array(l->arena, n, sizeof(*m->tests));
	if (!m->tests)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct test_use *u = &uses[i];
		struct reach_test *t = &m->tests[m->n_tests++];

		t->at = u->at;
		if (read_refs(l, &keys[TEST_FROM], u->from, u->file, &t->from, &t->n_from) ||
		    read_refs(l, &keys[TEST_CAN_REACH], u->can, u->file, &t->can, &t->n_can) ||
		    read_refs(l, &keys[TEST_CANNOT_REACH], u->cannot, u->file, &t->cannot, &t->n_cannot))
			return -1;
	}
	return 0;
}

/* What is wrong about the one that forwards for `p`, and what helps; NULL: nothing. */
static const char *via_wrong(const struct model *m, const struct peer *p, const struct peer *via, const char **help)
{
	*help = "a server can, and each other peer of its CIDR";
	if (via == p)
		return "is the peer itself";
	if (via->via)
		return "is reached through another one itself";
	if (via->disabled)
		return "is disabled";
	if (!via->endpoint)
		return "has no endpoint to be called at";
	if (via->is_invite) {
		*help = "once it has redeemed its invite, `innernet fold` writes its public_key here";
		return "has no public_key yet, so no peer could send to it";
	}
	if (via->cidr == NONE || !m->cidrs[via->cidr].infra)
		return "is not in the CIDR of a server, so not everyone reaches it";
	if (p->admin && !via->server)
		return "is no server, and could speak for an admin";
	return NULL;
}

/*
 * Each peer that reaches a peer reaches the one that forwards for it: that is in an infra CIDR. A machine that has yet
 * to redeem its invite calls the server directly, and forwards for no peer: the definition has no key of it.
 */
static void check_via(struct loader *l)
{
	const struct model *m = l->model;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		uint32_t f = p->via ? model_peer_by_name(m, p->via) : NONE;
		const char *help, *wrong = f == NONE ? NULL : via_wrong(m, p, &m->peers[f], &help);
		const char *nearest;
		struct diag *g;
		bool only;

		if (!p->via)
			continue;
		if (f == NONE) {
			g = diag_error(l->diags, "unknown-name", &p->at_via, "there is no peer '%s'", p->via);
			nearest = nearest_name(l, p->via, true, &only);
			if (nearest)
				diag_help(l->diags, g, "did you mean '%s'?", nearest);
			else
				diag_help(l->diags, g, "name a server, or another peer of its CIDR");
		}
		if (wrong) {
			g = diag_error(l->diags, "bad-via", &p->at_via, "'%s' cannot forward for '%s': it %s", p->via,
				       p->name, wrong);
			diag_help(l->diags, g, "%s", help);
		}
		if (p->server || p->is_invite) {
			g = diag_error(l->diags, "bad-via", &p->at_via, "'%s' is %s: it is reached directly", p->name,
				       p->server ? "a server" : "invited");
			diag_help(l->diags, g,
				  p->server ? "take 'via' out" : "`via` is for a peer that has a `public_key`");
		}
	}
}

int check_refs(struct loader *l)
{
	check_via(l);
	return check_associations(l) || check_tests(l) ? -1 : 0;
}
