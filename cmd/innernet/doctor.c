/* innernet doctor: checks that this machine has what the network needs. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/report.h"
#include "reconcile/edge/peer/doctor.h"

#include <string.h>

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    HOSTS_OPTIONS,
    {0},
};

static void check_network(const struct peer_options *o, const char *name, struct checks *c, struct buf *title)
{
	struct this_peer *p = NULL;
	struct diags d = {0};
	struct check *k;

	buf_printf(title, "%s: what it needs of this machine", name);
	if (peer_open_any(o, name, &p, &d) == 0) {
		doctor_check(p, RESOLVE_WAIT_MS, c);
	} else {
		/* A file that this user may not read is unknown, not a failure. */
		k = checks_add(c, d.first && strcmp(d.first->code, "file-error") == 0 ? CHECK_UNKNOWN : CHECK_FAIL,
			       "file", "%s", d.first ? d.first->message : "out of memory");
		if (d.first && d.first->help)
			checks_help(c, k, "%s", d.first->help);
	}
	peer_close(p);
	diags_free(&d);
}

static int run(struct invocation *inv)
{
	return report_networks(inv, check_network);
}

const struct command command_doctor = {
    .name = "doctor",
    .synopsis = "[IFACE] [--json]",
    .summary = "check what a network needs of this machine, and say what to do",
    .text =
	"Checks WireGuard, rights, the UDP port, the clock, reverse path filtering, forwarding if peers are reached\n"
	"through this machine, the hosts file, the network's own files, and the name, route and MTU of each\n"
	"endpoint. Changes nothing and asks no server. Exit code: 0 all checks pass, 1 a check fails, 2 a check has\n"
	"no result.",
    .example = "sudo innernet doctor corp",
    .options = options,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
