#include "reconcile/edge/state/own_moves.h"
#include "reconcile/edge/base/log.h"

#include <stdlib.h>
#include <string.h>

struct own_moves {
	const struct served *served;
	const struct enrolments *enrolments;
	void (*freed)(void *ctx);
	void *ctx;
	struct move
	    *list; /* a peer that has not polled at the new addresses, and an address by which it knows the server */
	size_t n;
	struct addr left[OWN_MOVES_MAX]; /* the addresses of `list`, each once */
	size_t n_left;
};

struct own_moves *own_moves_new(const struct served *s, const struct enrolments *e, void (*freed)(void *ctx), void *ctx)
{
	struct own_moves *m = calloc(1, sizeof(*m));

	if (m)
		*m = (struct own_moves){.served = s, .enrolments = e, .freed = freed, .ctx = ctx};
	return m;
}

void own_moves_free(struct own_moves *m)
{
	if (m)
		free(m->list);
	free(m);
}

static bool is_left(const struct own_moves *m, const struct addr *a)
{
	for (size_t i = 0; i < m->n_left; i++)
		if (addr_cmp(&m->left[i], a) == 0)
			return true;
	return false;
}

/* Entries of an address beyond the limit go: own_moves_check() has refused a revision that makes one. */
static void find_left(struct own_moves *m)
{
	size_t n = 0;

	m->n_left = 0;
	for (size_t i = 0; i < m->n; i++) {
		const struct addr *a = &m->list[i].old;
		if (!is_left(m, a)) {
			if (m->n_left == OWN_MOVES_MAX)
				continue;
			m->left[m->n_left++] = *a;
		}
		m->list[n++] = m->list[i];
	}
	m->n = n;
}

int own_moves_read(struct own_moves *m, struct diags *d)
{
	int ret = published_read_moves(served_folder(m->served), "own-moves", &m->list, &m->n, d);

	find_left(m);
	return ret;
}

static void store(const struct own_moves *m)
{
	struct diags d = {0};

	if (published_write_moves(served_folder(m->served), "own-moves", m->list, m->n, &d) < 0)
		log_diags("own-moves", &d);
	diags_free(&d);
}

/* Does `g` take this address from the server? */
static bool leaves(const struct revision *g, const struct addr *a)
{
	return g->self != NONE && !peer_has_addr(&g->model->peers[g->self], a);
}

static const struct peer *self_now(const struct own_moves *m)
{
	const struct revision *now = served_now(m->served);

	return now && now->self != NONE ? &now->model->peers[now->self] : NULL;
}

static size_t waiting_at(const struct own_moves *m, const struct addr *a)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += addr_cmp(&m->list[i].old, a) == 0;
	return n;
}

int own_moves_check(const struct own_moves *m, const struct revision *g, struct diags *d)
{
	const struct peer *self = self_now(m), *peers = g->model->peers;
	size_t errors = d->n_errors, n = 0;
	struct diag *e;

	for (size_t i = 0; i < m->n_left; i++) {
		uint32_t taker = model_peer_by_addr(g->model, &m->left[i]);
		char ip[ADDR_STR_LEN];
		n += leaves(g, &m->left[i]);
		if (taker == NONE || taker == g->self)
			continue;
		addr_format(&m->left[i], ip);
		e = diag_error(d, "address-moving", &peers[taker].at_ip,
			       "%s is still this server's: %zu peer%s polled at its new address yet", ip,
			       waiting_at(m, &m->left[i]), waiting_at(m, &m->left[i]) == 1 ? " has not" : "s have not");
		diag_help(d, e, "push it again once each peer has converged");
	}
	for (unsigned i = 0; self && i < self->n_ips; i++)
		n += leaves(g, &self->ip[i]) && !is_left(m, &self->ip[i]);
	if (n > OWN_MOVES_MAX) {
		e = diag_error(
		    d, "address-moving", NULL,
		    "this server would leave %zu addresses by which peers know it; %d at one time are the most", n,
		    OWN_MOVES_MAX);
		diag_help(d, e, "push it again once each peer has converged");
	}
	return d->n_errors > errors ? -1 : 0;
}

/* Peers that poll this server: not itself, no other server, and none that runs plain WireGuard behind another peer. */
static bool polls(const struct revision *g, uint32_t i)
{
	const struct peer *p = &g->model->peers[i];

	return i != g->self && !p->server && !p->via;
}

/* A disabled peer polls when it is enabled again. */
static size_t add_left(const struct own_moves *m, const struct revision *g, struct move *list, size_t n)
{
	const struct peer *self = self_now(m);

	for (unsigned a = 0; self && a < self->n_ips; a++) {
		/* Entries of an address that is left once more: the earlier ones are for the same address. */
		if (!leaves(g, &self->ip[a]) || is_left(m, &self->ip[a]))
			continue;
		for (uint32_t i = 0; i < g->model->n_peers; i++)
			if (polls(g, i))
				list[n++] = (struct move){.mark = g->model->peers[i].key, .old = self->ip[a]};
	}
	return n;
}

void own_moves_update(struct own_moves *m, const struct revision *g)
{
	struct move *list = calloc(m->n + 2 * (size_t)g->model->n_peers + 1, sizeof(*list));
	size_t n = 0, kept;
	char ip[ADDR_STR_LEN];

	if (!list)
		return;
	for (size_t i = 0; i < m->n; i++) {
		uint32_t p = enrolments_owner(m->enrolments, g, &m->list[i].mark);
		if (p != NONE && polls(g, p) && leaves(g, &m->list[i].old))
			list[n++] = (struct move){.mark = g->model->peers[p].key, .old = m->list[i].old};
	}
	kept = n;
	n = add_left(m, g, list, n);
	if (!m->n && !n) {
		free(list);
		return;
	}
	free(m->list);
	m->list = list;
	m->n = n;
	find_left(m);
	for (size_t i = 0; n > kept && i < m->n_left; i++) {
		addr_format(&m->left[i], ip);
		log_info("server-address", "%s stays on the interface until %zu peer%s polled at the new address", ip,
			 waiting_at(m, &m->left[i]), waiting_at(m, &m->left[i]) == 1 ? " has" : "s have");
	}
	store(m);
}

void own_moves_polled(struct own_moves *m, const struct key *mark, const struct addr *at)
{
	const struct peer *self = self_now(m);
	size_t n = 0, n_left = m->n_left;

	if (!m->n || !self || !peer_has_addr(self, at))
		return;
	for (size_t i = 0; i < m->n; i++)
		if (!key_eq(&m->list[i].mark, mark))
			m->list[n++] = m->list[i];
	if (n == m->n)
		return;
	m->n = n;
	find_left(m);
	/* Only an address that goes is written: a peer of which this is forgotten polls again soon. */
	if (m->n_left == n_left)
		return;
	store(m);
	log_info("server-address", "each peer has polled at the new address: %s",
		 m->n ? "an earlier one goes" : "the earlier ones go");
	m->freed(m->ctx);
}

const struct addr *own_moves_list(const struct own_moves *m, size_t *n)
{
	*n = m->n_left;
	return m->left;
}

size_t own_moves_waiting(const struct own_moves *m)
{
	size_t most = 0;

	for (size_t i = 0; i < m->n_left; i++) {
		size_t n = waiting_at(m, &m->left[i]);
		most = n > most ? n : most;
	}
	return most;
}
