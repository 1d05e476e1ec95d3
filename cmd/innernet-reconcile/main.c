/* innernet-reconcile: watches a definition in git, publishes signed snapshots of it, and serves them to peers. */
#include "cmd/innernet-reconcile/commands.h"
#include "cmd/completions.h"
#include "reconcile/edge/config/peer_config.h"

static const struct command command_completions = COMPLETIONS("innernet-reconcile");
static const struct command command_complete = COMPLETE("innernet-reconcile");

/* In the order in which --help lists them. */
static const struct command *const commands[] = {
    &server_command_init,
    &server_command_run,
    &server_command_status,
    &server_command_reconcile,
    &server_command_suspend,
    &server_command_resume,
    &server_command_uninstall,
    &server_command_hook,
    &command_completions,
    &command_complete,
    NULL,
};

static const struct option_spec globals[] = {
    {"config-dir", 'c', "DIR", "folder of the networks' configuration files (/etc/innernet-reconcile)"},
    {"data-dir", 'd', "DIR", "folder of repositories and snapshots (/var/lib/innernet-reconcile)"},
    {"backend", 0, "auto|kernel|userspace", "which WireGuard"},
    {"verbose", 'v', NULL, "log more"},
    {0},
};

static void complete_names(const struct invocation *line, unsigned kinds, struct buf *out)
{
	const char *dir = option_value(line, "config-dir");
	struct arena *a = arena_new();
	const char *const *names;
	struct diags d = {0};
	size_t n;

	if (kinds & WORD_NETWORK && a && peer_config_list(a, dir ? dir : SERVER_CONFIG_DIR, &names, &n, &d) == 0)
		for (size_t i = 0; i < n; i++)
			buf_printf(out, "%s\n", names[i]);
	diags_free(&d);
	arena_free(a);
}

static const struct program program = {
    .name = "innernet-reconcile",
    .summary = "publishes a network from its definition in git",
    .commands = commands,
    .globals = globals,
    .default_command = &server_command_run, /* innernet-reconcile [--watch] NAME */
    .default_takes_args = true,
    .complete = complete_names,
};

int main(int argc, char **argv)
{
	return command_main(&program, argc, argv);
}
