#include "reconcile/edge/source/upstream.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/control/control.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/git/remote.h"
#include "reconcile/text/json_value.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RETRY_MS 5000   /* after a failure; twice as long after each further one */
#define LAST_RETRY_MS  600000 /* unless the interval is longer */
#define STUCK_MAX      2      /* pushes from one place that the remote did not take: no race any more */

enum upstream_doing { UPSTREAM_IDLE, UPSTREAM_LOOK, UPSTREAM_LEDGER, UPSTREAM_NOTES };

struct upstream {
	struct loop *loop;
	bool watch;
	struct upstream_uses uses;
	struct upstream_calls calls;
	struct remote *remote; /* NULL: there is none, or it is not open yet */
	enum upstream_doing doing;
	bool going;    /* upstream_go() is at work */
	bool settling; /* the loop is stopped when all is done */
	bool blocked;  /* nothing is pushed before a look that goes well */

	/* Looks. */
	bool look_due;
	bool turn_due;                   /* a commit waits until the one before it is recorded */
	char word[CONTROL_WORD_LEN + 1]; /* of the request to look; "": none */
	struct loop_timer timer;         /* the next one */
	unsigned failures;               /* in a row */
	unsigned waits;                  /* in a row, with this server waiting for what another one does */
	int64_t reached;                 /* Unix; 0: never */
	char problem[512];               /* of the last one; "": none */

	/* Pushes. */
	struct ledger_proposal proposal; /* that is being pushed */
	bool records;                    /* it has those of the served revision */
	char stuck_at[HASH_HEX_LEN + 1]; /* where the ledger was when a push did not arrive */
	unsigned stuck;                  /* how often */
	bool notes_due, notes_again;
	unsigned notes_tries;
};

static const char *const away_word = "remote";

/* --- how it goes --- */

static void reached(struct upstream *u)
{
	if (u->failures)
		log_info(away_word, "%s can be reached again", u->uses.config->remote);
	u->failures = 0;
	u->reached = clock_unix();
	u->problem[0] = '\0';
	conditions_set(u->uses.conditions, CONDITION_SOURCE, TRUTH_TRUE, "Reached", NULL, "%s", u->uses.config->remote);
}

static void away(struct upstream *u, const char *message)
{
	if (!u->failures)
		log_warn(away_word, "%s cannot be reached: %s; everything stays as it is", u->uses.config->remote,
			 message);
	u->failures++;
	snprintf(u->problem, sizeof(u->problem), "%s", message);
	conditions_set(u->uses.conditions, CONDITION_SOURCE, TRUTH_FALSE, "Away", NULL, "%s: %s",
		       u->uses.config->remote, message);
}

/* From nine to eleven tenths of it, so that servers that were started together do not look together. */
static int64_t jittered(int64_t ms)
{
	return ms - ms / 10 + (int64_t)randombytes_uniform((uint32_t)(ms / 5) + 1);
}

/* A server that joins: it is not in the definition yet, or another server has yet to publish that it is. */
static bool waits_for_others(const struct upstream *u)
{
	const struct condition *c = conditions_get(u->uses.conditions, CONDITION_VALID);

	return c->status == TRUTH_FALSE && (!strcmp(c->reason, "cannot-sign") || !strcmp(c->reason, "server-dropped"));
}

static void timer_arm(struct upstream *u)
{
	const int64_t interval = (int64_t)u->uses.config->interval * 1000;
	int64_t ms = interval;

	u->waits = !u->failures && waits_for_others(u) ? u->waits + 1 : 0;
	if (u->waits && u->waits <= 10 && (int64_t)FIRST_RETRY_MS << (u->waits - 1) < interval)
		ms = (int64_t)FIRST_RETRY_MS << (u->waits - 1);
	if (u->failures) {
		const unsigned doubled = u->failures > 10 ? 10 : u->failures - 1;
		const int64_t most = interval > LAST_RETRY_MS ? interval : LAST_RETRY_MS;
		ms = (int64_t)FIRST_RETRY_MS << doubled;
		if (ms > interval && u->failures == 1)
			ms = interval;
		if (ms > most)
			ms = most;
	}
	if (u->watch)
		loop_timer_set(u->loop, &u->timer, jittered(ms));
}

/* --- the ledger --- */

static void ledger_refused(struct upstream *u, const char *message)
{
	char problem[256];

	if (!ledger_write_problem(enrolments_ledger(u->uses.enrolments)))
		log_error("ledger", "%s does not take the ledger: %s", u->uses.config->remote, message);
	snprintf(problem, sizeof(problem), "the remote does not take it: %.200s", message);
	ledger_write_failed(enrolments_ledger(u->uses.enrolments), problem);
	u->blocked = true;
	redemptions_fail(u->uses.redemptions);
	conditions_touch(u->uses.conditions);
}

/* A commit of what is due. 1: it is to be pushed; 0: there is nothing; -1 with diagnostics. */
static int proposal_make(struct upstream *u, bool records, struct diags *d)
{
	struct arena *a = arena_new();
	struct ledger_wish wish = {.commit = served_now(u->uses.served) ? served_now(u->uses.served)->commit.sha : ""};
	int some = -1;

	if (a)
		wish.enrolments = redemptions_list(u->uses.redemptions, a, &wish.n_enrolments);
	if (!wish.enrolments ||
	    (records && chain_records(u->uses.chain, a, &wish.statements, &wish.n_statements) < 0)) {
		diags_out_of_memory(d);
	} else {
		wish.m = records ? served_now(u->uses.served)->model : NULL;
		some = ledger_propose(enrolments_ledger(u->uses.enrolments), &wish, &u->proposal, d);
	}
	arena_free(a);
	return some;
}

/* False: there is nothing to push. */
static bool ledger_push(struct upstream *u)
{
	const bool records = enrolments_record_due(u->uses.enrolments) && served_now(u->uses.served);
	struct diags d = {0};
	int some;

	if (u->blocked || !enrolments_ledger(u->uses.enrolments) ||
	    (!records && !redemptions_waiting(u->uses.redemptions)))
		return false;
	some = proposal_make(u, records, &d);
	if (some < 0) {
		if (!ledger_write_problem(enrolments_ledger(u->uses.enrolments)) ||
		    redemptions_waiting(u->uses.redemptions))
			log_diags("ledger", &d);
		u->blocked = true;
		redemptions_fail(u->uses.redemptions);
	} else if (!some) {
		if (records)
			enrolments_set_record_due(u->uses.enrolments, false);
		redemptions_decided(u->uses.redemptions);
	} else {
		u->records = records;
		u->doing = UPSTREAM_LEDGER;
		remote_push(u->remote, LEDGER_REF, u->proposal.from, u->proposal.to);
	}
	diags_free(&d);
	return some > 0;
}

static void ledger_pushed(struct upstream *u, enum remote_result result, const char *message)
{
	if (result == REMOTE_DONE) {
		reached(u);
		u->stuck = 0;
		if (u->records)
			enrolments_set_record_due(u->uses.enrolments, false);
		enrolments_landed(u->uses.enrolments, &u->proposal);
		u->calls.landed(u->calls.ctx);
		return;
	}
	if (strcmp(u->stuck_at, u->proposal.from))
		u->stuck = 0;
	snprintf(u->stuck_at, sizeof(u->stuck_at), "%s", u->proposal.from);
	if (++u->stuck >= STUCK_MAX) {
		ledger_refused(u, message);
		return;
	}
	/* Another server was first, or it is not known whether the push arrived. */
	log_debug("ledger", "pushed in vain: %s; looking again", message);
	u->look_due = true;
}

/* --- the notes --- */

static bool notes_push(struct upstream *u)
{
	if (notes_take_written(u->uses.notes)) {
		u->notes_due = true;
		u->notes_tries = 0;
	}
	if (!u->notes_due || u->blocked)
		return false;
	u->notes_due = false;
	u->doing = UPSTREAM_NOTES;
	remote_push(u->remote, NOTE_REF, NULL, NOTE_REF);
	return true;
}

/* Another server's notes came first: fetches them, puts the own one on top, and tries again, once. */
static void notes_pushed(struct upstream *u, enum remote_result result, const char *message)
{
	if (result == REMOTE_REFUSED && !u->notes_tries++) {
		u->look_due = u->notes_again = true;
		return;
	}
	if (result != REMOTE_DONE)
		notes_refused(u->uses.notes, u->uses.config->remote, message);
}

/* --- one thing after the other --- */

static void on_looked(void *ctx, enum remote_result result, bool moved, const char *message)
{
	struct upstream *u = ctx;
	(void)moved;
	u->doing = UPSTREAM_IDLE;
	if (result == REMOTE_DONE) {
		reached(u);
		u->blocked = false;
	} else {
		away(u, message);
		u->blocked = true;
		u->notes_again = false;
	}
	u->calls.looked(u->calls.ctx, u->word, result != REMOTE_DONE);
	timer_arm(u);
	u->word[0] = '\0';
	if (result != REMOTE_DONE)
		redemptions_fail(u->uses.redemptions);
	if (u->notes_again && notes_write_again(u->uses.notes))
		u->notes_due = true;
	u->notes_again = false;
	upstream_go(u);
}

static void on_pushed(void *ctx, enum remote_result result, const char *message)
{
	struct upstream *u = ctx;
	const enum upstream_doing was = u->doing;

	u->doing = UPSTREAM_IDLE;
	if (was == UPSTREAM_LEDGER)
		ledger_pushed(u, result, message);
	else
		notes_pushed(u, result, message);
	/* A commit may have waited until the one before it was recorded. */
	if (u->turn_due && !u->look_due) {
		u->turn_due = false;
		u->calls.looked(u->calls.ctx, "", false);
	}
	u->calls.pushed(u->calls.ctx);
	upstream_go(u);
}

void upstream_go(struct upstream *u)
{
	if (!u->remote || u->doing != UPSTREAM_IDLE || u->going)
		return;
	/* A child process that cannot be started calls back from here. */
	u->going = true;
	while (u->doing == UPSTREAM_IDLE) {
		if (u->look_due) {
			u->look_due = false;
			control_asked(u->uses.data_dir, u->word);
			u->doing = UPSTREAM_LOOK;
			remote_look(u->remote);
		} else if (!ledger_push(u) && !notes_push(u)) {
			break;
		}
	}
	u->going = false;
	if (u->doing == UPSTREAM_IDLE && u->settling)
		loop_stop(u->loop);
}

void upstream_redeem(struct upstream *u, bool added)
{
	/* Whether it is back is best asked first: a push that hangs takes longer than a question. */
	if (added && (u->failures || u->blocked))
		u->look_due = true;
	upstream_go(u);
}

void upstream_look(struct upstream *u)
{
	u->look_due = true;
	upstream_go(u);
}

void upstream_settle(struct upstream *u)
{
	u->settling = true;
	upstream_go(u);
	if (u->doing != UPSTREAM_IDLE)
		loop_run(u->loop);
	u->settling = false;
}

void upstream_look_and_settle(struct upstream *u)
{
	u->look_due = true;
	upstream_settle(u);
}

bool upstream_postpones(struct upstream *u)
{
	const bool records = u->remote && enrolments_record_due(u->uses.enrolments) && !u->blocked && !u->failures &&
			     u->doing == UPSTREAM_LEDGER;

	u->turn_due |= records;
	return records;
}

static void on_interval(void *ctx)
{
	upstream_look(ctx);
}

struct upstream *upstream_new(struct loop *l, bool watch, const struct upstream_uses *uses,
			      const struct upstream_calls *calls)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (u)
		*u = (struct upstream){
		    .loop = l, .watch = watch, .uses = *uses, .calls = *calls, .timer = {.fn = on_interval, .ctx = u}};
	return u;
}

int upstream_open(struct upstream *u, struct repo *mirror, struct diags *d)
{
	const struct server_config *c = u->uses.config;
	const struct remote_options o = {.access = {.url = c->remote,
						    .ssh_key = c->ssh_key,
						    .known_hosts = c->known_hosts,
						    .credentials = c->credentials},
					 .looked = on_looked,
					 .pushed = on_pushed,
					 .ctx = u};

	if (!c->remote || u->remote)
		return 0;
	if (!(u->remote = remote_new(u->loop, mirror, &o)))
		return diags_out_of_memory(d);
	conditions_set(u->uses.conditions, CONDITION_SOURCE, TRUTH_UNKNOWN, "Starting", NULL, "%s", c->remote);
	return 0;
}

void upstream_free(struct upstream *u)
{
	if (!u)
		return;
	remote_free(u->remote);
	loop_timer_del(u->loop, &u->timer);
	free(u);
}

bool upstream_exists(const struct upstream *u)
{
	return u->remote;
}

unsigned upstream_failures(const struct upstream *u)
{
	return u->failures;
}

json_t *upstream_json(const struct upstream *u)
{
	json_t *o = json_pack("{s:s, s:s}", "kind", "remote", "url", u->uses.config->remote);

	if (o && u->reached)
		json_object_set_new(o, "reached", json_integer(u->reached));
	if (o && u->problem[0])
		json_object_set_new(o, "problem", value_text(span_str(u->problem)));
	return o;
}
