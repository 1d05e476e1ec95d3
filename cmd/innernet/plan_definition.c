/* innernet plan of a definition: shows what a change does to the network, in any clone. */
#include "cmd/innernet/plan_definition.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/plan_revisions.h"
#include "cmd/terminal.h"
#include "reconcile/show/diag_json.h"
#include "reconcile/text/json_value.h"
#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/config/guard_file.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/show/impact_render.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* The base of the comparison. A thread loads it in parallel with the head when both do not use the clone. */
struct base {
	struct clone *clone;
	const char *sha; /* "": there is no base */
	struct arena *arena;
	struct model *model; /* NULL: the commit has no definition, or an invalid one */
	struct diags read;   /* errors of reading from git */
	struct diags load;   /* errors of the definition; the change is not refused for them */
	pthread_t thread;
	bool unchanged; /* the work tree's root file has the base's bytes */
	bool running, done;
};

/* One run of the command. */
struct turn {
	struct invocation *inv;
	struct plan_revisions revisions;
	struct arena *arena;
	struct clone *clone;
	struct ledger *ledger;
	struct base base;
	struct model *before, *after;
	struct impact *impact;
	struct diags diags; /* of the head: its errors, and the reasons to refuse it */
	bool refused;
	bool headless; /* the head's definition has no server */
};

static bool only_code(const struct diags *d, const char *code)
{
	for (const struct diag *g = d->first; g; g = g->next)
		if (strcmp(g->code, code) != 0)
			return false;
	return d->first != NULL;
}

/* Loads the definition of a commit into *out. Returns 1, 0 when the commit has none, or -1 with diagnostics. */
static int load_commit(struct turn *t, const char *sha, bool without_server, struct model **out, struct diags *d)
{
	struct repo_definition def;
	int found = clone_definition(t->clone, sha, t->arena, &def, d);

	if (found <= 0)
		return found;
	*out = definition_load(t->arena, &def.root, &def.includes, without_server, d);
	return *out ? 1 : -1;
}

static int load_head(struct turn *t, bool without_server, struct diags *d)
{
	if (*t->revisions.head_sha)
		return load_commit(t, t->revisions.head_sha, without_server, &t->after, d);
	t->after = source_load(t->arena, t->revisions.path, without_server, d);
	return t->after ? 1 : -1;
}

/*
 * Loads the head's model. For an empty or missing definition and one without a server the command still shows the plan, and
 * refuses it. Returns -1 when it can show only diagnostics.
 */
static int read_head(struct turn *t)
{
	int found = load_head(t, false, &t->diags);

	if (found > 0)
		return 0;
	if (t->diags.out_of_memory)
		return -1;
	if (found == 0) {
		diag_error(&t->diags, "definition-missing", NULL, "commit %.12s has no definition at this path",
			   t->revisions.head_sha);
		t->refused = true;
		return 0;
	}
	if (only_code(&t->diags, "definition-empty")) {
		t->refused = true;
		return 0;
	}
	if (!only_code(&t->diags, "no-server"))
		return -1;
	diags_free(&t->diags);
	t->diags = (struct diags){0};
	t->headless = true;
	return load_head(t, true, &t->diags) > 0 ? 0 : -1;
}

static void *load_base(void *ctx)
{
	struct base *b = ctx;
	struct repo_definition def;

	b->arena = arena_new();
	if (!b->arena)
		diags_out_of_memory(&b->read);
	else if (clone_definition(b->clone, b->sha, b->arena, &def, &b->read) > 0)
		b->model = definition_load(b->arena, &def.root, &def.includes, true, &b->load);
	b->done = true;
	return NULL;
}

/* Starts the thread only if the head is the work tree: two threads must not use the clone at the same time. */
static void start_base(struct turn *t)
{
	struct base *b = &t->base;

	if (!*b->sha || *t->revisions.head_sha)
		return;
	b->unchanged = clone_unchanged(t->clone, b->sha);
	if (!b->unchanged)
		b->running = pthread_create(&b->thread, NULL, load_base, b) == 0;
}

static void join_base(struct base *b)
{
	if (b->running)
		pthread_join(b->thread, NULL);
	b->running = false;
}

static int read_base(struct turn *t)
{
	struct base *b = &t->base;
	struct diag *g;

	if (!*b->sha)
		return 0;
	/* Equal root files without includes give equal models. */
	if (b->unchanged && t->after && t->after->n_files == 1) {
		t->before = t->after;
		return 0;
	}
	join_base(b);
	if (!b->done)
		load_base(b);
	t->before = b->model;
	if (b->read.first || b->read.out_of_memory || b->load.out_of_memory) {
		t->diags.out_of_memory |= b->read.out_of_memory || b->load.out_of_memory;
		if (b->read.first) {
			g = diag_error(&t->diags, b->read.first->code, NULL, "%s", b->read.first->message);
			if (b->read.first->help)
				diag_help(&t->diags, g, "%s", b->read.first->help);
		}
		return -1;
	}
	if (b->load.n_errors) {
		g = diag_warning(&t->diags, "base-invalid", NULL,
				 "the definition of %.12s is not valid: everything counts as new", b->sha);
		diag_note(&t->diags, g, NULL, "its first error: %s", b->load.first->message);
		diag_help(&t->diags, g, "give a valid revision: --base REV");
	}
	return 0;
}

/* Refuses a definition that has lost its last server. A network for `apply --file` never had one, and has no `trust`. */
static void judge_headless(struct turn *t)
{
	bool had = t->after->trust.present;
	struct diag *g;

	for (uint32_t i = 0; t->before && i < t->before->n_peers; i++)
		had |= t->before->peers[i].server;
	if (!had)
		return;
	g = diag_error(&t->diags, "no-server", &t->after->at_network, "no peer is a server");
	diag_help(&t->diags, g, "one peer needs 'server: true' and an endpoint");
}

/* Warns of a higher format. Only the server knows which formats the peers can read. */
static void warn_of_format(struct turn *t)
{
	const uint32_t format = model_format(t->after);
	struct diag *g;

	if (model_format(t->before) >= format)
		return;
	g = diag_warning(
	    &t->diags, "guard-formats", NULL,
	    "this revision needs format %u: the server publishes it only if each peer of the last days reads "
	    "that format, or with this trailer in its commit",
	    format);
	diag_help(&t->diags, g, "git commit --trailer '" ACCEPT_TRAILER ": %s' ...", t->impact->id);
}

/* Runs the definition's tests, the checks of the ledger and the guards. Sets t->refused. Returns -1 on an error. */
static int judge(struct turn *t)
{
	const char *file = option_value(t->inv, "guard");
	const struct ledger_facts *facts = NULL;
	struct guard_limits limits = guard_defaults;
	struct diags *d = &t->diags;
	size_t errors = d->n_errors;
	char head[HASH_HEX_LEN + 1];
	struct span message = {0};
	bool accepted;

	if (file && guard_file_read(file, &limits, d) < 0)
		return -1;
	if (t->clone && t->after && t->after->trust.present &&
	    (t->ledger = clone_ledger(t->clone, &t->after->trust.id, d)))
		facts = ledger_facts(t->ledger);
	t->impact = impact_new(t->arena, t->before, t->after, facts);
	if (!t->impact)
		return diags_out_of_memory(d);
	if (t->after) {
		reach_run_tests(t->impact->reach_after, d);
		if (facts)
			ledger_check(t->after, facts, d);
		if (t->before)
			guard_outright(t->before, t->after, d);
	}
	/* The trailer must be in the commit that will be pushed: the head, or HEAD of the work tree. */
	if (*t->revisions.head_sha)
		message = clone_message(t->clone, t->revisions.head_sha, t->arena, d);
	else if (t->clone && clone_resolve(t->clone, "HEAD", head, d) > 0)
		message = clone_message(t->clone, head, t->arena, d);
	accepted = message.p && guard_accepted(message, t->impact->id);
	guard_check(file ? &limits : NULL, t->impact, accepted, d);
	if (!file)
		guard_foretell(t->impact, accepted, d);
	if (t->before && t->after && limits.formats_days && !accepted)
		warn_of_format(t);
	if (t->headless)
		judge_headless(t);
	t->refused |= d->n_errors > errors;
	diags_sort(d);
	return 0;
}

static json_t *json_revision(const char *sha)
{
	return *sha ? json_string(sha) : json_null();
}

static json_t *json_lines(const struct buf *lines)
{
	json_t *out = json_array();

	for (const char *p = lines->p, *end; out && p && (end = strchr(p, '\n')); p = end + 1) {
		const char *from = strchr(p, '{');
		if (!from || json_array_append_new(out, json_stringn(from, (size_t)(end - from)))) {
			json_decref(out);
			return NULL;
		}
	}
	return out;
}

static void put_json(struct turn *t, struct buf *out, const struct buf *tests)
{
	json_t *root = impact_render_json(t->impact);
	bool ok = root != NULL;

	ok = ok && !json_object_set_new(root, "base", json_revision(t->base.sha));
	ok = ok && !json_object_set_new(root, "head", json_revision(t->revisions.head_sha));
	ok = ok && !json_object_set_new(root, "refused", json_boolean(t->refused));
	ok = ok && !json_object_set_new(root, "diagnostics", diags_json(&t->diags));
	if (option_given(t->inv, "suggest-tests"))
		ok = ok && !json_object_set_new(root, "suggested_tests", json_lines(tests));
	if (!ok || value_write(out, root))
		out->failed = true;
	json_decref(root);
}

static int print_plan(struct turn *t)
{
	bool json = option_given(t->inv, "json"), markdown = option_given(t->inv, "markdown");
	bool suggest = option_given(t->inv, "suggest-tests");
	struct buf out = {0}, tests = {0};
	int r;

	if (suggest)
		impact_suggest_tests(&tests, t->impact);
	if (json) {
		put_json(t, &out, &tests);
	} else if (markdown) {
		impact_render_markdown(&out, t->impact, &t->diags);
	} else {
		impact_render_text(&out, t->impact,
				   &(struct impact_style){.color = use_color(t->inv, stdout),
							  .full = option_given(t->inv, "full"),
							  .width = terminal_width()});
		if (suggest && tests.n)
			buf_printf(&out, "\nTests for the gained access, to go under `tests:`\n%s", tests.p);
		else if (suggest)
			buf_str(&out, "\nThe tests cover all gained access.\n");
	}
	out.failed |= tests.failed;
	r = print_buf(t->inv, &out);
	if (!r && !json)
		report(t->inv, &t->diags, NULL);
	buf_free(&out);
	buf_free(&tests);
	return r;
}

static int work(struct turn *t)
{
	if (clone_open(t->revisions.path, &t->clone, &t->diags) < 0 ||
	    plan_revisions_find(&t->revisions, t->clone, &t->diags) < 0)
		return -1;
	t->base.clone = t->clone;
	t->base.sha = t->revisions.base_sha;
	start_base(t);
	return read_head(t) < 0 || read_base(t) < 0 ? -1 : judge(t);
}

static int exit_code(const struct turn *t)
{
	if (t->refused)
		return REFUSED;
	return t->impact->n_items && option_given(t->inv, "detailed-exitcode") ? CHANGES : DONE;
}

int plan_definition(struct invocation *inv)
{
	struct turn t = {.inv = inv};
	int code = FAILED, wrong;

	if (option_given(inv, "json") && option_given(inv, "markdown"))
		return usage_error(inv, "--json or --markdown, not both");
	t.arena = arena_new();
	if (t.arena && (wrong = plan_revisions_read(inv, t.arena, &t.revisions))) {
		arena_free(t.arena);
		return wrong;
	}
	if (!t.arena)
		diags_out_of_memory(&t.diags);
	else if (work(&t) == 0 && print_plan(&t) == 0)
		code = exit_code(&t);
	if (!t.impact)
		report(inv, &t.diags, NULL);
	join_base(&t.base);
	ledger_free(t.ledger);
	clone_close(t.clone);
	diags_free(&t.diags);
	diags_free(&t.base.read);
	diags_free(&t.base.load);
	arena_free(t.base.arena);
	arena_free(t.arena);
	return code;
}
