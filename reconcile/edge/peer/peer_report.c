#include "reconcile/edge/peer/peer_report.h"

#include "reconcile/edge/base/loop.h"
#include <stdio.h>
#include <string.h>

int peer_report_make(const struct peer_file *f, const struct peer_held *held, const struct peer_hints *hints,
		     struct endpoints *out, struct diags *d)
{
	const struct nat_settings nat = peer_file_nat(f);
	const char *chosen = peer_file_config(f)->settings.endpoint;
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

	if (chosen && !resolver_find(peer_hints_resolver(hints), chosen, &rules.override))
		rules.override = (struct sockpoint){0};
	rules.root = peer_held_root(held, &rules.n_root);
	if (!a)
		return diags_out_of_memory(d);
	if (!rules.no_addresses) {
		if (device_local_addresses(a, &list, &n, d) < 0 || device_read(a, peer_file_ifname(f), &there, d) < 0)
			goto out;
		rules.port = there->exists ? there->listen_port : 0;
	}
	endpoints_choose(list, n, &rules, out);
	r = 0;
out:
	arena_free(a);
	return r;
}

bool peer_report_is_known(const struct peer_hints *hints, const struct endpoints *report)
{
	static const struct sockpoint nowhere;
	const struct hint *own = peer_hints_own(hints);
	struct endpoints want, have = {0};

	endpoints_resolve(report, own ? &own->seen : &nowhere, &want);
	for (; own && have.n < own->n_at && have.n < CANDIDATES_MAX; have.n++)
		have.at[have.n] = own->at[have.n];
	return endpoints_eq(&want, &have);
}

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

int peer_report_remember(struct peer_hints *hints, const struct key *own, const struct endpoints *report,
			 struct diags *d)
{
	static const struct sockpoint nowhere;
	const struct hint *old = peer_hints_own(hints);
	const struct sockpoint seen = old ? old->seen : nowhere;
	struct arena *a = arena_new();
	struct endpoints told;
	int r = -1;

	endpoints_resolve(report, &seen, &told);
	if (a)
		r = peer_hints_take(hints, a, &(struct hint){.key = *own, .seen = seen, .at = told.at, .n_at = told.n},
				    1, clock_boot_ms(), d);
	else
		diags_out_of_memory(d);
	arena_free(a);
	return r;
}
