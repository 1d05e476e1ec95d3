/* innernet plan: what `apply` would do, and nothing of it. */
#include "cmd/innernet/commands.h"
#include "cmd/innernet/common.h"

#include <stdlib.h>
#include <string.h>

static const struct option_spec options[] = {
    {"json", 0, NULL, "one JSON document"},
    {"detailed-exitcode", 0, NULL, "exit with 2 when there are changes"},
    {"offline", 0, NULL, "ask no server: from the last good snapshot alone"},
    {0},
};

static int print_json(const struct invocation *inv, const struct plan *plan)
{
	struct buf b = {0};
	json_t *json = plan_render_json(plan);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int r;

	if (text)
		buf_printf(&b, "%s\n", text);
	else
		b.failed = true;
	r = print_buf(inv, &b);
	free(text);
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

static int run(struct invocation *inv)
{
	struct diags d = {0};
	struct peer_options o;
	struct this_peer *p;
	struct arena *a;
	struct plan *plan;
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		return FAILED;
	p = open_network(inv, &o, inv->args[0], !option_given(inv, "offline"));
	if (!p)
		return FAILED;
	a = arena_new();
	plan = a ? peer_plan(p, a, clock_unix(), &d) : NULL;
	if (!a)
		d.out_of_memory = true;
	if (plan && (option_given(inv, "json") ? print_json(inv, plan) : print_text(inv, plan)) == 0)
		code = plan->n_ops && option_given(inv, "detailed-exitcode") ? CHANGES : DONE;
	report(inv, &d, NULL);
	diags_free(&d);
	arena_free(a);
	peer_close(p);
	return code;
}

const struct command command_plan = {
    .name = "plan",
    .synopsis = "IFACE [--json] [--detailed-exitcode] [--offline]",
    .summary = "show what would be changed on an interface",
    .text = "Fetches what is new (where the interface is up), and compares what the network defines with the\n"
	    "interface as it is. Nothing is changed on it.",
    .example = "sudo innernet plan corp --detailed-exitcode",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
