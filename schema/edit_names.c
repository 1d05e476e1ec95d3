/* What peers and CIDRs have in common: a name that other sections use. It can change, and go. */
#include "schema/edit_row.h"

#include "schema/find.h"

#include <string.h>

const struct edit_thing edit_peers = {"peers", "peer", offsetof(struct model, n_peers), model_peer_by_name,
				      model_find_peer};
const struct edit_thing edit_cidrs = {"cidrs", "CIDR", offsetof(struct model, n_cidrs), model_cidr_by_name,
				      model_find_cidr};
const struct edit_thing edit_associations = {"associations", "association", offsetof(struct model, n_associations),
					     NULL, NULL};

bool edit_same_text(const char *x, const char *y)
{
	return x == y || (x && y && !strcmp(x, y));
}

bool edit_name_taken(const struct model *m, const char *name, struct diags *d)
{
	uint32_t peer = model_peer_by_name(m, name), cidr = model_cidr_by_name(m, name);

	if (peer == NONE && cidr == NONE)
		return false;
	diag_help(d,
		  diag_error(d, peer != NONE ? "peer-exists" : "cidr-exists",
			     peer != NONE ? &m->peers[peer].at : &m->cidrs[cidr].at, "%s '%s' is there already",
			     peer != NONE ? "peer" : "CIDR", name),
		  "choose another name");
	return true;
}

const struct node *edit_section(const struct rewrite *w, const char *section)
{
	const struct node *key = node_find(w->root, section);
	return key ? key->next : NULL;
}

int edit_find(struct editor *e, const char *section, const char *name, struct edit_found *out)
{
	for (uint32_t i = 0; i < e->n_files; i++) {
		struct node *key = node_find(e->files[i].root, section);
		struct node *found = key ? node_find(key->next, name) : NULL;
		if (found) {
			*out = (struct edit_found){&e->files[i], key->next, found};
			return 0;
		}
	}
	diag_error(e->diags, "unknown-name", NULL, "there is no '%s' in '%s'", name, section);
	return -1;
}

/* ---- another name --------------------------------------------------------------------------------------------- */

enum edit_state edit_check_rename(const struct edit *e, const struct edit_row *row, const struct model *m,
				  struct diags *d)
{
	uint32_t old = row->thing->by_name(m, e->name), new = row->thing->by_name(m, e->other);

	if (old == NONE && new == NONE) {
		row->thing->find(m, e->name, d);
		return EDIT_REFUSED;
	}
	if (old == NONE || !strcmp(e->name, e->other))
		return EDIT_ALREADY;
	if (row->thing == &edit_cidrs && old == 0) {
		diag_help(
		    d,
		    diag_error(d, "in-use", &m->at_network, "'%s' is the network itself, and keeps its name", e->name),
		    "interfaces and invitations are called so");
		return EDIT_REFUSED;
	}
	return edit_name_taken(m, e->other, d) ? EDIT_REFUSED : EDIT_TO_DO;
}

/* Renames a value that is the old name, or each such item of a list. */
static int rename_refs(struct editor *e, struct rewrite *w, struct node *value)
{
	for (struct node *n = value->kind == NODE_LIST ? value->first : value; n; n = n->next) {
		if (n->kind == NODE_SCALAR && !strcmp(n->text, e->edit->name) &&
		    rewrite_scalar(w, n, VALUE_NAME, e->edit->other))
			return -1;
		if (value->kind != NODE_LIST)
			break;
	}
	return 0;
}

/* In the peers that name the renamed peer: those that it forwards for. */
static int rename_in_peers(struct editor *e, struct rewrite *w)
{
	const struct node *peers = edit_section(w, "peers");
	const struct key_spec *k;

	if (!peers || peers->kind != NODE_MAP)
		return 0;
	for (node_pairs(name, peers)) {
		for (size_t i = 0; (k = attribute_next(IN_PEER, &i));) {
			struct node *key = k->names_peer ? node_find(name->next, k->name) : NULL;
			if (key && rename_refs(e, w, key->next))
				return -1;
		}
	}
	return 0;
}

static int rename_in_associations(struct editor *e, struct rewrite *w)
{
	const struct node *pairs = edit_section(w, "associations");

	for (struct node *n = pairs && pairs->kind == NODE_LIST ? pairs->first : NULL; n; n = n->next)
		if (n->kind == NODE_LIST && rename_refs(e, w, n))
			return -1;
	return 0;
}

static int rename_in_tests(struct editor *e, struct rewrite *w)
{
	static const char *const keys[] = {"from", "can_reach", "cannot_reach"};
	const struct node *tests = edit_section(w, "tests");

	for (struct node *n = tests && tests->kind == NODE_LIST ? tests->first : NULL; n; n = n->next) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
			struct node *key = node_find(n, keys[i]);
			if (key && rename_refs(e, w, key->next))
				return -1;
		}
	}
	return 0;
}

int edit_rename(struct editor *e)
{
	struct edit_found f;

	if (edit_find(e, e->row->thing->section, e->edit->name, &f) ||
	    rewrite_key(f.file, f.map, f.key, e->edit->other))
		return -1;
	for (uint32_t i = 0; i < e->n_files; i++) {
		struct rewrite *w = &e->files[i];
		if ((e->row->thing == &edit_cidrs ? rename_in_associations(e, w) : rename_in_peers(e, w)) ||
		    rename_in_tests(e, w))
			return -1;
	}
	return 0;
}

/* ---- deleted -------------------------------------------------------------------------------------------------- */

/* Everything that uses one name, as notes under one error. */
struct uses {
	struct diags *diags;
	struct diag *error;
	const char *name, *noun;
	unsigned n;
};
#define USES_SHOWN 8

static void use(struct uses *u, const struct place *at, const char *what, const char *name)
{
	if (!u->n++)
		u->error = diag_error(u->diags, "in-use", NULL, "%s '%s' cannot be deleted: it is still used", u->noun,
				      u->name);
	if (u->n <= USES_SHOWN)
		diag_note(u->diags, u->error, at, "%s%s%s%s", what, name ? " '" : "", name ? name : "",
			  name ? "'" : "");
}

static bool names(const struct ref *refs, uint32_t n, enum ref_kind kind, uint32_t index)
{
	for (uint32_t i = 0; i < n; i++)
		if (refs[i].kind == kind && refs[i].index == index)
			return true;
	return false;
}

static void uses_of_cidr(struct uses *u, const struct model *m, uint32_t cidr)
{
	const struct cidr *c = &m->cidrs[cidr];

	for (uint32_t p = 0; p < c->n_peers; p++) {
		const struct peer *q = &m->peers[m->by_cidr[c->first_peer + p]];
		use(u, &q->at, "by the peer", q->name);
	}
	for (uint32_t a = 0; a < m->n_associations; a++)
		if (m->associations[a].a == cidr || m->associations[a].b == cidr)
			use(u, &m->associations[a].at, "by the association", NULL);
}

static void uses_of_peer(struct uses *u, const struct model *m, uint32_t peer)
{
	for (uint32_t p = 0; p < m->n_peers; p++)
		if (edit_same_text(m->peers[p].via, m->peers[peer].name))
			use(u, &m->peers[p].at_via, "to forward for", m->peers[p].name);
}

enum edit_state edit_check_delete(const struct edit *e, const struct edit_row *row, const struct model *m,
				  struct diags *d)
{
	uint32_t i = row->thing->by_name(m, e->name);
	bool cidr = row->thing == &edit_cidrs;
	enum ref_kind kind = cidr ? REF_CIDR : REF_PEER;
	struct uses u = {.diags = d, .name = e->name, .noun = row->thing->noun};

	if (i == NONE) {
		if (model_peer_by_name(m, e->name) == NONE && model_cidr_by_name(m, e->name) == NONE)
			return EDIT_ALREADY;
		row->thing->find(m, e->name, d); /* the other kind of thing has this name */
		return EDIT_REFUSED;
	}
	if (cidr && i == 0) {
		diag_error(d, "in-use", &m->at_network, "'%s' is the network itself", e->name);
		return EDIT_REFUSED;
	}
	if (cidr)
		uses_of_cidr(&u, m, i);
	else
		uses_of_peer(&u, m, i);
	for (uint32_t t = 0; t < m->n_tests; t++) {
		const struct reach_test *r = &m->tests[t];
		if (names(r->from, r->n_from, kind, i) || names(r->can, r->n_can, kind, i) ||
		    names(r->cannot, r->n_cannot, kind, i))
			use(&u, &r->at, "by the test", NULL);
	}
	if (!u.n)
		return EDIT_TO_DO;
	if (u.n > USES_SHOWN)
		diag_note(d, u.error, NULL, "and by %u more", u.n - USES_SHOWN);
	diag_help(d, u.error, cidr ? "move or delete these first" : "take it out of these first");
	return EDIT_REFUSED;
}

int edit_delete(struct editor *e)
{
	struct edit_found f;
	const char *section = e->row->thing->section;

	return edit_find(e, section, e->edit->name, &f) ? -1 : rewrite_remove(f.file, section, f.key);
}
