#include "reconcile/edge/git/ledger_state.h"
#include "schema/order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_DEPTH_MAX 8 /* folders in folders: the fan-out has two below that of a kind */

/* What one refresh found. */
struct changes {
	struct enrolment *enrolments;
	struct key *spent;
	struct ledger_address *addresses;
	size_t n_enrolments, n_spent, n_addresses;
	size_t cap_enrolments, cap_spent, cap_addresses;
};

void *ledger_grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	size_t more = *cap ? 2 * *cap : 16;
	void *q = realloc(p, more * size);
	if (q)
		*cap = more;
	return q;
}

/* --- facts --- */

int ledger_address_cmp(const void *x, const void *y)
{
	return addr_cmp(&((const struct ledger_address *)x)->addr, &((const struct ledger_address *)y)->addr);
}

/* Merges new enrolments (sorted) into the facts; one an invite, the first wins. */
static int merge_enrolments(struct ledger *l, const struct changes *c)
{
	struct ledger_facts *f = &l->facts;
	size_t total = f->n_enrolments + c->n_enrolments, n = 0, i = 0, j = 0;
	struct enrolment *e;
	uint64_t *seq;

	if (!c->n_enrolments)
		return 0;
	e = calloc(total, sizeof(*e));
	seq = calloc(total, sizeof(*seq));
	if (!e || !seq) {
		free(e);
		free(seq);
		return -1;
	}
	l->sequence++;
	while (i < f->n_enrolments || j < c->n_enrolments) {
		int cmp = i == f->n_enrolments   ? 1
			  : j == c->n_enrolments ? -1
						 : enrolment_cmp(&f->enrolments[i], &c->enrolments[j]);
		seq[n] = cmp <= 0 ? l->sequences[i] : l->sequence;
		e[n++] = cmp <= 0 ? f->enrolments[i] : c->enrolments[j];
		i += cmp <= 0;
		j += cmp >= 0;
	}
	free(f->enrolments);
	free(l->sequences);
	f->enrolments = e;
	f->n_enrolments = n;
	l->sequences = seq;
	return 0;
}

/* The same for what needs no sequence: a new element replaces an equal one. */
static int merge_sorted(void **to, size_t *n_to, const void *from, size_t n_from, size_t size,
			int (*cmp)(const void *, const void *))
{
	size_t n = 0, i = 0, j = 0;
	char *out;

	if (!n_from)
		return 0;
	out = calloc(*n_to + n_from, size);
	if (!out)
		return -1;
	while (i < *n_to || j < n_from) {
		const char *a = (const char *)*to + i * size, *b = (const char *)from + j * size;
		int c = i == *n_to ? 1 : j == n_from ? -1 : cmp(a, b);
		memcpy(out + n++ * size, c < 0 ? a : b, size);
		i += c <= 0;
		j += c >= 0;
	}
	free(*to);
	*to = out;
	*n_to = n;
	return 0;
}

static int facts_merge(struct ledger *l, struct changes *c)
{
	struct ledger_facts *f = &l->facts;
	void *spent = f->spent, *addresses = f->addresses;
	int err;

	if (c->n_enrolments)
		qsort(c->enrolments, c->n_enrolments, sizeof(*c->enrolments), enrolment_cmp);
	if (c->n_spent)
		qsort(c->spent, c->n_spent, sizeof(*c->spent), order_key_cmp);
	if (c->n_addresses)
		qsort(c->addresses, c->n_addresses, sizeof(*c->addresses), ledger_address_cmp);
	err = merge_enrolments(l, c);
	if (!err)
		err = merge_sorted(&spent, &f->n_spent, c->spent, c->n_spent, sizeof(*c->spent), order_key_cmp);
	f->spent = spent;
	if (!err)
		err = merge_sorted(&addresses, &f->n_addresses, c->addresses, c->n_addresses, sizeof(*c->addresses),
				   ledger_address_cmp);
	f->addresses = addresses;
	if (err)
		return err;
	for (size_t i = 0; i < f->n_addresses; i++) {
		const struct enrolment *e = ledger_enrolment(f, &f->addresses[i].mark);
		if (e)
			f->addresses[i].enrolled = e->key;
	}
	return 0;
}

static void changes_free(struct changes *c)
{
	free(c->enrolments);
	free(c->spent);
	free(c->addresses);
}

/* --- reading --- */

static void bad_record(struct diags *d, const char *path, const char *why)
{
	struct diag *g = diag_warning(d, "ledger-record", NULL, "the ledger's %s is left out: %s", path, why);

	diag_help(d, g, "only the server writes to innernet/enrolments; undo what was pushed there");
}

static int take_enrolment(struct ledger *l, struct changes *c, const char *path, struct span bytes, struct diags *d)
{
	struct diags why = {0};
	struct enrolment e;
	char expect[LEDGER_PATH_LEN];
	void *p;

	if (enrolment_parse(bytes, &e, &why) || enrolment_check(&e, &l->id, &why)) {
		bad_record(d, path, why.first ? why.first->message : "not an enrolment");
		diags_free(&why);
		return 0;
	}
	diags_free(&why);
	ledger_key_path(expect, "enrolments", &e.invite);
	if (strcmp(expect, path)) {
		bad_record(d, path, "its name is not that of its invite");
		return 0;
	}
	if (!enrolment_is_for_all(&e)) {
		bad_record(d, path, "an enrolment of format 2, and this server takes format 1 alone");
		return 0;
	}
	if (!(p = ledger_grow(c->enrolments, c->n_enrolments, &c->cap_enrolments, sizeof(*c->enrolments))))
		return diags_out_of_memory(d);
	c->enrolments = p;
	c->enrolments[c->n_enrolments++] = e;
	return 0;
}

static int take_spent(struct changes *c, const char *path, struct span bytes, struct diags *d)
{
	struct key invite;
	char expect[LEDGER_PATH_LEN];
	void *p;

	if (ledger_spent_parse(bytes, &invite)) {
		bad_record(d, path, "not the record of a spent invite");
		return 0;
	}
	ledger_key_path(expect, "spent", &invite);
	if (strcmp(expect, path)) {
		bad_record(d, path, "its name is not that of its invite");
		return 0;
	}
	if (!(p = ledger_grow(c->spent, c->n_spent, &c->cap_spent, sizeof(*c->spent))))
		return diags_out_of_memory(d);
	c->spent = p;
	c->spent[c->n_spent++] = invite;
	return 0;
}

static int take_address(struct ledger *l, struct changes *c, const char *path, struct span bytes, struct diags *d)
{
	struct ledger_address a;
	char expect[LEDGER_PATH_LEN], name[NAME_MAX_LEN + 1];
	void *p;

	if (ledger_address_parse(bytes, &a, name)) {
		bad_record(d, path, "not the record of an address");
		return 0;
	}
	ledger_address_path(expect, &a.addr);
	if (strcmp(expect, path)) {
		bad_record(d, path, "its name is not that of its address");
		return 0;
	}
	if (!(a.name = arena_strdup(l->names, name)) ||
	    !(p = ledger_grow(c->addresses, c->n_addresses, &c->cap_addresses, sizeof(*c->addresses))))
		return diags_out_of_memory(d);
	c->addresses = p;
	c->addresses[c->n_addresses++] = a;
	return 0;
}

static int take_statement(struct ledger *l, const char *path, struct span bytes, struct diags *d)
{
	struct ledger_statement st = {0};
	char expect[LEDGER_PATH_LEN];
	struct span copy;
	void *p;

	hash_bytes(bytes.p, bytes.n, &st.record);
	for (size_t i = 0; i < l->n_statements; i++)
		if (!hash_cmp(&l->statements[i].record, &st.record))
			return 0;
	if (l->n_statements == CHAIN_MAX) {
		bad_record(d, path, "there are too many statements");
		return 0;
	}
	if (!(copy = arena_span(l->names, bytes)).p)
		return diags_out_of_memory(d);
	ledger_statement_path(expect, bytes);
	if (ledger_statement_parse(l->names, copy, &st.text, &st.parsed) || !key_eq(&st.parsed.trust.id, &l->id)) {
		bad_record(d, path, "not a statement of this network");
		return 0;
	}
	if (strcmp(expect, path)) {
		bad_record(d, path, "its name is not that of its content");
		return 0;
	}
	if (!(p = ledger_grow(l->statements, l->n_statements, &l->cap_statements, sizeof(*l->statements))))
		return diags_out_of_memory(d);
	l->statements = p;
	l->statements[l->n_statements++] = st;
	return 0;
}

static int take_file(struct ledger *l, struct changes *c, const git_diff_delta *delta, struct diags *d)
{
	const char *path = delta->new_file.path;
	git_blob *blob = NULL;
	git_odb *odb = NULL;
	git_object_t type;
	size_t n;
	int ret;

	if (delta->new_file.mode != GIT_FILEMODE_BLOB) {
		bad_record(d, path, "not a regular file");
		return 0;
	}
	git_error_clear();
	if (git_repository_odb(&odb, repo_git(l->repo)))
		goto corrupt;
	ret = git_odb_read_header(&n, &type, odb, &delta->new_file.id);
	git_odb_free(odb);
	if (ret)
		goto corrupt;
	const bool is_statement = !strncmp(path, "statements/", 11);
	if (n > (is_statement ? LEDGER_STATEMENT_MAX : LEDGER_RECORD_MAX)) {
		bad_record(d, path, "too large");
		return 0;
	}
	if (git_blob_lookup(&blob, repo_git(l->repo), &delta->new_file.id))
		goto corrupt;
	struct span bytes = {git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob)};
	if (!strncmp(path, "enrolments/", 11))
		ret = take_enrolment(l, c, path, bytes, d);
	else if (!strncmp(path, "spent/", 6))
		ret = take_spent(c, path, bytes, d);
	else if (!strncmp(path, "addresses/", 10))
		ret = take_address(l, c, path, bytes, d);
	else if (is_statement)
		ret = take_statement(l, path, bytes, d);
	else
		bad_record(d, path, "no such kind of record");
	git_blob_free(blob);
	return ret;
corrupt:
	diag_error(d, "ledger-corrupt", NULL, "cannot read %s of the ledger: %s", path, repo_git_error());
	return -1;
}

static int tree_of(struct ledger *l, const git_oid *commit, git_tree **out, struct diags *d)
{
	git_commit *c = NULL;
	struct diag *g;
	int err;

	git_error_clear();
	err = repo_commit_load(l->repo, commit, &c, out);
	git_commit_free(c);
	if (!err)
		return 0;
	g = diag_error(d, "ledger-corrupt", NULL, "cannot read commit %.12s of the ledger: %s", git_oid_tostr_s(commit),
		       repo_git_error());
	diag_help(d, g, "`git -C %s fsck` says more; invitations cannot be redeemed meanwhile", repo_folder(l->repo));
	return -1;
}

static int rewound(struct ledger *l, const char *how, struct diags *d)
{
	struct diag *g = diag_error(d, "ledger-rewound", NULL, "the ledger (branch innernet/enrolments) %s", how);

	if (l->remote)
		diag_help(
		    d, g,
		    "put it back on the remote: git -C %s push --force REMOTE %s:%s; invitations cannot be redeemed "
		    "until then",
		    repo_folder(l->repo), l->position, LEDGER_REF);
	else
		diag_help(d, g, "put it back: git -C %s update-ref %s %s; invitations cannot be redeemed until then",
			  repo_folder(l->repo), LEDGER_REF, l->position);
	return -1;
}

/* What comparing two commits will load. A folder that stands in many places counts in each, as it will be read there. */
struct extent {
	size_t files, folders;
};

static int extent_refused(const char *why)
{
	git_error_set_str(GIT_ERROR_TREE, why);
	return -1;
}

/* What is new in `b`. All of `a` was looked at when that was new. */
static int trees_bounded(struct ledger *l, const git_tree *a, const git_tree *b, unsigned depth, struct extent *all)
{
	int err = 0;

	for (size_t i = 0; i < git_tree_entrycount(b) && !err; i++) {
		const git_tree_entry *e = git_tree_entry_byindex(b, i);
		const git_tree_entry *was = a ? git_tree_entry_byname(a, git_tree_entry_name(e)) : NULL;
		git_tree *inner = NULL, *before = NULL;

		if (was && git_oid_equal(git_tree_entry_id(was), git_tree_entry_id(e)))
			continue;
		if (git_tree_entry_type(e) != GIT_OBJECT_TREE) {
			all->files++;
		} else if (depth == LEDGER_DEPTH_MAX) {
			return extent_refused("its folders lie too deep");
		} else {
			all->folders++;
		}
		if (all->files > LEDGER_RECORDS_MAX || all->folders > LEDGER_FOLDERS_MAX)
			return extent_refused("it holds too many files or folders");
		if (git_tree_entry_type(e) != GIT_OBJECT_TREE)
			continue;
		err = repo_tree_load(l->repo, git_tree_entry_id(e), &inner);
		if (!err && was && git_tree_entry_type(was) == GIT_OBJECT_TREE)
			err = repo_tree_load(l->repo, git_tree_entry_id(was), &before);
		if (!err)
			err = trees_bounded(l, before, inner, depth + 1, all);
		git_tree_free(inner);
		git_tree_free(before);
	}
	return err;
}

/* Reads what is between two commits into the facts. `from` NULL: everything. */
static int read_between(struct ledger *l, const git_oid *from, const git_oid *to, struct diags *d)
{
	git_tree *a = NULL, *b = NULL;
	git_diff *diff = NULL;
	struct changes c = {0};
	struct extent all = {0};
	int ret = -1;

	if ((from && tree_of(l, from, &a, d)) || tree_of(l, to, &b, d))
		goto out;
	git_error_clear();
	if (trees_bounded(l, a, b, 0, &all) || git_diff_tree_to_tree(&diff, repo_git(l->repo), a, b, NULL)) {
		diag_error(d, "ledger-corrupt", NULL, "cannot compare commits of the ledger: %s", repo_git_error());
		goto out;
	}
	for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
		const git_diff_delta *delta = git_diff_get_delta(diff, i);
		if (delta->status == GIT_DELTA_DELETED) {
			rewound(l, "lost records that it had", d);
			goto out;
		}
		if (take_file(l, &c, delta, d) < 0)
			goto out;
	}
	if (facts_merge(l, &c) < 0) {
		diags_out_of_memory(d);
		goto out;
	}
	ret = 0;
out:
	changes_free(&c);
	git_diff_free(diff);
	git_tree_free(a);
	git_tree_free(b);
	return ret;
}

static void moved_to(struct ledger *l, const git_oid *tip)
{
	l->tip = *tip;
	l->has_tip = l->loaded = true;
	git_oid_tostr(l->position, sizeof(l->position), tip);
	l->positions[l->n_positions++ % POSITIONS_KEPT] = (struct position){*tip, l->sequence};
}

/* 1: the branch is somewhere new (*tip). 0: nothing new. */
static int find_tip(struct ledger *l, git_oid *tip, struct diags *d)
{
	int err;

	git_error_clear();
	err = git_reference_name_to_id(tip, repo_git(l->repo), l->ref);
	if (err == GIT_ENOTFOUND)
		return l->has_tip ? rewound(l, "is missing", d) : 0;
	if (err) {
		diag_error(d, "ledger-corrupt", NULL, "cannot read the ledger's branch: %s", repo_git_error());
		return -1;
	}
	if (l->has_tip && git_oid_equal(tip, &l->tip))
		return !l->loaded;
	if (l->has_tip) {
		git_tree *tree = NULL;
		/* Bounded before it is followed. */
		if (tree_of(l, tip, &tree, d) < 0)
			return -1;
		git_tree_free(tree);
		struct diags why = {0};
		err = repo_descends(l->repo, tip, &l->tip, LEDGER_COMMITS_MAX, &why);
		if (err < 0)
			diag_error(d, "ledger-corrupt", NULL,
				   "cannot find the last good commit in the ledger's history: %s",
				   why.first ? why.first->message : "out of memory");
		diags_free(&why);
		if (err <= 0)
			return err ? -1 : rewound(l, "was rewound or rewritten", d);
	}
	return 1;
}

int ledger_refresh(struct ledger *l, struct diags *d)
{
	git_oid tip;
	int moved = find_tip(l, &tip, d);

	l->available = moved == 0;
	/* After a restart: first what was good, so that records which went since are missed. */
	if (moved > 0 && l->has_tip && !l->loaded && !git_oid_equal(&tip, &l->tip)) {
		const git_oid known = l->tip;
		if (read_between(l, NULL, &known, d) < 0)
			return -1;
		moved_to(l, &known);
	}
	if (moved > 0 && read_between(l, l->loaded ? &l->tip : NULL, &tip, d) < 0)
		moved = -1;
	if (moved < 0) {
		l->available = false;
		/* After a restart the last good one is still in git, though no branch may point at it. */
		struct diags quiet = {0};
		if (l->has_tip && !l->loaded && !read_between(l, NULL, &l->tip, &quiet)) {
			git_oid last = l->tip;
			moved_to(l, &last);
		}
		diags_free(&quiet);
		return -1;
	}
	if (moved) {
		moved_to(l, &tip);
		l->available = true;
	}
	return moved;
}

/* --- the rest --- */

struct ledger *ledger_new(struct repo *r, const struct key *id, const char *known, struct diags *d)
{
	struct ledger *l = calloc(1, sizeof(*l));

	if (!l || !(l->names = arena_new())) {
		free(l);
		diags_out_of_memory(d);
		return NULL;
	}
	l->repo = r;
	l->ref = LEDGER_REF;
	l->id = *id;
	memcpy(l->position, "-", 2);
	if (known && strlen(known) == GIT_OID_HEXSZ && !git_oid_fromstr(&l->tip, known)) {
		l->has_tip = true;
		git_oid_tostr(l->position, sizeof(l->position), &l->tip);
	}
	return l;
}

struct ledger *ledger_new_tracking(struct repo *r, const struct key *id, struct diags *d)
{
	struct ledger *l = ledger_new(r, id, NULL, d);

	if (l)
		l->ref = LEDGER_TRACKING_REF;
	return l;
}

struct ledger *ledger_new_remote(struct repo *r, const struct key *id, const char *known, struct diags *d)
{
	struct ledger *l = ledger_new(r, id, known, d);

	if (l) {
		l->ref = LEDGER_TRACKING_REF;
		l->remote = true;
	}
	return l;
}

int ledger_pin(struct ledger *l, struct diags *d)
{
	git_reference *ref = NULL;
	int err;

	if (!l->has_tip)
		return 0;
	git_error_clear();
	err = git_reference_create(&ref, repo_git(l->repo), LEDGER_GOOD_REF, &l->tip, 1, "good");
	git_reference_free(ref);
	if (err == GIT_ELOCKED)
		repo_lock_clear(l->repo, LEDGER_GOOD_REF);
	if (!err)
		return 0;
	diag_error(d, "ledger-write", NULL, "cannot write %s: %s", LEDGER_GOOD_REF, repo_git_error());
	return -1;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	free(l->facts.enrolments);
	free(l->facts.spent);
	free(l->facts.addresses);
	free(l->sequences);
	free(l->due);
	free(l->statements);
	arena_free(l->names);
	free(l);
}

bool ledger_available(const struct ledger *l)
{
	return l->available;
}

const char *ledger_position(const struct ledger *l)
{
	return l->position;
}

const struct ledger_facts *ledger_facts(const struct ledger *l)
{
	return &l->facts;
}

const struct ledger_statement *ledger_statements(const struct ledger *l, size_t *n)
{
	*n = l->n_statements;
	return l->statements;
}

bool ledger_is_spent(const struct ledger *l, const struct key *invite)
{
	const struct ledger_facts *f = &l->facts;

	return f->n_spent && bsearch(invite, f->spent, f->n_spent, sizeof(*f->spent), order_key_cmp);
}

bool ledger_since(const struct ledger *l, const char *position, uint64_t *since)
{
	git_oid id;
	size_t kept = l->n_positions < POSITIONS_KEPT ? l->n_positions : POSITIONS_KEPT;

	if (strlen(position) != GIT_OID_HEXSZ || git_oid_fromstr(&id, position))
		return false;
	for (size_t i = 1; i <= kept; i++) {
		const struct position *p = &l->positions[(l->n_positions - i) % POSITIONS_KEPT];
		if (git_oid_equal(&p->tip, &id)) {
			*since = p->sequence;
			return true;
		}
	}
	return false;
}

uint64_t ledger_sequence(const struct ledger *l, const struct enrolment *e)
{
	return l->sequences[e - l->facts.enrolments];
}
