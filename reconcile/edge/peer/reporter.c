#include "reconcile/edge/peer/reporter.h"
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/peer/peer_parts.h"
#include "reconcile/edge/peer/peer_report.h"

#include "reconcile/edge/base/backoff.h"
#include "reconcile/edge/base/file.h"
#include "reconcile/edge/base/log.h"
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Milliseconds. */
#define SOON_MS  1000  /* after an event: several events come together */
#define LOOK_MS  60000 /* for changes without an event */
#define AGAIN_MS 60000 /* to a server that does not say what it was told */
/* To each server again after this time, or at most twice of it: a server that lost the report may not be polled. */
#define AFRESH_MS 900000

/* One server, and whether it has the report. */
struct told {
	struct addr server;
	bool has, refused;
	int64_t again;  /* boot milliseconds of the last time that it was told again; 0: never */
	int64_t afresh; /* has: boot milliseconds of the next time, though nothing changed */
};

struct reporter {
	struct loop *loop;
	struct this_peer *peer;
	struct client *client;
	struct loop_timer timer;
	struct endpoints report;
	bool made; /* there is one */
	bool soon; /* the timer is set for an event */
	struct told told[SERVERS_MAX];
	size_t n_told;
	size_t asked;      /* the server that is being told, while busy */
	bool busy, failed; /* of this round: a server could not be told */
	unsigned failures; /* rounds in a row */
	struct file_stamp config_stamp;
	uint64_t names;    /* resolver_changes() of the last look */
	char problem[128]; /* that was logged last */
};

static void send_next(struct reporter *r);

static void arm(struct reporter *r, int64_t ms)
{
	if (loop_timer_set(r->loop, &r->timer, ms) < 0)
		log_error("out-of-memory", "%s: a timer could not be set", peer_file_ifname(r->peer->file));
}

/* Unless an event has set the timer. */
static void arm_later(struct reporter *r, int64_t ms)
{
	if (!r->soon)
		arm(r, ms);
}

static void say(struct reporter *r, const char *text)
{
	if (strncmp(r->problem, text, sizeof(r->problem) - 1) == 0)
		return;
	snprintf(r->problem, sizeof(r->problem), "%s", text);
	log_warn("report", "%s: servers cannot be told where this machine is: %s", peer_file_ifname(r->peer->file),
		 text);
}

/* The servers of the snapshot. What each has been told stays known. */
static void servers_update(struct reporter *r)
{
	struct peer_server servers[SERVERS_MAX];
	size_t n = peer_held_servers(r->peer->held, servers);
	struct told now[SERVERS_MAX] = {0};

	for (size_t i = 0; i < n; i++) {
		now[i].server = servers[i].ip;
		for (size_t k = 0; k < r->n_told; k++) {
			if (!addr_cmp(&r->told[k].server, &servers[i].ip))
				now[i] = r->told[k];
		}
	}
	memcpy(r->told, now, sizeof(now));
	r->n_told = n;
}

/* A new report is new to every server. */
static int renew(struct reporter *r)
{
	struct endpoints now;
	struct diags d = {0};
	int err = peer_report_make(r->peer->file, r->peer->held, r->peer->hints, &now, &d);

	if (err < 0)
		say(r, d.first ? d.first->message : "out of memory");
	diags_free(&d);
	if (err < 0 || (r->made && endpoints_eq(&now, &r->report)))
		return err;
	r->report = now;
	r->made = true;
	r->failures = 0;
	for (size_t i = 0; i < r->n_told; i++)
		r->told[i].has = r->told[i].refused = false;
	return 0;
}

static void on_answer(void *ctx, struct client_answer *answer)
{
	struct reporter *r = ctx;
	struct told *t = &r->told[r->asked];
	const bool refused = answer->status >= 400 && answer->status < 500;
	char why[REPORT_WHY_MAX];

	r->busy = false;
	if (peer_report_answer(answer, why) == 0) {
		t->has = true;
		t->afresh = clock_boot_ms() + AFRESH_MS + randombytes_uniform(AFRESH_MS);
		r->problem[0] = '\0';
		log_debug("reported", "%s: %u endpoint%s of this machine", peer_file_ifname(r->peer->file), r->report.n,
			  r->report.n == 1 ? "" : "s");
	} else if (refused) {
		/* The server would refuse the same report again. */
		t->refused = true;
		say(r, why);
	} else {
		r->failed = true;
		log_debug("report-failed", "%s: %s", peer_file_ifname(r->peer->file), why);
	}
	r->asked++;
	send_next(r);
}

static void send_next(struct reporter *r)
{
	struct buf body = {0};
	struct client_request q = {.path = ROUTE_ENDPOINTS, .put = true, .max = RESPONSE_HEAD_MAX};
	struct diags d = {0};

	while (r->asked < r->n_told && (r->told[r->asked].has || r->told[r->asked].refused))
		r->asked++;
	if (r->asked >= r->n_told) {
		r->failures = r->failed ? r->failures + 1 : 0;
		arm_later(r, r->failed ? backoff_ms(r->failures) : LOOK_MS);
		return;
	}
	endpoints_write(&body, &r->report);
	q.body = buf_span(&body);
	q.server = r->told[r->asked].server;
	if (body.failed || client_start(r->client, &q, on_answer, r, &d) < 0) {
		say(r, d.first ? d.first->message : "out of memory");
		arm_later(r, backoff_ms(++r->failures));
	} else {
		r->busy = true;
	}
	buf_free(&body);
	diags_free(&d);
}

static void on_timer(void *ctx)
{
	struct reporter *r = ctx;

	if (r->busy)
		client_cancel(r->client);
	r->busy = r->failed = r->soon = false;
	r->asked = 0;
	servers_update(r);
	if (renew(r) < 0) {
		arm(r, backoff_ms(++r->failures));
		return;
	}
	for (size_t i = 0; i < r->n_told; i++)
		r->told[i].has &= clock_boot_ms() < r->told[i].afresh;
	send_next(r);
}

/* Further events do not put the report off. */
void reporter_changed(struct reporter *r)
{
	if (!r->soon)
		arm(r, SOON_MS);
	r->soon = true;
}

void reporter_look(struct reporter *r)
{
	uint64_t names = resolver_changes(peer_hints_resolver(r->peer->hints));

	if (file_stamp_eq(&r->config_stamp, peer_file_stamp(r->peer->file)) && r->names == names)
		return;
	r->config_stamp = *peer_file_stamp(r->peer->file);
	r->names = names;
	reporter_changed(r);
}

void reporter_heard(struct reporter *r, const struct addr *server)
{
	int64_t now = clock_boot_ms();

	if (!peer_hints_heard_own(r->peer->hints))
		return;
	if (!r->made || r->busy || peer_report_is_known(r->peer->hints, &r->report))
		return;
	for (size_t i = 0; i < r->n_told; i++) {
		struct told *t = &r->told[i];

		if (addr_cmp(&t->server, server) || !t->has || (t->again && now - t->again < AGAIN_MS))
			continue;
		t->has = false;
		t->again = now;
		reporter_changed(r);
	}
}

void reporter_retry(struct reporter *r)
{
	if (r->failures && !r->busy)
		arm_later(r, 0);
}

struct reporter *reporter_new(struct loop *loop, struct this_peer *p, struct diags *d)
{
	struct reporter *r = calloc(1, sizeof(*r));

	if (!r) {
		diags_out_of_memory(d);
		return NULL;
	}
	*r = (struct reporter){.loop = loop, .peer = p, .timer = {.fn = on_timer, .ctx = r}};
	r->config_stamp = *peer_file_stamp(p->file);
	r->names = resolver_changes(peer_hints_resolver(p->hints));
	r->client = client_new(loop, peer_file_ifname(p->file), &peer_file_config(p->file)->m.trust.id, d);
	if (!r->client || loop_timer_set(loop, &r->timer, 0) < 0) {
		d->out_of_memory |= r->client != NULL;
		reporter_free(r);
		return NULL;
	}
	return r;
}

void reporter_free(struct reporter *r)
{
	if (!r)
		return;
	loop_timer_del(r->loop, &r->timer);
	client_free(r->client);
	free(r);
}
