/* innernet uninstall: leaves a network and removes its files from this machine. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/edge/base/file.h"

#include <unistd.h>

static const struct option_spec options[] = {
    {"yes", 'y', NULL, "do not ask"},
    {"hosts-path", 0, "FILE", "the file with the names, if it is neither /etc/hosts nor the file given to `install`"},
    {"no-write-hosts", 0, NULL, "do not remove the names"},
    {0},
};

struct leaving {
	const char *name;
	struct peer_options options;
	struct store store;
	char file[PATH_MAX];
	char hosts[PATH_MAX]; /* "": the names stay */
	bool from_definition; /* `apply --file` made the network: it has no file of its own */
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
	/* An invalid file does not prevent leaving: its errors become warnings. */
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
 * Removes the own file last but the store with the lock, so that an interrupted uninstall can be run again. A daemon that
 * waits for the lock finds that the file is gone.
 */
static int leave(struct leaving *l, struct diags *d)
{
	bool gone;
	int r = store_lock(&l->store, LOCK_WAIT_MS, d);

	if (r > 0)
		diag_error(d, "busy", NULL, "another innernet process holds the lock of '%s'", l->name);
	if (r)
		return -1;
	if (l->hosts[0] && peer_names_remove(l->options.data_dir, l->hosts, l->name, &gone, d) < 0) {
		diag_help(d, d->last, "repair it, or keep the names with --no-write-hosts");
		return -1;
	}
	if (device_remove(l->name, l->options.backend, &gone, d) < 0) {
		if (interface_exists(l->name))
			return -1;
		/* The name belongs to an interface of another kind, which stays. */
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
		printf("%s: the network is removed from this machine%s\n", l.name,
		       l.from_definition ? "; the definition and the key file of `apply` stay" : "");
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
    .text =
	"Shows what it removes, and asks. A running daemon stops serving the network. The definition still has this\n"
	"machine's peer: `innernet disable-peer` or `delete-peer` removes it. Exits with 3 when it was not\n"
	"confirmed.",
    .example = "sudo innernet uninstall corp",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
