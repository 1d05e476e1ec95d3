/*
 * The subcommands of innernet, one file each (those that edit a definition in edit/). Each is declared here and listed in
 * the table of main.c.
 */
#ifndef CMD_INNERNET_COMMANDS_H
#define CMD_INNERNET_COMMANDS_H

#include "cmd/command.h"

extern const struct command command_clone;
extern const struct command command_merge_driver;
extern const struct command command_add_peer;
extern const struct command command_invite_peer;
extern const struct command command_rename_peer;
extern const struct command command_disable_peer;
extern const struct command command_enable_peer;
extern const struct command command_delete_peer;
extern const struct command command_set_endpoint;
extern const struct command command_export;
extern const struct command command_add_cidr;
extern const struct command command_rename_cidr;
extern const struct command command_delete_cidr;
extern const struct command command_add_association;
extern const struct command command_delete_association;
extern const struct command command_fold;
extern const struct command command_snapshot;
extern const struct command command_validate;
extern const struct command command_schema;
extern const struct command command_explain;
extern const struct command command_lsp;
extern const struct command command_why;
extern const struct command command_install;
extern const struct command command_redeem;
extern const struct command command_uninstall;
extern const struct command command_set_listen_port;
extern const struct command command_override_endpoint;
extern const struct command command_override_peer_endpoint;
extern const struct command command_status;
extern const struct command command_doctor;
extern const struct command command_up;
extern const struct command command_fetch;
extern const struct command command_plan;
extern const struct command command_apply;
extern const struct command command_show;
extern const struct command command_down;
extern const struct command command_list;
extern const struct command command_graph;
extern const struct command command_list_cidrs;
extern const struct command command_list_associations;

#endif
