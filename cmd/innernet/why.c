/* innernet why: whether two peers or CIDRs reach each other, by which line of the definition, and since when. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/own_clone.h"
#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/text/json_value.h"
#include "reconcile/net/why.h"
#include "schema/utf8.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Exit codes: they reach each other; they do not, or in part; an error. */
enum { REACH = 0, PARTED = 1, UNTOLD = 2 };

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    {0},
};

struct answer {
	struct invocation *inv;
	struct arena *arena;
	struct model *model;
	struct clone *clone;
	struct ledger *ledger; /* NULL: the clone has none */
	struct why why;
	struct blame blames[WHY_LINES_MAX];
	bool known[WHY_LINES_MAX]; /* whether blames[i] is filled in: git has the file of this line */
	struct diags diags;
};

/* Finds the commit and author of each line. A failure of git is a warning: the answer does not need it. */
static void find_blame(struct answer *t)
{
	struct diags d = {0};

	clone_open_for(t->model, false, &t->clone, &t->ledger, &t->diags);
	for (unsigned i = 0; t->clone && i < t->why.n_lines; i++) {
		const struct place *at = &t->why.lines[i].at;
		t->known[i] = clone_blame(t->clone, t->model->files[at->file], t->model->sources[at->file], at->line,
					  t->arena, &t->blames[i], &d) > 0;
	}
	if (d.first)
		diag_warning(&t->diags, d.first->code, NULL, "%s", d.first->message);
	diags_free(&d);
}

static void put_date(struct buf *out, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm))
		buf_printf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	else
		buf_str(out, "an invalid time");
}

static void put_blame(struct buf *out, const struct blame *b)
{
	if (b->unknown != CLONE_WHOLE) {
		buf_printf(out, "  since: not known, because this %s clone lacks the older %s: %s\n",
			   b->unknown == CLONE_SHALLOW ? "shallow" : "partial",
			   b->unknown == CLONE_SHALLOW ? "commits" : "files", clone_fill_command(b->unknown));
		return;
	}
	if (!b->committed) {
		buf_str(out, "  since: not committed yet\n");
		return;
	}
	buf_str(out, "  since: ");
	put_date(out, b->time);
	buf_printf(out, ", commit %.12s by ", b->sha);
	buf_visible(out, span_str(b->author));
	buf_str(out, " <");
	buf_visible(out, span_str(b->email));
	buf_str(out, ">: ");
	buf_visible(out, span_str(b->summary));
	buf_char(out, '\n');
}

static void put_line(struct buf *out, const struct model *m, const struct place *at)
{
	struct source_cursor cursor = {0};
	struct span text = source_line(&cursor, m->sources, at->file, at->line);
	int width = 1;

	for (uint32_t n = at->line; n >= 10; n /= 10)
		width++;
	buf_printf(out, "%*s--> %s:%u:%u\n%*s |\n%u | ", width, "", m->files[at->file], at->line, at->column, width, "",
		   at->line);
	buf_visible(out, text);
	buf_char(out, '\n');
}

/* Returns whether the peer's invite is not redeemed, as far as this clone's ledger knows. */
static bool is_invited(const struct answer *t, const struct peer *p)
{
	return p->is_invite && !(t->ledger && ledger_enrolment(ledger_facts(t->ledger), &p->key));
}

static void put_end(struct buf *out, const struct answer *t, const struct why_end *e)
{
	const struct model *m = t->model;
	const struct peer *p = e->ref.kind == REF_PEER ? &m->peers[e->ref.index] : NULL;
	char addr[ADDR_STR_LEN];

	if (e->ref.kind == REF_CIDR)
		return;
	buf_printf(out, "  %s: ", e->ref.text);
	if (e->through != NONE)
		buf_printf(out, "routed by '%s', ", p->name);
	else if (p && strcmp(p->name, e->ref.text) != 0)
		buf_printf(out, "'%s', ", p->name);
	for (unsigned i = 0; p && i < p->n_ips; i++) {
		addr_format(&p->ip[i], addr);
		buf_printf(out, "%s%s", i ? "," : "", addr);
	}
	buf_printf(out, "%s in '%s'%s\n", p ? "" : "free", m->cidrs[e->cidr].name,
		   p && is_invited(t, p) ? ", invited" : "");
}

static void put_human(struct buf *out, const struct answer *t)
{
	const struct why *w = &t->why;
	const struct model *m = t->model;

	why_put_answer(out, w);
	put_end(out, t, &w->a);
	put_end(out, t, &w->b);
	if (w->cause == WHY_NO_ASSOCIATION)
		buf_printf(out, "why: no association joins '%s' and '%s'\n", m->cidrs[w->c1].name,
			   m->cidrs[w->c2].name);
	for (unsigned i = 0; i < w->n_lines; i++) {
		buf_printf(out, "why: %s\n", w->lines[i].text);
		put_line(out, m, &w->lines[i].at);
		if (t->known[i])
			put_blame(out, &t->blames[i]);
	}
	if (w->more_lines)
		buf_printf(out, "and %u more lines join them\n", w->more_lines);
	buf_printf(out, "help: %s%s%s\n", w->change, w->add ? ":\n" : "", w->add ? w->add : "");
}

static json_t *json_end(const struct answer *t, const struct why_end *e)
{
	const struct model *m = t->model;
	static const char *const kinds[] = {[REF_PEER] = "peer", [REF_CIDR] = "cidr", [REF_ADDR] = "address"};

	return json_pack("{s:s, s:s, s:o, s:s, s:o, s:b}", "asked", e->ref.text, "kind", kinds[e->ref.kind], "peer",
			 e->ref.kind == REF_PEER ? json_string(m->peers[e->ref.index].name) : json_null(), "cidr",
			 m->cidrs[e->cidr].name, "through",
			 e->through == NONE ? json_null() : json_string(m->peers[e->through].name), "invited",
			 e->ref.kind == REF_PEER && is_invited(t, &m->peers[e->ref.index]));
}

/* Returns git's text as a JSON string in UTF-8, with control characters made visible. */
static json_t *json_visible(const char *text)
{
	struct buf b = {0};
	json_t *out;

	buf_visible(&b, span_str(text));
	out = b.failed ? NULL : json_stringn(b.p ? b.p : "", b.n);
	buf_free(&b);
	return out;
}

static json_t *json_blame(const struct answer *t, unsigned i)
{
	const struct blame *b = &t->blames[i];

	if (!t->known[i] || !b->committed)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:I, s:o}", "sha", b->sha, "author", json_visible(b->author), "email",
			 json_visible(b->email), "time", (json_int_t)b->time, "summary", json_visible(b->summary));
}

/* null: the clone lacks what would tell. */
static json_t *json_committed(const struct answer *t, unsigned i)
{
	if (t->known[i] && t->blames[i].unknown != CLONE_WHOLE)
		return json_null();
	return json_boolean(t->known[i] && t->blames[i].committed);
}

static void put_json(struct buf *out, const struct answer *t)
{
	static const char *const words[] = {[WHY_NO] = "no", [WHY_YES] = "yes", [WHY_PARTLY] = "partly"};
	const struct why *w = &t->why;
	json_t *lines = json_array(), *root;
	bool ok = true;

	for (unsigned i = 0; ok && i < w->n_lines; i++)
		ok = !json_array_append_new(lines, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "text", w->lines[i].text,
							     "file", t->model->files[w->lines[i].at.file], "line",
							     (json_int_t)w->lines[i].at.line, "column",
							     (json_int_t)w->lines[i].at.column, "committed",
							     json_committed(t, i), "commit", json_blame(t, i)));
	root = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:I, s:s?, s:s, s:s?}", "format_version", "1.0", "a",
			 json_end(t, &w->a), "b", json_end(t, &w->b), "reach", words[w->answer], "rule",
			 why_cause_name(w->cause), "lines", lines, "more_lines", (json_int_t)w->more_lines, "partly",
			 w->partly, "change", w->change, "add", w->add ? w->add + 2 : NULL);
	if (!ok || value_write(out, root))
		out->failed = true;
	json_decref(root);
}

/* Returns the path to read: for a network's name its clone, fast-forwarded; a failed update is a warning. NULL on an error. */
static const char *find_path(struct answer *t, const char *word)
{
	struct diags *d = &t->diags;
	struct own_clone own;

	if (own_clone_named(t->arena, word, false, &own, d) < 0)
		return NULL;
	if (own.path && own_clone_freshen(&own, d) < 0) {
		diags_soften(d);
		if (d->last)
			diag_note(d, d->last, NULL, "the answer is for the clone's current files");
	}
	return own.path ? own.path : word;
}

static int ask(struct answer *t, const char *word)
{
	struct invocation *inv = t->inv;
	struct diags *d = &t->diags;
	const char *path = find_path(t, word);
	struct why_end a, b;
	struct reach_index *x;

	if (!path)
		return -1;
	if (!(t->model = source_load(t->arena, path, false, d)))
		return -1;
	if (!(x = reach_index_new(t->arena, t->model)))
		return diags_out_of_memory(d);
	/* Looks up both before it returns, to report two unknown names at once. */
	int found = why_find(t->model, inv->args[0], &a, d);
	if (why_find(t->model, inv->args[1], &b, d) < 0 || found < 0)
		return -1;
	return why_ask(t->arena, x, t->model, &a, &b, &t->why, d);
}

static int run(struct invocation *inv)
{
	const char *path = inv->n_args > 2 ? inv->args[2] : ".";
	struct answer t = {.inv = inv, .arena = arena_new()};
	struct buf out = {0};
	int code = UNTOLD;

	if (!t.arena) {
		diags_out_of_memory(&t.diags);
	} else if (ask(&t, path) == 0) {
		find_blame(&t);
		if (option_given(inv, "json"))
			put_json(&out, &t);
		else
			put_human(&out, &t);
		if (print_buf(inv, &out) == 0)
			code = t.why.answer == WHY_YES ? REACH : PARTED;
	}
	report(inv, &t.diags, NULL);
	buf_free(&out);
	ledger_free(t.ledger);
	clone_close(t.clone);
	diags_free(&t.diags);
	arena_free(t.arena);
	return code;
}

const struct command command_why = {
    .name = "why",
    .synopsis = "A B [IFACE | FILE | DIR] [--json]",
    .summary = "explain why two peers or CIDRs reach each other, or why not",
    .text =
	"A and B are peers, CIDRs or addresses of the definition (network.yaml of the current folder, or FILE). Names\n"
	"the rule and its line, and in a git repository the commit, its author and its date; or the reason why not,\n"
	"and the change that would join them. With IFACE, a network that `innernet clone` has cloned, it first brings\n"
	"the clone up to date, unless that has local changes. Exit code: 0 they reach each other, 1 they do not, 2 an\n"
	"error.",
    .example = "innernet why alice ci-servers",
    .options = options,
    .min_args = 2,
    .max_args = 3,
    .words = {WORD_PEER | WORD_CIDR, WORD_PEER | WORD_CIDR, WORD_DEFINITION},
    .usage_exit = UNTOLD,
    .run = run,
};
