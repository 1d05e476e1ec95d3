/* The requests that a command makes by hand: one for what is new, and one that says where this machine is. */
#include "reconcile/edge/http/client.h"
#include "reconcile/edge/peer/peer_parts.h"
#include "reconcile/edge/peer/peer_report.h"

#include "reconcile/edge/base/loop.h"
#include "reconcile/edge/http/routes.h"
#include <stdio.h>
#include <string.h>

/* One phrase about an answer that is not a bundle. The body is a line of text: "code: message". */
static void say_answer(struct diags *d, const char *server, const struct client_answer *answer)
{
	const char *text = answer->body.p ? answer->body.p : "";
	int n = (int)strcspn(text, "\r\n");

	if (answer->error)
		diag_error(d, "server-away", NULL, "server %s: %s", server, answer->error);
	else
		diag_error(d, "server-refused", NULL, "server %s answered %ld: %.*s", server, answer->status,
			   n < 200 ? n : 200, text);
}

int peer_fetch(struct this_peer *p, unsigned connect_ms, enum verify_result *result,
	       char server[static NAME_MAX_LEN + 1], struct diags *d)
{
	struct peer_server servers[SERVERS_MAX];
	struct client *c = client_new(NULL, peer_file_ifname(p->file), &peer_file_config(p->file)->m.trust.id, d);
	size_t n = peer_held_servers(p->held, servers);
	char path[POLL_PATH_MAX];
	int r = -1;

	*result = VERIFY_REFUSED;
	if (!c)
		return -1;
	peer_poll_path(p, 0, path);
	for (size_t i = 0; i < n && r < 0; i++) {
		const struct client_request q = {
		    .server = servers[i].ip, .path = path, .max = BUNDLE_MAX, .connect_ms = connect_ms};
		struct client_answer answer;
		if (client_once(c, &q, &answer, d) < 0)
			break;
		memcpy(server, servers[i].name, sizeof(servers[i].name));
		if (answer.status == 204) {
			*result = VERIFY_UNCHANGED;
			peer_held_take_nothing(p->held, server, clock_unix(), d);
			r = 0;
		} else if (answer.status == 200) {
			int took = peer_take(p, buf_span(&answer.body), clock_unix(), result, d);
			if (took == 0 && (*result == VERIFY_OK || *result == VERIFY_UNCHANGED))
				r = 0;
		} else {
			say_answer(d, server, &answer);
		}
		buf_free(&answer.body);
	}
	if (!n)
		diag_error(d, "no-server", NULL, "the last good snapshot names no server");
	/* One server is enough. What the servers before it answered becomes a warning. */
	if (r == 0)
		diags_soften(d);
	client_free(c);
	return r;
}

int peer_report(struct this_peer *p, const char *server, struct diags *d)
{
	struct peer_server servers[SERVERS_MAX];
	size_t n = peer_held_servers(p->held, servers);
	struct client_answer answer = {0};
	struct client *c = NULL;
	struct endpoints report;
	char why[REPORT_WHY_MAX];
	struct buf body = {0};
	int r = -1;

	if (peer_report_make(p->file, p->held, p->hints, &report, d) < 0)
		return -1;
	if (peer_hints_heard_own(p->hints) && peer_report_is_known(p->hints, &report))
		return 0;
	endpoints_write(&body, &report);
	if (body.failed ||
	    !(c = client_new(NULL, peer_file_ifname(p->file), &peer_file_config(p->file)->m.trust.id, d))) {
		d->out_of_memory |= body.failed;
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		const struct client_request q = {.server = servers[i].ip,
						 .path = ROUTE_ENDPOINTS,
						 .body = buf_span(&body),
						 .put = true,
						 .max = RESPONSE_HEAD_MAX};
		if (strcmp(servers[i].name, server) != 0)
			continue;
		if (client_once(c, &q, &answer, d) < 0)
			break;
		r = peer_report_answer(&answer, why);
		if (r == 0)
			r = peer_report_remember(p->hints, peer_own_key(p), &report, d);
		else
			diag_error(d, "not-reported", NULL, "server %s was not told where this machine is: %s", server,
				   why);
		break;
	}
out:
	buf_free(&answer.body);
	client_free(c);
	buf_free(&body);
	return r;
}
