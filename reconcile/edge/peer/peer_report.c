/* What others are told of where this machine is: its own endpoints, for the servers. */
#include "reconcile/edge/peer/peer_parts.h"

#include <string.h>

int peer_report_make(const struct this_peer *p, struct endpoints *out, struct diags *d)
{
	const struct nat_settings nat = peer_file_nat(p->file);
	const char *chosen = peer_file_config(p->file)->settings.endpoint;
	struct report_rules rules = {
	    .exclude = nat.exclude,
	    .n_exclude = nat.n_exclude,
	    .no_addresses = nat.no_candidates || nat.no_traversal,
	};
	struct local_address *list = NULL;
	struct device_state *there;
	struct arena *a = arena_new();
	size_t n = 0;
	int r = -1;

	if (chosen && !resolver_find(p->resolver, chosen, &rules.override))
		rules.override = (struct sockpoint){0};
	rules.root = peer_held_root(p->held, &rules.n_root);
	if (!a) {
		d->out_of_memory = true;
		return -1;
	}
	if (!rules.no_addresses) {
		if (device_local_addresses(a, &list, &n, d) < 0 ||
		    device_read(a, peer_file_ifname(p->file), &there, d) < 0)
			goto out;
		rules.port = there->exists ? there->listen_port : 0;
	}
	endpoints_choose(list, n, &rules, out);
	r = 0;
out:
	arena_free(a);
	return r;
}

const struct hint *peer_own_hint(const struct this_peer *p)
{
	return hint_find(p->hints, p->n_hints, &peer_file_config(p->file)->public_key);
}

bool peer_report_is_known(const struct this_peer *p, const struct endpoints *report)
{
	static const struct sockpoint nowhere;
	const struct hint *own = peer_own_hint(p);
	struct endpoints want, have = {0};

	endpoints_resolve(report, own ? &own->seen : &nowhere, &want);
	for (; own && have.n < own->n_at && have.n < CANDIDATES_MAX; have.n++)
		have.at[have.n] = own->at[have.n];
	return endpoints_eq(&want, &have);
}

/* Taken: 0. Refused, or no answer: -1, with one phrase. */
int peer_report_answer(const struct client_answer *answer, char why[static REPORT_WHY_MAX])
{
	const char *text = answer->body.p ? answer->body.p : "";
	int n = (int)strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,:;.'-()[]");

	if (answer->status == 204)
		return 0;
	if (answer->error)
		snprintf(why, REPORT_WHY_MAX, "%s", answer->error);
	else
		snprintf(why, REPORT_WHY_MAX, "it answered %ld %.*s", answer->status, n < 100 ? n : 100, text);
	return -1;
}

/* What others are told from now on; the next reply says it too. */
static int remember(struct this_peer *p, const struct endpoints *report, struct diags *d)
{
	static const struct sockpoint nowhere;
	const struct hint *own = peer_own_hint(p);
	const struct sockpoint seen = own ? own->seen : nowhere;
	struct endpoints told;
	struct arena *a = arena_new();
	int r = -1;

	endpoints_resolve(report, &seen, &told);
	if (a)
		r = peer_hints_take(
		    p, a,
		    &(struct hint){
			.key = peer_file_config(p->file)->public_key, .seen = seen, .at = told.at, .n_at = told.n},
		    1, d);
	else
		d->out_of_memory = true;
	arena_free(a);
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

	if (peer_report_make(p, &report, d) < 0)
		return -1;
	if (p->own_hint_came && peer_report_is_known(p, &report))
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
			r = remember(p, &report, d);
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
