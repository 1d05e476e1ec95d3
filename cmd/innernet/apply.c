/* innernet apply: shows the plan, asks, applies it, and verifies that the second plan is empty. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"
#include "reconcile/show/plan.h"

#include <string.h>
#include <unistd.h>

static const struct option_spec options[] = {
    {"yes", 'y', NULL, "do not ask"},
    {"offline", 0, NULL, "ask no server; use the last good snapshot"},
    HOSTS_OPTIONS,
    DEFINITION_OPTIONS,
    {0},
};

/* Renders the current plan. Returns 0 when it is empty, 1 when it is not, -1 with a diagnostic. */
static int render(struct this_peer *p, struct buf *out, bool color, struct diags *d)
{
	struct arena *a = arena_new();
	struct plan *plan = a ? peer_plan(p, a, clock_unix(), d) : NULL;
	int n = -1;

	if (!a)
		diags_out_of_memory(d);
	if (plan) {
		plan_render_text(out, plan, color);
		n = !plan_is_empty(plan);
	}
	if (out->failed) {
		diags_out_of_memory(d);
		n = -1;
	}
	arena_free(a);
	return n;
}

static bool may_apply(const struct invocation *inv, struct diags *d)
{
	struct diag *g;

	if (option_given(inv, "yes"))
		return true;
	if (isatty(STDIN_FILENO)) {
		if (ask_yes("\nApply this plan?"))
			return true;
		diag_error(d, "not-confirmed", NULL, "nothing was changed");
		return false;
	}
	g = diag_error(d, "not-confirmed", NULL, "nothing was changed: there is no terminal to ask at");
	diag_help(d, g, "--yes applies without asking");
	return false;
}

/* Takes the lock and applies the plan if it is still the shown one; otherwise returns STALE. */
static int apply_shown(struct this_peer *p, const struct buf *shown, bool color, struct diags *d)
{
	struct buf again = {0};
	struct peer_turn turn;
	int code = FAILED;

	if (lock_network(p, d) < 0 || peer_refresh(p, clock_unix(), d) < 0 || render(p, &again, color, d) < 0)
		goto out;
	if (again.n != shown->n || memcmp(again.p, shown->p, shown->n) != 0) {
		struct diag *g =
		    diag_error(d, "plan-stale", NULL, "the interface or the network changed since the plan was made");
		if (peer_from_definition(p))
			diag_help(d, g, "show the new plan: `innernet plan` with the same --file and --as");
		else
			diag_help(d, g, "show the new plan: `innernet plan %s`", peer_ifname(p));
		code = STALE;
		goto out;
	}
	/* SEARCH_STAY: the endpoints stay as in the shown plan. */
	if (peer_converge(p, clock_unix(), 0, SEARCH_STAY, &turn, d) == 0) {
		printf("Applied: %u operation%s%s in %lld ms; the second plan is empty.\n", turn.interface.n_ops,
		       turn.interface.n_ops == 1 ? "" : "s", turn.names.wrote ? " and the names" : "",
		       (long long)turn.interface.ms);
		code = turn.names.problem[0] ? FAILED : DONE;
	}
out:
	peer_unlock(p);
	buf_free(&again);
	return code;
}

/* The plan is empty, but the record of the applied definition may be older: updates the record. */
static int note_applied(struct this_peer *p, struct diags *d)
{
	int code = lock_network(p, d) == 0 && peer_note_applied(p, d) == 0 ? DONE : FAILED;

	peer_unlock(p);
	return code;
}

static int run(struct invocation *inv)
{
	struct diags d = {0};
	struct peer_options o;
	struct this_peer *p;
	struct arena *a;
	struct buf shown = {0};
	bool color = use_color(inv, stdout), file = option_given(inv, "file");
	int n, code = check_definition_options(inv);

	if (code)
		return code;
	if (!file && !inv->n_args)
		return usage_error(inv, "apply: something is missing: IFACE, or --file FILE --as PEER --key FILE");
	code = FAILED;
	if (peer_options(inv, &o) < 0)
		return FAILED;
	a = arena_new();
	if (!a) {
		diags_out_of_memory(&d);
		report(inv, &d, NULL);
		return FAILED;
	}
	p = file ? open_definition(inv, &o, a, true)
		 : open_network(inv, &o, inv->args[0], !option_given(inv, "offline"));
	if (!p) {
		arena_free(a);
		return FAILED;
	}
	n = render(p, &shown, color, &d);
	if (n < 0 || print_buf(inv, &shown) < 0)
		goto out;
	if (n == 0)
		code = file ? note_applied(p, &d) : DONE;
	else
		code = may_apply(inv, &d) ? apply_shown(p, &shown, color, &d) : REFUSED;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	buf_free(&shown);
	peer_close(p);
	arena_free(a);
	return code;
}

const struct command command_apply = {
    .name = "apply",
    .synopsis = "(IFACE | --file FILE --as PEER --key FILE) [--yes] [--offline]",
    .summary = "make an interface what the network defines",
    .text = "Shows the plan and asks for 'yes'; without a terminal --yes is needed. Afterwards it reads the interface\n"
	    "again: the second plan must be empty. Exits with 3 when the plan was not confirmed, and with 4 when the\n"
	    "interface or the network changed while it asked.\n\n"
	    "With --file it applies a definition on this machine, for a network without a server: each machine has a\n"
	    "clone, pulls, and applies. The interface has the network's name; `down` and `uninstall` remove it.",
    .example = "sudo innernet apply corp",
    .options = options,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
