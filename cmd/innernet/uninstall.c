/* innernet uninstall: leave a network, with all that is on this machine of it. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"

#include <unistd.h>

static const struct option_spec options[] = {
    {"yes", 'y', NULL, "do not ask"},
    {"hosts-path", 0, "FILE", "where the names are, when neither /etc/hosts nor what `install` was told"},
    {"no-write-hosts", 0, NULL, "leave the names where they are"},
    {0},
};

struct leaving {
	const char *name;
	struct peer_options options;
	struct store store;
	char file[PATH_MAX];
	char hosts[PATH_MAX]; /* "": the names stay */
	bool from_definition; /* `apply --file` made it: there is no file of its own */
};

static int find(struct leaving *l, struct diags *d)
{
	struct peer_config *c = NULL;
	const struct peer_options *o = &l->options;
	bool absent = false;
	struct applied applied;
	int n = snprintf(l->file, sizeof(l->file), "%s/%s.yaml", o->config_dir, l->name);

	if (n < 0 || (size_t)n >= sizeof(l->file)) {
		diag_error(d, "file-error", NULL, "the name of the folder is too long");
		return -1;
	}
	/* A file that cannot be used any more is one more reason to leave. */
	if (peer_config_read(o->config_dir, l->name, &c, &absent, d) < 0) {
		if (access(l->file, F_OK) < 0)
			return -1;
		diags_soften(d);
	}
	if (!absent)
		snprintf(l->hosts, sizeof(l->hosts), "%s",
			 c && c->settings.hosts_path ? c->settings.hosts_path : HOSTS_PATH);
	peer_config_free(c);
	if (store_init(&l->store, o->data_dir, l->name, d) < 0)
		return -1;
	l->from_definition = absent && store_load_applied(&l->store, &applied) == 0;
	if (l->from_definition)
		snprintf(l->hosts, sizeof(l->hosts), "%s", applied.hosts);
	if (absent && !l->from_definition) {
		diag_error(d, "no-network", NULL, "this machine is not in a network called '%s'", l->name);
		return -1;
	}
	if (o->no_write_hosts || o->hosts_path)
		snprintf(l->hosts, sizeof(l->hosts), "%s", o->no_write_hosts ? "" : o->hosts_path);
	return 0;
}

static bool confirmed(const struct invocation *inv, const struct leaving *l, struct diags *d)
{
	struct diag *g;

	fprintf(stderr, "This leaves the network %s and removes from this machine:\n", l->name);
	fprintf(stderr, "  the interface %s\n", l->name);
	if (l->hosts[0])
		fprintf(stderr, "  the network's names in %s\n", l->hosts);
	if (!l->from_definition) {
		fprintf(stderr, "  %s: the last good snapshot\n", l->store.dir);
		fprintf(stderr, "  %s: this machine's key; to come back it needs a new invitation\n", l->file);
	}
	if (option_given(inv, "yes") || ask_yes("\nLeave?"))
		return true;
	g = diag_error(d, "not-confirmed", NULL, "nothing was changed%s",
		       isatty(STDIN_FILENO) ? "" : ": there is no terminal to ask at");
	if (!isatty(STDIN_FILENO))
		diag_help(d, g, "--yes removes without asking");
	return false;
}

/*
 * The own file goes last but one: as long as it is there, this can be run again. A daemon that waits for the lock finds
 * the file gone when it has it.
 */
static int leave(struct leaving *l, struct diags *d)
{
	bool gone;
	int r = store_lock(&l->store, LOCK_WAIT_MS, d);

	if (r > 0)
		diag_error(d, "busy", NULL, "another innernet is at work on '%s'", l->name);
	if (r)
		return -1;
	if (l->hosts[0] && peer_names_remove(l->options.data_dir, l->hosts, l->name, &gone, d) < 0) {
		diag_help(d, d->last, "repair it, or leave the names where they are with --no-write-hosts");
		return -1;
	}
	if (device_remove(l->name, l->options.backend, &gone, d) < 0) {
		if (interface_exists(l->name))
			return -1;
		/* An interface of that name that is not WireGuard's is not ours either. */
		diags_soften(d);
	}
	return store_clear(&l->store, d) < 0 || file_remove(l->file, d) < 0 || store_remove(&l->store, d) < 0 ? -1 : 0;
}

static int run(struct invocation *inv)
{
	struct leaving l = {.name = inv->args[0]};
	struct diags d = {0};
	int code = FAILED;

	if (peer_options(inv, &l.options) < 0)
		return FAILED;
	if (find(&l, &d) < 0)
		goto out;
	if (!confirmed(inv, &l, &d)) {
		code = REFUSED;
		goto out;
	}
	if (leave(&l, &d) == 0) {
		printf("%s: nothing of it is left on this machine%s\n", l.name,
		       l.from_definition ? " but the definition and the key that `apply` was given" : "");
		code = DONE;
	}
	store_unlock(&l.store);
out:
	report(inv, &d, NULL);
	diags_free(&d);
	return code;
}

const struct command command_uninstall = {
    .name = "uninstall",
    .synopsis = "IFACE [--yes]",
    .summary = "leave a network: interface, names, snapshot and key",
    .text = "Says what it removes, and asks. A daemon that keeps the network lets go of it. The others still have\n"
	    "this machine in their definition: `innernet disable-peer` or `delete-peer` takes it out. Exits with 3\n"
	    "when it was not confirmed.",
    .example = "sudo innernet uninstall corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
