#include "reconcile/edge/peer/knocker.h"
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/peer/peer_parts.h"

#include "reconcile/edge/base/log.h"
#include "reconcile/wire/endpoints.h"
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX (2 * CANDIDATES_FLIGHT)

/* Milliseconds. */
#define LATE_MS    20000 /* a NAT forgets a mapping after 30 s */
#define CONNECT_MS 3000
#define ANSWER_MS  5000

struct waiting {
	struct key key;
	int64_t since; /* boot milliseconds */
};

struct knocker {
	struct loop *loop;
	struct this_peer *peer;
	struct client *client;
	struct loop_timer timer; /* sends the next request outside of the callback of an answer */
	struct waiting queue[QUEUE_MAX];
	unsigned n;
	struct peer_server servers[SERVERS_MAX];
	size_t n_servers;
	size_t server; /* the next to get the first of the queue */
	bool busy;
	bool away[SERVERS_MAX]; /* it gave no answer: it is skipped until the queue is empty */
};

static void queue_drop(struct knocker *k, unsigned n)
{
	k->n -= n;
	memmove(k->queue, k->queue + n, k->n * sizeof(k->queue[0]));
	k->server = 0;
}

static void send_next(void *ctx);

static void on_answer(void *ctx, struct client_answer *answer)
{
	struct knocker *k = ctx;
	const char *server = k->servers[k->server].name;

	k->busy = false;
	if (!answer->status) {
		k->away[k->server] = true;
		log_debug("knock-failed", "%s: server %s: %s", peer_file_ifname(k->peer->file), server, answer->error);
	} else if (answer->status != 204) {
		/* The server does not know the peer yet, or limits knocks. The next round knocks again. */
		log_debug("knock-failed", "%s: server %s answered %ld", peer_file_ifname(k->peer->file), server,
			  answer->status);
	}
	k->server++;
	if (loop_timer_set(k->loop, &k->timer, 0) < 0)
		queue_drop(k, k->n);
}

/* Sends the first of the queue to the next server that answers. */
static void send_next(void *ctx)
{
	struct knocker *k = ctx;
	struct client_request q = {
	    .path = ROUTE_KNOCK, .max = RESPONSE_HEAD_MAX, .connect_ms = CONNECT_MS, .first_ms = ANSWER_MS};
	struct diags d = {0};
	struct buf body = {0};

	while (k->n && !k->busy) {
		while (k->server < k->n_servers && k->away[k->server])
			k->server++;
		if (k->server < k->n_servers && clock_boot_ms() - k->queue[0].since < LATE_MS)
			break;
		queue_drop(k, 1);
	}
	if (!k->n || k->busy)
		return;
	knock_write(&body, &k->queue[0].key);
	q.body = buf_span(&body);
	q.server = k->servers[k->server].ip;
	k->busy = !body.failed && client_start(k->client, &q, on_answer, k, &d) == 0;
	if (!k->busy) {
		log_debug("knock-failed", "%s: %s", peer_file_ifname(k->peer->file),
			  d.first ? d.first->message : "out of memory");
		queue_drop(k, k->n);
	}
	buf_free(&body);
	diags_free(&d);
}

void knocker_ask(struct knocker *k, const struct key *keys, unsigned n)
{
	if (!n)
		return;
	if (!k->n) {
		k->n_servers = peer_held_servers(k->peer->held, k->servers);
		memset(k->away, 0, sizeof(k->away));
	}
	for (unsigned i = 0; i < n && k->n < QUEUE_MAX; i++)
		k->queue[k->n++] = (struct waiting){keys[i], clock_boot_ms()};
	if (!k->busy)
		send_next(k);
}

struct knocker *knocker_new(struct loop *loop, struct this_peer *p, struct diags *d)
{
	struct knocker *k = calloc(1, sizeof(*k));

	if (!k) {
		diags_out_of_memory(d);
		return NULL;
	}
	k->loop = loop;
	k->peer = p;
	k->timer = (struct loop_timer){.fn = send_next, .ctx = k};
	k->client = client_new(loop, peer_file_ifname(p->file), &peer_file_config(p->file)->m.trust.id, d);
	if (!k->client) {
		free(k);
		return NULL;
	}
	return k;
}

void knocker_free(struct knocker *k)
{
	if (!k)
		return;
	loop_timer_del(k->loop, &k->timer);
	client_free(k->client);
	free(k);
}
