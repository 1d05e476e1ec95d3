#include "cmd/innernet/report.h"

#include "reconcile/text/json.h"

struct report {
	struct invocation *inv;
	struct peer_options options;
	struct buf out;
	json_t *list; /* NULL: text */
	int verdict;
};

static int add_network(struct report *r, const char *name, check_network_fn *fn)
{
	static const char *const ends[] = {"All checks pass.", "A check fails.",
					   "No check fails, but some have no result."};
	struct checks c = {.arena = arena_new()};
	struct buf title = {0};
	int verdict, done = -1;

	if (!c.arena)
		return -1;
	fn(&r->options, name, &c, &title);
	verdict = checks_verdict(&c);
	if (verdict && r->verdict != 1)
		r->verdict = verdict;
	if (r->list) {
		json_t *o = json_pack("{s:s, s:s, s:o}", "network", name, "verdict", checks_verdict_word(verdict),
				      "checks", checks_json(&c));
		done = json_add(r->list, o) ? 0 : -1;
	} else {
		buf_printf(&r->out, "%s%s\n", r->out.n ? "\n" : "", title.p ? title.p : name);
		checks_text(&r->out, &c, use_color(r->inv, stdout));
		buf_printf(&r->out, "%s\n", ends[verdict]);
		done = 0;
	}
	buf_free(&title);
	arena_free(c.arena);
	return done;
}

int report_networks(struct invocation *inv, check_network_fn *fn)
{
	struct report r = {.inv = inv};
	struct arena *a = arena_new();
	const char *const *names = inv->args;
	size_t n = (size_t)inv->n_args;
	struct diags d = {0};
	int code = 2;

	if (peer_options(inv, &r.options) < 0)
		goto out;
	d.out_of_memory = !a;
	if (!a || (n == 0 && peer_networks(a, &r.options, &names, &n, &d) < 0))
		goto out;
	if (n == 0) {
		no_network(r.options.config_dir, &d);
		goto out;
	}
	r.list = option_given(inv, "json") ? json_array() : NULL;
	for (size_t i = 0; i < n; i++)
		d.out_of_memory = add_network(&r, names[i], fn) < 0 || d.out_of_memory;
	if (r.list)
		json_render(&r.out, json_pack("{s:s, s:s, s:o}", "format_version", "1.0", "verdict",
					      checks_verdict_word(r.verdict), "networks", r.list));
	if (!d.out_of_memory && print_buf(inv, &r.out) == 0)
		code = r.verdict;
out:
	report(inv, &d, NULL);
	diags_free(&d);
	buf_free(&r.out);
	arena_free(a);
	return code;
}
