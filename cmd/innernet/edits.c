/*
 * The commands that edit a definition and need no file of their own: for each how it is called, what --help says of it,
 * what is asked for, and how its options become an edit.
 */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit.h"
#include "cmd/innernet/edit_attributes.h"
#include "cmd/innernet/edit_words.h"

#include <string.h>

static bool valid_name(const struct edit_job *job, const char *option, const char *name)
{
	if (name_valid(name, strlen(name)))
		return true;
	usage_error(job->inv, "--%s takes a host name: lower case letters, digits and hyphens, at most %d; not '%s'",
		    option, NAME_MAX_LEN, name);
	return false;
}

static int take_name(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "name");
	return 0;
}

static int take_rename(struct edit_job *job)
{
	job->edit.other = option_value(job->inv, "new-name");
	take_name(job);
	return valid_name(job, "new-name", job->edit.other) ? 0 : 1;
}

/* "add-association humans ops", as "--cidr humans --with ops". */
static int read_pair(struct invocation *inv)
{
	if (inv->n_args < 2)
		return 0;
	if (option_given(inv, "cidr") || option_given(inv, "with") ||
	    option_add(inv, "cidr", inv->args[inv->n_args - 2]) || option_add(inv, "with", inv->args[inv->n_args - 1]))
		return usage_error(inv, "%s: the CIDRs as two words, or as --cidr and --with", inv->command->name);
	inv->n_args -= 2;
	return 0;
}

static int take_association(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "cidr");
	job->edit.other = option_value(job->inv, "with");
	return 0;
}

static int take_endpoint(struct edit_job *job)
{
	const char *text = option_value(job->inv, "endpoint");

	take_name(job);
	if (text && option_given(job->inv, "unset"))
		return usage_error(job->inv, "set-endpoint: --endpoint and --unset exclude each other");
	if (text && !(job->edit.endpoint = endpoint_canonical(job->arena, text, strlen(text))))
		return usage_error(job->inv, "--endpoint takes host:port, as in vpn.example.com:51820, not '%s'", text);
	return 0;
}

static int take_cidr(struct edit_job *job)
{
	const char *text = option_value(job->inv, "cidr");
	struct edit *e = &job->edit;
	struct cidr *c = &e->cidr;
	struct prefix fixed;
	char right[PREFIX_STR_LEN];
	int bad;

	take_name(job);
	if (!valid_name(job, "name", e->name))
		return 1;
	e->parent = option_value(job->inv, "parent");
	bad = edit_read_prefixes(text, c->prefix, &c->n_prefixes, &fixed);
	if (bad == PREFIX_HOST_BITS) {
		prefix_format(&fixed, right);
		return usage_error(job->inv, "--cidr: %s has bits set after its length; did you mean %s?", text, right);
	}
	if (bad)
		return usage_error(
		    job->inv, "--cidr takes a prefix, or one of each family as in 10.60.64.0/24,fd00:60::/64; not '%s'",
		    text);
	if (c->n_prefixes == 2 && !prefix_is_v4(&c->prefix[0])) { /* IPv4 first, as the model has them */
		struct prefix six = c->prefix[0];
		c->prefix[0] = c->prefix[1];
		c->prefix[1] = six;
	}
	return edit_take_attributes(job, IN_CIDR, c);
}

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
const struct command command_rename_peer = {
    .name = "rename-peer",
    .synopsis = EDIT_WHERE "--name PEER --new-name NAME [OPTION...]",
    .summary = "give a peer another name",
    .text = "Renames a peer where it is defined and in every test, in all files. Its key and sessions stay." EDIT_SAFE,
    .example = "innernet rename-peer --name bob --new-name robert --commit",
    .options = rename_peer_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_RENAME_PEER,
	     .asks = {{.option = "name", .kind = ASK_PEER, .question = "Rename the peer:"},
		      {.option = "new-name", .kind = ASK_NEW_NAME, .question = "Its new name:"}},
	     .take = take_rename),
};
const struct command command_disable_peer = {
    .name = "disable-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "cut a peer off, and keep its place",
    .text = "Says `disabled: true` of a peer. Its name, address and key stay taken." EDIT_SAFE,
    .example = "innernet disable-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DISABLE_PEER,
	     .asks = {{.option = "name", .kind = ASK_ENABLED_PEER, .question = "Disable the peer:"}},
	     .take = take_name),
};
const struct command command_enable_peer = {
    .name = "enable-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "let a disabled peer in again",
    .text = "Takes `disabled: true` away from a peer." EDIT_SAFE,
    .example = "innernet enable-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_ENABLE_PEER,
	     .asks = {{.option = "name", .kind = ASK_DISABLED_PEER, .question = "Enable the peer:"}},
	     .take = take_name),
};
const struct command command_delete_peer = {
    .name = "delete-peer",
    .synopsis = EDIT_WHERE "--name PEER [OPTION...]",
    .summary = "take a peer out of a definition",
    .text = "Takes a peer out. Refused while a test names it: what the network promises is a person's to change.\n"
	    "The ledger keeps its address for ever, unless `reuse:` names it." EDIT_SAFE,
    .example = "innernet delete-peer --name bob --commit --push",
    .options = peer_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DELETE_PEER, .asks = {{.option = "name", .kind = ASK_PEER, .question = "Delete the peer:"}},
	     .take = take_name),
};

static const struct option_spec endpoint_options[] = {
    {"name", 0, "PEER", "the peer"},
    {"endpoint", 0, "HOST:PORT", "where others reach it"},
    {"unset", 0, NULL, "that is not fixed any more"},
    EDIT_OPTIONS,
};
const struct command command_set_endpoint = {
    .name = "set-endpoint",
    .synopsis = EDIT_WHERE "--name PEER (--endpoint HOST:PORT | --unset) [OPTION...]",
    .summary = "say where a peer is reached",
    .text = "Gives a peer an endpoint, another one, or none any more." EDIT_SAFE,
    .example = "innernet set-endpoint --name hub --endpoint vpn.example.com:51820 --commit",
    .options = endpoint_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_SET_ENDPOINT,
	     .asks = {{.option = "name", .kind = ASK_PEER, .question = "The endpoint of:"},
		      {.option = "endpoint",
		       .kind = ASK_ENDPOINT,
		       .question = "Others reach it at (host:port):",
		       .unless = "unset"}},
	     .take = take_endpoint),
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
    .synopsis = EDIT_WHERE "--name NAME --cidr PREFIX [OPTION...]",
    .summary = "add a CIDR to a definition",
    .text = "Adds one CIDR. Its parent is the smallest other one around it; nesting alone joins nothing." EDIT_SAFE,
    .example = "innernet add-cidr --name contractors --cidr 10.60.67.0/24 --isolated --commit",
    .options = add_cidr_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_ADD_CIDR,
	     .asks = {{.option = "name", .kind = ASK_NEW_NAME, .question = "The new CIDR's name:"},
		      {.option = "cidr", .kind = ASK_PREFIX, .question = "Its prefix:"}},
	     .take = take_cidr),
};
const struct command command_rename_cidr = {
    .name = "rename-cidr",
    .synopsis = EDIT_WHERE "--name CIDR --new-name NAME [OPTION...]",
    .summary = "give a CIDR another name",
    .text = "Renames a CIDR where it is defined, and in every association and test, in all files." EDIT_SAFE,
    .example = "innernet rename-cidr --name humans --new-name people --commit",
    .options = rename_cidr_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_RENAME_CIDR,
	     .asks = {{.option = "name", .kind = ASK_CIDR_BELOW, .question = "Rename the CIDR:"},
		      {.option = "new-name", .kind = ASK_NEW_NAME, .question = "Its new name:"}},
	     .take = take_rename),
};
const struct command command_delete_cidr = {
    .name = "delete-cidr",
    .synopsis = EDIT_WHERE "--name CIDR [OPTION...]",
    .summary = "take a CIDR out of a definition",
    .text = "Takes a CIDR out. Refused while peers are in it, or an association or a test names it; what uses it is\n"
	    "listed." EDIT_SAFE,
    .example = "innernet delete-cidr --name contractors --commit",
    .options = cidr_options_only,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DELETE_CIDR,
	     .asks = {{.option = "name", .kind = ASK_CIDR_BELOW, .question = "Delete the CIDR:"}}, .take = take_name),
};

static const struct option_spec association_options[] = {
    {"cidr", 0, "CIDR", "one CIDR"},
    {"with", 0, "CIDR", "the other; the same one again: all that is under it"},
    EDIT_OPTIONS,
};
const struct command command_add_association = {
    .name = "add-association",
    .synopsis = EDIT_WHERE "(CIDR CIDR | --cidr CIDR --with CIDR) [OPTION...]",
    .summary = "let the peers of two CIDRs reach each other",
    .text = "Adds one association; which of the two comes first does not matter." EDIT_SAFE,
    .example = "innernet add-association humans ci-servers --commit --push",
    .options = association_options,
    .max_args = 3,
    .words = {WORD_DEFINITION | WORD_CIDR, WORD_CIDR, WORD_CIDR},
    EDIT_ROW(.kind = EDIT_ADD_ASSOCIATION,
	     .asks = {{.option = "cidr", .kind = ASK_CIDR, .question = "One CIDR:"},
		      {.option = "with", .kind = ASK_CIDR, .question = "The other:"}},
	     .take = take_association, .words = read_pair),
};
const struct command command_delete_association = {
    .name = "delete-association",
    .synopsis = EDIT_WHERE "(CIDR CIDR | --cidr CIDR --with CIDR) [OPTION...]",
    .summary = "part the peers of two CIDRs",
    .text = "Takes one association out; which of the two comes first does not matter." EDIT_SAFE,
    .example = "innernet delete-association humans ci-servers --commit --push",
    .options = association_options,
    .max_args = 3,
    .words = {WORD_DEFINITION | WORD_CIDR, WORD_CIDR, WORD_CIDR},
    EDIT_ROW(.kind = EDIT_DELETE_ASSOCIATION,
	     .asks = {{.option = "cidr", .kind = ASK_JOINED, .question = "One CIDR:"},
		      {.option = "with", .kind = ASK_PARTNER, .question = "The other:"}},
	     .take = take_association, .words = read_pair),
};
