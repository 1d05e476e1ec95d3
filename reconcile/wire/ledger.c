#include "reconcile/wire/ledger.h"
#include "schema/order.h"

#include <stdlib.h>
#include <string.h>

int enrolment_cmp(const void *a, const void *b)
{
	return key_cmp(&((const struct enrolment *)a)->invite, &((const struct enrolment *)b)->invite);
}

const struct enrolment *ledger_enrolment(const struct ledger_facts *f, const struct key *invite)
{
	struct enrolment wanted = {.invite = *invite};

	if (f->n_enrolments == 0)
		return NULL;
	return bsearch(&wanted, f->enrolments, f->n_enrolments, sizeof(wanted), enrolment_cmp);
}

/* The first record of an address; further records of the same address follow it. */
static size_t first_record(const struct ledger_facts *f, const struct addr *a)
{
	size_t lo = 0, hi = f->n_addresses;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&f->addresses[mid].addr, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The ranges are disjoint: the last one that does not begin after the address has it, or none has. */
static bool may_reuse(const struct model *m, const struct addr *a)
{
	uint32_t lo = 0, hi = m->n_reuse;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&m->reuse[mid].base, a) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && prefix_has(&m->reuse[lo - 1], a);
}

/* Whether a peer that the ledger does not know may not have the address. */
static bool is_kept(const struct model *m, const struct ledger_facts *f, const struct addr *a)
{
	size_t i = first_record(f, a);

	return i < f->n_addresses && addr_cmp(&f->addresses[i].addr, a) == 0 && !may_reuse(m, a);
}

/*
 * The same peer: its key or invite is, or the one became the other. A peer that keeps its name and its address
 * and gets another key is re-keyed or invited anew, and the same one still.
 */
static bool same_peer(const struct ledger_facts *f, const struct ledger_address *was, const struct peer *p)
{
	const struct enrolment *e = p->is_invite ? ledger_enrolment(f, &p->key) : NULL;

	return key_eq(&was->mark, &p->key) || (!key_is_zero(&was->enrolled) && key_eq(&was->enrolled, &p->key)) ||
	       (e && key_eq(&e->key, &was->mark)) || strcmp(was->name, p->name) == 0;
}

static bool step(struct addr *a)
{
	for (int i = 15; i >= 0; i--)
		if (++a->b[i])
			return true;
	return false;
}

int ledger_next_free(const struct model *m, const struct ledger_facts *f, uint32_t cidr, int family, struct addr *out)
{
	const struct cidr *root = &m->cidrs[0];
	struct addr a;
	struct prefix in = {{{0}}, 0};
	uint32_t k;

	/*
	 * The model's first free one is where to begin; what the ledger remembers, and what is taken, is passed over.
	 */
	if (model_next_free(m, cidr, family, &a) < 0)
		return -1;
	for (k = 0; k < m->cidrs[cidr].n_prefixes; k++)
		if (prefix_has(&m->cidrs[cidr].prefix[k], &a))
			in = m->cidrs[cidr].prefix[k];
	while (prefix_has(&in, &a)) {
		uint32_t inner = model_cidr_of_addr(m, &a);
		bool reserved = addr_is_reserved(&in, &a);

		for (k = 0; k < root->n_prefixes; k++)
			reserved |= prefix_has(&root->prefix[k], &a) && addr_is_reserved(&root->prefix[k], &a);
		if (inner == cidr && !reserved && model_peer_by_addr(m, &a) == NONE && !is_kept(m, f, &a)) {
			*out = a;
			return 0;
		}
		for (k = 0; inner != cidr && k < m->cidrs[inner].n_prefixes; k++)
			if (prefix_has(&m->cidrs[inner].prefix[k], &a))
				a = prefix_last(&m->cidrs[inner].prefix[k]);
		if (!step(&a))
			break;
	}
	return -1;
}

static void check_address(const struct model *m, const struct ledger_facts *f, const struct peer *p, unsigned k,
			  struct diags *d)
{
	const struct ledger_address *was = NULL;
	char text[ADDR_STR_LEN];
	struct addr free_one;
	struct diag *g;

	for (size_t i = first_record(f, &p->ip[k]); i < f->n_addresses; i++) {
		if (addr_cmp(&f->addresses[i].addr, &p->ip[k]) != 0)
			break;
		if (same_peer(f, &f->addresses[i], p))
			return;
		was = &f->addresses[i];
	}
	if (!was || may_reuse(m, &p->ip[k]))
		return;
	addr_format(&p->ip[k], text);
	g = diag_error(d, "address-reused", &p->at_ip, "%s was given to peer '%s' and is not free for '%s'", text,
		       was->name, p->name);
	if (ledger_next_free(m, f, p->cidr, addr_is_v4(&p->ip[k]) ? 0 : 1, &free_one) == 0) {
		char other[ADDR_STR_LEN];

		addr_format(&free_one, other);
		diag_help(d, g, "the next free address in '%s' is %s; to give this one away anyway, add 'reuse: [%s]'",
			  m->cidrs[p->cidr].name, other, text);
	} else {
		diag_help(d, g, "to give it away anyway, add 'reuse: [%s]'", text);
	}
}

static void check_spent(const struct ledger_facts *f, const struct peer *p, struct diags *d)
{
	struct diag *g;

	if (!p->is_invite || f->n_spent == 0 || !bsearch(&p->key, f->spent, f->n_spent, sizeof(p->key), order_key_cmp))
		return;
	g = diag_error(d, "invite-spent", &p->at_key, "the invite of peer '%s' was replaced once, and is void for ever",
		       p->name);
	diag_help(d, g, "make a new one: innernet invite-peer --name %s", p->name);
}

/* A key in use, and its peer. */
struct use {
	struct key key;
	const struct peer *peer;
	bool enrolled;
};

static int use_cmp(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int c = key_cmp(&x->key, &y->key);

	return c ? c : x->enrolled - y->enrolled;
}

static uint32_t add_uses(const struct model *m, const struct ledger_facts *f, struct use *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		const struct enrolment *e = p->is_invite ? ledger_enrolment(f, &p->key) : NULL;

		out[n++] = (struct use){p->is_invite ? p->temporary : p->key, p, false};
		if (e)
			out[n++] = (struct use){e->key, p, true};
	}
	return n;
}

/* Reports an enrolled key that another peer has too. Enrolments of invites that are not listed any more are void. */
static void check_keys(const struct model *m, const struct ledger_facts *f, struct diags *d)
{
	struct use *uses;
	uint32_t n;

	if (f->n_enrolments == 0)
		return;
	uses = calloc((size_t)m->n_peers * 2 + 1, sizeof(*uses));
	if (!uses) {
		diags_out_of_memory(d);
		return;
	}
	n = add_uses(m, f, uses);
	qsort(uses, n, sizeof(*uses), use_cmp);
	for (uint32_t i = 1; i < n; i++)
		if (uses[i].enrolled && key_eq(&uses[i - 1].key, &uses[i].key))
			diag_note(d,
				  diag_error(d, "key-twice", &uses[i].peer->at_key,
					     "the key that peer '%s' enrolled is also that of peer '%s'",
					     uses[i].peer->name, uses[i - 1].peer->name),
				  &uses[i - 1].peer->at_key, "'%s' has it here", uses[i - 1].peer->name);
	free(uses);
}

void ledger_check(const struct model *m, const struct ledger_facts *f, struct diags *d)
{
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];

		for (unsigned k = 0; k < p->n_ips; k++)
			check_address(m, f, p, k, d);
		check_spent(f, p, d);
	}
	check_keys(m, f, d);
}
