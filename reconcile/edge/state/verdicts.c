#include "reconcile/edge/state/verdicts.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/control/control.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/text/json_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_KEPT 5

/* What became of one commit. */
struct history {
	enum verdict verdict;
	char commit[HASH_HEX_LEN + 1];
	int64_t time;
	struct version version; /* that was published, or stays so; epoch and number 0: none */
	char reason[64];        /* of a refusal: its code */
	char message[512];
};

struct verdicts {
	const struct served *served;
	struct conditions *conditions;
	struct notes *notes;
	bool remote;
	char attempted[HASH_HEX_LEN + 1]; /* the last commit that got a verdict */
	char tried[HASH_HEX_LEN + 1];     /* the last commit that was judged, verdict or not */
	int64_t tried_at;
	char *problem;                        /* what was refused, as a person reads it; NULL: nothing */
	struct history history[HISTORY_KEPT]; /* newest first */
	unsigned n_history;
	uint64_t counts[N_VERDICTS];
	char looked[CONTROL_WORD_LEN + 1]; /* the word of the last look that a person asked for */
	enum turn look_turn;               /* what it came to */
};

static const char *const words[N_VERDICTS] = {
    [VERDICT_REFUSED] = "refused", [VERDICT_UNCHANGED] = "unchanged", [VERDICT_PUBLISHED] = "published"};

struct verdicts *verdicts_new(const struct served *s, struct conditions *c, struct notes *n, bool remote)
{
	struct verdicts *v = calloc(1, sizeof(*v));

	if (v)
		*v = (struct verdicts){.served = s, .conditions = c, .notes = n, .remote = remote};
	return v;
}

void verdicts_free(struct verdicts *v)
{
	if (v)
		free(v->problem);
	free(v);
}

/* --- one commit --- */

const char *verdicts_attempted(const struct verdicts *v)
{
	return v->attempted;
}

void verdicts_set_attempted(struct verdicts *v, const char *commit)
{
	snprintf(v->attempted, sizeof(v->attempted), "%s", commit);
}

void verdicts_begin(struct verdicts *v, const char *commit)
{
	snprintf(v->tried, sizeof(v->tried), "%s", commit);
	v->tried_at = clock_unix();
	conditions_touch(v->conditions);
}

void verdicts_refuse(struct verdicts *v, const char *commit, const struct diags *d)
{
	const struct condition was = *conditions_get(v->conditions, CONDITION_VALID);
	struct buf text = {0};

	conditions_fail(v->conditions, CONDITION_VALID, commit, d);
	diags_render_human(&text, d, NULL, false);
	free(v->problem);
	v->problem = text.failed || !text.p ? NULL : strdup(text.p);
	buf_free(&text);
	conditions_touch(v->conditions);
	if (strcmp(was.commit, commit) || strcmp(was.reason, conditions_get(v->conditions, CONDITION_VALID)->reason)) {
		if (*commit)
			log_error("invalid", "commit %.12s is refused; %s stays as it is", commit,
				  served_now(v->served) ? "what was published" : "everything");
		log_diags("invalid", d);
	}
}

void verdicts_accept(struct verdicts *v, const char *commit)
{
	conditions_set(v->conditions, CONDITION_VALID, TRUTH_TRUE, "Valid", commit, "nothing is wrong with it");
	free(v->problem);
	v->problem = NULL;
}

static void note_put(struct verdicts *v, const struct history *h, const char *more)
{
	struct buf text = {0};

	/* A server that is not in the definition yet has no say about it, where other servers do. */
	if (v->remote && !served_now(v->served))
		return;
	switch (h->verdict) {
	case VERDICT_PUBLISHED:
		buf_printf(&text, NOTE_PUBLISHED "%" PRIu64 ".%" PRIu64 "\n", h->version.epoch, h->version.number);
		break;
	case VERDICT_UNCHANGED:
		buf_printf(&text, NOTE_UNCHANGED "says the same to every peer as version %" PRIu64 ".%" PRIu64 "\n",
			   h->version.epoch, h->version.number);
		break;
	default:
		buf_str(&text, "refused: what was published stays\n");
		break;
	}
	if (more)
		buf_printf(&text, "\n%s", more);
	if (!text.failed)
		notes_put(v->notes, h->commit, buf_span(&text));
	buf_free(&text);
}

static void history_add(struct verdicts *v, const struct history *h)
{
	memmove(&v->history[1], &v->history[0], sizeof(v->history) - sizeof(v->history[0]));
	v->history[0] = *h;
	if (v->n_history < HISTORY_KEPT)
		v->n_history++;
	conditions_touch(v->conditions);
}

void verdicts_add(struct verdicts *v, const char *commit, enum verdict verdict, const char *more)
{
	const struct condition *valid = conditions_get(v->conditions, CONDITION_VALID),
			       *published = conditions_get(v->conditions, CONDITION_PUBLISHED);
	struct history h = {.verdict = verdict, .time = clock_unix()}, *last = &v->history[0];
	const bool refused = verdict == VERDICT_REFUSED;

	snprintf(h.commit, sizeof(h.commit), "%s", commit);
	if (served_now(v->served))
		h.version = served_now(v->served)->parsed.version;
	if (refused)
		snprintf(h.reason, sizeof(h.reason), "%s", valid->reason);
	snprintf(h.message, sizeof(h.message), "%.500s", refused ? valid->message : published->message);
	v->counts[verdict]++;
	note_put(v, &h, more);
	/* What is tried again and again is one entry. */
	if (!v->n_history || last->verdict != verdict || strcmp(last->commit, commit) || strcmp(last->reason, h.reason))
		history_add(v, &h);
}

void verdicts_answer(struct verdicts *v, const char *word, enum turn turn)
{
	if (!*word || !strcmp(word, v->looked))
		return;
	snprintf(v->looked, sizeof(v->looked), "%s", word);
	v->look_turn = turn;
	conditions_touch(v->conditions);
}

/* --- for the status and the metrics --- */

const char *verdicts_problem(const struct verdicts *v)
{
	return v->problem;
}

uint64_t verdicts_count(const struct verdicts *v, enum verdict verdict)
{
	return v->counts[verdict];
}

json_t *verdicts_version_json(const struct version *version)
{
	return json_pack("{s:I, s:I}", "epoch", (json_int_t)version->epoch, "number", (json_int_t)version->number);
}

json_t *verdicts_attempted_json(const struct verdicts *v)
{
	return v->tried[0] ? json_pack("{s:s, s:I}", "commit", v->tried, "time", (json_int_t)v->tried_at) : NULL;
}

json_t *verdicts_looked_json(const struct verdicts *v)
{
	return v->looked[0] ? json_pack("{s:s, s:s}", "word", v->looked, "result", turn_name(v->look_turn)) : NULL;
}

/* Messages were cut at a byte, which may be within a character: value_text() mends that. */
json_t *verdicts_history_json(const struct verdicts *v)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < v->n_history; i++) {
		const struct history *h = &v->history[i];
		json_t *o = json_pack("{s:s, s:s, s:I, s:o}", "commit", h->commit, "verdict", words[h->verdict], "time",
				      (json_int_t)h->time, "message", value_text(span_str(h->message)));
		if (o && h->reason[0])
			json_object_set_new(o, "reason", json_string(h->reason));
		if (o && h->version.number)
			json_object_set_new(o, "version", verdicts_version_json(&h->version));
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
	int i = 0;

	while (verdict && i < N_VERDICTS && strcmp(words[i], verdict))
		i++;
	if (!commit || !verdict || !message || i == N_VERDICTS || epoch < 0 || number < 0)
		return false;
	*h = (struct history){.verdict = (enum verdict)i,
			      .time = json_integer_value(json_object_get(o, "time")),
			      .version = {(uint64_t)epoch, (uint64_t)number}};
	snprintf(h->commit, sizeof(h->commit), "%.40s", commit);
	snprintf(h->reason, sizeof(h->reason), "%.60s", reason ? reason : "");
	snprintf(h->message, sizeof(h->message), "%.500s", message);
	return true;
}

void verdicts_read(struct verdicts *v, const char *data_dir)
{
	struct diags quiet = {0};
	json_t *o, *e;
	size_t i;

	/* A status that cannot be read is written anew: only the history of before is lost. */
	if (status_file_read(data_dir, NULL, &o, &quiet) > 0)
		json_array_foreach(json_object_get(o, "history"), i, e)
		{
			if (v->n_history < HISTORY_KEPT && history_parse(e, &v->history[v->n_history]))
				v->n_history++;
		}
	json_decref(o);
	diags_free(&quiet);
}
