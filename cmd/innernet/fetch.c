/* innernet fetch: asks a server once, and applies a new snapshot. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"

#include <string.h>

static const struct option_spec options[] = {
    HOSTS_OPTIONS,
    NAT_OPTIONS,
    {0},
};

static int run(struct invocation *inv)
{
	struct diags d = {0};
	struct peer_options o;
	struct peer_turn turn;
	struct this_peer *p;
	enum verify_result result;
	char server[NAME_MAX_LEN + 1] = "";
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		return FAILED;
	p = open_network(inv, &o, inv->args[0], false);
	if (!p)
		return FAILED;
	if (lock_network(p, &d) < 0)
		goto out;
	if (peer_fetch(p, 0, &result, server, &d) < 0) {
		if (d.last && strcmp(d.last->code, "server-away") == 0)
			diag_help(&d, d.last, "the network stays as it was; see innernet doctor %s", inv->args[0]);
		goto out;
	}
	peer_resolve(p, RESOLVE_WAIT_MS, &d);
	tell_endpoints(p, server, &d);
	if (peer_converge(p, clock_unix(), 0, SEARCH_MOVE, &turn, &d) == 0) {
		code = DONE;
		print_version(stdout, p);
		printf(", %s server %s; %u operation%s\n",
		       result == VERIFY_OK ? "sent by"
		       : peer_vouched(p)   ? "vouched for by"
					   : "nothing new from",
		       server, turn.interface.n_ops, turn.interface.n_ops == 1 ? "" : "s");
	}
out:
	report(inv, &d, NULL);
	diags_free(&d);
	peer_close(p);
	return code;
}

const struct command command_fetch = {
    .name = "fetch",
    .synopsis = "IFACE",
    .summary = "ask a server once for a new snapshot, and apply it",
    .text = "The interface must be up. A machine that runs `innernet up --daemon` does not need it.",
    .example = "sudo innernet fetch corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
