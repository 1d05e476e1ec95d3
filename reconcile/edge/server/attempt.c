#include "reconcile/edge/server/attempt.h"
#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/answer/redeem.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/revision/judge.h"
#include "reconcile/edge/state/iface.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/state/verdicts.h"

#include <inttypes.h>

/* --- publishing --- */

/* The snapshot says the same: nothing new for the peers, but expiries, tests or the list of admins may differ. */
static enum turn adopt(const struct owners *o, struct revision *g, struct diags *d)
{
	struct revision *was;

	if (served_adopt(o->served, g, &was, d) < 0) {
		conditions_fail(o->conditions, CONDITION_PUBLISHED, g->commit.sha, d);
		log_diags("publish", d);
		revision_free(g);
		return TURN_FAILED;
	}
	enrolments_record(o->enrolments, g, was->model);
	readers_follow(o->readers, was);
	reports_follow(o->reports, was);
	knocks_follow(o->knocks, was);
	revision_free(was);
	conditions_set(o->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "SameContent", g->parsed.commit,
		       "commit %.12s says the same to every peer", g->commit.sha);
	log_info("unchanged", "commit %.12s changes nothing for the peers", g->commit.sha);
	iface_converge(o->iface, g, IFACE_ALL);
	return TURN_UNCHANGED;
}

static uint32_t enabled_peers(const struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++)
		n += !m->peers[i].disabled;
	return n;
}

/* Takes `g` over in any case. What it takes away leaves the server's own interface before a peer is told. */
static enum turn publish(const struct owners *o, struct revision *g, int64_t pushed, struct diags *d)
{
	const struct ledger *ledger = enrolments_ledger(o->enrolments);
	const struct revision *old = served_now(o->served);

	if (revision_sign(g, old, o->config, d) < 0)
		goto fail;
	enrolments_record(o->enrolments, g, old ? old->model : NULL);
	moves_update(o->moves, g);
	own_moves_update(o->own_moves, g);
	if (iface_converge(o->iface, g, IFACE_REMOVALS) < 0)
		log_warn("device", "what version %" PRIu64 ".%" PRIu64 " takes away could not be removed from %s yet",
			 g->parsed.version.epoch, g->parsed.version.number, o->config->interface);
	if (served_publish(o->served, g, ledger ? ledger_position(ledger) : NULL, d) < 0)
		goto fail;
	readers_follow(o->readers, old);
	reports_follow(o->reports, old);
	reports_await(o->reports, pushed);
	knocks_follow(o->knocks, old);
	conditions_set(o->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "Published", g->commit.sha,
		       "version %" PRIu64 ".%" PRIu64, g->parsed.version.epoch, g->parsed.version.number);
	log_info("published", "version %" PRIu64 ".%" PRIu64 ", commit %.12s: %u peer%s in %u view%s",
		 g->parsed.version.epoch, g->parsed.version.number, g->commit.sha, enabled_peers(g->model),
		 enabled_peers(g->model) == 1 ? "" : "s", g->snapshot->n_views, g->snapshot->n_views == 1 ? "" : "s");
	poll_wake(o);
	iface_converge(o->iface, g, IFACE_ALL);
	return TURN_PUBLISHED;
fail:
	conditions_fail(o->conditions, CONDITION_PUBLISHED, g->commit.sha, d);
	log_diags("publish", d);
	revision_free(g);
	if (served_now(o->served))
		iface_converge(o->iface, served_now(o->served), IFACE_ALL);
	return TURN_FAILED;
}

/* --- judging --- */

/* A version that peers have seen with other bytes, or have passed, would be an alarm for them. */
static int check_version(const struct owners *o, const struct revision *g, struct diags *d)
{
	const struct statement *was = &served_record(o->served)->parsed;

	if (!served_has_record(o->served) || !hash_cmp(&was->name, &g->parsed.name) ||
	    version_cmp(&g->parsed.version, &was->version) > 0)
		return 0;
	struct diag *e = diag_error(
	    d, "version-not-newer", NULL,
	    "this would be version %" PRIu64 ".%" PRIu64 ", and %" PRIu64 ".%" PRIu64 " was published before",
	    g->parsed.version.epoch, g->parsed.version.number, was->version.epoch, was->version.number);
	diag_help(d, e, "push another commit on top; after a rewritten history raise `epoch:` by one");
	return -1;
}

/*
 * What another server on the same remote published last, by its note: a server that has published nothing itself goes on
 * from there, or it would publish what the other servers refuse. NULL: no server has published anything.
 */
static struct revision *published_elsewhere(const struct owners *o, struct repo *repo, const char *sha)
{
	struct diags quiet = {0};
	struct revision *g;
	char at[HASH_HEX_LEN + 1];

	if (served_now(o->served) || !o->config->remote || !note_published(repo, sha, at))
		return NULL;
	g = revision_load(repo, at, &quiet);
	diags_free(&quiet);
	return g;
}

/* Loads and judges a commit. NULL with diagnostics; *final says that the verdict is about the content. */
static struct revision *candidate(const struct owners *o, struct repo *repo, const char *sha, bool *final,
				  struct diags *d)
{
	struct revision *elsewhere = published_elsewhere(o, repo, sha);
	const struct judge by = {.repo = repo,
				 .config = o->config,
				 .published = served_now(o->served) ? served_now(o->served) : elsewhere,
				 .facts = enrolments_ledger(o->enrolments) ? enrolments_facts(o->enrolments) : NULL,
				 .readers = served_now(o->served) ? readers_list(o->readers) : NULL,
				 .now = clock_unix(),
				 .guarded = true};
	struct revision *g = revision_new(d);
	struct arena *a = arena_new();
	struct judgement judged = {0};
	int refused = -1;

	if (g && a)
		refused = judge_commit(&by, sha, g, a, &judged, d);
	else
		diags_out_of_memory(d);
	/* Another server may still publish it. */
	*final = judged.final && (served_now(o->served) || !o->config->remote);
	if (refused < 0 || moves_check(o->moves, g, d) < 0 || own_moves_check(o->own_moves, g, d) < 0)
		goto fail;
	/* The first time only: until now the network's id was not known. */
	if (!enrolments_ledger(o->enrolments)) {
		if (enrolments_open(o->enrolments, repo, &g->model->trust.id, d) < 0)
			goto fail;
		redeem_look(o);
		ledger_check(g->model, ledger_facts(enrolments_ledger(o->enrolments)), d);
		if (d->n_errors)
			goto fail;
	}
	if (!(served_now(o->served) && revision_same_content(g, served_now(o->served))) && check_version(o, g, d) < 0)
		goto fail;
	arena_free(a);
	revision_free(elsewhere);
	return g;
fail:
	/* Diagnostics point at names of files in the revision's arena: they are logged before it is freed. */
	verdicts_refuse(o->verdicts, sha, d);
	arena_free(a);
	revision_free(elsewhere);
	revision_free(g);
	return NULL;
}

static void take_warnings(const struct diags *d)
{
	if (d->n_warnings)
		log_diags("warning", d);
}

static void verdict_accepted(const struct owners *o, const char *sha, enum turn turn, const struct diags *d)
{
	struct buf warnings = {0};

	if (d->n_warnings)
		diags_render_human(&warnings, d, NULL, false);
	verdicts_add(o->verdicts, sha, turn == TURN_PUBLISHED ? VERDICT_PUBLISHED : VERDICT_UNCHANGED,
		     warnings.failed ? NULL : warnings.p);
	buf_free(&warnings);
}

enum turn attempt_commit(const struct owners *o, struct repo *repo, const char *sha, int64_t pushed)
{
	struct diags d = {0};
	enum turn turn;
	bool final;
	struct revision *g;

	verdicts_begin(o->verdicts, sha);
	g = candidate(o, repo, sha, &final, &d);
	if (!g) {
		/* Tried again: a move ends by itself, and what could not be read may come back. */
		if (final && !moves_are_all(&d))
			verdicts_set_attempted(o->verdicts, sha);
		if (final)
			verdicts_add(o->verdicts, sha, VERDICT_REFUSED, verdicts_problem(o->verdicts));
		turn = final ? TURN_INVALID : TURN_FAILED;
	} else {
		take_warnings(&d);
		verdicts_accept(o->verdicts, sha);
		if (served_now(o->served) && revision_same_content(g, served_now(o->served)))
			turn = adopt(o, g, &d);
		else
			turn = publish(o, g, pushed, &d);
		if (turn != TURN_FAILED) {
			verdicts_set_attempted(o->verdicts, sha);
			verdict_accepted(o, sha, turn, &d);
		}
	}
	diags_free(&d);
	return turn;
}
