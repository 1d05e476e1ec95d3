/* Answering polls: only what the peer lacks, held until there is something; and who has converged. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/edge/http/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REACHABLE_MS 120000 /* a peer that has not polled for this long is not waited for */

/* A poll as it was asked, kept while it is held. */
struct poll {
	struct have have;
	int64_t until; /* clock_boot_ms() */
	struct key mark;
	bool once; /* it does not wait */
};

/* What goes into one answer. */
struct answer {
	struct bundle b;
	struct arena *arena;
	struct buf records;  /* enrolments */
	uint32_t room_hints; /* of b.hints */
	bool something;
};

/* --- reports --- */

static bool reachable(const struct report *p, int64_t now)
{
	return p->polled && now - p->polled <= REACHABLE_MS;
}

void reconciler_reports_remap(struct reconciler *r, const struct revision *old)
{
	const struct model *m = served_now(r->served)->model;
	struct report *list = calloc(m->n_peers ? m->n_peers : 1, sizeof(*list)), *was = r->reports;
	int64_t now = clock_boot_ms();

	r->n_lagging = 0;
	r->convergence_open = true;
	r->reports = list;
	for (uint32_t i = 0; list && old && was && i < old->model->n_peers; i++) {
		const struct peer *p = &old->model->peers[i];
		uint32_t k = was[i].polled ? enrolments_owner(r->enrolments, served_now(r->served), &p->key) : NONE;
		if (k == NONE || k == served_now(r->served)->self)
			continue;
		list[k] = was[i];
		list[k].lags = !m->peers[k].disabled && reachable(&list[k], now) &&
			       (!list[k].has_runs || hash_cmp(&list[k].runs, &served_now(r->served)->parsed.name));
		r->n_lagging += list[k].lags;
	}
	free(was);
}

uint32_t reconciler_peers(const struct reconciler *r, uint32_t *converged)
{
	const struct model *m = served_now(r->served)->model;
	uint32_t n = 0;

	*converged = 0;
	for (uint32_t i = 0; i < m->n_peers; i++) {
		const struct peer *p = &m->peers[i];
		const struct report *report = &r->reports[i];
		/* Other servers look at the definition themselves; one with `via` runs nothing that could ask. */
		if (p->disabled || p->server || p->via || !enrolments_has_key(r->enrolments, p))
			continue;
		n++;
		*converged += report->has_runs && !hash_cmp(&report->runs, &served_now(r->served)->parsed.name);
	}
	return n;
}

/* The line that people wait for, once a version: when the last reachable peer runs it. */
static void say_converged(struct reconciler *r)
{
	uint32_t converged, total = reconciler_peers(r, &converged);
	const struct version *v = &served_now(r->served)->parsed.version;

	if (!converged)
		return;
	r->convergence_open = false;
	if (r->noticed) {
		r->converged_ms = clock_boot_ms() - r->noticed;
		log_info("converged", "version %" PRIu64 ".%" PRIu64 ", %u of %u peers, %" PRId64 " ms after the push",
			 v->epoch, v->number, converged, total, r->converged_ms);
		/* Whoever pushed it waits for this. */
		conditions_touch(r->conditions);
		conditions_due_in(r->conditions, 1);
	} else
		log_info("converged", "version %" PRIu64 ".%" PRIu64 ", %u of %u peers", v->epoch, v->number, converged,
			 total);
	r->noticed = 0;
}

void reconciler_convergence_check(struct reconciler *r)
{
	int64_t now = clock_boot_ms();
	uint32_t converged, total;

	if (!served_now(r->served) || !r->reports)
		return;
	for (uint32_t i = 0; r->n_lagging && i < served_now(r->served)->model->n_peers; i++)
		if (r->reports[i].lags && !reachable(&r->reports[i], now)) {
			r->reports[i].lags = false;
			r->n_lagging--;
		}
	if (!r->n_lagging && r->convergence_open)
		say_converged(r);
	total = reconciler_peers(r, &converged);
	if (r->n_lagging)
		conditions_set(r->conditions, CONDITION_CONVERGED, TRUTH_FALSE, "Converging",
			       served_now(r->served)->parsed.commit, "%u of %u peers run it, %u are about to",
			       converged, total, r->n_lagging);
	else
		conditions_set(r->conditions, CONDITION_CONVERGED, TRUTH_TRUE,
			       converged == total ? "AllPeers" : "ReachablePeers", served_now(r->served)->parsed.commit,
			       "%u of %u peers run it", converged, total);
}

static void report_take(struct reconciler *r, uint32_t peer, const struct have *have)
{
	struct report *p = &r->reports[peer];
	const bool current = have->has_statement && !hash_cmp(&have->statement, &served_now(r->served)->parsed.name);
	const bool changed = p->has_runs != have->has_statement || hash_cmp(&p->runs, &have->statement);

	p->polled = clock_boot_ms();
	p->has_runs = have->has_statement;
	p->runs = have->statement;
	if (p->lags != !current) {
		p->lags = !current;
		if (current)
			r->n_lagging--;
		else
			r->n_lagging++;
	}
	if (!changed)
		return;
	conditions_touch(r->conditions);
	/* It goes through all peers: for the last one, not for each of thousands. */
	if (current && !r->n_lagging)
		reconciler_convergence_check(r);
}

/* `report` NULL: the answer goes to a process that asks once; the daemon beside it is still owed its own. */
static int answer_fresh(struct reconciler *r, struct answer *a, struct report *report)
{
	int64_t issued;

	if (freshness_get(r->freshness, served_now(r->served), a->arena, &a->b.fresh, &issued) < 0)
		return -1;
	if (report && a->b.fresh.text.p)
		report->fresh_sent = issued;
	return 0;
}

/* --- what the peer lacks --- */

/* Statements that changed the signers, unless the peer has one that is newer; the first changed nothing. */
static int answer_chain(struct reconciler *r, struct answer *a, const struct revision *had)
{
	const struct published *p = served_record(r->served);

	if (p->n_chain && !(a->b.chain = arena_array(a->arena, p->n_chain, sizeof(*a->b.chain))))
		return -1;
	for (size_t i = 1; i < p->n_chain; i++) {
		struct statement s;
		struct diags d = {0};
		bool ok = !statement_parse(p->chain[i].text, &s, &d);
		diags_free(&d);
		if (!ok || !hash_cmp(&s.name, &served_now(r->served)->parsed.name) ||
		    (had && version_cmp(&s.version, &had->parsed.version) <= 0))
			continue;
		a->b.chain[a->b.n_chain++] = p->chain[i];
	}
	return 0;
}

static int answer_statement(struct reconciler *r, struct answer *a, uint32_t peer, const struct revision *had)
{
	const struct revision *g = served_now(r->served);
	const struct snapshot *s = g->snapshot;
	uint32_t view = s->view_of_peer[peer], old_view = NONE;
	const struct object **objects;
	size_t n;

	if (view == NONE)
		return -1;
	if (had && had != g) {
		uint32_t old = enrolments_place_in(r->enrolments, had, &g->model->peers[peer].key);
		old_view = old == NONE ? NONE : had->snapshot->view_of_peer[old];
	}
	if (snapshot_view_objects(a->arena, s, view, old_view == NONE ? NULL : had->snapshot,
				  old_view == NONE ? 0 : old_view, &objects, &n) < 0)
		return -1;
	a->b.statement = g->statement;
	a->b.has_path = true;
	a->b.path_index = view;
	a->b.path_count = s->n_views;
	a->b.n_path = snapshot_path(s, view, a->b.path);
	a->b.objects = arena_array(a->arena, n ? n : 1, sizeof(*a->b.objects));
	if (!a->b.objects)
		return -1;
	for (size_t i = 0; i < n; i++)
		a->b.objects[i] = *objects[i];
	a->b.n_objects = n;
	a->something = true;
	return answer_chain(r, a, had);
}

bool reconciler_sees(const struct revision *g, uint32_t a, uint32_t b)
{
	return a == b || reach_peers(g->reach, a, b).rule != REACH_NONE;
}

/* The enrolments of the invites in its view: all of them with a new statement, else those it has not got yet. */
static int answer_enrolments(struct reconciler *r, struct answer *a, uint32_t peer, const struct have *have, bool all)
{
	const struct ledger_facts *f = enrolments_facts(r->enrolments);
	const bool from_ledger =
	    enrolments_ledger(r->enrolments) && f == ledger_facts(enrolments_ledger(r->enrolments));
	const char *position = from_ledger ? ledger_position(enrolments_ledger(r->enrolments)) : "-";
	uint64_t since = 0;
	size_t n = 0, start = 0;
	size_t *ends;

	if (!all) {
		/* Without a position nobody could say that it has them: they go with statements alone. */
		if (!strcmp(position, "-") || !strcmp(position, have->ledger))
			return 0;
		if (!have->has_ledger || !ledger_since(enrolments_ledger(r->enrolments), have->ledger, &since))
			all = true;
	}
	ends = arena_array(a->arena, f->n_enrolments ? f->n_enrolments : 1, sizeof(*ends));
	if (!ends)
		return -1;
	for (size_t i = 0; i < f->n_enrolments; i++) {
		const struct enrolment *e = &f->enrolments[i];
		if (!all && ledger_sequence(enrolments_ledger(r->enrolments), e) <= since)
			continue;
		uint32_t k = revision_by_mark(served_now(r->served), &e->invite);
		if (k == NONE || served_now(r->served)->model->peers[k].disabled ||
		    !reconciler_sees(served_now(r->served), peer, k))
			continue;
		enrolment_write(&a->records, e);
		ends[n++] = a->records.n;
	}
	if (a->records.failed || (n && !(a->b.enrolments = arena_array(a->arena, n, sizeof(*a->b.enrolments)))))
		return -1;
	for (size_t i = 0; i < n; i++) {
		a->b.enrolments[i] = (struct span){(const uint8_t *)a->records.p + start, ends[i] - start};
		start = ends[i];
	}
	a->b.n_enrolments = (uint32_t)n;
	memcpy(a->b.ledger, position, strlen(position) + 1);
	a->something |= n > 0;
	return 0;
}

/* Whose endpoints they are in this revision. NONE: nobody's any more. */
static uint32_t known_peer(const struct reconciler *r, const struct revision *g, const struct known *k)
{
	if (k->peer < g->model->n_peers && key_eq(&g->model->peers[k->peer].key, &k->mark))
		return k->peer;
	return enrolments_owner(r->enrolments, g, &k->mark);
}

/* Room is made as it is needed: whoever moves, each of thousands of polls looks for what is new, and most find little. */
static int hint_add(struct answer *a, const struct known *k)
{
	if (a->b.n_hints == a->room_hints) {
		const uint32_t room = a->room_hints ? 2 * a->room_hints : 8;
		struct hint *more = arena_array(a->arena, room, sizeof(*more));
		if (!more)
			return -1;
		if (a->b.n_hints)
			memcpy(more, a->b.hints, a->b.n_hints * sizeof(*more));
		a->b.hints = more;
		a->room_hints = room;
	}
	if (reconciler_hint(a->arena, k, &a->b.hints[a->b.n_hints]) < 0)
		return -1;
	a->b.n_hints++;
	a->something = true;
	return 0;
}

/* A position of this run; else another one told the peer, of this server or of another. */
static bool is_ours(const struct reconciler *r, const struct have *have)
{
	return have->has_hints && have->hints >= r->first_sequence && have->hints <= r->sequence;
}

/* After a restart it is told in any case what is known of it: so it learns that what it reported is lost. */
static int hint_add_own(struct reconciler *r, struct answer *a, uint32_t peer, const struct have *have)
{
	const struct known nothing = {
	    .key = enrolments_key_now(r->enrolments, &served_now(r->served)->model->peers[peer])};

	if (!have->has_hints || is_ours(r, have))
		return 0;
	for (uint32_t i = 0; i < a->b.n_hints; i++) {
		if (key_eq(&a->b.hints[i].key, &nothing.key))
			return 0;
	}
	return hint_add(a, &nothing);
}

/* Of itself and of peers that it sees: what changed, and with a new statement of those that it did not see before. */
static int answer_hints(struct reconciler *r, struct answer *a, uint32_t peer, const struct have *have,
			bool with_statement, const struct revision *had)
{
	const struct revision *g = served_now(r->served);
	uint32_t was = had && had != g ? enrolments_place_in(r->enrolments, had, &g->model->peers[peer].key) : NONE;

	if (!with_statement && have->has_hints && have->hints == r->sequence)
		return 0;
	const bool recent = !with_statement && is_ours(r, have) && have->hints >= r->recent_after;
	const size_t n = recent ? r->n_recent : r->n_known;
	for (size_t i = 0; i < n; i++) {
		const struct known *known = &r->known[recent ? r->recent[i] : i];
		bool is_new = !is_ours(r, have) || known->sequence > have->hints;
		/* The cheapest first: one that roams wakes everybody. */
		if (!is_new && !with_statement)
			continue;
		uint32_t k = known_peer(r, g, known);
		if (k == NONE || !reconciler_sees(g, peer, k))
			continue;
		if (!is_new) {
			uint32_t other = was == NONE ? NONE : revision_by_mark(had, &known->mark);
			is_new = other == NONE || !reconciler_sees(had, was, other);
		}
		/* Who was told nothing yet need not hear that nothing is known. */
		if (is_new && (have->has_hints || known->seen.port || known->n_said) && hint_add(a, known) < 0)
			return -1;
	}
	if (hint_add_own(r, a, peer, have) < 0)
		return -1;
	a->b.has_hints = true;
	a->b.hints_position = r->sequence;
	return 0;
}

/* Who knocks is named, with what is known of it. */
static int answer_knocks(struct reconciler *r, struct answer *a, uint32_t peer)
{
	uint32_t from[KNOCKS_MAX];
	size_t n = reconciler_knocks_for(r, peer, from);

	if (!n)
		return 0;
	if (!(a->b.knocks = arena_array(a->arena, n, sizeof(*a->b.knocks))))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key *key = &a->b.knocks[a->b.n_knocks];
		const struct known *known;

		*key = enrolments_key_now(r->enrolments, &served_now(r->served)->model->peers[from[i]]);
		a->b.n_knocks++;
		known = reconciler_known(r, key);
		if (known && hint_add(a, known) < 0)
			return -1;
	}
	a->something |= a->b.n_knocks > 0;
	return 0;
}

/* --- the poll --- */

static void answer_send(struct http_request *q, struct answer *a)
{
	struct buf body = {0};

	bundle_write(&body, &a->b);
	http_answer(q, 200, "text/x-innernet-bundle", &body, NULL, NULL);
}

/*
 * Answers when there is something, or when the time is over. `once`: who asks does not wait, and is told in any case that
 * this is the newest. False: hold it. -1 is out of memory.
 */
static int try_answer(struct reconciler *r, struct http_request *q, uint32_t peer, const struct poll *poll, bool last)
{
	struct report *report = &r->reports[peer];
	const struct have *have = &poll->have;
	const bool once = poll->once;
	const struct revision *had = have->has_statement ? served_named(r->served, &have->statement) : NULL;
	const bool new_statement = had != served_now(r->served);
	struct answer a = {.arena = arena_new()};
	int ret = -1;

	if (!a.arena)
		return -1;
	if (new_statement && answer_statement(r, &a, peer, had) < 0)
		goto out;
	if (answer_enrolments(r, &a, peer, have, new_statement) < 0 ||
	    answer_hints(r, &a, peer, have, new_statement, had) < 0 || answer_knocks(r, &a, peer) < 0)
		goto out;
	if (new_statement || once || ((last || a.something) && freshness_is_due(report->fresh_sent))) {
		if (answer_fresh(r, &a, once ? NULL : report) < 0)
			goto out;
		a.something |= last && a.b.fresh.text.p;
	}
	ret = 0;
	if (a.something) {
		answer_send(q, &a);
		if (a.b.n_knocks)
			reconciler_knocks_done(r, peer);
		ret = 1;
	} else if (last) {
		struct buf empty = {0};
		http_answer(q, 204, NULL, &empty, NULL, NULL);
		ret = 1;
	}
out:
	buf_free(&a.records);
	arena_free(a.arena);
	return ret;
}

void reconciler_poll(struct reconciler *r, struct http_request *q, const struct asker *who, enum http_reason why)
{
	const struct key *mark = &served_now(r->served)->model->peers[who->peer].key;
	struct poll *poll = *http_data(q);
	unsigned wait;

	if (!r->reports) {
		http_refuse(q, 500, "out-of-memory", "out of memory");
		return;
	}
	if (!poll) {
		const char *have = http_argument(q, "have");
		if (!(poll = calloc(1, sizeof(*poll)))) {
			http_refuse(q, 500, "out-of-memory", "out of memory");
			return;
		}
		*http_data(q) = poll;
		r->polls++;
		if (have_parse(have ? have : "-.-.-", &poll->have) || wait_parse(http_argument(q, "wait"), &wait)) {
			http_refuse(q, 400, "bad-request",
				    "`have` is STATEMENT.LEDGER.HINTS, `wait` is 0 to %d seconds", POLL_WAIT_MAX);
			return;
		}
		poll->until = clock_boot_ms() + 1000 * (int64_t)wait;
		poll->mark = *mark;
		poll->once = !wait;
		report_take(r, who->peer, &poll->have);
		moves_polled(r->moves, mark, http_from(q));
	}
	if (!key_eq(&poll->mark, mark) &&
	    enrolments_owner(r->enrolments, served_now(r->served), &poll->mark) != who->peer) {
		http_refuse(q, 403, "not-invited", "this address belongs to another peer now");
		return;
	}
	int64_t left = poll->until - clock_boot_ms();
	const bool last = why == HTTP_TIMEOUT || left <= 0;
	int done = try_answer(r, q, who->peer, poll, last);
	if (done < 0)
		http_refuse(q, 500, "out-of-memory", "out of memory");
	else if (!done)
		http_hold(q, left);
}

static void wake(void *ctx, struct http_request *q)
{
	struct reconciler *r = ctx;
	const struct asker who = reconciler_asker(r, http_from(q));
	const struct poll *poll = *http_data(q);

	/* What came may be nothing for this one: then its connection is left to sleep. */
	if (who.kind == ASKER_PEER && poll && r->reports &&
	    !hash_cmp(&poll->have.statement, &served_now(r->served)->parsed.name)) {
		struct answer a = {.arena = arena_new()};
		bool something = !a.arena || answer_enrolments(r, &a, who.peer, &poll->have, false) < 0 ||
				 answer_hints(r, &a, who.peer, &poll->have, false, served_now(r->served)) < 0 ||
				 a.something;
		buf_free(&a.records);
		arena_free(a.arena);
		if (!something)
			return;
	}
	http_wake(q);
}

static void wake_one(void *ctx, struct http_request *q)
{
	const struct poll *poll = *http_data(q);

	if (poll && key_eq(&poll->mark, ctx))
		http_wake(q);
}

void reconciler_wake_peer(struct reconciler *r, const struct key *mark)
{
	struct key copy = *mark;

	http_each_held(r->http, wake_one, &copy);
	http_run(r->http);
}

void reconciler_wake(struct reconciler *r)
{
	if (!r->http || !served_now(r->served))
		return;
	http_each_held(r->http, wake, r);
	http_run(r->http);
}
