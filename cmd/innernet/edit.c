/* The commands that edit a definition: one table of them, and the one way they all go. */
#include "cmd/innernet/edit.h"
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/git/source.h"
#include "schema/find.h"

#include <ctype.h>
#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool valid_name(const struct edit_job *job, const char *option, const char *name)
{
	if (name_valid(name, strlen(name)))
		return true;
	usage_error(job->inv, "--%s takes a host name: lower case letters, digits and hyphens, at most %d; not '%s'",
		    option, NAME_MAX_LEN, name);
	return false;
}

static int take_name(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "name");
	return 0;
}

static int take_rename(struct edit_job *job)
{
	job->edit.other = option_value(job->inv, "new-name");
	take_name(job);
	return valid_name(job, "new-name", job->edit.other) ? 0 : 1;
}

static int take_association(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "cidr");
	job->edit.other = option_value(job->inv, "with");
	return 0;
}

static int take_endpoint(struct edit_job *job)
{
	const char *text = option_value(job->inv, "endpoint");

	take_name(job);
	if (text && option_given(job->inv, "unset"))
		return usage_error(job->inv, "set-endpoint: --endpoint and --unset exclude each other");
	if (text && !(job->edit.endpoint = endpoint_canonical(job->arena, text, strlen(text))))
		return usage_error(job->inv, "--endpoint takes host:port, as in vpn.example.com:51820, not '%s'", text);
	return 0;
}

static int take_cidr(struct edit_job *job)
{
	const char *text = option_value(job->inv, "cidr");
	struct edit *e = &job->edit;
	struct prefix fixed;
	char right[PREFIX_STR_LEN];
	int bad;

	take_name(job);
	if (!valid_name(job, "name", e->name))
		return 1;
	e->isolated = option_given(job->inv, "isolated");
	e->description = option_value(job->inv, "description");
	e->parent = option_value(job->inv, "parent");
	bad = prefixes_parse(text, e->prefix, &e->n_prefixes, &fixed);
	if (bad == PREFIX_HOST_BITS) {
		prefix_format(&fixed, right);
		return usage_error(job->inv, "--cidr: %s has bits set after its length; did you mean %s?", text, right);
	}
	if (bad)
		return usage_error(
		    job->inv, "--cidr takes a prefix, or one of each family as in 10.60.64.0/24,fd00:60::/64; not '%s'",
		    text);
	if (e->n_prefixes == 2 && !prefix_is_v4(&e->prefix[0])) { /* IPv4 first, as the model has them */
		struct prefix six = e->prefix[0];
		e->prefix[0] = e->prefix[1];
		e->prefix[1] = six;
	}
	return 0;
}

static const struct edit_command commands[] = {
    {&command_add_peer,
     EDIT_ADD_PEER,
     {{"name", ASK_NEW_PEER, "The new peer's name:", NULL, false},
      {"cidr", ASK_HOME, "Its CIDR:", "ip", true},
      {"ip", ASK_ADDRESS, "Its address:", "auto-ip", false},
      {"admin", ASK_ADMIN, "May its users change the network?", NULL, true},
      {"invite-expires", ASK_EXPIRY, "The invitation is open for:", "public-key", true},
      {"save-config", ASK_INVITATION, "The invitation goes into the file:", "public-key", true}},
     take_add_peer,
     prepare_add_peer,
     json_peer,
     .save = invitation_save,
     .say = invitation_say},
    {&command_invite_peer,
     EDIT_INVITE_PEER,
     {{"name", ASK_PEER, "A new invite for:", NULL, false},
      {"invite-expires", ASK_EXPIRY, "The invitation is open for:", NULL, true},
      {"save-config", ASK_INVITATION, "The invitation goes into the file:", NULL, true}},
     take_invite_peer,
     prepare_invite_peer,
     json_peer,
     .save = invitation_save,
     .say = invitation_say},
    {&command_export,
     EDIT_SET_KEY,
     {{.option = NULL}},
     take_export,
     prepare_export,
     json_export,
     .save = export_save,
     .say = export_say,
     .make = export_make,
     .show = export_show,
     .instead = export_instead},
    {&command_rename_peer,
     EDIT_RENAME_PEER,
     {{"name", ASK_PEER, "Rename the peer:", NULL, false}, {"new-name", ASK_NEW_PEER, "Its new name:", NULL, false}},
     .take = take_rename},
    {&command_disable_peer,
     EDIT_DISABLE_PEER,
     {{"name", ASK_ENABLED_PEER, "Disable the peer:", NULL, false}},
     .take = take_name},
    {&command_enable_peer,
     EDIT_ENABLE_PEER,
     {{"name", ASK_DISABLED_PEER, "Enable the peer:", NULL, false}},
     .take = take_name},
    {&command_delete_peer, EDIT_DELETE_PEER, {{"name", ASK_PEER, "Delete the peer:", NULL, false}}, .take = take_name},
    {&command_set_endpoint,
     EDIT_SET_ENDPOINT,
     {{"name", ASK_PEER, "The endpoint of:", NULL, false},
      {"endpoint", ASK_ENDPOINT, "Others reach it at (host:port):", "unset", false}},
     .take = take_endpoint},
    {&command_add_cidr,
     EDIT_ADD_CIDR,
     {{"name", ASK_NEW_CIDR, "The new CIDR's name:", NULL, false}, {"cidr", ASK_PREFIX, "Its prefix:", NULL, false}},
     .take = take_cidr},
    {&command_rename_cidr,
     EDIT_RENAME_CIDR,
     {{"name", ASK_CIDR_BELOW, "Rename the CIDR:", NULL, false},
      {"new-name", ASK_NEW_CIDR, "Its new name:", NULL, false}},
     .take = take_rename},
    {&command_delete_cidr,
     EDIT_DELETE_CIDR,
     {{"name", ASK_CIDR_BELOW, "Delete the CIDR:", NULL, false}},
     .take = take_name},
    {&command_add_association,
     EDIT_ADD_ASSOCIATION,
     {{"cidr", ASK_CIDR, "One CIDR:", NULL, false}, {"with", ASK_CIDR, "The other:", NULL, false}},
     .take = take_association},
    {&command_delete_association,
     EDIT_DELETE_ASSOCIATION,
     {{"cidr", ASK_JOINED, "One CIDR:", NULL, false}, {"with", ASK_PARTNER, "The other:", NULL, false}},
     .take = take_association},
    {&command_fold, EDIT_FOLD, {{.option = NULL}}, take_fold, prepare_fold, .json = json_fold},
};
_Static_assert(sizeof(commands) / sizeof(commands[0]) == N_EDIT_KINDS, "each kind of edit has its command");

static const struct edit_command *command_of(const struct invocation *inv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].command == inv->command)
			return &commands[i];
	return NULL;
}

static bool incomplete(const struct edit_job *job, const struct edit_command *c)
{
	for (const struct ask *a = c->asks; a->option; a++)
		if (!a->optional && !option_given(job->inv, a->option) &&
		    !(a->unless && option_given(job->inv, a->unless)))
			return true;
	return option_given(job->inv, "auto-ip") && !option_given(job->inv, "cidr");
}

/* A network may have been defined without a server; an edit does not make it one. */
static bool has_server(const struct model *m)
{
	for (uint32_t i = 0; i < m->n_cidrs; i++)
		if (m->cidrs[i].infra)
			return true;
	return false;
}

static int load(struct edit_job *job)
{
	const char *path = job->path ? job->path : job->inv->n_args ? job->inv->args[0] : ".";

	job->before = source_load(job->arena, path, true, &job->diags);
	if (!job->before)
		return -1;
	job->bytes = arena_array(job->arena, job->before->n_files, sizeof(*job->bytes));
	if (!job->bytes) {
		job->diags.out_of_memory = true;
		return -1;
	}
	clone_open_for(job->before, job->edit.kind == EDIT_FOLD, &job->clone, &job->ledger, &job->diags);
	return 0;
}

/* The definition as it would be. */
static struct model *load_edited(struct edit_job *job, struct diags *d)
{
	const struct model *m = job->before;
	struct source_file *files = arena_array(job->arena, m->n_files, sizeof(*files));
	size_t n = 0;

	for (uint32_t i = 0; files && i < m->n_files; i++)
		if (job->bytes[i].p)
			files[n++] = (struct source_file){m->files[i], buf_span(&job->bytes[i])};
	d->out_of_memory |= !files;
	return files ? source_load_edited(job->arena, m->files[0], files, n, !has_server(m), d) : NULL;
}

/* With its own tests and what the ledger remembers. Nothing is written before this says yes. */
static struct impact *check_edited(struct edit_job *job)
{
	/* A key that was drawn just now is none that the ledger would have, whether this clone has one or not. */
	static const struct ledger_facts none;
	const struct ledger_facts *facts = job->ledger                      ? ledger_facts(job->ledger)
					   : job->edit.kind == EDIT_SET_KEY ? &none
									    : NULL;
	struct impact *impact;

	job->after = load_edited(job, &job->edited);
	if (!job->after)
		return NULL;
	impact = impact_new(job->arena, job->before, job->after, facts);
	if (!impact) {
		job->edited.out_of_memory = true;
		return NULL;
	}
	reach_run_tests(impact->reach_after, &job->edited);
	if (facts)
		ledger_check(job->after, facts, &job->edited);
	if (!job->edited.n_errors)
		edit_verify(&job->edit, job->before, job->after, &job->edited);
	diags_sort(&job->edited);
	return job->edited.n_errors ? NULL : impact;
}

/* An `include:` that takes the invitation for a part of the definition. */
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
			     job->secret_file, job->before->files[0]),
		  "choose another folder: --%s FILE", job->export ? "output" : "save-config");
	return -1;
}

/* "Rename peer bob to robert?" */
static bool ask(const struct edit_job *job)
{
	struct buf question = {0};
	bool yes;

	edit_describe(&job->edit, &question);
	buf_char(&question, '?');
	if (question.p)
		question.p[0] = (char)toupper((unsigned char)question.p[0]);
	yes = question.p && ask_yes(question.p);
	buf_free(&question);
	return yes;
}

/* The plan and the lines. -1: they could not be written. */
static int show_plan(const struct edit_job *job, const struct impact *impact)
{
	const struct model *m = job->before;
	bool color = use_color(job->inv, job->say);
	struct buf b = {0};
	int rc = 0;

	if (!option_given(job->inv, "json")) {
		impact_render_text(&b, impact, color);
		for (uint32_t i = 0; i < m->n_files; i++) {
			if (!job->bytes[i].p)
				continue;
			buf_printf(&b, "\n%s\n", m->files[i]);
			edit_lines(&b, m->sources[i], buf_span(&job->bytes[i]), color);
		}
		buf_char(&b, '\n');
		rc = print_buf_to(job->inv, job->say, &b);
	}
	buf_free(&b);
	return rc ? -1 : 0;
}

/*
 * 0, or the exit code. A file is there to be looked at before it is pushed; what goes by a network's name changes the
 * network at once, and is somebody's word.
 */
static int confirm(struct edit_job *job, const struct impact *impact)
{
	bool shown = show_plan(job, impact) == 0;
	struct diag *g;

	if (shown && option_given(job->inv, "yes"))
		return 0;
	if (shown && !isatty(STDIN_FILENO)) {
		if (!job->own.path)
			return 0;
		g = diag_error(&job->diags, "not-confirmed", NULL,
			       "nothing was changed: there is no terminal to ask at");
		diag_help(&job->diags, g, "--yes pushes without asking");
		return REFUSED;
	}
	if (shown && ask(job))
		return 0;
	fputs("Nothing was changed.\n", stderr);
	return REFUSED;
}

/* A link stays one: what it leads to is written. */
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

/* Somebody may have edited it while we waited for an answer: that is not written over. */
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
						  "%s was changed by somebody else meanwhile", m->files[i]),
				  "look at it, and type the command once more");
			rc = -1;
		}
		buf_free(&now);
	}
	return rc;
}

/* All files, or none. */
static int write_files(struct edit_job *job, const struct edit_command *c)
{
	const struct model *m = job->before;
	uint32_t i;

	if (check_unchanged(job))
		return -1;
	if (c->save) {
		if (c->save(job))
			return -1;
		if (job->secret_file && check_not_included(job)) {
			file_remove(job->secret_file, &job->diags);
			return -1;
		}
	}
	for (i = 0; i < m->n_files; i++)
		if (job->bytes[i].p && write_file(job, m->files[i], buf_span(&job->bytes[i])))
			break;
	if (i == m->n_files)
		return 0;
	while (i-- > 0)
		if (job->bytes[i].p)
			write_file(job, m->files[i], m->sources[i]);
	if (job->secret_file)
		file_remove(job->secret_file, &job->diags);
	return -1;
}

static json_t *json_files(const struct edit_job *job)
{
	json_t *files = json_array();

	for (uint32_t i = 0; i < job->before->n_files; i++)
		if (job->bytes[i].p)
			json_array_append_new(files, json_string(job->before->files[i]));
	return files;
}

/* For what may hold a private key: that of an exported configuration. */
static void free_wiped(void *p)
{
	if (p)
		sodium_memzero(p, malloc_usable_size(p));
	free(p);
}

int edit_print_json(const struct edit_job *job, const struct edit_command *c, const struct impact *impact)
{
	bool push = impact && option_given(job->inv, "push"), commit = impact && option_given(job->inv, "commit");
	json_t *plan = impact ? impact_render_json(impact) : json_null(), *j;
	struct buf b = {0};
	char *text;

	json_set_alloc_funcs(malloc, free_wiped);
	j = json_pack("{s:s, s:s, s:b, s:o, s:b, s:b, s:o}", "format_version", "1.0", "edit", c->command->name,
		      "changed", impact != NULL, "files", json_files(job), "committed", commit || push, "pushed", push,
		      "plan", plan);
	if (j && c->json && c->json(job, impact != NULL, j)) {
		json_decref(j);
		j = NULL;
	}
	text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	json_decref(j);
	if (text)
		buf_printf(&b, "%s\n", text);
	free_wiped(text);
	b.failed |= !b.n;
	int rc = print_buf(job->inv, &b);
	if (b.p)
		sodium_memzero(b.p, b.n);
	buf_free(&b);
	return rc ? 1 : 0;
}

/* The commands that are left to be typed, from the folder that we are in. */
static void put_commit(struct buf *out, const struct edit_job *job, const char *message)
{
	const char *root = job->before->files[0], *slash = strrchr(root, '/');
	size_t n = slash ? (size_t)(slash - root) + 1 : 0; /* of "FOLDER/", where it is another one */
	struct buf git = {0};

	buf_str(&git, "git");
	if (n)
		buf_printf(&git, " -C %.*s", (int)(n > 1 ? n - 1 : n), root);
	buf_printf(out, "It counts when it is pushed: %s commit -m '%s'", git.p ? git.p : "", message);
	for (uint32_t i = 0; i < job->before->n_files; i++)
		if (job->bytes[i].p)
			buf_printf(out, " %s",
				   job->before->files[i] + (strncmp(job->before->files[i], root, n) ? 0 : n));
	buf_printf(out, " && %s push\n", git.p ? git.p : "");
	out->failed |= git.failed;
	buf_free(&git);
}

static int print_done(const struct edit_job *job, const struct edit_command *c, const char *message)
{
	struct buf b = {0};

	if (c->say)
		c->say(job, &b);
	if (option_given(job->inv, "push")) {
		buf_str(&b, "Committed and pushed.\n");
	} else if (option_given(job->inv, "commit")) {
		buf_str(&b, "Committed. It counts when it is pushed: git push\n");
	} else {
		put_commit(&b, job, message);
	}
	int rc = print_buf_to(job->inv, job->say, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

/* The same command again, or somebody else was first: harmless. */
static int print_already(const struct edit_job *job, const struct edit_command *c)
{
	struct buf b = {0};

	if (option_given(job->inv, "json"))
		return edit_print_json(job, c, NULL);
	edit_already(&job->edit, job->before, &b);
	buf_str(&b, " Nothing changed.\n");
	int rc = print_buf(job->inv, &b);
	buf_free(&b);
	return rc ? 1 : 0;
}

static int carry_out(struct edit_job *job, const struct edit_command *c, const struct impact *impact,
		     const char *message)
{
	bool json = option_given(job->inv, "json");
	int rc = 1;

	if (write_files(job, c))
		return 1;
	if (!edit_commit(job, message))
		rc = json ? edit_print_json(job, c, impact) : print_done(job, c, message);
	/* Whatever git said: the definition counts on it. */
	if (!json && !job->undone && c->show && c->show(job))
		rc = 1;
	return rc;
}

static int make_edit(struct edit_job *job, const struct edit_command *c)
{
	enum edit_state state = edit_check(&job->edit, job->before, &job->diags);
	struct impact *impact;
	struct buf message = {0};
	int rc, prepared;

	if (state == EDIT_REFUSED)
		return 1;
	prepared = state == EDIT_TO_DO && c->prepare ? c->prepare(job) : 0;
	if (state == EDIT_ALREADY || prepared > 0)
		/* What an earlier run left to be committed or pushed is said: it was asked for, and is not done. */
		return print_already(job, c) || edit_check_git(job) || edit_check_pushed(job) ? 1 : 0;
	if (prepared < 0 ||
	    edit_apply(&job->edit, job->before->sources, job->before->n_files, job->bytes, &job->diags) ||
	    edit_check_git(job))
		return 1;
	impact = check_edited(job);
	if (!impact || (c->make && c->make(job)))
		return 1;
	buf_str(&message, "network: ");
	edit_describe(&job->edit, &message);
	job->diags.out_of_memory |= message.failed;
	rc = message.failed ? 1 : confirm(job, impact);
	if (rc == 0)
		rc = carry_out(job, c, impact, message.p);
	buf_free(&message);
	return rc;
}

/* A network's name in the place of a path: this person's clone of it is edited, as the server has it now, and pushed. */
static int take_network(struct edit_job *job)
{
	struct invocation *inv = job->inv;
	const int at = inv->command == &command_export; /* after the peer's name */

	if (inv->n_args <= at)
		return 0;
	/* The first word of `fold` may be a peer's name. */
	if (own_clone_named(job->arena, inv->args[at], job->edit.kind == EDIT_FOLD, &job->own, &job->diags) < 0)
		return -1;
	if (!job->own.path)
		return 0;
	if (inv->n_options == OPTIONS_MAX) {
		job->diags.out_of_memory = true;
		return -1;
	}
	if (!at || !option_given(inv, "key")) { /* with it nothing is edited */
		inv->names[inv->n_options] = "push";
		inv->values[inv->n_options++] = "";
	}
	job->path = job->own.path;
	return own_clone_freshen(&job->own, &job->diags);
}

static int run_job(struct edit_job *job, const struct edit_command *c)
{
	bool ask_first = incomplete(job, c) && prompt_possible();
	int rc = ask_first ? 0 : edit_missing(job, c);

	if (rc)
		return rc;
	if (take_network(job))
		return 1;
	if (!ask_first && (rc = c->take(job)))
		return rc;
	if (load(job))
		return 1;
	if (c->instead && c->instead(job, c, &rc))
		return rc;
	if (ask_first && ((rc = edit_ask(job, c)) || (rc = c->take(job))))
		return rc;
	return make_edit(job, c);
}

/* "add-association humans ops", as "--cidr humans --with ops". -1 when it says both. */
static int take_pair(struct invocation *inv)
{
	static const char *const options[] = {"cidr", "with"};

	if (inv->n_args < 2)
		return 0;
	if (option_given(inv, "cidr") || option_given(inv, "with") || inv->n_options + 2 > OPTIONS_MAX)
		return -1;
	for (int i = 0; i < 2; i++) {
		inv->names[inv->n_options] = options[i];
		inv->values[inv->n_options++] = inv->args[inv->n_args - 2 + i];
	}
	inv->n_args -= 2;
	return 0;
}

/* Says what is wrong, and frees all but the arena. */
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
	export_free(job->export);
	secret_free(job->secret);
	ledger_free(job->ledger);
	clone_close(job->clone);
	diags_free(&job->diags);
	diags_free(&job->edited);
}

#define TRIES 2 /* when others push at the same time */

int edit_run(struct invocation *inv)
{
	const struct edit_command *c = command_of(inv);
	struct arena *arenas[TRIES] = {NULL}; /* what was asked for in the first is for the second too */
	bool again = true;
	int rc = 1;

	if (c && (c->kind == EDIT_ADD_ASSOCIATION || c->kind == EDIT_DELETE_ASSOCIATION) && take_pair(inv))
		return usage_error(inv, "%s: the CIDRs as two words, or as --cidr and --with", inv->command->name);
	for (int i = 0; i < TRIES && again; i++) {
		struct edit_job job = {.inv = inv, .arena = arenas[i] = arena_new(), .say = stdout};
		if (!job.arena || !c || sodium_init() < 0) {
			fprintf(stderr, "%s: out of memory\n", inv->program->name);
			rc = 1;
			break;
		}
		job.edit.kind = c->kind;
		rc = run_job(&job, c);
		again = job.raced;
		end_job(&job);
		if (again)
			fputs(i + 1 < TRIES
				  ? "\nSomebody else's push came first. Once more, on top of it:\n\n"
				  : "\nNothing was changed: others push at the same time. Type it once more.\n",
			      stderr);
	}
	for (int i = 0; i < TRIES; i++)
		arena_free(arenas[i]);
	return rc;
}
