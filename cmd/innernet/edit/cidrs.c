/* The commands that add, change and delete CIDRs, and the associations that join them. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/edit/edit.h"
#include "cmd/innernet/edit/take.h"
#include "cmd/innernet/edit/words.h"

static int take_cidr(struct edit_job *job)
{
	const char *text = option_value(job->inv, "cidr");
	struct edit *e = &job->edit;
	struct cidr *c = &e->cidr;
	struct prefix fixed;
	char right[PREFIX_STR_LEN];
	int bad;

	edit_take_name(job);
	if (!edit_name_ok(job, "name", e->name))
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

static const struct option_spec add_cidr_options[] = {
    {"name", 0, "NAME", "the CIDR's name, a host name"},
    {"cidr", 0, "PREFIX[,PREFIX6]", "its prefix, or one of each family"},
    {"parent", 0, "CIDR", "its parent CIDR, as a check: the prefix determines the parent, and another name is refused"},
    {"isolated", 0, NULL, "its peers do not reach each other"},
    {"description", 0, "TEXT", "a comment for readers"},
    EDIT_OPTIONS,
};
const struct command command_add_cidr = {
    .name = "add-cidr",
    .synopsis = EDIT_WHERE "--name NAME --cidr PREFIX [OPTION...]",
    .summary = "add a CIDR to a definition",
    .text = "Adds one CIDR. Its parent is the smallest CIDR around it; nesting alone joins no peers." EDIT_SAFE,
    .example = "innernet add-cidr --name contractors --cidr 10.60.67.0/24 --isolated --commit",
    .options = add_cidr_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_ADD_CIDR,
	     .asks = {{.option = "name", .kind = ASK_NEW_NAME, .question = "The new CIDR's name:"},
		      {.option = "cidr", .kind = ASK_PREFIX, .question = "Its prefix:"}},
	     .take = take_cidr),
};

static const struct option_spec rename_options[] = {EDIT_RENAME_OPTIONS("CIDR")};
const struct command command_rename_cidr = {
    .name = "rename-cidr",
    .synopsis = EDIT_WHERE "--name CIDR --new-name NAME [OPTION...]",
    .summary = "give a CIDR another name",
    .text = "Renames a CIDR where it is defined, and in every association and test, in all files." EDIT_SAFE,
    .example = "innernet rename-cidr --name humans --new-name people --commit",
    .options = rename_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_RENAME_CIDR,
	     .asks = {{.option = "name", .kind = ASK_CIDR_BELOW, .question = "Rename the CIDR:"},
		      {.option = "new-name", .kind = ASK_NEW_NAME, .question = "Its new name:"}},
	     .take = edit_take_rename),
};

static const struct option_spec delete_options[] = {
    {"name", 0, "CIDR", "the CIDR"},
    EDIT_OPTIONS,
};
const struct command command_delete_cidr = {
    .name = "delete-cidr",
    .synopsis = EDIT_WHERE "--name CIDR [OPTION...]",
    .summary = "remove a CIDR from a definition",
    .text = "Removes a CIDR. Refused while peers are in it, or an association or a test names it; the error lists "
	    "them." EDIT_SAFE,
    .example = "innernet delete-cidr --name contractors --commit",
    .options = delete_options,
    .max_args = 1,
    .words = {WORD_DEFINITION},
    EDIT_ROW(.kind = EDIT_DELETE_CIDR,
	     .asks = {{.option = "name", .kind = ASK_CIDR_BELOW, .question = "Delete the CIDR:"}},
	     .take = edit_take_name),
};

/* Turns the words of "add-association humans ops" into --cidr humans --with ops. */
static int read_pair(struct invocation *inv)
{
	if (inv->n_args < 2)
		return 0;
	if (option_given(inv, "cidr") || option_given(inv, "with") ||
	    option_add(inv, "cidr", inv->args[inv->n_args - 2]) || option_add(inv, "with", inv->args[inv->n_args - 1]))
		return usage_error(inv, "%s: give the CIDRs as two words, or as --cidr and --with", inv->command->name);
	inv->n_args -= 2;
	return 0;
}

static int take_association(struct edit_job *job)
{
	job->edit.name = option_value(job->inv, "cidr");
	job->edit.other = option_value(job->inv, "with");
	return 0;
}

static const struct option_spec association_options[] = {
    {"cidr", 0, "CIDR", "one CIDR"},
    {"with", 0, "CIDR", "the other CIDR; the same one again joins all CIDRs under it"},
    EDIT_OPTIONS,
};
const struct command command_add_association = {
    .name = "add-association",
    .synopsis = EDIT_WHERE "(CIDR CIDR | --cidr CIDR --with CIDR) [OPTION...]",
    .summary = "let the peers of two CIDRs reach each other",
    .text = "Adds one association; the order of the two does not matter." EDIT_SAFE,
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
    .summary = "remove the association of two CIDRs",
    .text = "Removes one association; the order of the two does not matter." EDIT_SAFE,
    .example = "innernet delete-association humans ci-servers --commit --push",
    .options = association_options,
    .max_args = 3,
    .words = {WORD_DEFINITION | WORD_CIDR, WORD_CIDR, WORD_CIDR},
    EDIT_ROW(.kind = EDIT_DELETE_ASSOCIATION,
	     .asks = {{.option = "cidr", .kind = ASK_JOINED, .question = "One CIDR:"},
		      {.option = "with", .kind = ASK_PARTNER, .question = "The other:"}},
	     .take = take_association, .words = read_pair),
};
