/* What became of each commit: the last few in the status, and all of them as git notes. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/text/json_value.h"
#include "reconcile/edge/control/status_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_MS 100 /* after the verdict: peers are told first */

static const char *const words[N_VERDICTS] = {"refused", "unchanged", "published"};

/* --- suspended --- */

bool reconciler_suspended(struct reconciler *r)
{
	char reason[CONTROL_REASON_MAX];
	const bool is = control_suspended(r->o.data_dir, reason);
	const bool was = conditions_get(r->conditions, CONDITION_SUSPENDED)->status == TRUTH_TRUE;

	if (is && !was)
		log_warn("suspended", "no new revision is taken%s%s", *reason ? ": " : "", reason);
	else if (was && !is)
		log_info("resumed", "new revisions are taken again");
	if (is)
		conditions_set(r->conditions, CONDITION_SUSPENDED, TRUTH_TRUE, "ByHand", NULL, "%s",
			       *reason ? reason : "no reason was given");
	else
		conditions_set(r->conditions, CONDITION_SUSPENDED, TRUTH_FALSE, "Following", NULL,
			       "new revisions are taken");
	return is;
}

/* --- the note --- */

void reconciler_note_flush(struct reconciler *r)
{
	struct diags d = {0};

	if (!r->note_commit[0] || !r->repo)
		return;
	if (note_write(r->repo, r->note_commit, buf_span(&r->note), &d) == 0) {
		memcpy(r->noted, r->note_commit, sizeof(r->noted));
		r->note_failed = false;
		reconciler_notes_due(r);
	} else if (!r->note_failed) {
		r->note_failed = true;
		log_warn("note", "%s (%s)", d.first ? d.first->message : "out of memory",
			 d.first && d.first->help ? d.first->help : "publishing goes on without");
	}
	r->note_commit[0] = '\0';
	diags_free(&d);
}

bool reconciler_note_again(struct reconciler *r)
{
	struct diags quiet = {0};
	bool written = r->repo && *r->noted && note_write(r->repo, r->noted, buf_span(&r->note), &quiet) == 0;

	diags_free(&quiet);
	return written;
}

static void on_note(void *ctx)
{
	reconciler_note_flush(ctx);
	reconciler_upstream_go(ctx);
}

static void note_make(struct reconciler *r, const struct history *h, const char *more)
{
	/* A server that is not in the definition yet has no say about it, where others do. */
	if (r->config->remote && !served_now(r->served))
		return;
	reconciler_note_flush(r);
	r->noted[0] = '\0';
	buf_reset(&r->note);
	switch (h->verdict) {
	case VERDICT_PUBLISHED:
		buf_printf(&r->note, NOTE_PUBLISHED "%" PRIu64 ".%" PRIu64 "\n", h->version.epoch, h->version.number);
		break;
	case VERDICT_UNCHANGED:
		buf_printf(&r->note, NOTE_UNCHANGED "says the same to every peer as version %" PRIu64 ".%" PRIu64 "\n",
			   h->version.epoch, h->version.number);
		break;
	default:
		buf_str(&r->note, "refused: what was published stays\n");
		break;
	}
	if (more)
		buf_printf(&r->note, "\n%s", more);
	if (r->note.failed)
		return;
	snprintf(r->note_commit, sizeof(r->note_commit), "%s", h->commit);
	if (r->o.watch && !r->note_timer.slot) {
		r->note_timer = (struct loop_timer){.fn = on_note, .ctx = r};
		loop_timer_set(r->loop, &r->note_timer, NOTE_MS);
	}
}

/* --- the history --- */

static void history_add(struct reconciler *r, const struct history *h)
{
	memmove(&r->history[1], &r->history[0], sizeof(r->history) - sizeof(r->history[0]));
	r->history[0] = *h;
	if (r->n_history < HISTORY_KEPT)
		r->n_history++;
	conditions_touch(r->conditions);
}

void reconciler_verdict(struct reconciler *r, const char *commit, enum verdict v, const char *more)
{
	const struct condition *valid = conditions_get(r->conditions, CONDITION_VALID),
			       *published = conditions_get(r->conditions, CONDITION_PUBLISHED);
	struct history h = {.verdict = v, .time = clock_unix()}, *last = &r->history[0];

	snprintf(h.commit, sizeof(h.commit), "%s", commit);
	if (served_now(r->served))
		h.version = served_now(r->served)->parsed.version;
	if (v == VERDICT_REFUSED)
		snprintf(h.reason, sizeof(h.reason), "%s", valid->reason);
	snprintf(h.message, sizeof(h.message), "%.500s", v == VERDICT_REFUSED ? valid->message : published->message);
	r->verdicts[v]++;
	note_make(r, &h, more);
	/* What is tried again and again is one entry. */
	if (!r->n_history || last->verdict != v || strcmp(last->commit, commit) || strcmp(last->reason, h.reason))
		history_add(r, &h);
}

json_t *reconciler_history_json(const struct reconciler *r)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < r->n_history; i++) {
		const struct history *h = &r->history[i];
		json_t *o = json_pack("{s:s, s:s, s:I, s:o}", "commit", h->commit, "verdict", words[h->verdict], "time",
				      (json_int_t)h->time, "message", value_text(span_str(h->message)));
		if (o && h->reason[0])
			json_object_set_new(o, "reason", json_string(h->reason));
		if (o && h->version.number)
			json_object_set_new(o, "version", version_json(&h->version));
		json_array_append_new(list, o);
	}
	return list;
}

static bool history_parse(const json_t *o, struct history *h)
{
	const char *commit = json_string_value(json_object_get(o, "commit"));
	const char *verdict = json_string_value(json_object_get(o, "verdict"));
	const char *message = json_string_value(json_object_get(o, "message"));
	const char *reason = json_string_value(json_object_get(o, "reason"));
	const json_t *version = json_object_get(o, "version");
	const json_int_t epoch = json_integer_value(json_object_get(version, "epoch"));
	const json_int_t number = json_integer_value(json_object_get(version, "number"));
	int v = 0;

	while (verdict && v < N_VERDICTS && strcmp(words[v], verdict))
		v++;
	if (!commit || !verdict || !message || v == N_VERDICTS || epoch < 0 || number < 0)
		return false;
	*h = (struct history){.verdict = (enum verdict)v,
			      .time = json_integer_value(json_object_get(o, "time")),
			      .version = {(uint64_t)epoch, (uint64_t)number}};
	snprintf(h->commit, sizeof(h->commit), "%.40s", commit);
	snprintf(h->reason, sizeof(h->reason), "%.60s", reason ? reason : "");
	snprintf(h->message, sizeof(h->message), "%.500s", message);
	return true;
}

void reconciler_history_read(struct reconciler *r)
{
	struct diags quiet = {0};
	json_t *o, *e;
	size_t i;

	/* A status that cannot be read is written anew: only the history of before is lost. */
	if (status_file_read(r->o.data_dir, NULL, &o, &quiet) > 0)
		json_array_foreach(json_object_get(o, "history"), i, e)
		{
			if (r->n_history < HISTORY_KEPT && history_parse(e, &r->history[r->n_history]))
				r->n_history++;
		}
	json_decref(o);
	diags_free(&quiet);
}
