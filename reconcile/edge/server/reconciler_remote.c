/*
 * A definition that is on a remote: looked at on an interval and when somebody asks, with the ledger written there. One
 * thing at a time, in this order: who asked to look, what is to be recorded, the notes. A redemption counts when it is
 * on the remote, and who redeems waits for that; while the remote is away all else stays as it is.
 */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/http/routes.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/text/json_value.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RETRY_MS 5000   /* after a failure; twice as long after each further one */
#define LAST_RETRY_MS  600000 /* unless the interval is longer */
#define STUCK_MAX      2      /* pushes from one place that the remote did not take: no race any more */

static const char *const away_word = "remote";

/* --- how it goes --- */

static void reached(struct reconciler *r)
{
	struct upstream *up = &r->up;

	if (up->failures)
		log_info(away_word, "%s can be reached again", r->config->remote);
	up->failures = 0;
	up->reached = clock_unix();
	up->problem[0] = '\0';
	conditions_set(r->conditions, CONDITION_SOURCE, TRUTH_TRUE, "Reached", NULL, "%s", r->config->remote);
}

static void away(struct reconciler *r, const char *message)
{
	struct upstream *up = &r->up;

	if (!up->failures)
		log_warn(away_word, "%s cannot be reached: %s; everything stays as it is", r->config->remote, message);
	up->failures++;
	snprintf(up->problem, sizeof(up->problem), "%s", message);
	conditions_set(r->conditions, CONDITION_SOURCE, TRUTH_FALSE, "Away", NULL, "%s: %s", r->config->remote,
		       message);
}

/* From nine to eleven tenths of it, so that servers that were started together do not stay so. */
static int64_t jittered(int64_t ms)
{
	return ms - ms / 10 + (int64_t)randombytes_uniform((uint32_t)(ms / 5) + 1);
}

/* A server that joins: it is not in the definition yet, or another one has yet to publish that it is. */
static bool waits_for_others(const struct reconciler *r)
{
	const struct condition *c = conditions_get(r->conditions, CONDITION_VALID);

	return c->status == TRUTH_FALSE && (!strcmp(c->reason, "cannot-sign") || !strcmp(c->reason, "server-dropped"));
}

static void timer_arm(struct reconciler *r)
{
	const int64_t interval = (int64_t)r->config->interval * 1000;
	int64_t ms = interval;

	r->up.waits = !r->up.failures && waits_for_others(r) ? r->up.waits + 1 : 0;
	if (r->up.waits && r->up.waits <= 10 && (int64_t)FIRST_RETRY_MS << (r->up.waits - 1) < interval)
		ms = (int64_t)FIRST_RETRY_MS << (r->up.waits - 1);
	if (r->up.failures) {
		const unsigned doubled = r->up.failures > 10 ? 10 : r->up.failures - 1;
		const int64_t most = interval > LAST_RETRY_MS ? interval : LAST_RETRY_MS;
		ms = (int64_t)FIRST_RETRY_MS << doubled;
		if (ms > interval && r->up.failures == 1)
			ms = interval;
		if (ms > most)
			ms = most;
	}
	if (r->o.watch)
		loop_timer_set(r->loop, &r->up.timer, jittered(ms));
}

/* --- the ledger --- */

static void ledger_refused(struct reconciler *r, const char *message)
{
	char problem[256];

	if (!ledger_write_problem(enrolments_ledger(r->enrolments)))
		log_error("ledger", "%s does not take the ledger: %s", r->config->remote, message);
	snprintf(problem, sizeof(problem), "the remote does not take it: %.200s", message);
	ledger_write_failed(enrolments_ledger(r->enrolments), problem);
	r->up.blocked = true;
	redemptions_fail(r->redemptions);
	conditions_touch(r->conditions);
}

/* A commit of what is due. 1: it is to be pushed; 0: there is nothing; -1 with diagnostics. */
static int proposal_make(struct reconciler *r, bool records, struct diags *d)
{
	struct arena *a = arena_new();
	struct ledger_wish wish = {.commit = served_now(r->served) ? served_now(r->served)->commit.sha : ""};
	int some = -1;

	if (a)
		wish.enrolments = redemptions_list(r->redemptions, a, &wish.n_enrolments);
	if (!wish.enrolments || (records && reconciler_chain_records(r, a, &wish.statements, &wish.n_statements) < 0)) {
		d->out_of_memory = true;
	} else {
		wish.m = records ? served_now(r->served)->model : NULL;
		some = ledger_propose(enrolments_ledger(r->enrolments), &wish, &r->up.proposal, d);
	}
	arena_free(a);
	return some;
}

/* False: there is nothing to push. */
static bool ledger_push(struct reconciler *r)
{
	struct upstream *up = &r->up;
	const bool records = enrolments_record_due(r->enrolments) && served_now(r->served);
	struct diags d = {0};
	int some;

	if (up->blocked || !enrolments_ledger(r->enrolments) || (!records && !redemptions_waiting(r->redemptions)))
		return false;
	some = proposal_make(r, records, &d);
	if (some < 0) {
		if (!ledger_write_problem(enrolments_ledger(r->enrolments)) || redemptions_waiting(r->redemptions))
			log_diags("ledger", &d);
		up->blocked = true;
		redemptions_fail(r->redemptions);
	} else if (!some) {
		if (records)
			enrolments_set_record_due(r->enrolments, false);
		redemptions_decided(r->redemptions);
	} else {
		up->records = records;
		up->doing = UPSTREAM_LEDGER;
		remote_push(up->remote, LEDGER_REF, up->proposal.from, up->proposal.to);
	}
	diags_free(&d);
	return some > 0;
}

static void ledger_pushed(struct reconciler *r, enum remote_result result, const char *message)
{
	struct upstream *up = &r->up;

	if (result == REMOTE_DONE) {
		reached(r);
		up->stuck = 0;
		if (up->records)
			enrolments_set_record_due(r->enrolments, false);
		enrolments_landed(r->enrolments, &up->proposal);
		reconciler_ledger_moved(r);
		return;
	}
	if (strcmp(up->stuck_at, up->proposal.from))
		up->stuck = 0;
	snprintf(up->stuck_at, sizeof(up->stuck_at), "%s", up->proposal.from);
	if (++up->stuck >= STUCK_MAX) {
		ledger_refused(r, message);
		return;
	}
	/* Somebody else was first, or nobody knows whether it arrived. */
	log_debug("ledger", "pushed in vain: %s; looking again", message);
	up->look_due = true;
}

/* --- the notes --- */

void reconciler_notes_due(struct reconciler *r)
{
	r->up.notes_due = r->up.remote != NULL;
	r->up.notes_tries = 0;
}

static bool notes_push(struct reconciler *r)
{
	if (!r->up.notes_due || r->up.blocked)
		return false;
	r->up.notes_due = false;
	r->up.doing = UPSTREAM_NOTES;
	remote_push(r->up.remote, NOTE_REF, NULL, NOTE_REF);
	return true;
}

/* Another server's notes came first: they are fetched, ours is put on top, and that is tried again, once. */
static void notes_pushed(struct reconciler *r, enum remote_result result, const char *message)
{
	if (result == REMOTE_REFUSED && !r->up.notes_tries++) {
		r->up.look_due = r->up.notes_again = true;
		return;
	}
	if (result != REMOTE_DONE && !r->note_failed) {
		r->note_failed = true;
		log_warn("note", "%s does not take the notes: %s", r->config->remote, message);
	}
}

/* --- one thing after the other --- */

static void on_looked(void *ctx, enum remote_result result, bool moved, const char *message)
{
	struct reconciler *r = ctx;
	struct upstream *up = &r->up;

	(void)moved;
	up->doing = UPSTREAM_IDLE;
	if (result == REMOTE_DONE) {
		reached(r);
		up->blocked = false;
	} else {
		away(r, message);
		up->blocked = true;
		up->notes_again = false;
	}
	reconciler_looked(r, up->word, result != REMOTE_DONE);
	timer_arm(r);
	up->word[0] = '\0';
	if (result != REMOTE_DONE)
		redemptions_fail(r->redemptions);
	if (up->notes_again && reconciler_note_again(r))
		up->notes_due = true;
	up->notes_again = false;
	reconciler_upstream_go(r);
}

static void on_pushed(void *ctx, enum remote_result result, const char *message)
{
	struct reconciler *r = ctx;
	const enum upstream_doing was = r->up.doing;

	r->up.doing = UPSTREAM_IDLE;
	if (was == UPSTREAM_LEDGER)
		ledger_pushed(r, result, message);
	else
		notes_pushed(r, result, message);
	/* A commit may have waited until the one before it was recorded. */
	if (r->up.turn_due && !r->up.look_due) {
		r->up.turn_due = false;
		reconciler_looked(r, "", false);
	}
	reconciler_ready(r);
	if (r->o.watch)
		conditions_due_in(r->conditions, 200);
	reconciler_upstream_go(r);
}

void reconciler_upstream_go(struct reconciler *r)
{
	struct upstream *up = &r->up;

	if (!up->remote || up->doing != UPSTREAM_IDLE || up->going)
		return;
	/* What cannot even be started calls back from here. */
	up->going = true;
	while (up->doing == UPSTREAM_IDLE) {
		if (up->look_due) {
			up->look_due = false;
			control_asked(r->o.data_dir, up->word);
			up->doing = UPSTREAM_LOOK;
			remote_look(up->remote);
		} else if (!ledger_push(r) && !notes_push(r)) {
			break;
		}
	}
	up->going = false;
	if (up->doing == UPSTREAM_IDLE && up->settling)
		loop_stop(r->loop);
}

void reconciler_upstream_redeems(struct reconciler *r, bool added)
{
	/* Whether it is back is best asked first: a push that hangs takes longer than a question. */
	if (added && (r->up.failures || r->up.blocked))
		r->up.look_due = true;
	reconciler_upstream_go(r);
}

void reconciler_upstream_look(struct reconciler *r)
{
	r->up.look_due = true;
	reconciler_upstream_go(r);
}

void reconciler_upstream_settle(struct reconciler *r)
{
	r->up.settling = true;
	reconciler_upstream_go(r);
	if (r->up.doing != UPSTREAM_IDLE)
		loop_run(r->loop);
	r->up.settling = false;
}

bool reconciler_upstream_records(const struct reconciler *r)
{
	return r->up.remote && enrolments_record_due(r->enrolments) && !r->up.blocked && !r->up.failures &&
	       r->up.doing == UPSTREAM_LEDGER;
}

static void on_interval(void *ctx)
{
	reconciler_upstream_look(ctx);
}

int reconciler_upstream_open(struct reconciler *r, struct diags *d)
{
	const struct server_config *c = r->config;
	const struct remote_options o = {.access = {.url = c->remote,
						    .ssh_key = c->ssh_key,
						    .known_hosts = c->known_hosts,
						    .credentials = c->credentials},
					 .looked = on_looked,
					 .pushed = on_pushed,
					 .ctx = r};

	if (!c->remote || r->up.remote)
		return 0;
	r->up.timer = (struct loop_timer){.fn = on_interval, .ctx = r};
	if (!(r->up.remote = remote_new(r->loop, r->repo, &o))) {
		d->out_of_memory = true;
		return -1;
	}
	conditions_set(r->conditions, CONDITION_SOURCE, TRUTH_UNKNOWN, "Starting", NULL, "%s", c->remote);
	return 0;
}

void reconciler_upstream_close(struct reconciler *r)
{
	remote_free(r->up.remote);
	r->up.remote = NULL;
	loop_timer_del(r->loop, &r->up.timer);
}

json_t *reconciler_upstream_json(const struct reconciler *r)
{
	json_t *o = json_pack("{s:s, s:s}", "kind", "remote", "url", r->config->remote);

	if (o && r->up.reached)
		json_object_set_new(o, "reached", json_integer(r->up.reached));
	if (o && r->up.problem[0])
		json_object_set_new(o, "problem", value_text(span_str(r->up.problem)));
	return o;
}
