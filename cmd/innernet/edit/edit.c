/* One run of a command that edits a definition. */
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/edit/answer.h"
#include "cmd/prompt.h"
#include "reconcile/impact/guard.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/git/source.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the definition before and after the edit -------------------------------------------------------------------- */

/* Returns the argument that names the definition, or NULL. */
static const char *definition_word(const struct edit_job *job)
{
	const struct edit_command *c = job->command;
	return job->inv->n_args > c->definition_at ? job->inv->args[c->definition_at] : NULL;
}

static int load(struct edit_job *job)
{
	const char *word = definition_word(job), *path = job->git.own.path;
	bool fetch;

	if (!path)
		path = word && !(job->command->names_peers && name_valid(word, strlen(word))) ? word : ".";
	job->before = source_load(job->arena, path, true, &job->diags);
	if (!job->before)
		return -1;
	job->bytes = arena_array(job->arena, job->before->n_files, sizeof(*job->bytes));
	if (!job->bytes)
		return diags_out_of_memory(&job->diags);
	/* The network's own clone has fetched it already: edit_git_open(). */
	fetch = job->command->needs_ledger ||
		(job->command->takes_address && option_given(job->inv, "push") && !job->git.own.path);
	clone_open_for(job->before, fetch, &job->clone, &job->ledger, &job->diags);
	return 0;
}

static struct model *load_edited(struct edit_job *job, struct diags *d)
{
	const struct model *m = job->before;
	struct source_file *files = arena_array(job->arena, m->n_files, sizeof(*files));
	size_t n = 0;

	for (uint32_t i = 0; files && i < m->n_files; i++)
		if (job->bytes[i].p)
			files[n++] = (struct source_file){m->files[i], buf_span(&job->bytes[i])};
	d->out_of_memory |= !files;
	/* An edit of a definition without a server does not need to add one. */
	return files ? source_load_edited(job->arena, m->files[0], files, n, !model_has_server(m), d) : NULL;
}

/* Validates the edited definition with its tests and the ledger, before a file is written. NULL: job->edited has errors. */
static struct impact *check_edited(struct edit_job *job)
{
	static const struct ledger_facts none;
	const struct ledger_facts *facts = job->ledger               ? ledger_facts(job->ledger)
					   : job->command->draws_key ? &none
								     : NULL;
	struct impact *impact;

	job->after = load_edited(job, &job->edited);
	if (!job->after)
		return NULL;
	impact = impact_new(job->arena, job->before, job->after, facts);
	if (!impact) {
		diags_out_of_memory(&job->edited);
		return NULL;
	}
	reach_run_tests(impact->reach_after, &job->edited);
	if (facts)
		ledger_check(job->after, facts, &job->edited);
	if (!job->edited.n_errors)
		edit_verify(&job->edit, job->before, job->after, &job->edited);
	diags_sort(&job->edited);
	guard_check(&guard_defaults, impact, false, &job->guards);
	job->edited.out_of_memory |= job->guards.out_of_memory;
	return job->edited.n_errors || job->edited.out_of_memory ? NULL : impact;
}

/* ---- the files --------------------------------------------------------------------------------------------------- */

/* Writes the target of a symbolic link; the link stays. */
static int write_file(struct edit_job *job, const char *name, struct span bytes)
{
	char *path = realpath(name, NULL);
	struct stat st;
	int rc;

	if (!path) {
		diag_file_error(&job->diags, "file-error", name, "cannot find %s", name);
		return -1;
	}
	if (stat(path, &st))
		st.st_mode = 0644;
	rc = file_write(path, bytes, st.st_mode & 07777, &job->diags);
	free(path);
	return rc;
}

/* Checks that no other program has written a file while this one waited for an answer. Returns -1 with a diagnostic. */
static int check_unchanged(struct edit_job *job)
{
	const struct model *m = job->before;
	int rc = 0;

	for (uint32_t i = 0; i < m->n_files && !rc; i++) {
		struct buf now = {0};
		if (!job->bytes[i].p)
			continue;
		rc = file_read(m->files[i], DEFINITION_MAX, &now, NULL, &job->diags);
		if (!rc && !span_eq(buf_span(&now), m->sources[i])) {
			diag_help(&job->diags,
				  diag_file_error(&job->diags, "definition-changed", m->files[i],
						  "%s has changed since the command read it", m->files[i]),
				  "check the change, and run the command again");
			rc = -1;
		}
		buf_free(&now);
	}
	return rc;
}

/* Checks that the secret's file does not match an `include:` of the definition. */
static int check_not_included(struct edit_job *job)
{
	struct diags d = {0};
	struct model *m = load_edited(job, &d);
	bool same = m && m->n_files == job->after->n_files;

	diags_free(&d);
	if (same)
		return 0;
	diag_help(&job->diags,
		  diag_error(&job->diags, "file-exists", NULL, "%s is included by %s: a secret cannot be there",
			     job->secret.file, job->before->files[0]),
		  "choose another folder: --%s FILE", job->secret.option);
	return -1;
}

/* Writes all files. When one fails, restores the others and removes the secret. */
static int write_files(struct edit_job *job)
{
	const struct model *m = job->before;
	uint32_t i;

	if (check_unchanged(job) || edit_secret_save(job))
		return -1;
	if (job->secret.file && check_not_included(job)) {
		edit_secret_remove(job);
		return -1;
	}
	for (i = 0; i < m->n_files; i++)
		if (job->bytes[i].p && write_file(job, m->files[i], buf_span(&job->bytes[i])))
			break;
	if (i == m->n_files)
		return 0;
	while (i-- > 0)
		if (job->bytes[i].p)
			write_file(job, m->files[i], m->sources[i]);
	edit_secret_remove(job);
	return -1;
}

/* ---- one run ----------------------------------------------------------------------------------------------------- */

static bool commits(const struct edit_job *job)
{
	return option_given(job->inv, "commit") || option_given(job->inv, "push");
}

static int refuse(struct edit_job *job, const char *code, const char *what, const char *help, const char *id)
{
	struct diag *g = diag_error(&job->diags, code, NULL, "nothing was changed: %s", what);

	diag_help(&job->diags, g, "%s%s", help, id);
	return REFUSED;
}

/*
 * The id that --accept takes. A key that the command draws, and the time at which its invite expires, are others in each
 * run: the id counts the peer without them. Returns -1 with a diagnostic.
 */
static int accept_id(struct edit_job *job, char out[static PLAN_ID_LEN + 1])
{
	struct model after = *job->after;

	after.peers = arena_array(job->arena, after.n_peers, sizeof(*after.peers));
	if (!after.peers)
		return diags_out_of_memory(&job->diags);
	for (uint32_t i = 0; i < after.n_peers; i++) {
		struct peer *p = &after.peers[i];
		uint32_t was = model_peer_by_name(job->before, job->after->peers[i].name);
		*p = job->after->peers[i];
		if ((!p->is_invite && !job->command->draws_key) ||
		    (was != NONE && peer_same_mark(&job->before->peers[was], p)))
			continue;
		p->key = p->temporary = (struct key){0};
		p->invite_expires = 0;
	}
	return plan_id(job->before, &after, out) < 0 ? diags_out_of_memory(&job->diags) : 0;
}

/*
 * What a guard stops, --yes does not pass: a person types yes, or --accept names the plan. Returns 0, 1 to ask at the
 * terminal, or REFUSED.
 */
static int pass_guards(struct edit_job *job)
{
	const char *accept = option_value(job->inv, "accept");
	char id[PLAN_ID_LEN + 1];

	if (accept_id(job, id) < 0)
		return REFUSED;
	if (accept && strcmp(accept, id) != 0)
		return refuse(job, "plan-other", "--accept names another plan than this edit has",
			      "read the plan, and accept it: --accept ", id);
	for (const struct diag *g = job->guards.first; g; g = g->next)
		if (!guard_acceptable(g->code))
			return refuse(job, g->code, g->message, g->help ? g->help : "", "");
	if (!job->guards.n_errors || accept)
		return 0;
	if (isatty(STDIN_FILENO) && !option_given(job->inv, "json"))
		return 1;
	refuse(job, "not-accepted", "a server with the default guards refuses this edit",
	       "when the plan is what you mean, accept it: --accept ", id);
	/* The text of the plan, which JSON does not have here, names them. */
	for (const struct diag *g = job->guards.first; g && option_given(job->inv, "json"); g = g->next)
		diag_note(&job->diags, job->diags.last, NULL, "%s: %s", g->code, g->message);
	return REFUSED;
}

/*
 * Shows the plan and asks. Returns 0, or the exit code. Without a terminal an edit of a file alone proceeds, since no other
 * machine sees it yet; a commit needs --yes.
 */
static int confirm(struct edit_job *job, const struct impact *impact)
{
	bool shown = edit_answer_plan(job, impact) == 0;
	int guarded = shown ? pass_guards(job) : 0;

	if (guarded == REFUSED)
		return REFUSED;
	if (shown && !guarded && (option_given(job->inv, "yes") || option_given(job->inv, "accept")))
		return 0;
	if (shown && !isatty(STDIN_FILENO)) {
		if (!commits(job))
			return 0;
		return refuse(job, "not-confirmed", "there is no terminal to ask at",
			      option_given(job->inv, "push") ? "--yes pushes without asking"
							     : "--yes commits without asking",
			      "");
	}
	if (shown && edit_answer_asked(job))
		return 0;
	fputs("Nothing was changed.\n", stderr);
	return REFUSED;
}

static int carry_out(struct edit_job *job, const struct impact *impact, const char *message)
{
	int rc = 1;

	if (write_files(job))
		return 1;
	if (!edit_git_commit(job, message))
		rc = edit_answer_done(job, impact, message);
	if (job->git.undone)
		edit_secret_remove(job);
	else if (!option_given(job->inv, "json") && job->command->show && job->command->show(job))
		rc = 1; /* show() runs even if git failed: the definition has the new key */
	return rc;
}

static int make_edit(struct edit_job *job)
{
	const struct edit_command *c = job->command;
	enum edit_state state = edit_check(&job->edit, job->before, &job->diags);
	struct impact *impact;
	struct buf message = {0};
	int rc, prepared;

	if (state == EDIT_REFUSED)
		return 1;
	prepared = state == EDIT_TO_DO && c->prepare ? c->prepare(job) : 0;
	if (state == EDIT_ALREADY || prepared > 0)
		/* With --commit or --push, uncommitted or unpushed changes of an earlier run are an error. */
		return edit_git_check_clean(job) || edit_git_check_pushed(job) || edit_answer_already(job) ? 1 : 0;
	if (prepared < 0 ||
	    edit_apply(&job->edit, job->before->sources, job->before->n_files, job->bytes, &job->diags) ||
	    edit_git_check_clean(job))
		return 1;
	impact = check_edited(job);
	if (!impact || (c->make && c->make(job)))
		return 1;
	buf_str(&message, "network: ");
	edit_describe(&job->edit, &message);
	if (job->guards.n_errors)
		job->accepted = impact->id;
	job->diags.out_of_memory |= message.failed;
	rc = message.failed ? 1 : confirm(job, impact);
	if (rc == 0)
		rc = carry_out(job, impact, message.p);
	buf_free(&message);
	return rc;
}

static int run_job(struct edit_job *job)
{
	const struct edit_command *c = job->command;
	bool ask_first = edit_ask_needed(job) && prompt_possible();
	const char *word = definition_word(job);
	int rc = ask_first ? 0 : edit_ask_missing(job);

	if (rc)
		return rc;
	if (word && edit_git_open(job, word, c->names_peers))
		return 1;
	if (!ask_first && (rc = c->take(job)))
		return rc;
	if (load(job))
		return 1;
	if (c->no_edit && option_given(job->inv, c->no_edit))
		return c->look(job);
	if (ask_first && ((rc = edit_ask(job)) || (rc = c->take(job))))
		return rc;
	return make_edit(job);
}

/* Reports the diagnostics, and frees the job but not its arena. */
static void end_job(struct edit_job *job)
{
	if (job->diags.first || job->diags.out_of_memory)
		report(job->inv, &job->diags, NULL);
	if (job->edited.first || job->edited.out_of_memory)
		report(job->inv, &job->edited, NULL);
	if (job->edited.n_errors)
		fputs("\nNothing was changed: the definition would not be valid.\n", stderr);
	for (uint32_t i = 0; job->bytes && i < job->before->n_files; i++)
		buf_free(&job->bytes[i]);
	if (job->command->free)
		job->command->free(job->own);
	edit_secret_free(job);
	ledger_free(job->ledger);
	clone_close(job->clone);
	diags_free(&job->diags);
	diags_free(&job->edited);
	diags_free(&job->guards);
}

#define TRIES 2 /* runs: one retry after a lost race with another push */

int edit_run(struct invocation *inv)
{
	const struct edit_command *c = inv->command->row;
	struct arena *arenas[TRIES] = {NULL}; /* freed at the end: the retry uses the answers in the first one */
	bool again = true;
	int rc = 1;

	if (c->words && (rc = c->words(inv)))
		return rc;
	for (int i = 0; i < TRIES && again; i++) {
		struct edit_job job = {.inv = inv, .command = c, .arena = arenas[i] = arena_new()};
		if (!job.arena || sodium_init() < 0) {
			fprintf(stderr, "%s: out of memory\n", inv->program->name);
			rc = 1;
			break;
		}
		job.edit.kind = c->kind;
		rc = run_job(&job);
		again = job.git.raced;
		end_job(&job);
		if (again)
			fputs(i + 1 < TRIES
				  ? "\nAnother push came first. Retrying on top of it:\n\n"
				  : "\nNothing was changed: another push came first again. Run the command again.\n",
			      stderr);
	}
	for (int i = 0; i < TRIES; i++)
		arena_free(arenas[i]);
	return rc;
}
