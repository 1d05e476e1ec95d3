/* innernet down: removes an interface. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"

static int run(struct invocation *inv)
{
	const char *name = inv->args[0];
	struct peer_config *config = NULL;
	struct diags d = {0};
	struct peer_options o;
	struct store store;
	struct applied applied;
	bool absent = false, gone = false;
	int code = FAILED, r;

	if (peer_options(inv, &o) < 0)
		return FAILED;
	/* Only an interface of a network of this machine is removed: another one belongs to another program. */
	if (peer_config_read(o.config_dir, name, &config, &absent, &d) < 0 ||
	    store_init(&store, o.data_dir, name, &d) < 0)
		goto out;
	if (absent && store_load_applied(&store, &applied)) {
		diag_error(&d, "no-network", NULL, "this machine is not in a network called '%s'", name);
		goto out;
	}
	r = store_lock(&store, LOCK_WAIT_MS, &d);
	if (r > 0)
		diag_error(&d, "busy", NULL, "another innernet process holds the lock of '%s'", name);
	if (r == 0 && device_remove(name, o.backend, &gone, &d) == 0) {
		printf("%s: %s; its files stay\n", name, gone ? "was not up" : "down");
		code = DONE;
	}
	store_unlock(&store);
out:
	report(inv, &d, NULL);
	diags_free(&d);
	peer_config_free(config);
	return code;
}

const struct command command_down = {
    .name = "down",
    .synopsis = "IFACE",
    .summary = "remove an interface (its files stay)",
    .text =
	"Removes an interface that `install` or `apply --file` made. A running daemon brings it up again: stop the\n"
	"daemon first.",
    .example = "sudo innernet down corp",
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
