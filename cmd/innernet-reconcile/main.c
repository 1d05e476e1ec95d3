/* innernet-reconcile: watches a definition in git, publishes signed snapshots of it, serves them. */
#include "cmd/innernet-reconcile/commands.h"
#include "cmd/completions.h"

static const struct command command_completions = COMPLETIONS("innernet-reconcile");

/* In the order in which --help lists them. */
static const struct command *const commands[] = {
    &command_init,   &command_run,       &command_status, &command_reconcile,   &command_suspend,
    &command_resume, &command_uninstall, &command_hook,   &command_completions, NULL,
};

static const struct option_spec globals[] = {
    {"config-dir", 'c', "DIR", "where the networks' files are (/etc/innernet-reconcile)"},
    {"data-dir", 'd', "DIR", "where repositories and snapshots are (/var/lib/innernet-reconcile)"},
    {"backend", 0, "WHICH", "auto, kernel or userspace WireGuard"},
    {"verbose", 'v', NULL, "say more"},
    {0},
};

static const struct program program = {
    .name = "innernet-reconcile",
    .summary = "publishes a network from its definition in git",
    .commands = commands,
    .globals = globals,
    .default_command = &command_run, /* innernet-reconcile [--watch] NAME */
    .default_takes_args = true,
};

int main(int argc, char **argv)
{
	return command_main(&program, argc, argv);
}
