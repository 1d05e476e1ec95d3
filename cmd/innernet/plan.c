/* innernet plan: shows what `apply` would do to an interface, or what a change of the definition does to the network. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "cmd/innernet/plan_definition.h"
#include "cmd/innernet/plan_revisions.h"
#include "cmd/innernet/target.h"
#include "reconcile/text/json_value.h"
#include "reconcile/show/plan.h"

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    {"detailed-exitcode", 0, NULL, "exit with 2 when there are changes"},
    {"offline", 0, NULL, "of an interface: ask no server; use the last good snapshot"},
    HOSTS_OPTIONS,
    DEFINITION_OPTIONS,
    {"definition", 0, NULL, "the argument is a definition, even if a network has that name"},
    {"base", 0, "REV", "of a definition: compare with this revision (HEAD)"},
    {"head", 0, "REV", "of a definition: plan this revision, instead of the work tree"},
    {"merge-base", 0, NULL, "of a definition: compare with the common ancestor of --base and the head"},
    {"guard", 0, "FILE", "of a definition: apply the limits in FILE, as the server does"},
    {"markdown", 0, NULL, "of a definition: Markdown for one review comment"},
    {"full", 0, NULL, "of a definition: list each changed item, also where there are many of one kind"},
    {"suggest-tests", 0, NULL, "of a definition: suggest tests for gained access that no test covers"},
    {0},
};

static int print_json(const struct invocation *inv, const struct plan *plan)
{
	struct buf b = {0};
	json_t *json = plan_render_json(plan);
	int r;

	value_write(&b, json);
	r = print_buf(inv, &b);
	json_decref(json);
	buf_free(&b);
	return r;
}

static int print_text(const struct invocation *inv, const struct plan *plan)
{
	struct buf b = {0};
	int r;

	plan_render_text(&b, plan, use_color(inv, stdout));
	r = print_buf(inv, &b);
	buf_free(&b);
	return r;
}

/* Returns whether to plan an interface rather than a definition. */
static bool is_interface(const struct invocation *inv, const struct peer_options *o)
{
	return option_given(inv, "file") ||
	       (inv->n_args && !option_given(inv, "definition") && !option_given(inv, "base") &&
		!option_given(inv, "head") && !plan_is_range(inv->args[0]) && target_is_network(o, inv->args[0]));
}

static int run(struct invocation *inv)
{
	struct diags d = {0};
	struct peer_options o;
	struct this_peer *p;
	struct arena *a;
	struct plan *plan;
	int code = check_definition_options(inv);

	if (code)
		return code;
	if (peer_options(inv, &o) < 0)
		return FAILED;
	if (!is_interface(inv, &o))
		return plan_definition(inv);
	if (inv->n_args > 1)
		return usage_error(inv, "plan: one argument too many: '%s'", inv->args[1]);
	code = FAILED;
	a = arena_new();
	if (!a) {
		diags_out_of_memory(&d);
		report(inv, &d, NULL);
		return FAILED;
	}
	p = option_given(inv, "file") ? open_definition(inv, &o, a, false)
				      : open_network(inv, &o, inv->args[0], !option_given(inv, "offline"));
	if (!p) {
		arena_free(a);
		return FAILED;
	}
	plan = peer_plan(p, a, clock_unix(), &d);
	if (plan && (option_given(inv, "json") ? print_json(inv, plan) : print_text(inv, plan)) == 0)
		code = !plan_is_empty(plan) && option_given(inv, "detailed-exitcode") ? CHANGES : DONE;
	report(inv, &d, NULL);
	diags_free(&d);
	peer_close(p);
	arena_free(a);
	return code;
}

const struct command command_plan = {
    .name = "plan",
    .synopsis = "[IFACE | --file FILE --as PEER | [REV..REV | REV...REV] [FILE | DIR]] [--base REV] [--head REV] "
		"[--merge-base] [--json | --markdown] [--detailed-exitcode]",
    .summary = "show what `apply` would change on an interface, or what a change of the definition does",
    .text =
	"IFACE: fetches a new snapshot (if the interface is up), and compares the network's definition with the\n"
	"interface. Changes nothing. --file FILE --as PEER: the same from a definition, as for `apply`; the key is\n"
	"checked only when --key is given.\n\n"
	"FILE, or network.yaml of DIR or the current folder: compares the definition with its last commit, and\n"
	"shows which peers gain and lose each other, and what changes. BASE..HEAD compares two revisions; BASE...HEAD\n"
	"and --merge-base compare with their common ancestor, so that the plan shows the work of the head's branch\n"
	"alone. Outside of git everything is new. It needs no network and no rights. Exit code: 0 done, 1 error, 2 "
	"with --detailed-exitcode: there are changes, 3\n"
	"refused by a test, the ledger or a guard.",
    .example = "innernet plan origin/main...HEAD",
    .options = options,
    .max_args = 2,
    .words = {WORD_TARGET, WORD_FILE},
    .run = run,
};
