#include "reconcile/edge/push/push.h"
#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/revision/judge.h"
#include "reconcile/edge/git/ledger.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/revision/publish.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/impact/guard.h"
#include "schema/utf8.h"
#include "reconcile/show/impact_render.h"

#include <string.h>

#define PLAN_LINES     60 /* of a plan, above a refusal */
#define EFFECT_LINES   40 /* of its effect, when all is well */
#define BRANCHES_NAMED 3

static int hex_take(struct span *s, char out[static PUSH_SHA_LEN + 1], bool *zero)
{
	*zero = true;
	if (s->n <= PUSH_SHA_LEN || s->p[PUSH_SHA_LEN] != ' ')
		return -1;
	for (int i = 0; i < PUSH_SHA_LEN; i++) {
		out[i] = (char)s->p[i];
		if (!strchr("0123456789abcdef", out[i]) || !out[i])
			return -1;
		*zero &= out[i] == '0';
	}
	out[PUSH_SHA_LEN] = '\0';
	s->p += PUSH_SHA_LEN + 1;
	s->n -= PUSH_SHA_LEN + 1;
	return 0;
}

int push_next(struct span *lines, struct push_update *out)
{
	const uint8_t *end = lines->n ? memchr(lines->p, '\n', lines->n) : NULL;
	struct span line = {lines->p, end ? (size_t)(end - lines->p) : lines->n};

	if (!lines->n)
		return 0;
	lines->p += line.n + (end != NULL);
	lines->n -= line.n + (end != NULL);
	if (!end || hex_take(&line, out->before, &out->creates) < 0 || hex_take(&line, out->after, &out->deletes) < 0 ||
	    line.n > PUSH_REF_MAX || line.n <= 5 || memcmp(line.p, "refs/", 5) || memchr(line.p, '\0', line.n))
		return -1;
	memcpy(out->ref, line.p, line.n);
	out->ref[line.n] = '\0';
	return 1;
}

/* Everything that one push holds while it is judged. */
struct work {
	const struct push *push;
	struct buf *out;
	struct server_config *config;
	struct repo *repo;
	struct arena *arena;
	struct ledger *ledger;
	json_t *status;
	struct revision *published, *proposed;
	struct judgement judged;
	struct diags diags;
	char sha[PUSH_SHA_LEN + 1]; /* of the definition's branch from now on; "": it is not pushed */
	struct buf others;          /* other branches, by name */
	unsigned n_others;
};

static bool below(const char *ref, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(ref, prefix, n) && (!ref[n] || ref[n] == '/');
}

/* Sorts one ref: the definition's branch, those that only the server writes, and those that are taken as they are. */
static void take_update(struct work *w, const struct push_update *u, struct push_update *definition)
{
	static const char heads[] = "refs/heads/";
	const char *name = strncmp(u->ref, heads, sizeof(heads) - 1) ? u->ref : u->ref + sizeof(heads) - 1;
	struct diags *d = &w->diags;

	if (!strcmp(u->ref, w->config->ref)) {
		if (u->deletes)
			diag_error(d, "push-definition", NULL,
				   "the branch '%s' is the network's definition: it cannot be deleted", name);
		else
			*definition = *u;
	} else if (below(u->ref, LEDGER_REF)) {
		diag_error(d, "push-ledger", NULL,
			   "the branch 'innernet/enrolments' is the ledger: only the server writes to it");
	} else if (below(u->ref, "refs/heads/innernet") || below(u->ref, NOTE_REF) || below(u->ref, "refs/innernet")) {
		diag_error(d, "push-reserved", NULL, "'%s' is one of the server's own: only the server writes to it",
			   name);
	} else if (name != u->ref && !u->deletes) {
		if (w->n_others < BRANCHES_NAMED) {
			buf_str(&w->others, w->n_others ? ", '" : "'");
			buf_visible(&w->others, span_str(name));
			buf_char(&w->others, '\'');
		}
		w->n_others++;
	}
}

static int take_updates(struct work *w, struct span lines, struct push_update *definition)
{
	struct push_update u;
	int more;

	while ((more = push_next(&lines, &u)) > 0)
		take_update(w, &u, definition);
	if (more < 0)
		diag_error(&w->diags, "push-unknown", NULL,
			   "git's list of the pushed refs cannot be read: nothing is taken");
	return w->diags.n_errors ? -1 : 0;
}

/* A revision from the server's own copy, which not every user may read. */
static struct revision *revision_kept(struct work *w, const char *sha, struct diags *d)
{
	struct revision *g = revision_new(d);
	struct repo_definition def;
	struct buf folder = {0};
	struct published p;
	struct commit_info commit;
	char kept[HASH_HEX_LEN + 1];
	bool ok;

	buf_printf(&folder, "%s/published", w->push->data_dir);
	ok = g && !folder.failed && !published_read(folder.p, g->arena, &p, d) && p.statement.text.p &&
	     !published_definition(folder.p, &p.parsed, g->arena, kept, &def.root, &def.includes, d) &&
	     !strcmp(kept, sha);
	if (ok) {
		commit = (struct commit_info){.number = p.parsed.version.number, .time = p.parsed.time};
		memcpy(commit.sha, kept, sizeof(commit.sha));
		ok = !revision_build(g, &def.root, &def.includes, &commit, NULL, d);
	}
	buf_free(&folder);
	if (ok)
		return g;
	revision_free(g);
	return NULL;
}

/*
 * What the push is compared with: what is published, by the status; before anything is, where the branch is. -1 when
 * that cannot be told: then nothing can be said about the push either.
 */
static int find_published(struct work *w, const struct push_update *u, bool *guarded)
{
	struct diags why = {0};
	char sha[HASH_HEX_LEN + 1];
	struct diag *g;

	if (status_file_read(w->push->data_dir, NULL, &w->status, &w->diags) < 0)
		return -1;
	snprintf(sha, sizeof(sha), "%s", status_text(json_object_get(w->status, "last_applied"), "commit"));
	*guarded = sha[0] != '\0';
	if (*guarded && repo_has_commit(w->repo, sha))
		w->published = revision_load(w->repo, sha, &why);
	else if (*guarded)
		w->published = revision_kept(w, sha, &why);
	else if (!u->creates)
		w->published = revision_load(w->repo, u->before, &why);
	if (*guarded && !w->published) {
		g = diag_error(&w->diags, "push-unknown", NULL, "commit %.12s, which is published, cannot be read: %s",
			       sha, why.first ? why.first->message : "the server's copy is of another commit");
		diag_help(
		    &w->diags, g,
		    "the plan of this push needs that commit: repair the repository on the server, then push again");
	}
	w->diags.out_of_memory |= why.out_of_memory;
	diags_free(&why);
	return *guarded && !w->published ? -1 : 0;
}

/* The server checks once more: what cannot be read of the ledger is a warning here. */
static const struct ledger_facts *read_ledger(struct work *w)
{
	const char *known = status_text(w->status, "ledger");
	struct diags d = {0};

	if (!w->published || !w->published->model->trust.present)
		return NULL;
	if (!*known || !strcmp(known, "-"))
		known = NULL;
	w->ledger = ledger_new(w->repo, &w->published->model->trust.id, known, &d);
	if ((!w->ledger || ledger_refresh(w->ledger, &d) < 0) && d.first)
		diag_warning(&w->diags, d.first->code, NULL, "%s", d.first->message);
	diags_free(&d);
	return w->ledger ? ledger_facts(w->ledger) : NULL;
}

/*
 * What each published peer reads, by the status: the server's own file of it is not readable by every user. NULL: out of
 * memory, or nothing is published.
 */
static const struct reader *read_readers(struct work *w)
{
	const struct model *m = w->published ? w->published->model : NULL;
	struct reader *readers = m ? arena_array(w->arena, m->n_peers, sizeof(*readers)) : NULL;
	size_t i;
	json_t *p;

	json_array_foreach(json_object_get(w->status, "peers"), i, p)
	{
		const uint32_t k = readers ? model_peer_by_name(m, status_text(p, "name")) : NONE;
		if (k != NONE)
			readers[k] =
			    (struct reader){.heard = json_integer_value(json_object_get(p, "polled")),
					    .reads = (uint32_t)json_integer_value(json_object_get(p, "reads"))};
	}
	return readers;
}

static int judge_definition(struct work *w, const struct push_update *u)
{
	struct judge j = {.config = w->config};

	memcpy(w->sha, u->after, sizeof(w->sha));
	if (!(w->repo = repo_open_hook(w->config->ref, &w->diags)) || find_published(w, u, &j.guarded) < 0)
		return -1;
	j.repo = w->repo;
	j.published = w->published;
	j.facts = read_ledger(w);
	j.readers = read_readers(w);
	j.now = clock_unix();
	if (!(w->proposed = revision_new(&w->diags)))
		return -1;
	return judge_commit(&j, u->after, w->proposed, w->arena, &w->judged, &w->diags);
}

/* The first lines of a text, and how many there are more. */
static size_t put_lines(struct buf *out, const char *text, const char *end, size_t most)
{
	size_t n = 0;

	for (const char *nl; text < end && (nl = memchr(text, '\n', (size_t)(end - text))); text = nl + 1)
		if (n++ < most)
			buf_add(out, text, (size_t)(nl + 1 - text));
	return n > most ? n - most : 0;
}

/* Brief: the effect and the sum. Else all of it; both bounded: a person reads it at a terminal. */
static void put_plan(struct work *w, bool brief)
{
	const struct impact *im = w->judged.plan;
	struct buf text = {0};
	const char *end;
	size_t left;

	if (!im)
		return;
	impact_render_text(&text, im, &(struct impact_style){.color = w->push->color});
	w->out->failed |= text.failed;
	if (text.failed || !text.p)
		return;
	end = brief && im->n_items ? strstr(text.p, "\n\n") : NULL;
	end = end ? end + 1 : text.p + text.n;
	left = put_lines(w->out, text.p, end, brief ? EFFECT_LINES : PLAN_LINES);
	if (left)
		buf_printf(w->out, "... and %zu line%s more\n", left, left == 1 ? "" : "s");
	if (im->n_items && (brief || left))
		plan_put_summary(w->out, im->n_add, im->n_change, im->n_remove, w->push->color);
	if (im->n_items && left && !brief)
		buf_printf(w->out, "Plan id: %s\n", im->id);
	buf_free(&text);
}

static void put_others(struct work *w)
{
	const char *branch = w->config ? w->config->ref : "";

	if (!w->n_others)
		return;
	if (!strncmp(branch, "refs/heads/", 11))
		branch += 11;
	buf_printf(w->out, "%s", w->others.p ? w->others.p : "");
	if (w->n_others > BRANCHES_NAMED)
		buf_printf(w->out, " and %u more", w->n_others - BRANCHES_NAMED);
	buf_printf(w->out, ": taken, and not published; the network is what '%s' says\n", branch);
	w->out->failed |= w->others.failed;
}

static void put_refusal(struct work *w)
{
	/* A plan that may be accepted comes first. Of one that may not, the errors come first, and the effect after them. */
	const bool acceptable = w->judged.plan && judge_acceptable(&w->diags);
	struct buf text = {0};

	if (acceptable) {
		put_plan(w, false);
		buf_char(w->out, '\n');
	}
	diags_render_human(&text, &w->diags, NULL, w->push->color);
	buf_add(w->out, text.p ? text.p : "", text.n);
	w->out->failed |= text.failed;
	buf_free(&text);
	if (w->diags.out_of_memory)
		buf_str(w->out, "error[out-of-memory]: out of memory\n");
	if (w->judged.plan && !acceptable) {
		buf_char(w->out, '\n');
		put_plan(w, true);
	}
	if (acceptable)
		buf_printf(w->out,
			   "\nRefused: commit %.12s is not published unasked. To accept its plan:\n"
			   "  git commit --amend --no-edit --trailer '" ACCEPT_TRAILER ": %s'\n",
			   w->sha, w->judged.plan->id);
	else if (w->sha[0])
		buf_printf(w->out, "\nRefused: commit %.12s; nothing was changed.\n", w->sha);
	else
		buf_str(w->out, "\nRefused: nothing was changed.\n");
}

static void put_success(struct work *w)
{
	struct buf text = {0};

	if (w->diags.first) {
		diags_render_human(&text, &w->diags, NULL, w->push->color);
		buf_add(w->out, text.p ? text.p : "", text.n);
		w->out->failed |= text.failed;
		buf_free(&text);
		buf_char(w->out, '\n');
	}
	if (w->sha[0] && !w->judged.plan)
		w->judged.plan = impact_new(w->arena, NULL, w->proposed->model, NULL);
	put_plan(w, true);
	put_others(w);
}

bool push_judge(const struct push *p, struct span lines, struct buf *out)
{
	struct work w = {.push = p, .out = out};
	struct push_update definition = {.ref = ""};
	bool taken = false;

	if (!(w.arena = arena_new()))
		diags_out_of_memory(&w.diags);
	else if (!server_public_read(p->data_dir, &w.config, &w.diags) && !take_updates(&w, lines, &definition))
		taken = !definition.ref[0] || !judge_definition(&w, &definition);
	taken &= !w.diags.n_errors && !w.diags.out_of_memory;
	if (taken)
		put_success(&w);
	else
		put_refusal(&w);
	diags_free(&w.diags);
	ledger_free(w.ledger);
	json_decref(w.status);
	revision_free(w.proposed);
	revision_free(w.published);
	repo_close(w.repo);
	server_config_free(w.config);
	arena_free(w.arena);
	buf_free(&w.others);
	return taken;
}
