#include "reconcile/edge/state/conditions.h"
#include "reconcile/text/json_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct conditions {
	struct loop *loop;
	bool has_source;
	struct condition list[N_CONDITIONS];
	bool touched;
	struct loop_timer due;
};

static const char *const names[N_CONDITIONS] = {
    [CONDITION_READY] = "Ready",         [CONDITION_VALID] = "Valid",         [CONDITION_PUBLISHED] = "Published",
    [CONDITION_CONVERGED] = "Converged", [CONDITION_SUSPENDED] = "Suspended", [CONDITION_SOURCE] = "Source",
};
static const char *const truths[N_TRUTHS] = {
    [TRUTH_UNKNOWN] = "Unknown", [TRUTH_FALSE] = "False", [TRUTH_TRUE] = "True"};

struct conditions *conditions_new(struct loop *l, bool has_source, void (*due)(void *ctx), void *ctx)
{
	struct conditions *c = calloc(1, sizeof(*c));

	if (c)
		*c = (struct conditions){.loop = l, .has_source = has_source, .due = {.fn = due, .ctx = ctx}};
	return c;
}

void conditions_free(struct conditions *c)
{
	if (c)
		loop_timer_del(c->loop, &c->due);
	free(c);
}

const char *conditions_name(enum condition_kind kind)
{
	return names[kind];
}

bool conditions_applies(const struct conditions *c, enum condition_kind kind)
{
	return kind != CONDITION_SOURCE || c->has_source;
}

const struct condition *conditions_get(const struct conditions *c, enum condition_kind kind)
{
	return &c->list[kind];
}

void conditions_set(struct conditions *c, enum condition_kind kind, enum truth status, const char *reason,
		    const char *commit, const char *fmt, ...)
{
	struct condition new = {.status = status, .time = clock_unix()}, *was = &c->list[kind];
	va_list ap;

	snprintf(new.reason, sizeof(new.reason), "%s", reason);
	snprintf(new.commit, sizeof(new.commit), "%s", commit ? commit : "");
	va_start(ap, fmt);
	vsnprintf(new.message, sizeof(new.message), fmt, ap);
	va_end(ap);
	if (was->status == new.status && !strcmp(was->reason, new.reason))
		new.time = was->time;
	if (was->status != new.status || strcmp(was->reason, new.reason) || strcmp(was->message, new.message) ||
	    strcmp(was->commit, new.commit))
		c->touched = true;
	*was = new;
}

void conditions_fail(struct conditions *c, enum condition_kind kind, const char *commit, const struct diags *d)
{
	const struct diag *g = d->first;
	char place[300] = "", more[48] = "";

	while (g && g->severity != SEVERITY_ERROR)
		g = g->next;
	if (!g) {
		conditions_set(c, kind, TRUTH_FALSE, "out-of-memory", commit, "out of memory");
		return;
	}
	const char *file = g->file;
	if (g->at.line && !file && d->files && g->at.file < d->n_files)
		file = d->files[g->at.file];
	if (g->at.line && file)
		snprintf(place, sizeof(place), "%.250s:%u:%u: ", file, g->at.line, g->at.column);
	if (d->n_errors > 1)
		snprintf(more, sizeof(more), " (and %zu more)", d->n_errors - 1);
	conditions_set(c, kind, TRUTH_FALSE, g->code, commit, "%s%s%s", place, g->message, more);
}

void conditions_touch(struct conditions *c)
{
	c->touched = true;
}

bool conditions_take_touched(struct conditions *c)
{
	const bool touched = c->touched;

	c->touched = false;
	return touched;
}

int conditions_due_in(struct conditions *c, int64_t ms)
{
	return loop_timer_set(c->loop, &c->due, ms);
}

/* Messages were cut at a byte, which may be within a character: value_text() mends that. */
json_t *conditions_json(const struct conditions *c)
{
	json_t *list = json_array();

	for (int i = 0; i < N_CONDITIONS; i++) {
		const struct condition *k = &c->list[i];
		if (!conditions_applies(c, (enum condition_kind)i))
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:s, s:I}", "type", names[i], "status",
						      truths[k->status], "reason", k->reason, "message",
						      value_text(span_str(k->message)), "commit", k->commit, "time",
						      (json_int_t)k->time));
	}
	return list;
}
