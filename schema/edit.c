#include "schema/edit.h"

#include "schema/rewrite.h"
#include "schema/time.h"

#include <string.h>

/* One edit of all files of a definition. */
struct editor {
	const struct edit *edit;
	struct arena *arena;
	struct rewrite *files;
	uint32_t n_files;
	struct diags *diags;
};

static const struct node *section_of(const struct rewrite *w, const char *section)
{
	const struct node *key = node_find(w->root, section);
	return key ? key->next : NULL;
}

/* A name in a section, with the file and the mapping that it stands in. */
struct found {
	struct rewrite *file;
	struct node *map, *key;
};

static int find_named(struct editor *e, const char *section, const char *name, struct found *out)
{
	for (uint32_t i = 0; i < e->n_files; i++) {
		struct node *key = node_find(e->files[i].root, section);
		struct node *found = key ? node_find(key->next, name) : NULL;
		if (found) {
			*out = (struct found){&e->files[i], key->next, found};
			return 0;
		}
	}
	diag_error(e->diags, "unknown-name", NULL, "there is no '%s' in '%s'", name, section);
	return -1;
}

/* The keys of a peer, which must be a mapping with something in it. */
static int find_peer(struct editor *e, struct found *out)
{
	if (find_named(e, "peers", e->edit->name, out))
		return -1;
	out->map = out->key->next;
	if (out->map->kind == NODE_MAP && out->map->first)
		return 0;
	diag_error(e->diags, "edit-style", NULL, "the peer '%s' is not a mapping", e->edit->name);
	return -1;
}

/* One address, or a list of one a family. `text` and `list` are room for them. */
static struct value addresses(const char *key, const struct edit_peer *p, char text[2][ADDR_STR_LEN],
			      struct value list[2])
{
	for (unsigned i = 0; i < p->n_ips; i++) {
		addr_format(&p->ip[i], text[i]);
		list[i] = (struct value){NULL, addr_is_v4(&p->ip[i]) ? VALUE_WORD : VALUE_TEXT, text[i], NULL, 0};
	}
	if (p->n_ips == 1)
		return (struct value){key, list[0].kind, text[0], NULL, 0};
	return (struct value){key, VALUE_LIST, NULL, list, p->n_ips};
}

static struct value prefixes(const char *key, const struct edit *e, char text[2][PREFIX_STR_LEN], struct value list[2])
{
	for (unsigned i = 0; i < e->n_prefixes; i++) {
		prefix_format(&e->prefix[i], text[i]);
		list[i] = (struct value){NULL, prefix_is_v4(&e->prefix[i]) ? VALUE_WORD : VALUE_TEXT, text[i], NULL, 0};
	}
	if (e->n_prefixes == 1)
		return (struct value){key, list[0].kind, text[0], NULL, 0};
	return (struct value){key, VALUE_LIST, NULL, list, e->n_prefixes};
}

static int number_format(int32_t n, char out[static 12])
{
	struct buf b = {0};
	buf_printf(&b, "%d", (int)n);
	bool ok = !b.failed && b.n < 12;
	if (ok)
		memcpy(out, b.p, b.n + 1);
	buf_free(&b);
	return ok ? 0 : -1;
}

static int add_peer(struct editor *e)
{
	const struct edit_peer *p = &e->edit->peer;
	char ips[2][ADDR_STR_LEN], key[ED25519_STR_LEN + 1], expires[TIME_STR_LEN], keepalive[12];
	struct value list[2], v[8];
	size_t n = 0;

	v[n++] = addresses("ip", p, ips, list);
	if (p->is_invite)
		ed25519_format(&p->key, key);
	else
		key_format(&p->key, key);
	v[n++] = (struct value){p->is_invite ? "invite" : "public_key", VALUE_TEXT, key, NULL, 0};
	if (p->is_invite && p->invite_expires && !time_format(p->invite_expires, expires))
		v[n++] = (struct value){"invite_expires", VALUE_WORD, expires, NULL, 0};
	if (p->endpoint)
		v[n++] = (struct value){"endpoint", VALUE_TEXT, p->endpoint, NULL, 0};
	if (p->admin)
		v[n++] = (struct value){"admin", VALUE_BARE, "true", NULL, 0};
	if (p->keepalive >= 0 && !number_format(p->keepalive, keepalive))
		v[n++] = (struct value){"keepalive", VALUE_BARE, keepalive, NULL, 0};
	if (e->edit->via)
		v[n++] = (struct value){"via", VALUE_NAME, e->edit->via, NULL, 0};
	if (p->description)
		v[n++] = (struct value){"description", VALUE_TEXT, p->description, NULL, 0};
	return rewrite_add(&e->files[0], "peers", &(struct value){p->name, VALUE_MAP, NULL, v, n});
}

/* The last CIDR of the root file is written as a mapping over several lines: so is the next one. */
static bool cidrs_in_blocks(const struct editor *e)
{
	const struct node *map = section_of(&e->files[0], "cidrs"), *last = NULL;
	if (map && map->kind == NODE_MAP && !map->flow)
		for (node_pairs(k, map))
			last = k->next;
	return last && last->kind == NODE_MAP && !last->flow;
}

static int add_cidr(struct editor *e)
{
	const struct edit *c = e->edit;
	char text[2][PREFIX_STR_LEN];
	struct value list[2], v[3];
	size_t n = 0;

	v[n++] = prefixes("cidr", c, text, list);
	if (c->isolated)
		v[n++] = (struct value){"isolated", VALUE_BARE, "true", NULL, 0};
	if (c->description)
		v[n++] = (struct value){"description", VALUE_TEXT, c->description, NULL, 0};
	if (n > 1 || cidrs_in_blocks(e))
		return rewrite_add(&e->files[0], "cidrs", &(struct value){c->name, VALUE_MAP, NULL, v, n});
	v[0].key = c->name;
	return rewrite_add(&e->files[0], "cidrs", &v[0]);
}

static int add_association(struct editor *e)
{
	const struct value names[] = {{NULL, VALUE_NAME, e->edit->name, NULL, 0},
				      {NULL, VALUE_NAME, e->edit->other, NULL, 0}};
	return rewrite_add(&e->files[0], "associations", &(struct value){NULL, VALUE_LIST, NULL, names, 2});
}

static bool joins(const struct node *item, const char *a, const char *b)
{
	const struct node *x = item->kind == NODE_LIST && item->n == 2 ? item->first : NULL, *y = x ? x->next : NULL;
	if (!x || x->kind != NODE_SCALAR || y->kind != NODE_SCALAR)
		return false;
	return (!strcmp(x->text, a) && !strcmp(y->text, b)) || (!strcmp(x->text, b) && !strcmp(y->text, a));
}

static int delete_association(struct editor *e)
{
	for (uint32_t i = 0; i < e->n_files; i++) {
		const struct node *list = section_of(&e->files[i], "associations");
		for (struct node *n = list && list->kind == NODE_LIST ? list->first : NULL; n; n = n->next)
			if (joins(n, e->edit->name, e->edit->other))
				return rewrite_remove(&e->files[i], "associations", n);
	}
	diag_error(e->diags, "unknown-name", NULL, "no association joins '%s' and '%s'", e->edit->name, e->edit->other);
	return -1;
}

static int delete_named(struct editor *e, const char *section)
{
	struct found f;
	return find_named(e, section, e->edit->name, &f) ? -1 : rewrite_remove(f.file, section, f.key);
}

/* A name, or each of a list, where it is the one that is renamed. */
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

/* Those whom the renamed peer forwards for. */
static int rename_via(struct editor *e, struct rewrite *w)
{
	const struct node *peers = section_of(w, "peers");

	if (!peers || peers->kind != NODE_MAP)
		return 0;
	for (node_pairs(k, peers)) {
		struct node *via = node_find(k->next, "via");
		if (via && rename_refs(e, w, via->next))
			return -1;
	}
	return 0;
}

static int rename_in_file(struct editor *e, struct rewrite *w, bool cidr)
{
	static const char *const test_keys[] = {"from", "can_reach", "cannot_reach"};
	const struct node *pairs = section_of(w, "associations"), *tests = section_of(w, "tests");

	if (!cidr && rename_via(e, w))
		return -1;
	for (struct node *n = cidr && pairs && pairs->kind == NODE_LIST ? pairs->first : NULL; n; n = n->next)
		if (n->kind == NODE_LIST && rename_refs(e, w, n))
			return -1;
	for (struct node *n = tests && tests->kind == NODE_LIST ? tests->first : NULL; n; n = n->next) {
		for (size_t i = 0; i < sizeof(test_keys) / sizeof(test_keys[0]); i++) {
			struct node *key = node_find(n, test_keys[i]);
			if (key && rename_refs(e, w, key->next))
				return -1;
		}
	}
	return 0;
}

static int rename_named(struct editor *e, const char *section)
{
	struct found f;

	if (find_named(e, section, e->edit->name, &f) || rewrite_key(f.file, f.map, f.key, e->edit->other))
		return -1;
	for (uint32_t i = 0; i < e->n_files; i++)
		if (rename_in_file(e, &e->files[i], !strcmp(section, "cidrs")))
			return -1;
	return 0;
}

/* Gives a key of a peer a value, or takes it away (`text` NULL). */
static int set_peer(struct editor *e, const char *key, enum value_kind kind, const char *text)
{
	const struct pair pair = {{key, kind, text, NULL, 0}, NULL};
	struct found f;

	return find_peer(e, &f) ? -1 : rewrite_pairs(f.file, f.map, &pair, 1);
}

/* The mapping of the peer has a key or an invite. -1 with a diagnostic. */
static int check_recognised(struct editor *e, const struct found *f)
{
	if (node_find(f->map, "public_key") || node_find(f->map, "invite"))
		return 0;
	diag_error(e->diags, "edit-style", NULL, "the peer '%s' has neither a key nor an invite", e->edit->name);
	return -1;
}

static int invite_peer(struct editor *e)
{
	const struct edit_peer *p = &e->edit->peer;
	char invite[ED25519_STR_LEN + 1], expires[TIME_STR_LEN];
	struct found f;
	bool expiring = p->invite_expires && !time_format(p->invite_expires, expires);
	const struct pair pairs[] = {
	    {{"public_key", VALUE_TEXT, NULL, NULL, 0}, NULL},
	    {{"invite", VALUE_TEXT, invite, NULL, 0}, NULL},
	    {{"invite_expires", VALUE_WORD, expiring ? expires : NULL, NULL, 0}, "invite"},
	};

	ed25519_format(&p->key, invite);
	if (find_peer(e, &f) || check_recognised(e, &f))
		return -1;
	return rewrite_pairs(f.file, f.map, pairs, sizeof(pairs) / sizeof(pairs[0]));
}

/* `via` NULL: it stays as it is. */
static int set_key_in(const struct found *f, const struct key *key, const char *via)
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
	struct node *invite = peer->kind == NODE_MAP ? node_find(peer, "invite") : NULL;

	if (!invite) {
		diag_error(e->diags, "edit-style", NULL, "the peer '%s' has no invite", fold->name);
		return -1;
	}
	return set_key_in(&(struct found){w, peer, NULL}, &fold->key, NULL);
}

/* All of them in one pass: a network may have thousands. */
static int fold_peers(struct editor *e)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < e->n_files; i++) {
		const struct node *map = section_of(&e->files[i], "peers");
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

static int set_key(struct editor *e)
{
	struct found f;

	if (find_peer(e, &f) || check_recognised(e, &f))
		return -1;
	return set_key_in(&f, &e->edit->peer.key, e->edit->via);
}

static int make(struct editor *e)
{
	switch (e->edit->kind) {
	case EDIT_ADD_PEER:
		return add_peer(e);
	case EDIT_RENAME_PEER:
		return rename_named(e, "peers");
	case EDIT_DISABLE_PEER:
		return set_peer(e, "disabled", VALUE_BARE, "true");
	case EDIT_ENABLE_PEER:
		return set_peer(e, "disabled", VALUE_BARE, NULL);
	case EDIT_DELETE_PEER:
		return delete_named(e, "peers");
	case EDIT_INVITE_PEER:
		return invite_peer(e);
	case EDIT_SET_KEY:
		return set_key(e);
	case EDIT_SET_ENDPOINT:
		return set_peer(e, "endpoint", VALUE_TEXT, e->edit->endpoint);
	case EDIT_ADD_CIDR:
		return add_cidr(e);
	case EDIT_RENAME_CIDR:
		return rename_named(e, "cidrs");
	case EDIT_DELETE_CIDR:
		return delete_named(e, "cidrs");
	case EDIT_ADD_ASSOCIATION:
		return add_association(e);
	case EDIT_DELETE_ASSOCIATION:
		return delete_association(e);
	case EDIT_FOLD:
		return fold_peers(e);
	case N_EDIT_KINDS:
		break;
	}
	return -1;
}

int edit_apply(const struct edit *edit, const struct span *files, uint32_t n_files, struct buf *out, struct diags *d)
{
	struct editor e = {.edit = edit, .arena = arena_new(), .n_files = n_files, .diags = d};
	int rc = -1;

	e.files = e.arena ? arena_array(e.arena, n_files, sizeof(*e.files)) : NULL;
	if (!e.files) {
		d->out_of_memory = true;
		goto out;
	}
	for (uint32_t i = 0; i < n_files; i++)
		if (rewrite_open(&e.files[i], e.arena, files[i], i, d))
			goto out;
	if (make(&e))
		goto out;
	rc = 0;
	for (uint32_t i = 0; i < n_files && !rc; i++)
		if (e.files[i].n_splices)
			rc = rewrite_finish(&e.files[i], &out[i]);
out:
	for (uint32_t i = 0; e.files && i < n_files; i++)
		rewrite_close(&e.files[i]);
	arena_free(e.arena);
	return rc;
}
