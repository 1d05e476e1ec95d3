/* innernet: the program for peers and for editing a network's definition. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/complete.h"
#include "cmd/completions.h"

static const struct command command_completions = COMPLETIONS("innernet");
static const struct command command_complete = COMPLETE("innernet");

/* In the order in which --help lists them. */
static const struct command *const commands[] = {
    &command_install,
    &command_redeem,
    &command_up,
    &command_fetch,
    &command_plan,
    &command_apply,
    &command_show,
    &command_status,
    &command_doctor,
    &command_down,
    &command_uninstall,
    &command_set_listen_port,
    &command_override_endpoint,
    &command_override_peer_endpoint,
    &command_list,
    &command_list_cidrs,
    &command_list_associations,
    &command_graph,
    &command_validate,
    &command_explain,
    &command_schema,
    &command_lsp,
    &command_why,
    &command_snapshot,
    &command_clone,
    &command_merge_driver,
    &command_add_peer,
    &command_invite_peer,
    &command_rename_peer,
    &command_disable_peer,
    &command_enable_peer,
    &command_delete_peer,
    &command_set_endpoint,
    &command_export,
    &command_add_cidr,
    &command_rename_cidr,
    &command_delete_cidr,
    &command_add_association,
    &command_delete_association,
    &command_fold,
    &command_completions,
    &command_complete,
    NULL,
};

static const struct option_spec globals[] = {
    {"config-dir", 'c', "DIR", "folder of the networks' configuration files (/etc/innernet)"},
    {"data-dir", 'd', "DIR", "folder of the last good snapshots (/var/lib/innernet)"},
    {"backend", 0, "auto|kernel|userspace", "which WireGuard"},
    {"mtu", 0, "BYTES", "MTU of the interface, instead of the network's"},
    {"no-routing", 0, NULL, "set no routes"},
    {"verbose", 'v', NULL, "log more"},
    {0},
};

static const struct program program = {
    .name = "innernet",
    .alias = "inn",
    .summary = "a private network whose whole definition is one file in git",
    .commands = commands,
    .globals = globals,
    .default_command = &command_show,
    .default_takes_args = true,
    .complete = complete_names,
};

int main(int argc, char **argv)
{
	return command_main(&program, argc, argv);
}
