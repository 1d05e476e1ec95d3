/* innernet fold: writes the keys of redeemed invitations from the ledger into the definition. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit/edit.h"
#include "reconcile/text/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int fold_cmp(const void *a, const void *b)
{
	return strcmp(((const struct edit_fold *)a)->name, ((const struct edit_fold *)b)->name);
}

/* Sorts the folds by name, drops duplicates, and stores them in job->edit. */
static void set_folds(struct edit_job *job, struct edit_fold *f, uint32_t n)
{
	uint32_t kept = 0;

	if (n)
		qsort(f, n, sizeof(*f), fold_cmp);
	for (uint32_t i = 0; i < n; i++)
		if (!kept || strcmp(f[kept - 1].name, f[i].name) != 0)
			f[kept++] = f[i];
	job->edit.folds = f;
	job->edit.n_folds = kept;
}

static int take(struct edit_job *job)
{
	const struct invocation *inv = job->inv;
	int first = job->git.own.path || (inv->n_args && !name_valid(inv->args[0], strlen(inv->args[0])));
	uint32_t n = 0;
	struct edit_fold *f = arena_array(job->arena, (size_t)inv->n_args + 1, sizeof(*f));

	if (!f) {
		diags_out_of_memory(&job->diags);
		return 1;
	}
	for (int i = first; i < inv->n_args; i++) {
		if (!name_valid(inv->args[i], strlen(inv->args[i])))
			return usage_error(inv, "fold: '%s' is not the name of a peer", inv->args[i]);
		f[n++] = (struct edit_fold){.name = inv->args[i]};
	}
	set_folds(job, f, n);
	return 0;
}

/* Returns the enrolment of a peer's invite, or NULL: no invite, a void one, or one that is not redeemed. */
static const struct enrolment *enrolled(const struct edit_job *job, const struct peer *p)
{
	return p->is_invite && !ledger_is_spent(job->ledger, &p->key)
		   ? ledger_enrolment(ledger_facts(job->ledger), &p->key)
		   : NULL;
}

/* Checks that each peer on the command line has a key or an enrolment. Returns -1 with diagnostics. */
static int check_named(struct edit_job *job)
{
	const struct model *m = job->before;
	int rc = 0;

	for (uint32_t i = 0; i < job->edit.n_folds; i++) {
		const struct peer *p = &m->peers[model_peer_by_name(m, job->edit.folds[i].name)];
		bool spent = p->is_invite && ledger_is_spent(job->ledger, &p->key);
		if (!p->is_invite || enrolled(job, p))
			continue;
		if (spent)
			diag_help(&job->diags,
				  diag_error(&job->diags, "invite-spent", &p->at_key,
					     "the invite of peer '%s' was replaced once, and is void for ever",
					     p->name),
				  "make a new one: innernet invite-peer --name %s", p->name);
		else
			diag_help(&job->diags,
				  diag_error(&job->diags, "not-redeemed", &p->at_key,
					     "the invitation of peer '%s' is not redeemed, as far as this clone knows",
					     p->name),
				  "redeem it on its machine: innernet install %s.yaml", p->name);
		rc = -1;
	}
	return rc;
}

static int prepare(struct edit_job *job)
{
	const struct model *m = job->before;
	struct edit_fold *f = arena_array(job->arena, m->n_peers, sizeof(*f));
	struct diag *g;
	uint32_t n = 0;

	if (!f)
		return diags_out_of_memory(&job->diags);
	if (!job->ledger) {
		g = diag_error(&job->diags, "no-ledger", NULL, "this clone has no ledger to fold keys from");
		diag_help(&job->diags, g,
			  job->clone ? "fetch it: git fetch origin"
				     : "run this in a clone of the network's repository");
		return -1;
	}
	if (check_named(job))
		return -1;
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		const struct enrolment *e = enrolled(job, p);
		if (e && (!job->edit.n_folds || bsearch(&(struct edit_fold){.name = p->name}, job->edit.folds,
							job->edit.n_folds, sizeof(*f), fold_cmp)))
			f[n++] = (struct edit_fold){p->name, e->key};
	}
	set_folds(job, f, n);
	return n ? 0 : 1;
}

static int put_json(const struct edit_job *job, bool changed, json_t *into)
{
	json_t *peers = json_array();
	bool ok = peers != NULL;

	for (uint32_t i = 0; ok && changed && i < job->edit.n_folds; i++) {
		const struct edit_fold *f = &job->edit.folds[i];
		ok = json_add(peers, json_pack("{s:s, s:o}", "name", f->name, "public_key", key_json(&f->key)));
	}
	return json_object_set_new(into, "peers", peers) || !ok ? -1 : 0;
}

static const struct option_spec fold_options[] = {
    EDIT_OPTIONS,
};
const struct command command_fold = {
    .name = "fold",
    .synopsis = "[IFACE | FILE | DIR] [PEER...] [OPTION...]",
    .summary = "write enrolled keys from the ledger into the definition",
    .text = "Replaces the invite of each peer that has redeemed its invitation, or of the named ones, by the peer's "
	    "public\n"
	    "key from the ledger. The peers stay the same, no session ends, and their invites are spent. Fetches the\n"
	    "ledger from origin first. A first word that cannot be a peer's name, such as ./corp or net.yaml, is the\n"
	    "definition." EDIT_SAFE,
    .example = "innernet fold --commit --push",
    .options = fold_options,
    .max_args = -1,
    .words = {WORD_DEFINITION | WORD_PEER, WORD_PEER},
    EDIT_ROW(.kind = EDIT_FOLD, .take = take, .names_peers = true, .needs_ledger = true, .prepare = prepare,
	     .json = put_json),
};
