/* The commands that rename, disable, enable and delete a peer, and set its endpoint. add_peer.c adds and invites peers. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/edit/take.h"

#include <string.h>

static const struct option_spec rename_options[] = {EDIT_RENAME_OPTIONS("PEER")};
const struct command command_rename_peer = {
    .name = "rename-peer",
    .synopsis = EDIT_WHERE "--name PEER --new-name NAME [OPTION...]",
    .summary = "give a peer another name",
    .text = "Renames a peer where it is defined and in every test, in all files. Its key and sessions stay." EDIT_SAFE,
    .example = "innernet rename-peer --name bob --new-name robert --commit",
    .options = rename_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_RENAME_PEER,
	     .asks = {{.option = "name", .kind = ASK_PEER, .question = "Rename the peer:"},
		      {.option = "new-name", .kind = ASK_NEW_NAME, .question = "Its new name:"}},
	     .take = edit_take_rename),
};

static const struct option_spec name_options[] = {
    {"name", 0, "PEER", "the peer"},
    EDIT_OPTIONS,
};
const struct command command_disable_peer = {
    .name = "disable-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "disable a peer, and keep its entry",
    .text = "Adds `disabled: true` to a peer. Its name, address and key stay taken." EDIT_SAFE,
    .example = "innernet disable-peer --name bob --commit --push",
    .options = name_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DISABLE_PEER,
	     .asks = {{.option = "name", .kind = ASK_ENABLED_PEER, .question = "Disable the peer:"}},
	     .take = edit_take_name),
};

const struct command command_enable_peer = {
    .name = "enable-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "enable a disabled peer again",
    .text = "Removes `disabled: true` from a peer." EDIT_SAFE,
    .example = "innernet enable-peer --name bob --commit --push",
    .options = name_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_ENABLE_PEER,
	     .asks = {{.option = "name", .kind = ASK_DISABLED_PEER, .question = "Enable the peer:"}},
	     .take = edit_take_name),
};

const struct command command_delete_peer = {
    .name = "delete-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "remove a peer from a definition",
    .text =
	"Removes a peer. Refused while a test names it: change the test first. The ledger keeps the peer's address\n"
	"for ever, unless `reuse:` names it." EDIT_SAFE,
    .example = "innernet delete-peer --name bob --commit --push",
    .options = name_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DELETE_PEER, .asks = {{.option = "name", .kind = ASK_PEER, .question = "Delete the peer:"}},
	     .take = edit_take_name),
};

static int take_endpoint(struct edit_job *job)
{
	const char *text = option_value(job->inv, "endpoint");

	edit_take_name(job);
	if (text && option_given(job->inv, "unset"))
		return usage_error(job->inv, "set-endpoint: --endpoint and --unset exclude each other");
	if (text && !(job->edit.endpoint = endpoint_canonical(job->arena, text, strlen(text))))
		return usage_error(job->inv, "--endpoint takes host:port, as in vpn.example.com:51820, not '%s'", text);
	return 0;
}

static const struct option_spec endpoint_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"endpoint", 0, "HOST:PORT", "its endpoint for other peers"},
    {"unset", 0, NULL, "remove its endpoint"},
    EDIT_OPTIONS,
};
const struct command command_set_endpoint = {
    .name = "set-endpoint",
    .synopsis = EDIT_WHERE "--name PEER (--endpoint HOST:PORT | --unset) [OPTION...]",
    .summary = "set or remove a peer's endpoint",
    .text = "Sets, replaces or removes the endpoint of a peer." EDIT_SAFE,
    .example = "innernet set-endpoint --name hub --endpoint vpn.example.com:51820 --commit",
    .options = endpoint_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_SET_ENDPOINT,
	     .asks = {{.option = "name", .kind = ASK_PEER, .question = "The endpoint of:"},
		      {.option = "endpoint",
		       .kind = ASK_ENDPOINT,
		       .question = "Peers reach it at (host:port):",
		       .unless = "unset"}},
	     .take = take_endpoint),
};
