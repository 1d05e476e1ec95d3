/* innernet status: checks this machine's connection to its networks. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/report.h"
#include "reconcile/edge/peer/doctor.h"
#include "reconcile/plan/hosts.h"
#include "reconcile/show/status.h"

#include <string.h>

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    HOSTS_OPTIONS,
    {0},
};

static const char *message_of(struct arena *a, const struct diags *d, const char *prefix)
{
	for (const struct diag *g = d->first; g; g = g->next) {
		if (strncmp(g->code, prefix, strlen(prefix)) == 0)
			return arena_strdup(a, g->message);
	}
	return NULL;
}

static void look(struct this_peer *p, struct checks *c)
{
	struct status_facts f = {
	    .network = peer_ifname(p),
	    .redeemed = peer_is_redeemed(p),
	    .view = peer_view(p),
	    .from_definition = peer_from_definition(p),
	    .running = peer_daemon_runs(p),
	    .fresh_until = peer_fresh_until(p),
	    .names_path = peer_hosts_path(p),
	    .own = peer_own_hint(p),
	    .now = clock_unix(),
	};
	struct daemon_state state;
	struct diags d = {0};

	if (peer_daemon_state(p, &state) == 0)
		f.daemon = &state;
	peer_resolve(p, RESOLVE_WAIT_MS, &d);
	f.plan = peer_plan(p, c->arena, f.now, &d);
	if (!f.plan)
		f.plan_error = message_of(c->arena, &d, "");
	if (f.names_path)
		f.names_error = message_of(c->arena, &d, "hosts-");
	status_checks(c, &f);
	doctor_check_forwarding(p, c);
	diags_free(&d);
}

static void check_network(const struct peer_options *o, const char *name, struct checks *c, struct buf *title)
{
	struct this_peer *p = NULL;
	struct diags d = {0};
	struct check *k;

	if (peer_open_any(o, name, &p, &d) < 0) {
		k = checks_add(c, d.first && strcmp(d.first->code, "no-network") == 0 ? CHECK_FAIL : CHECK_UNKNOWN,
			       "network", "%s", d.first ? d.first->message : "out of memory");
		if (d.first && d.first->help)
			checks_help(c, k, "%s", d.first->help);
		buf_str(title, name);
	} else {
		char ip[ADDR_STR_LEN];
		const struct membership *m = peer_membership(p);
		const struct view *v = peer_view(p);
		const struct view_peer *self = v ? &v->peers[v->self] : NULL;

		addr_format(self ? &self->ip[0] : &m->ip[0], ip);
		buf_printf(title, "%s: %s %s", name, self ? self->name : m->name, ip);
		look(p, c);
	}
	peer_close(p);
	diags_free(&d);
}

static int run(struct invocation *inv)
{
	return report_networks(inv, check_network);
}

const struct command command_status = {
    .name = "status",
    .synopsis = "[IFACE] [--json]",
    .summary = "check this machine's connection to the network",
    .text =
	"Reads the interface, the last good snapshot and the daemon's state; asks no server and changes nothing.\n"
	"Names the peers without a session, with the known reason; only a session with a server is required. For a\n"
	"network of `apply --file` it checks that the interface is still as applied. Exit code: 0 all checks pass,\n"
	"1 a check fails, 2 a check has no result.",
    .example = "sudo innernet status corp",
    .options = options,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
