#include "reconcile/edge/state/reports.h"
#include "reconcile/edge/base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REACHABLE_MS 120000 /* a peer that has not polled for this long is not waited for */

struct reports {
	const struct served *served;
	const struct enrolments *enrolments;
	const struct readers *readers;
	struct conditions *conditions;
	struct report *list;  /* by the index in the served model */
	uint32_t n_lagging;   /* of them */
	bool open;            /* the convergence of the served version is not logged yet */
	int64_t noticed;      /* clock_boot_ms() of the push of the served version; 0: none */
	int64_t converged_ms; /* from there to the convergence; -1: not, or not known */
	uint64_t polls;
};

struct reports *reports_new(const struct served *s, const struct enrolments *e, const struct readers *can,
			    struct conditions *c)
{
	struct reports *r = calloc(1, sizeof(*r));

	if (r)
		*r =
		    (struct reports){.served = s, .enrolments = e, .readers = can, .conditions = c, .converged_ms = -1};
	return r;
}

void reports_free(struct reports *r)
{
	if (r)
		free(r->list);
	free(r);
}

static bool reachable(const struct report *p, int64_t now)
{
	return p->polled && now - p->polled <= REACHABLE_MS;
}

static bool runs_it(const struct report *p, const struct revision *g)
{
	return p->has_runs && !hash_cmp(&p->runs, &g->parsed.name);
}

void reports_follow(struct reports *r, const struct revision *old)
{
	const struct revision *g = served_now(r->served);
	const struct model *m = g->model;
	struct report *list = calloc(m->n_peers ? m->n_peers : 1, sizeof(*list)), *was = r->list;
	int64_t now = clock_boot_ms();

	r->n_lagging = 0;
	r->list = list;
	for (uint32_t i = 0; list && old && was && i < old->model->n_peers; i++) {
		const struct key *mark = &old->model->peers[i].key;
		uint32_t k = was[i].polled ? enrolments_owner(r->enrolments, g, mark) : NONE;
		if (k == NONE || k == g->self)
			continue;
		list[k] = was[i];
		list[k].lags = !m->peers[k].disabled && reachable(&list[k], now) && !runs_it(&list[k], g) &&
			       readers_can(r->readers, k);
		r->n_lagging += list[k].lags;
	}
	free(was);
}

void reports_await(struct reports *r, int64_t pushed)
{
	r->open = true;
	r->noticed = pushed;
	r->converged_ms = -1;
}

bool reports_converged(const struct reports *r, uint32_t *total, uint32_t *converged)
{
	const struct revision *g = served_now(r->served);

	*total = *converged = 0;
	for (uint32_t i = 0; g && r->list && i < g->model->n_peers; i++) {
		const struct peer *p = &g->model->peers[i];
		if (p->disabled || p->server || p->via || !enrolments_has_key(r->enrolments, p))
			continue;
		(*total)++;
		*converged += runs_it(&r->list[i], g);
	}
	return g && r->list;
}

/* The line that people wait for, once a version: when the last reachable peer runs it. */
static void say_converged(struct reports *r, uint32_t total, uint32_t converged)
{
	const struct version *v = &served_now(r->served)->parsed.version;

	if (!converged)
		return;
	r->open = false;
	if (r->noticed) {
		r->converged_ms = clock_boot_ms() - r->noticed;
		log_info("converged", "version %" PRIu64 ".%" PRIu64 ", %u of %u peers, %" PRId64 " ms after the push",
			 v->epoch, v->number, converged, total, r->converged_ms);
		/* The person who pushed it waits for this. */
		conditions_touch(r->conditions);
		conditions_due_in(r->conditions, 1);
	} else
		log_info("converged", "version %" PRIu64 ".%" PRIu64 ", %u of %u peers", v->epoch, v->number, converged,
			 total);
	r->noticed = 0;
}

/* The peers that have not polled for too long are not waited for any more. */
static void drop_unreachable(struct reports *r)
{
	const uint32_t n = served_now(r->served)->model->n_peers;
	const int64_t now = clock_boot_ms();

	for (uint32_t i = 0; r->n_lagging && i < n; i++)
		if (r->list[i].lags && !reachable(&r->list[i], now)) {
			r->list[i].lags = false;
			r->n_lagging--;
		}
}

/* ", 2 cannot read its format", of the peers that keep the network that they have; or nothing. */
static void say_unable(const struct reports *r, char out[static 48])
{
	const struct model *m = served_now(r->served)->model;
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->n_peers; i++)
		n += !m->peers[i].disabled && !readers_can(r->readers, i);
	out[0] = '\0';
	if (n)
		snprintf(out, 48, ", %u cannot read its format", n);
}

void reports_check(struct reports *r)
{
	uint32_t converged, total;
	const char *commit;
	char unable[48];

	if (!reports_converged(r, &total, &converged))
		return;
	commit = served_now(r->served)->parsed.commit;
	say_unable(r, unable);
	drop_unreachable(r);
	if (!r->n_lagging && r->open)
		say_converged(r, total, converged);
	if (r->n_lagging)
		conditions_set(r->conditions, CONDITION_CONVERGED, TRUTH_FALSE, "Converging", commit,
			       "%u of %u peers run it, %u are about to%s", converged, total, r->n_lagging, unable);
	else
		conditions_set(r->conditions, CONDITION_CONVERGED, TRUTH_TRUE,
			       converged == total ? "AllPeers" : "ReachablePeers", commit, "%u of %u peers run it%s",
			       converged, total, unable);
}

const struct report *reports_of(const struct reports *r, uint32_t peer)
{
	return r->list ? &r->list[peer] : NULL;
}

void reports_take(struct reports *r, uint32_t peer, const struct hash *runs)
{
	static const struct hash none;
	const struct hash *name = runs ? runs : &none;
	struct report *p = &r->list[peer];
	const bool current = runs && !hash_cmp(runs, &served_now(r->served)->parsed.name);
	const bool changed = p->has_runs != (runs != NULL) || hash_cmp(&p->runs, name);

	p->polled = clock_boot_ms();
	p->has_runs = runs;
	p->runs = *name;
	const bool lags = !current && readers_can(r->readers, peer);
	if (p->lags != lags) {
		p->lags = lags;
		if (lags)
			r->n_lagging++;
		else
			r->n_lagging--;
	}
	if (!changed)
		return;
	conditions_touch(r->conditions);
	/* It goes through all peers: for the last one, not for each of thousands. */
	if (current && !r->n_lagging)
		reports_check(r);
}

void reports_fresh_sent(struct reports *r, uint32_t peer, int64_t issued)
{
	r->list[peer].fresh_sent = issued;
}

void reports_count_poll(struct reports *r)
{
	r->polls++;
}

bool reports_are_behind(const struct reports *r)
{
	return r->n_lagging > 0;
}

int64_t reports_converged_ms(const struct reports *r)
{
	return r->converged_ms;
}

uint64_t reports_polls(const struct reports *r)
{
	return r->polls;
}
