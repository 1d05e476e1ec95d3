/* Edits of a peer: a new one, and what it says of itself. Its key and its invite are edit_key.c's. */
#include "schema/edit_row.h"

#include "schema/find.h"

#include <string.h>

const struct peer *edit_peer_in(const struct edit *e, const struct model *m, struct diags *d)
{
	uint32_t i = model_find_peer(m, e->name, d);
	return i == NONE ? NULL : &m->peers[i];
}

int edit_find_peer(struct editor *e, struct edit_found *out)
{
	if (edit_find(e, edit_peers.section, e->edit->name, out))
		return -1;
	out->map = out->key->next;
	if (out->map->kind == NODE_MAP && out->map->first)
		return 0;
	diag_error(e->diags, "edit-style", NULL, "the peer '%s' is not a mapping", e->edit->name);
	return -1;
}

/* ---- a new peer ----------------------------------------------------------------------------------------------- */

static void put_other(struct buf *out, const char *what)
{
	buf_printf(out, "%s%s", out->n ? ", " : "", what);
}

/* A peer of that name is there. The same once more is harmless; another one is an error. */
static enum edit_state same_peer(const struct edit *e, const struct model *m, const struct peer *q, struct diags *d)
{
	const struct peer *p = &e->peer;
	const struct key_spec *k;
	struct buf other = {0};

	if (p->n_ips && !addrs_same(p->ip, p->n_ips, q->ip, q->n_ips))
		put_other(&other, "address");
	if (e->parent && strcmp(e->parent, m->cidrs[q->cidr].name) != 0)
		put_other(&other, "CIDR");
	if (!p->is_invite && !peer_same_mark(p, q))
		put_other(&other, "public key");
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));)
		if (k->by_option && !attribute_same(k, p, q))
			put_other(&other, k->name);
	if (!other.n)
		return EDIT_ALREADY;
	diag_help(d,
		  diag_error(d, "peer-exists", &q->at, "peer '%s' is there already, with another %s", q->name,
			     other.p ? other.p : ""),
		  "choose another name, or edit the line");
	buf_free(&other);
	return EDIT_REFUSED;
}

enum edit_state edit_check_add_peer(const struct edit *e, const struct edit_row *row, const struct model *m,
				    struct diags *d)
{
	uint32_t peer = model_peer_by_name(m, e->peer.name);

	(void)row;
	if (e->parent && model_find_cidr(m, e->parent, d) == NONE)
		return EDIT_REFUSED;
	if (peer != NONE)
		return same_peer(e, m, &m->peers[peer], d);
	return edit_name_taken(m, e->peer.name, d) ? EDIT_REFUSED : EDIT_TO_DO;
}

/* One address, or a list of one a family. `text` and `list` are room for them. */
static struct value addresses(const char *key, const struct peer *p, char text[2][ADDR_STR_LEN], struct value list[2])
{
	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], text[i]);
		list[i] = (struct value){NULL, addr_is_v4(&p->ip[i]) ? VALUE_WORD : VALUE_TEXT, text[i], NULL, 0};
	}
	if (p->n_ips == 1)
		return (struct value){key, list[0].kind, text[0], NULL, 0};
	return (struct value){key, VALUE_LIST, NULL, list, p->n_ips};
}

int edit_add_peer(struct editor *e)
{
	const struct peer *p = &e->edit->peer;
	char ips[2][ADDR_STR_LEN], key[ED25519_STR_LEN + 1];
	struct value list[2], v[KEYS_MAX];
	const struct key_spec *k, *admin = key_find(IN_PEER, "admin");
	size_t n = 0;

	v[n++] = addresses("ip", p, ips, list);
	if (p->is_invite)
		ed25519_format(&p->key, key);
	else
		key_format(&p->key, key);
	v[n++] = (struct value){p->is_invite ? "invite" : "public_key", VALUE_TEXT, key, NULL, 0};
	if (p->is_invite && edit_put_attribute(e, key_find(IN_PEER, "invite_expires"), p, v, &n))
		return -1;
	for (size_t i = 0; (k = attribute_next(IN_PEER, &i));) {
		if (k->by_option && k != admin && edit_put_attribute(e, k, p, v, &n))
			return -1;
		/* Definitions have `admin` behind the endpoint. */
		if (k->type == TYPE_ENDPOINT && edit_put_attribute(e, admin, p, v, &n))
			return -1;
	}
	return rewrite_add(&e->files[0], edit_peers.section, &(struct value){p->name, VALUE_MAP, NULL, v, n});
}

int edit_peer_place(const struct edit *e, const struct model *after, struct diags *d)
{
	uint32_t i = e->parent ? model_peer_by_name(after, e->peer.name) : NONE;
	const struct peer *p = i == NONE ? NULL : &after->peers[i];

	if (!p || !strcmp(after->cidrs[p->cidr].name, e->parent))
		return 0;
	diag_error(d, "address-outside", &p->at_ip, "this address is in CIDR '%s', not in '%s'",
		   after->cidrs[p->cidr].name, e->parent);
	return -1;
}

/* ---- what it says of itself ----------------------------------------------------------------------------------- */

static enum edit_state check_disabled(const struct edit *e, const struct model *m, bool disabled, struct diags *d)
{
	const struct peer *p = edit_peer_in(e, m, d);

	if (!p)
		return EDIT_REFUSED;
	return p->disabled == disabled ? EDIT_ALREADY : EDIT_TO_DO;
}

enum edit_state edit_check_disable(const struct edit *e, const struct edit_row *row, const struct model *m,
				   struct diags *d)
{
	(void)row;
	return check_disabled(e, m, true, d);
}

enum edit_state edit_check_enable(const struct edit *e, const struct edit_row *row, const struct model *m,
				  struct diags *d)
{
	(void)row;
	return check_disabled(e, m, false, d);
}

enum edit_state edit_check_endpoint(const struct edit *e, const struct edit_row *row, const struct model *m,
				    struct diags *d)
{
	const struct peer *p = edit_peer_in(e, m, d);

	(void)row;
	if (!p)
		return EDIT_REFUSED;
	return edit_same_text(p->endpoint, e->endpoint) ? EDIT_ALREADY : EDIT_TO_DO;
}

/* Gives a key of the peer a value, or takes it away (`text` NULL). */
static int set_pair(struct editor *e, const char *key, enum value_kind kind, const char *text)
{
	const struct pair pair = {{key, kind, text, NULL, 0}, NULL};
	struct edit_found f;

	return edit_find_peer(e, &f) ? -1 : rewrite_pairs(f.file, f.map, &pair, 1);
}

int edit_disable(struct editor *e)
{
	return set_pair(e, "disabled", VALUE_BARE, "true");
}

int edit_enable(struct editor *e)
{
	return set_pair(e, "disabled", VALUE_BARE, NULL);
}

int edit_set_endpoint(struct editor *e)
{
	return set_pair(e, "endpoint", VALUE_TEXT, e->edit->endpoint);
}
