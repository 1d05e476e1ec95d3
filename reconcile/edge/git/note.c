#include "reconcile/edge/git/note.h"
#include "reconcile/edge/git/repo_write.h"

#include <stdio.h>
#include <string.h>

#define NOTES_BACK    500 /* commits that are looked at for one that was published */
#define NOTE_RETRIES  16
#define FANOUTS       3 /* 40 digits; 2 and 38; 2, 2 and 36: as git(1) may have left them */
#define NOTE_PATH_LEN (GIT_OID_HEXSZ + 3)

static void note_path(const char *sha, unsigned fanout, char out[static NOTE_PATH_LEN])
{
	if (fanout == 0)
		snprintf(out, NOTE_PATH_LEN, "%.40s", sha);
	else if (fanout == 1)
		snprintf(out, NOTE_PATH_LEN, "%.2s/%.38s", sha, sha + 2);
	else
		snprintf(out, NOTE_PATH_LEN, "%.2s/%.2s/%.36s", sha, sha + 2, sha + 4);
}

/* The notes' newest tree. 0; GIT_ENOTFOUND when there are none yet; another of libgit2's errors. */
static int notes_tree(struct repo *r, git_oid *tip, git_tree **tree)
{
	git_commit *c = NULL;
	int err;

	*tree = NULL;
	if ((err = git_reference_name_to_id(tip, repo_git(r), NOTE_REF)))
		return err;
	/* What is there but cannot be read is not absent. */
	if (repo_commit_load(r, tip, &c, tree))
		err = GIT_ERROR;
	git_commit_free(c);
	return err;
}

static bool note_at(const git_tree *tree, const char *path, git_oid *blob)
{
	git_tree_entry *e = NULL;
	bool found = tree && !git_tree_entry_bypath(&e, tree, path) && git_tree_entry_type(e) == GIT_OBJECT_BLOB;

	if (found)
		*blob = *git_tree_entry_id(e);
	git_tree_entry_free(e);
	return found;
}

/* What to change so that the note stands at our place alone. Returns how many changes. */
static size_t updates_make(const git_tree *tree, const char *sha, const git_oid *blob,
			   char paths[static FANOUTS][NOTE_PATH_LEN], git_tree_update out[static FANOUTS])
{
	size_t n = 0;

	for (unsigned fanout = 0; fanout < FANOUTS; fanout++) {
		git_oid was;
		note_path(sha, fanout, paths[fanout]);
		bool there = note_at(tree, paths[fanout], &was);
		if (fanout == 1 && !(there && git_oid_equal(&was, blob)))
			out[n++] = (git_tree_update){GIT_TREE_UPDATE_UPSERT, *blob, GIT_FILEMODE_BLOB, paths[fanout]};
		else if (fanout != 1 && there)
			out[n++] = (git_tree_update){.action = GIT_TREE_UPDATE_REMOVE, .path = paths[fanout]};
	}
	return n;
}

/* 1: another writer was first. Negative: libgit2's error. */
static int note_try(struct repo *r, const char *sha, const git_oid *blob)
{
	char paths[FANOUTS][NOTE_PATH_LEN], message[64];
	git_tree_update updates[FANOUTS];
	git_tree *tree;
	git_oid tip, id;
	int err = notes_tree(r, &tip, &tree);
	const bool first = err == GIT_ENOTFOUND;

	if (err && !first)
		return err;
	size_t n = updates_make(tree, sha, blob, paths, updates);
	git_tree_free(tree);
	if (!n)
		return 0;
	snprintf(message, sizeof(message), "verdict on %.12s\n", sha);
	if ((err = repo_commit_make(r, first ? NULL : &tip, updates, n, message, &id)))
		return err;
	return repo_ref_swap(r, NOTE_REF, first ? NULL : &tip, &id, message);
}

int note_write(struct repo *r, const char *sha, struct span text, struct diags *d)
{
	struct diag *g;
	git_oid blob;
	int err;

	git_error_clear();
	err = strlen(sha) == GIT_OID_HEXSZ ? git_blob_create_from_buffer(&blob, repo_git(r), text.p, text.n)
					   : GIT_EINVALIDSPEC;
	for (int i = 0; !err && i < NOTE_RETRIES; i++) {
		if (!(err = note_try(r, sha, &blob)))
			return 0;
		if (err > 0)
			err = 0;
	}
	if (!err) {
		g = diag_error(d, "note-busy", NULL, "%s stayed locked or changed each time", NOTE_REF);
		diag_help(d, g, "does another program write to it?");
	} else {
		g = diag_error(d, "note-write", NULL, "cannot write the verdict on %.12s to %s: %s", sha, NOTE_REF,
			       repo_git_error());
		diag_help(d, g, "is there room, and may this user write to %s?", repo_folder(r));
	}
	return -1;
}

bool note_read(struct repo *r, const char *sha, size_t max, struct buf *out)
{
	char path[NOTE_PATH_LEN];
	git_tree *tree = NULL;
	git_blob *blob = NULL;
	git_oid tip, id;
	bool found = false;

	if (strlen(sha) != GIT_OID_HEXSZ || notes_tree(r, &tip, &tree))
		return false;
	for (unsigned fanout = 0; fanout < FANOUTS && !found; fanout++) {
		note_path(sha, fanout, path);
		found = note_at(tree, path, &id);
	}
	git_tree_free(tree);
	if (!found || repo_blob_load(r, &id, GIT_NOTE_MAX, &blob))
		return false;
	const size_t n = (size_t)git_blob_rawsize(blob);
	buf_add(out, git_blob_rawcontent(blob), n < max ? n : max);
	git_blob_free(blob);
	return !out->failed;
}

bool note_published(struct repo *r, const char *sha, char out[static HASH_HEX_LEN + 1])
{
	git_oid id;
	bool found = false;

	if (git_oid_fromstr(&id, sha))
		return false;
	for (unsigned i = 0; i < NOTES_BACK && !found; i++) {
		struct buf text = {0};
		git_commit *c = NULL;
		git_tree *tree = NULL;
		git_oid_tostr(out, GIT_OID_HEXSZ + 1, &id);
		found = note_read(r, out, sizeof(NOTE_PUBLISHED), &text) && text.p &&
			(!strncmp(text.p, NOTE_PUBLISHED, strlen(NOTE_PUBLISHED)) ||
			 !strncmp(text.p, NOTE_UNCHANGED, strlen(NOTE_UNCHANGED)));
		buf_free(&text);
		const bool more = !found && !repo_commit_load(r, &id, &c, &tree) && git_commit_parentcount(c);
		if (more)
			id = *git_commit_parent_id(c, 0);
		git_tree_free(tree);
		git_commit_free(c);
		if (!more)
			break;
	}
	return found;
}
