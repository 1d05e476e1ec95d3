/* The server's ledger: what it knows, beside git too, and what is recorded of each revision. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"

#include <stdlib.h>
#include <string.h>

const struct ledger_facts *reconciler_facts(const struct reconciler *r)
{
	/* The ledger may hold less than what was kept beside it only when it cannot be read. */
	if (r->ledger && (ledger_available(r->ledger) || ledger_facts(r->ledger)->n_enrolments >= r->kept.n_enrolments))
		return ledger_facts(r->ledger);
	return &r->kept;
}

static int enrolment_cmp(const void *x, const void *y)
{
	return key_cmp(&((const struct enrolment *)x)->invite, &((const struct enrolment *)y)->invite);
}

/* Enrolments kept beside git, each checked like one that came over the network. */
void reconciler_kept_read(struct reconciler *r)
{
	const struct key *id = &served_record(r->served)->parsed.trust.id;
	struct diags d = {0};
	struct span *records;
	size_t n = 0;

	if (!(r->kept_arena = arena_new()) ||
	    published_read_enrolments(served_folder(r->served), r->kept_arena, &records, &n, &d) < 0)
		log_diags("enrolments", &d);
	if (n && (r->kept.enrolments = arena_array(r->kept_arena, n, sizeof(struct enrolment))))
		for (size_t i = 0; i < n; i++) {
			struct enrolment *e = &r->kept.enrolments[r->kept.n_enrolments];
			if (!enrolment_parse(records[i], e, &d) && !enrolment_check(e, id, &d))
				r->kept.n_enrolments++;
		}
	if (r->kept.n_enrolments)
		qsort(r->kept.enrolments, r->kept.n_enrolments, sizeof(struct enrolment), enrolment_cmp);
	diags_free(&d);
}

/* Writes down, beside git, what the ledger has and where it is; and holds it there. */
void reconciler_ledger_keep(struct reconciler *r)
{
	struct diags d = {0};
	const char *position = r->ledger ? ledger_position(r->ledger) : "-";

	if (!served_now(r->served) || !r->ledger || !ledger_available(r->ledger) || !strcmp(r->ledger_kept, position))
		return;
	if (ledger_pin(r->ledger, &d) < 0 ||
	    published_write_enrolments(served_folder(r->served), ledger_facts(r->ledger), &d) < 0 ||
	    served_write_position(r->served, position, &d) < 0)
		log_diags("published", &d);
	else
		memcpy(r->ledger_kept, position, strlen(position) + 1);
	diags_free(&d);
}

void reconciler_ledger_moved(struct reconciler *r)
{
	if (!served_now(r->served))
		return;
	reconciler_redemptions_landed(r);
	reconciler_converge(r, served_now(r->served), DEVICE_ALL);
	reconciler_wake(r);
	reconciler_redemptions_answer(r);
	conditions_touch(r->conditions);
	conditions_due_in(r->conditions, 200);
}

void reconciler_due_keep(struct reconciler *r)
{
	struct diags d = {0};
	size_t n;
	const struct key *due = ledger_due(r->ledger, &n);

	if (n != r->due_kept && published_write_due(served_folder(r->served), due, n, &d) < 0)
		log_diags("published", &d);
	else
		r->due_kept = n;
	diags_free(&d);
}

/* Those of the last run. */
static void due_read(struct reconciler *r)
{
	struct diags d = {0};
	struct key *due;
	size_t n;

	if (published_read_due(served_folder(r->served), &due, &n, &d) < 0 || ledger_due_add(r->ledger, due, n) < 0)
		log_diags("published", &d);
	r->due_kept = n;
	free(due);
	diags_free(&d);
}

int reconciler_ledger_open(struct reconciler *r, const struct key *id, struct diags *d)
{
	const char *known = strcmp(served_record(r->served)->ledger, "-") ? served_record(r->served)->ledger : NULL;

	if (r->ledger)
		return 0;
	r->ledger = (r->config->remote ? ledger_new_remote : ledger_new)(r->repo, id, known, d);
	if (!r->ledger)
		return -1;
	due_read(r);
	/* The last run may have ended before it was all there. */
	r->record_due |= r->due_kept > 0;
	return 0;
}

/* Reads what is new on the ledger. Said once each time that it changes. */
void reconciler_ledger_look(struct reconciler *r)
{
	struct diags d = {0};
	bool was = r->ledger && ledger_available(r->ledger);
	int moved;

	if (!r->ledger)
		return;
	moved = ledger_refresh(r->ledger, &d);
	if (d.n_warnings || (moved < 0 && (was || !conditions_get(r->conditions, CONDITION_READY)->reason[0])))
		log_diags("ledger", &d);
	if (moved < 0)
		conditions_fail(r->conditions, CONDITION_READY,
				served_now(r->served) ? served_now(r->served)->parsed.commit : NULL, &d);
	else if (!was && r->ledger_failed)
		log_info("ledger", "the ledger is in order");
	r->ledger_failed = moved < 0;
	diags_free(&d);
	if (moved > 0)
		reconciler_ledger_moved(r);
}

void reconciler_record(struct reconciler *r, const struct revision *g, const struct model *old)
{
	struct diags d = {0};

	if (r->config->remote) {
		/* It is published whether or not the remote can be written to now. */
		r->record_due = true;
		if (r->ledger && ledger_replace(r->ledger, g->model, old, &d) < 0)
			log_diags("ledger", &d);
		if (r->ledger)
			reconciler_due_keep(r);
		diags_free(&d);
		return;
	}
	r->record_due = !r->ledger || ledger_record(r->ledger, g->model, old, g->commit.sha, &d) < 0;
	if (r->record_due && r->ledger)
		log_diags("ledger", &d);
	if (r->ledger)
		reconciler_due_keep(r);
	diags_free(&d);
}
