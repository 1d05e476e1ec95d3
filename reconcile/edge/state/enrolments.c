#include "reconcile/edge/state/enrolments.h"
#include "reconcile/edge/base/log.h"

#include <stdlib.h>
#include <string.h>

struct enrolments {
	struct served *served;
	bool remote;
	struct ledger *ledger; /* NULL: there is no repository, or the network's id is not known yet */
	bool failed;           /* at the last look */
	bool record_due;       /* the ledger has not taken the served revision yet */
	struct arena *kept_arena;
	struct ledger_facts kept;             /* enrolments of the copy beside git */
	char kept_position[POSITION_LEN + 1]; /* of the ledger, when the copy was written */
	size_t due_kept;                      /* invites in `due` on the disk */
};

struct enrolments *enrolments_new(struct served *s, bool remote)
{
	struct enrolments *e = calloc(1, sizeof(*e));

	if (e)
		*e = (struct enrolments){.served = s, .remote = remote};
	return e;
}

void enrolments_free(struct enrolments *e)
{
	if (!e)
		return;
	ledger_free(e->ledger);
	arena_free(e->kept_arena);
	free(e);
}

/* --- beside git --- */

void enrolments_read_kept(struct enrolments *e)
{
	const struct key *id = &served_record(e->served)->parsed.trust.id;
	struct diags d = {0};
	struct span *records;
	size_t n = 0;

	if (!(e->kept_arena = arena_new()) ||
	    published_read_enrolments(served_folder(e->served), e->kept_arena, &records, &n, &d) < 0)
		log_diags("enrolments", &d);
	if (n && (e->kept.enrolments = arena_array(e->kept_arena, n, sizeof(struct enrolment))))
		for (size_t i = 0; i < n; i++) {
			struct enrolment *x = &e->kept.enrolments[e->kept.n_enrolments];
			if (!enrolment_parse(records[i], x, &d) && !enrolment_check(x, id, &d) &&
			    enrolment_is_for_all(x))
				e->kept.n_enrolments++;
		}
	if (e->kept.n_enrolments)
		qsort(e->kept.enrolments, e->kept.n_enrolments, sizeof(struct enrolment), enrolment_cmp);
	diags_free(&d);
}

/* The branch is pinned first, so that git keeps what the copy is of. */
void enrolments_keep(struct enrolments *e)
{
	struct diags d = {0};
	const char *position;

	if (!served_now(e->served) || !enrolments_available(e))
		return;
	position = ledger_position(e->ledger);
	if (!strcmp(e->kept_position, position))
		return;
	if (ledger_pin(e->ledger, &d) < 0 ||
	    published_write_enrolments(served_folder(e->served), ledger_facts(e->ledger), &d) < 0 ||
	    served_write_position(e->served, position, &d) < 0)
		log_diags("published", &d);
	else
		memcpy(e->kept_position, position, strlen(position) + 1);
	diags_free(&d);
}

/* Replaced invites that are not on the ledger yet, where that changed. */
static void due_keep(struct enrolments *e)
{
	struct diags d = {0};
	size_t n;
	const struct key *due = ledger_due(e->ledger, &n);

	if (n != e->due_kept && published_write_due(served_folder(e->served), due, n, &d) < 0)
		log_diags("published", &d);
	else
		e->due_kept = n;
	diags_free(&d);
}

/* Those of the last run. */
static void due_read(struct enrolments *e)
{
	struct diags d = {0};
	struct key *due;
	size_t n;

	if (published_read_due(served_folder(e->served), &due, &n, &d) < 0 || ledger_due_add(e->ledger, due, n) < 0)
		log_diags("published", &d);
	e->due_kept = n;
	free(due);
	diags_free(&d);
}

/* --- the ledger --- */

int enrolments_open(struct enrolments *e, struct repo *repo, const struct key *id, struct diags *d)
{
	const char *known = served_record(e->served)->ledger;

	if (e->ledger)
		return 0;
	if (!strcmp(known, "-"))
		known = NULL;
	e->ledger = (e->remote ? ledger_new_remote : ledger_new)(repo, id, known, d);
	if (!e->ledger)
		return -1;
	due_read(e);
	/* The last run may have ended before it was all there. */
	e->record_due |= e->due_kept > 0;
	return 0;
}

struct ledger *enrolments_ledger(const struct enrolments *e)
{
	return e->ledger;
}

bool enrolments_available(const struct enrolments *e)
{
	return e->ledger && ledger_available(e->ledger);
}

int enrolments_look(struct enrolments *e, struct diags *d)
{
	const bool was = enrolments_available(e);
	int moved;

	if (!e->ledger)
		return 0;
	moved = ledger_refresh(e->ledger, d);
	if (d->n_warnings || (moved < 0 && was))
		log_diags("ledger", d);
	if (moved >= 0 && !was && e->failed)
		log_info("ledger", "the ledger is in order");
	e->failed = moved < 0;
	return moved;
}

/* On a remote it is recorded by a commit that upstream.h pushes: the revision is published whether or not that works. */
void enrolments_record(struct enrolments *e, const struct revision *g, const struct model *old)
{
	struct diags d = {0};
	bool failed = false;

	if (e->ledger)
		failed = (e->remote ? ledger_replace(e->ledger, g->model, old, &d)
				    : ledger_record(e->ledger, g->model, old, g->commit.sha, &d)) < 0;
	e->record_due = e->remote || !e->ledger || failed;
	if (failed)
		log_diags("ledger", &d);
	if (e->ledger)
		due_keep(e);
	diags_free(&d);
}

bool enrolments_record_due(const struct enrolments *e)
{
	return e->record_due;
}

void enrolments_set_record_due(struct enrolments *e, bool due)
{
	e->record_due = due;
}

void enrolments_landed(struct enrolments *e, const struct ledger_proposal *p)
{
	struct diags d = {0};

	if (ledger_landed(e->ledger, p, &d) < 0)
		log_diags("ledger", &d);
	diags_free(&d);
	due_keep(e);
}

enum redeem_result enrolments_redeem(struct enrolments *e, const struct enrolment *x, struct diags *d)
{
	return e->ledger ? ledger_redeem(e->ledger, x, d) : REDEEM_UNAVAILABLE;
}

/* --- what is known --- */

const struct ledger_facts *enrolments_facts(const struct enrolments *e)
{
	/* The ledger may hold less than what was kept beside it only when it cannot be read. */
	if (e->ledger && (ledger_available(e->ledger) || ledger_facts(e->ledger)->n_enrolments >= e->kept.n_enrolments))
		return ledger_facts(e->ledger);
	return &e->kept;
}

const char *enrolments_position(const struct enrolments *e)
{
	return e->ledger && enrolments_facts(e) == ledger_facts(e->ledger) ? ledger_position(e->ledger) : "-";
}

bool enrolments_is_spent(const struct enrolments *e, const struct key *invite)
{
	return e->ledger && ledger_is_spent(e->ledger, invite);
}

bool enrolments_has_key(const struct enrolments *e, const struct peer *p)
{
	return !p->is_invite || ledger_enrolment(enrolments_facts(e), &p->key);
}

struct key enrolments_key_now(const struct enrolments *e, const struct peer *p)
{
	const struct enrolment *x = p->is_invite ? ledger_enrolment(enrolments_facts(e), &p->key) : NULL;

	return x ? x->key : p->is_invite ? p->temporary : p->key;
}

uint32_t enrolments_owner(const struct enrolments *e, const struct revision *g, const struct key *mark)
{
	uint32_t i = revision_by_mark(g, mark);
	const struct enrolment *x = i == NONE ? ledger_enrolment(enrolments_facts(e), mark) : NULL;

	return x ? revision_by_mark(g, &x->key) : i;
}

uint32_t enrolments_place_in(const struct enrolments *e, const struct revision *had, const struct key *mark)
{
	const struct ledger_facts *f = enrolments_facts(e);
	uint32_t i = revision_by_mark(had, mark);

	for (size_t k = 0; i == NONE && k < f->n_enrolments; k++)
		if (key_eq(&f->enrolments[k].key, mark))
			i = revision_by_mark(had, &f->enrolments[k].invite);
	return i;
}

uint32_t enrolments_peer_of_key(const struct enrolments *e, const struct revision *g, const struct key *key)
{
	const struct ledger_facts *f = enrolments_facts(e);
	const uint32_t i = revision_by_mark(g, key);

	if (i != NONE && !g->model->peers[i].is_invite)
		return i;
	for (size_t k = 0; k < f->n_enrolments; k++)
		if (key_eq(&f->enrolments[k].key, key))
			return revision_by_mark(g, &f->enrolments[k].invite);
	return NONE;
}
