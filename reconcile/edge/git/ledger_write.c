/* Writing the ledger: one commit on what it is now, and its branch moved only if it still is. */
#include "reconcile/edge/git/ledger_state.h"
#include "schema/order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BULK_RECORDS 32 /* from here on one syncfs is cheaper than two fsyncs a record */

/* A record about to be written. */
struct record {
	char path[LEDGER_PATH_LEN];
	git_oid blob;
};
struct records {
	struct record *r;
	size_t n, cap;
};

static int write_failed(struct ledger *l, struct diags *d)
{
	struct diag *g;

	snprintf(l->write_problem, sizeof(l->write_problem), "cannot write to the ledger: %s", repo_git_error());
	g = diag_error(d, "ledger-write", NULL, "%s", l->write_problem);
	diag_help(d, g, "is there room, and may this user write to %s?", repo_folder(l->repo));
	return -1;
}

static int record_add(struct ledger *l, struct records *rs, const char *path, const struct buf *text, struct diags *d)
{
	void *p = ledger_grow(rs->r, rs->n, &rs->cap, sizeof(*rs->r));

	if (!p || text->failed) {
		if (p)
			rs->r = p;
		return diags_out_of_memory(d);
	}
	rs->r = p;
	git_error_clear();
	if (git_blob_create_from_buffer(&rs->r[rs->n].blob, repo_git(l->repo), text->p, text->n)) {
		return write_failed(l, d);
	}
	snprintf(rs->r[rs->n++].path, LEDGER_PATH_LEN, "%s", path);
	return 0;
}

/* The commit of one attempt, on top of what the branch is now. */
static int make_commit(struct ledger *l, const struct records *rs, const char *message, git_oid *out)
{
	git_tree_update *updates = calloc(rs->n + 1, sizeof(*updates));
	int err = GIT_ERROR;

	for (size_t i = 0; updates && i < rs->n; i++)
		updates[i] = (git_tree_update){GIT_TREE_UPDATE_UPSERT, rs->r[i].blob, GIT_FILEMODE_BLOB, rs->r[i].path};
	if (updates)
		err = repo_commit_make(l->repo, l->has_tip ? &l->tip : NULL, updates, rs->n, message, out);
	free(updates);
	return err;
}

/* One attempt. Returns 1 when another writer was first, or has the lock: look again. */
static int swap(struct ledger *l, const struct records *rs, const char *message, struct diags *d)
{
	git_oid id;
	int err;

	if (rs->n > BULK_RECORDS) {
		int fd = open(repo_folder(l->repo), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = make_commit(l, rs, message, &id);
		if (!err && (fd < 0 || syncfs(fd) < 0)) {
			git_error_set_str(GIT_ERROR_OS, strerror(errno));
			err = GIT_ERROR;
		}
		if (fd >= 0)
			close(fd);
		git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	} else {
		err = make_commit(l, rs, message, &id);
	}
	if (!err && (err = repo_ref_swap(l->repo, LEDGER_REF, l->has_tip ? &l->tip : NULL, &id, message)) > 0)
		return 1;
	if (err)
		return write_failed(l, d);
	l->write_problem[0] = '\0';
	return 0;
}

static int gave_up(struct ledger *l, struct diags *d)
{
	struct diag *g;

	snprintf(l->write_problem, sizeof(l->write_problem), "the ledger's branch stayed locked or changed each time");
	g = diag_error(d, "ledger-busy", NULL, "%s", l->write_problem);

	diag_help(d, g, "does another program write to innernet/enrolments?");
	return -1;
}

static bool key_enrolled(const struct ledger_facts *f, const struct key *key)
{
	for (size_t i = 0; i < f->n_enrolments; i++)
		if (key_eq(&f->enrolments[i].key, key))
			return true;
	return false;
}

enum redeem_result ledger_redeem(struct ledger *l, const struct enrolment *e, struct diags *d)
{
	struct buf text = {0}, message = {0};
	struct records rs = {0};
	char path[LEDGER_PATH_LEN], b64[KEY_B64_LEN + 1];
	enum redeem_result ret = REDEEM_UNAVAILABLE;

	ledger_key_path(path, "enrolments", &e->invite);
	key_format(&e->invite, b64);
	enrolment_write(&text, e);
	buf_printf(&message, "redeem %s\n", b64);
	if (message.failed) {
		diags_out_of_memory(d);
		goto out;
	}
	for (int i = 0; i < LEDGER_RETRIES; i++) {
		if (ledger_refresh(l, d) < 0)
			goto out;
		const struct enrolment *before = ledger_enrolment(&l->facts, &e->invite);
		if (before)
			ret = key_eq(&before->key, &e->key) ? REDEEM_OK : REDEEM_USED;
		else if (ledger_is_spent(l, &e->invite))
			ret = REDEEM_USED;
		else if (key_enrolled(&l->facts, &e->key))
			ret = REDEEM_KEY_KNOWN;
		if (ret != REDEEM_UNAVAILABLE)
			goto out;
		if (!rs.n && record_add(l, &rs, path, &text, d) < 0)
			goto out;
		int err = swap(l, &rs, message.p, d);
		if (err < 0)
			goto out;
		if (!err) {
			/* The record is durable now, even if the refresh fails. */
			ledger_refresh(l, d);
			ret = REDEEM_OK;
			goto out;
		}
	}
	gave_up(l, d);
out:
	free(rs.r);
	buf_free(&text);
	buf_free(&message);
	return ret;
}

/* Sorted invites of a model; *out is malloc'ed. */
static int model_invites(const struct model *m, struct key **out, size_t *n)
{
	*n = 0;
	if (!(*out = calloc(m->n_peers ? m->n_peers : 1, sizeof(**out))))
		return -1;
	for (uint32_t i = 0; i < m->n_peers; i++)
		if (m->peers[i].is_invite)
			(*out)[(*n)++] = m->peers[i].key;
	if (*n)
		qsort(*out, *n, sizeof(**out), order_key_cmp);
	return 0;
}

static int spend(struct ledger *l, struct records *rs, const struct key *invite, const char *commit, struct diags *d)
{
	struct buf text = {0};
	char path[LEDGER_PATH_LEN];
	int ret;

	if (ledger_is_spent(l, invite))
		return 0;
	ledger_key_path(path, "spent", invite);
	ledger_spent_write(&text, invite, commit);
	ret = record_add(l, rs, path, &text, d);
	buf_free(&text);
	return ret;
}

/* Is the peer still there, by its name or its address, with something else in the place of its invite? */
static bool was_replaced(const struct model *m, const struct peer *old)
{
	return model_peer_by_name(m, old->name) != NONE || model_peer_by_addr(m, &old->ip[0]) != NONE;
}

const struct key *ledger_due(const struct ledger *l, size_t *n)
{
	*n = l->n_due;
	return l->due;
}

int ledger_due_add(struct ledger *l, const struct key *invites, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *list = ledger_grow(l->due, l->n_due, &l->cap_due, sizeof(*l->due));
		if (!list)
			return -1;
		l->due = list;
		l->due[l->n_due++] = invites[i];
	}
	return 0;
}

/* Notes the invites of `old` that the new model replaced. Only this comparison shows them, so they are kept. */
static int due_add(struct ledger *l, const struct model *m, const struct model *old, struct diags *d)
{
	struct key *invites;
	size_t n;

	if (!old)
		return 0;
	if (model_invites(m, &invites, &n) < 0)
		return diags_out_of_memory(d);
	for (uint32_t i = 0; i < old->n_peers; i++) {
		const struct peer *p = &old->peers[i];
		if (!p->is_invite || (n && bsearch(&p->key, invites, n, sizeof(*invites), order_key_cmp)) ||
		    ledger_enrolment(&l->facts, &p->key) || !was_replaced(m, p))
			continue;
		if (ledger_due_add(l, &p->key, 1) < 0) {
			free(invites);
			return diags_out_of_memory(d);
		}
	}
	free(invites);
	return 0;
}

/* What was due is on the ledger, or stands in the definition again. */
static void due_prune(struct ledger *l, const struct key *invites, size_t n_invites)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_due; i++)
		if (!ledger_is_spent(l, &l->due[i]) &&
		    !(n_invites && bsearch(&l->due[i], invites, n_invites, sizeof(*invites), order_key_cmp)))
			l->due[n++] = l->due[i];
	l->n_due = n;
}

static int collect_spent(struct ledger *l, struct records *rs, const struct model *m, const char *commit,
			 struct diags *d)
{
	const struct ledger_facts *f = &l->facts;
	struct key *invites;
	size_t n;
	int ret = 0;

	if (model_invites(m, &invites, &n) < 0)
		return diags_out_of_memory(d);
	for (size_t i = 0; i < f->n_enrolments && !ret; i++)
		if (!(n && bsearch(&f->enrolments[i].invite, invites, n, sizeof(*invites), order_key_cmp)))
			ret = spend(l, rs, &f->enrolments[i].invite, commit, d);
	due_prune(l, invites, n);
	for (size_t i = 0; i < l->n_due && !ret; i++)
		ret = spend(l, rs, &l->due[i], commit, d);
	free(invites);
	return ret;
}

static int collect_addresses(struct ledger *l, struct records *rs, const struct model *m, const char *commit,
			     struct diags *d)
{
	struct buf text = {0};
	char path[LEDGER_PATH_LEN];
	int ret = 0;

	for (uint32_t i = 0; i < m->n_peers && !ret; i++) {
		const struct peer *p = &m->peers[i];
		for (unsigned j = 0; j < p->n_ips && !ret; j++) {
			const struct ledger_address a = {.addr = p->ip[j], .mark = p->key, .name = p->name};
			const struct ledger_address *was =
			    l->facts.n_addresses
				? bsearch(&a, l->facts.addresses, l->facts.n_addresses, sizeof(a), ledger_address_cmp)
				: NULL;
			if (was && key_eq(&was->mark, &a.mark) && !strcmp(was->name, a.name))
				continue;
			ledger_address_path(path, &a.addr);
			buf_reset(&text);
			ledger_address_write(&text, &a, commit);
			ret = record_add(l, rs, path, &text, d);
		}
	}
	buf_free(&text);
	return ret;
}

int ledger_record(struct ledger *l, const struct model *m, const struct model *old, const char *commit, struct diags *d)
{
	struct records rs = {0};
	char message[64];
	int ret = -1;

	snprintf(message, sizeof(message), "publish %.12s\n", commit);
	if (due_add(l, m, old, d) < 0)
		return -1;
	for (int i = 0; i < LEDGER_RETRIES; i++) {
		if (ledger_refresh(l, d) < 0)
			goto out;
		rs.n = 0;
		/* Many small files: one sync before the ref moves instead of one or two for each of them. */
		if (l->facts.n_addresses + BULK_RECORDS < m->n_peers)
			git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 0);
		if (collect_spent(l, &rs, m, commit, d) < 0 || collect_addresses(l, &rs, m, commit, d) < 0)
			goto out;
		if (!rs.n) {
			ret = 0;
			goto out;
		}
		int err = swap(l, &rs, message, d);
		if (err < 0)
			goto out;
		if (!err) {
			ret = ledger_refresh(l, d) < 0 ? -1 : 0;
			due_prune(l, NULL, 0);
			goto out;
		}
	}
	gave_up(l, d);
out:
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	free(rs.r);
	return ret;
}

const char *ledger_write_problem(const struct ledger *l)
{
	return l->write_problem[0] ? l->write_problem : NULL;
}

void ledger_write_retry(struct ledger *l)
{
	const struct records none = {0};
	struct diags quiet = {0};

	if (!l->remote && l->write_problem[0] && l->has_tip && ledger_refresh(l, &quiet) >= 0 &&
	    !swap(l, &none, "a write after one that failed\n", &quiet))
		ledger_refresh(l, &quiet);
	diags_free(&quiet);
}

/* --- on a remote --- */

int ledger_replace(struct ledger *l, const struct model *m, const struct model *old, struct diags *d)
{
	return due_add(l, m, old, d);
}

void ledger_write_failed(struct ledger *l, const char *problem)
{
	snprintf(l->write_problem, sizeof(l->write_problem), "%s", problem ? problem : "");
}

static bool key_among(const struct enrolment *const *list, size_t n, const struct enrolment *e)
{
	for (size_t i = 0; i < n; i++)
		if (key_eq(&list[i]->invite, &e->invite) || key_eq(&list[i]->key, &e->key))
			return true;
	return false;
}

/* The first enrolment of each invite whose key no peer has yet. */
static int collect_enrolments(struct ledger *l, struct records *rs, const struct enrolment *const *list, size_t n,
			      struct diags *d)
{
	char path[LEDGER_PATH_LEN];
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++) {
		struct buf text = {0};
		if (ledger_enrolment(&l->facts, &list[i]->invite) || ledger_is_spent(l, &list[i]->invite) ||
		    key_enrolled(&l->facts, &list[i]->key) || key_among(list, i, list[i]))
			continue;
		ledger_key_path(path, "enrolments", &list[i]->invite);
		enrolment_write(&text, list[i]);
		ret = record_add(l, rs, path, &text, d);
		buf_free(&text);
	}
	return ret;
}

static void proposal_message(size_t redeemed, size_t others, const char *commit, char out[static 96])
{
	int n = 0;

	if (redeemed)
		n = snprintf(out, 96, "redeem %zu invitation%s%s", redeemed, redeemed == 1 ? "" : "s",
			     others ? "; " : "\n");
	if (others)
		snprintf(out + n, 96 - (size_t)n, "publish %.12s\n", commit);
}

static int collect_statements(struct ledger *l, struct records *rs, const struct ledger_wish *wish, struct diags *d)
{
	int ret = 0;

	for (size_t i = 0; i < wish->n_statements && !ret; i++) {
		const struct span bytes = wish->statements[i];
		char path[LEDGER_PATH_LEN];
		struct buf text = {0};
		struct hash h;
		bool there = false;

		hash_bytes(bytes.p, bytes.n, &h);
		for (size_t k = 0; k < l->n_statements && !there; k++)
			there = !hash_cmp(&l->statements[k].record, &h);
		if (there)
			continue;
		ledger_statement_path(path, bytes);
		buf_add(&text, bytes.p, bytes.n);
		ret = record_add(l, rs, path, &text, d);
		buf_free(&text);
	}
	return ret;
}

int ledger_propose(struct ledger *l, const struct ledger_wish *wish, struct ledger_proposal *out, struct diags *d)
{
	struct records rs = {0};
	char message[96];
	git_oid id;
	int ret = -1;

	*out = (struct ledger_proposal){0};
	if (ledger_refresh(l, d) < 0 || collect_enrolments(l, &rs, wish->enrolments, wish->n_enrolments, d) < 0)
		goto out;
	const size_t redeemed = rs.n;
	if (wish->m && (collect_spent(l, &rs, wish->m, wish->commit, d) < 0 ||
			collect_addresses(l, &rs, wish->m, wish->commit, d) < 0))
		goto out;
	if (collect_statements(l, &rs, wish, d) < 0)
		goto out;
	if (!rs.n) {
		ret = 0;
		goto out;
	}
	proposal_message(redeemed, rs.n - redeemed, wish->commit, message);
	git_error_clear();
	if (make_commit(l, &rs, message, &id)) {
		write_failed(l, d);
		goto out;
	}
	if (l->has_tip)
		git_oid_tostr(out->from, sizeof(out->from), &l->tip);
	git_oid_tostr(out->to, sizeof(out->to), &id);
	ret = 1;
out:
	free(rs.r);
	return ret;
}

int ledger_landed(struct ledger *l, const struct ledger_proposal *p, struct diags *d)
{
	git_oid from, to;
	int err = git_oid_fromstr(&to, p->to);

	git_error_clear();
	if (!err && *p->from)
		err = git_oid_fromstr(&from, p->from);
	for (int i = 0; !err && i < LEDGER_RETRIES; i++)
		if ((err = repo_ref_swap(l->repo, l->ref, *p->from ? &from : NULL, &to, "pushed")) <= 0)
			break;
	l->write_problem[0] = '\0';
	if (err < 0)
		write_failed(l, d);
	if (ledger_refresh(l, d) < 0 || err < 0)
		return -1;
	due_prune(l, NULL, 0);
	return 0;
}
