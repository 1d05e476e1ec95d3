/* The connections, and how many one peer has: they are counted by peer in buckets. */
#include "reconcile/edge/http/http_state.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct addr http_addr_of(const struct sockaddr *sa)
{
	struct addr a = {{0}};

	if (sa->sa_family == AF_INET6) {
		memcpy(a.b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	} else if (sa->sa_family == AF_INET) {
		a.b[10] = a.b[11] = 0xff;
		memcpy(a.b + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	}
	return a;
}

static struct conn **bucket_of(struct http_server *s, const struct addr *a)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (int i = 0; i < 16; i++)
		h = (h ^ a->b[i]) * 16777619u;
	return &s->buckets[h & (BUCKETS - 1)];
}

/* The address that this one is counted under. */
static struct addr peer_of(const struct http_server *s, const struct addr *from)
{
	return s->o.peer ? s->o.peer(s->o.ctx, from) : *from;
}

unsigned http_count_from(struct http_server *s, const struct addr *from)
{
	const struct addr peer = peer_of(s, from);
	unsigned n = 0;

	for (struct conn *c = *bucket_of(s, &peer); c; c = c->same_bucket)
		n += !addr_cmp(&c->peer, &peer);
	return n;
}

/* MHD's own time-out is for inactivity alone: a peer that sends a byte a second would keep the connection for ever. */
static void on_deadline(void *ctx)
{
	struct conn *c = ctx;

	shutdown(c->fd, SHUT_RDWR);
	if (c->request)
		http_stream_wake_gone(c->request);
	http_run(c->server);
}

void http_connection_changed(void *cls, struct MHD_Connection *mhd, void **context,
			     enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = cls;
	struct conn *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		/* From libmicrohttpd 1.0 on, each of these calls overwrites the result of the one before it. */
		const int fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		const struct sockaddr *from =
		    MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr;
		c = calloc(1, sizeof(*c));
		*context = c;
		if (!c)
			return; /* its requests are refused */
		c->server = s;
		c->fd = fd;
		c->from = http_addr_of(from);
		c->peer = peer_of(s, &c->from);
		c->deadline = (struct loop_timer){.fn = on_deadline, .ctx = c};
		loop_timer_set(s->loop, &c->deadline, http_transfer_ms(s));
		c->next = s->conns;
		if (c->next)
			c->next->prev = c;
		s->conns = c;
		struct conn **bucket = bucket_of(s, &c->peer);
		c->same_bucket = *bucket;
		*bucket = c;
		s->n_conns++;
	} else if (c) {
		struct conn **p = bucket_of(s, &c->peer);
		while (*p != c)
			p = &(*p)->same_bucket;
		*p = c->same_bucket;
		*(c->prev ? &c->prev->next : &s->conns) = c->next;
		if (c->next)
			c->next->prev = c->prev;
		loop_timer_del(s->loop, &c->deadline);
		loop_fd_del(s->loop, c->fd);
		s->n_conns--;
		free(c);
		*context = NULL;
	}
}

void http_close_others(struct http_server *s, bool (*keep)(void *ctx, const struct addr *from), void *ctx)
{
	for (struct conn *c = s->conns; c; c = c->next) {
		if (keep(ctx, &c->from))
			continue;
		shutdown(c->fd, SHUT_RDWR);
		if (c->request && c->request->held) {
			c->request->gone = true;
			http_unhold(c->request);
		}
		if (c->request && c->request->stream.end)
			http_stream_wake_gone(c->request);
	}
	loop_timer_set(s->loop, &s->turn, 0);
}

unsigned http_connections(const struct http_server *s)
{
	return s->n_conns;
}

unsigned http_bodies_in_files(struct http_server *s, const struct addr *from)
{
	struct addr peer;
	unsigned n = 0;

	if (!from)
		return s->n_spools;
	peer = peer_of(s, from);
	for (const struct conn *c = *bucket_of(s, &peer); c; c = c->same_bucket)
		n += c->request && c->request->spool && !addr_cmp(&c->peer, &peer);
	return n;
}
