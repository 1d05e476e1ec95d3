/* innernet up: brings networks up, once, or as a daemon. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/peer/daemon.h"
#include "reconcile/edge/base/log.h"

#include <string.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"daemon", 'd', NULL, "keep running: follow the network and repair drift"}, HOSTS_OPTIONS, NAT_OPTIONS,
    {"log-format", 0, "human|json", "with --daemon; human by default"},         {0},
};

/* Brings the interface up from the snapshot on disk first, then fetches through it and applies the result. */
static int up_one(const struct invocation *inv, const struct peer_options *o, const char *name)
{
	struct this_peer *p = open_network(inv, o, name, false);
	struct diags d = {0}, early = {0}, fetched = {0};
	struct peer_turn first = {0}, second = {0};
	enum verify_result result;
	char server[NAME_MAX_LEN + 1] = "";
	int code = FAILED, r;

	if (!p)
		return FAILED;
	/* The second turn repeats the warnings of the first. Only the second may switch to another candidate endpoint. */
	r = peer_converge(p, clock_unix(), LOCK_WAIT_MS, SEARCH_STAY, &first, &early);
	if (r)
		report(inv, &early, NULL);
	if (r == 0 && (r = peer_lock(p, LOCK_WAIT_MS, &d)) == 0) {
		if (peer_fetch(p, 0, &result, server, &fetched) == 0) {
			tell_endpoints(p, server, &fetched);
		} else if (peer_view(p)) {
			diags_soften(&fetched);
			diag_help(&fetched, fetched.last, "using the last good snapshot");
		}
		peer_resolve(p, RESOLVE_WAIT_MS, &d);
		r = peer_converge(p, clock_unix(), LOCK_WAIT_MS, SEARCH_MOVE, &second, &d);
	}
	if (r > 0)
		diag_error(&d, "busy", NULL, "another innernet process holds the lock of '%s'", name);
	if (r == 0 && peer_view(p)) {
		code = DONE;
		print_version(stdout, p);
		printf(", %s\n",
		       first.interface.n_ops + second.interface.n_ops || first.names.wrote || second.names.wrote
			   ? "brought up"
			   : "up already");
	}
	report(inv, &fetched, NULL);
	report(inv, &d, NULL);
	diags_free(&early);
	diags_free(&fetched);
	diags_free(&d);
	peer_close(p);
	return code;
}

static int run(struct invocation *inv)
{
	const char *format = option_value(inv, "log-format");
	struct arena *a = arena_new();
	const char *const *names = inv->args;
	size_t n = (size_t)inv->n_args;
	struct diags d = {0};
	struct peer_options o;
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		goto out;
	if (format && strcmp(format, "json") != 0 && strcmp(format, "human") != 0) {
		code = usage_error(inv, "--log-format takes human or json, not '%s'", format);
		goto out;
	}
	if (!a) {
		diags_out_of_memory(&d);
		goto out;
	}
	if (n == 0 && peer_config_list(a, o.config_dir, &names, &n, &d) < 0)
		goto out;
	if (n == 0) {
		no_network(o.config_dir, &d);
		goto out;
	}
	if (option_given(inv, "daemon")) {
		/* journald has its own time stamps. */
		log_open(format && strcmp(format, "json") == 0 ? LOG_JSON : LOG_HUMAN, option_given(inv, "verbose"),
			 isatty(STDERR_FILENO));
		code = daemon_run(&o, names, n, &d) < 0 ? FAILED : DONE;
		goto out;
	}
	code = DONE;
	for (size_t i = 0; i < n; i++) {
		if (up_one(inv, &o, names[i]) != DONE)
			code = FAILED;
	}
out:
	report(inv, &d, NULL);
	diags_free(&d);
	arena_free(a);
	return code;
}

const struct command command_up = {
    .name = "up",
    .synopsis = "[IFACE...] [-d]",
    .summary = "bring up networks (all networks of this machine)",
    .text = "Applies the last good snapshot on disk, then a server's newest one. With --daemon it keeps running: it\n"
	    "keeps one request open at a server, applies each change, and repairs drift, a change of the interface by\n"
	    "another program. SIGTERM ends it and leaves the interfaces up; SIGHUP reads all files again.",
    .example = "sudo innernet up --daemon corp",
    .options = options,
    .min_args = 0,
    .max_args = -1,
    .words = {WORD_NETWORK},
    .run = run,
};
