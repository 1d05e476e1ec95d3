/*
 * The server: its owners, and the turn. Calls run down this list. An owner calls up only by the callbacks that it was
 * given, which are the on_...() below.
 *
 *   file                  what it holds                                    called by, besides the turn
 *   edge/server/
 *     reconciler.c        the repository, the lock, the status file        commands and events
 *     attempt.c           nothing: it judges and publishes one commit
 *   edge/answer/          nothing but git_http.c: a handler a route        the HTTP server
 *     serve.c             the table of routes
 *     redeem.c            a redemption, from its check to its answer       upstream.c, by a callback
 *     poll.c              what a peer lacks; wakes the polls               redeem.c knock.c; hints_board.c, by a callback
 *     git_http.c          requests of git's that run or wait
 *     asker.c             the peer that asks, and its rights               each handler
 *   edge/source/
 *     upstream.c          what is due on the remote                        redeem.c
 *     chain.c             how much of the ledger's statements was taken    upstream.c
 *     file_source.c       whether the file was refused
 *   edge/state/
 *     iface.c             what the interface was given                     attempt.c redeem.c
 *     verdicts.c          the history, the last refusal                    attempt.c file_source.c
 *     notes.c             the note that is not written yet                 verdicts.c upstream.c
 *     reports.c           what each peer runs; the convergence             attempt.c poll.c
 *     readers.c           the formats that each peer reads                 attempt.c poll.c reports.c
 *     knocks.c            knocks that wait, and how many each peer sent    attempt.c knock.c poll.c
 *     hints_board.c       where each peer is                               iface.c endpoints.c poll.c
 *     moves.c             addresses that moved peers keep                  attempt.c iface.c asker.c poll.c
 *     redemptions.c       redemptions that wait or are handed over         redeem.c upstream.c iface.c
 *     enrolments.c        the ledger, and its copy beside git              nearly all of the above
 *     freshness.c         the last freshness                               poll.c
 *     served.c            the published revisions, and their record        nearly all of the above
 *     conditions.c        the conditions; whether the status is stale      nearly all of the above
 */
#include "reconcile/edge/server/reconciler.h"
#include "reconcile/edge/answer/git_http.h"
#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/answer/redeem.h"
#include "reconcile/edge/answer/serve.h"
#include "reconcile/edge/answer/server_status.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/watch.h"
#include "reconcile/edge/control/control.h"
#include "reconcile/edge/control/status_file.h"
#include "reconcile/edge/git/maintenance.h"
#include "reconcile/edge/server/attempt.h"
#include "reconcile/edge/source/file_source.h"
#include "reconcile/edge/source/upstream.h"
#include "reconcile/edge/state/freshness.h"
#include "reconcile/edge/state/iface.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/state/verdicts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define RETRY_MS       2000
#define STATUS_MS      10000 /* the status file follows the polls this often */
#define STATUS_SOON_MS 200

struct reconciler {
	struct loop *loop;
	struct reconciler_options o;
	struct owners own;
	struct notes *notes;
	struct chain *chain;
	struct file_source *file; /* NULL: the definition is no plain file */

	struct repo *repo; /* NULL: cannot be opened (yet) */
	struct maintenance *maintenance;
	struct watch *watch;
	struct control *control;
	int lock_fd;
	char *status_path;
	bool listen_failed, status_failed; /* logged */

	int64_t pushed; /* clock_boot_ms() of the push that is being looked at; 0: none */
	enum turn last; /* what the last look at the remote came to */
	struct loop_timer retry;
};

/* --- what is said of it --- */

static void ready_set(struct reconciler *r)
{
	const struct owners *o = &r->own;
	const struct revision *g = served_now(o->served);
	const struct ledger *ledger = enrolments_ledger(o->enrolments);
	const char *commit = g ? g->parsed.commit : NULL;

	if (!g)
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "NothingPublished", NULL,
			       "nothing has been published yet");
	else if (!iface_ok(o->iface))
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "Interface", commit, "%s",
			       iface_problem(o->iface));
	else if (o->http && !http_listening(o->http))
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "NotListening", commit,
			       "TCP port %d on %s cannot be used", SERVER_PORT, o->config->interface);
	else if (!r->repo)
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "Repository", commit,
			       "the repository cannot be opened");
	else if (ledger && !ledger_available(ledger))
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "Ledger", commit,
			       "the ledger cannot be used; invitations cannot be redeemed until it is put back");
	else if (ledger && ledger_write_problem(ledger))
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "Ledger", commit,
			       "%s; invitations cannot be redeemed until a write works", ledger_write_problem(ledger));
	else if (upstream_failures(o->upstream))
		conditions_set(o->conditions, CONDITION_READY, TRUTH_FALSE, "Remote", commit,
			       "the remote cannot be reached; invitations cannot be redeemed until it is back");
	else
		conditions_set(o->conditions, CONDITION_READY, TRUTH_TRUE, "Serving", commit,
			       "serving the published version");
}

/* Writes the status to the disk, when it is out of date. */
static void status_write(struct reconciler *r)
{
	struct conditions *c = r->own.conditions;
	struct buf text = {0};
	struct diags d = {0};
	bool failed;

	if (!conditions_take_touched(c))
		return;
	if (r->o.notify)
		notify_status(r->o.notify, "%.110s; %.130s", conditions_get(c, CONDITION_READY)->message,
			      conditions_get(c, CONDITION_CONVERGED)->message);
	failed = server_status_put(&r->own, &text) < 0 || file_write(r->status_path, buf_span(&text), 0644, &d) < 0;
	if (failed) {
		/* A full disk: once there is room, it is written as it is by then. */
		conditions_touch(c);
		if (!r->status_failed)
			log_diags("status", &d);
	}
	r->status_failed = failed;
	diags_free(&d);
	buf_free(&text);
}

int reconciler_status(struct reconciler *r, struct buf *out)
{
	return server_status_put(&r->own, out);
}

/* --- the turn --- */

static int repository_open(struct reconciler *r, struct diags *d)
{
	const struct owners *o = &r->own;
	const struct server_config *c = o->config;

	if (r->repo)
		return 0;
	/* A repository that is only a copy is made again where it is gone. */
	if ((c->remote || c->file) && access(c->repository, F_OK) && errno == ENOENT &&
	    repo_init(c->repository, c->ref, NULL, 0, NULL, d) < 0)
		return -1;
	r->repo = repo_open(c->repository, c->ref, d);
	if (!r->repo)
		return -1;
	notes_open(r->notes, r->repo);
	if (r->o.watch)
		r->maintenance = maintenance_new(r->loop, r->repo, MAINTENANCE_FIRST_MS);
	if (upstream_open(o->upstream, r->repo, d) < 0)
		return -1;
	if (served_has_record(o->served) &&
	    enrolments_open(o->enrolments, r->repo, &served_record(o->served)->parsed.trust.id, d) < 0)
		return -1;
	return 0;
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

	/* Only this server writes to a repository that is a copy. */
	if (r->watch || !r->o.watch || !r->repo || r->own.config->remote || r->own.config->file)
		return;
	r->watch = watch_new(r->loop, repo_folder(r->repo), WATCH_POLL_MS, on_push, r, &d);
	if (!r->watch)
		log_diags("watch", &d);
	diags_free(&d);
}

/* Or listens again; a failure is logged once. */
static void listen_try(struct reconciler *r)
{
	struct diags d = {0};

	if (!r->own.http || !served_now(r->own.served))
		return;
	if (http_listen(r->own.http, &d) == 0)
		r->listen_failed = false;
	else if (iface_ok(r->own.iface) && !r->listen_failed) {
		r->listen_failed = true;
		log_diags("listen", &d);
	}
	diags_free(&d);
}

/* Looks, sets the condition, and logs it when it changed. */
static bool is_suspended(struct reconciler *r)
{
	struct conditions *c = r->own.conditions;
	char reason[CONTROL_REASON_MAX];
	const bool is = control_suspended(r->o.data_dir, reason);
	const bool was = conditions_get(c, CONDITION_SUSPENDED)->status == TRUTH_TRUE;

	if (is && !was)
		log_warn("suspended", "no new revision is taken%s%s", *reason ? ": " : "", reason);
	else if (was && !is)
		log_info("resumed", "new revisions are taken again");
	if (is)
		conditions_set(c, CONDITION_SUSPENDED, TRUTH_TRUE, "ByHand", NULL, "%s",
			       *reason ? reason : "no reason was given");
	else
		conditions_set(c, CONDITION_SUSPENDED, TRUTH_FALSE, "Following", NULL, "new revisions are taken");
	return is;
}

/* The branch's tip: taken, or looked at again as far as something of it is still to be done. */
static enum turn take_tip(struct reconciler *r, const char *tip, bool suspended)
{
	const struct owners *o = &r->own;
	const struct revision *g = served_now(o->served);

	if (strcmp(tip, verdicts_attempted(o->verdicts))) {
		if (upstream_postpones(o->upstream))
			return TURN_UNCHANGED;
		return suspended ? TURN_SUSPENDED : attempt_commit(o, r->repo, tip, r->pushed);
	}
	if (enrolments_record_due(o->enrolments) && !o->config->remote && g && enrolments_available(o->enrolments))
		enrolments_record(o->enrolments, g, NULL);
	return conditions_get(o->conditions, CONDITION_VALID)->status == TRUTH_FALSE ? TURN_INVALID : TURN_UNCHANGED;
}

/* At the end of each look: what follows from all the rest. */
static void conclude(struct reconciler *r)
{
	listen_try(r);
	reports_check(r->own.reports);
	ready_set(r);
}

/* One look at the repository here. `word`: of the request to look that it answers; "": none. */
static enum turn look_here(struct reconciler *r, const char *word)
{
	const struct owners *o = &r->own;
	struct diags d = {0};
	enum turn turn = TURN_UNCHANGED;
	char tip[HASH_HEX_LEN + 1];
	bool suspended = is_suspended(r);
	int taken = 0;

	if (repository_open(r, &d) < 0) {
		verdicts_refuse(o->verdicts, "", &d);
		turn = TURN_FAILED;
		goto out;
	}
	watch_start(r);
	redeem_look(o);
	if (r->file && (taken = file_source_take(r->file, r->repo)) != 0) {
		/* A program is still writing the file: `reconcile` is answered after the next look. */
		turn = taken < 0 ? TURN_INVALID : TURN_UNCHANGED;
		word = taken < 0 ? word : "";
		goto out;
	}
	if (repo_tip(r->repo, tip, &d) < 0) {
		verdicts_refuse(o->verdicts, "", &d);
		turn = TURN_FAILED;
		goto out;
	}
	turn = take_tip(r, tip, suspended);
	if ((turn == TURN_UNCHANGED || turn == TURN_SUSPENDED) && served_now(o->served) && !iface_ok(o->iface) &&
	    !r->o.watch)
		iface_converge(o->iface, served_now(o->served), IFACE_ALL);
	if (enrolments_ledger(o->enrolments))
		ledger_write_retry(enrolments_ledger(o->enrolments));
	if (o->config->remote && enrolments_ledger(o->enrolments))
		chain_import(r->chain, r->repo);
	enrolments_keep(o->enrolments);
out:
	if (turn == TURN_FAILED && r->o.watch)
		loop_timer_set(r->loop, &r->retry, RETRY_MS);
	conclude(r);
	verdicts_answer(o->verdicts, word, turn);
	status_write(r);
	diags_free(&d);
	upstream_go(o->upstream);
	if (!r->o.watch && served_now(o->served) && !iface_ok(o->iface) && turn != TURN_INVALID)
		turn = TURN_FAILED;
	return turn;
}

enum turn reconciler_turn(struct reconciler *r)
{
	const struct owners *o = &r->own;
	char word[CONTROL_WORD_LEN + 1];
	struct diags d = {0};
	enum turn turn;

	if (!o->config->remote || repository_open(r, &d) < 0) {
		diags_free(&d);
		/* Before looking: a request that comes during the look is answered by the next one. */
		control_asked(r->o.data_dir, word);
		return look_here(r, word);
	}
	if (r->o.watch) {
		/* A mirror that was never filled has nothing to say. */
		turn = served_now(o->served) ? look_here(r, "") : TURN_UNCHANGED;
		upstream_look(o->upstream);
		return turn;
	}
	r->last = TURN_FAILED;
	upstream_look_and_settle(o->upstream);
	notes_write(r->notes);
	upstream_settle(o->upstream);
	return upstream_failures(o->upstream) ? TURN_FAILED : r->last;
}

/* --- what calls the turn, and what owners call --- */

static void on_control(void *ctx)
{
	reconciler_turn(ctx);
}

static void on_file_written(void *ctx)
{
	reconciler_turn(ctx);
}

static void on_retry(void *ctx)
{
	look_here(ctx, "");
}

static void on_status_due(void *ctx)
{
	struct reconciler *r = ctx;
	const struct owners *o = &r->own;

	if (enrolments_ledger(o->enrolments))
		ledger_write_retry(enrolments_ledger(o->enrolments));
	enrolments_keep(o->enrolments);
	readers_keep(o->readers, false);
	reports_check(o->reports);
	ready_set(r);
	if (reports_are_behind(o->reports))
		conditions_touch(o->conditions);
	status_write(r);
	conditions_due_in(o->conditions, STATUS_MS);
}

static void on_remote_looked(void *ctx, const char *word, bool failed)
{
	struct reconciler *r = ctx;

	r->last = look_here(r, failed ? "" : word);
	if (!failed)
		return;
	verdicts_answer(r->own.verdicts, word, TURN_FAILED);
	status_write(r);
}

static void on_ledger_landed(void *ctx)
{
	struct reconciler *r = ctx;

	redeem_enrolled(&r->own);
}

static void on_remote_pushed(void *ctx)
{
	struct reconciler *r = ctx;

	ready_set(r);
	if (r->o.watch)
		conditions_due_in(r->own.conditions, STATUS_SOON_MS);
}

static void on_note_due(void *ctx)
{
	struct reconciler *r = ctx;

	notes_write(r->notes);
	upstream_go(r->own.upstream);
}

static void on_redemptions_wake(void *ctx)
{
	struct reconciler *r = ctx;

	redeem_wake(&r->own);
}

static void on_handed_over(void *ctx)
{
	struct reconciler *r = ctx;
	const struct revision *g = served_now(r->own.served);

	if (g)
		iface_converge(r->own.iface, g, IFACE_ALL);
	poll_wake(&r->own);
}

static void on_iface_look(void *ctx)
{
	struct reconciler *r = ctx;
	const struct revision *g = served_now(r->own.served);

	if (!g)
		return;
	iface_converge(r->own.iface, g, IFACE_ALL);
	conclude(r);
	status_write(r);
}

static void on_iface_converged(void *ctx)
{
	struct reconciler *r = ctx;

	serve_close_others(&r->own);
}

static void on_announced(void *ctx)
{
	struct reconciler *r = ctx;

	poll_wake(&r->own);
}

static void on_address_freed(void *ctx)
{
	struct reconciler *r = ctx;

	iface_look_in(r->own.iface, 0);
	loop_timer_set(r->loop, &r->retry, 0); /* a revision may wait for this address */
}

/* --- starting --- */

static int owners_make(struct reconciler *r)
{
	struct owners *o = &r->own;
	const bool remote = o->config->remote;
	const struct redemptions_calls of_redemptions = {
	    .wake = on_redemptions_wake, .handed_over = on_handed_over, .ctx = r};

	o->conditions = conditions_new(r->loop, remote || o->config->file, on_status_due, r);
	o->served = served_new(r->o.data_dir);
	o->freshness = freshness_new(o->config);
	o->enrolments = enrolments_new(o->served, remote);
	o->redemptions = redemptions_new(o->enrolments, o->served, &of_redemptions);
	o->moves = moves_new(o->served, o->enrolments, on_address_freed, r);
	o->own_moves = own_moves_new(o->served, o->enrolments, on_address_freed, r);
	o->hints = hints_board_new(r->loop, o->served, o->enrolments, on_announced, r);
	o->knocks = knocks_new(o->served, o->enrolments);
	o->readers = readers_new(o->served, o->enrolments, o->conditions);
	o->reports = reports_new(o->served, o->enrolments, o->readers, o->conditions);
	r->notes = notes_new(r->loop, r->o.watch ? on_note_due : NULL, r);
	o->verdicts = verdicts_new(o->served, o->conditions, r->notes, remote);
	r->chain = chain_new(o->served, o->enrolments, o->config);
	o->git = git_http_new(r->loop, o->config, r->o.data_dir);
	return o->conditions && o->served && o->freshness && o->enrolments && o->redemptions && o->moves &&
		       o->own_moves && o->hints && o->knocks && o->readers && o->reports && r->notes && o->verdicts &&
		       r->chain && o->git
		   ? 0
		   : -1;
}

/* The owners that act by themselves, over those. */
static int actors_make(struct reconciler *r)
{
	struct owners *o = &r->own;
	const struct server_config *c = o->config;
	const struct iface_options options = {.backend = r->o.backend,
					      .mtu = r->o.mtu,
					      .no_routing = r->o.no_routing,
					      .watch = r->o.watch,
					      .no_device = r->o.no_device};
	const struct iface_uses iface = {.config = c,
					 .enrolments = o->enrolments,
					 .redemptions = o->redemptions,
					 .moves = o->moves,
					 .own_moves = o->own_moves,
					 .hints = o->hints};
	const struct iface_calls of_iface = {.look = on_iface_look, .converged = on_iface_converged, .ctx = r};
	const struct upstream_uses upstream = {.config = c,
					       .data_dir = r->o.data_dir,
					       .served = o->served,
					       .enrolments = o->enrolments,
					       .redemptions = o->redemptions,
					       .conditions = o->conditions,
					       .notes = r->notes,
					       .chain = r->chain};
	const struct upstream_calls of_upstream = {
	    .looked = on_remote_looked, .landed = on_ledger_landed, .pushed = on_remote_pushed, .ctx = r};

	o->iface = iface_new(r->loop, &options, &iface, &of_iface);
	o->upstream = upstream_new(r->loop, r->o.watch, &upstream, &of_upstream);
	if (c->file)
		r->file = file_source_new(r->loop, c->file, o->verdicts, o->conditions, o->served,
					  r->o.watch ? on_file_written : NULL, r);
	return o->iface && o->upstream && (r->file || !c->file) ? 0 : -1;
}

static int lock_take(struct reconciler *r, struct diags *d)
{
	struct buf path = {0};
	struct diag *g;

	buf_printf(&path, "%s/" SERVER_LOCK_FILE, r->o.data_dir);
	if (path.failed)
		return diags_out_of_memory(d);
	r->lock_fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (r->lock_fd < 0) {
		diag_file_error(d, "file-error", path.p, "cannot open %s: %s", path.p, strerror(errno));
	} else if (flock(r->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		g = diag_error(d, "already-running", NULL, "another innernet-reconcile runs this network already");
		diag_help(d, g, "it looks by itself; `innernet-reconcile status %s` says what it sees",
			  r->own.config->network);
		close(r->lock_fd);
		r->lock_fd = -1;
	}
	buf_free(&path);
	return r->lock_fd < 0 ? -1 : 0;
}

/* Serves what was published last. */
static void restore(struct reconciler *r)
{
	const struct owners *o = &r->own;
	const struct statement *st = &served_record(o->served)->parsed;
	const struct revision *g;

	if (!served_restore(o->served, r->repo, o->config))
		return;
	g = served_now(o->served);
	verdicts_set_attempted(o->verdicts, g->commit.sha);
	verdicts_accept(o->verdicts, g->commit.sha);
	readers_follow(o->readers, NULL);
	reports_follow(o->reports, NULL);
	conditions_set(o->conditions, CONDITION_PUBLISHED, TRUTH_TRUE, "Published", st->commit,
		       "version %" PRIu64 ".%" PRIu64, st->version.epoch, st->version.number);
	log_info("restored", "version %" PRIu64 ".%" PRIu64 " (commit %.12s) is published", st->version.epoch,
		 st->version.number, st->commit);
	redeem_look(o);
	iface_converge(o->iface, g, IFACE_ALL);
	/* The last run may have ended before it pushed to the remote. */
	if (o->config->remote)
		enrolments_set_record_due(o->enrolments, true);
}

/* What the last run left, and what was published then. */
static int read_all(struct reconciler *r, struct diags *d)
{
	const struct owners *o = &r->own;
	struct diags quiet = {0};
	int ret = -1;

	if (served_read(o->served, d) < 0 || moves_read(o->moves, d) < 0 || own_moves_read(o->own_moves, d) < 0)
		return -1;
	if (served_has_record(o->served))
		enrolments_read_kept(o->enrolments);
	hints_board_read(o->hints);
	/* With something published the server serves it, whether or not there is a repository. */
	if (repository_open(r, &quiet) < 0) {
		log_diags("repository", &quiet);
		if (!served_has_record(o->served)) {
			repository_open(r, d);
			goto out;
		}
	}
	if (iface_start(o->iface, d) < 0)
		goto out;
	if (served_has_record(o->served))
		restore(r);
	ret = 0;
out:
	diags_free(&quiet);
	return ret;
}

static int serve_start(struct reconciler *r, struct diags *d)
{
	const bool tests = r->o.no_device;
	const struct http_options o = {.interface = tests ? NULL : r->own.config->interface,
				       .address = r->o.address,
				       .port = tests ? r->o.port : SERVER_PORT,
				       .spool_dir = r->o.data_dir,
				       .peer = serve_address,
				       .admit = serve_admit,
				       .request = serve_request,
				       .ctx = &r->own};

	if (!(r->control = control_watch(r->loop, r->o.data_dir, on_control, r, d)) ||
	    !(r->own.http = http_new(r->loop, &o, d)))
		return -1;
	return conditions_due_in(r->own.conditions, STATUS_MS);
}

static int start(struct reconciler *r, struct diags *d)
{
	const struct owners *o = &r->own;
	struct buf path = {0};

	buf_printf(&path, "%s/" STATUS_FILE, r->o.data_dir);
	if (path.failed || owners_make(r) < 0 || actors_make(r) < 0) {
		buf_free(&path);
		return diags_out_of_memory(d);
	}
	r->status_path = path.p;
	if (file_mkdirs(r->o.data_dir, 0755, d) < 0 || lock_take(r, d) < 0 ||
	    server_public_write(r->o.data_dir, o->config, d) < 0)
		return -1;
	verdicts_read(o->verdicts, r->o.data_dir);
	/* From here on the status is that of this run. */
	for (int i = 0; i < N_CONDITIONS; i++)
		conditions_set(o->conditions, (enum condition_kind)i, TRUTH_UNKNOWN, "Starting", NULL, "not known yet");
	status_write(r);
	if (read_all(r, d) < 0)
		return -1;
	return r->o.watch ? serve_start(r, d) : 0;
}

struct reconciler *reconciler_new(struct loop *l, const struct server_config *c, const struct reconciler_options *o,
				  struct diags *d)
{
	struct reconciler *r = calloc(1, sizeof(*r));

	if (!r) {
		diags_out_of_memory(d);
		return NULL;
	}
	*r = (struct reconciler){.loop = l, .o = *o, .own = {.config = c}, .lock_fd = -1};
	r->retry = (struct loop_timer){.fn = on_retry, .ctx = r};
	if (start(r, d) < 0) {
		reconciler_free(r);
		return NULL;
	}
	return r;
}

/* The HTTP server goes first, while each owner is there: it ends the requests that it holds. */
void reconciler_free(struct reconciler *r)
{
	struct owners *o;

	if (!r)
		return;
	o = &r->own;
	if (r->lock_fd >= 0) {
		enrolments_keep(o->enrolments);
		readers_keep(o->readers, true);
		notes_write(r->notes);
		status_write(r);
	}
	http_free(o->http);
	o->http = NULL;
	git_http_free(o->git);
	watch_free(r->watch);
	file_source_free(r->file);
	maintenance_free(r->maintenance);
	upstream_free(o->upstream);
	chain_free(r->chain);
	control_free(r->control);
	loop_timer_del(r->loop, &r->retry);
	iface_free(o->iface);
	verdicts_free(o->verdicts);
	notes_free(r->notes);
	reports_free(o->reports);
	readers_free(o->readers);
	knocks_free(o->knocks);
	if (r->lock_fd >= 0)
		hints_board_keep(o->hints);
	hints_board_free(o->hints);
	own_moves_free(o->own_moves);
	moves_free(o->moves);
	redemptions_free(o->redemptions);
	enrolments_free(o->enrolments);
	freshness_free(o->freshness);
	repo_close(r->repo);
	served_free(o->served);
	conditions_free(o->conditions);
	free(r->status_path);
	if (r->lock_fd >= 0)
		close(r->lock_fd);
	free(r);
}

uint16_t reconciler_port(const struct reconciler *r)
{
	return r->own.http ? http_port(r->own.http) : 0;
}
