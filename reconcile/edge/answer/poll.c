#include "reconcile/edge/answer/poll.h"
#include "reconcile/edge/http/request.h"
#include "reconcile/edge/state/freshness.h"
#include "reconcile/edge/state/hints_board.h"
#include "reconcile/edge/state/knocks.h"
#include "reconcile/edge/state/moves.h"
#include "reconcile/edge/state/own_moves.h"
#include "reconcile/edge/state/readers.h"
#include "reconcile/edge/state/reports.h"

#include <stdlib.h>
#include <string.h>

/* A poll as it was asked, kept while it is held. */
struct poll {
	struct have have;
	int64_t until; /* clock_boot_ms() */
	struct key mark;
	bool once; /* it does not wait */
};

/* One answer in the making. */
struct answer {
	struct bundle b;
	struct arena *arena;
	struct buf records;  /* enrolments */
	uint32_t room_hints; /* of b.hints */
	bool something;
};

/* --- what the peer lacks --- */

/* Statements that changed the signers, unless the peer has one that is newer; the first changed nothing. */
static int answer_chain(const struct owners *o, struct answer *a, const struct revision *had)
{
	const struct published *p = served_record(o->served);

	if (p->n_chain && !(a->b.chain = arena_array(a->arena, p->n_chain, sizeof(*a->b.chain))))
		return -1;
	for (size_t i = 1; i < p->n_chain; i++) {
		struct statement s;
		struct diags d = {0};
		bool ok = !statement_parse(p->chain[i].text, &s, &d);
		diags_free(&d);
		if (!ok || !hash_cmp(&s.name, &served_now(o->served)->parsed.name) ||
		    (had && version_cmp(&s.version, &had->parsed.version) <= 0))
			continue;
		a->b.chain[a->b.n_chain++] = p->chain[i];
	}
	return 0;
}

static int answer_statement(const struct owners *o, struct answer *a, uint32_t peer, const struct revision *had)
{
	const struct revision *g = served_now(o->served);
	const struct snapshot *s = g->snapshot;
	uint32_t view = s->view_of_peer[peer], old_view = NONE;
	const struct object **objects;
	size_t n;

	if (view == NONE)
		return -1;
	if (had && had != g) {
		uint32_t old = enrolments_place_in(o->enrolments, had, &g->model->peers[peer].key);
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
	return answer_chain(o, a, had);
}

/* The enrolments of the invites in its view: all of them with a new statement, else those it has not got yet. */
static int answer_enrolments(const struct owners *o, struct answer *a, uint32_t peer, const struct have *have, bool all)
{
	const struct ledger_facts *f = enrolments_facts(o->enrolments);
	const struct ledger *ledger = enrolments_ledger(o->enrolments);
	const struct revision *g = served_now(o->served);
	const char *position = enrolments_position(o->enrolments);
	uint64_t since = 0;
	size_t n = 0, start = 0;
	size_t *ends;

	if (!all) {
		/* Without a position a peer cannot say that it has them: they go with statements alone. */
		if (!strcmp(position, "-") || !strcmp(position, have->ledger))
			return 0;
		if (!have->has_ledger || !ledger_since(ledger, have->ledger, &since))
			all = true;
	}
	ends = arena_array(a->arena, f->n_enrolments ? f->n_enrolments : 1, sizeof(*ends));
	if (!ends)
		return -1;
	for (size_t i = 0; i < f->n_enrolments; i++) {
		const struct enrolment *e = &f->enrolments[i];
		if (!all && ledger_sequence(ledger, e) <= since)
			continue;
		uint32_t k = revision_by_mark(g, &e->invite);
		if (k == NONE || g->model->peers[k].disabled || !revision_sees(g, peer, k))
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

/* Makes room as it is needed: when one peer moves, each of thousands of polls looks for news, and most find little. */
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
	if (hints_board_hint(a->arena, k, &a->b.hints[a->b.n_hints]) < 0)
		return -1;
	a->b.n_hints++;
	a->something = true;
	return 0;
}

/* After a restart the peer is told what is known of it even if that is nothing: so it learns that its report is lost. */
static int hint_add_own(const struct owners *o, struct answer *a, uint32_t peer, const struct have *have)
{
	const struct known nothing = {
	    .key = enrolments_key_now(o->enrolments, &served_now(o->served)->model->peers[peer])};

	if (!have->has_hints || hints_board_is_ours(o->hints, have->hints))
		return 0;
	for (uint32_t i = 0; i < a->b.n_hints; i++) {
		if (key_eq(&a->b.hints[i].key, &nothing.key))
			return 0;
	}
	return hint_add(a, &nothing);
}

/* Of the peer itself and of those it sees: what changed. With a new statement also of those that it did not see before. */
static int answer_hints(const struct owners *o, struct answer *a, uint32_t peer, const struct have *have,
			bool with_statement, const struct revision *had)
{
	const struct revision *g = served_now(o->served);
	uint32_t was = had && had != g ? enrolments_place_in(o->enrolments, had, &g->model->peers[peer].key) : NONE;

	if (!with_statement && have->has_hints && have->hints == hints_board_position(o->hints))
		return 0;
	const bool ours = hints_board_is_ours(o->hints, have->hints);
	const struct hints_range range = hints_board_since(o->hints, have->hints, with_statement);
	for (size_t i = 0; i < range.n; i++) {
		const struct known *known = hints_range_at(&range, i);
		bool is_new = !ours || known->sequence > have->hints;
		/* The cheapest test first: one peer that roams wakes every poll. */
		if (!is_new && !with_statement)
			continue;
		uint32_t k = hints_board_peer(o->hints, known);
		if (k == NONE || !revision_sees(g, peer, k))
			continue;
		if (!is_new) {
			uint32_t other = was == NONE ? NONE : revision_by_mark(had, &known->mark);
			is_new = other == NONE || !revision_sees(had, was, other);
		}
		/* A peer that has received no hints is not sent an empty one. */
		if (is_new && (have->has_hints || known->seen.port || known->n_said) && hint_add(a, known) < 0)
			return -1;
	}
	if (hint_add_own(o, a, peer, have) < 0)
		return -1;
	a->b.has_hints = true;
	a->b.hints_position = hints_board_position(o->hints);
	return 0;
}

/* The keys of the peers that knock, with what is known of each. */
static int answer_knocks(const struct owners *o, struct answer *a, uint32_t peer)
{
	uint32_t from[KNOCKS_MAX];
	size_t n = knocks_for(o->knocks, peer, from);

	if (!n)
		return 0;
	if (!(a->b.knocks = arena_array(a->arena, n, sizeof(*a->b.knocks))))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key *key = &a->b.knocks[a->b.n_knocks];
		const struct known *known;

		*key = enrolments_key_now(o->enrolments, &served_now(o->served)->model->peers[from[i]]);
		a->b.n_knocks++;
		known = hints_board_find(o->hints, key);
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
 * Answers when there is something, or when the time is over. A poll that does not wait is told in any case that this is
 * the newest. 1: answered. 0: the request is to be held. -1: out of memory.
 */
static int try_answer(const struct owners *o, struct http_request *q, uint32_t peer, const struct poll *poll, bool last)
{
	const struct report *report = reports_of(o->reports, peer);
	const struct have *have = &poll->have;
	const bool once = poll->once;
	const struct revision *had = have->has_statement ? served_named(o->served, &have->statement) : NULL;
	const bool new_statement = had != served_now(o->served);
	struct answer a = {.arena = arena_new()};
	int ret = -1;

	if (!a.arena)
		return -1;
	if (new_statement && answer_statement(o, &a, peer, had) < 0)
		goto out;
	if (answer_enrolments(o, &a, peer, have, new_statement) < 0 ||
	    answer_hints(o, &a, peer, have, new_statement, had) < 0 || answer_knocks(o, &a, peer) < 0)
		goto out;
	if (new_statement || once || ((last || a.something) && freshness_is_due(report->fresh_sent))) {
		int64_t issued;
		if (freshness_get(o->freshness, served_now(o->served), a.arena, &a.b.fresh, &issued) < 0)
			goto out;
		/* A process that asks once gets one; the daemon beside it is still owed its own. */
		if (!once && a.b.fresh.text.p)
			reports_fresh_sent(o->reports, peer, issued);
		a.something |= last && a.b.fresh.text.p;
	}
	ret = 0;
	if (a.something) {
		answer_send(q, &a);
		if (a.b.n_knocks)
			knocks_delivered(o->knocks, peer);
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

void poll_answer(const struct owners *o, struct http_request *q, const struct asker *asker, enum http_reason why)
{
	const struct key *mark = &served_now(o->served)->model->peers[asker->peer].key;
	struct poll *poll = *http_data(q);
	struct sockpoint at;
	unsigned wait;
	uint32_t speak;

	if (!reports_of(o->reports, asker->peer)) {
		http_out_of_memory(q);
		return;
	}
	if (!poll) {
		const char *have = http_argument(q, "have");
		if (!(poll = calloc(1, sizeof(*poll)))) {
			http_out_of_memory(q);
			return;
		}
		*http_data(q) = poll;
		reports_count_poll(o->reports);
		if (request_have(have ? have : "-.-.-", &poll->have) || request_wait(http_argument(q, "wait"), &wait) ||
		    request_speak(http_argument(q, "speak"), &speak)) {
			http_refuse(q, 400, "bad-request",
				    "`have` is STATEMENT.LEDGER.HINTS, `wait` is 0 to %d seconds, `speak` a format",
				    POLL_WAIT_MAX);
			return;
		}
		poll->until = clock_boot_ms() + 1000 * (int64_t)wait;
		poll->mark = *mark;
		poll->once = !wait;
		readers_take(o->readers, asker->peer, speak);
		reports_take(o->reports, asker->peer, poll->have.has_statement ? &poll->have.statement : NULL);
		moves_polled(o->moves, mark, http_from(q));
		if (!sockpoint_parse(http_header(q, "Host"), strlen(http_header(q, "Host")), &at))
			own_moves_polled(o->own_moves, mark, &at.ip);
	}
	if (!key_eq(&poll->mark, mark) &&
	    enrolments_owner(o->enrolments, served_now(o->served), &poll->mark) != asker->peer) {
		http_refuse(q, 403, "not-invited", "this address belongs to another peer now");
		return;
	}
	int64_t left = poll->until - clock_boot_ms();
	const bool last = why == HTTP_TIMEOUT || left <= 0;
	int done = try_answer(o, q, asker->peer, poll, last);
	if (done < 0)
		http_out_of_memory(q);
	else if (!done)
		http_hold(q, left);
}

static void wake(void *ctx, struct http_request *q)
{
	const struct owners *o = *(const struct owners **)ctx;
	const struct asker asker = asker_of(o, http_from(q));
	const struct poll *poll = *http_data(q);

	/* What is new may be nothing for this peer: then its request sleeps on. */
	if (asker.kind == ASKER_PEER && poll && reports_of(o->reports, asker.peer) &&
	    !hash_cmp(&poll->have.statement, &served_now(o->served)->parsed.name)) {
		struct answer a = {.arena = arena_new()};
		bool something = !a.arena || answer_enrolments(o, &a, asker.peer, &poll->have, false) < 0 ||
				 answer_hints(o, &a, asker.peer, &poll->have, false, served_now(o->served)) < 0 ||
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

void poll_wake_peer(const struct owners *o, const struct key *mark)
{
	struct key copy = *mark;

	http_each_held(o->http, wake_one, &copy);
	http_run(o->http);
}

void poll_wake(const struct owners *o)
{
	if (!o->http || !served_now(o->served))
		return;
	http_each_held(o->http, wake, &o);
	http_run(o->http);
}
