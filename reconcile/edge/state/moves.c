#include "reconcile/edge/state/moves.h"
#include "reconcile/edge/base/log.h"

#include <stdlib.h>
#include <string.h>

#define CODE "address-moving"

struct moves {
	const struct served *served;
	const struct enrolments *enrolments;
	void (*freed)(void *ctx);
	void *ctx;
	struct move *list;
	size_t n;
};

struct moves *moves_new(const struct served *s, const struct enrolments *e, void (*freed)(void *ctx), void *ctx)
{
	struct moves *m = calloc(1, sizeof(*m));

	if (m)
		*m = (struct moves){.served = s, .enrolments = e, .freed = freed, .ctx = ctx};
	return m;
}

void moves_free(struct moves *m)
{
	if (m)
		free(m->list);
	free(m);
}

int moves_read(struct moves *m, struct diags *d)
{
	return published_read_moves(served_folder(m->served), "moves", &m->list, &m->n, d);
}

int moves_check(const struct moves *m, const struct revision *g, struct diags *d)
{
	const struct peer *peers = g->model->peers;
	size_t errors = d->n_errors;

	for (size_t i = 0; i < m->n; i++) {
		uint32_t taker = model_peer_by_addr(g->model, &m->list[i].old);
		uint32_t owner = enrolments_owner(m->enrolments, g, &m->list[i].mark);
		char ip[ADDR_STR_LEN];
		if (taker == NONE || owner == NONE || taker == owner)
			continue;
		addr_format(&m->list[i].old, ip);
		struct diag *e = diag_error(d, CODE, &peers[taker].at_ip,
					    "%s still belongs to '%s', which has not polled from its new address yet",
					    ip, peers[owner].name);
		diag_help(d, e, "push it again once '%s' has converged", peers[owner].name);
	}
	return d->n_errors > errors ? -1 : 0;
}

bool moves_are_all(const struct diags *d)
{
	for (const struct diag *e = d->first; e; e = e->next)
		if (e->severity == SEVERITY_ERROR && strcmp(e->code, CODE))
			return false;
	return d->n_errors > 0;
}

static void store(const struct moves *m)
{
	struct diags d = {0};

	if (published_write_moves(served_folder(m->served), "moves", m->list, m->n, &d) < 0)
		log_diags("moves", &d);
	diags_free(&d);
}

/* Is this address of an earlier revision to be kept for the peer? It has another one, and no other peer has taken it. */
static bool is_left(const struct revision *g, uint32_t peer, const struct addr *old)
{
	return !peer_has_addr(&g->model->peers[peer], old) && model_peer_by_addr(g->model, old) == NONE;
}

void moves_update(struct moves *m, const struct revision *g)
{
	const struct revision *now = served_now(m->served);
	const struct model *old = now ? now->model : NULL;
	const struct peer *peers = g->model->peers;
	struct move *list;
	size_t n = 0, was = m->n, added = 0;

	for (uint32_t i = 0; old && i < old->n_peers; i++)
		added += old->peers[i].n_ips;
	if (!(list = calloc(m->n + added + 1, sizeof(*list))))
		return;
	added = 0;
	for (size_t i = 0; i < m->n; i++) {
		uint32_t p = enrolments_owner(m->enrolments, g, &m->list[i].mark);
		if (p != NONE && is_left(g, p, &m->list[i].old))
			list[n++] = (struct move){.mark = peers[p].key, .old = m->list[i].old};
	}
	for (uint32_t i = 0; old && i < old->n_peers; i++) {
		const struct peer *p = &old->peers[i];
		uint32_t k = i == now->self ? NONE : enrolments_owner(m->enrolments, g, &p->key);
		if (k == NONE || k == g->self || p->disabled)
			continue;
		for (unsigned a = 0; a < p->n_ips; a++)
			if (is_left(g, k, &p->ip[a])) {
				list[n++] = (struct move){.mark = peers[k].key, .old = p->ip[a]};
				added++;
			}
	}
	free(m->list);
	m->list = list;
	m->n = n;
	if (added || n != was)
		store(m);
}

void moves_polled(struct moves *m, const struct key *mark, const struct addr *from)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		if (!addr_cmp(&m->list[i].old, from))
			return;
	for (size_t i = 0; i < m->n; i++)
		if (!key_eq(&m->list[i].mark, mark))
			m->list[n++] = m->list[i];
	if (n == m->n)
		return;
	m->n = n;
	store(m);
	m->freed(m->ctx);
}

uint32_t moves_owner(const struct moves *m, const struct addr *old)
{
	const struct revision *g = served_now(m->served);
	uint32_t i;

	for (size_t k = 0; g && k < m->n; k++)
		if (!addr_cmp(&m->list[k].old, old) &&
		    (i = enrolments_owner(m->enrolments, g, &m->list[k].mark)) != NONE)
			return i;
	return NONE;
}

const struct move *moves_list(const struct moves *m, size_t *n)
{
	*n = m->n;
	return m->list;
}
