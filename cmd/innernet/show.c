/* innernet show: the networks as this machine sees them, with WireGuard's state of each peer. */
#include "cmd/innernet/show.h"
#include "cmd/innernet/commands.h"
#include "cmd/terminal.h"
#include "reconcile/text/json.h"
#include "reconcile/show/diag_json.h"
#include "reconcile/show/show_render.h"

static const struct option_spec options[] = {
    {"short", 's', NULL, "one line a peer, no tree"},
    {"tree", 't', NULL, "draw the lines of the tree"},
    {"json", 0, NULL, "one JSON document"},
    {0},
};

/* Reads one network and adds it to `list`, or to `text` when `list` is NULL. Returns -1 with a diagnostic. */
static int show_one(const struct invocation *inv, const struct peer_options *o, const char *name, struct buf *text,
		    json_t *list, struct diags *d)
{
	struct arena *a = arena_new();
	struct this_peer *p = NULL;
	struct device_state *device = NULL;
	const struct membership *m;
	struct daemon_state state;
	struct shown s;
	int r = -1;

	if (!a)
		return diags_out_of_memory(d);
	if (peer_open_any(o, name, &p, d) < 0 || device_read(a, name, &device, d) < 0)
		goto out;
	m = peer_membership(p);
	s = (struct shown){.network = m->network,
			   .interface = name,
			   .name = m->name,
			   .ip = m->ip,
			   .n_ips = m->n_ips,
			   .public_key = *peer_own_key(p),
			   .from_definition = peer_from_definition(p),
			   .redeemed = peer_is_redeemed(p),
			   .view = peer_view(p),
			   .device = device,
			   .own = peer_own_hint(p),
			   .daemon = peer_daemon_runs(p) && peer_daemon_state(p, &state) == 0 ? &state : NULL,
			   .now = clock_unix()};
	r = 0;
	if (text->n && !list)
		buf_char(text, '\n');
	if (list) {
		r = json_add(list, show_render_json(&s)) ? 0 : -1;
		d->out_of_memory = d->out_of_memory || r < 0;
	} else if (option_given(inv, "short")) {
		show_render_brief(text, &s);
	} else {
		show_render_tree(text, &s, option_given(inv, "tree") ? terminal_tree_style() : TREE_INDENT);
	}
out:
	peer_close(p);
	arena_free(a);
	return r;
}

int show_networks(const struct invocation *inv, const struct peer_options *o, const char *const *names, size_t n)
{
	json_t *list = option_given(inv, "json") ? json_array() : NULL;
	struct buf text = {0};
	struct diags d = {0};
	int code = DONE;

	if (n == 0 && !list)
		buf_printf(&text, "This machine is in no network (nothing in %s).\n" NO_NETWORK_HELP "\n",
			   o->config_dir);
	for (size_t i = 0; i < n; i++) {
		if (show_one(inv, o, names[i], &text, list, &d) < 0)
			code = FAILED;
	}
	if (list)
		json_render(&text, json_pack("{s:s, s:o, s:o*}", "format_version", "1.0", "networks", list,
					     "diagnostics", d.first ? diags_json(&d) : NULL));
	if (print_buf(inv, &text) < 0)
		code = FAILED;
	report(inv, &d, NULL);
	diags_free(&d);
	buf_free(&text);
	return code;
}

static int run(struct invocation *inv)
{
	struct arena *a = arena_new();
	const char *const *names = inv->args;
	size_t n = (size_t)inv->n_args;
	struct diags d = {0};
	struct peer_options o;
	int code = FAILED;

	if (peer_options(inv, &o) < 0)
		goto out;
	d.out_of_memory = !a;
	if (a && (n || peer_networks(a, &o, &names, &n, &d) == 0))
		code = show_networks(inv, &o, names, n);
	report(inv, &d, NULL);
out:
	diags_free(&d);
	arena_free(a);
	return code;
}

const struct command command_show = {
    .name = "show",
    .synopsis = "[IFACE] [--short] [--tree] [--json]",
    .summary = "show the networks, their CIDRs and peers, and which peers are connected",
    .text =
	"Reads the last good snapshot (for a network of `apply --file`, the applied definition) and the interface.\n"
	"Asks no server.",
    .example = "sudo innernet show corp",
    .options = options,
    .min_args = 0,
    .max_args = 1,
    .words = {WORD_NETWORK},
    .run = run,
};
