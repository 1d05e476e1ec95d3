#include "reconcile/edge/peer/daemon.h"
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/edge/base/backoff.h"
#include "reconcile/edge/peer/knocker.h"
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/base/notify.h"
#include "reconcile/edge/peer/reporter.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Milliseconds. */
#define LOOK_MS       4000   /* drift without a netlink event (a peer edited with `wg`) is repaired within 5 s */
#define LOOK_SOON_MS  50     /* after an event: more of them may come together */
#define LOCKED_MS     200    /* another process holds the lock */
#define RESOLVE_MS    300000 /* host names are resolved again this often; at once when no server answers */
#define HOLD_SLACK_MS 10000  /* on top of what a poll may be held: a busy server */
#define NAMES_MS      3000   /* the first poll waits so long for host names to be resolved */
#define STATE_MS      120000 /* what `innernet status` reads is written so often, and when it differs */
#define TRIES_MS      5000   /* for a change of the peers that are tried, at most so often */
#define QUICK_MS      500    /* an answer without news that comes sooner was not held */

struct network {
	struct daemon *daemon;
	char name[NETWORK_MAX_LEN + 1];
	struct this_peer *peer; /* NULL: could not be opened */
	struct client *client;
	struct knocker *knocker;
	struct reporter *reporter; /* NULL: not started */
	int monitor;               /* -1: none */
	struct loop_timer poll_timer, look_timer;
	size_t server;     /* the one to ask next, modulo their number */
	unsigned failures; /* in a row */
	unsigned quick;    /* answers without news in a row that were not held */
	unsigned look_failures;
	int64_t opened; /* boot milliseconds */
	int64_t asked;  /* the same, of the poll under way */
	struct addr asked_server;
	int64_t resolved;                   /* boot milliseconds of the last question for host names */
	struct daemon_state state, written; /* for `innernet status` */
	int64_t written_at;                 /* boot milliseconds; 0: not yet */
	int running;                        /* the lock that says that a daemon runs; -1: none */
	bool gone;                          /* uninstalled: it stops with the next turn */
	bool away, stale;
	bool needs_names;                                        /* the first poll waits for the servers' addresses */
	char drift[sizeof(((struct interface_turn *)0)->drift)]; /* what the last look repaired; "": nothing */
	char names_problem[sizeof(((struct names_turn *)0)->problem)];
	char problem[256]; /* that was logged last */
};

struct daemon {
	const struct peer_options *options;
	struct loop *loop;
	struct notify notify;
	struct network *networks;
	size_t n_networks;
};

static void poll_now(void *ctx);
static void look(void *ctx);
static void leave(struct network *n);

/* Logs what is wrong, unless it is what was logged last. */
static void say(struct network *n, const char *event, struct diags *d)
{
	const char *text = d->first ? d->first->message : "out of memory";

	if (strncmp(n->problem, text, sizeof(n->problem) - 1) != 0) {
		snprintf(n->problem, sizeof(n->problem), "%s", text);
		if (d->first)
			log_diags(event, d);
		else
			log_error(event, "%s: %s", n->name, text);
	}
}

/* The times alone do not count. */
static bool tries_differ(const struct daemon_state *a, const struct daemon_state *b)
{
	if (a->n_tries != b->n_tries)
		return true;
	for (uint32_t i = 0; i < a->n_tries; i++) {
		const struct daemon_try *x = &a->tries[i], *y = &b->tries[i];

		if (strcmp(x->name, y->name) != 0 || x->rounds != y->rounds || x->n != y->n || x->nat != y->nat ||
		    x->trying != y->trying)
			return true;
	}
	return false;
}

static bool state_differs(const struct daemon_state *a, const struct daemon_state *b)
{
	return strcmp(a->server, b->server) != 0 || !a->away_since != !b->away_since || a->drifts != b->drifts ||
	       strcmp(a->problem, b->problem) != 0 || strcmp(a->interface, b->interface) != 0;
}

/* Writes the state when it differs, and every STATE_MS. A failure is ignored: only `innernet status` reads it. */
static void keep_state(struct network *n)
{
	int64_t now = clock_boot_ms();
	struct diags ignored = {0};

	n->state.fresh_until = peer_held_fresh_until(n->peer->held);
	if (n->written_at && now - n->written_at < STATE_MS && !state_differs(&n->state, &n->written) &&
	    (now - n->written_at < TRIES_MS || !tries_differ(&n->state, &n->written)))
		return;
	if (!n->gone && store_save_state(peer_held_store(n->peer->held), &n->state, &ignored) == 0) {
		n->written = n->state;
		n->written_at = now;
	}
	diags_free(&ignored);
}

#define STATE_TEXT(field, text) snprintf((field), sizeof(field), "%s", (text))

static const char *first_message(const struct diags *d)
{
	return d->first ? d->first->message : "out of memory";
}

/* What `systemctl status` shows. */
static void tell_status(struct daemon *daemon)
{
	struct buf line = {0};

	for (size_t i = 0; i < daemon->n_networks; i++) {
		const struct network *n = &daemon->networks[i];
		const struct view *v = n->peer ? peer_held_view(n->peer->held) : NULL;

		buf_printf(&line, "%s%s: ", i ? "; " : "", n->name);
		if (!n->peer)
			buf_str(&line, "could not be started");
		else if (!v)
			buf_str(&line, "no snapshot yet");
		else
			buf_printf(&line, "version %" PRIu64 ".%" PRIu64, v->statement.version.epoch,
				   v->statement.version.number);
		if (n->peer)
			buf_printf(&line, "%s%s%s", n->away ? ", no server answers" : "", n->stale ? ", stale" : "",
				   n->look_failures ? ", the interface is not as it should be" : "");
	}
	if (!line.failed && line.p)
		notify_status(&daemon->notify, "%s", line.p);
	buf_free(&line);
}

static void arm(struct network *n, struct loop_timer *t, int64_t ms)
{
	if (loop_timer_set(n->daemon->loop, t, ms) < 0)
		log_error("out-of-memory", "%s: a timer could not be set", n->name);
}

/* ---- the interface -------------------------------------------------------------------------------------------- */

static void say_turn(struct network *n, const struct peer_turn *turn, bool news)
{
	const struct view *view = peer_held_view(n->peer->held);
	const char *drift = turn->interface.n_drift ? turn->interface.drift : turn->names.drift;
	uint32_t n_drift = turn->interface.n_drift + (turn->names.drift[0] != '\0');

	if (strcmp(turn->names.problem, n->names_problem) != 0 && turn->names.problem[0])
		log_warn("names", "%s: %s", n->name, turn->names.problem);
	memcpy(n->names_problem, turn->names.problem, sizeof(n->names_problem));
	if (n_drift && strcmp(n->drift, drift) != 0)
		log_warn("drift", "%s: repaired what another program had changed: %s%s", n->name, drift,
			 n_drift > 1 ? ", and more" : "");
	if (n_drift) {
		n->state.drift_at = clock_unix();
		n->state.drifts++;
		STATE_TEXT(n->state.drift, drift);
	}
	snprintf(n->drift, sizeof(n->drift), "%s", drift);
	if (view && (news || turn->interface.n_ops > turn->interface.n_drift + turn->interface.n_tries)) {
		const struct version *v = &view->statement.version;
		uint32_t n_ops = turn->interface.n_ops - turn->interface.n_tries;

		log_info("applied", "%s: version %" PRIu64 ".%" PRIu64 ", %u operation%s, %" PRId64 " ms", n->name,
			 v->epoch, v->number, n_ops, n_ops == 1 ? "" : "s", turn->interface.ms);
	}
}

static void check_fresh(struct network *n, int64_t now)
{
	bool stale = peer_held_is_stale(n->peer->held, now, clock_boot_ms() - n->opened);

	if (stale && !n->stale)
		log_warn("stale",
			 "%s: no server has vouched for the last snapshot for %d seconds; the network is kept as it is",
			 n->name, FRESH_SECONDS);
	n->stale = stale;
}

static void ask_names(struct network *n)
{
	struct diags d = {0};

	n->resolved = clock_boot_ms();
	if (peer_resolve(n->peer, 0, &d) < 0)
		say(n, "failed", &d);
	diags_free(&d);
}

/* The peers that are tried, by name. */
static void tell_tries(struct network *n)
{
	struct candidates_try tries[DAEMON_TRIES_MAX];
	const struct device_state *want = peer_interface_last(n->peer->interface);
	int64_t now = clock_boot_ms();
	size_t n_tries = candidates_tries(peer_search_candidates(n->peer->search), now, tries, DAEMON_TRIES_MAX);
	uint32_t j = 0;

	n->state.n_tries = 0;
	for (size_t i = 0; want && i < n_tries; i++) {
		struct daemon_try *t = &n->state.tries[n->state.n_tries];
		int64_t next = tries[i].next_ms;

		while (j < want->n_peers && key_cmp(&want->peers[j].key, &tries[i].key) < 0)
			j++;
		if (j == want->n_peers || !key_eq(&want->peers[j].key, &tries[i].key) || !want->peers[j].name)
			continue;
		*t = (struct daemon_try){.rounds = tries[i].rounds,
					 .n = tries[i].n,
					 .nat = tries[i].nat,
					 .trying = tries[i].trying,
					 .next = next < 0 ? 0 : clock_unix() + next / 1000 + 1};
		snprintf(t->name, sizeof(t->name), "%s", want->peers[j].name);
		n->state.n_tries++;
	}
}

/* One turn without a server. `news`: the snapshot is a new one, which is logged even when nothing had to be done. */
static void converge(struct network *n, bool news)
{
	struct diags d = {0};
	struct peer_turn turn;
	int64_t next = LOOK_MS;
	int r = peer_converge(n->peer, clock_unix(), 0, SEARCH_MOVE, &turn, &d);

	if (turn.gone) {
		n->gone = true;
		next = 0;
	} else if (r == 1) {
		next = LOCKED_MS;
	} else if (r < 0) {
		say(n, "failed", &d);
		STATE_TEXT(n->state.interface, first_message(&d));
		next = backoff_ms(++n->look_failures);
		next = next < LOOK_MS ? LOOK_MS : next;
	} else {
		if (n->look_failures)
			n->problem[0] = '\0';
		n->look_failures = 0;
		n->state.interface[0] = '\0';
		say_turn(n, &turn, news);
		check_fresh(n, clock_unix());
		if (turn.interface.search.next_ms >= 0 && turn.interface.search.next_ms < next)
			next =
			    turn.interface.search.next_ms > LOOK_SOON_MS ? turn.interface.search.next_ms : LOOK_SOON_MS;
		if (turn.interface.search.resolve)
			ask_names(n);
		knocker_ask(n->knocker, turn.interface.search.knocks, turn.interface.search.n_knocks);
		if (turn.names.later)
			next = LOCKED_MS;
		/* Sockets that were bound to the old interface receive nothing. */
		if (turn.interface.link_added) {
			client_cancel(n->client);
			arm(n, &n->poll_timer, 0);
			if (n->reporter)
				reporter_changed(n->reporter);
		}
		if (n->reporter)
			reporter_look(n->reporter);
	}
	arm(n, &n->look_timer, next);
	tell_status(n->daemon);
	tell_tries(n);
	keep_state(n);
	diags_free(&d);
}

static void look(void *ctx)
{
	struct network *n = ctx;

	if (n->gone) {
		leave(n);
		return;
	}
	if (clock_boot_ms() - n->resolved > RESOLVE_MS)
		ask_names(n);
	converge(n, false);
}

static void on_monitor(void *ctx, int fd, uint32_t events)
{
	struct network *n = ctx;
	unsigned changed;

	(void)events;
	changed = device_monitor_drain(fd, n->name);
	if (changed & CHANGED_DEVICE)
		arm(n, &n->look_timer, LOOK_SOON_MS);
	if (changed & CHANGED_ADDRESSES)
		reporter_changed(n->reporter);
}

static void on_names(void *ctx, int fd, uint32_t events)
{
	struct network *n = ctx;
	bool changed = resolver_take(peer_hints_resolver(n->peer->hints));

	(void)fd;
	(void)events;
	if (changed)
		converge(n, false);
	/* A server may have another address now: ask at once. */
	if (n->needs_names || (changed && n->away))
		arm(n, &n->poll_timer, 0);
	n->needs_names = false;
}

/* ---- the servers ---------------------------------------------------------------------------------------------- */

static void failed(struct network *n, const char *server, const char *why)
{
	struct peer_server servers[SERVERS_MAX];
	size_t n_servers = peer_held_servers(n->peer->held, servers);
	unsigned rounds;

	n->server++;
	n->failures++;
	log_debug("poll-failed", "%s: server %s: %s", n->name, server, why);
	rounds = n_servers ? n->failures / (unsigned)n_servers : n->failures;
	if (!rounds) {
		arm(n, &n->poll_timer, backoff_jittered(100));
		return;
	}
	if (!n->away)
		log_warn("server-away", "%s: server %s: %s; the network is kept as it is", n->name, server, why);
	if (!n->away)
		n->state.away_since = clock_unix();
	STATE_TEXT(n->state.away, why);
	n->away = true;
	keep_state(n);
	ask_names(n);
	arm(n, &n->poll_timer, backoff_ms(rounds));
}

static void answered(struct network *n, const char *server, bool news)
{
	if (n->away)
		log_info("server-back", "%s: server %s answers again", n->name, server);
	if (n->away)
		reporter_retry(n->reporter);
	n->away = false;
	n->failures = 0;
	n->state.away_since = 0;
	n->state.away[0] = n->state.problem[0] = '\0';
	n->state.reached = clock_unix();
	STATE_TEXT(n->state.server, server);
	if (news || clock_boot_ms() - n->asked >= QUICK_MS) {
		n->quick = 0;
		arm(n, &n->poll_timer, 0);
	} else {
		/* Against a loop with a server that does not hold its polls. */
		n->quick++;
		arm(n, &n->poll_timer, n->quick == 1 ? 0 : backoff_ms(n->quick - 1));
	}
}

/* Warnings about a snapshot that was taken. Staleness has an event of its own, which is logged once. */
static void say_alarms(struct network *n, struct diags *d)
{
	for (const struct diag *g = d->first; g; g = g->next) {
		if (strcmp(g->code, "snapshot-stale") != 0) {
			say(n, "alarm", d);
			STATE_TEXT(n->state.problem, g->message);
			return;
		}
	}
}

/* A reply's body. */
static void take(struct network *n, const char *server, struct span reply)
{
	unsigned n_knocks;
	bool news;
	enum verify_result result = VERIFY_REFUSED;
	uint64_t held = peer_held_serial(n->peer->held);
	uint64_t hints = peer_hints_serial(n->peer->hints);
	struct diags d = {0};
	int locked = store_lock(peer_held_store(n->peer->held), 0, &d);
	int r = locked ? locked : peer_take(n->peer, reply, clock_unix(), &result, &d);

	if (locked == 1) {
		arm(n, &n->poll_timer, LOCKED_MS);
		goto out;
	}
	if (r < 0) {
		say(n, "failed", &d);
		arm(n, &n->poll_timer, backoff_ms(++n->failures));
		goto out;
	}
	switch (result) {
	case VERIFY_OK:
		ask_names(n);
		converge(n, true);
		answered(n, server, true);
		say_alarms(n, &d);
		break;
	case VERIFY_UNCHANGED:
		/* Unchanged for the server. But another process may have stored a snapshot since the last turn. */
		news = peer_held_serial(n->peer->held) != held;
		peer_search_knocks(n->peer->search, &n_knocks);
		if (news || peer_hints_serial(n->peer->hints) != hints || n_knocks)
			converge(n, news);
		answered(n, server, false);
		say_alarms(n, &d);
		break;
	case VERIFY_BEHIND:
		say(n, "behind", &d);
		failed(n, server, "it has an older version than this machine");
		break;
	case VERIFY_REFUSED:
		say(n, "refused", &d);
		STATE_TEXT(n->state.problem, first_message(&d));
		failed(n, server, "what it sent was refused");
		break;
	}
out:
	keep_state(n);
	if (r == 0)
		reporter_heard(n->reporter, &n->asked_server);
	store_unlock(peer_held_store(n->peer->held));
	diags_free(&d);
}

static void on_answer(void *ctx, struct client_answer *answer)
{
	struct network *n = ctx;
	struct peer_server servers[SERVERS_MAX];
	size_t n_servers = peer_held_servers(n->peer->held, servers);
	const char *server = n_servers ? servers[n->server % n_servers].name : "?";
	char why[160];

	if (answer->status == 200) {
		take(n, server, buf_span(&answer->body));
	} else if (answer->status == 204) {
		answered(n, server, false);
		keep_state(n);
	} else if (answer->error) {
		failed(n, server, answer->error);
	} else {
		const char *text = answer->body.p ? answer->body.p : "";
		int len = (int)strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,:;.'-()");

		snprintf(why, sizeof(why), "it answered %ld %.*s", answer->status, len < 120 ? len : 120, text);
		failed(n, server, why);
	}
	tell_status(n->daemon);
}

static void poll_now(void *ctx)
{
	struct network *n = ctx;
	struct peer_server servers[SERVERS_MAX];
	size_t n_servers = peer_held_servers(n->peer->held, servers);
	char path[POLL_PATH_MAX];
	struct diags d = {0};
	/* A machine without a snapshot asks for an answer at once. */
	unsigned wait = peer_held_view(n->peer->held) ? POLL_WAIT_MAX : 0;
	struct client_request q = {.path = path, .max = BUNDLE_MAX, .first_ms = wait * 1000 + HOLD_SLACK_MS};

	if (!n_servers) {
		failed(n, "none", "the last good snapshot names no server");
		return;
	}
	peer_poll_path(n->peer, wait, path);
	q.server = n->asked_server = servers[n->server % n_servers].ip;
	n->asked = clock_boot_ms();
	if (client_start(n->client, &q, on_answer, n, &d) < 0) {
		say(n, "failed", &d);
		arm(n, &n->poll_timer, backoff_ms(++n->failures));
	}
	diags_free(&d);
}

/* ---- starting and stopping ------------------------------------------------------------------------------------ */

/* Only the daemon ends what it has begun: the keepalives of the peers that are tried. */
static void stop_looking(struct network *n)
{
	const struct candidates *c;
	struct diags ignored = {0};
	struct peer_turn turn;

	c = n->peer ? peer_search_candidates(n->peer->search) : NULL;
	if (n->gone || !c || !candidates_in_flight(c))
		return;
	peer_converge(n->peer, clock_unix(), 0, SEARCH_END, &turn, &ignored);
	diags_free(&ignored);
}

static void network_stop(struct network *n)
{
	struct loop *loop = n->daemon->loop;

	stop_looking(n);
	loop_timer_del(loop, &n->poll_timer);
	loop_timer_del(loop, &n->look_timer);
	if (n->monitor >= 0) {
		loop_fd_del(loop, n->monitor);
		close(n->monitor);
	}
	n->monitor = -1;
	client_free(n->client);
	n->client = NULL;
	reporter_free(n->reporter);
	n->reporter = NULL;
	knocker_free(n->knocker);
	n->knocker = NULL;
	if (n->peer)
		loop_fd_del(loop, resolver_fd(peer_hints_resolver(n->peer->hints)));
	peer_close(n->peer);
	n->peer = NULL;
	if (n->running >= 0)
		close(n->running);
	n->running = -1;
}

/* The network was uninstalled. A daemon without a network ends. */
static void leave(struct network *n)
{
	struct daemon *daemon = n->daemon;

	log_info("uninstalled", "%s: this machine is in this network no more", n->name);
	network_stop(n);
	n->gone = false;
	for (size_t i = 0; i < daemon->n_networks; i++) {
		if (daemon->networks[i].peer)
			return;
	}
	loop_stop(daemon->loop);
}

/* The interface first, from the snapshot on the disk: a machine that restarts needs no server. */
static int network_start(struct network *n, struct diags *d)
{
	struct daemon *daemon = n->daemon;
	int locked;

	n->failures = n->look_failures = n->quick = 0;
	n->problem[0] = '\0';
	n->drift[0] = n->names_problem[0] = '\0';
	n->away = n->stale = n->gone = false;
	n->state = (struct daemon_state){.started = clock_unix()};
	n->written_at = 0;
	n->opened = clock_boot_ms();
	if (peer_open(daemon->options, n->name, &n->peer, d) < 0 || peer_check_redeemed(n->peer, d) < 0)
		goto fail;
	locked = store_running_lock(peer_held_store(n->peer->held), &n->running, d);
	if (locked > 0) {
		struct diag *g =
		    diag_error(d, "daemon-running", NULL, "%s: another daemon keeps this network already", n->name);
		diag_help(d, g, "one is enough: stop the other first");
	}
	if (locked)
		goto fail;
	n->monitor = device_monitor_open(d);
	if (n->monitor < 0 ||
	    !(n->client = client_new(daemon->loop, n->name, &peer_file_config(n->peer->file)->m.trust.id, d)))
		goto fail;
	if (loop_fd_set(daemon->loop, n->monitor, EPOLLIN, on_monitor, n) < 0 ||
	    loop_fd_set(daemon->loop, resolver_fd(peer_hints_resolver(n->peer->hints)), EPOLLIN, on_names, n) < 0) {
		diags_out_of_memory(d);
		goto fail;
	}
	if (!(n->knocker = knocker_new(daemon->loop, n->peer, d)))
		goto fail;
	if (peer_search_remember(n->peer->search, d) < 0)
		goto fail;
	if (d->n_warnings)
		log_diags("store", d);
	ask_names(n);
	converge(n, peer_held_view(n->peer->held) != NULL);
	if (!(n->reporter = reporter_new(daemon->loop, n->peer, d)))
		goto fail;
	n->needs_names = resolver_busy(peer_hints_resolver(n->peer->hints));
	arm(n, &n->poll_timer, n->needs_names ? NAMES_MS : 0);
	return 0;
fail:
	network_stop(n);
	return -1;
}

static size_t start_all(struct daemon *daemon, struct diags *d)
{
	size_t started = 0;

	for (size_t i = 0; i < daemon->n_networks; i++) {
		struct diags own = {0};

		if (network_start(&daemon->networks[i], &own) == 0)
			started++;
		else
			log_diags("failed", &own);
		d->out_of_memory = d->out_of_memory || own.out_of_memory;
		diags_free(&own);
	}
	return started;
}

static void on_signal(void *ctx, int signo)
{
	struct daemon *daemon = ctx;
	struct diags d = {0};

	if (signo != SIGHUP) {
		log_info("stopping", "the interfaces stay as they are");
		notify_stopping(&daemon->notify);
		loop_stop(daemon->loop);
		return;
	}
	log_info("reload", "reading the files again");
	notify_reloading(&daemon->notify);
	for (size_t i = 0; i < daemon->n_networks; i++)
		network_stop(&daemon->networks[i]);
	start_all(daemon, &d);
	notify_ready(&daemon->notify);
	tell_status(daemon);
	diags_free(&d);
}

int daemon_run(const struct peer_options *o, const char *const *names, size_t n, struct diags *d)
{
	struct daemon daemon = {.options = o, .n_networks = n, .notify = {.fd = -1}};
	sigset_t signals;
	int r = -1;

	daemon.networks = calloc(n ? n : 1, sizeof(*daemon.networks));
	daemon.loop = daemon.networks ? loop_new(d) : NULL;
	if (!daemon.loop) {
		d->out_of_memory = !daemon.networks || d->out_of_memory;
		goto out;
	}
	notify_open(&daemon.notify, daemon.loop);
	for (size_t i = 0; i < n; i++) {
		struct network *net = &daemon.networks[i];

		net->daemon = &daemon;
		net->monitor = net->running = -1;
		snprintf(net->name, sizeof(net->name), "%s", names[i]);
		net->poll_timer = (struct loop_timer){.fn = poll_now, .ctx = net};
		net->look_timer = (struct loop_timer){.fn = look, .ctx = net};
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	if (loop_signals(daemon.loop, &signals, on_signal, &daemon) < 0) {
		diag_error(d, "event-loop", NULL, "signals cannot be received");
		goto out;
	}
	if (start_all(&daemon, d) == 0) {
		diag_error(d, "nothing-started", NULL, "no network could be started");
		goto out;
	}
	notify_ready(&daemon.notify);
	tell_status(&daemon);
	r = loop_run(daemon.loop);
	if (r < 0)
		diag_error(d, "event-loop", NULL, "the event loop failed");
out:
	for (size_t i = 0; daemon.networks && daemon.loop && i < n; i++)
		network_stop(&daemon.networks[i]);
	notify_close(&daemon.notify);
	loop_free(daemon.loop);
	free(daemon.networks);
	return r;
}
