/* The kinds of edits, a row each, and what is done with any of them. */
#include "schema/edit_row.h"

#include "schema/find.h"

#include <string.h>

const struct edit_row edit_rows[N_EDIT_KINDS] = {
    [EDIT_ADD_PEER] = {&edit_peers, 1, edit_check_add_peer, edit_add_peer, "add peer {name}",
		       "Peer '{name}' is in {file} already, as asked for.", edit_peer_place},
    [EDIT_RENAME_PEER] = {&edit_peers, 0, edit_check_rename, edit_rename, "rename peer {name} to {other}",
			  "Peer '{other}' is in {file} already, and no '{former}'.", NULL},
    [EDIT_DISABLE_PEER] = {&edit_peers, 0, edit_check_disable, edit_disable, "disable peer {name}",
			   "Peer '{name}' is disabled already.", NULL},
    [EDIT_ENABLE_PEER] = {&edit_peers, 0, edit_check_enable, edit_enable, "enable peer {name}",
			  "Peer '{name}' is enabled already.", NULL},
    [EDIT_DELETE_PEER] = {&edit_peers, -1, edit_check_delete, edit_delete, "delete peer {name}",
			  "There is no peer '{name}' in {file}{nearest}.", NULL},
    [EDIT_INVITE_PEER] = {&edit_peers, 0, edit_check_invite, edit_invite, "invite peer {name} again",
			  "Peer '{name}' has this invite already.", NULL},
    [EDIT_SET_KEY] = {&edit_peers, 0, edit_check_key, edit_set_key, "give peer {name} a key",
		      "Peer '{name}' has this key already.", NULL},
    [EDIT_SET_ENDPOINT] = {&edit_peers, 0, edit_check_endpoint, edit_set_endpoint, "set the endpoint of {name}",
			   "Peer '{name}' has {endpoint} already.", NULL},
    [EDIT_ADD_CIDR] = {&edit_cidrs, 1, edit_check_add_cidr, edit_add_cidr, "add CIDR {name}",
		       "CIDR '{name}' is in {file} already, as asked for.", edit_cidr_place},
    [EDIT_RENAME_CIDR] = {&edit_cidrs, 0, edit_check_rename, edit_rename, "rename CIDR {name} to {other}",
			  "CIDR '{other}' is in {file} already, and no '{former}'.", NULL},
    [EDIT_DELETE_CIDR] = {&edit_cidrs, -1, edit_check_delete, edit_delete, "delete CIDR {name}",
			  "There is no CIDR '{name}' in {file}{nearest}.", NULL},
    [EDIT_ADD_ASSOCIATION] = {&edit_associations, 1, edit_check_association, edit_add_association,
			      "associate {name} with {other}", "An association joins '{name}' and '{other}' in {file}.",
			      NULL},
    [EDIT_DELETE_ASSOCIATION] = {&edit_associations, -1, edit_check_association, edit_delete_association,
				 "part {name} from {other}", "No association joins '{name}' and '{other}' in {file}.",
				 NULL},
    [EDIT_FOLD] = {&edit_peers, 0, edit_check_fold, edit_fold_peers, "fold {folds}",
		   "Every key that was enrolled is in {file}{open}.", NULL},
};

enum edit_state edit_check(const struct edit *e, const struct model *m, struct diags *d)
{
	return edit_rows[e->kind].check(e, &edit_rows[e->kind], m, d);
}

int edit_apply(const struct edit *edit, const struct span *files, uint32_t n_files, struct buf *out, struct diags *d)
{
	struct editor e = {.edit = edit, .row = &edit_rows[edit->kind], .n_files = n_files, .diags = d};
	int rc = -1;

	e.arena = arena_new();
	e.files = e.arena ? arena_array(e.arena, n_files, sizeof(*e.files)) : NULL;
	if (!e.files) {
		diags_out_of_memory(d);
		goto out;
	}
	for (uint32_t i = 0; i < n_files; i++)
		if (rewrite_open(&e.files[i], e.arena, files[i], i, d))
			goto out;
	if (e.row->apply(&e))
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

static long count(const struct model *m, const struct edit_thing *thing)
{
	uint32_t n;

	memcpy(&n, (const char *)m + thing->count, sizeof(n));
	return n;
}

/* As many things of each kind are there as there should be. */
static bool counts_fit(const struct edit_row *row, const struct model *before, const struct model *after)
{
	static const struct edit_thing *const things[] = {&edit_peers, &edit_cidrs, &edit_associations};

	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++) {
		long more = row->thing == things[i] ? row->delta : 0;
		if (count(before, things[i]) + more != count(after, things[i]))
			return false;
	}
	return before->n_tests == after->n_tests;
}

int edit_verify(const struct edit *e, const struct model *before, const struct model *after, struct diags *d)
{
	const struct edit_row *row = &edit_rows[e->kind];
	struct diags quiet = {0};
	bool ok;

	if (row->place && row->place(e, after, d))
		return -1;
	ok = counts_fit(row, before, after) && edit_check(e, after, &quiet) == EDIT_ALREADY;
	diags_free(&quiet);
	if (ok)
		return 0;
	diag_help(d, diag_error(d, "edit-style", NULL, "the edit would not have done what it should"),
		  "edit it by hand");
	return -1;
}

static void put_name(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)m;
	buf_str(out, e->name ? e->name : e->peer.name);
}

static void put_other(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)m;
	buf_str(out, e->other);
}

static void put_file(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)e;
	buf_str(out, m->files[0]);
}

static void put_former(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)m;
	buf_str(out, strcmp(e->name, e->other) != 0 ? e->name : "other");
}

static void put_nearest(const struct edit *e, const struct model *m, struct buf *out)
{
	const char *near = model_nearest(m, e->name, edit_rows[e->kind].thing == &edit_cidrs);

	if (near)
		buf_printf(out, " (did you mean '%s'?)", near);
}

static void put_endpoint(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)m;
	buf_str(out, e->endpoint ? "this endpoint" : "no endpoint");
}

static void put_folds(const struct edit *e, const struct model *m, struct buf *out)
{
	(void)m;
	edit_put_folds(e, out);
}

static void put_open(const struct edit *e, const struct model *m, struct buf *out)
{
	uint32_t open = 0;

	(void)e;
	for (uint32_t i = 0; i < m->n_peers; i++)
		open += m->peers[i].is_invite;
	if (open)
		buf_printf(out, "; %u invite%s not redeemed", open, open == 1 ? " is" : "s are");
}

/* The words in braces of the rows' texts. */
static const struct {
	const char *word;
	void (*put)(const struct edit *e, const struct model *m, struct buf *out);
} words[] = {
    {"{name}", put_name},         {"{other}", put_other}, {"{file}", put_file}, /* the root file */
    {"{former}", put_former},     /* the name that is not there any more */
    {"{nearest}", put_nearest},   /* " (did you mean 'bob'?)", or nothing */
    {"{endpoint}", put_endpoint}, /* "this endpoint", "no endpoint" */
    {"{folds}", put_folds},       /* "the keys of alice and bob" */
    {"{open}", put_open},         /* "; 2 invites are not redeemed", or nothing */
};

static void put_text(const char *text, const struct edit *e, const struct model *m, struct buf *out)
{
	while (*text) {
		size_t i = 0, n = sizeof(words) / sizeof(words[0]);
		while (i < n && strncmp(text, words[i].word, strlen(words[i].word)) != 0)
			i++;
		if (i < n) {
			words[i].put(e, m, out);
			text += strlen(words[i].word);
		} else {
			buf_char(out, *text++);
		}
	}
}

void edit_describe(const struct edit *e, struct buf *out)
{
	put_text(edit_rows[e->kind].describe, e, NULL, out);
}

void edit_already(const struct edit *e, const struct model *m, struct buf *out)
{
	put_text(edit_rows[e->kind].already, e, m, out);
}
