#include "reconcile/edge/base/file.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/edge/revision/judge.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/git/note.h"
#include "reconcile/edge/server/reconciler_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RETRY_MS  2000
#define STATUS_MS 10000 /* the status file follows who polled this often */

static int out_of_memory(struct diags *d)
{
	d->out_of_memory = true;
	diag_error(d, "out-of-memory", NULL, "out of memory");
	return -1;
}

/* --- conditions --- */

void reconciler_ready(struct reconciler *r)
{
	const char *commit = served_now(r->served) ? served_now(r->served)->parsed.commit : NULL;

	if (!served_now(r->served))
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "NothingPublished", NULL,
			       "nothing has been published yet");
	else if (!iface_ok(r->iface))
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "Interface", commit, "%s",
			       iface_problem(r->iface));
	else if (r->http && !http_listening(r->http))
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "NotListening", commit,
			       "TCP port %d on %s cannot be used", SERVER_PORT, r->config->interface);
	else if (!r->repo)
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "Repository", commit,
			       "the repository cannot be opened");
	else if (enrolments_ledger(r->enrolments) && !ledger_available(enrolments_ledger(r->enrolments)))
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "Ledger", commit,
			       "the ledger cannot be used; invitations cannot be redeemed until it is put back");
	else if (enrolments_ledger(r->enrolments) && ledger_write_problem(enrolments_ledger(r->enrolments)))
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "Ledger", commit,
			       "%s; invitations cannot be redeemed until a write works",
			       ledger_write_problem(enrolments_ledger(r->enrolments)));
	else if (r->up.failures)
		conditions_set(r->conditions, CONDITION_READY, TRUTH_FALSE, "Remote", commit,
			       "the remote cannot be reached; invitations cannot be redeemed until it is back");
	else
		conditions_set(r->conditions, CONDITION_READY, TRUTH_TRUE, "Serving", commit,
			       "serving the published version");
}

/* Keeps what a person needs to mend it; logs it once a commit. */
void reconciler_refuse(struct reconciler *r, const char *commit, const struct diags *d)
{
	const struct condition was = *conditions_get(r->conditions, CONDITION_VALID);
	struct buf text = {0};

	conditions_fail(r->conditions, CONDITION_VALID, commit, d);
	diags_render_human(&text, d, NULL, false);
	free(r->problem);
	r->problem = text.failed || !text.p ? NULL : strdup(text.p);
	buf_free(&text);
	conditions_touch(r->conditions);
	if (strcmp(was.commit, commit) || strcmp(was.reason, conditions_get(r->conditions, CONDITION_VALID)->reason)) {
		if (*commit)
			log_error("invalid", "commit %.12s is refused; %s stays as it is", commit,
				  served_now(r->served) ? "what was published" : "everything");
		log_diags("invalid", d);
	}
}

/* --- publishing --- */

/* The snapshot says what it said: nothing new for the peers, but expiries, tests or who is an admin may differ. */
static enum turn adopt(struct reconciler *r, struct revision *g, struct diags *d)
{
	struct revision *was;

	if (served_adopt(r->served, g, &was, d) < 0) {
		conditions_fail(r->conditions, CONDITION_PUBLISHED, g->commit.sha, d);
		log_diags("publish", d);
		revision_free(g);
		return TURN_FAILED;
	}
	enrolments_record(r->enrolments, g, was->model);
	readers_follow(r->readers, was);
	reports_follow(r->reports, was);
	knocks_follow(r->knocks, was);
	revision_free(was);
	conditions_set(r->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "SameContent", g->parsed.commit,
		       "commit %.12s says the same to every peer", g->commit.sha);
	log_info("unchanged", "commit %.12s changes nothing for the peers", g->commit.sha);
	iface_converge(r->iface, g, IFACE_ALL);
	return TURN_UNCHANGED;
}

static uint32_t enabled_peers(const struct model *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++)
		n += !m->peers[i].disabled;
	return n;
}

/* Takes `g` over whatever happens. What it takes away from our own interface goes before anybody is told. */
static enum turn publish(struct reconciler *r, struct revision *g, struct diags *d)
{
	const struct revision *old = served_now(r->served);

	if (revision_sign(g, old, r->config, d) < 0)
		goto fail;
	enrolments_record(r->enrolments, g, old ? old->model : NULL);
	moves_update(r->moves, g);
	if (iface_converge(r->iface, g, IFACE_REMOVALS) < 0)
		log_warn("device", "what version %" PRIu64 ".%" PRIu64 " takes away could not be removed from %s yet",
			 g->parsed.version.epoch, g->parsed.version.number, r->config->interface);
	if (served_publish(r->served, g,
			   enrolments_ledger(r->enrolments) ? ledger_position(enrolments_ledger(r->enrolments)) : NULL,
			   d) < 0)
		goto fail;
	readers_follow(r->readers, old);
	reports_follow(r->reports, old);
	reports_await(r->reports, r->pushed);
	knocks_follow(r->knocks, old);
	conditions_set(r->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "Published", g->commit.sha,
		       "version %" PRIu64 ".%" PRIu64, g->parsed.version.epoch, g->parsed.version.number);
	log_info("published", "version %" PRIu64 ".%" PRIu64 ", commit %.12s: %u peer%s in %u view%s",
		 g->parsed.version.epoch, g->parsed.version.number, g->commit.sha, enabled_peers(g->model),
		 enabled_peers(g->model) == 1 ? "" : "s", g->snapshot->n_views, g->snapshot->n_views == 1 ? "" : "s");
	reconciler_wake(r);
	iface_converge(r->iface, g, IFACE_ALL);
	return TURN_PUBLISHED;
fail:
	conditions_fail(r->conditions, CONDITION_PUBLISHED, g->commit.sha, d);
	log_diags("publish", d);
	revision_free(g);
	if (served_now(r->served))
		iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	return TURN_FAILED;
}

/* --- one commit --- */

/* A version that peers have seen with other bytes, or have passed, would be an alarm for them. */
static int check_version(const struct reconciler *r, const struct revision *g, struct diags *d)
{
	const struct statement *was = &served_record(r->served)->parsed;

	if (!served_has_record(r->served) || !hash_cmp(&was->name, &g->parsed.name) ||
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
 * from there, or it would publish what the others refuse. NULL: nobody has published anything.
 */
static struct revision *published_elsewhere(struct reconciler *r, const char *sha)
{
	struct diags quiet = {0};
	struct revision *g = NULL;
	struct repo_definition def;
	struct commit_info commit;
	char at[HASH_HEX_LEN + 1];
	bool unused;

	if (served_now(r->served) || !r->config->remote || !note_published(r->repo, sha, at))
		return NULL;
	if (!(g = revision_new(&quiet)) || repo_commit_info(r->repo, at, NULL, &commit, &unused, &quiet) < 0 ||
	    repo_definition(r->repo, at, g->arena, &def, &quiet) < 0 ||
	    revision_build(g, &def.root, &def.includes, &commit, NULL, &quiet) < 0) {
		revision_free(g);
		g = NULL;
	}
	diags_free(&quiet);
	return g;
}

/* Loads and judges a commit. NULL with diagnostics; *final says that the verdict is about the content. */
static struct revision *candidate(struct reconciler *r, const char *sha, bool *final, struct diags *d)
{
	struct revision *elsewhere = published_elsewhere(r, sha);
	const struct judge by = {.repo = r->repo,
				 .config = r->config,
				 .published = served_now(r->served) ? served_now(r->served) : elsewhere,
				 .facts = enrolments_ledger(r->enrolments) ? enrolments_facts(r->enrolments) : NULL,
				 .readers = served_now(r->served) ? readers_list(r->readers) : NULL,
				 .now = clock_unix(),
				 .guarded = true};
	struct revision *g = revision_new(d);
	struct arena *a = arena_new();
	struct judgement judged = {0};
	int refused = -1;

	if (g && a)
		refused = judge_commit(&by, sha, g, a, &judged, d);
	else
		d->out_of_memory = true;
	/* What the others make of it may still come. */
	*final = judged.final && (served_now(r->served) || !r->config->remote);
	if (refused < 0 || moves_check(r->moves, g, d) < 0)
		goto fail;
	/* The first time only: until now nobody knew the network's id. */
	if (!enrolments_ledger(r->enrolments)) {
		if (enrolments_open(r->enrolments, r->repo, &g->model->trust.id, d) < 0)
			goto fail;
		reconciler_ledger_look(r);
		ledger_check(g->model, ledger_facts(enrolments_ledger(r->enrolments)), d);
		if (d->n_errors)
			goto fail;
	}
	if (!(served_now(r->served) && revision_same_content(g, served_now(r->served))) && check_version(r, g, d) < 0)
		goto fail;
	arena_free(a);
	revision_free(elsewhere);
	return g;
fail:
	/* Diagnostics point at names of files in the revision's arena: they are said before it goes. */
	reconciler_refuse(r, sha, d);
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

static void verdict_accepted(struct reconciler *r, const char *sha, enum turn turn, const struct diags *d)
{
	struct buf warnings = {0};

	if (d->n_warnings)
		diags_render_human(&warnings, d, NULL, false);
	reconciler_verdict(r, sha, turn == TURN_PUBLISHED ? VERDICT_PUBLISHED : VERDICT_UNCHANGED,
			   warnings.failed ? NULL : warnings.p);
	buf_free(&warnings);
}

static void accepted(struct reconciler *r, const char *sha)
{
	conditions_set(r->conditions, CONDITION_VALID, TRUTH_TRUE, "Valid", sha, "nothing is wrong with it");
	free(r->problem);
	r->problem = NULL;
}

static enum turn attempt(struct reconciler *r, const char *sha)
{
	struct diags d = {0};
	enum turn turn;
	bool final;
	struct revision *g;

	snprintf(r->looked_at, sizeof(r->looked_at), "%s", sha);
	r->attempted_time = clock_unix();
	conditions_touch(r->conditions);
	g = candidate(r, sha, &final, &d);
	if (!g) {
		/* Moves end by themselves, and what could not be read may come back: those are tried again. */
		if (final && !moves_are_all(&d))
			snprintf(r->attempted, sizeof(r->attempted), "%s", sha);
		if (final)
			reconciler_verdict(r, sha, VERDICT_REFUSED, r->problem);
		turn = final ? TURN_INVALID : TURN_FAILED;
	} else {
		take_warnings(&d);
		accepted(r, sha);
		if (served_now(r->served) && revision_same_content(g, served_now(r->served)))
			turn = adopt(r, g, &d);
		else
			turn = publish(r, g, &d);
		if (turn != TURN_FAILED) {
			snprintf(r->attempted, sizeof(r->attempted), "%s", sha);
			verdict_accepted(r, sha, turn, &d);
		}
	}
	diags_free(&d);
	return turn;
}

/* --- one turn --- */

static int repository_open(struct reconciler *r, struct diags *d)
{
	const struct server_config *c = r->config;

	if (r->repo)
		return 0;
	/* What is only a copy is made again where it is gone. */
	if ((c->remote || c->file) && access(c->repository, F_OK) && errno == ENOENT &&
	    repo_init(c->repository, c->ref, NULL, 0, NULL, d) < 0)
		return -1;
	r->repo = repo_open(c->repository, c->ref, d);
	if (!r->repo)
		return -1;
	if (r->o.watch)
		r->maintenance = maintenance_new(r->loop, r->repo, MAINTENANCE_FIRST_MS);
	if (reconciler_upstream_open(r, d) < 0)
		return -1;
	if (served_has_record(r->served) &&
	    enrolments_open(r->enrolments, r->repo, &served_record(r->served)->parsed.trust.id, d) < 0)
		return -1;
	return 0;
}

void reconciler_listen(struct reconciler *r)
{
	struct diags d = {0};

	if (!r->http || !served_now(r->served))
		return;
	if (http_listen(r->http, &d) == 0)
		r->listen_failed = false;
	else if (iface_ok(r->iface) && !r->listen_failed) {
		r->listen_failed = true;
		log_diags("listen", &d);
	}
	diags_free(&d);
}

static void on_push(void *ctx)
{
	struct reconciler *r = ctx;

	r->pushed = clock_boot_ms();
	reconciler_turn(r);
	r->pushed = 0;
}

static void watch_start(struct reconciler *r)
{
	struct diags d = {0};

	/* Nobody but us writes to one that is only a copy. */
	if (r->watch || !r->o.watch || !r->repo || r->config->remote || r->config->file)
		return;
	r->watch = watch_new(r->loop, repo_folder(r->repo), WATCH_POLL_MS, on_push, r, &d);
	if (!r->watch)
		log_diags("watch", &d);
	diags_free(&d);
}

/* Somebody said something beside the repository: suspend, resume, look. */
static void on_control(void *ctx)
{
	reconciler_turn(ctx);
}

/* Answers who asked for a look, once. */
static void answer_word(struct reconciler *r, const char *word, enum turn turn)
{
	if (!*word || !strcmp(word, r->looked))
		return;
	memcpy(r->looked, word, sizeof(r->looked));
	r->look_turn = turn;
	conditions_touch(r->conditions);
}

/* A definition that is a plain file: false: nothing is to be looked at, and *turn says why; *word waits if it must. */
static bool take_file(struct reconciler *r, enum turn *turn, const char **word)
{
	struct diags d = {0};
	const int taken = reconciler_file_take(r, &d);
	const bool was_refused = r->file_refused;
	char tip[HASH_HEX_LEN + 1];

	*turn = taken < 0 ? TURN_INVALID : TURN_UNCHANGED;
	if (taken > 0)
		*word = "";
	r->file_refused = taken < 0 || (taken > 0 && was_refused);
	/* Put back as it was: its commit had a verdict. */
	if (!taken && was_refused && repo_tip(r->repo, tip, &d) == 0 && !strcmp(tip, r->attempted)) {
		r->attempted[0] = '\0';
		if (served_now(r->served) && !strcmp(served_now(r->served)->commit.sha, tip)) {
			memcpy(r->attempted, tip, sizeof(tip));
			accepted(r, tip);
		}
	}
	diags_free(&d);
	return !taken;
}

/* One look at the repository here, for who asked with `word`. */
static enum turn look_here(struct reconciler *r, const char *word)
{
	struct diags d = {0};
	enum turn turn = TURN_UNCHANGED;
	char tip[HASH_HEX_LEN + 1];
	bool suspended = reconciler_suspended(r);

	if (repository_open(r, &d) < 0) {
		reconciler_refuse(r, "", &d);
		turn = TURN_FAILED;
		goto out;
	}
	watch_start(r);
	reconciler_ledger_look(r);
	if (r->config->file && !take_file(r, &turn, &word))
		goto out;
	if (repo_tip(r->repo, tip, &d) < 0) {
		reconciler_refuse(r, "", &d);
		turn = TURN_FAILED;
		goto out;
	}
	if (strcmp(tip, r->attempted) && reconciler_upstream_records(r)) {
		/* One after the other: what it is judged by must have the addresses of the one before. */
		r->up.turn_due = true;
	} else if (strcmp(tip, r->attempted)) {
		turn = suspended ? TURN_SUSPENDED : attempt(r, tip);
	} else {
		if (enrolments_record_due(r->enrolments) && !r->config->remote && served_now(r->served) &&
		    enrolments_ledger(r->enrolments) && ledger_available(enrolments_ledger(r->enrolments)))
			enrolments_record(r->enrolments, served_now(r->served), NULL);
		if (conditions_get(r->conditions, CONDITION_VALID)->status == TRUTH_FALSE)
			turn = TURN_INVALID;
	}
	if ((turn == TURN_UNCHANGED || turn == TURN_SUSPENDED) && served_now(r->served) && !iface_ok(r->iface) &&
	    !r->o.watch)
		iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	if (enrolments_ledger(r->enrolments))
		ledger_write_retry(enrolments_ledger(r->enrolments));
	if (r->config->remote && enrolments_ledger(r->enrolments))
		reconciler_chain_import(r);
	enrolments_keep(r->enrolments);
out:
	if (turn == TURN_FAILED && r->o.watch)
		loop_timer_set(r->loop, &r->retry_timer, RETRY_MS);
	reconciler_listen(r);
	reports_check(r->reports);
	reconciler_ready(r);
	answer_word(r, word, turn);
	status_write(r);
	diags_free(&d);
	reconciler_upstream_go(r);
	if (!r->o.watch && served_now(r->served) && !iface_ok(r->iface) && turn != TURN_INVALID)
		turn = TURN_FAILED;
	return turn;
}

void reconciler_looked(struct reconciler *r, const char *word, bool failed)
{
	enum turn turn = look_here(r, failed ? "" : word);

	r->up.last = turn;
	if (!failed)
		return;
	answer_word(r, word, TURN_FAILED);
	status_write(r);
}

enum turn reconciler_turn(struct reconciler *r)
{
	char word[CONTROL_WORD_LEN + 1];
	struct diags d = {0};
	enum turn turn;

	if (!r->config->remote || repository_open(r, &d) < 0) {
		diags_free(&d);
		/* Before looking: who asks during it is answered by the next. */
		control_asked(r->o.data_dir, word);
		return look_here(r, word);
	}
	if (r->o.watch) {
		/* A mirror that was never filled has nothing to say. */
		turn = served_now(r->served) ? look_here(r, "") : TURN_UNCHANGED;
		reconciler_upstream_look(r);
		return turn;
	}
	r->up.last = TURN_FAILED;
	r->up.look_due = true;
	reconciler_upstream_settle(r);
	reconciler_note_flush(r);
	reconciler_upstream_settle(r);
	return r->up.failures ? TURN_FAILED : r->up.last;
}

static void on_retry(void *ctx)
{
	look_here(ctx, "");
}

static void on_status(void *ctx)
{
	struct reconciler *r = ctx;

	if (enrolments_ledger(r->enrolments))
		ledger_write_retry(enrolments_ledger(r->enrolments));
	enrolments_keep(r->enrolments);
	readers_keep(r->readers, false);
	reports_check(r->reports);
	reconciler_ready(r);
	if (reports_are_behind(r->reports))
		conditions_touch(r->conditions);
	status_write(r);
	conditions_due_in(r->conditions, STATUS_MS);
}

/* --- starting --- */

static int lock_take(struct reconciler *r, struct diags *d)
{
	struct buf path = {0};
	struct diag *g;

	buf_printf(&path, "%s/" SERVER_LOCK_FILE, r->o.data_dir);
	if (path.failed)
		return out_of_memory(d);
	r->lock_fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0) {
		diag_file_error(d, "file-error", path.p, "cannot open %s: %s", path.p, strerror(errno));
	} else if (flock(r->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		g = diag_error(d, "already-running", NULL, "another innernet-reconcile runs this network already");
		diag_help(d, g, "it looks by itself; `innernet-reconcile status %s` says what it sees",
			  r->config->network);
		close(r->lock_fd);
		r->lock_fd = -1;
	}
	buf_free(&path);
	return r->lock_fd < 0 ? -1 : 0;
}

static void restore(struct reconciler *r)
{
	const char *commit = served_record(r->served)->parsed.commit;

	if (!served_restore(r->served, r->repo, r->config))
		return;
	snprintf(r->attempted, sizeof(r->attempted), "%s", served_now(r->served)->commit.sha);
	readers_follow(r->readers, NULL);
	reports_follow(r->reports, NULL);
	conditions_set(r->conditions, CONDITION_VALID, TRUTH_TRUE, "Valid", served_now(r->served)->commit.sha,
		       "nothing is wrong with it");
	conditions_set(r->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "Published", commit,
		       "version %" PRIu64 ".%" PRIu64, served_record(r->served)->parsed.version.epoch,
		       served_record(r->served)->parsed.version.number);
	log_info("restored", "version %" PRIu64 ".%" PRIu64 " (commit %.12s) is published",
		 served_record(r->served)->parsed.version.epoch, served_record(r->served)->parsed.version.number,
		 commit);
	if (enrolments_ledger(r->enrolments))
		reconciler_ledger_look(r);
	iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	/* The last run may have ended before the remote had it. */
	if (r->config->remote)
		enrolments_set_record_due(r->enrolments, true);
}

static char *join(const char *a, const char *b)
{
	struct buf path = {0};
	char *s;

	buf_printf(&path, "%s/%s", a, b);
	s = path.failed ? NULL : strdup(path.p);
	buf_free(&path);
	return s;
}

static void wake_redeemer(void *ctx, struct http_request *q)
{
	(void)ctx;
	if (!strcmp(http_path(q), ROUTE_REDEEM))
		http_wake(q);
}

static void on_wake(void *ctx)
{
	struct reconciler *r = ctx;

	if (!r->http)
		return;
	http_each_held(r->http, wake_redeemer, r);
	http_run(r->http);
}

static void on_handed_over(void *ctx)
{
	struct reconciler *r = ctx;

	if (served_now(r->served))
		iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	reconciler_wake(r);
}

static void on_look(void *ctx)
{
	struct reconciler *r = ctx;

	if (!served_now(r->served))
		return;
	iface_converge(r->iface, served_now(r->served), IFACE_ALL);
	reconciler_listen(r);
	reports_check(r->reports);
	reconciler_ready(r);
	status_write(r);
}

static bool key_still_there(void *ctx, const struct addr *from)
{
	return reconciler_asker(ctx, from).kind != ASKER_UNKNOWN;
}

static void on_converged(void *ctx)
{
	struct reconciler *r = ctx;

	if (r->http)
		http_close_others(r->http, key_still_there, r);
}

static void on_announced(void *ctx)
{
	reconciler_wake(ctx);
}

static void on_address_freed(void *ctx)
{
	struct reconciler *r = ctx;

	iface_look_in(r->iface, 0);
	loop_timer_set(r->loop, &r->retry_timer, 0); /* a revision may wait for this address */
}

static int start(struct reconciler *r, struct diags *d)
{
	struct diags quiet = {0};
	int ret = -1;

	r->served = served_new(r->o.data_dir);
	r->status_path = join(r->o.data_dir, STATUS_FILE);
	r->conditions = conditions_new(r->loop, r->config->remote || r->config->file, on_status, r);
	if (!r->conditions || !r->served || !(r->freshness = freshness_new(r->config)) || !r->status_path)
		return out_of_memory(d);
	r->enrolments = enrolments_new(r->served, r->config->remote);
	r->redemptions =
	    redemptions_new(r->enrolments, r->served,
			    &(struct redemptions_calls){.wake = on_wake, .handed_over = on_handed_over, .ctx = r});
	r->moves = moves_new(r->served, r->enrolments, on_address_freed, r);
	r->hints = hints_board_new(r->loop, r->served, r->enrolments, on_announced, r);
	r->knocks = knocks_new(r->served, r->enrolments);
	r->readers = readers_new(r->served, r->enrolments, r->conditions);
	r->reports = reports_new(r->served, r->enrolments, r->readers, r->conditions);
	if (!r->enrolments || !r->redemptions || !r->moves || !r->hints || !r->knocks || !r->readers || !r->reports)
		return out_of_memory(d);
	r->iface = iface_new(r->loop,
			     &(struct iface_options){.backend = r->o.backend,
						     .mtu = r->o.mtu,
						     .no_routing = r->o.no_routing,
						     .watch = r->o.watch,
						     .no_device = r->o.no_device},
			     &(struct iface_uses){.config = r->config,
						  .enrolments = r->enrolments,
						  .redemptions = r->redemptions,
						  .moves = r->moves,
						  .hints = r->hints},
			     &(struct iface_calls){.look = on_look, .converged = on_converged, .ctx = r});
	if (!r->iface)
		return out_of_memory(d);
	if (file_mkdirs(r->o.data_dir, 0755, d) < 0 || lock_take(r, d) < 0 ||
	    server_public_write(r->o.data_dir, r->config, d) < 0)
		return -1;
	reconciler_history_read(r);
	/* From here on the status is its own, not that of the one before. */
	for (int i = 0; i < N_CONDITIONS; i++)
		conditions_set(r->conditions, (enum condition_kind)i, TRUTH_UNKNOWN, "Starting", NULL, "not known yet");
	status_write(r);
	if (served_read(r->served, d) < 0 || moves_read(r->moves, d) < 0)
		return -1;
	if (served_has_record(r->served))
		enrolments_read_kept(r->enrolments);
	hints_board_read(r->hints);
	/* With something published the server serves it, repository or not. */
	if (repository_open(r, &quiet) < 0) {
		log_diags("repository", &quiet);
		if (!served_has_record(r->served)) {
			repository_open(r, d);
			goto out;
		}
	}
	if (iface_start(r->iface, d) < 0)
		goto out;
	if (served_has_record(r->served))
		restore(r);
	if (r->o.watch) {
		const struct http_options o = {.interface = r->o.no_device ? NULL : r->config->interface,
					       .address = r->o.address,
					       .port = r->o.no_device ? r->o.port : SERVER_PORT,
					       .spool_dir = r->o.data_dir,
					       .peer = reconciler_peer_of,
					       .admit = reconciler_admit,
					       .request = reconciler_request,
					       .ctx = r};
		r->control = control_watch(r->loop, r->o.data_dir, on_control, r, d);
		if (!r->control || !(r->http = http_new(r->loop, &o, d)) ||
		    conditions_due_in(r->conditions, STATUS_MS) < 0)
			goto out;
	}
	ret = 0;
out:
	diags_free(&quiet);
	return ret;
}

struct reconciler *reconciler_new(struct loop *l, const struct server_config *c, const struct reconciler_options *o,
				  struct diags *d)
{
	struct reconciler *r = calloc(1, sizeof(*r));

	if (!r) {
		out_of_memory(d);
		return NULL;
	}
	r->loop = l;
	r->config = c;
	r->o = *o;
	r->lock_fd = -1;
	r->retry_timer = (struct loop_timer){.fn = on_retry, .ctx = r};
	if (start(r, d) < 0) {
		reconciler_free(r);
		return NULL;
	}
	return r;
}

void reconciler_free(struct reconciler *r)
{
	if (!r)
		return;
	if (r->lock_fd >= 0) {
		enrolments_keep(r->enrolments);
		readers_keep(r->readers, true);
		reconciler_note_flush(r);
		if (r->status_path)
			status_write(r);
	}
	http_free(r->http);
	r->http = NULL;
	reconciler_git_stop(r);
	watch_free(r->watch);
	file_watch_free(r->file_watch);
	maintenance_free(r->maintenance);
	reconciler_upstream_close(r);
	control_free(r->control);
	loop_timer_del(r->loop, &r->retry_timer);
	loop_timer_del(r->loop, &r->note_timer);
	iface_free(r->iface);
	knocks_free(r->knocks);
	if (r->lock_fd >= 0)
		hints_board_keep(r->hints);
	hints_board_free(r->hints);
	redemptions_free(r->redemptions);
	moves_free(r->moves);
	enrolments_free(r->enrolments);
	repo_close(r->repo);
	reports_free(r->reports);
	readers_free(r->readers);
	conditions_free(r->conditions);
	free(r->problem);
	served_free(r->served);
	free(r->status_path);
	freshness_free(r->freshness);
	buf_free(&r->note);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	free(r);
}

uint16_t reconciler_port(const struct reconciler *r)
{
	return r->http ? http_port(r->http) : 0;
}
