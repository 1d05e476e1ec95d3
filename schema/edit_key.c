/* Edits of what a peer is recognised by: its key or its invite, and the keys that peers enrolled for their invites. */
#include "schema/edit_row.h"

#include "schema/time.h"

#include <string.h>

/* The peer's mapping has a key or an invite. -1 with a diagnostic. */
static int check_recognised(struct editor *e, const struct edit_found *f)
{
	if (node_find(f->map, "public_key") || node_find(f->map, "invite"))
		return 0;
	diag_error(e->diags, "edit-style", NULL, "the peer '%s' has neither a key nor an invite", e->edit->name);
	return -1;
}

/* ---- an invite ------------------------------------------------------------------------------------------------ */

enum edit_state edit_check_invite(const struct edit *e, const struct edit_row *row, const struct model *m,
				  struct diags *d)
{
	const struct peer *p = edit_peer_in(e, m, d);

	(void)row;
	if (!p)
		return EDIT_REFUSED;
	/* Before the invite is drawn its key is zero. */
	return p->is_invite && !key_is_zero(&p->key) && key_eq(&p->key, &e->peer.key) &&
		       p->invite_expires == e->peer.invite_expires
		   ? EDIT_ALREADY
		   : EDIT_TO_DO;
}

int edit_invite(struct editor *e)
{
	const struct peer *p = &e->edit->peer;
	char invite[ED25519_STR_LEN + 1], expires[TIME_STR_LEN];
	struct edit_found f;
	bool expiring = p->invite_expires && !time_format(p->invite_expires, expires);
	const struct pair pairs[] = {
	    {{"public_key", VALUE_TEXT, NULL, NULL, 0}, NULL},
	    {{"invite", VALUE_TEXT, invite, NULL, 0}, NULL},
	    {{"invite_expires", VALUE_WORD, expiring ? expires : NULL, NULL, 0}, "invite"},
	};

	ed25519_format(&p->key, invite);
	if (edit_find_peer(e, &f) || check_recognised(e, &f))
		return -1;
	return rewrite_pairs(f.file, f.map, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

/* ---- a key ---------------------------------------------------------------------------------------------------- */

enum edit_state edit_check_key(const struct edit *e, const struct edit_row *row, const struct model *m, struct diags *d)
{
	const struct peer *p = edit_peer_in(e, m, d);

	(void)row;
	if (!p)
		return EDIT_REFUSED;
	return !p->is_invite && key_eq(&p->key, &e->peer.key) && (!e->peer.via || edit_same_text(e->peer.via, p->via))
		   ? EDIT_ALREADY
		   : EDIT_TO_DO;
}

/* `via` NULL: it stays as it is. */
static int set_key(const struct edit_found *f, const struct key *key, const char *via)
{
	char text[KEY_B64_LEN + 1];
	const struct pair pairs[] = {
	    {{"invite", VALUE_TEXT, NULL, NULL, 0}, NULL},
	    {{"public_key", VALUE_TEXT, text, NULL, 0}, NULL},
	    {{"invite_expires", VALUE_WORD, NULL, NULL, 0}, NULL},
	    {{"via", VALUE_NAME, via, NULL, 0}, NULL},
	};

	key_format(key, text);
	return rewrite_pairs(f->file, f->map, pairs, via ? 4 : 3);
}

int edit_set_key(struct editor *e)
{
	struct edit_found f;

	if (edit_find_peer(e, &f) || check_recognised(e, &f))
		return -1;
	return set_key(&f, &e->edit->peer.key, e->edit->peer.via);
}

/* ---- the keys that peers enrolled ----------------------------------------------------------------------------- */

/* Each is there, and has a key: the one that it is to have, where that is known. */
enum edit_state edit_check_fold(const struct edit *e, const struct edit_row *row, const struct model *m,
				struct diags *d)
{
	enum edit_state state = e->n_folds ? EDIT_ALREADY : EDIT_TO_DO;

	for (uint32_t k = 0; k < e->n_folds; k++) {
		const struct edit_fold *f = &e->folds[k];
		uint32_t i = row->thing->find(m, f->name, d);
		const struct peer *p = i == NONE ? NULL : &m->peers[i];

		if (!p)
			state = EDIT_REFUSED; /* and so it stays */
		else if (state == EDIT_ALREADY &&
			 (p->is_invite || p->invite_expires || !(key_is_zero(&f->key) || key_eq(&f->key, &p->key))))
			state = EDIT_TO_DO;
	}
	return state;
}

static const struct edit_fold *fold_of(const struct edit *e, const char *name)
{
	uint32_t lo = 0, hi = e->n_folds;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int c = strcmp(e->folds[mid].name, name);
		if (!c)
			return &e->folds[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* `peer` is its mapping. */
static int fold_peer(struct editor *e, struct rewrite *w, struct node *peer, const struct edit_fold *fold)
{
	if (peer->kind == NODE_MAP && node_find(peer, "invite"))
		return set_key(&(struct edit_found){w, peer, NULL}, &fold->key, NULL);
	diag_error(e->diags, "edit-style", NULL, "the peer '%s' has no invite", fold->name);
	return -1;
}

/* All of them in one pass: a network may have thousands. */
int edit_fold_peers(struct editor *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->n_files; i++) {
		const struct node *map = edit_section(&e->files[i], edit_peers.section);
		if (!map || map->kind != NODE_MAP)
			continue;
		for (node_pairs(k, map)) {
			const struct edit_fold *fold = fold_of(e->edit, k->text);
			if (fold && fold_peer(e, &e->files[i], k->next, fold))
				return -1;
			n += fold != NULL;
		}
	}
	if (n == e->edit->n_folds)
		return 0;
	diag_error(e->diags, "unknown-name", NULL, "%u of the peers to fold are in none of the files",
		   e->edit->n_folds - n);
	return -1;
}

#define FOLDS_NAMED 4 /* in one line about a fold; from one more on they are counted */

void edit_put_folds(const struct edit *e, struct buf *out)
{
	uint32_t named = e->n_folds <= FOLDS_NAMED ? e->n_folds : FOLDS_NAMED - 1;

	buf_printf(out, "the key%s of ", e->n_folds == 1 ? "" : "s");
	for (uint32_t i = 0; i < named; i++)
		buf_printf(out, "%s%s", !i ? "" : i + 1 == e->n_folds ? " and " : ", ", e->folds[i].name);
	if (named < e->n_folds)
		buf_printf(out, " and %u more", e->n_folds - named);
}
