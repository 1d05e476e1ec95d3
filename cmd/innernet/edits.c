/* How the commands that edit a definition are called, and what --help says of them. What they do is edit.c. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit.h"

#define WHERE "[IFACE | FILE | DIR] "
#define SAFE                                                                                                           \
	"\nNo byte but what must change does, and nothing is written unless the result is valid. The plan is shown\n"  \
	"first. On a terminal, what is missing is asked for. The same command again changes nothing. With IFACE, a\n"  \
	"network that `innernet clone` knows, the clone is brought up to date, edited, committed and pushed.\n"        \
	"There, without a terminal, --yes is needed: it exits with 3 when it was not confirmed."

static const struct option_spec add_peer_options[] = {
    {"name", 0, "NAME", "the peer's name, a host name"},
    {"ip", 0, "ADDRESS[,ADDRESS6]", "its address, one a family"},
    {"auto-ip", 0, NULL, "the lowest free address of --cidr, one a family"},
    {"cidr", 0, "CIDR", "the name of the CIDR it is to be in"},
    {"admin", 0, "[BOOL]", "its users may change the network"},
    {"endpoint", 0, "HOST:PORT", "where others reach it, when that is fixed"},
    {"keepalive", 0, "SECONDS", "keep its sessions alive; 0: never"},
    {"via", 0, "PEER", "with --public-key: the one that forwards for it, a server or a peer in its CIDR"},
    {"description", 0, "TEXT", "for people"},
    {"public-key", 0, "KEY", "a WireGuard key that it has already: then no invitation is written"},
    {"save-config", 0, "FILE", "where the invitation is written (NAME.yaml)"},
    {"invite-expires", 0, "TIME", "how long the invitation is open: 12h, 14d (the default), 4w, never"},
    EDIT_OPTIONS,
};
const struct command command_add_peer = {
    .name = "add-peer",
    .synopsis = WHERE "--name NAME (--ip ADDRESS | --auto-ip --cidr CIDR) [OPTION...]",
    .summary = "add a peer to a definition, and write its invitation",
    .text =
	"Adds one peer. The invitation is a secret: it is readable by you alone, git is told to leave it alone, and\n"
	"it takes the peer's place in the network once. Addresses that the ledger in this clone remembers are not\n"
	"given out again." SAFE,
    .example = "innernet add-peer --name bob --auto-ip --cidr humans --commit --push",
    .options = add_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};

static const struct option_spec invite_peer_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"save-config", 0, "FILE", "where the invitation is written (NAME.yaml)"},
    {"invite-expires", 0, "TIME", "how long the invitation is open: 12h, 14d (the default), 4w, never"},
    EDIT_OPTIONS,
};
const struct command command_invite_peer = {
    .name = "invite-peer",
    .synopsis = WHERE "--name PEER [OPTION...]",
    .summary = "give a peer that is there a new invite",
    .text =
	"Puts a new invite in the place of a peer's key, or of the invite it has: for a machine that was lost,\n"
	"stolen or set up anew. What it had before is void at once, on every peer; its name, address and CIDR stay.\n"
	"Every call makes another invite. The plan is shown first.",
    .example = "innernet invite-peer --name bob --invite-expires 12h --commit --push",
    .options = invite_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};

#define RENAME_OPTIONS(kind)                                                                                           \
	{"name", 0, kind, "what it is called"}, {"new-name", 0, "NAME", "what it is to be called"}, EDIT_OPTIONS
static const struct option_spec rename_peer_options[] = {RENAME_OPTIONS("PEER")};
static const struct option_spec rename_cidr_options[] = {RENAME_OPTIONS("CIDR")};
static const struct option_spec peer_options_only[] = {
    {"name", 0, "PEER", "the peer"},
    EDIT_OPTIONS,
};
static const struct option_spec cidr_options_only[] = {
    {"name", 0, "CIDR", "the CIDR"},
    EDIT_OPTIONS,
};
static const struct option_spec fold_options[] = {
    EDIT_OPTIONS,
};
const struct command command_fold = {
    .name = "fold",
    .synopsis = "[IFACE | FILE | DIR] [PEER...] [OPTION...]",
    .summary = "write the keys that peers enrolled into the definition",
    .text =
	"Puts the public key of each peer that redeemed its invitation, or of those named, in the place of its\n"
	"invite: the definition then says by itself what the ledger knew. The peers stay the same ones, no session\n"
	"ends, and their invites are spent. The ledger is fetched from origin first. A first word that is no\n"
	"peer's name, as ./corp or net.yaml, is the definition." SAFE,
    .example = "innernet fold --commit --push",
    .options = fold_options,
    .max_args = -1,
    .words = {WORD_DEFINITION | WORD_PEER, WORD_PEER},
    .run = edit_run,
};
const struct command command_rename_peer = {
    .name = "rename-peer",
    .synopsis = WHERE "--name PEER --new-name NAME [OPTION...]",
    .summary = "give a peer another name",
    .text = "Renames a peer where it is defined and in every test, in all files. Its key and sessions stay." SAFE,
    .example = "innernet rename-peer --name bob --new-name robert --commit",
    .options = rename_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};
const struct command command_disable_peer = {
    .name = "disable-peer",
    .synopsis = WHERE "--name PEER [OPTION...]",
    .summary = "cut a peer off, and keep its place",
    .text = "Says `disabled: true` of a peer. Its name, address and key stay taken." SAFE,
    .example = "innernet disable-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};
const struct command command_enable_peer = {
    .name = "enable-peer",
    .synopsis = WHERE "--name PEER [OPTION...]",
    .summary = "let a disabled peer in again",
    .text = "Takes `disabled: true` away from a peer." SAFE,
    .example = "innernet enable-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};
const struct command command_delete_peer = {
    .name = "delete-peer",
    .synopsis = WHERE "--name PEER [OPTION...]",
    .summary = "take a peer out of a definition",
    .text = "Takes a peer out. Refused while a test names it: what the network promises is a person's to change.\n"
	    "The ledger keeps its address for ever, unless `reuse:` names it." SAFE,
    .example = "innernet delete-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};

static const struct option_spec endpoint_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"endpoint", 0, "HOST:PORT", "where others reach it"},
    {"unset", 0, NULL, "that is not fixed any more"},
    EDIT_OPTIONS,
};
const struct command command_set_endpoint = {
    .name = "set-endpoint",
    .synopsis = WHERE "--name PEER (--endpoint HOST:PORT | --unset) [OPTION...]",
    .summary = "say where a peer is reached",
    .text = "Gives a peer an endpoint, another one, or none any more." SAFE,
    .example = "innernet set-endpoint --name hub --endpoint vpn.example.com:51820 --commit",
    .options = endpoint_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};

static const struct option_spec add_cidr_options[] = {
    {"name", 0, "NAME", "the CIDR's name, a host name"},
    {"cidr", 0, "PREFIX[,PREFIX6]", "its prefix, one a family"},
    {"parent", 0, "CIDR", "the CIDR that it is in: its prefix says which, and another one is refused"},
    {"isolated", 0, NULL, "its peers do not reach each other"},
    {"description", 0, "TEXT", "for people"},
    EDIT_OPTIONS,
};
const struct command command_add_cidr = {
    .name = "add-cidr",
    .synopsis = WHERE "--name NAME --cidr PREFIX [OPTION...]",
    .summary = "add a CIDR to a definition",
    .text = "Adds one CIDR. Its parent is the smallest other one around it; nesting alone joins nothing." SAFE,
    .example = "innernet add-cidr --name contractors --cidr 10.60.67.0/24 --isolated --commit",
    .options = add_cidr_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};
const struct command command_rename_cidr = {
    .name = "rename-cidr",
    .synopsis = WHERE "--name CIDR --new-name NAME [OPTION...]",
    .summary = "give a CIDR another name",
    .text = "Renames a CIDR where it is defined, and in every association and test, in all files." SAFE,
    .example = "innernet rename-cidr --name humans --new-name people --commit",
    .options = rename_cidr_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};
const struct command command_delete_cidr = {
    .name = "delete-cidr",
    .synopsis = WHERE "--name CIDR [OPTION...]",
    .summary = "take a CIDR out of a definition",
    .text = "Takes a CIDR out. Refused while peers are in it, or an association or a test names it; what uses it is\n"
	    "listed." SAFE,
    .example = "innernet delete-cidr --name contractors --commit",
    .options = cidr_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    .run = edit_run,
};

static const struct option_spec association_options[] = {
    {"cidr", 0, "CIDR", "one CIDR"},
    {"with", 0, "CIDR", "the other; the same one again: all that is under it"},
    EDIT_OPTIONS,
};
const struct command command_add_association = {
    .name = "add-association",
    .synopsis = WHERE "(CIDR CIDR | --cidr CIDR --with CIDR) [OPTION...]",
    .summary = "let the peers of two CIDRs reach each other",
    .text = "Adds one association; which of the two comes first does not matter." SAFE,
    .example = "innernet add-association humans ci-servers --commit --push",
    .options = association_options,
    .max_args = 3,
    .words = {WORD_DEFINITION | WORD_CIDR, WORD_CIDR, WORD_CIDR},
    .run = edit_run,
};
const struct command command_delete_association = {
    .name = "delete-association",
    .synopsis = WHERE "(CIDR CIDR | --cidr CIDR --with CIDR) [OPTION...]",
    .summary = "part the peers of two CIDRs",
    .text = "Takes one association out; which of the two comes first does not matter." SAFE,
    .example = "innernet delete-association humans ci-servers --commit --push",
    .options = association_options,
    .max_args = 3,
    .words = {WORD_DEFINITION | WORD_CIDR, WORD_CIDR, WORD_CIDR},
    .run = edit_run,
};
