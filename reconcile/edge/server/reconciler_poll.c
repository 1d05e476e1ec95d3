/* Answering polls: only what the peer lacks, held until there is something; and who has converged. */
#include "reconcile/edge/base/log.h"
#include "reconcile/edge/server/reconciler_state.h"
#include "reconcile/edge/http/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
		    !revision_sees(served_now(r->served), peer, k))
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
	if (hints_board_hint(a->arena, k, &a->b.hints[a->b.n_hints]) < 0)
		return -1;
	a->b.n_hints++;
	a->something = true;
	return 0;
}

/* After a restart it is told in any case what is known of it: so it learns that what it reported is lost. */
static int hint_add_own(struct reconciler *r, struct answer *a, uint32_t peer, const struct have *have)
{
	const struct known nothing = {
	    .key = enrolments_key_now(r->enrolments, &served_now(r->served)->model->peers[peer])};

	if (!have->has_hints || hints_board_is_ours(r->hints, have->hints))
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

	if (!with_statement && have->has_hints && have->hints == hints_board_position(r->hints))
		return 0;
	const bool ours = hints_board_is_ours(r->hints, have->hints);
	const struct hints_range range = hints_board_since(r->hints, have->hints, with_statement);
	for (size_t i = 0; i < range.n; i++) {
		const struct known *known = hints_range_at(&range, i);
		bool is_new = !ours || known->sequence > have->hints;
		/* The cheapest first: one that roams wakes everybody. */
		if (!is_new && !with_statement)
			continue;
		uint32_t k = hints_board_peer(r->hints, known);
		if (k == NONE || !revision_sees(g, peer, k))
			continue;
		if (!is_new) {
			uint32_t other = was == NONE ? NONE : revision_by_mark(had, &known->mark);
			is_new = other == NONE || !revision_sees(had, was, other);
		}
		/* Who was told nothing yet need not hear that nothing is known. */
		if (is_new && (have->has_hints || known->seen.port || known->n_said) && hint_add(a, known) < 0)
			return -1;
	}
	if (hint_add_own(r, a, peer, have) < 0)
		return -1;
	a->b.has_hints = true;
	a->b.hints_position = hints_board_position(r->hints);
	return 0;
}

/* Who knocks is named, with what is known of it. */
static int answer_knocks(struct reconciler *r, struct answer *a, uint32_t peer)
{
	uint32_t from[KNOCKS_MAX];
	size_t n = knocks_for(r->knocks, peer, from);

	if (!n)
		return 0;
	if (!(a->b.knocks = arena_array(a->arena, n, sizeof(*a->b.knocks))))
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct key *key = &a->b.knocks[a->b.n_knocks];
		const struct known *known;

		*key = enrolments_key_now(r->enrolments, &served_now(r->served)->model->peers[from[i]]);
		a->b.n_knocks++;
		known = hints_board_find(r->hints, key);
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
	const struct report *report = reports_of(r->reports, peer);
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
		int64_t issued;
		if (freshness_get(r->freshness, served_now(r->served), a.arena, &a.b.fresh, &issued) < 0)
			goto out;
		/* A process that asks once gets one; the daemon beside it is still owed its own. */
		if (!once && a.b.fresh.text.p)
			reports_fresh_sent(r->reports, peer, issued);
		a.something |= last && a.b.fresh.text.p;
	}
	ret = 0;
	if (a.something) {
		answer_send(q, &a);
		if (a.b.n_knocks)
			knocks_delivered(r->knocks, peer);
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
	uint32_t speak;

	if (!reports_of(r->reports, who->peer)) {
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
		reports_count_poll(r->reports);
		if (have_parse(have ? have : "-.-.-", &poll->have) || wait_parse(http_argument(q, "wait"), &wait) ||
		    speak_parse(http_argument(q, "speak"), &speak)) {
			http_refuse(q, 400, "bad-request",
				    "`have` is STATEMENT.LEDGER.HINTS, `wait` is 0 to %d seconds, `speak` a format",
				    POLL_WAIT_MAX);
			return;
		}
		poll->until = clock_boot_ms() + 1000 * (int64_t)wait;
		poll->mark = *mark;
		poll->once = !wait;
		readers_take(r->readers, who->peer, speak);
		reports_take(r->reports, who->peer, poll->have.has_statement ? &poll->have.statement : NULL);
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
	if (who.kind == ASKER_PEER && poll && reports_of(r->reports, who.peer) &&
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
