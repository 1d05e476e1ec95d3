/* Whether an edit can be made, and whether it was: on models, whatever the files look like. */
#include "schema/edit.h"
#include "schema/find.h"

#include <string.h>

static bool str_eq(const char *x, const char *y)
{
	return x == y || (x && y && !strcmp(x, y));
}

#define FOLDS_NAMED 4 /* in one line about a fold; from one more on they are counted */

static enum edit_state unknown(const struct model *m, const char *name, bool cidr, struct diags *d)
{
	if (cidr)
		model_find_cidr(m, name, d);
	else
		model_find_peer(m, name, d);
	return EDIT_REFUSED;
}

/* A peer or a CIDR has that name. */
static bool taken(const struct model *m, const char *name, struct diags *d)
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

/* A peer of that name is there. The same once more is harmless; another one is an error. */
static enum edit_state same_peer(const struct edit *e, const struct model *m, const struct peer *q, struct diags *d)
{
	const struct edit_peer *p = &e->peer;
	struct buf other = {0};
	bool ips = !p->n_ips || (p->n_ips == q->n_ips && !memcmp(p->ip, q->ip, p->n_ips * sizeof(p->ip[0])));
	const struct {
		bool same;
		const char *what;
	} checks[] = {
	    {ips, "address"},
	    {!p->cidr || !strcmp(p->cidr, m->cidrs[q->cidr].name), "CIDR"},
	    {p->is_invite || (!q->is_invite && key_eq(&p->key, &q->key)), "public key"},
	    {str_eq(p->endpoint, q->endpoint), "endpoint"},
	    {p->keepalive == q->keepalive, "keepalive"},
	    {str_eq(e->via, q->via), "via"},
	    {str_eq(p->description, q->description), "description"},
	    {p->admin == q->admin, "admin"},
	};
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (!checks[i].same)
			buf_printf(&other, "%s%s", other.n ? ", " : "", checks[i].what);
	if (!other.n)
		return EDIT_ALREADY;
	diag_help(d,
		  diag_error(d, "peer-exists", &q->at, "peer '%s' is there already, with another %s", q->name,
			     other.p ? other.p : ""),
		  "choose another name, or edit the line");
	buf_free(&other);
	return EDIT_REFUSED;
}

/* A CIDR is in the one that was asked for. */
static int check_parent(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t i = e->parent ? model_cidr_by_name(m, e->name) : NONE;
	uint32_t parent = i == NONE ? NONE : m->cidrs[i].parent;

	if (i == NONE || (parent != NONE && !strcmp(m->cidrs[parent].name, e->parent)))
		return 0;
	diag_help(d,
		  diag_error(d, "prefix-outside", &m->cidrs[i].at, "'%s' is in CIDR '%s', not in '%s'", e->name,
			     parent == NONE ? "none" : m->cidrs[parent].name, e->parent),
		  "a CIDR is in the smallest other one around its prefix");
	return -1;
}

static enum edit_state check_add_cidr(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t i = model_cidr_by_name(m, e->name);
	const struct cidr *c = i == NONE ? NULL : &m->cidrs[i];

	if (e->parent && model_cidr_by_name(m, e->parent) == NONE)
		return unknown(m, e->parent, true, d);
	if (!c)
		return taken(m, e->name, d) ? EDIT_REFUSED : EDIT_TO_DO;
	if (check_parent(e, m, d))
		return EDIT_REFUSED;
	bool same =
	    c->n_prefixes == e->n_prefixes && c->isolated == e->isolated && str_eq(c->description, e->description);
	for (unsigned n = 0; same && n < c->n_prefixes; n++)
		same = !prefix_cmp(&c->prefix[n], &e->prefix[n]);
	if (same)
		return EDIT_ALREADY;
	diag_help(d, diag_error(d, "cidr-exists", &c->at, "CIDR '%s' is there already, and is another one", c->name),
		  "choose another name, or edit the line");
	return EDIT_REFUSED;
}

static enum edit_state check_rename(const struct edit *e, const struct model *m, bool cidr, struct diags *d)
{
	uint32_t old = cidr ? model_cidr_by_name(m, e->name) : model_peer_by_name(m, e->name);
	uint32_t new = cidr ? model_cidr_by_name(m, e->other) : model_peer_by_name(m, e->other);

	if (old == NONE)
		return new != NONE ? EDIT_ALREADY : unknown(m, e->name, cidr, d);
	if (!strcmp(e->name, e->other))
		return EDIT_ALREADY;
	if (cidr && old == 0) {
		diag_help(
		    d,
		    diag_error(d, "in-use", &m->at_network, "'%s' is the network itself, and keeps its name", e->name),
		    "interfaces and invitations are called so");
		return EDIT_REFUSED;
	}
	return taken(m, e->other, d) ? EDIT_REFUSED : EDIT_TO_DO;
}

/* Everything that speaks of one name, as notes under one error. */
struct uses {
	struct diags *diags;
	struct diag *error;
	const char *name;
	bool cidr;
	unsigned n;
};
#define USES_SHOWN 8

static void use(struct uses *u, const struct place *at, const char *what, const char *name)
{
	if (!u->n++)
		u->error = diag_error(u->diags, "in-use", NULL, "%s '%s' cannot be deleted: it is still used",
				      u->cidr ? "CIDR" : "peer", u->name);
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

static enum edit_state check_delete(const struct edit *e, const struct model *m, bool cidr, struct diags *d)
{
	uint32_t i = cidr ? model_cidr_by_name(m, e->name) : model_peer_by_name(m, e->name);
	struct uses u = {.diags = d, .name = e->name, .cidr = cidr};
	enum ref_kind kind = cidr ? REF_CIDR : REF_PEER;

	if (i == NONE)
		return (cidr ? model_peer_by_name(m, e->name) : model_cidr_by_name(m, e->name)) == NONE
			   ? EDIT_ALREADY
			   : unknown(m, e->name, cidr, d);
	if (cidr && i == 0) {
		diag_error(d, "in-use", &m->at_network, "'%s' is the network itself", e->name);
		return EDIT_REFUSED;
	}
	for (uint32_t p = 0; cidr && p < m->cidrs[i].n_peers; p++) {
		const struct peer *q = &m->peers[m->by_cidr[m->cidrs[i].first_peer + p]];
		use(&u, &q->at, "by the peer", q->name);
	}
	for (uint32_t a = 0; cidr && a < m->n_associations; a++)
		if (m->associations[a].a == i || m->associations[a].b == i)
			use(&u, &m->associations[a].at, "by the association", NULL);
	for (uint32_t p = 0; !cidr && p < m->n_peers; p++)
		if (str_eq(m->peers[p].via, e->name))
			use(&u, &m->peers[p].at_via, "to forward for", m->peers[p].name);
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

static enum edit_state check_association(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t a = model_cidr_by_name(m, e->name), b = model_cidr_by_name(m, e->other);
	bool add = e->kind == EDIT_ADD_ASSOCIATION, there = false;

	if (a == NONE)
		unknown(m, e->name, true, d);
	if (b == NONE && strcmp(e->name, e->other) != 0)
		unknown(m, e->other, true, d);
	if (a == NONE || b == NONE)
		return EDIT_REFUSED;
	for (uint32_t i = 0; i < m->n_associations && !there; i++) {
		const struct association *x = &m->associations[i];
		there = (x->a == a && x->b == b) || (x->a == b && x->b == a);
	}
	return there == add ? EDIT_ALREADY : EDIT_TO_DO;
}

static enum edit_state check_peer(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t i = model_peer_by_name(m, e->name);
	const struct peer *p = i == NONE ? NULL : &m->peers[i];

	if (!p)
		return unknown(m, e->name, false, d);
	if (e->kind == EDIT_DISABLE_PEER || e->kind == EDIT_ENABLE_PEER)
		return p->disabled == (e->kind == EDIT_DISABLE_PEER) ? EDIT_ALREADY : EDIT_TO_DO;
	if (e->kind == EDIT_SET_KEY)
		return !p->is_invite && key_eq(&p->key, &e->peer.key) && (!e->via || str_eq(e->via, p->via))
			   ? EDIT_ALREADY
			   : EDIT_TO_DO;
	if (e->kind == EDIT_SET_ENDPOINT)
		return str_eq(p->endpoint, e->endpoint) ? EDIT_ALREADY : EDIT_TO_DO;
	return EDIT_TO_DO;
}

/* Each is there, and has a key: the one that it is to have, where that is known. */
static enum edit_state check_fold(const struct edit *e, const struct model *m, struct diags *d)
{
	enum edit_state state = e->n_folds ? EDIT_ALREADY : EDIT_TO_DO;

	for (uint32_t k = 0; k < e->n_folds; k++) {
		const struct edit_fold *f = &e->folds[k];
		uint32_t i = model_peer_by_name(m, f->name);
		const struct peer *p = i == NONE ? NULL : &m->peers[i];

		if (!p)
			state = unknown(m, f->name, false, d); /* and so it stays */
		else if (state == EDIT_ALREADY &&
			 (p->is_invite || p->invite_expires || !(key_is_zero(&f->key) || key_eq(&f->key, &p->key))))
			state = EDIT_TO_DO;
	}
	return state;
}

enum edit_state edit_check(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t peer;

	switch (e->kind) {
	case EDIT_ADD_PEER:
		peer = model_peer_by_name(m, e->peer.name);
		if (e->peer.cidr && model_cidr_by_name(m, e->peer.cidr) == NONE)
			return unknown(m, e->peer.cidr, true, d);
		if (peer != NONE)
			return same_peer(e, m, &m->peers[peer], d);
		return taken(m, e->peer.name, d) ? EDIT_REFUSED : EDIT_TO_DO;
	case EDIT_RENAME_PEER:
	case EDIT_RENAME_CIDR:
		return check_rename(e, m, e->kind == EDIT_RENAME_CIDR, d);
	case EDIT_DELETE_PEER:
	case EDIT_DELETE_CIDR:
		return check_delete(e, m, e->kind == EDIT_DELETE_CIDR, d);
	case EDIT_ADD_CIDR:
		return check_add_cidr(e, m, d);
	case EDIT_ADD_ASSOCIATION:
	case EDIT_DELETE_ASSOCIATION:
		return check_association(e, m, d);
	case EDIT_FOLD:
		return check_fold(e, m, d);
	default:
		return check_peer(e, m, d);
	}
}

/* A new peer is in the CIDR that was asked for. */
static int check_cidr(const struct edit_peer *want, const struct model *after, struct diags *d)
{
	uint32_t i = want->cidr ? model_peer_by_name(after, want->name) : NONE;
	const struct peer *p = i == NONE ? NULL : &after->peers[i];

	if (!p || !strcmp(after->cidrs[p->cidr].name, want->cidr))
		return 0;
	diag_error(d, "address-outside", &p->at_ip, "this address is in CIDR '%s', not in '%s'",
		   after->cidrs[p->cidr].name, want->cidr);
	return -1;
}

/* What was asked for is so, and as many things are there as there should be. */
int edit_verify(const struct edit *e, const struct model *before, const struct model *after, struct diags *d)
{
	struct diags quiet = {0};
	long peers = e->kind == EDIT_ADD_PEER ? 1 : e->kind == EDIT_DELETE_PEER ? -1 : 0;
	long cidrs = e->kind == EDIT_ADD_CIDR ? 1 : e->kind == EDIT_DELETE_CIDR ? -1 : 0;
	long pairs = e->kind == EDIT_ADD_ASSOCIATION ? 1 : e->kind == EDIT_DELETE_ASSOCIATION ? -1 : 0;
	bool ok = (long)before->n_peers + peers == (long)after->n_peers &&
		  (long)before->n_cidrs + cidrs == (long)after->n_cidrs &&
		  (long)before->n_associations + pairs == (long)after->n_associations &&
		  before->n_tests == after->n_tests;

	if (e->kind == EDIT_ADD_PEER && check_cidr(&e->peer, after, d))
		return -1;
	if (e->kind == EDIT_ADD_CIDR && check_parent(e, after, d))
		return -1;
	if (e->kind == EDIT_INVITE_PEER) {
		uint32_t i = model_peer_by_name(after, e->name);
		const struct peer *p = i == NONE ? NULL : &after->peers[i];
		ok = ok && p && p->is_invite && key_eq(&p->key, &e->peer.key) &&
		     p->invite_expires == e->peer.invite_expires;
	} else {
		ok = ok && edit_check(e, after, &quiet) == EDIT_ALREADY;
	}
	diags_free(&quiet);
	if (ok)
		return 0;
	diag_help(d, diag_error(d, "edit-style", NULL, "the edit would not have done what it should"),
		  "edit it by hand");
	return -1;
}

/* "fold the key of bob", "fold the keys of alice, bob and 3 more" */
static void describe_fold(const struct edit *e, struct buf *out)
{
	uint32_t named = e->n_folds <= FOLDS_NAMED ? e->n_folds : FOLDS_NAMED - 1;

	buf_printf(out, "fold the key%s of ", e->n_folds == 1 ? "" : "s");
	for (uint32_t i = 0; i < named; i++)
		buf_printf(out, "%s%s", !i ? "" : i + 1 == e->n_folds ? " and " : ", ", e->folds[i].name);
	if (named < e->n_folds)
		buf_printf(out, " and %u more", e->n_folds - named);
}

void edit_describe(const struct edit *e, struct buf *out)
{
	static const struct {
		const char *before, *between, *after;
	} texts[N_EDIT_KINDS] = {
	    [EDIT_ADD_PEER] = {"add peer ", NULL, ""},
	    [EDIT_RENAME_PEER] = {"rename peer ", " to ", ""},
	    [EDIT_DISABLE_PEER] = {"disable peer ", NULL, ""},
	    [EDIT_ENABLE_PEER] = {"enable peer ", NULL, ""},
	    [EDIT_DELETE_PEER] = {"delete peer ", NULL, ""},
	    [EDIT_INVITE_PEER] = {"invite peer ", NULL, " again"},
	    [EDIT_SET_KEY] = {"give peer ", NULL, " a key"},
	    [EDIT_SET_ENDPOINT] = {"set the endpoint of ", NULL, ""},
	    [EDIT_ADD_CIDR] = {"add CIDR ", NULL, ""},
	    [EDIT_RENAME_CIDR] = {"rename CIDR ", " to ", ""},
	    [EDIT_DELETE_CIDR] = {"delete CIDR ", NULL, ""},
	    [EDIT_ADD_ASSOCIATION] = {"associate ", " with ", ""},
	    [EDIT_DELETE_ASSOCIATION] = {"part ", " from ", ""},
	};
	if (e->kind == EDIT_FOLD) {
		describe_fold(e, out);
		return;
	}
	buf_printf(out, "%s%s%s%s%s", texts[e->kind].before, e->kind == EDIT_ADD_PEER ? e->peer.name : e->name,
		   texts[e->kind].between ? texts[e->kind].between : "", texts[e->kind].between ? e->other : "",
		   texts[e->kind].after);
}
