/* innernet list, list-cidrs and list-associations: the contents of a network, or of a definition on disk. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/show.h"
#include "cmd/innernet/target.h"
#include "cmd/terminal.h"
#include "reconcile/edge/git/clone.h"
#include "reconcile/edge/git/source.h"
#include "reconcile/text/json.h"
#include "reconcile/show/list_render.h"

static const struct option_spec list_options[] = {
    {"short", 's', NULL, "one line a peer: its addresses (and, for a network, its state)"},
    {"tree", 't', NULL, "the CIDRs as a tree, with their peers"},
    {"json", 0, NULL, "one JSON document"},
    {0},
};

static const struct option_spec cidr_options[] = {
    {"tree", 't', NULL, "the CIDRs as a tree"},
    {"json", 0, NULL, "one JSON document"},
    {0},
};

static const struct option_spec association_options[] = {
    {"json", 0, NULL, "one JSON document"},
    {0},
};

/* One of the three commands, while it runs. */
struct listing {
	struct invocation *inv;
	struct peer_options options;
	struct arena *arena;
	struct target target;
	struct clone *clone; /* the definition's git clone; NULL: it is in none */
	struct ledger *ledger;
	struct buf out;
	struct diags diags;
};

/* Writes {"format_version", "network", NAME: list}. Takes ownership of `list`. Returns false when memory runs out. */
static bool put_document(struct listing *l, const char *network, const char *name, json_t *list)
{
	json_t *root = json_pack("{s:s, s:s, s:o}", "format_version", "1.0", "network", network, name, list);

	json_render(&l->out, root);
	return root != NULL;
}

static int list_definition(struct listing *l, const struct model *m)
{
	struct cidr_list *cidrs = cidr_list_of_model(l->arena, m);
	const struct ledger_facts *facts = l->ledger ? ledger_facts(l->ledger) : NULL;
	struct buf *out = &l->out;

	if (!cidrs)
		return -1;
	if (option_given(l->inv, "json"))
		json_render(out, json_pack("{s:s, s:s, s:o, s:o, s:o}", "format_version", "1.0", "network", m->network,
					   "cidrs", cidr_list_json(cidrs), "peers", peer_list_json(m, facts),
					   "associations", association_list_json(m, cidrs)));
	else if (option_given(l->inv, "short"))
		peer_list_short(out, m);
	else if (option_given(l->inv, "tree"))
		peer_list_tree(out, m, cidrs, facts, clock_unix(), terminal_tree_style());
	else
		peer_list_table(out, m, facts, clock_unix(), terminal_width());
	return 0;
}

static int put_cidrs(struct listing *l, const char *network, const struct cidr_list *cidrs)
{
	if (!cidrs)
		return -1;
	if (option_given(l->inv, "json"))
		return put_document(l, network, "cidrs", cidr_list_json(cidrs)) ? 0 : -1;
	if (option_given(l->inv, "tree"))
		cidr_list_tree(&l->out, cidrs, terminal_tree_style());
	else
		cidr_list_table(&l->out, cidrs, terminal_width());
	return 0;
}

static int cidrs_of_definition(struct listing *l, const struct model *m)
{
	return put_cidrs(l, m->network, cidr_list_of_model(l->arena, m));
}

static int cidrs_of_network(struct listing *l, const struct this_peer *p)
{
	return put_cidrs(l, peer_membership(p)->network, cidr_list_of_view(l->arena, peer_view(p)));
}

static int associations_of_definition(struct listing *l, const struct model *m)
{
	struct cidr_list *cidrs = cidr_list_of_model(l->arena, m);

	if (!cidrs)
		return -1;
	if (option_given(l->inv, "json"))
		return put_document(l, m->network, "associations", association_list_json(m, cidrs)) ? 0 : -1;
	association_list_table(&l->out, m, cidrs, terminal_width());
	return 0;
}

static int associations_of_network(struct listing *l, const struct this_peer *p)
{
	struct view_reach r;

	if (view_reach_read(l->arena, peer_bundle(p), &r, &l->diags) < 0)
		return l->diags.out_of_memory ? -1 : 0;
	if (option_given(l->inv, "json"))
		return put_document(l, peer_membership(p)->network, "reaches", view_reach_json(&r)) ? 0 : -1;
	view_reach_table(&l->out, &r, terminal_width());
	return 0;
}

/* Opens the last good snapshot of one network and calls `show_it` with it. */
static void list_network(struct listing *l, const char *name,
			 int (*show_it)(struct listing *l, const struct this_peer *p))
{
	struct this_peer *p = NULL;
	struct diag *g;

	if (peer_open_any(&l->options, name, &p, &l->diags) < 0)
		return;
	if (l->target.n_networks > 1 && !option_given(l->inv, "json"))
		buf_printf(&l->out, "%s%s:\n", l->out.n ? "\n" : "", name);
	if (!peer_view(p)) {
		g = diag_error(&l->diags, "no-snapshot", NULL, "%s: no snapshot yet", name);
		if (peer_is_redeemed(p))
			diag_help(&l->diags, g, "fetch one: `innernet fetch %s`", name);
		else
			diag_help(&l->diags, g, "continue with its invitation: `innernet install INVITATION`");
	} else if (show_it(l, p) < 0) {
		diags_out_of_memory(&l->diags);
	}
	peer_close(p);
}

static void list_one(struct listing *l, int (*of_definition)(struct listing *l, const struct model *m),
		     int (*of_network)(struct listing *l, const struct this_peer *p))
{
	struct model *m;

	if (l->target.definition) {
		m = source_load(l->arena, l->target.definition, true, &l->diags);
		if (m && of_definition == list_definition)
			clone_open_for(m, false, &l->clone, &l->ledger, &l->diags);
		if (m && of_definition(l, m) < 0)
			diags_out_of_memory(&l->diags);
		return;
	}
	if (l->target.n_networks == 0) {
		struct diag *g = diag_error(&l->diags, "no-network", NULL, "this machine is in no network");
		diag_help(&l->diags, g, "name a definition: `innernet %s FILE`", l->inv->command->name);
	}
	if (l->target.n_networks > 1 && option_given(l->inv, "json")) {
		struct diag *g =
		    diag_error(&l->diags, "no-network", NULL, "this machine is in %zu networks", l->target.n_networks);
		diag_help(&l->diags, g, "name one of them: `innernet %s %s --json`", l->inv->command->name,
			  l->target.networks[0]);
		return;
	}
	for (size_t i = 0; i < l->target.n_networks; i++)
		list_network(l, l->target.networks[i], of_network);
}

/* `of_network` NULL: show_networks() lists a network. */
static int run(struct invocation *inv, int (*of_definition)(struct listing *l, const struct model *m),
	       int (*of_network)(struct listing *l, const struct this_peer *p))
{
	struct listing l = {.inv = inv};
	int code = FAILED;

	if (peer_options(inv, &l.options) < 0)
		return FAILED;
	l.arena = arena_new();
	l.diags.out_of_memory = !l.arena;
	if (l.arena && target_find(inv, &l.options, l.arena, &l.target, &l.diags) == 0) {
		if (!of_network && !l.target.definition) {
			code = show_networks(inv, &l.options, l.target.networks, l.target.n_networks);
		} else {
			list_one(&l, of_definition, of_network);
			code = print_buf(inv, &l.out) < 0 || l.diags.n_errors || l.diags.out_of_memory ? FAILED : DONE;
		}
	}
	report(inv, &l.diags, NULL);
	buf_free(&l.out);
	ledger_free(l.ledger);
	clone_close(l.clone);
	diags_free(&l.diags);
	arena_free(l.arena);
	return code;
}

static int run_list(struct invocation *inv)
{
	if (option_given(inv, "short") + option_given(inv, "tree") + option_given(inv, "json") > 1)
		return usage_error(inv, "one of --short, --tree and --json");
	return run(inv, list_definition, NULL);
}

static int run_cidrs(struct invocation *inv)
{
	if (option_given(inv, "tree") && option_given(inv, "json"))
		return usage_error(inv, "--tree or --json, not both");
	return run(inv, cidrs_of_definition, cidrs_of_network);
}

static int run_associations(struct invocation *inv)
{
	return run(inv, associations_of_definition, associations_of_network);
}

#define TARGET_TEXT                                                                                                    \
	"IFACE is a network of this machine: lists the part that this machine may see, from the last good snapshot,\n" \
	"and asks no server. FILE, or network.yaml of DIR: lists the definition on disk; it needs no network and no\n" \
	"rights. Without an argument: network.yaml of the current folder, else the networks of this machine."

const struct command command_list = {
    .name = "list",
    .synopsis = "[IFACE | FILE | DIR] [--short | --tree | --json]",
    .summary = "list the peers of a definition, or of a network as `show` does",
    .text = TARGET_TEXT,
    .example = "innernet list examples/network.yaml --tree",
    .options = list_options,
    .max_args = 1,
    .words = {WORD_TARGET},
    .run = run_list,
};

const struct command command_list_cidrs = {
    .name = "list-cidrs",
    .synopsis = "[IFACE | FILE | DIR] [--tree | --json]",
    .summary = "list the CIDRs of a definition, or those that this machine may see",
    .text = TARGET_TEXT
    "\n\nPEERS are the CIDR's own peers / all peers with those of the CIDRs under it, without disabled ones.",
    .example = "innernet list-cidrs --tree",
    .options = cidr_options,
    .max_args = 1,
    .words = {WORD_TARGET},
    .run = run_cidrs,
};

const struct command command_list_associations = {
    .name = "list-associations",
    .synopsis = "[IFACE | FILE | DIR] [--json]",
    .summary = "list the associations of a definition, or what this machine's CIDR reaches",
    .text = TARGET_TEXT
    "\n\nA snapshot has the peers that a peer reaches, not the lines of the definition that are the reason.",
    .example = "innernet list-associations",
    .options = association_options,
    .max_args = 1,
    .words = {WORD_TARGET},
    .run = run_associations,
};
